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
/// The most choices of one presentation for each query that a rule about all of them is evaluated over.
const MOST_CHOICES: usize = 64;

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
        self.verdict(self.fault(variables))
    }

    /// The check over each choice of one presentation for each query; it has to hold for all of them.
    fn check_each(&self, verdict: &Verdict) -> CheckVerdict {
        let choices = match choices(verdict) {
            Some(choices) => choices,
            None => return self.verdict(Some("too many presentations for one rule".to_owned())),
        };
        self.verdict(choices.iter().find_map(|choice| self.fault(&about_all(choice, verdict))))
    }

    /// Why it does not hold.
    fn fault(&self, variables: &Value) -> Option<String> {
        match self.expression.holds(variables) {
            Ok(true) => None,
            Ok(false) => Some(format!("not so: {}", self.expression.as_str())),
            Err(why) => Some(why.to_string()),
        }
    }

    fn verdict(&self, detail: Option<String>) -> CheckVerdict {
        let outcome = match &detail {
            None => CheckOutcome::Passed,
            Some(_) => CheckOutcome::Failed,
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
            None => found.push((0, rule.check_each(verdict))),
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

/// Every choice of one presentation for each query that was answered; `None` for more than are looked at.
fn choices(verdict: &Verdict) -> Option<Vec<Vec<&CredentialVerdict>>> {
    let mut queries: Vec<(&CredentialQueryId, Vec<&CredentialVerdict>)> = Vec::new();
    for credential in &verdict.credentials {
        match queries.iter_mut().find(|(query, _)| **query == credential.query) {
            Some((_, presented)) => presented.push(credential),
            None => queries.push((&credential.query, vec![credential])),
        }
    }
    let mut choices = vec![Vec::new()];
    for (_, presented) in queries {
        if choices.len() * presented.len() > MOST_CHOICES {
            return None;
        }
        let with_each = |choice: &Vec<_>| {
            let extended = presented.iter().map(|one| [choice.as_slice(), &[*one]].concat());
            extended.collect::<Vec<_>>()
        };
        choices = choices.iter().flat_map(with_each).collect();
    }
    Some(choices)
}

/// The variables of a rule about all credentials, one for each query.
fn about_all(choice: &[&CredentialVerdict], verdict: &Verdict) -> Value {
    let mut credentials = Map::new();
    for credential in choice {
        let mut described = described(credential);
        described["claims"] = json!(credential.all_claims());
        credentials.insert(credential.query.as_str().to_owned(), described);
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
