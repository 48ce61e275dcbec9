//! What a request proves about its sender: a DPoP key, an attested client. A nonce of the server's own is
//! kept, one for each server, and a request that lacked it is sent once more (RFC 9449 §8, §9).

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use lanyard_core::json;
use lanyard_fetch::{FetchError, Purpose, Request, RequestHeader, Response};
use lanyard_oid4vci::{
    client_authentication::{AttestationPop, sign_attestation_pop},
    dpop::{Proven, sign_dpop_proof},
    metadata::AuthorizationServerMetadata,
    nonce::{AttestationChallenge, ChallengeResponse, DpopNonce},
    wallet::{Method, OutgoingRequest},
};
use url::Url;

use crate::{Wallet, http, issuance::IssuanceError, ports::KeyStoreError};

/// The most servers whose nonces are kept: more than a holder deals with at once.
const MOST_SERVERS: usize = 64;

/// The last nonces that servers gave, by origin.
#[derive(Default)]
pub(crate) struct Nonces {
    dpop: Mutex<HashMap<String, DpopNonce>>,
    challenges: Mutex<HashMap<String, AttestationChallenge>>,
}

/// How often a request is sent again with another nonce of one kind: a server may refuse good ones, and one
/// that refuses all of them is left alone.
pub(crate) const MOST_NONCES: usize = 4;

/// What a refused request can be sent again with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    DpopNonce,
    Challenge,
}

impl Wallet {
    /// Sends a request with everything that it has to prove; again for each nonce that was missing.
    pub(crate) async fn send_proven(
        &self,
        request: &OutgoingRequest,
        server: Option<&AuthorizationServerMetadata>,
        purpose: Purpose,
    ) -> Result<Response, IssuanceError> {
        let mut tried: Vec<Wanted> = Vec::new();
        loop {
            let sent = self.proven(request, server, purpose).await?;
            let response = self.0.ports.http.send(sent).await?;
            self.0.nonces.keep(&request.url, &response);
            match wanted(&response) {
                // RFC 9449 §8: again with the nonce that came along
                Some(wanted)
                    if tried.iter().filter(|one| **one == wanted).count() < MOST_NONCES =>
                {
                    tried.push(wanted);
                }
                _ => return Ok(response),
            }
        }
    }

    async fn proven(
        &self,
        request: &OutgoingRequest,
        server: Option<&AuthorizationServerMetadata>,
        purpose: Purpose,
    ) -> Result<Request, IssuanceError> {
        let mut sent = http::to_request(request, purpose);
        let (crypto, now) = (&*self.0.ports.crypto, self.0.ports.clock.now());
        if let Some(prover) = &request.prover {
            let nonce = self.0.nonces.dpop(&request.url);
            let method = match request.method {
                Method::Get => "GET",
                Method::Post => "POST",
            };
            let proven = Proven {
                method,
                url: &request.url,
                access_token: request.authorization.as_ref(),
                nonce: nonce.as_ref(),
            };
            let proof = sign_dpop_proof(prover.signer(), proven, crypto, now).await;
            sent = sent.header(RequestHeader::Dpop, proof.map_err(KeyStoreError::from)?);
        }
        if let (true, Some(server), Some(attestations)) =
            (request.attested, server, &self.0.ports.attestation)
        {
            let attested = attestations.attest(&server.issuer).await?;
            let challenge = self.challenge(server).await?;
            let pop = AttestationPop {
                client: &self.0.settings.client.id,
                server: &server.issuer,
                challenge: challenge.as_ref(),
            };
            let pop = sign_attestation_pop(&*attested.key, pop, crypto, now).await;
            sent = sent
                .header(RequestHeader::ClientAttestation, attested.attestation)
                .header(RequestHeader::ClientAttestationPop, pop.map_err(KeyStoreError::from)?);
        }
        Ok(sent)
    }

    /// The last challenge of a server, or a fresh one where it has an endpoint for that.
    async fn challenge(
        &self,
        server: &AuthorizationServerMetadata,
    ) -> Result<Option<AttestationChallenge>, FetchError> {
        let Some(endpoint) = &server.challenge_endpoint else {
            return Ok(None);
        };
        if let Some(kept) = self.0.nonces.challenge(endpoint) {
            return Ok(Some(kept));
        }
        let body = lanyard_fetch::Body::None;
        let asked =
            Request::post(endpoint.clone(), Purpose::Nonce, body).accept("application/json");
        let response = self.0.ports.http.send(asked).await?;
        let read = json::parse(&response.body)
            .ok()
            .and_then(|value| serde_json::from_value::<ChallengeResponse>(value).ok());
        // without one the request is refused with one in a header
        Ok(read.map(|response| response.attestation_challenge))
    }
}

