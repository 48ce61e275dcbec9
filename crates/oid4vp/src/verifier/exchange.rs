//! What a `vp_token` is worth, however it came (OID4VP 1.0 §8.6).

use std::collections::BTreeMap;

use lanyard_core::{
    Timestamp,
    credential::Format,
    crypto::{CryptoProvider, HashAlgorithm},
    json,
    mdoc::SessionTranscript,
    verify::{
        Expected, KeyBindingRule, Outcome, PresentationVerifier, Presented, VerifiedCredential,
        VerifiedCredentials, VerifyError,
    },
};
use serde_json::Value;

use super::{
    CredentialVerdict, TransactionFault, Verdict, VerdictState, Verifiers, authorized::authorized,
};
use crate::{
    RequestNonce,
    dcql::{
        CredentialQuery, CredentialQueryId, CredentialView, DcqlQuery, Mismatch, PresentedView,
        Reason, Unsatisfied, evaluate,
    },
    response::VpToken,
    transaction::{TransactionData, TransactionError},
};

/// The most presentations for one credential query with `multiple`.
const MAX_PRESENTATIONS: usize = 32;

/// What was asked for, and what every presentation in answer to it must be bound to.
pub(crate) struct Exchange<'r> {
    pub(crate) query: &'r DcqlQuery,
    /// Whom presentations are for: a client identifier, or an origin.
    pub(crate) audience: &'r str,
    pub(crate) nonce: &'r RequestNonce,
    pub(crate) transcript: SessionTranscript,
    /// What the holder was to authorize; where that cannot be read, nothing that comes is good.
    pub(crate) transactions: Result<Vec<TransactionData>, TransactionError>,
}

