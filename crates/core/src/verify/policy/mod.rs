//! Verification policies as data: what a verifier demands beyond what is always checked.
//!
//! A set of policies is a JSON array. A policy without members is its name alone, any other an object:
//!
//! ```json
//! [
//!   "holder_binding",
//!   {"policy": "validity", "leeway_seconds": 30, "expiry": "required"},
//!   {"policy": "max_age", "seconds": 2592000},
//!   {"policy": "allowed_issuer", "issuers": ["https://issuer.example", "did:web:issuer.example"]},
//!   {"policy": "required_claims", "paths": [["given_name"], ["address", "country"]]},
//!   {"policy": "claim_value", "path": ["address", "country"], "one_of": ["AT", "CH"]},
//!   {"policy": "type_metadata", "when": "required"},
//!   {"policy": "status", "unknown": "accepted"},
//!   {"policy": "status_freshness", "max_age_seconds": 3600}
//! ]
//! ```
//!
//! A set only ever demands more: form, trust, signature and disclosures are checked whether it names them
//! or not.

mod combine;
mod judge;
mod read;
mod write;

use std::fmt;

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;

pub use judge::PolicyError;
pub(super) use judge::Subject;
pub use read::{PolicyFault, PolicyFaultKind, PolicyFaults};

use super::{KeyBindingRule, Policy, StatusPolicy};
use crate::{
    claims::ClaimsPath,
    credential::{ExpiryRule, ValidityPolicy},
    sd_jwt::KeyBindingWindow,
};

/// The most policies of one set.
const MAX_POLICIES: usize = 32;

/// The most entries of one policy's list.
const MAX_ENTRIES: usize = 256;

/// What a verifier demands, as data.
///
/// ```
/// use lanyard_core::verify::PolicySet;
///
/// let set: PolicySet =
///     serde_json::from_str(r#"["holder_binding", {"policy": "max_age", "seconds": 3600}]"#).unwrap();
/// assert_eq!(serde_json::from_value::<PolicySet>(set.to_value()).unwrap(), set);
///
/// let wrong = serde_json::from_str::<PolicySet>(r#"["holder_bindng"]"#).unwrap_err();
/// assert!(wrong.to_string().contains("did you mean holder_binding"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicySet {
    rules: Vec<PolicyRule>,
}

/// One policy; the list is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyRule {
    /// `signature`: the issuer signed it. Checked in any case.
    Signature,
    /// `issuer_trusted`: the trust policy leads to the issuer's key. Checked in any case.
    IssuerTrusted,
    /// `allowed_issuer`: of those that are trusted, only these.
    AllowedIssuer(Vec<IssuerName>),
    /// `allowed_type`: of those that were asked for, only these, by the type itself; what it is also known
    /// as does not count. A W3C credential with several types must be allowed by each, the one that all of
    /// them have apart.
    AllowedType(Vec<String>),
    /// `validity`: when it counts as valid.
    Validity(ValidityPolicy),
    /// `max_age`: it was issued so long ago at most.
    ///
    /// Issuers round `iat` to the day for privacy; less than a day or two refuses good credentials.
    MaxAge(SignedDuration),
    /// `holder_binding`: it is bound to its holder, who bound it to this request just now.
    HolderBinding(KeyBindingWindow),
    /// `status`: what becomes of a status that nobody could look at.
    Status(StatusPolicy),
    /// `status_freshness`: a list that says how the credential is was made so long ago at most; by an
    /// older one nobody can tell.
    StatusFreshness(SignedDuration),
    /// `required_claims`: each of these paths selects something.
    RequiredClaims(Vec<ClaimsPath>),
    /// `claim_value`: everything that the path selects is one of these.
    ClaimValue {
        /// The claim.
        path: ClaimsPath,
        /// Its values: texts, numbers and booleans.
        one_of: Vec<Value>,
    },
    /// `type_metadata`: the rules of its type are kept (SD-JWT VC §5.7).
    TypeMetadata(TypeMetadataRule),
}

/// How much the metadata of a credential's type counts (SD-JWT VC §5.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TypeMetadataRule {
    /// It is not looked at, nor asked for.
    #[default]
    Ignored,
    /// Where it can be had, its rules must be kept.
    WherePublished,
    /// It must be had, and its rules kept; out of reach, nobody can tell. A credential of a format that has
    /// none is refused.
    Required,
}

/// Who an issuer may be: `iss`, a DID, or `aki:` and the base64url of a key identifier of an authority in
/// its certificate chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IssuerName {
    /// The verified `iss` or DID, character by character.
    Identifier(String),
    /// An authority key identifier (OID4VP 1.0 §6.1.1.1, `aki`).
    AuthorityKey(Vec<u8>),
}

