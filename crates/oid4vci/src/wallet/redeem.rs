//! The pre-authorized code becomes an access token (OID4VCI 1.0 §6).

use thiserror::Error;

use super::{
    Granted, IncomingResponse, OutgoingRequest, PeerError, Prover, ResponseFault,
    http::{Body, Sorted, read},
};
use crate::{
    CredentialConfigurationId, TxCode,
    metadata::{AuthorizationServerMetadata, CredentialIssuerMetadata},
    offer::{PreAuthorizedGrant, TxCodeDescription, TxCodeInput},
    token::{PreAuthorizedTokenRequest, TokenResponse},
};

/// An offer that the holder agreed to; the tx code may be tried again from here.
#[derive(Clone, Debug)]
pub struct PreAuthorizedOffer {
    grant: PreAuthorizedGrant,
    server: AuthorizationServerMetadata,
    issuer: CredentialIssuerMetadata,
    configurations: Vec<CredentialConfigurationId>,
    prover: Option<Prover>,
}

/// Why what the holder typed is not even sent.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum TxCodeRefused {
    /// The offer demands one.
    #[error("the issuer asks for a code")]
    Missing,
    /// The offer demands none.
    #[error("the issuer asks for no code")]
    Unexpected,
    /// Not the length or the characters that the offer announced.
    #[error("the code does not look as the issuer announced")]
    Form,
}

/// Why there is no token.
#[derive(Debug, Error)]
pub enum TokenRefused {
    /// Most likely the tx code was wrong: ask the holder again, the issuer counts the tries.
    #[error("the code was refused")]
    TxCode(Box<PreAuthorizedOffer>),
    /// The authorization server refused for good.
    #[error("{0}")]
    Refused(PeerError),
    /// No answer that can be read; the same request may be sent again.
    #[error("{1}")]
    Unavailable(Box<PreAuthorizedOffer>, ResponseFault),
    /// A token of a type that is not supported, such as one that is bound to a key.
    #[error("the token has a type that is not supported")]
    TokenType,
}

impl PreAuthorizedOffer {
    pub(super) const fn new(
        grant: PreAuthorizedGrant,
        server: AuthorizationServerMetadata,
        issuer: CredentialIssuerMetadata,
        configurations: Vec<CredentialConfigurationId>,
    ) -> Self {
        Self { grant, server, issuer, configurations, prover: None }
    }

    /// With a key that the access token is bound to, where the server takes that.
    #[must_use]
    pub fn proven_by(mut self, prover: Prover) -> Self {
        self.prover = Some(prover);
        self
    }

    /// Whether there is such a key.
    pub const fn is_proven(&self) -> bool {
        self.prover.is_some()
    }

    /// The authorization server.
    pub const fn server(&self) -> &AuthorizationServerMetadata {
        &self.server
    }

    /// What to ask the holder for, if anything.
    pub const fn tx_code(&self) -> Option<&TxCodeDescription> {
        self.grant.tx_code.as_ref()
    }

    /// The token request (§6.1).
    ///
    /// # Errors
    /// [`TxCodeRefused`]: a code that cannot be right is not sent, it would cost a try.
    pub fn request(&self, tx_code: Option<TxCode>) -> Result<OutgoingRequest, TxCodeRefused> {
        match (&self.grant.tx_code, &tx_code) {
            // §4.1.1: tx_code in the offer, even empty, means that a code is required
            (Some(_), None) => return Err(TxCodeRefused::Missing),
            (None, Some(_)) => return Err(TxCodeRefused::Unexpected),
            (Some(description), Some(code)) if !description.fits(code) => {
                return Err(TxCodeRefused::Form);
            }
            _ => {}
        }
        let request = PreAuthorizedTokenRequest {
            code: self.grant.code.clone(),
            tx_code,
            details: Vec::new(),
        };
        let endpoint = self.server.token_endpoint.clone();
        let endpoint = endpoint.expect("an offer is made of a server with a token endpoint");
        let body = Body::Form(request.to_form());
        Ok(OutgoingRequest::post(endpoint, body).proven_to(&self.server, self.prover.as_ref()))
    }

    /// Reads the token response.
    ///
    /// # Errors
    /// [`TokenRefused`], with the state to go on from where there is one.
    pub fn receive(self, response: IncomingResponse<'_>) -> Result<Granted, TokenRefused> {
        let token: TokenResponse = match response.sort() {
            Sorted::Success(body) => match read(body) {
                Ok(token) => token,
                Err(fault) => return Err(TokenRefused::Unavailable(Box::new(self), fault)),
            },
            // §6.3: a wrong tx code is invalid_grant; the 1.1 draft gives it a code of its own
            Sorted::Peer(error)
                if self.grant.tx_code.is_some()
                    && matches!(error.code.as_str(), "invalid_grant" | "invalid_tx_code") =>
            {
                return Err(TokenRefused::TxCode(Box::new(self)));
            }
            Sorted::Peer(error) => return Err(TokenRefused::Refused(error)),
            Sorted::Fault(fault) => return Err(TokenRefused::Unavailable(Box::new(self), fault)),
        };
        if !accept_type(&token, self.prover.is_some()) {
            return Err(TokenRefused::TokenType);
        }
        Ok(Granted::new(token, self.issuer, self.configurations).proven_by(self.prover))
    }
}

/// RFC 6749 §7.1: a token of an unknown type must not be used; the name is compared without case. A bound
/// one can be used by whoever proved a key.
pub(super) fn accept_type(token: &TokenResponse, proven: bool) -> bool {
    token.token_type.eq_ignore_ascii_case("bearer")
        || proven && token.token_type.eq_ignore_ascii_case("dpop")
}

impl TxCodeDescription {
    /// Whether a code looks as announced.
    pub fn fits(&self, code: &TxCode) -> bool {
        let length = code.reveal().chars().count();
        let digits = code.reveal().bytes().all(|byte| byte.is_ascii_digit());
        length > 0
            && self.length.is_none_or(|announced| usize::from(announced) == length)
            && (self.input_mode == TxCodeInput::Text || digits)
    }
}
