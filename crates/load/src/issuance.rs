//! One issuance as a wallet sees it: six requests (OID4VCI 1.0 §4.1.3, §12.2, §6, §7, §8), the tokens bound to
//! a key or not, one copy of the credential or many.

use bytes::Bytes;
use lanyard_core::{crypto::SoftwareSigner, json::base64url_decode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use crate::{
    client::{Ask, Connection, Content},
    crowd::Flow,
    failure::Failure,
    ledger::{Deed, Fact, Ledger},
    proofs::{dpop_proof, key_proof},
};

const PRE_AUTHORIZED: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";

/// The flow.
pub(crate) struct Issuance;

/// An offer that waits, and fresh keys.
pub(crate) struct Offered {
    pub(crate) offer: Url,
    /// One for each copy of the credential.
    pub(crate) keys: Vec<SoftwareSigner>,
    /// The key that the tokens are bound to (RFC 9449), if they are.
    pub(crate) bound_to: Option<SoftwareSigner>,
}

/// Credentials as they came, each with the key it is bound to.
pub(crate) type Received = Vec<(String, SoftwareSigner)>;

/// A credential offer, as far as it is needed here.
#[derive(Deserialize)]
pub(crate) struct Offer {
    /// Whose it is.
    pub(crate) credential_issuer: Url,
    credential_configuration_ids: Vec<String>,
    grants: Grants,
}

#[derive(Deserialize)]
struct Grants {
    #[serde(rename = "urn:ietf:params:oauth:grant-type:pre-authorized_code")]
    pre_authorized: Grant,
}

#[derive(Deserialize)]
struct Grant {
    #[serde(rename = "pre-authorized_code")]
    code: String,
}

/// Where an issuer and its authorization server are asked for what.
pub(crate) struct Places {
    pub(crate) issuer: Url,
    pub(crate) server: Server,
    nonce: Url,
    credential: Url,
}

#[derive(Deserialize)]
struct IssuerMetadata {
    nonce_endpoint: Url,
    credential_endpoint: Url,
}

/// The authorization server.
#[derive(Deserialize)]
pub(crate) struct Server {
    pub(crate) token_endpoint: Url,
    pub(crate) pushed_authorization_request_endpoint: Option<Url>,
    pub(crate) authorization_endpoint: Option<Url>,
    pub(crate) challenge_endpoint: Option<Url>,
}

/// An access token, and what it is bound to.
pub(crate) struct Access<'k> {
    pub(crate) token: String,
    pub(crate) bound_to: Option<&'k SoftwareSigner>,
}

/// The nonces of one issuance.
pub(crate) struct Nonces {
    proof: String,
    /// For proofs of the key that tokens are bound to, where the issuer knows them; good for any of them
    /// until it is old.
    dpop: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Token {
    pub(crate) access_token: String,
}

#[derive(Deserialize)]
struct Nonce {
    c_nonce: String,
}

#[derive(Deserialize)]
struct Credentials {
    credentials: Vec<Credential>,
}

#[derive(Deserialize)]
struct Credential {
    credential: String,
}

impl Flow for Issuance {
    type Job = Offered;
    type Outcome = Received;

    async fn play(&self, connection: &mut Connection, job: Offered) -> Result<Received, Failure> {
        // 1. the offer, by reference
        let offer: Offer = read(&connection.get(&job.offer, None).await?)?;
        // 2. the issuer, 3. its authorization server
        let places = Places::discover(connection, &offer.credential_issuer).await?;
        // 4. the nonces, 5. the token
        let nonces = places.nonces(connection).await?;
        let bound_to = job.bound_to.as_ref().map(|key| (key, &nonces));
        let entry = connection.entry(Deed::Token, job.offer.as_str());
        let mut entry = entry.with(|_| Fact::Code(offer.code().to_owned()));
        let token = loop {
            entry.begins().await?;
            let token = places.token(connection, offer.code(), bound_to).await;
            entry.came(&token, |_, _| Ok(None))?;
            if entry.is_over().await? {
                break token?;
            }
        };
        // 6. the credential
        let configuration = offer.credential_configuration_ids.first();
        let configuration = configuration.ok_or(Failure::Lacks("configuration"))?;
        let access = Access { token, bound_to: job.bound_to.as_ref() };
        let wanted = (configuration.as_str(), nonces);
        let body =
            places.collect(connection, (job.offer.as_str(), &access), wanted, &job.keys).await?;
        received(&body, job.keys)
    }
}

/// The credentials of an answer, each with the key it is bound to.
pub(crate) fn received(body: &[u8], keys: Vec<SoftwareSigner>) -> Result<Received, Failure> {
    let Credentials { credentials } = read(body)?;
    if credentials.len() != keys.len() {
        return Err(Failure::Lacks("credential"));
    }
    Ok(credentials.into_iter().map(|one| one.credential).zip(keys).collect())
}

/// What an answer promises.
fn promised(ledger: &Ledger, body: &[u8]) -> Result<Option<Fact>, Failure> {
    let Credentials { credentials } = read(body)?;
    let texts: Vec<_> = credentials.into_iter().map(|one| one.credential).collect();
    let places = texts.iter().map(|text| place_of(text)).collect::<Result<_, _>>()?;
    let credentials = if ledger.keeps_whole() { texts } else { Vec::new() };
    Ok(Some(Fact::Received { places, credentials }))
}

impl Offer {
    /// The code that it leads to a token by.
    pub(crate) fn code(&self) -> &str {
        &self.grants.pre_authorized.code
    }
}

impl Nonces {
    /// For proofs of the key that tokens are bound to.
    pub(crate) fn dpop(&self) -> Result<&str, Failure> {
        self.dpop.as_deref().ok_or(Failure::Lacks("dpop-nonce"))
    }
}

impl Places {
    /// The two metadata documents.
    pub(crate) async fn discover(
        connection: &mut Connection,
        issuer: &Url,
    ) -> Result<Self, Failure> {
        let place = well_known(issuer, "openid-credential-issuer");
        let metadata: IssuerMetadata = read(&connection.get(&place, None).await?)?;
        let place = well_known(issuer, "oauth-authorization-server");
        let server = read(&connection.get(&place, None).await?)?;
        let IssuerMetadata { nonce_endpoint: nonce, credential_endpoint: credential } = metadata;
        Ok(Self { issuer: issuer.clone(), server, nonce, credential })
    }

