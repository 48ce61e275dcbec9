//! One small enum for each decision that the app makes.

use lanyard_wallet::{
    AcceptError as Accept, ConsentError as Consent, InventoryError, IssuanceError,
    OpenError as Open, PinRefused, PresentationError,
    ports::NotAuthenticated,
    protocol::{AnswerRefused, NothingFits},
    storage::StorageError,
};
use thiserror::Error;

use crate::{once::Used, runtime::Stopped};

/// Why the wallet did not open.
#[derive(Debug, Error, uniffi::Error)]
pub enum OpenError {
    /// The device did not give out the database key: ask the holder to unlock it.
    #[error("the key of the wallet's database is not available")]
    KeyUnavailable,
    /// The database was made with another key: this device cannot read it any more.
    #[error("the wallet's database was made with another key")]
    WrongKey,
    /// The app is older than the database: update it.
    #[error("the wallet's database is of a newer version")]
    NewerVersion,
    /// Another process has the database: try again.
    #[error("another process has the wallet's database")]
    Busy,
    /// The settings or the file are not usable.
    #[error("{reason}")]
    Unusable {
        /// What is wrong.
        reason: String,
    },
}

/// Why the database did not do as asked.
#[derive(Debug, Error, uniffi::Error)]
pub enum StoreError {
    /// Another process has the database: try again.
    #[error("another process has the wallet's database")]
    Busy,
    /// It cannot be used now; nothing was lost.
    #[error("{reason}")]
    Unusable {
        /// What is wrong.
        reason: String,
    },
}

/// Why an offer cannot be shown.
#[derive(Debug, Error, uniffi::Error)]
pub enum OfferError {
    /// The issuer cannot be reached: try again.
    #[error("{reason}")]
    Unreachable {
        /// What is in the way.
        reason: String,
    },
    /// Final.
    #[error("{reason}")]
    Refused {
        /// The stable code of the reason.
        code: String,
        /// What is wrong, for the holder.
        reason: String,
    },
}

/// Why an offer was not accepted.
#[derive(Debug, Error, uniffi::Error)]
pub enum AcceptError {
    /// The code was not sent, as it does not look as announced: ask again, on the same object.
    #[error("the code does not look as the issuer announced")]
    TxCodeForm,
    /// The issuer refused the code: ask again, on the same object.
    #[error("the issuer refused the code")]
    TxCodeWrong,
    /// The issuer could not be reached: accept again, on the same object.
    #[error("{reason}")]
    TryAgain {
        /// What is in the way.
        reason: String,
        /// After how many seconds, where the issuer says how many.
        wait_seconds: Option<u64>,
    },
    /// The object was used before.
    #[error("this offer was used already")]
    AlreadyUsed,
    /// Final.
    #[error("{reason}")]
    Failed {
        /// The stable code of the reason.
        code: String,
        /// What is wrong, for the holder.
        reason: String,
    },
}

/// Why a login came to nothing.
#[derive(Debug, Error, uniffi::Error)]
pub enum LoginError {
    /// The holder declined at the issuer.
    #[error("{reason}")]
    Declined {
        /// What the issuer said.
        reason: String,
    },
    /// The link belongs to no login of this wallet.
    #[error("{reason}")]
    NotOurs {
        /// Why.
        reason: String,
    },
    /// The issuer could not be reached.
    #[error("{reason}")]
    Unreachable {
        /// What is in the way.
        reason: String,
    },
    /// The object was used before.
    #[error("this login was used already")]
    AlreadyUsed,
    /// Final.
    #[error("{reason}")]
    Failed {
        /// The stable code of the reason.
        code: String,
        /// What is wrong, for the holder.
        reason: String,
    },
}

/// Why a request cannot be shown.
#[derive(Debug, Error, uniffi::Error)]
pub enum RequestError {
    /// The verifier cannot be reached: try again.
    #[error("{reason}")]
    Unreachable {
        /// What is in the way.
        reason: String,
    },
    /// Final; nothing was sent.
    #[error("{reason}")]
    Refused {
        /// The stable code of the reason.
        code: String,
        /// What is wrong, for the holder.
        reason: String,
    },
}

