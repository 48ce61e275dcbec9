//! Policies as JSON.

use serde_json::{Value, json};

use super::{PolicyRule, TypeMetadataRule};
use crate::{credential::ExpiryRule, verify::StatusPolicy};

impl PolicyRule {
    pub(super) fn to_value(&self) -> Value {
        let name = self.name();
        match self {
            Self::Signature | Self::IssuerTrusted => name.into(),
            Self::AllowedIssuer(issuers) => {
                let issuers: Vec<_> = issuers.iter().map(ToString::to_string).collect();
                json!({"policy": name, "issuers": issuers})
            }
            Self::AllowedType(types) => json!({"policy": name, "types": types}),
            Self::Validity(validity) => json!({
                "policy": name,
                "leeway_seconds": validity.leeway.as_secs(),
                "expiry": match validity.expiry {
                    ExpiryRule::Optional => "optional",
                    ExpiryRule::Required => "required",
                },
            }),
            Self::MaxAge(age) => json!({"policy": name, "seconds": age.as_secs()}),
            Self::HolderBinding(window) => json!({
                "policy": name,
                "max_age_seconds": window.past.as_secs(),
                "clock_skew_seconds": window.future.as_secs(),
            }),
            Self::Status(status) => json!({
                "policy": name,
                "unknown": match status {
                    StatusPolicy::Undetermined => "undetermined",
                    StatusPolicy::Accept => "accepted",
                },
            }),
            Self::StatusFreshness(age) => {
                json!({"policy": name, "max_age_seconds": age.as_secs()})
            }
            Self::RequiredClaims(paths) => json!({"policy": name, "paths": paths}),
            Self::ClaimValue { path, one_of } => {
                json!({"policy": name, "path": path, "one_of": one_of})
            }
            Self::TypeMetadata(rule) => json!({
                "policy": name,
                "when": match rule {
                    TypeMetadataRule::Ignored => "ignored",
                    TypeMetadataRule::WherePublished => "published",
                    TypeMetadataRule::Required => "required",
                },
            }),
        }
    }
}
