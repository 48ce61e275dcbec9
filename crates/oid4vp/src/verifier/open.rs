//! From the body of a POST to a verdict (OID4VP 1.0 §8.6).

use std::collections::BTreeMap;

use lanyard_core::{
    Timestamp,
    credential::Format,
    crypto::CryptoProvider,
    mdoc::SessionTranscript,
    verify::{
        Expected, KeyBindingRule, PresentationVerifier, Presented, VerifiedCredential,
        VerifiedCredentials, VerifyError,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use subtle::ConstantTimeEq as _;
use thiserror::Error;

use super::{CredentialVerdict, Requested, Verdict, VerdictState, authorized::authorized};
use crate::{
    ErrorCode,
    dcql::{
        CredentialQuery, CredentialQueryId, CredentialView, Mismatch, PresentedView, Reason,
        Unsatisfied, evaluate,
    },
    response::{ReceivedResponse, ResponseContent, ResponseError, VpToken},
};

/// The most presentations for one credential query with `multiple`.
const MAX_PRESENTATIONS: usize = 32;

/// How a request ended; nothing that comes later changes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// Presentations came, and this is what they are worth.
    Answered(Verdict),
    /// The wallet did not answer, for this reason.
    Declined(ErrorCode),
}

impl Conclusion {
    /// The error for the wallet; `None` when its response was taken.
    #[must_use]
    pub fn error(&self) -> Option<ErrorCode> {
        match self {
            Self::Declined(_) => None,
            Self::Answered(verdict) => match verdict.state {
                VerdictState::Verified => None,
                VerdictState::Refused => Some(ErrorCode::InvalidRequest),
                VerdictState::Undetermined => Some(ErrorCode::ServerError),
            },
        }
    }
}

/// Something came that is no response to this request; the request still waits for one.
#[derive(Clone, Debug, Error)]
#[error("{reason}")]
pub struct Refused {
    /// The rule that was broken.
    pub reason: OpenError,
    /// The request, as it was.
    pub requested: Box<Requested>,
}

/// Why something is no response to a request.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum OpenError {
    /// It came too late.
    #[error("the request has expired")]
    Expired,
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] ResponseError),
    /// `state` is missing or another one.
    #[error("state is not that of the request")]
    State,
}

impl OpenError {
    /// What the wallet is told.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        ErrorCode::InvalidRequest
    }

    /// The stable reason code, for operators.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Expired => "request_expired",
            Self::State => "state_mismatch",
            Self::Unreadable(error) => match error {
                ResponseError::Form => "response_not_a_form",
                ResponseError::Json(_) => "response_not_json",
                ResponseError::NotEncrypted => "response_not_encrypted",
                ResponseError::EncryptionNotAskedFor => "response_encrypted_unasked",
                ResponseError::Encryption(_) => "response_does_not_decrypt",
                ResponseError::Content => "response_without_vp_token",
                ResponseError::VpToken => "vp_token_malformed",
                ResponseError::ErrorCode => "response_error_unknown",
            },
        }
    }
}

