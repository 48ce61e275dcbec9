//! What a verifier concludes, in a form that pages and integrators read.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use lanyard_core::{
    Timestamp,
    claims::ClaimsPath,
    json::Object,
    status::ReadList,
    trust::IssuerIdentity,
    verify::{Checks, Outcome, VerifiedCredentials, VerifyError},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::TransactionFault;
use crate::{
    dcql::{CredentialQuery, CredentialQueryId, Reason},
    transaction::Transaction,
};

/// The three states of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictState {
    /// Everything was checked, and what was asked for is there.
    Verified,
    /// A rule is broken; that is final.
    Refused,
    /// Nobody can tell now.
    Undetermined,
}

/// What a verifier concludes from a response.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The conclusion.
    pub state: VerdictState,
    /// The stable reason code, unless verified.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<Cow<'static, str>>,
    /// Why, for people; never a claim, a token or a nonce.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
    /// When it was concluded.
    pub concluded_at: Timestamp,
    /// Each presentation that came, with its checks; once verified, each that is good.
    pub credentials: Vec<CredentialVerdict>,
    /// Where the rest is what was asked for, the presentations that are not good, with their checks: nothing follows
    /// from them.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub discarded: Vec<CredentialVerdict>,
}

/// The verdict on one presentation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CredentialVerdict {
    /// The credential query it answers.
    pub query: CredentialQueryId,
    /// The conclusion about this presentation.
    pub state: VerdictState,
    /// The format identifier that was asked for.
    pub format: String,
    /// Its types in the words of its format, once verified: of an SD-JWT VC the `vct` and what else it says
    /// to be of, of an mdoc the `docType`, of a W3C credential its `type`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub types: Vec<String>,
    /// Who issued it, once verified.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub issuer: Option<IssuerVerdict>,
    /// What was asked for of what the holder disclosed, once verified; all of it where no claim was named, nothing when
    /// the verdict as a whole is a refusal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub claims: Option<Object>,
    /// Everything that was verified in it, asked for or not; it goes no further than this process.
    #[serde(skip)]
    all_claims: Option<Object>,
    /// When it was issued, if it says.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub issued_at: Option<Timestamp>,
    /// Until when the credential is valid, if it says.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub valid_until: Option<Timestamp>,
    /// What the holder authorized with it, as JSON; nothing when the verdict as a whole is a refusal.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub transactions: Vec<Value>,
    /// The lists that its status was read from, once verified.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub status_lists: Vec<StatusListVerdict>,
    /// The SHA-256 digest of the presentation as it came, in base64url; of an `ldp_vc` of its JSON without
    /// spaces, members in order of their names.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub presentation_sha256: String,
    /// Every check, in the order they were made.
    pub checks: Vec<CheckVerdict>,
}

/// Who issued a credential, and how that is trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuerVerdict {
    /// The name for people.
    pub name: String,
    /// How the issuer is known.
    pub trusted_by: Cow<'static, str>,
    /// The certificates that vouch for it, DER in base64, leaf first, without the anchor.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub x5c: Vec<String>,
}

/// A status list that a credential's status was read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusListVerdict {
    /// Where it is published.
    pub uri: String,
    /// When its issuer made it, if it says.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub issued_at: Option<Timestamp>,
    /// How old it was at the verdict, in seconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub age_seconds: Option<i64>,
    /// From when on it says nothing any more.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_at: Option<Timestamp>,
}

/// One check and how it came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckVerdict {
    /// The stable name, for programs.
    pub id: Cow<'static, str>,
    /// What was checked, for people.
    pub title: Cow<'static, str>,
    /// The section that demands it.
    pub rule: Cow<'static, str>,
    /// How it came out.
    pub outcome: CheckOutcome,
    /// Why, when it failed or could not be decided.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    /// An earlier check ended the verification.
    NotReached,
    /// The rule is kept.
    Passed,
    /// The rule is broken.
    Failed,
    /// The rule is about something that is not here and need not be.
    NotApplicable,
    /// Nobody can tell now.
    Undetermined,
}

/// What a credential says about itself rather than about its holder: reported apart, or of no use.
const TECHNICAL: [&str; 20] = [
    "iss",
    "iat",
    "nbf",
    "exp",
    "cnf",
    "vct",
    "vct#integrity",
    "aka_vcts",
    "status",
    "_sd_alg",
    // of W3C credentials
    "@context",
    "type",
    "issuer",
    "validFrom",
    "validUntil",
    "issuanceDate",
    "expirationDate",
    "credentialStatus",
    "credentialSchema",
    "proof",
];

