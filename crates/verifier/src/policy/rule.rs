//! Rules over claims: evaluated over a verdict, and listed in it one by one.

use lanyard_oid4vp::{
    dcql::CredentialQueryId,
    verifier::{CheckOutcome, CheckVerdict, CredentialVerdict, Verdict},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Expression, RequestPolicyFault};

/// The longest name and title of a rule.
const LONGEST_ID: usize = 64;

/// A rule over what was verified.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name; its check in the verdict is called `rule:` and that.
    pub id: String,
    /// What it is about, for people; its expression unless told otherwise.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub title: Option<String>,
    /// The credential query whose presentations it is about; without, it is about all of them together.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub credential: Option<CredentialQueryId>,
    /// What must hold, in the Common Expression Language.
    pub expression: Expression,
}

impl Rule {
    /// The credential query that it is about.
    pub(super) const fn about(&self) -> Option<&CredentialQueryId> {
        self.credential.as_ref()
    }

    pub(super) fn fit(&self) -> Result<(), RequestPolicyFault> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if self.id.is_empty() || self.id.len() > LONGEST_ID || !self.id.chars().all(is_plain) {
            return Err(RequestPolicyFault::RuleId);
        }
        let known: &[&str] = match self.credential {
            Some(_) => &["claims", "credential", "now", "today"],
            None => &["credentials", "now", "today"],
        };
        let fault = |fault| RequestPolicyFault::Rule { id: self.id.clone(), fault };
        self.expression.only_of(known).map_err(fault)
    }

    fn check(&self, variables: &Value) -> CheckVerdict {
        let (outcome, detail) = match self.expression.holds(variables) {
            Ok(true) => (CheckOutcome::Passed, None),
            Ok(false) => {
                (CheckOutcome::Failed, Some(format!("not so: {}", self.expression.as_str())))
            }
            Err(why) => (CheckOutcome::Failed, Some(why.to_string())),
        };
        let title = self.title.as_deref().unwrap_or(self.expression.as_str()).to_owned();
        CheckVerdict {
            id: format!("rule:{}", self.id).into(),
            title: title.into(),
            rule: "Policy".into(),
            outcome,
            detail,
        }
    }
}

/// Adds a check for every rule to a verdict that is verified so far.
pub(super) fn judge(rules: &[Rule], verdict: &mut Verdict) {
    let mut found = Vec::new();
    for rule in rules {
        match &rule.credential {
            Some(query) => {
                let own = verdict.credentials.iter().enumerate();
                let own = own.filter(|(_, credential)| credential.query == *query);
                found.extend(own.map(|(place, one)| (place, rule.check(&about(one, verdict)))));
            }
            None => found.push((0, rule.check(&about_all(verdict)))),
        }
    }
    // all were evaluated over the claims, which go with the first that fails
    for (place, check) in found {
        verdict.judge(place, check, "policy_rule_failed");
    }
}

/// The variables of a rule about one credential.
fn about(credential: &CredentialVerdict, verdict: &Verdict) -> Value {
    let mut variables = times(verdict);
    variables.insert("claims".to_owned(), json!(credential.all_claims()));
    variables.insert("credential".to_owned(), described(credential));
    Value::Object(variables)
}

/// The variables of a rule about all credentials; of several for one query the first.
fn about_all(verdict: &Verdict) -> Value {
    let mut credentials = Map::new();
    for credential in &verdict.credentials {
        let mut described = described(credential);
        described["claims"] = json!(credential.all_claims());
        credentials.entry(credential.query.as_str()).or_insert(described);
    }
    let mut variables = times(verdict);
    variables.insert("credentials".to_owned(), Value::Object(credentials));
    Value::Object(variables)
}

fn described(credential: &CredentialVerdict) -> Value {
    json!({
        "format": credential.format,
        "types": credential.types,
        "issuer": credential.issuer.as_ref().map(|issuer| &issuer.name),
        "issued_at": credential.issued_at,
        "valid_until": credential.valid_until,
    })
}

fn times(verdict: &Verdict) -> Map<String, Value> {
    let now = verdict.concluded_at.to_string();
    let today = now.chars().take("2026-01-01".len()).collect::<String>();
    [("now", now), ("today", today)]
        .map(|(name, text)| (name.to_owned(), Value::String(text)))
        .into_iter()
        .collect()
}
