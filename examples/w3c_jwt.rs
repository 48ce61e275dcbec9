//! Issues, presents and verifies a W3C credential as a JWT: `cargo run -p lanyard-examples --bin w3c_jwt`.
//!
//! The document is the payload itself (VC-JOSE-COSE); the presentation is signed by the holder for one
//! verifier and one request.

use std::{error::Error, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    crypto::{CryptoProvider as _, Curve, RustCrypto, SoftwareSigner},
    did::{Did, DidUrl},
    jose::Jwk,
    sd_jwt::{Audience, RequestNonce},
    trust::{IssuerIdentifier, IssuerKeySource, IssuerKeys, IssuerTrust},
    verify::{Expected, KeyBindingRule, PresentationVerifier, Presented},
    w3c::{
        CredentialDraft,
        vc_jose_cose::{
            HeldCredential, PresentationRequest, SigningOptions, UnverifiedVcJwt, issue_jwt,
            present_jwt,
        },
    },
};
use serde_json::json;

const VERIFIER: &str = "x509_san_dns:frontdesk.example";
const NONCE: &str = "n-0S6_WzA2Mj-iKq7yTd3g";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    println!("{}", issue_present_verify(NONCE).await?);
    Ok(())
}

async fn issue_present_verify(request_nonce: &str) -> Result<String, Box<dyn Error>> {
    let (issuer, holder) = (Person::new()?, Person::new()?);
    let now = Timestamp::now();

    // 1. the issuer writes the credential and signs it
    let credential = CredentialDraft::new(&IssuerIdentifier::parse(issuer.did.as_str())?)
        .of_type("ExampleDegreeCredential")
        .in_context("https://www.w3.org/ns/credentials/examples/v2")
        .valid_until(now + SignedDuration::from_hours(24))
        .about(json!({"id": holder.did.as_str(), "name": "Ada"}))
        .finish()?;
    let options = SigningOptions::new().with_key_id(&issuer.method.to_string());
    let issued = issue_jwt(&credential, &options, &issuer.signer).await?;

    // 2. the holder keeps what verifies
    let trust = IssuerTrust::new().with(IssuerKeySource::Did(issuer.did.clone()));
    let issuers = IssuerKeys::new(trust.clone(), Arc::new(RustCrypto));
    let received = UnverifiedVcJwt::parse(issued.as_str())?;
    let key = issuers.find(&received.claimed_issuer(), now).await?;
    let held = received.verify_for_holding(key, now, &RustCrypto)?;

    // 3. and presents it to one verifier, for one request
    let (audience, nonce) = (Audience::from(VERIFIER), RequestNonce::from(NONCE));
    let request = PresentationRequest {
        audience: &audience,
        nonce: &nonce,
        now,
        signer: &holder.signer,
        key_id: Some(&holder.method),
    };
    let presented = present_jwt(&[HeldCredential::Jwt(&held)], &request).await?;

    // 4. who checks all of it at once
    let verifier = PresentationVerifier::new(trust, Arc::new(RustCrypto));
    let expected = Expected::new(VERIFIER, request_nonce, KeyBindingRule::Required).at(now);
    let verified = match verifier.verify_presented(Presented::VpJwt(&presented), &expected).await {
        Ok(verified) => verified,
        Err(error) => return Ok(format!("Refused: {}", error.code())),
    };
    let claims = verified.credentials().first().ok_or("nothing was presented")?.claims();
    Ok(format!("Welcome, {}", claims.as_value()["credentialSubject"]["name"]))
}

/// Someone whose name is a key.
struct Person {
    signer: SoftwareSigner,
    did: Did,
    method: DidUrl,
}

impl Person {
    fn new() -> Result<Self, Box<dyn Error>> {
        let key = RustCrypto.generate_key(Curve::P256)?;
        let did = Did::from_jwk(&Jwk::new(*key.public()));
        // did:jwk: the only key is number 0
        let method = did.with_fragment("0")?;
        Ok(Self { signer: SoftwareSigner::new(&RustCrypto, &key)?, did, method })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn welcomes_the_holder() {
        assert_eq!(issue_present_verify(NONCE).await.unwrap(), "Welcome, \"Ada\"");
    }

    #[tokio::test]
    async fn refuses_an_answer_to_another_request() {
        let said = issue_present_verify("another-nonce").await.unwrap();
        assert_eq!(said, "Refused: nonce_mismatch");
    }
}
