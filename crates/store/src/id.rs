//! Names that sort by time: what comes later is stored behind what came before.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Names one session, in order of creation.
///
/// The identifier is not a secret: whoever may see a session is decided by the caller.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SessionId([u8; 16]);

/// Names one logical credential, however many copies of it a batch holds.
///
/// It never leaves the issuer: a credential carries no name that two verifiers could compare.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CredentialId([u8; 16]);

/// Names one message to an integrator's webhook; whoever gets it twice knows by this name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MessageId([u8; 16]);

/// Why a text is not an identifier: it is not exactly 32 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an identifier is 32 lower-case hexadecimal digits")]
pub struct ParseIdError;

/// RFC 9562 §5.7: 48 bits of milliseconds, then version and variant, then 74 random bits.
fn time_ordered(at: Timestamp, random: [u8; 10]) -> [u8; 16] {
    let milliseconds = u64::try_from(at.as_millisecond()).unwrap_or(0).to_be_bytes();
    let mut id = [0; 16];
    id[..6].copy_from_slice(&milliseconds[2..]);
    id[6..].copy_from_slice(&random);
    id[6] = 0x70 | (id[6] & 0x0f);
    id[8] = 0x80 | (id[8] & 0x3f);
    id
}

pub(crate) fn parse_hex(text: &str) -> Result<[u8; 16], ParseIdError> {
    let digits: &[u8; 32] = text.as_bytes().try_into().map_err(|_| ParseIdError)?;
    let mut id = [0; 16];
    for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Ok(id)
}

/// One spelling per identifier: upper case is refused, so no two texts name one row.
fn digit(character: u8) -> Result<u8, ParseIdError> {
    match character {
        b'0'..=b'9' => Ok(character - b'0'),
        b'a'..=b'f' => Ok(character - b'a' + 10),
        _ => Err(ParseIdError),
    }
}

macro_rules! time_ordered_id {
    ($name:ident) => {
        impl $name {
            /// Builds the identifier of something that begins `at` this moment, from fresh random
            /// bytes of the caller.
            #[must_use]
            pub fn new(at: Timestamp, random: [u8; 10]) -> Self {
                Self(time_ordered(at, random))
            }

            /// Reads an identifier back from its bytes, as a database column holds them.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The sixteen bytes, in sort order.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                parse_hex(text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = ParseIdError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

time_ordered_id!(SessionId);
time_ordered_id!(CredentialId);
time_ordered_id!(MessageId);

#[cfg(test)]
mod tests {
    use super::{ParseIdError, SessionId};

    #[test]
    fn is_the_version_seven_uuid_of_rfc_9562_appendix_a_6() {
        let random = [0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f];
        let id = SessionId::new("2022-02-22T14:22:22-05:00".parse().unwrap(), random);
        assert_eq!(id.to_string(), "017f22e279b07cc398c4dc0c0c07398f");
    }

    #[test]
    fn reads_back_what_it_writes() {
        let id = SessionId::new("2026-11-24T10:00:00Z".parse().unwrap(), [0xff; 10]);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(SessionId::from_bytes(*id.as_bytes()), id);
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, format!("\"{id}\""));
        assert_eq!(serde_json::from_str::<SessionId>(&json).unwrap(), id);
    }

    #[test]
    fn a_later_millisecond_sorts_behind_whatever_the_dice_say() {
        let early = SessionId::new("2026-11-24T10:00:00.001Z".parse().unwrap(), [0xff; 10]);
        let late = SessionId::new("2026-11-24T10:00:00.002Z".parse().unwrap(), [0; 10]);
        assert!(early < late);
        assert!(early.to_string() < late.to_string());
    }

    #[test]
    fn has_one_spelling_only() {
        let text = "019ab555e2007fffbfffffffffffffff";
        assert!(text.parse::<SessionId>().is_ok());
        for other in [
            text.to_uppercase(),
            text[1..].into(),
            format!("{text}0"),
            text.replace('0', "g"),
            "é".repeat(16),
        ] {
            assert_eq!(other.parse::<SessionId>(), Err(ParseIdError), "{other}");
        }
    }
}
