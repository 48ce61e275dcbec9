//! The body an integrator makes an offer with.

use lanyard_core::json::{self, Object};
use lanyard_oid4vci::CredentialConfigurationId;
use serde_json::Value;
use thiserror::Error;

/// What an integrator wants to offer.
#[derive(Clone, Debug)]
pub struct NewOfferRequest {
    /// Which credentials, with the claims for each.
    pub credentials: Vec<CredentialToOffer>,
    /// Whether the holder has to type in a code; it is generated.
    pub tx_code: bool,
    /// Whether the link leads to the offer instead of carrying it.
    pub by_reference: bool,
}

/// One credential of an offer.
#[derive(Clone)]
pub struct CredentialToOffer {
    /// Which configuration.
    pub configuration: CredentialConfigurationId,
    /// What it says about its subject.
    pub claims: Object,
}

/// Claims are not for logs.
impl std::fmt::Debug for CredentialToOffer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "CredentialToOffer({})", self.configuration)
    }
}

/// Why the body of an offer request cannot be read; names members, never their values.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum OfferRequestFault {
    /// Not strict JSON, or no object.
    #[error("the body is not a JSON object")]
    Malformed,
    /// A member that means nothing here.
    #[error("there is no member {member}; known are {known}")]
    UnknownMember {
        /// Its name.
        member: String,
        /// What there is.
        known: &'static str,
    },
    /// Neither form of naming credentials, or both.
    #[error("name the credentials in credentials, or one in configuration and claims")]
    NotExactlyOneForm,
    /// A member of another JSON type.
    #[error("{member} must be {expected}")]
    WrongType {
        /// Its name.
        member: &'static str,
        /// The type.
        expected: &'static str,
    },
    /// A member is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
}

impl NewOfferRequest {
    /// Reads the body: strict JSON, unknown members refused.
    ///
    /// Either `{"credentials": [{"configuration": …, "claims": {…}}, …]}` or, for one credential,
    /// `{"configuration": …, "claims": {…}}`; and `tx_code` and `by_reference`, true or false.
    ///
    /// # Errors
    /// One [`OfferRequestFault`] per rule.
    pub fn parse(body: &[u8]) -> Result<Self, OfferRequestFault> {
        let mut members = json::parse_object(body).map_err(|_| OfferRequestFault::Malformed)?;
        let tx_code = flag(&mut members, "tx_code")?.unwrap_or(false);
        let by_reference = flag(&mut members, "by_reference")?.unwrap_or(true);
        let short = members.contains_key("configuration") || members.contains_key("claims");
        let credentials = match (members.shift_remove("credentials"), short) {
            (Some(list), false) => {
                refuse_unknown(&members, "credentials, tx_code, by_reference")?;
                let list = list.as_array().cloned().ok_or(OfferRequestFault::WrongType {
                    member: "credentials",
                    expected: "an array",
                })?;
                list.into_iter().map(CredentialToOffer::parse).collect::<Result<_, _>>()?
            }
            (None, true) => {
                let one = CredentialToOffer::take_from(&mut members)?;
                refuse_unknown(&members, "configuration, claims, tx_code, by_reference")?;
                vec![one]
            }
            _ => return Err(OfferRequestFault::NotExactlyOneForm),
        };
        Ok(Self { credentials, tx_code, by_reference })
    }
}

impl CredentialToOffer {
    fn parse(value: Value) -> Result<Self, OfferRequestFault> {
        let Value::Object(mut members) = value else {
            return Err(OfferRequestFault::WrongType {
                member: "credentials",
                expected: "an array of objects",
            });
        };
        let credential = Self::take_from(&mut members)?;
        refuse_unknown(&members, "configuration, claims")?;
        Ok(credential)
    }

    fn take_from(members: &mut Object) -> Result<Self, OfferRequestFault> {
        let configuration = match members.shift_remove("configuration") {
            Some(Value::String(name)) => CredentialConfigurationId::new(name),
            Some(_) => {
                let (member, expected) = ("configuration", "a string");
                return Err(OfferRequestFault::WrongType { member, expected });
            }
            None => return Err(OfferRequestFault::Missing("configuration")),
        };
        let claims = match members.shift_remove("claims") {
            Some(Value::Object(claims)) => claims,
            Some(_) => {
                let (member, expected) = ("claims", "an object");
                return Err(OfferRequestFault::WrongType { member, expected });
            }
            None => return Err(OfferRequestFault::Missing("claims")),
        };
        Ok(Self { configuration, claims })
    }
}

fn flag(members: &mut Object, member: &'static str) -> Result<Option<bool>, OfferRequestFault> {
    match members.shift_remove(member) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(flag)),
        Some(_) => Err(OfferRequestFault::WrongType { member, expected: "true or false" }),
    }
}

fn refuse_unknown(left: &Object, known: &'static str) -> Result<(), OfferRequestFault> {
    match left.keys().next() {
        None => Ok(()),
        Some(member) => {
            let member = member.chars().take(64).collect();
            Err(OfferRequestFault::UnknownMember { member, known })
        }
    }
}