impl Verdict {
    /// Whether everything was checked, and what was asked for is there.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.state == VerdictState::Verified
    }

    /// Adds a check that the verifier makes beyond the protocol, and what follows from it: a verdict only
    /// gets worse by it, and shows no claims then.
    pub fn judge(&mut self, place: usize, check: CheckVerdict, reason: &'static str) {
        let state = match check.outcome {
            CheckOutcome::Failed => VerdictState::Refused,
            CheckOutcome::Undetermined => VerdictState::Undetermined,
            CheckOutcome::Passed | CheckOutcome::NotApplicable | CheckOutcome::NotReached => {
                VerdictState::Verified
            }
        };
        let title = check.title.clone();
        if let Some(credential) = self.credentials.get_mut(place) {
            credential.checks.push(check);
            if state != VerdictState::Verified && credential.state != VerdictState::Refused {
                credential.state = state;
            }
        }
        let is_worse = state == VerdictState::Refused && self.state != VerdictState::Refused
            || state == VerdictState::Undetermined && self.state == VerdictState::Verified;
        if is_worse {
            self.state = state;
            self.reason = Some(reason.into());
            self.detail = Some(format!("a rule of the verifier does not hold: {title}"));
            self.withhold_claims();
        }
    }

    /// Drops the claims, and what was authorized.
    pub fn withhold_claims(&mut self) {
        for credential in &mut self.credentials {
            credential.claims = None;
            credential.all_claims = None;
            credential.transactions.clear();
        }
    }

    pub(super) const fn verified(credentials: Vec<CredentialVerdict>, now: Timestamp) -> Self {
        let state = VerdictState::Verified;
        let discarded = Vec::new();
        Self { state, reason: None, detail: None, concluded_at: now, credentials, discarded }
    }

    /// A verdict without any claim in it: what is not verified as a whole is not shown in part.
    pub(super) fn without_claims(
        state: VerdictState,
        (code, detail): (&'static str, String),
        credentials: Vec<CredentialVerdict>,
        now: Timestamp,
    ) -> Self {
        let reason = Some(Cow::Borrowed(code));
        let detail = Some(detail);
        let discarded = Vec::new();
        let mut verdict = Self { state, reason, detail, concluded_at: now, credentials, discarded };
        verdict.withhold_claims();
        verdict
    }
}

impl CredentialVerdict {
    /// Everything that was verified in it, asked for or not, for rules of the verifier alone: it is in no
    /// verdict that is told, kept or signed, and nothing of it is left in one that was read again.
    #[must_use]
    pub const fn all_claims(&self) -> Option<&Object> {
        self.all_claims.as_ref()
    }

    pub(super) fn verified(
        query: &CredentialQuery,
        presentation: &VerifiedCredentials,
        now: Timestamp,
    ) -> Self {
        let checks = checks(presentation.checks());
        let blank = Self::blank(query, VerdictState::Verified, checks);
        // more than one, and the query is not answered
        let Some(credential) = presentation.credentials().first() else { return blank };
        let visible = credential.claims().as_object().iter();
        let claims: Object = visible
            .filter(|(name, _)| !TECHNICAL.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        Self {
            types: credential.types().iter().map(|kind| kind.name().to_owned()).collect(),
            issuer: Some(IssuerVerdict::new(credential.issuer())),
            claims: Some(asked_for(query, &claims, credential.disclosed())),
            all_claims: Some(claims),
            issued_at: credential.validity().issued_at,
            valid_until: credential.validity().expires_at,
            status_lists: presentation
                .status_readings()
                .iter()
                .flat_map(|reading| &reading.lists)
                .map(|list| StatusListVerdict::new(list, now))
                .collect(),
            ..blank
        }
    }

    pub(super) fn of_presentation(self, digest: String) -> Self {
        Self { presentation_sha256: digest, ..self }
    }

    pub(super) fn not_verified(query: &CredentialQuery, error: &VerifyError) -> Self {
        let state = match error {
            VerifyError::Refused(_) => VerdictState::Refused,
            VerifyError::Undetermined(_) => VerdictState::Undetermined,
        };
        Self::blank(query, state, checks(error.checks()))
    }

    fn blank(query: &CredentialQuery, state: VerdictState, checks: Vec<CheckVerdict>) -> Self {
        Self {
            query: query.id.clone(),
            state,
            format: query.format.identifier().to_owned(),
            types: Vec::new(),
            issuer: None,
            claims: None,
            all_claims: None,
            issued_at: None,
            valid_until: None,
            status_lists: Vec::new(),
            presentation_sha256: String::new(),
            transactions: Vec::new(),
            checks,
        }
    }

    /// Adds what was authorized with the credential.
    pub(super) fn authorizes<'t>(&mut self, transactions: impl Iterator<Item = &'t Transaction>) {
        let written = |one| serde_json::to_value(one).expect("a transaction is JSON");
        self.transactions = transactions.map(written).collect();
        if !self.transactions.is_empty() {
            self.judge_transactions(CheckOutcome::Passed, None);
        }
    }

