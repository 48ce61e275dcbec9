//! From the body of a POST to a verdict (OID4VP 1.0 §8.6).

use std::collections::BTreeMap;

use lanyard_core::{
    Timestamp,
    crypto::CryptoProvider,
    sd_jwt_vc::Vct,
    verify::{Expected, KeyBindingRule, PresentationVerifier, VerifiedPresentation, VerifyError},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use subtle::ConstantTimeEq as _;
use thiserror::Error;

use super::{CredentialVerdict, Requested, Verdict, VerdictState};
use crate::{
    ErrorCode,
    dcql::{
        CredentialQuery, CredentialQueryId, CredentialView, PresentedView, Reason, RequestedFormat,
        TypeView, Unsatisfied, evaluate,
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
        let mut verdicts = Vec::new();
        let mut verified = Vec::new();
        for (query, presentation) in entries {
            match self.verify(query, &presentation, verifier, now).await {
                Ok(presentation) => {
                    verdicts.push(CredentialVerdict::verified(&query.id, &presentation));
                    verified.push((query, presentation));
                }
                // a response with a presentation that is no good is no good; a wrong nonce among
                // them (OID4VP 1.0 §14.1.2) is no exception
                Err(error) => {
                    verdicts.push(CredentialVerdict::not_verified(&query.id, &error));
                    return Ok(Conclusion::Answered(broken_verdict(&error, verdicts, now)));
                }
            }
        }
        // 4. OID4VP 1.0 §8.6(3): together they are what was asked for
        Ok(Conclusion::Answered(self.judge(&verified, verdicts, now)))
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

    fn entries(&self, token: VpToken) -> Result<Vec<(&CredentialQuery, Value)>, Unsatisfied> {
        let mut entries = Vec::new();
        for (id, presentations) in token {
            let wrong = |id: Option<&CredentialQueryId>, reason| {
                Err(Unsatisfied { reasons: vec![(id.cloned(), reason)] })
            };
            let Some(query) = self.query.credential(&id) else {
                return wrong(None, Reason::UnknownQuery);
            };
            let most = if query.multiple { MAX_PRESENTATIONS } else { 1 };
            if presentations.len() > most {
                return wrong(Some(&query.id), Reason::MoreThanOne);
            }
            entries.extend(presentations.into_iter().map(|presentation| (query, presentation)));
        }
        Ok(entries)
    }

    async fn verify(
        &self,
        query: &CredentialQuery,
        presentation: &Value,
        verifier: &PresentationVerifier,
        now: Timestamp,
    ) -> Result<VerifiedPresentation, VerifyError> {
        let rule = match query.holder_binding {
            true => KeyBindingRule::Required,
            false => KeyBindingRule::NotRequired,
        };
        // OID4VP 1.0 App. B.3.6: `aud` is the client identifier, `nonce` the request's
        let mut expected = Expected::new(self.client_id.as_str(), self.nonce.as_str(), rule);
        for vct in asked_types(query) {
            expected = expected.of_type(&vct);
        }
        // OID4VP 1.0 App. B.3.6: an SD-JWT is a text; anything else fails as one
        verifier.verify(presentation.as_str().unwrap_or_default(), &expected.at(now)).await
    }

    fn judge(
        &self,
        verified: &[(&CredentialQuery, VerifiedPresentation)],
        mut verdicts: Vec<CredentialVerdict>,
        now: Timestamp,
    ) -> Verdict {
        let seen: Vec<_> = verified.iter().map(|(query, one)| Seen::new(query, one)).collect();
        let mut presented: BTreeMap<String, Vec<PresentedView<'_>>> = BTreeMap::new();
        for ((query, presentation), seen) in verified.iter().zip(&seen) {
            let id = query.id.as_str().to_owned();
            presented.entry(id).or_default().push(seen.view(query, presentation));
        }
        let Err(unsatisfied) = evaluate(&self.query, &presented) else {
            verdicts.iter_mut().for_each(|verdict| verdict.judge_query(None));
            return Verdict::verified(verdicts, now);
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

/// What a view borrows that a verified presentation does not have lying about.
struct Seen {
    key_identifiers: Vec<Vec<u8>>,
    /// The types asked for that the credential is of, by `vct` or `aka_vcts`.
    types: Vec<String>,
}

impl Seen {
    fn new(query: &CredentialQuery, presentation: &VerifiedPresentation) -> Self {
        let own = |vct: &Vct| presentation.is_of_type(vct);
        Self {
            key_identifiers: presentation
                .issuer()
                .authority_key_identifiers()
                .map(<[u8]>::to_vec)
                .collect(),
            types: asked_types(query).filter(own).map(|vct| vct.as_str().to_owned()).collect(),
        }
    }

    fn view<'p>(
        &'p self,
        query: &CredentialQuery,
        presentation: &'p VerifiedPresentation,
    ) -> PresentedView<'p> {
        let credential = CredentialView {
            kind: TypeView::SdJwtVc { vct: presentation.vct().as_str(), aka_vcts: &self.types },
            claims: presentation.claims().as_object(),
            key_identifiers: &self.key_identifiers,
            holder_bound: !query.holder_binding || presentation.key_binding().is_some(),
        };
        PresentedView { credential, disclosed: presentation.disclosed() }
    }
}

fn asked_types(query: &CredentialQuery) -> impl Iterator<Item = Vct> {
    let types = match &query.format {
        RequestedFormat::SdJwtVc { vct_values } => vct_values.as_slice(),
        RequestedFormat::Unsupported { .. } => &[],
    };
    types.iter().filter_map(|vct| Vct::parse(vct.as_str()).ok())
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
