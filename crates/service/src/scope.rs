//! What an API key may be used for.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// One thing that an integrator may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Make, decide and withdraw credential offers.
    OffersWrite,
    /// See what became of credential offers.
    OffersRead,
    /// Make and cancel presentation requests.
    RequestsWrite,
    /// See what became of presentation requests, with the claims that were presented.
    RequestsRead,
    /// Look issued credentials up.
    CredentialsRead,
    /// Suspend, reinstate, revoke and reissue credentials.
    CredentialsWrite,
    /// Issue by the VC API.
    CredentialsIssue,
    /// Verify and derive by the VC API.
    CredentialsVerify,
    /// See which messages went to webhooks.
    MessagesRead,
    /// Have messages delivered again.
    MessagesWrite,
    /// Erase what is known about a subject.
    SubjectsErase,
}

impl Scope {
    /// Every scope there is.
    pub const ALL: [Self; 11] = [
        Self::OffersWrite,
        Self::OffersRead,
        Self::RequestsWrite,
        Self::RequestsRead,
        Self::CredentialsRead,
        Self::CredentialsWrite,
        Self::CredentialsIssue,
        Self::CredentialsVerify,
        Self::MessagesRead,
        Self::MessagesWrite,
        Self::SubjectsErase,
    ];

    /// Its name in configuration, answers and the API's description. Released names never change.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OffersWrite => "offers:write",
            Self::OffersRead => "offers:read",
            Self::RequestsWrite => "requests:write",
            Self::RequestsRead => "requests:read",
            Self::CredentialsRead => "credentials:read",
            Self::CredentialsWrite => "credentials:write",
            Self::CredentialsIssue => "credentials:issue",
            Self::CredentialsVerify => "credentials:verify",
            Self::MessagesRead => "messages:read",
            Self::MessagesWrite => "messages:write",
            Self::SubjectsErase => "subjects:erase",
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A text that names no scope.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("there is no such scope")]
pub struct UnknownScope;

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text).ok_or(UnknownScope)
    }
}

/// A set of scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes(u16);

impl Scopes {
    /// All there are, those of later versions included.
    pub const EVERY: Self = Self(u16::MAX);

    /// Whether a scope is among them.
    pub const fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    pub(crate) const fn bits(self) -> u16 {
        self.0
    }

    pub(crate) const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<T: IntoIterator<Item = Scope>>(scopes: T) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_is_read_back_by_its_name_and_is_a_bit_of_its_own() {
        let mut seen = 0;
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse(), Ok(scope));
            assert_eq!(seen & scope.bit(), 0, "{scope}");
            seen |= scope.bit();
            assert!(Scopes::EVERY.has(scope));
            assert!(!Scopes::default().has(scope));
        }
        assert_eq!("offers:*".parse::<Scope>(), Err(UnknownScope));
    }
}
