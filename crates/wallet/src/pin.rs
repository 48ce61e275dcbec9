//! The PIN that stands in for biometrics: tries are counted before they are judged, and each wrong one makes the next
//! wait longer.
//!
//! The count and its clock are in the database: neither a restart nor a clock that is set back shortens a wait. A clock
//! that is set forward does: a wallet has no other. The database key is the device's to guard, not the PIN's.

use lanyard_core::{Timestamp, crypto::CryptoProvider};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Wallet, consent::Authenticated, storage::StorageError};

/// How many digits a PIN has.
const DIGITS: std::ops::RangeInclusive<usize> = 6..=12;
/// How long to wait after so many wrong tries, in seconds: from the third on, and the last ever after.
const WAITS: [(u32, i64); 3] = [(3, 30), (4, 90), (5, 300)];

/// Why a PIN did not open anything.
#[derive(Debug, Error)]
pub enum PinRefused {
    /// There is none: other means are asked.
    #[error("no PIN is set")]
    NotSet,
    /// It was not the PIN.
    #[error("that was not the PIN")]
    Wrong {
        /// Seconds until the next try counts; 0 when it may be made at once.
        wait: u64,
    },
    /// Too many were wrong: this one was not looked at.
    #[error("too many wrong tries: the next may be made in {wait} seconds")]
    Locked {
        /// Seconds until a try counts again.
        wait: u64,
    },
    /// Not 6 to 12 digits.
    #[error("a PIN has 6 to 12 digits")]
    Form,
    /// One of those that are tried first.
    #[error("a PIN of one repeated digit, or of digits in a row, is guessed at once")]
    Easy,
    /// The wallet's database refused.
    #[error("{0}")]
    Storage(#[from] StorageError),
}

/// What is kept of a PIN.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct KeptPin {
    salt: [u8; 32],
    /// HMAC-SHA256 of the PIN under the salt. No slow hash: whoever reads this record has the key of everything else,
    /// and a million PINs are soon tried however slow one is.
    digest: [u8; 32],
    wrong: u32,
    last: Option<Timestamp>,
}

impl KeptPin {
    fn new(pin: &str, crypto: &dyn CryptoProvider) -> Self {
        let mut salt = [0; 32];
        crypto.fill(&mut salt);
        Self { digest: crypto.hmac_sha256(&salt, pin.as_bytes()), salt, wrong: 0, last: None }
    }

    /// Seconds until a try counts.
    fn wait(&self, now: Timestamp) -> u64 {
        let Some(last) = self.last else { return 0 };
        let wait = WAITS.iter().rev().find(|(wrong, _)| self.wrong >= *wrong);
        // a clock that was set back has not waited at all
        let waited = now.as_second().saturating_sub(last.as_second()).max(0);
        let left = wait.map_or(0, |(_, seconds)| seconds - waited);
        u64::try_from(left).unwrap_or(0)
    }

    /// Takes one try, before it is judged.
    fn count(self, now: Timestamp) -> Counted {
        match self.wait(now) {
            0 => Counted::Judge(Self {
                wrong: self.wrong.saturating_add(1),
                last: Some(now),
                ..self
            }),
            wait => {
                // what is left is waited for from now on, if the clock was set back
                let set_back = self.last.is_some_and(|last| now < last);
                let last = if set_back { Some(now) } else { self.last };
                Counted::Locked(Self { last, ..self }, wait)
            }
        }
    }

    fn is(&self, pin: &str, crypto: &dyn CryptoProvider) -> bool {
        // of what is longer than any PIN nothing is computed
        DIGITS.contains(&pin.len())
            && crypto.verify_hmac_sha256(&self.salt, pin.as_bytes(), &self.digest).is_ok()
    }
}

/// What comes of a try before it is judged.
enum Counted {
    /// It is not looked at; seconds until one is.
    Locked(KeptPin, u64),
    Judge(KeptPin),
}

impl Wallet {
    /// Whether there is a PIN.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn has_pin(&self) -> Result<bool, StorageError> {
        Ok(self.0.storage.pin()?.is_some())
    }

    /// Seconds until a try counts; 0 when one may be made now.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn pin_wait(&self) -> Result<u64, StorageError> {
        Ok(self.0.storage.pin()?.map_or(0, |pin| pin.wait(self.now())))
    }

    /// Sets a PIN, in the place of the one that the holder shows they know.
    ///
    /// # Errors
    /// [`PinRefused`]: of the new one its form, of the present one as [`Wallet::try_pin`].
    pub fn set_pin(&self, pin: &str, present: Option<&str>) -> Result<(), PinRefused> {
        check(pin)?;
        let new = KeptPin::new(pin, self.0.ports.crypto.as_ref());
        self.replace_pin(present.unwrap_or_default(), Some(new))
    }

    /// Asks for no PIN any more.
    ///
    /// # Errors
    /// As [`Wallet::try_pin`].
    pub fn remove_pin(&self, present: &str) -> Result<(), PinRefused> {
        self.replace_pin(present, None)
    }

    /// One transaction, so that no other process sets a PIN in between; whoever is killed in it has learnt nothing.
    fn replace_pin(&self, present: &str, next: Option<KeptPin>) -> Result<(), PinRefused> {
        let (now, crypto) = (self.now(), self.0.ports.crypto.as_ref());
        self.0.storage.change_pin(|kept| match kept.map(|kept| kept.count(now)) {
            None if next.is_none() => (None, Err(PinRefused::NotSet)),
            None => (next, Ok(())),
            Some(Counted::Locked(kept, wait)) => (Some(kept), Err(PinRefused::Locked { wait })),
            Some(Counted::Judge(kept)) if kept.is(present, crypto) => (next, Ok(())),
            Some(Counted::Judge(kept)) => {
                let wait = kept.wait(now);
                (Some(kept), Err(PinRefused::Wrong { wait }))
            }
        })?
    }

    /// Judges a PIN that the holder typed: who knows it is authenticated.
    ///
    /// The try is written down before it is judged, so that an app that is killed in between has used it up.
    ///
    /// # Errors
    /// [`PinRefused`].
    pub fn try_pin(&self, pin: &str) -> Result<Authenticated, PinRefused> {
        let (now, crypto) = (self.now(), self.0.ports.crypto.as_ref());
        let counted = self.0.storage.change_pin(|kept| match kept.map(|kept| kept.count(now)) {
            None => (None, Err(PinRefused::NotSet)),
            Some(Counted::Locked(kept, wait)) => (Some(kept), Err(PinRefused::Locked { wait })),
            Some(Counted::Judge(kept)) => (Some(kept.clone()), Ok(kept)),
        })?;
        match counted? {
            kept if kept.is(pin, crypto) => {
                // another process may have set another PIN meanwhile: that one stands
                let forgiven = |one: KeptPin| match one.salt == kept.salt {
                    true => KeptPin { wrong: 0, last: None, ..one },
                    false => one,
                };
                self.0.storage.change_pin(|now| (now.map(forgiven), ()))?;
                Ok(Authenticated::by_pin())
            }
            kept => Err(PinRefused::Wrong { wait: kept.wait(now) }),
        }
    }
}

fn check(pin: &str) -> Result<(), PinRefused> {
    if !DIGITS.contains(&pin.len()) || !pin.bytes().all(|one| one.is_ascii_digit()) {
        return Err(PinRefused::Form);
    }
    let steps = || pin.as_bytes().windows(2).map(|pair| i16::from(pair[1]) - i16::from(pair[0]));
    let in_a_row = [0, 1, -1].into_iter().any(|step| steps().all(|own| own == step));
    if in_a_row { Err(PinRefused::Easy) } else { Ok(()) }
}
