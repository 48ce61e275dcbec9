//! What became of a credential after it was issued.
//!
//! Reading order: a credential holds a [`StatusReference`]; the list it leads to is a
//! [`token_status_list`], or a [`bitstring_status_list`] for W3C credentials, whose signature and times are
//! checked before a [`Status`] is read from it. A [`StatusChecker`] does all of that, for
//! [`PresentationVerifier`](crate::verify::PresentationVerifier::with_status).

pub mod bitstring_status_list;
mod check;
mod deflate;
mod freshness;
mod inflate;
mod kept;
mod reading;
mod reference;
pub mod token_status_list;

pub use check::{
    PublishedStatusList, StatusCheck, StatusChecker, StatusError, StatusListSource,
    StatusListUnavailable, StatusQuestion,
};
pub use deflate::Pieces;
pub use freshness::Freshness;
pub use inflate::InflateError;
pub(crate) use inflate::inflate;
pub use reading::{ReadList, StatusReading};
pub(crate) use reference::StatusClaim;
pub use reference::{StatusListUri, StatusMechanism, StatusReference};

/// The longest list that is read as it goes over the wire, in bytes.
///
/// 2^24 statuses of one bit that do not compress at all are 2 MiB; base64url twice, inside a JSON string
/// inside a JWT, makes 3.6 MiB of them, and a million statuses of eight bits 1.8 MiB.
pub const MAX_TOKEN: usize = 5 << 20;

/// What an issuer says about a credential now (Token Status List §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// `0x00`: valid, correct or legal.
    Valid,
    /// `0x01`: revoked, annulled, taken back; for good.
    Invalid,
    /// `0x02`: not valid for the time being.
    Suspended,
    /// `0x03` and `0x0C` to `0x0F`: whatever issuer and verifier agreed on.
    ApplicationSpecific(u8),
    /// Every other value: registered for nothing yet.
    Unassigned(u8),
}

impl Status {
    /// The status that a value in a list stands for.
    pub const fn from_value(value: u8) -> Self {
        match value {
            0x00 => Self::Valid,
            0x01 => Self::Invalid,
            0x02 => Self::Suspended,
            0x03 | 0x0c..=0x0f => Self::ApplicationSpecific(value),
            _ => Self::Unassigned(value),
        }
    }

    /// The value that goes into a list.
    pub const fn value(self) -> u8 {
        match self {
            Self::Valid => 0x00,
            Self::Invalid => 0x01,
            Self::Suspended => 0x02,
            Self::ApplicationSpecific(value) | Self::Unassigned(value) => value,
        }
    }
}