impl Nonces {
    fn dpop(&self, url: &Url) -> Option<DpopNonce> {
        self.dpop.lock().unwrap_or_else(PoisonError::into_inner).get(&origin(url)).cloned()
    }

    /// A challenge is used once: the next request has a fresh one, or is given one along.
    fn challenge(&self, url: &Url) -> Option<AttestationChallenge> {
        self.challenges.lock().unwrap_or_else(PoisonError::into_inner).remove(&origin(url))
    }

    /// RFC 9449 §8.2: a nonce may come with any answer, and takes the place of the one before.
    fn keep(&self, url: &Url, response: &Response) {
        if let Some(nonce) = &response.headers.dpop_nonce {
            let mut kept = self.dpop.lock().unwrap_or_else(PoisonError::into_inner);
            put(&mut kept, origin(url), DpopNonce::new(nonce));
        }
        if let Some(challenge) = &response.headers.attestation_challenge {
            let mut kept = self.challenges.lock().unwrap_or_else(PoisonError::into_inner);
            put(&mut kept, origin(url), AttestationChallenge::new(challenge));
        }
    }
}

fn put<T>(kept: &mut HashMap<String, T>, origin: String, value: T) {
    if kept.len() >= MOST_SERVERS && !kept.contains_key(&origin) {
        kept.clear();
    }
    kept.insert(origin, value);
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// What the server asks to send again with, if it gave that along.
fn wanted(response: &Response) -> Option<Wanted> {
    if !matches!(response.status, 400 | 401) {
        return None;
    }
    let body = json::parse(&response.body).ok();
    let code = body.as_ref().and_then(|body| body.get("error")).and_then(|code| code.as_str());
    let header = response.headers.www_authenticate.as_deref().unwrap_or_default();
    let says = |wanted: &str| code == Some(wanted) || header.contains(wanted);
    if says("use_dpop_nonce") && response.headers.dpop_nonce.is_some() {
        return Some(Wanted::DpopNonce);
    }
    if says("use_attestation_challenge") && response.headers.attestation_challenge.is_some() {
        return Some(Wanted::Challenge);
    }
    None
}

#[cfg(test)]
mod tests {
    use lanyard_fetch::ResponseHeaders;

    use super::*;

    fn refused(challenge: &str, headers: ResponseHeaders) -> Response {
        Response {
            status: 401,
            content_type: None,
            headers: ResponseHeaders { www_authenticate: Some(challenge.to_owned()), ..headers },
            body: "not JSON".into(),
            final_url: Url::parse("https://issuer.example/credential").expect("a URL"),
        }
    }

    #[test]
    fn a_nonce_is_asked_with_again_whatever_the_case_of_the_scheme() {
        for scheme in ["DPoP", "dpop", "DPOP"] {
            let nonce = |nonce: Option<&str>| ResponseHeaders {
                dpop_nonce: nonce.map(str::to_owned),
                ..ResponseHeaders::default()
            };
            let challenge = format!("{scheme} error=\"use_dpop_nonce\", algs=\"ES256\"");
            let asked = wanted(&refused(&challenge, nonce(Some("n-1"))));
            assert!(matches!(asked, Some(Wanted::DpopNonce)), "{scheme}");
            // without one, asking again would be the same again
            assert!(wanted(&refused(&challenge, nonce(None))).is_none());
        }
    }

    #[test]
    fn a_challenge_in_a_header_is_asked_with_again() {
        let headers = ResponseHeaders {
            attestation_challenge: Some("c-1".to_owned()),
            ..ResponseHeaders::default()
        };
        let body = br#"{"error":"use_attestation_challenge"}"#;
        let answer = |status| Response {
            status,
            body: body.as_slice().into(),
            ..refused("", headers.clone())
        };
        assert!(matches!(wanted(&answer(400)), Some(Wanted::Challenge)));
        assert!(wanted(&answer(500)).is_none());
    }
}
