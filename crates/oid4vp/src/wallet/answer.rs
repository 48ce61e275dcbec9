//! The wallet's last word: an answer with consent, or none.

use async_trait::async_trait;
use lanyard_core::{
    crypto::{CryptoProvider, SignerError},
    jose::JweError,
    json,
    mdoc::{OpenId4VpHandover, SessionTranscript},
    sd_jwt::{Audience, RequestNonce},
};
use serde_json::Value;
use thiserror::Error;
use url::Url;

use super::{Approved, Consent, ReviewedRequest};
use crate::{
    ErrorCode,
    request::{Delivery, Transport},
    response::{AuthorizationResponse, ResponseContent, VpToken},
};

/// What a presentation is bound to: this verifier and this request (OID4VP 1.0 §14.1.2).
#[derive(Clone, Debug)]
pub struct Binding {
    /// The `aud` of the key binding: the client identifier with its prefix (§14.9).
    pub audience: Audience,
    /// The `nonce` of the key binding.
    pub nonce: RequestNonce,
    /// What an mdoc's device signature is about; audience and nonce are in it (App. B.2.6).
    pub transcript: SessionTranscript,
}

/// Makes presentations of the credentials that a wallet holds.
#[async_trait]
pub trait Presenter: Send + Sync {
    /// Presents one credential, disclosing what was approved and nothing else.
    ///
    /// # Errors
    /// [`PresentError`] when the credential or its key is not at hand.
    async fn present(&self, approved: &Approved, binding: &Binding) -> Result<Value, PresentError>;
}

/// Why a presentation could not be made.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PresentError {
    /// The credential is not there any more, or cannot be presented like this.
    #[error("the credential cannot be presented")]
    Credential,
    /// No hash algorithm is asked for by all transactions that the credential would authorize.
    #[error("the transactions cannot be authorized with one credential")]
    Transaction,
    /// The holder's key gave no signature.
    #[error(transparent)]
    Key(#[from] SignerError),
}

/// Why there is no response.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AnswerError {
    /// The consent was given for another request.
    #[error("the consent was given for another request")]
    OtherRequest,
    /// A presentation could not be made.
    #[error(transparent)]
    Present(#[from] PresentError),
    /// The verifier's key cannot be encrypted to.
    #[error("the response cannot be encrypted: {0}")]
    Encryption(#[from] JweError),
}

impl ReviewedRequest {
    /// Answers the request with what the holder consented to.
    ///
    /// # Errors
    /// [`AnswerError`]; nothing may be sent then.
    pub async fn answer(
        &self,
        consent: Consent,
        presenter: &dyn Presenter,
        provider: &dyn CryptoProvider,
    ) -> Result<AuthorizationResponse, AnswerError> {
        if consent.nonce != self.request.nonce {
            return Err(AnswerError::OtherRequest);
        }
        let token = presentations(&consent, presenter, &self.binding(provider)).await?;
        Ok(self.respond(&ResponseContent::VpToken(token), provider)?)
    }

    /// Says no: because the holder does not want to, or because nothing fits.
    ///
    /// Both are the same `access_denied`, and both are sent only after the holder acted, so that the
    /// verifier does not learn what the wallet holds (§15.9, §6.4.1).
    ///
    /// # Errors
    /// [`AnswerError::Encryption`].
    pub fn decline(
        &self,
        provider: &dyn CryptoProvider,
    ) -> Result<AuthorizationResponse, AnswerError> {
        Ok(self.respond(&ResponseContent::Error(ErrorCode::AccessDenied), provider)?)
    }

    /// What every presentation for this request is bound to.
    #[must_use]
    pub fn binding(&self, provider: &dyn CryptoProvider) -> Binding {
        let request = &self.request;
        let audience = Audience::from(request.client_id.as_str());
        let nonce = RequestNonce::from(request.nonce.as_str());
        let handover = OpenId4VpHandover {
            client_id: &audience,
            nonce: &nonce,
            // the key that the response is in fact encrypted to
            encryption_key: match &request.delivery {
                Delivery::Plain => None,
                Delivery::Encrypted(recipient) => Some(recipient.jwk.thumbprint(provider)),
            },
            response_uri: request.response_uri.as_str(),
        };
        let transcript = SessionTranscript::openid4vp(&handover, provider);
        Binding { audience, nonce, transcript }
    }

    fn respond(
        &self,
        content: &ResponseContent,
        provider: &dyn CryptoProvider,
    ) -> Result<AuthorizationResponse, JweError> {
        let request = &self.request;
        AuthorizationResponse::new(
            request.response_uri.url(),
            &request.delivery,
            request.state.as_ref(),
            content,
            provider,
        )
    }
}

/// The presentations that the holder consented to, each made by the presenter.
pub(crate) async fn presentations(
    consent: &Consent,
    presenter: &dyn Presenter,
    binding: &Binding,
) -> Result<VpToken, PresentError> {
    let mut token = VpToken::new();
    for approved in &consent.approved {
        let presentation = presenter.present(approved, binding).await?;
        token.entry(approved.query.as_str().to_owned()).or_default().push(presentation);
    }
    Ok(token)
}

/// What the verifier replied to the response (§8.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifierReply {
    /// It took the response; there is nothing more to do.
    Done,
    /// It took the response; the browser goes on here.
    ContinueAt(Url),
    /// It took the response; an app of its own goes on, which the platform opens by this URI. No browser follows it.
    ContinueInApp(Url),
}

/// Schemes that are no app's: what they name is a page, a script, a file, or whatever the platform makes of them.
const OF_NO_APP: [&str; 18] = [
    "about",
    "blob",
    "content",
    "data",
    "file",
    "filesystem",
    "ftp",
    "http",
    "https",
    "intent",
    "javascript",
    "jar",
    "mailto",
    "sms",
    "tel",
    "vbscript",
    "view-source",
    "ws",
];

/// Why a verifier's reply is not one.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ReplyError {
    /// The verifier refused the response, and maybe said why.
    #[error("the verifier refused the response (status {status})")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The error code, if it is one of the specification's.
        code: Option<ErrorCode>,
    },
    /// The body is not a JSON object, or `redirect_uri` not a text.
    #[error("the verifier's reply cannot be read")]
    Unreadable,
    /// `redirect_uri` leads neither to a web page nor to an app; the response was taken all the same.
    #[error("the verifier's redirect_uri leads neither to a web page nor to an app")]
    RedirectUri,
}

impl VerifierReply {
    /// Reads the verifier's reply.
    ///
    /// # Errors
    /// [`ReplyError`].
    pub fn read(status: u16, body: &[u8], transport: Transport) -> Result<Self, ReplyError> {
        let members = json::parse_object(body);
        // OID4VP 1.0 §8.2: 200 with a JSON object; a redirect would be an error too (§14.7)
        if status != 200 {
            let error = members.ok().and_then(|members| members.get("error").cloned());
            let code = error.and_then(|error| ErrorCode::from_text(error.as_str()?));
            return Err(ReplyError::Refused { status, code });
        }
        let members = members.map_err(|_| ReplyError::Unreadable)?;
        let Some(redirect) = members.get("redirect_uri") else { return Ok(Self::Done) };
        let redirect = redirect.as_str().ok_or(ReplyError::Unreadable)?;
        // OID4VP 1.0 §8.2: an absolute URI; `javascript:` and the like are never followed
        match Url::parse(redirect) {
            Ok(url) if transport.allows(&url) => Ok(Self::ContinueAt(url)),
            Ok(url) if !OF_NO_APP.contains(&url.scheme()) => Ok(Self::ContinueInApp(url)),
            _ => Err(ReplyError::RedirectUri),
        }
    }
}
