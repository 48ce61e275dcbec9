//! Issues, derives and verifies with Data Integrity: `cargo run -p lanyard-examples --bin data_integrity`.
//!
//! With `ecdsa-sd-2023` the issuer signs once, and the holder shows only what was asked for; what the issuer
//! made mandatory is always shown.

use std::{error::Error, sync::Arc};

use jiff::Timestamp;
use lanyard_core::{
    crypto::{CryptoProvider as _, Curve, RustCrypto, SoftwareSigner},
    data_integrity::{Cryptosuite, JsonPointer, ProofDraft, json_ld::Contexts},
    did::Did,
    sd_jwt::{Audience, RequestNonce},
    trust::{IssuerIdentifier, IssuerKeySource, IssuerKeys, IssuerTrust},
    verify::{Expected, KeyBindingRule, PresentationVerifier, Presented},
    w3c::{
        CredentialDraft,
        ldp_vc::{self, Shown, UnverifiedLdpVc},
        vc_jose_cose::PresentationRequest,
    },
};
use serde_json::{Value, json};

const VERIFIER: &str = "x509_san_dns:frontdesk.example";
const NONCE: &str = "n-0S6_WzA2Mj-iKq7yTd3g";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    println!("the verifier sees {}", issue_derive_verify().await?);
    Ok(())
}

async fn issue_derive_verify() -> Result<Value, Box<dyn Error>> {
    let (issuer, holder) = (Person::new()?, Person::new()?);
    let now = Timestamp::now();

    // 1. the issuer signs everything, so that each part can be shown alone
    let credential = CredentialDraft::new(&IssuerIdentifier::parse(issuer.did.as_str())?)
        .of_type("ExampleDegreeCredential")
        .in_context("https://www.w3.org/ns/credentials/examples/v2")
        .about(json!({"id": holder.did.as_str(), "degree": "MSc", "name": "Ada"}))
        .finish()?;
    let proof = ProofDraft::assertion(Cryptosuite::EcdsaSd2023, &issuer.method()?)
        .created(now)
        .with_mandatory([JsonPointer::parse("/issuer")?]);
    let issued = ldp_vc::issue(&credential, proof, &issuer.signer, &RustCrypto).await?;

    // 2. the holder verifies what it got, and shows the degree alone
    let trust = IssuerTrust::new().with(IssuerKeySource::Did(issuer.did.clone()));
    let issuers = IssuerKeys::new(trust.clone(), Arc::new(RustCrypto));
    let held = UnverifiedLdpVc::from_object(issued)?;
    let held = held.verify_for_holding(&issuers, Contexts::bundled(), now).await?;
    let pointers = [
        JsonPointer::parse("/credentialSubject/id")?,
        JsonPointer::parse("/credentialSubject/degree")?,
    ];
    let (audience, nonce) = (Audience::from(VERIFIER), RequestNonce::from(NONCE));
    let method = holder.method()?;
    let request = PresentationRequest {
        audience: &audience,
        nonce: &nonce,
        now,
        signer: &holder.signer,
        key_id: Some(&method),
    };
    let shown = [Shown::Parts(&held, &pointers)];
    let presented = ldp_vc::present(&shown, &request, &RustCrypto).await?;

    // 3. the verifier checks both proofs, the times and to whom the credential is bound
    let verifier = PresentationVerifier::new(trust, Arc::new(RustCrypto));
    let expected = Expected::new(VERIFIER, NONCE, KeyBindingRule::Required).at(now);
    let text = Value::Object(presented).to_string();
    let verified = verifier.verify_presented(Presented::LdpVc(&text), &expected).await?;
    let claims = verified.credentials().first().ok_or("nothing was presented")?.claims();
    Ok(claims.as_value()["credentialSubject"].clone())
}

/// Someone whose name is a key.
struct Person {
    signer: SoftwareSigner,
    did: Did,
}

impl Person {
    fn new() -> Result<Self, Box<dyn Error>> {
        let key = RustCrypto.generate_key(Curve::P256)?;
        let signer = SoftwareSigner::new(&RustCrypto, &key)?;
        Ok(Self { did: Did::from_key(key.public()), signer })
    }

    /// The name of the key; in a did:key the identifier itself.
    fn method(&self) -> Result<lanyard_core::did::DidUrl, Box<dyn Error>> {
        let fragment = self.did.as_str().rsplit(':').next().unwrap_or_default();
        Ok(self.did.with_fragment(fragment)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_verifier_sees_the_degree_and_not_the_name() {
        let subject = issue_derive_verify().await.unwrap();
        assert_eq!((subject["degree"].as_str(), subject.get("name")), (Some("MSc"), None));
    }
}
