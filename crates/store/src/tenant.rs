//! The name under which an enterprise keeps everything it owns.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The longest tenant name: one DNS label, so that it fits a path segment and a host name alike.
const LONGEST: usize = 63;

/// A tenant's name, `[a-z0-9-]{1,63}`: the first part of every key in the store.
///
/// Names are compared byte by byte and have one spelling only, so `Demo` is not a way to reach
/// `demo`. Cloning is cheap.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantId(Arc<str>);

impl TenantId {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TenantId {
    type Err = ParseTenantIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(ParseTenantIdError::Empty);
        }
        if text.len() > LONGEST {
            return Err(ParseTenantIdError::TooLong);
        }
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !text.bytes().all(allowed) {
            return Err(ParseTenantIdError::Character);
        }
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for TenantId {
    type Error = ParseTenantIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<TenantId> for String {
    fn from(tenant: TenantId) -> Self {
        tenant.as_str().to_owned()
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TenantId({})", self.0)
    }
}

/// Why a text is not a tenant name. The text itself is not repeated: it may come from a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseTenantIdError {
    /// The text is empty.
    #[error("a tenant name cannot be empty")]
    Empty,
    /// The text is longer than 63 bytes.
    #[error("a tenant name has at most {LONGEST} characters")]
    TooLong,
    /// The text holds something else than `a`–`z`, `0`–`9` and `-`.
    #[error("a tenant name is made of a-z, 0-9 and - only")]
    Character,
}

#[cfg(test)]
mod tests {
    use super::{ParseTenantIdError, TenantId};

    #[test]
    fn takes_a_dns_label() {
        let longest = "a".repeat(63);
        for name in ["demo", "a", "0", "acme-2", longest.as_str()] {
            assert_eq!(name.parse::<TenantId>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn refuses_what_is_not_one_plain_path_segment() {
        assert_eq!("".parse::<TenantId>(), Err(ParseTenantIdError::Empty));
        let long = "a".repeat(64);
        assert_eq!(long.parse::<TenantId>(), Err(ParseTenantIdError::TooLong));
        for name in ["Demo", "..", "a/b", "a%2e", "a b", "é", "a\0", "a_b", "a'--"] {
            assert_eq!(name.parse::<TenantId>(), Err(ParseTenantIdError::Character), "{name}");
        }
    }

    #[test]
    fn json_goes_through_the_same_door() {
        assert_eq!(
            serde_json::to_string(&"demo".parse::<TenantId>().unwrap()).unwrap(),
            "\"demo\""
        );
        assert!(serde_json::from_str::<TenantId>("\"demo\"").is_ok());
        let error = serde_json::from_str::<TenantId>("\"DEMO\"").unwrap_err();
        assert!(error.to_string().starts_with(&ParseTenantIdError::Character.to_string()));
    }
}
