//! What one request demands beyond its tenant's policies, as data.
//!
//! ```json
//! {
//!   "checks": ["holder_binding", {"policy": "status_freshness", "max_age_seconds": 3600}],
//!   "credentials": {"badge": [{"policy": "allowed_issuer", "issuers": ["https://acme.example"]}]},
//!   "trust_list": {"version": 1, "issuers": [{"did": "did:web:club.example"}]},
//!   "rules": [
//!     {"id": "adult", "title": "Is an adult", "credential": "pid", "expression": "claims.age_over_18"}
//!   ]
//! }
//! ```
//!
//! `checks` and `credentials` are sets of policies of the core ([`PolicySet`]), for all credentials and for
//! those that answer one credential query; they come on top of the tenant's. `trust_list` is whom to
//! believe for this request instead of whom the tenant believes. `rules` are expressions in the Common
//! Expression Language over what was verified; each is a check of its own in the verdict.
//!
//! A rule knows `claims`, `credential` (`format`, `types`, `issuer`, `issued_at`, `valid_until`), `now` and
//! `today`, texts that compare as times do; without `credential` it knows `credentials` instead, by the ids
//! of their queries, each with its `claims`. What it needs and was not disclosed makes it fail: `has()` asks
//! whether it was.

mod expression;
mod rule;

use std::{collections::BTreeMap, sync::Arc};

use lanyard_core::{
    trust::{IssuerTrust, TrustList, TrustListFaults},
    verify::{PolicySet, PresentationVerifier},
};
use lanyard_oid4vp::{
    dcql::{CredentialQueryId, DcqlQuery},
    verifier::{Recording, Verdict, Verifiers},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

pub use expression::{Expression, ExpressionFault, Unanswered};
pub use rule::Rule;

/// The most rules of one policy.
const MOST_RULES: usize = 16;

/// What one request demands; the default demands nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RequestPolicy {
    /// Policies that every presentation is held to.
    #[serde(skip_serializing_if = "PolicySet::is_empty")]
    pub checks: PolicySet,
    /// Policies that the presentations of one credential query are held to.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub credentials: BTreeMap<CredentialQueryId, PolicySet>,
    /// Whom to believe, instead of whom the tenant believes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust_list: Option<Value>,
    /// Rules over claims.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
}

/// Why a policy cannot be used for a query.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RequestPolicyFault {
    /// It is about a credential that is not asked for.
    #[error("the policy is about {0:?}, and no credential of that id is asked for")]
    UnknownCredential(String),
    /// Two rules have one name.
    #[error("two rules are called {0:?}")]
    RuleRepeated(String),
    /// A rule whose name is no name.
    #[error("a rule's id is 1 to 64 letters, digits, '_' and '-'")]
    RuleId,
    /// More rules than are evaluated.
    #[error("a policy has at most {MOST_RULES} rules")]
    TooManyRules,
    /// A rule that cannot be evaluated.
    #[error("rule {id:?}: {fault}")]
    Rule {
        /// Its name.
        id: String,
        /// What is wrong with it.
        fault: ExpressionFault,
    },
    /// The trust list breaks a rule.
    #[error("trust_list: {0}")]
    TrustList(String),
}

impl From<TrustListFaults> for RequestPolicyFault {
    fn from(faults: TrustListFaults) -> Self {
        Self::TrustList(faults.to_string())
    }
}

impl RequestPolicy {
    /// Whether it demands nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whom to believe, if the policy says so.
    ///
    /// # Errors
    /// [`RequestPolicyFault::TrustList`].
    pub fn trust(&self) -> Result<Option<IssuerTrust>, RequestPolicyFault> {
        let list = self.trust_list.as_ref().map(TrustList::from_value).transpose()?;
        Ok(list.map(|list| list.to_trust()))
    }

    /// Whether it can be used for a query.
    ///
    /// # Errors
    /// One [`RequestPolicyFault`] per rule.
    pub fn fit(&self, query: &DcqlQuery) -> Result<(), RequestPolicyFault> {
        let asked =
            self.credentials.keys().chain(self.rules.iter().filter_map(|rule| rule.about()));
        let unknown = asked.into_iter().find(|id| query.credential(id.as_str()).is_none());
        if let Some(unknown) = unknown {
            return Err(RequestPolicyFault::UnknownCredential(unknown.as_str().to_owned()));
        }
        if self.rules.len() > MOST_RULES {
            return Err(RequestPolicyFault::TooManyRules);
        }
        for (place, rule) in self.rules.iter().enumerate() {
            rule.fit()?;
            if self.rules[..place].iter().any(|earlier| earlier.id == rule.id) {
                return Err(RequestPolicyFault::RuleRepeated(rule.id.clone()));
            }
        }
        self.trust().map(drop)
    }

    /// Verifiers that hold presentations to the checks, made by whoever knows the tenant's policies.
    pub(crate) fn verifiers(
        &self,
        verifier: impl Fn(&PolicySet) -> Arc<PresentationVerifier>,
    ) -> PolicyVerifiers {
        let own = self.credentials.iter();
        let own = own.map(|(id, set)| (id.clone(), verifier(&self.checks.clone().and(set))));
        PolicyVerifiers { own: own.collect(), all: verifier(&self.checks) }
    }

    /// The verdict, once it was held to the rules.
    pub(crate) fn judged(&self, mut verdict: Verdict) -> Verdict {
        self.judge(&mut verdict);
        verdict
    }

    /// Holds a verdict to the rules.
    pub(crate) fn judge(&self, verdict: &mut Verdict) {
        // a verdict that is none needs no rule, and has no claims
        if verdict.is_verified() {
            rule::judge(&self.rules, verdict);
        }
    }
}

/// A dry run: what a recorded response would have been worth under this policy.
///
/// `verifier` makes a verifier that holds presentations to a set of policies.
///
/// # Errors
/// One [`RequestPolicyFault`] per rule that the policy itself breaks.
pub async fn try_policy(
    policy: &RequestPolicy,
    recording: &Recording,
    verifier: impl Fn(&PolicySet) -> Arc<PresentationVerifier>,
    provider: &dyn lanyard_core::crypto::CryptoProvider,
) -> Result<Verdict, RequestPolicyFault> {
    policy.fit(&recording.dcql_query)?;
    let verifiers = policy.verifiers(verifier);
    Ok(policy.judged(recording.conclude(&verifiers, provider).await))
}

/// By whom the presentations of one request are verified.
pub(crate) struct PolicyVerifiers {
    all: Arc<PresentationVerifier>,
    own: Vec<(CredentialQueryId, Arc<PresentationVerifier>)>,
}

impl<'v> From<&'v PolicyVerifiers> for Verifiers<'v> {
    fn from(verifiers: &'v PolicyVerifiers) -> Self {
        Verifiers::from(&verifiers.all).with_own(&verifiers.own)
    }
}
