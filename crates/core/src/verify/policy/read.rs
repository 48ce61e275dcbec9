//! Reading policies, with every fault and its place.

use std::fmt;

use jiff::SignedDuration;
use serde_json::Value;
use thiserror::Error;

use super::{IssuerName, MAX_ENTRIES, MAX_POLICIES, PolicyRule, PolicySet, TypeMetadataRule};
use crate::{
    claims::ClaimsPath,
    credential::{ExpiryRule, ValidityPolicy},
    json::{self, Object, nearest},
    sd_jwt::KeyBindingWindow,
    verify::StatusPolicy,
};

/// How far clocks may be trusted to be apart.
const MAX_SKEW: i64 = 3600;

/// The oldest credential one may ask for: a century.
const MAX_AGE: i64 = 3_155_760_000;

/// One fault of a policy set.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{at}: {kind}")]
pub struct PolicyFault {
    /// The place, as `[2].issuers[0]`.
    pub at: String,
    /// What is wrong there.
    pub kind: PolicyFaultKind,
}

/// What is wrong with a policy set.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PolicyFaultKind {
    /// There is no policy of this name.
    #[error("there is no policy {name}{}", meant(*.suggestion))]
    UnknownPolicy {
        /// The name that is none.
        name: String,
        /// What was meant, perhaps.
        suggestion: Option<&'static str>,
    },
    /// The policy has no member of this name.
    #[error("the policy has no member {name}{}", meant(*.suggestion))]
    UnknownMember {
        /// The name that is none.
        name: String,
        /// What was meant, perhaps.
        suggestion: Option<&'static str>,
    },
    /// A member is missing, or of another form.
    #[error("expected {0}")]
    Expected(&'static str),
    /// A policy is there twice.
    #[error("the policy {0} is there twice")]
    Repeated(&'static str),
    /// More policies, or more entries, than are read.
    #[error("more than {0} entries")]
    TooMany(usize),
}

/// Every fault of a policy set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyFaults(pub Vec<PolicyFault>);

impl fmt::Display for PolicyFaults {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            write!(out, "{}{fault}", if index == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyFaults {}

fn meant(suggestion: Option<&str>) -> String {
    suggestion.map(|name| format!("; did you mean {name}?")).unwrap_or_default()
}

pub(super) fn read(value: &Value) -> Result<PolicySet, PolicyFaults> {
    let mut reader = Reader { faults: Vec::new() };
    let Some(entries) = value.as_array() else {
        reader.fault("policies", PolicyFaultKind::Expected("an array of policies"));
        return Err(PolicyFaults(reader.faults));
    };
    if entries.len() > MAX_POLICIES {
        reader.fault("policies", PolicyFaultKind::TooMany(MAX_POLICIES));
        return Err(PolicyFaults(reader.faults));
    }
    let mut rules: Vec<PolicyRule> = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let at = format!("[{index}]");
        let Some(rule) = reader.rule(&at, entry) else { continue };
        let repeatable = matches!(rule, PolicyRule::ClaimValue { .. });
        if !repeatable && rules.iter().any(|earlier| earlier.name() == rule.name()) {
            reader.fault(at, PolicyFaultKind::Repeated(rule.name()));
        }
        rules.push(rule);
    }
    if reader.faults.is_empty() {
        Ok(PolicySet { rules })
    } else {
        Err(PolicyFaults(reader.faults))
    }
}

struct Reader {
    faults: Vec<PolicyFault>,
}

impl Reader {
    fn fault(&mut self, at: impl Into<String>, kind: PolicyFaultKind) {
        self.faults.push(PolicyFault { at: at.into(), kind });
    }

    /// A fault at a member of a policy.
    fn expected<T>(&mut self, at: &str, member: &str, what: &'static str) -> Option<T> {
        self.fault(format!("{at}.{member}"), PolicyFaultKind::Expected(what));
        None
    }

    fn rule(&mut self, at: &str, entry: &Value) -> Option<PolicyRule> {
        let empty = Object::new();
        let (name, members) = match entry {
            Value::String(name) => (name.as_str(), &empty),
            Value::Object(members) => match members.get("policy") {
                Some(Value::String(name)) => (name.as_str(), members),
                _ => return self.expected(at, "policy", "the name of a policy"),
            },
            _ => {
                let what = "the name of a policy, or an object with a member policy";
                self.fault(at, PolicyFaultKind::Expected(what));
                return None;
            }
        };
        let Some(known) = PolicyRule::NAMES.into_iter().find(|known| *known == name) else {
            let suggestion = nearest(name, &PolicyRule::NAMES);
            let name = name.chars().filter(|c| !c.is_control()).take(64).collect();
            self.fault(at, PolicyFaultKind::UnknownPolicy { name, suggestion });
            return None;
        };
        self.members(at, members, known);
        match known {
            "signature" => Some(PolicyRule::Signature),
            "issuer_trusted" => Some(PolicyRule::IssuerTrusted),
            "allowed_issuer" => {
                let what = "issuers, each an iss, a DID or aki: with base64url";
                self.list(at, members, "issuers", what, issuer_name).map(PolicyRule::AllowedIssuer)
            }
            "allowed_type" => {
                let text = |value: &Value| value.as_str().map(str::to_owned);
                self.list(at, members, "types", "types, each a text", text)
                    .map(PolicyRule::AllowedType)
            }
            "validity" => self.validity(at, members).map(PolicyRule::Validity),
            "max_age" => {
                self.seconds(at, members, "seconds", None, MAX_AGE).map(PolicyRule::MaxAge)
            }
            "holder_binding" => self.window(at, members).map(PolicyRule::HolderBinding),
            "status" => {
                let known = [
                    ("undetermined", StatusPolicy::Undetermined),
                    ("accepted", StatusPolicy::Accept),
                ];
                self.one_of(at, members, "unknown", "undetermined or accepted", known)
                    .map(PolicyRule::Status)
            }
            "status_freshness" => self
                .seconds(at, members, "max_age_seconds", None, MAX_AGE)
                .map(PolicyRule::StatusFreshness),
            "required_claims" => {
                let path = |value: &Value| ClaimsPath::from_value(value).ok();
                self.list(at, members, "paths", "claims path pointers", path)
                    .map(PolicyRule::RequiredClaims)
            }
            "claim_value" => self.claim_value(at, members),
            _ => {
                let known = [
                    ("published", TypeMetadataRule::WherePublished),
                    ("required", TypeMetadataRule::Required),
                    ("ignored", TypeMetadataRule::Ignored),
                ];
                self.one_of(at, members, "when", "published, required or ignored", known)
                    .map(PolicyRule::TypeMetadata)
            }
        }
    }

    /// Refuses members that the policy does not have.
    fn members(&mut self, at: &str, members: &Object, policy: &str) {
        let known: &[&'static str] = match policy {
            "allowed_issuer" => &["issuers"],
            "allowed_type" => &["types"],
            "validity" => &["leeway_seconds", "expiry"],
            "max_age" => &["seconds"],
            "holder_binding" => &["max_age_seconds", "clock_skew_seconds"],
            "status" => &["unknown"],
            "status_freshness" => &["max_age_seconds"],
            "required_claims" => &["paths"],
            "claim_value" => &["path", "one_of"],
            "type_metadata" => &["when"],
            _ => &[],
        };
        for name in members.keys() {
            if name != "policy" && !known.contains(&name.as_str()) {
                let suggestion = nearest(name, known);
                let name = name.chars().filter(|c| !c.is_control()).take(64).collect();
                self.fault(at, PolicyFaultKind::UnknownMember { name, suggestion });
            }
        }
    }

    fn validity(&mut self, at: &str, members: &Object) -> Option<ValidityPolicy> {
        let default = ValidityPolicy::default();
        let leeway = self.seconds(at, members, "leeway_seconds", Some(default.leeway), MAX_SKEW);
        let known = [("optional", ExpiryRule::Optional), ("required", ExpiryRule::Required)];
        let expiry = self.one_of(at, members, "expiry", "optional or required", known);
        Some(ValidityPolicy { leeway: leeway?, expiry: expiry? })
    }

    fn window(&mut self, at: &str, members: &Object) -> Option<KeyBindingWindow> {
        let default = KeyBindingWindow::default();
        let past = self.seconds(at, members, "max_age_seconds", Some(default.past), MAX_SKEW);
        let future =
            self.seconds(at, members, "clock_skew_seconds", Some(default.future), MAX_SKEW);
        Some(KeyBindingWindow { past: past?, future: future? })
    }

    fn claim_value(&mut self, at: &str, members: &Object) -> Option<PolicyRule> {
        let path = members.get("path").and_then(|path| ClaimsPath::from_value(path).ok());
        let path = match path {
            Some(path) => Some(path),
            None => self.expected(at, "path", "a claims path pointer"),
        };
        let scalar = |value: &Value| {
            (value.is_string() || value.is_number() || value.is_boolean()).then(|| value.clone())
        };
        let one_of = self.list(at, members, "one_of", "texts, numbers or booleans", scalar);
        Some(PolicyRule::ClaimValue { path: path?, one_of: one_of? })
    }

    /// A non-empty list, each entry of one form.
    fn list<T>(
        &mut self,
        at: &str,
        members: &Object,
        name: &str,
        what: &'static str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Option<Vec<T>> {
        let entries = members.get(name).and_then(Value::as_array);
        let Some(entries) = entries.filter(|entries| !entries.is_empty()) else {
            return self.expected(at, name, what);
        };
        if entries.len() > MAX_ENTRIES {
            self.fault(format!("{at}.{name}"), PolicyFaultKind::TooMany(MAX_ENTRIES));
            return None;
        }
        let mut list = Vec::with_capacity(entries.len());
        for (index, entry) in entries.iter().enumerate() {
            match read(entry) {
                Some(entry) => list.push(entry),
                None => {
                    self.fault(format!("{at}.{name}[{index}]"), PolicyFaultKind::Expected(what))
                }
            }
        }
        Some(list)
    }

    fn seconds(
        &mut self,
        at: &str,
        members: &Object,
        name: &str,
        default: Option<SignedDuration>,
        most: i64,
    ) -> Option<SignedDuration> {
        match (members.get(name), default) {
            (None, Some(default)) => Some(default),
            (value, _) => {
                let seconds = value.and_then(Value::as_i64);
                let seconds = seconds.filter(|seconds| (0..=most).contains(seconds));
                match seconds {
                    Some(seconds) => Some(SignedDuration::from_secs(seconds)),
                    None if most == MAX_SKEW => {
                        self.expected(at, name, "seconds, from 0 to an hour")
                    }
                    None => self.expected(at, name, "seconds, from 0 to a century"),
                }
            }
        }
    }

    /// One of the values that are defined; the first when nothing is said.
    fn one_of<T: Copy, const N: usize>(
        &mut self,
        at: &str,
        members: &Object,
        name: &str,
        what: &'static str,
        known: [(&str, T); N],
    ) -> Option<T> {
        let Some(value) = members.get(name) else {
            return known.first().map(|(_, value)| *value);
        };
        match known.iter().find(|(word, _)| value.as_str() == Some(word)) {
            Some((_, value)) => Some(*value),
            None => self.expected(at, name, what),
        }
    }
}

fn issuer_name(value: &Value) -> Option<IssuerName> {
    let text = value.as_str().filter(|text| !text.is_empty())?;
    match text.strip_prefix("aki:") {
        Some(id) => json::base64url_decode(id).ok().map(IssuerName::AuthorityKey),
        None => Some(IssuerName::Identifier(text.to_owned())),
    }
}
