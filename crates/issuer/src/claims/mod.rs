//! Where the claims of credentials come from once a holder has logged in, put together from what is configured.

mod attribute_provider;

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use lanyard_core::json::Object;
use lanyard_oid4vci::{CredentialConfigurationId, issuer::FoundClaims};
use serde_json::Value;

pub use attribute_provider::{AttributeProvider, AttributeProviderSettings};

use crate::{AskedHolder, ClaimSource, LoginUnavailable};

/// The sources of every credential configuration; one that is not named here has the source of all others.
#[derive(Debug)]
pub struct ClaimSources {
    named: HashMap<CredentialConfigurationId, Vec<ClaimsFrom>>,
    others: Arc<dyn ClaimSource>,
}

/// One source of claims.
#[derive(Debug)]
pub enum ClaimsFrom {
    /// The same for everybody.
    Fixed(Object),
    /// What the login provider told, under other names.
    Login(Vec<MappedClaim>),
    /// Somebody else knows.
    Source(Arc<dyn ClaimSource>),
}

/// A claim of the login provider, and where it stands in the credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappedClaim {
    /// Where it is at the login provider: names of object members.
    pub from: Vec<String>,
    /// Where it goes.
    pub to: Vec<String>,
}

impl ClaimSources {
    /// Sources by credential configuration, and one for those that are not named.
    pub fn new(
        named: impl IntoIterator<Item = (CredentialConfigurationId, ClaimsFrom)>,
        others: Arc<dyn ClaimSource>,
    ) -> Self {
        let mut all: HashMap<_, Vec<_>> = HashMap::new();
        for (id, source) in named {
            all.entry(id).or_default().push(source);
        }
        Self { named: all, others }
    }
}

#[async_trait]
impl ClaimSource for ClaimSources {
    async fn claims(
        &self,
        holder: AskedHolder<'_>,
        configuration: &CredentialConfigurationId,
    ) -> Result<Option<FoundClaims>, LoginUnavailable> {
        let Some(sources) = self.named.get(configuration) else {
            return self.others.claims(holder, configuration).await;
        };
        let (mut all, mut is_passing) = (Object::new(), false);
        for source in sources {
            let found = match source {
                ClaimsFrom::Fixed(claims) => claims.clone(),
                ClaimsFrom::Login(mapping) => match holder.profile {
                    Some(profile) => {
                        is_passing = true;
                        mapped(profile, mapping)
                    }
                    None => return Ok(None),
                },
                ClaimsFrom::Source(source) => match source.claims(holder, configuration).await? {
                    Some(FoundClaims::Lasting(claims)) => claims,
                    Some(FoundClaims::Passing(claims)) => {
                        is_passing = true;
                        claims
                    }
                    // what one of them cannot tell yet, nobody can
                    Some(FoundClaims::Later) => return Ok(Some(FoundClaims::Later)),
                    None => return Ok(None),
                },
            };
            merge(&mut all, found);
        }
        Ok(Some(if is_passing { FoundClaims::Passing(all) } else { FoundClaims::Lasting(all) }))
    }
}

fn mapped(profile: &Object, mapping: &[MappedClaim]) -> Object {
    let mut claims = Object::new();
    for claim in mapping {
        let (Some((first, rest)), Some((last, way))) =
            (claim.from.split_first(), claim.to.split_last())
        else {
            continue;
        };
        let value = rest.iter().try_fold(profile.get(first), |value, name| {
            value.map(|value| value.get(name.as_str()))
        });
        let Some(Some(value)) = value else { continue };
        let mut nested = Value::Object(Object::from_iter([(last.clone(), value.clone())]));
        for name in way.iter().rev() {
            nested = Value::Object(Object::from_iter([(name.clone(), nested)]));
        }
        if let Value::Object(nested) = nested {
            merge(&mut claims, nested);
        }
    }
    claims
}

/// Adds claims to claims; where both say something, what comes later counts, and objects are merged.
fn merge(all: &mut Object, more: Object) {
    for (name, value) in more {
        match (all.get_mut(&name), value) {
            (Some(Value::Object(inner)), Value::Object(more)) => merge(inner, more),
            (_, value) => drop(all.insert(name, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use lanyard_oid4vci::issuer::HolderId;
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Object {
        value.as_object().cloned().expect("an object")
    }

    #[derive(Debug)]
    struct Answers(Option<Value>);

    #[async_trait]
    impl ClaimSource for Answers {
        async fn claims(
            &self,
            _: AskedHolder<'_>,
            _: &CredentialConfigurationId,
        ) -> Result<Option<FoundClaims>, LoginUnavailable> {
            Ok(self.0.clone().map(|value| match value {
                Value::Object(claims) => FoundClaims::Lasting(claims),
                _ => FoundClaims::Later,
            }))
        }
    }

    async fn found(sources: Vec<ClaimsFrom>, profile: Option<&Object>) -> Option<FoundClaims> {
        let badge = CredentialConfigurationId::new("badge");
        let named = sources.into_iter().map(|source| (badge.clone(), source));
        let all = ClaimSources::new(named, Arc::new(Answers(None)));
        let id = HolderId::new("ada");
        all.claims(AskedHolder { id: &id, profile }, &badge).await.expect("an answer")
    }

    fn mapping() -> ClaimsFrom {
        let path = |text: &str| text.split('.').map(str::to_owned).collect();
        let claim = |from, to| MappedClaim { from: path(from), to: path(to) };
        ClaimsFrom::Login(vec![
            claim("given_name", "name.given"),
            claim("address.locality", "town"),
            claim("nickname", "nick"),
        ])
    }

    #[tokio::test]
    async fn what_the_login_told_stands_under_other_names_beside_what_is_fixed() {
        let profile = object(json!({
            "given_name": "Ada", "address": { "locality": "Lyon" }, "secret": "kept out"
        }));
        let fixed =
            ClaimsFrom::Fixed(object(json!({ "name": { "company": "Acme" }, "town": "?" })));
        let Some(FoundClaims::Passing(claims)) =
            found(vec![fixed, mapping()], Some(&profile)).await
        else {
            panic!("told at this login alone");
        };
        let expected = json!({ "name": { "company": "Acme", "given": "Ada" }, "town": "Lyon" });
        assert_eq!(Value::Object(claims), expected);
    }

    #[tokio::test]
    async fn without_a_login_there_are_no_claims_of_it() {
        assert!(found(vec![mapping()], None).await.is_none());
    }

    #[tokio::test]
    async fn one_source_that_cannot_tell_yet_makes_all_wait_and_one_that_says_no_ends_it() {
        let fixed = || ClaimsFrom::Fixed(object(json!({ "company": "Acme" })));
        let asked = |answer| ClaimsFrom::Source(Arc::new(Answers(answer)));
        let known = found(vec![fixed(), asked(Some(json!({ "desk": 3 })))], None).await;
        assert!(
            matches!(known, Some(FoundClaims::Lasting(claims)) if claims.len() == 2),
            "both sources"
        );
        let later = found(vec![fixed(), asked(Some(json!("later")))], None).await;
        assert!(matches!(later, Some(FoundClaims::Later)));
        assert!(found(vec![fixed(), asked(None)], None).await.is_none());
    }
}
