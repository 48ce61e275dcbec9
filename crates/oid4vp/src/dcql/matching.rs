//! What a query and a credential have to do with each other: the rules both sides share.

use lanyard_core::{
    claims::{ClaimsPath, PathSegment},
    json::Object,
};
use serde_json::Value;
use thiserror::Error;

use super::{Authority, ClaimQuery, CredentialQuery, CredentialView};

/// Why a credential does not answer a credential query.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Mismatch {
    /// It is of another format.
    #[error("the credential is of another format")]
    Format,
    /// It is of another type.
    #[error("the credential is of another type")]
    Type,
    /// No authority that the query names certified its issuer.
    #[error("no trusted authority of the query is in the credential's chain")]
    Authority,
    /// The holder's key did not take part, although it must.
    #[error("holder binding is missing")]
    HolderBinding,
    /// A claim is not there.
    #[error("the claim {0} is missing")]
    ClaimMissing(ClaimsPath),
    /// A claim has none of the values the query allows.
    #[error("the claim {0} has none of the values asked for")]
    Value(ClaimsPath),
}

impl CredentialQuery {
    /// Judges everything but the claims.
    pub(super) fn admits(&self, credential: &CredentialView<'_>) -> Result<(), Mismatch> {
        if self.format.format() != Some(credential.format) {
            return Err(Mismatch::Format);
        }
        if !self.format.is_satisfied_by(|name| credential.is_of(name)) {
            return Err(Mismatch::Type);
        }
        // OID4VP 1.0 §6.1.1: one of the values of one of the entries
        let certified = self.trusted_authorities.iter().any(|authority| match authority {
            Authority::KeyIdentifiers(asked) => {
                asked.iter().any(|asked| credential.key_identifiers.contains(asked))
            }
            Authority::Unsupported { .. } => false,
        });
        if !self.trusted_authorities.is_empty() && !certified {
            return Err(Mismatch::Authority);
        }
        // OID4VP 1.0 App. B.3: a credential without `cnf` cannot be used when binding is required
        if self.holder_binding && !credential.holder_bound {
            return Err(Mismatch::HolderBinding);
        }
        Ok(())
    }
}

impl ClaimQuery {
    /// The claims this query points to and whose value fits, each by a path of keys and indices.
    ///
    /// `disclosed` is for a presentation: elements that were left out of an array move the rest, so
    /// an index there stands for any element that was disclosed.
    pub(crate) fn find(
        &self,
        claims: &Object,
        disclosed: &[ClaimsPath],
    ) -> Result<Vec<ClaimsPath>, Mismatch> {
        let missing = || Mismatch::ClaimMissing(self.path.clone());
        let mut found = resolve(self.path.segments(), claims, disclosed).ok_or_else(missing)?;
        // OID4VP 1.0 §7.1.1(3): an empty selection is an error
        if found.is_empty() {
            return Err(missing());
        }
        // OID4VP 1.0 §6.4.1: a claim with another value is as good as absent; §6.3: type and value
        if !self.values.is_empty() {
            found.retain(|(_, value)| self.values.contains(value));
            if found.is_empty() {
                return Err(Mismatch::Value(self.path.clone()));
            }
        }
        let path = |(place, _)| {
            ClaimsPath::from_segments(place).expect("the place of a claim is as long as its path")
        };
        Ok(found.into_iter().map(path).collect())
    }
}

type Selection<'c> = Vec<(Vec<PathSegment>, &'c Value)>;

/// OID4VP 1.0 §7.1.1, with the place of every element that stays selected.
fn resolve<'c>(
    path: &[PathSegment],
    claims: &'c Object,
    disclosed: &[ClaimsPath],
) -> Option<Selection<'c>> {
    let (first, rest) = path.split_first()?;
    // §7.1.1(1): the root is the top-level object, so the path starts with a key
    let PathSegment::Key(key) = first else { return None };
    let mut selected: Selection<'c> =
        claims.get(key).map(|value| (vec![first.clone()], value)).into_iter().collect();
    for component in rest {
        let mut next = Vec::new();
        for (place, value) in selected {
            let extended = |component| [place.as_slice(), &[component]].concat();
            let at = |index: usize| PathSegment::Index(index as u64);
            match component {
                // §7.1.1(2.1): not an object aborts, a missing key drops the element
                PathSegment::Key(key) => {
                    if let Some(value) = value.as_object()?.get(key) {
                        next.push((extended(component.clone()), value));
                    }
                }
                // §7.1.1(2.2): not an array aborts
                PathSegment::All => {
                    let elements = value.as_array()?.iter().enumerate();
                    next.extend(elements.map(|(index, value)| (extended(at(index)), value)));
                }
                // §7.1.1(2.3): not an array aborts, an index beyond its end drops the array
                PathSegment::Index(wanted) => {
                    for (index, value) in value.as_array()?.iter().enumerate() {
                        let place = extended(at(index));
                        let moved = disclosed.iter().any(|path| path.segments() == place);
                        if index as u64 == *wanted || moved {
                            next.push((place, value));
                        }
                    }
                }
            }
        }
        selected = next;
    }
    Some(selected)
}
