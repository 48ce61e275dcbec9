//! Two sets of policies at once: what either demands is demanded.

use super::{PolicyRule, PolicySet, TypeMetadataRule};
use crate::{
    credential::{ExpiryRule, ValidityPolicy},
    sd_jwt::KeyBindingWindow,
    verify::StatusPolicy,
};

impl PolicySet {
    /// Demands what both sets demand; a further set never takes back what the first one says.
    #[must_use]
    pub fn and(mut self, further: &Self) -> Self {
        for rule in &further.rules {
            let both = |earlier: &mut PolicyRule| {
                let stricter = earlier.stricter(rule)?;
                *earlier = stricter;
                Some(())
            };
            if self.rules.iter_mut().find_map(both).is_none() {
                self.rules.push(rule.clone());
            }
        }
        self
    }
}

impl PolicyRule {
    /// The one policy that stands for both, where two of a name are one; lists are kept side by side, as
    /// each of them has to be satisfied.
    fn stricter(&self, other: &Self) -> Option<Self> {
        Some(match (self, other) {
            (Self::Signature, Self::Signature) => Self::Signature,
            (Self::IssuerTrusted, Self::IssuerTrusted) => Self::IssuerTrusted,
            (Self::Validity(one), Self::Validity(other)) => Self::Validity(ValidityPolicy {
                leeway: one.leeway.min(other.leeway),
                expiry: match (one.expiry, other.expiry) {
                    (ExpiryRule::Optional, ExpiryRule::Optional) => ExpiryRule::Optional,
                    _ => ExpiryRule::Required,
                },
            }),
            (Self::MaxAge(one), Self::MaxAge(other)) => Self::MaxAge((*one).min(*other)),
            (Self::HolderBinding(one), Self::HolderBinding(other)) => {
                Self::HolderBinding(KeyBindingWindow {
                    past: one.past.min(other.past),
                    future: one.future.min(other.future),
                })
            }
            (Self::Status(one), Self::Status(other)) => Self::Status(match (one, other) {
                (StatusPolicy::Accept, StatusPolicy::Accept) => StatusPolicy::Accept,
                _ => StatusPolicy::Undetermined,
            }),
            (Self::StatusFreshness(one), Self::StatusFreshness(other)) => {
                Self::StatusFreshness((*one).min(*other))
            }
            (Self::TypeMetadata(one), Self::TypeMetadata(other)) => {
                use TypeMetadataRule::{Ignored, Required, WherePublished};
                Self::TypeMetadata(match (one, other) {
                    (Required, _) | (_, Required) => Required,
                    (WherePublished, _) | (_, WherePublished) => WherePublished,
                    (Ignored, Ignored) => Ignored,
                })
            }
            _ => return None,
        })
    }
}