    /// One request for both nonces.
    pub(crate) async fn nonces(&self, connection: &mut Connection) -> Result<Nonces, Failure> {
        let answer = connection.ask(Ask::post(&self.nonce, Content::Empty)).await?;
        let Nonce { c_nonce } = read(&answer.body)?;
        Ok(Nonces { proof: c_nonce, dpop: answer.header("dpop-nonce").ok().map(str::to_owned) })
    }

    /// An access token, for a code; bound to a key, if there is one.
    pub(crate) async fn token(
        &self,
        connection: &mut Connection,
        code: &str,
        bound_to: Option<(&SoftwareSigner, &Nonces)>,
    ) -> Result<String, Failure> {
        let form = form(&[("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", code)]);
        let place = &self.server.token_endpoint;
        let mut ask = Ask::post(place, Content::Form(form));
        if let Some((key, nonces)) = bound_to {
            ask = ask.with("dpop", dpop_proof(key, place, nonces.dpop()?, None).await?);
        }
        Ok(read::<Token>(&connection.ask(ask).await?.body)?.access_token)
    }

    /// The credential, in as many copies as there are keys.
    pub(crate) async fn credential(
        &self,
        connection: &mut Connection,
        access: &Access<'_>,
        (configuration, nonces): (&str, &Nonces),
        keys: Vec<SoftwareSigner>,
    ) -> Result<Received, Failure> {
        let body = self.ask_credential(connection, access, (configuration, nonces), &keys).await?;
        received(&body, keys)
    }

    /// What the credential endpoint answers, written down as about something, and asked for again while that is open.
    pub(crate) async fn collect(
        &self,
        connection: &mut Connection,
        (about, access): (&str, &Access<'_>),
        (configuration, mut nonces): (&str, Nonces),
        keys: &[SoftwareSigner],
    ) -> Result<Bytes, Failure> {
        let mut entry = connection.entry(Deed::Credential, about);
        loop {
            entry.begins().await?;
            let asked = async {
                if entry.is_again() {
                    // what was perhaps done has perhaps used them
                    nonces = self.nonces(connection).await?;
                }
                self.ask_credential(connection, access, (configuration, &nonces), keys).await
            };
            let body = asked.await;
            entry.came(&body, |ledger, body: &Bytes| promised(ledger, body))?;
            if entry.is_over().await? {
                return body;
            }
        }
    }

    /// What the credential endpoint answers: credentials, or that they are to be waited for.
    pub(crate) async fn ask_credential(
        &self,
        connection: &mut Connection,
        access: &Access<'_>,
        (configuration, nonces): (&str, &Nonces),
        keys: &[SoftwareSigner],
    ) -> Result<Bytes, Failure> {
        let mut proofs = Vec::with_capacity(keys.len());
        for key in keys {
            proofs.push(key_proof(key, &self.issuer, &nonces.proof).await?);
        }
        let request = json!({
            "credential_configuration_id": configuration, "proofs": { "jwt": proofs },
        });
        let ask = Ask::post(&self.credential, Content::Json(request.to_string()));
        let token = &access.token;
        let ask = match access.bound_to {
            None => ask.bearing(Some(token)),
            Some(key) => {
                let proof = dpop_proof(key, &self.credential, nonces.dpop()?, Some(token)).await?;
                ask.with("authorization", format!("DPoP {token}")).with("dpop", proof)
            }
        };
        Ok(connection.ask(ask).await?.body)
    }

    /// Another endpoint of the issuer, where this one has it.
    pub(crate) fn sibling(&self, name: &str) -> Result<Url, Failure> {
        Ok(self.credential.join(name)?)
    }
}

/// Where a credential has its status.
pub(crate) fn place_of(text: &str) -> Result<(Url, u64), Failure> {
    let lacks = || Failure::Lacks("status");
    let payload = text.split('.').nth(1).ok_or_else(lacks)?;
    let payload = base64url_decode(payload).map_err(|_| lacks())?;
    let payload: Value = serde_json::from_slice(&payload)?;
    let status = &payload["status"]["status_list"];
    let uri = status["uri"].as_str().ok_or_else(lacks)?;
    Ok((uri.parse()?, status["idx"].as_u64().ok_or_else(lacks)?))
}

/// Where an issuer describes itself: the name goes between its host and its path (OID4VCI 1.0 §12.2.2).
fn well_known(issuer: &Url, name: &str) -> Url {
    let mut place = issuer.clone();
    let path = issuer.path().trim_end_matches('/');
    place.set_path(&format!("/.well-known/{name}{path}"));
    place
}

pub(crate) fn read<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T, Failure> {
    Ok(serde_json::from_slice(body)?)
}

pub(crate) fn form(pairs: &(impl Serialize + ?Sized)) -> String {
    serde_urlencoded::to_string(pairs).expect("pairs of texts make a form")
}
