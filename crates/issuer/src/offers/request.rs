//! The body an integrator makes an offer with.

use lanyard_core::json::{self, Object};
use lanyard_oid4vci::CredentialConfigurationId;
use serde_json::Value;
use thiserror::Error;

use crate::Subject;

/// What an integrator wants to offer.
#[derive(Clone, Debug)]
pub struct NewOfferRequest {
    /// Which credentials, with the claims for each.
    pub credentials: Vec<CredentialToOffer>,
    /// Which credentials have their claims looked up once the holder has logged in.
    pub looked_up: Vec<CredentialConfigurationId>,
    /// Whether the holder may, or has to, log in.
    pub login: Option<LoginToOffer>,
    /// Whether the holder has to type in a code; it is generated.
    pub tx_code: bool,
    /// Whether the link leads to the offer instead of carrying it.
    pub by_reference: bool,
    /// Whether what is offered has to wait.
    pub deferral: Deferral,
    /// Whom it is about, in the integrator's own words.
    pub subject: Option<Subject>,
}

/// Whether what is offered has to wait (OID4VCI 1.0 §9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deferral {
    /// It is issued as soon as a wallet asks.
    #[default]
    None,
    /// It is issued from so many seconds after the offer on.
    Seconds(u32),
    /// It is issued when the integrator says so.
    UntilDecided,
}

/// How the holder of an offer logs in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoginToOffer {
    /// Who has to log in; needed when the offer brings claims.
    pub holder: Option<String>,
    /// Whether it is the only way: there is no pre-authorized code then.
    pub only: bool,
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
    /// `{"configuration": …, "claims": {…}}`; and `tx_code` and `by_reference`, true or false; and
    /// `deferral`, a number of seconds or `"until_decided"`.
    /// `login` lets the holder log in, `"only"` or `"too"`, and `holder` names who that has to be;
    /// `subject` is the integrator's own reference to whom it is about;
    /// where logging in is the only way, `claims` may be left out and are looked up.
    ///
    /// # Errors
    /// One [`OfferRequestFault`] per rule.
    pub fn parse(body: &[u8]) -> Result<Self, OfferRequestFault> {
        let mut members = json::parse_object(body).map_err(|_| OfferRequestFault::Malformed)?;
        let tx_code = flag(&mut members, "tx_code")?.unwrap_or(false);
        let by_reference = flag(&mut members, "by_reference")?.unwrap_or(true);
        let deferral = deferral(&mut members)?;
        let subject = subject(&mut members)?;
        let login = LoginToOffer::take_from(&mut members)?;
        let only = login.as_ref().is_some_and(|login| login.only);
        let short = members.contains_key("configuration") || members.contains_key("claims");
        let all: Vec<(CredentialConfigurationId, Option<Object>)> = match (
            members.shift_remove("credentials"),
            short,
        ) {
            (Some(list), false) => {
                refuse_unknown(
                    &members,
                    "credentials, tx_code, by_reference, login, holder, deferral, subject",
                )?;
                let list = list.as_array().cloned().ok_or(OfferRequestFault::WrongType {
                    member: "credentials",
                    expected: "an array",
                })?;
                list.into_iter().map(CredentialToOffer::parse).collect::<Result<_, _>>()?
            }
            (None, true) => {
                let one = CredentialToOffer::take_from(&mut members)?;
                let known = "configuration, claims, tx_code, by_reference, login, holder, deferral, subject";
                refuse_unknown(&members, known)?;
                vec![one]
            }
            _ => return Err(OfferRequestFault::NotExactlyOneForm),
        };
        let (mut credentials, mut looked_up) = (Vec::new(), Vec::new());
        for (configuration, claims) in all {
            match claims {
                Some(claims) => credentials.push(CredentialToOffer { configuration, claims }),
                None if only => looked_up.push(configuration),
                None => return Err(OfferRequestFault::Missing("claims")),
            }
        }
        Ok(Self { credentials, looked_up, login, tx_code, by_reference, deferral, subject })
    }
}

impl LoginToOffer {
    fn take_from(members: &mut Object) -> Result<Option<Self>, OfferRequestFault> {
        let holder = match members.shift_remove("holder") {
            None => None,
            Some(Value::String(name)) => Some(name),
            Some(_) => {
                let (member, expected) = ("holder", "a string");
                return Err(OfferRequestFault::WrongType { member, expected });
            }
        };
        let only = match members.shift_remove("login") {
            None => return Ok(None),
            Some(Value::String(word)) if word == "only" => true,
            Some(Value::String(word)) if word == "too" => false,
            Some(_) => {
                let (member, expected) = ("login", "\"only\" or \"too\"");
                return Err(OfferRequestFault::WrongType { member, expected });
            }
        };
        Ok(Some(Self { holder, only }))
    }
}

impl CredentialToOffer {
    fn parse(
        value: Value,
    ) -> Result<(CredentialConfigurationId, Option<Object>), OfferRequestFault> {
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

    fn take_from(
        members: &mut Object,
    ) -> Result<(CredentialConfigurationId, Option<Object>), OfferRequestFault> {
        let configuration = match members.shift_remove("configuration") {
            Some(Value::String(name)) => CredentialConfigurationId::new(name),
            Some(_) => {
                let (member, expected) = ("configuration", "a string");
                return Err(OfferRequestFault::WrongType { member, expected });
            }
            None => return Err(OfferRequestFault::Missing("configuration")),
        };
        let claims = match members.shift_remove("claims") {
            Some(Value::Object(claims)) => Some(claims),
            Some(_) => {
                let (member, expected) = ("claims", "an object");
                return Err(OfferRequestFault::WrongType { member, expected });
            }
            None => None,
        };
        Ok((configuration, claims))
    }
}

fn flag(members: &mut Object, member: &'static str) -> Result<Option<bool>, OfferRequestFault> {
    match members.shift_remove(member) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(flag)),
        Some(_) => Err(OfferRequestFault::WrongType { member, expected: "true or false" }),
    }
}

fn deferral(members: &mut Object) -> Result<Deferral, OfferRequestFault> {
    let wrong = OfferRequestFault::WrongType {
        member: "deferral",
        expected: "a number of seconds up to a day, or \"until_decided\"",
    };
    match members.shift_remove("deferral") {
        None => Ok(Deferral::None),
        Some(Value::String(text)) if text == "until_decided" => Ok(Deferral::UntilDecided),
        Some(Value::Number(number)) => {
            let seconds = number.as_u64().and_then(|seconds| u32::try_from(seconds).ok());
            seconds.filter(|seconds| *seconds <= 86_400).map(Deferral::Seconds).ok_or(wrong)
        }
        Some(_) => Err(wrong),
    }
}

fn subject(members: &mut Object) -> Result<Option<Subject>, OfferRequestFault> {
    let wrong =
        OfferRequestFault::WrongType { member: "subject", expected: "a text of 1 to 256 bytes" };
    match members.shift_remove("subject") {
        None => Ok(None),
        Some(Value::String(text)) => Subject::try_from(text).map(Some).map_err(|_| wrong),
        Some(_) => Err(wrong),
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
