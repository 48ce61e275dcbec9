//! One issuance as a wallet sees it: six requests (OID4VCI §4.1.3, §12.2, §6, §7, §8).

use lanyard_core::{
    Timestamp,
    crypto::{AwsLc, CryptoProvider as _, Curve, Signer as _, SoftwareSigner},
    jose::{self, Jwk},
    json::Object,
};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use crate::{
    client::{Connection, Content},
    crowd::Flow,
    failure::Failure,
};

const PRE_AUTHORIZED: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";

/// The flow.
pub(crate) struct Issuance;

/// An offer that waits, and a fresh key for its credential.
pub(crate) struct Offered {
    pub(crate) offer: Url,
    pub(crate) key: SoftwareSigner,
}

/// A credential as it came, with the key it is bound to.
pub(crate) struct Received {
    pub(crate) credential: String,
    pub(crate) key: SoftwareSigner,
}

/// A key as a wallet makes it for one credential.
pub(crate) fn fresh_key() -> Result<SoftwareSigner, Failure> {
    Ok(SoftwareSigner::new(&AwsLc, &AwsLc.generate_key(Curve::P256)?)?)
}

#[derive(Deserialize)]
struct Offer {
    credential_issuer: Url,
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

#[derive(Deserialize)]
struct IssuerMetadata {
    nonce_endpoint: Url,
    credential_endpoint: Url,
}

#[derive(Deserialize)]
struct AuthorizationServerMetadata {
    token_endpoint: Url,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
    #[serde(default)]
    authorization_details: Vec<Granted>,
}

#[derive(Deserialize)]
struct Granted {
    #[serde(default)]
    credential_identifiers: Vec<String>,
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
        let issuer = &offer.credential_issuer;
        let place = well_known(issuer, "openid-credential-issuer");
        let metadata: IssuerMetadata = read(&connection.get(&place, None).await?)?;
        let place = well_known(issuer, "oauth-authorization-server");
        let server: AuthorizationServerMetadata = read(&connection.get(&place, None).await?)?;
        // 4. the token
        let code = &offer.grants.pre_authorized.code;
        let form = [("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", code)];
        let form = serde_urlencoded::to_string(form).expect("pairs of texts make a form");
        let token = connection.post(&server.token_endpoint, None, Content::Form(form)).await?;
        let token: Token = read(&token)?;
        // 5. the nonce
        let nonce = connection.post(&metadata.nonce_endpoint, None, Content::Empty).await?;
        let nonce: Nonce = read(&nonce)?;
        // 6. the credential
        let proof = key_proof(&job.key, issuer, &nonce.c_nonce).await?;
        let mut request = json!({ "proofs": { "jwt": [proof] } });
        let granted = token.authorization_details.iter();
        match granted.flat_map(|granted| &granted.credential_identifiers).next() {
            Some(identifier) => request["credential_identifier"] = json!(identifier),
            None => {
                let configuration = offer.credential_configuration_ids.first();
                request["credential_configuration_id"] = json!(configuration);
            }
        }
        let content = Content::Json(request.to_string());
        let bearer = Some(token.access_token.as_str());
        let answer = connection.post(&metadata.credential_endpoint, bearer, content).await?;
        let answer: Credentials = read(&answer)?;
        let credential = answer.credentials.into_iter().next();
        let credential = credential.ok_or(Failure::Lacks("credential"))?.credential;
        Ok(Received { credential, key: job.key })
    }
}

/// The `jwt` key proof (OID4VCI App. F.1).
async fn key_proof(key: &SoftwareSigner, issuer: &Url, nonce: &str) -> Result<String, Failure> {
    let header = Object::from_iter([
        ("typ".to_owned(), json!("openid4vci-proof+jwt")),
        ("jwk".to_owned(), Jwk::new(*key.public_key()).to_value()),
    ]);
    let now = Timestamp::now().as_second();
    let claims = json!({ "aud": issuer.as_str(), "iat": now, "nonce": nonce });
    Ok(jose::sign(header, &claims, key).await?)
}

/// Where an issuer describes itself: the name goes between its host and its path (OID4VCI §12.2.2).
fn well_known(issuer: &Url, name: &str) -> Url {
    let mut place = issuer.clone();
    let path = issuer.path().trim_end_matches('/');
    place.set_path(&format!("/.well-known/{name}{path}"));
    place
}

fn read<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T, Failure> {
    Ok(serde_json::from_slice(body)?)
}