impl PolicySet {
    /// The names of the presets.
    pub const PRESETS: [&'static str; 3] = ["standard", "high_assurance", "lenient"];

    /// Demands nothing beyond what is always checked.
    pub const fn new() -> Self {
        Self { rules: Vec::new() }
    }

    /// A set that is ready to use.
    ///
    /// - `standard`: bound to its holder, valid now, and with a status that is known if it has one
    /// - `high_assurance`: that, and it must expire, with half a minute for clocks, and the rules of its
    ///   type are kept where they are published
    /// - `lenient`: valid within five minutes, an unknown status is accepted and shown, and nothing need
    ///   be bound: for trying things out
    pub fn preset(name: &str) -> Option<Self> {
        let seconds = SignedDuration::from_secs;
        let validity = |leeway, expiry| PolicyRule::Validity(ValidityPolicy { leeway, expiry });
        let rules = match name {
            "standard" => vec![
                PolicyRule::Signature,
                PolicyRule::IssuerTrusted,
                validity(seconds(60), ExpiryRule::Optional),
                PolicyRule::HolderBinding(KeyBindingWindow::default()),
                PolicyRule::Status(StatusPolicy::Undetermined),
            ],
            "high_assurance" => vec![
                PolicyRule::Signature,
                PolicyRule::IssuerTrusted,
                validity(seconds(30), ExpiryRule::Required),
                PolicyRule::HolderBinding(KeyBindingWindow {
                    past: seconds(60),
                    future: seconds(30),
                }),
                PolicyRule::Status(StatusPolicy::Undetermined),
                PolicyRule::TypeMetadata(TypeMetadataRule::WherePublished),
            ],
            "lenient" => vec![
                PolicyRule::Signature,
                PolicyRule::IssuerTrusted,
                validity(seconds(300), ExpiryRule::Optional),
                PolicyRule::Status(StatusPolicy::Accept),
            ],
            _ => return None,
        };
        Some(Self { rules })
    }

    /// Reads a set from its JSON array.
    ///
    /// # Errors
    /// [`PolicyFaults`]: every fault, each with its place.
    pub fn from_value(value: &Value) -> Result<Self, PolicyFaults> {
        read::read(value)
    }

    /// The set as its JSON array; [`PolicySet::from_value`] reads the same set from it.
    pub fn to_value(&self) -> Value {
        self.rules.iter().map(PolicyRule::to_value).collect()
    }

    /// With one more policy; it takes the place of an earlier one of its name, unless it is a
    /// `claim_value`.
    #[must_use]
    pub fn with(mut self, rule: PolicyRule) -> Self {
        if !matches!(rule, PolicyRule::ClaimValue { .. }) {
            self.rules.retain(|earlier| earlier.name() != rule.name());
        }
        self.rules.push(rule);
        self
    }

    /// Whether it demands nothing beyond what is always checked.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The policies.
    pub fn rules(&self) -> &[PolicyRule] {
        &self.rules
    }

    /// What a verifier decides for itself once the set counts; what the set does not name stays.
    pub(super) fn over(&self, mut policy: Policy) -> Policy {
        for rule in &self.rules {
            match rule {
                PolicyRule::Validity(validity) => policy.validity = *validity,
                PolicyRule::HolderBinding(window) => policy.key_binding = *window,
                PolicyRule::Status(status) => policy.status = *status,
                _ => {}
            }
        }
        policy
    }

    /// Whether a key binding is required: when the request or the set says so.
    pub(super) fn key_binding(&self, asked: KeyBindingRule) -> KeyBindingRule {
        let demanded = self.rules.iter().any(|rule| matches!(rule, PolicyRule::HolderBinding(_)));
        if demanded { KeyBindingRule::Required } else { asked }
    }

    /// The oldest that a status list may be.
    pub(super) fn status_age(&self) -> Option<SignedDuration> {
        let ages = self.rules.iter().filter_map(|rule| match rule {
            PolicyRule::StatusFreshness(age) => Some(*age),
            _ => None,
        });
        ages.min()
    }

    pub(super) fn type_metadata(&self) -> TypeMetadataRule {
        let rule = self.rules.iter().find_map(|rule| match rule {
            PolicyRule::TypeMetadata(rule) => Some(*rule),
            _ => None,
        });
        rule.unwrap_or_default()
    }
}

impl PolicyRule {
    /// Every name.
    pub const NAMES: [&'static str; 12] = [
        "signature",
        "issuer_trusted",
        "allowed_issuer",
        "allowed_type",
        "validity",
        "max_age",
        "holder_binding",
        "status",
        "status_freshness",
        "required_claims",
        "claim_value",
        "type_metadata",
    ];

    /// The name in JSON.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::IssuerTrusted => "issuer_trusted",
            Self::AllowedIssuer(_) => "allowed_issuer",
            Self::AllowedType(_) => "allowed_type",
            Self::Validity(_) => "validity",
            Self::MaxAge(_) => "max_age",
            Self::HolderBinding(_) => "holder_binding",
            Self::Status(_) => "status",
            Self::StatusFreshness(_) => "status_freshness",
            Self::RequiredClaims(_) => "required_claims",
            Self::ClaimValue { .. } => "claim_value",
            Self::TypeMetadata(_) => "type_metadata",
        }
    }
}

impl fmt::Display for IssuerName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identifier(name) => out.write_str(name),
            Self::AuthorityKey(id) => write!(out, "aki:{}", crate::json::base64url(id)),
        }
    }
}

impl Serialize for PolicySet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PolicySet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_value(&Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