impl Requested {
    /// Opens a response and concludes the request, whatever the verdict.
    ///
    /// # Errors
    /// [`Refused`] when it is no response to this request; the request goes on waiting.
    pub async fn open(
        self,
        body: &[u8],
        verifier: &PresentationVerifier,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Result<Conclusion, Refused> {
        // 1. it is in time, can be read and decrypted, and belongs to this request
        let content = match self.receive(body, now, provider) {
            Ok(content) => content,
            Err(reason) => return Err(Refused { reason, requested: Box::new(self) }),
        };
        let token = match content {
            ResponseContent::Error(code) => return Ok(Conclusion::Declined(code)),
            ResponseContent::VpToken(token) => token,
        };
        // 2. OID4VP 1.0 §8.6(1): each entry answers a credential query, in the right number
        let entries = match self.entries(token) {
            Ok(entries) => entries,
            Err(unsatisfied) => {
                return Ok(Conclusion::Answered(unsatisfied_verdict(
                    &unsatisfied,
                    Vec::new(),
                    now,
                )));
            }
        };
        // 3. OID4VP 1.0 §8.6(2): each presentation on its own
        let transcript = self.transcript(provider);
        let mut verdicts = Vec::new();
        let mut verified = Vec::new();
        for (query, format, value) in entries {
            let presentation = Presentation::new(format, query.holder_binding, &value);
            let opened = self.verify(query, presentation.presented(&transcript), verifier, now);
            match opened.await {
                Ok(presentation) => {
                    verdicts.push(CredentialVerdict::verified(query, &presentation));
                    verified.push((query, presentation));
                }
                // a response with a presentation that is no good is no good; a wrong nonce among
                // them (OID4VP 1.0 §14.1.2) is no exception
                Err(error) => {
                    verdicts.push(CredentialVerdict::not_verified(query, &error));
                    return Ok(Conclusion::Answered(broken_verdict(&error, verdicts, now)));
                }
            }
        }
        // 4. OID4VP 1.0 §8.6(3): together they are what was asked for
        Ok(Conclusion::Answered(self.judge(&verified, verdicts, now, provider)))
    }

    fn receive(
        &self,
        body: &[u8],
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Result<ResponseContent, OpenError> {
        if now >= self.expires_at() {
            return Err(OpenError::Expired);
        }
        let key = self.response_key.as_ref().map(|response_key| &response_key.key);
        let received = ReceivedResponse::read(body, key, provider)?;
        // OID4VP 1.0 §5.3, §14.3.2: the state of this very request
        let state = received.state.unwrap_or_default();
        if !bool::from(state.as_bytes().ct_eq(self.state.as_str().as_bytes())) {
            return Err(OpenError::State);
        }
        Ok(received.content)
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
        // OID4VP 1.0 App. B: the audience is the client identifier, the nonce the request's
        let mut expected = Expected::new(self.client_id.as_str(), self.nonce.as_str(), rule);
        for types in query.format.types() {
            expected = expected.of_types(types);
        }
        verifier.verify_presented(presented, &expected.at(now)).await
    }

    fn judge(
        &self,
        verified: &[(&CredentialQuery, VerifiedCredentials)],
        mut verdicts: Vec<CredentialVerdict>,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Verdict {
        let mut presented: BTreeMap<String, Vec<PresentedView<'_>>> = BTreeMap::new();
        let mut many = Vec::new();
        for (query, presentation) in verified {
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
            true => evaluate(&self.query, &presented).map(drop),
            false => Err(Unsatisfied { reasons: many }),
        };
        let Err(unsatisfied) = judged else {
            verdicts.iter_mut().for_each(|verdict| verdict.judge_query(None));
            return self.judge_transactions(verified, verdicts, now, provider);
        };
        for verdict in &mut verdicts {
            let own =
                |(id, _): &&(Option<CredentialQueryId>, Reason)| *id == Some(verdict.query.clone());
            let reason = unsatisfied.reasons.iter().find(own).map(|(_, reason)| reason);
            verdict.judge_query(reason);
        }
        unsatisfied_verdict(&unsatisfied, verdicts, now)
    }
}

impl Requested {
    /// OID4VP 1.0 §8.4: what was to be authorized was, by the credentials that may, and nothing else.
    fn judge_transactions(
        &self,
        verified: &[(&CredentialQuery, VerifiedCredentials)],
        mut verdicts: Vec<CredentialVerdict>,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Verdict {
        let transactions = self.transactions();
        match authorized(&transactions, verified, provider) {
            Ok(places) => {
                for (verdict, places) in verdicts.iter_mut().zip(places) {
                    let own = places.into_iter().map(|place| transactions[place].transaction());
                    verdict.authorizes(own);
                }
                Verdict::verified(verdicts, now)
            }
            Err((place, fault)) => {
                let blamed = place.and_then(|place| verdicts.get_mut(place));
                blamed.into_iter().for_each(|verdict| verdict.refuse_transactions(fault));
                let explained = (fault.code(), fault.to_string());
                Verdict::without_claims(VerdictState::Refused, explained, verdicts, now)
            }
        }
    }
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