impl Exchange<'_> {
    /// Concludes from what came, whatever the verdict.
    pub(crate) async fn conclude(
        &self,
        token: VpToken,
        verifiers: Verifiers<'_>,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Verdict {
        // 1. OID4VP 1.0 §8.6(1): each entry answers a credential query, in the right number
        let entries = match self.entries(token) {
            Ok(entries) => entries,
            Err(unsatisfied) => {
                return unsatisfied_verdict(&unsatisfied, Vec::new(), now);
            }
        };
        // 2. OID4VP 1.0 §8.6(2): each presentation on its own; one that is no good is discarded
        let mut verified = Vec::new();
        let mut discarded = Vec::new();
        let mut first_error = None;
        for (query, format, value) in entries {
            let presentation = Presentation::new(format, query.holder_binding, &value);
            let presented = presentation.presented(&self.transcript);
            let digest = presentation.digest(provider);
            match self.verify(query, presented, verifiers.of(&query.id), now).await {
                Ok(presentation) => {
                    let verdict = CredentialVerdict::verified(query, &presentation, now);
                    verified.push((query, presentation, verdict.of_presentation(digest)));
                }
                Err(error) => {
                    let verdict = CredentialVerdict::not_verified(query, &error);
                    discarded.push(verdict.of_presentation(digest));
                    // OID4VP 1.0 §14.1.2: with one that is bound to something else, all are refused
                    if may_be_replayed(format, &error) {
                        return broken_verdict(&error, of_both(verified, discarded), now);
                    }
                    first_error.get_or_insert(error);
                }
            }
        }
        // 3. OID4VP 1.0 §8.6(3): together those that are left are what was asked for
        self.judge(Presentations { verified, discarded, first_error }, now, provider)
    }

    fn entries(&self, token: VpToken) -> Result<Vec<Entry<'_>>, Unsatisfied> {
        let mut entries = Vec::new();
        for (id, presentations) in token {
            let wrong = |id: Option<&CredentialQueryId>, reason| {
                Err(Unsatisfied { reasons: vec![(id.cloned(), reason)] })
            };
            let Some(query) = self.query.credential(&id) else {
                return wrong(None, Reason::UnknownQuery);
            };
            let Some(format) = query.format.format() else {
                return wrong(Some(&query.id), Mismatch::Format.into());
            };
            let most = if query.multiple { MAX_PRESENTATIONS } else { 1 };
            if presentations.len() > most {
                return wrong(Some(&query.id), Reason::MoreThanOne);
            }
            entries.extend(presentations.into_iter().map(|value| (query, format, value)));
        }
        Ok(entries)
    }

    async fn verify(
        &self,
        query: &CredentialQuery,
        presented: Presented<'_>,
        verifier: &PresentationVerifier,
        now: Timestamp,
    ) -> Result<VerifiedCredentials, VerifyError> {
        let rule = match query.holder_binding {
            true => KeyBindingRule::Required,
            false => KeyBindingRule::NotRequired,
        };
        // OID4VP 1.0 App. B, §14.1.2: the audience and the nonce of this request
        let mut expected = Expected::new(self.audience, self.nonce.as_str(), rule);
        for types in query.format.types() {
            expected = expected.of_types(types);
        }
        verifier.verify_presented(presented, &expected.at(now)).await
    }

    fn judge(
        &self,
        presentations: Presentations<'_>,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Verdict {
        let Presentations { mut verified, discarded, first_error } = presentations;
        let mut presented: BTreeMap<String, Vec<PresentedView<'_>>> = BTreeMap::new();
        let mut many = Vec::new();
        for (query, presentation, _) in &verified {
            // OID4VP 1.0 §6.1: a presentation is one of one credential
            let (Some(format), [credential]) = (query.format.format(), presentation.credentials())
            else {
                many.push((Some(query.id.clone()), Reason::ManyCredentials));
                continue;
            };
            let id = query.id.as_str().to_owned();
            presented.entry(id).or_default().push(view(format, credential));
        }
        let judged = match many.is_empty() {
            true => evaluate(self.query, &presented).map(drop),
            false => Err(Unsatisfied { reasons: many }),
        };
        let reasons = judged.as_ref().err().map(|unsatisfied| unsatisfied.reasons.as_slice());
        for (query, _, verdict) in &mut verified {
            let own =
                |(id, _): &&(Option<CredentialQueryId>, Reason)| id.as_ref() == Some(&query.id);
            let reason = reasons.unwrap_or_default().iter().find(own).map(|(_, reason)| reason);
            verdict.judge_query(reason);
        }
        match (judged, first_error) {
            (Ok(()), _) => {
                let verdict = self.judge_transactions(verified, now, provider);
                Verdict { discarded, ..verdict }
            }
            // what is missing is what was discarded
            (Err(_), Some(error)) => broken_verdict(&error, of_both(verified, discarded), now),
            (Err(unsatisfied), None) => {
                unsatisfied_verdict(&unsatisfied, of_both(verified, discarded), now)
            }
        }
    }

    /// OID4VP 1.0 §8.4: what was to be authorized was, by the credentials that may, and nothing else.
    fn judge_transactions(
        &self,
        mut verified: Vec<Verified<'_>>,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Verdict {
        let judged = match &self.transactions {
            Ok(transactions) => authorized(transactions, &verified, provider)
                .map(|places| (transactions.as_slice(), places)),
            Err(_) => Err((None, TransactionFault::Unreadable)),
        };
        match judged {
            Ok((transactions, places)) => {
                for ((_, _, verdict), places) in verified.iter_mut().zip(places) {
                    let own = places.into_iter().map(|place| transactions[place].transaction());
                    verdict.authorizes(own);
                }
                Verdict::verified(of_both(verified, Vec::new()), now)
            }
            Err((place, fault)) => {
                let blamed = place.and_then(|place| verified.get_mut(place));
                blamed.into_iter().for_each(|(_, _, verdict)| verdict.refuse_transactions(fault));
                let explained = (fault.code(), fault.to_string());
                let verdicts = of_both(verified, Vec::new());
                Verdict::without_claims(VerdictState::Refused, explained, verdicts, now)
            }
        }
    }
}

/// A presentation that is good by itself: the credential query it answers, itself, and the verdict on it.
pub(super) type Verified<'q> = (&'q CredentialQuery, VerifiedCredentials, CredentialVerdict);