    /// Adds why what was to be authorized was not.
    pub(super) fn refuse_transactions(&mut self, fault: TransactionFault) {
        self.state = VerdictState::Refused;
        self.judge_transactions(CheckOutcome::Failed, Some(fault.to_string()));
    }

    fn judge_transactions(&mut self, outcome: CheckOutcome, detail: Option<String>) {
        self.checks.push(CheckVerdict {
            id: "transaction_data".into(),
            title: "Authorizes what was asked for".into(),
            rule: "OID4VP 1.0 App. B.3.3".into(),
            outcome,
            detail,
        });
    }

    /// Adds what the query makes of the presentation.
    pub(super) fn judge_query(&mut self, reason: Option<&Reason>) {
        let outcome = match reason {
            None => CheckOutcome::Passed,
            Some(_) => CheckOutcome::Failed,
        };
        if reason.is_some() {
            self.state = VerdictState::Refused;
        }
        self.checks.push(CheckVerdict {
            id: "query".into(),
            title: "Is what was asked for, and no more".into(),
            rule: "OID4VP 1.0 §8.6".into(),
            outcome,
            detail: reason.map(ToString::to_string),
        });
    }
}

impl IssuerVerdict {
    fn new(issuer: &IssuerIdentity) -> Self {
        let trusted_by = match issuer {
            IssuerIdentity::Certificate { .. } => "certificate",
            IssuerIdentity::Did(_) => "did",
            IssuerIdentity::Identifier(_) => "configured_keys",
        };
        let x5c = match issuer {
            IssuerIdentity::Certificate { chain, .. } => {
                chain.certificates_der().map(|der| BASE64.encode(der)).collect()
            }
            IssuerIdentity::Did(_) | IssuerIdentity::Identifier(_) => Vec::new(),
        };
        Self { name: issuer.name(), trusted_by: trusted_by.into(), x5c }
    }
}

impl StatusListVerdict {
    fn new(list: &ReadList, now: Timestamp) -> Self {
        let age = |issued_at| now.duration_since(issued_at).as_secs().max(0);
        Self {
            uri: list.uri.as_str().to_owned(),
            issued_at: list.issued_at,
            age_seconds: list.issued_at.map(age),
            expires_at: list.expires_at,
        }
    }
}

/// What was asked for of what came: some formats disclose a credential as a whole.
fn asked_for(query: &CredentialQuery, claims: &Object, disclosed: &[ClaimsPath]) -> Object {
    let asked = query.claims.all();
    if asked.is_empty() {
        return claims.clone();
    }
    // by where it is now: an element that was asked for by its index moves up where others were left out
    let found = asked.iter().filter_map(|claim| claim.find(claims, disclosed).ok());
    let places: Vec<_> = found.flatten().collect();
    ClaimsPath::only(&places, claims)
}

fn checks(checks: &Checks) -> Vec<CheckVerdict> {
    let verdict = |check: lanyard_core::verify::Check<'_>| CheckVerdict {
        id: check.id.into(),
        title: check.title.into(),
        rule: check.rule.into(),
        outcome: match check.outcome {
            Outcome::NotReached => CheckOutcome::NotReached,
            Outcome::Passed => CheckOutcome::Passed,
            Outcome::Failed => CheckOutcome::Failed,
            Outcome::NotApplicable => CheckOutcome::NotApplicable,
            Outcome::Undetermined => CheckOutcome::Undetermined,
        },
        detail: check.detail.map(str::to_owned),
    };
    checks.iter().map(verdict).collect()
}
