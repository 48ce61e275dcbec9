//! One issuance after a login, by an attested wallet whose tokens are bound to its key (RFC 9126, 9449;
//! attestation-based client authentication): eight requests, of which one is the browser's.
//!
//! The server has a test attester, and its holder always agrees.

use lanyard_core::crypto::SoftwareSigner;
use serde::Deserialize;
use url::Url;

use crate::{
    client::{Ask, Connection, Content},
    crowd::Flow,
    failure::Failure,
    issuance::{Access, Nonces, Places, Received, Token, form, read, received},
    ledger::Deed,
    proofs::{attestation_proof, code_verifier, dpop_proof},
    server::{CALLBACK, CLIENT},
};

/// The flow.
pub(crate) struct CodeFlow {
    pub(crate) issuer: Url,
    pub(crate) configuration: String,
}

/// A wallet, attested before the clock starts: that is its provider's work.
pub(crate) struct AttestedWallet {
    pub(crate) attestation: String,
    pub(crate) key: SoftwareSigner,
    pub(crate) credential_key: SoftwareSigner,
}

#[derive(Deserialize)]
struct Pushed {
    request_uri: String,
}

#[derive(Deserialize)]
struct Challenge {
    attestation_challenge: String,
}

impl Flow for CodeFlow {
    type Job = AttestedWallet;
    type Outcome = Received;

    async fn play(
        &self,
        connection: &mut Connection,
        job: AttestedWallet,
    ) -> Result<Received, Failure> {
        // 1., 2. who issues; 3., 4. what the proofs have to repeat
        let places = Places::discover(connection, &self.issuer).await?;
        let nonces = places.nonces(connection).await?;
        let place = places.server.challenge_endpoint.as_ref();
        let place = place.ok_or(Failure::Lacks("challenge_endpoint"))?;
        let challenge = connection.post(place, None, Content::Empty).await?;
        let Challenge { attestation_challenge: challenge } = read(&challenge)?;
        let sender = Sender { places: &places, job: &job, nonces: &nonces, challenge: &challenge };
        // 5. the request is pushed
        let (verifier, code_challenge) = code_verifier();
        let place = places.server.pushed_authorization_request_endpoint.as_ref();
        let place = place.ok_or(Failure::Lacks("pushed_authorization_request_endpoint"))?;
        let pushed = form(&[
            ("response_type", "code"),
            ("client_id", CLIENT),
            ("redirect_uri", CALLBACK),
            ("scope", &self.configuration),
            ("code_challenge", &code_challenge),
            ("code_challenge_method", "S256"),
        ]);
        let Pushed { request_uri } = read(&sender.send(connection, place, pushed).await?)?;
        // 6. the browser: the holder agrees at once
        let place = places.server.authorization_endpoint.as_ref();
        let mut place = place.ok_or(Failure::Lacks("authorization_endpoint"))?.clone();
        let query = form(&[("client_id", CLIENT), ("request_uri", &request_uri)]);
        place.set_query(Some(&query));
        let answer = connection.ask(Ask::get(&place)).await?;
        let answer: Url = answer.header("location")?.parse()?;
        let code = answer.query_pairs().find(|(name, _)| name == "code");
        let code = code.ok_or(Failure::Lacks("code"))?.1.into_owned();
        // 7. the token
        let traded = form(&[
            ("grant_type", "authorization_code"),
            ("client_id", CLIENT),
            ("code", &code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", &verifier),
        ]);
        let place = &places.server.token_endpoint;
        let mut entry = connection.entry(Deed::Token, &request_uri);
        let token = loop {
            entry.begins().await?;
            let token = sender.send(connection, place, traded.clone()).await;
            entry.came(&token, |_, _| Ok(None))?;
            if entry.is_over().await? {
                break token?;
            }
        };
        let Token { access_token: token } = read(&token)?;
        // 8. the credential
        let access = Access { token, bound_to: Some(&job.key) };
        let wanted = (self.configuration.as_str(), nonces);
        let keys = vec![job.credential_key];
        let body = places.collect(connection, (&request_uri, &access), wanted, &keys).await?;
        received(&body, keys)
    }
}

/// Everything that a form of this wallet is sent with.
struct Sender<'f> {
    places: &'f Places,
    job: &'f AttestedWallet,
    nonces: &'f Nonces,
    challenge: &'f str,
}

impl Sender<'_> {
    async fn send(
        &self,
        connection: &mut Connection,
        place: &Url,
        form: String,
    ) -> Result<bytes::Bytes, Failure> {
        let AttestedWallet { attestation, key, .. } = self.job;
        let proof = dpop_proof(key, place, self.nonces.dpop()?, None).await?;
        let held = attestation_proof(key, &self.places.issuer, self.challenge).await?;
        let ask = Ask::post(place, Content::Form(form))
            .with("dpop", proof)
            .with("oauth-client-attestation", attestation.as_str())
            .with("oauth-client-attestation-pop", held);
        Ok(connection.ask(ask).await?.body)
    }
}