/// The presentations of a response, once each was judged by itself.
struct Presentations<'q> {
    verified: Vec<Verified<'q>>,
    discarded: Vec<CredentialVerdict>,
    /// Why the first of those that were discarded is no good.
    first_error: Option<VerifyError>,
}

fn of_both(
    verified: Vec<Verified<'_>>,
    discarded: Vec<CredentialVerdict>,
) -> Vec<CredentialVerdict> {
    verified.into_iter().map(|(_, _, verdict)| verdict).chain(discarded).collect()
}

/// Whether a presentation may have been made for another request.
fn may_be_replayed(format: Format, error: &VerifyError) -> bool {
    let mut failed = error.checks().iter().filter(|check| check.outcome == Outcome::Failed);
    failed.any(|check| match check.id {
        "nonce" => true,
        // the nonce of an mdoc is in what its device signed
        "holder_signature" => format == Format::MsoMdoc,
        _ => false,
    })
}

/// One presentation of a response: the credential query it answers, in which format, and itself.
type Entry<'q> = (&'q CredentialQuery, Format, Value);

/// One element of a `vp_token`, as text in the way of its format (OID4VP 1.0 App. B).
struct Presentation {
    format: Format,
    /// Whether the holder has to prove that it is theirs.
    is_bound: bool,
    text: String,
}

impl Presentation {
    fn new(format: Format, is_bound: bool, value: &Value) -> Self {
        let text = match format {
            // OID4VP 1.0 App. B.1.3.2: a JSON object
            Format::LdpVc => value.to_string(),
            // App. B.1.3.1, B.2.5, B.3.6: a text; anything else fails as one
            Format::SdJwtVc
            | Format::MsoMdoc
            | Format::JwtVcJson
            | Format::VcJwt
            | Format::VcSdJwt => value.as_str().unwrap_or_default().to_owned(),
        };
        Self { format, is_bound, text }
    }

    /// The SHA-256 digest of the text, in base64url.
    fn digest(&self, provider: &dyn CryptoProvider) -> String {
        json::base64url(provider.hash(HashAlgorithm::Sha256, self.text.as_bytes()).as_bytes())
    }

    /// What the core verifies, whatever the format.
    fn presented<'p>(&'p self, transcript: &'p SessionTranscript) -> Presented<'p> {
        let text = self.text.as_str();
        match (self.format, self.is_bound) {
            (Format::SdJwtVc, _) => Presented::SdJwtVc(text),
            (Format::MsoMdoc, _) => Presented::MsoMdoc { device_response: text, transcript },
            (Format::JwtVcJson, true) => Presented::JwtVcJson(text),
            // OID4VP 1.0 App. B.1: without holder binding it is the credential that is returned
            (Format::JwtVcJson, false) => Presented::JwtVcAlone(text),
            (Format::LdpVc, true) => Presented::LdpVc(text),
            (Format::LdpVc, false) => Presented::LdpVcAlone(text),
            (Format::VcJwt | Format::VcSdJwt, _) => Presented::VpJwt(text),
        }
    }
}

/// What the query sees of a presentation; that it was bound to its holder where it had to be is verified.
fn view(format: Format, credential: &VerifiedCredential) -> PresentedView<'_> {
    let disclosed = credential.disclosed();
    PresentedView { credential: CredentialView::of_verified(format, credential), disclosed }
}

fn unsatisfied_verdict(
    unsatisfied: &Unsatisfied,
    verdicts: Vec<CredentialVerdict>,
    now: Timestamp,
) -> Verdict {
    let code = unsatisfied.reasons.first().map_or("query_unsatisfied", |(_, one)| one.code());
    let explained = (code, unsatisfied.to_string());
    Verdict::without_claims(VerdictState::Refused, explained, verdicts, now)
}

fn broken_verdict(
    error: &VerifyError,
    verdicts: Vec<CredentialVerdict>,
    now: Timestamp,
) -> Verdict {
    let state = match error {
        VerifyError::Refused(_) => VerdictState::Refused,
        VerifyError::Undetermined(_) => VerdictState::Undetermined,
    };
    Verdict::without_claims(state, (error.code(), error.to_string()), verdicts, now)
}