/// Why there is no consent; nothing was sent.
#[derive(Debug, Error, uniffi::Error)]
pub enum ConsentError {
    /// The wallet holds nothing that fits: tell the holder, then decline.
    #[error("the wallet holds nothing that answers the request")]
    NothingFits,
    /// What was picked does not answer the request: let the holder pick again.
    #[error("{reason}")]
    Selection {
        /// Which rule it breaks.
        reason: String,
    },
    /// The holder did not authenticate: they may try again.
    #[error("the holder did not authenticate")]
    NotAuthenticated,
    /// The request was answered or declined before.
    #[error("this request was used already")]
    AlreadyUsed,
}

/// Why an answer did not arrive.
#[derive(Debug, Error, uniffi::Error)]
pub enum AnswerError {
    /// The verifier cannot be reached.
    #[error("{reason}")]
    Unreachable {
        /// What is in the way.
        reason: String,
    },
    /// The verifier did not take the answer.
    #[error("{reason}")]
    NotTaken {
        /// What it said.
        reason: String,
    },
    /// The request or the consent was used before.
    #[error("this request was used already")]
    AlreadyUsed,
    /// The answer could not be made; nothing was sent.
    #[error("{reason}")]
    Failed {
        /// The stable code of the reason.
        code: String,
        /// What is wrong, for the holder.
        reason: String,
    },
}

/// Why a PIN did not open anything.
#[derive(Debug, Error, uniffi::Error)]
pub enum PinError {
    /// There is none: ask by other means.
    #[error("no PIN is set")]
    NotSet,
    /// It was not the PIN: ask again, after so many seconds.
    #[error("that was not the PIN")]
    Wrong {
        /// 0 when the next try may be made at once.
        wait_seconds: u64,
    },
    /// Too many were wrong, and this one was not looked at: wait so many seconds.
    #[error("too many wrong tries")]
    Locked {
        /// Until a try counts again.
        wait_seconds: u64,
    },
    /// Not 6 to 12 digits: let the holder choose another.
    #[error("a PIN has 6 to 12 digits")]
    Form,
    /// Too easily guessed: let the holder choose another.
    #[error("a PIN of one repeated digit, or of digits in a row, is guessed at once")]
    Easy,
    /// The database cannot be used now.
    #[error("{reason}")]
    Unusable {
        /// What is wrong.
        reason: String,
    },
}

/// Why an inventory does not open.
#[derive(Debug, Error, uniffi::Error)]
pub enum RecoveryError {
    /// Not a recovery code: a slip of the pen.
    #[error("this is not a recovery code")]
    Code,
    /// Another code, or the file was changed.
    #[error("the recovery code does not open this file")]
    Closed,
}

const STOPPED: &str = "the wallet stopped unexpectedly";

impl From<Open> for OpenError {
    fn from(error: Open) -> Self {
        match error {
            Open::Storage(StorageError::KeyUnavailable) => Self::KeyUnavailable,
            Open::Storage(StorageError::WrongKey) => Self::WrongKey,
            Open::Storage(StorageError::NewerSchema { .. }) => Self::NewerVersion,
            Open::Storage(StorageError::Busy) => Self::Busy,
            other => Self::Unusable { reason: other.to_string() },
        }
    }
}

impl From<StorageError> for StoreError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Busy => Self::Busy,
            other => Self::Unusable { reason: other.to_string() },
        }
    }
}

impl From<IssuanceError> for OfferError {
    fn from(error: IssuanceError) -> Self {
        let (code, reason) = (error.code().to_owned(), error.to_string());
        match error {
            IssuanceError::Fetch(_) => Self::Unreachable { reason },
            _ => Self::Refused { code, reason },
        }
    }
}

impl From<&Accept> for AcceptError {
    fn from(error: &Accept) -> Self {
        let (code, reason) = (error.code().to_owned(), error.to_string());
        match error {
            Accept::TxCodeForm(..) => Self::TxCodeForm,
            Accept::TxCodeWrong(_) => Self::TxCodeWrong,
            Accept::TryAgain(_, _, wait) => Self::TryAgain { reason, wait_seconds: *wait },
            Accept::Failed(_) => Self::Failed { code, reason },
        }
    }
}

impl From<IssuanceError> for LoginError {
    fn from(error: IssuanceError) -> Self {
        let (code, reason) = (error.code().to_owned(), error.to_string());
        match error {
            IssuanceError::Login(AnswerRefused::Error(..)) => Self::Declined { reason },
            IssuanceError::Login(_) => Self::NotOurs { reason },
            IssuanceError::Fetch(_) => Self::Unreachable { reason },
            _ => Self::Failed { code, reason },
        }
    }
}

impl From<PresentationError> for RequestError {
    fn from(error: PresentationError) -> Self {
        let (code, reason) = (error.code().to_owned(), error.to_string());
        match error {
            PresentationError::Fetch(_) => Self::Unreachable { reason },
            _ => Self::Refused { code, reason },
        }
    }
}

impl From<Consent> for ConsentError {
    fn from(error: Consent) -> Self {
        match error {
            Consent::NothingFits(_) => Self::NothingFits,
            Consent::Selection(error) => Self::Selection { reason: error.to_string() },
            Consent::NotAuthenticated(_) => Self::NotAuthenticated,
        }
    }
}

impl From<NothingFits> for ConsentError {
    fn from(NothingFits: NothingFits) -> Self {
        Self::NothingFits
    }
}

impl From<NotAuthenticated> for ConsentError {
    fn from(NotAuthenticated: NotAuthenticated) -> Self {
        Self::NotAuthenticated
    }
}

impl From<PresentationError> for AnswerError {
    fn from(error: PresentationError) -> Self {
        let (code, reason) = (error.code().to_owned(), error.to_string());
        match error {
            PresentationError::Fetch(_) => Self::Unreachable { reason },
            PresentationError::Reply(_) => Self::NotTaken { reason },
            _ => Self::Failed { code, reason },
        }
    }
}

impl From<InventoryError> for RecoveryError {
    fn from(error: InventoryError) -> Self {
        match error {
            InventoryError::Code => Self::Code,
            InventoryError::Closed => Self::Closed,
        }
    }
}

impl From<PinRefused> for PinError {
    fn from(error: PinRefused) -> Self {
        match error {
            PinRefused::NotSet => Self::NotSet,
            PinRefused::Wrong { wait } => Self::Wrong { wait_seconds: wait },
            PinRefused::Locked { wait } => Self::Locked { wait_seconds: wait },
            PinRefused::Form => Self::Form,
            PinRefused::Easy => Self::Easy,
            PinRefused::Storage(error) => Self::Unusable { reason: error.to_string() },
        }
    }
}

impl From<Stopped> for PinError {
    fn from(Stopped: Stopped) -> Self {
        Self::Unusable { reason: STOPPED.to_owned() }
    }
}

impl From<Stopped> for StoreError {
    fn from(Stopped: Stopped) -> Self {
        Self::Unusable { reason: STOPPED.to_owned() }
    }
}

impl From<Stopped> for OpenError {
    fn from(Stopped: Stopped) -> Self {
        Self::Unusable { reason: STOPPED.to_owned() }
    }
}

impl From<Stopped> for ConsentError {
    fn from(Stopped: Stopped) -> Self {
        Self::NotAuthenticated
    }
}

impl From<Used> for AcceptError {
    fn from(Used: Used) -> Self {
        Self::AlreadyUsed
    }
}

impl From<Used> for LoginError {
    fn from(Used: Used) -> Self {
        Self::AlreadyUsed
    }
}

impl From<Used> for ConsentError {
    fn from(Used: Used) -> Self {
        Self::AlreadyUsed
    }
}

impl From<Used> for AnswerError {
    fn from(Used: Used) -> Self {
        Self::AlreadyUsed
    }
}

/// The stable code of what never should have happened.
fn stopped() -> (String, String) {
    ("wallet_stopped".to_owned(), STOPPED.to_owned())
}

impl From<Stopped> for OfferError {
    fn from(Stopped: Stopped) -> Self {
        let (code, reason) = stopped();
        Self::Refused { code, reason }
    }
}

impl From<Stopped> for RequestError {
    fn from(Stopped: Stopped) -> Self {
        let (code, reason) = stopped();
        Self::Refused { code, reason }
    }
}

impl From<Stopped> for AcceptError {
    fn from(Stopped: Stopped) -> Self {
        let (code, reason) = stopped();
        Self::Failed { code, reason }
    }
}

impl From<Stopped> for LoginError {
    fn from(Stopped: Stopped) -> Self {
        let (code, reason) = stopped();
        Self::Failed { code, reason }
    }
}

impl From<Stopped> for AnswerError {
    fn from(Stopped: Stopped) -> Self {
        let (code, reason) = stopped();
        Self::Failed { code, reason }
    }
}
