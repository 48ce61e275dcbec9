//! Issues, presents and verifies an mdoc: `cargo run -p lanyard-examples --bin mdoc`.
//!
//! The issuer signs a digest of every element, the device shows the elements it chooses and signs for one
//! exchange and no other, and the verifier believes the authority behind the document signer's certificate.

use std::{error::Error, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    credential::Validity,
    crypto::{CryptoProvider as _, Curve, RustCrypto, SoftwareSigner},
    json,
    mdoc::{
        DeviceProof, DocType, ElementName, IssuerNameSpaces, MdocDraft, NameSpace,
        OpenId4VpHandover, SessionTranscript, UnverifiedMdoc,
    },
    sd_jwt::{Audience, RequestNonce},
    trust::{IssuerKeys, IssuerTrust, x509::TrustAnchors},
    verify::{Expected, KeyBindingRule, PresentationVerifier, Presented},
};
use lanyard_testkit::{LeafOptions, TestCa};
use serde_json::{Value, json};

const VERIFIER: &str = "x509_san_dns:frontdesk.example";
const NONCE: &str = "n-0S6_WzA2Mj-iKq7yTd3g";
const RESPONSE_URI: &str = "https://frontdesk.example/response";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    println!("the verifier sees {}", issue_present_verify(NONCE).await?);
    Ok(())
}

async fn issue_present_verify(nonce: &str) -> Result<Value, Box<dyn Error>> {
    let now = Timestamp::now();
    // in the real world a state's authority (IACA) certifies its document signers
    let authority = TestCa::iaca("Utopia IACA", "UT");
    let document_signer = authority.leaf(&LeafOptions::mdoc_signer("Utopia licences", "UT"));
    let device_key = RustCrypto.generate_key(Curve::P256)?;

    // 1. the issuer signs the elements for one device; dates become the types that the standard wants
    let elements = IssuerNameSpaces::from_json(&json::parse_object(
        json!({(NameSpace::MDL): {
            "family_name": "Lovelace",
            "birth_date": "1990-12-10",
            "issuing_country": "UT",
            "age_over_18": true,
        }})
        .to_string()
        .as_bytes(),
    )?)?;
    let doc_type = DocType::parse("org.iso.18013.5.1.mDL")?;
    let validity = Validity::rounded_to_days(now, SignedDuration::from_hours(24 * 30));
    let signer = SoftwareSigner::new(&RustCrypto, &document_signer.key)?;
    let issued = MdocDraft::new(&doc_type, elements, device_key.public(), &validity)?
        .sign(&signer, &document_signer.chain, &RustCrypto)
        .await?;

    // 2. the holder keeps what verifies
    let trust = IssuerTrust::certificates(TrustAnchors::from_der([authority.anchor_der()])?);
    let issuers = IssuerKeys::new(trust.clone(), Arc::new(RustCrypto));
    let received = UnverifiedMdoc::parse(issued.as_bytes())?;
    let key = issuers.find(&received.claimed_issuer(), now).await?;
    let held = received.verify_for_holding(key, now, &RustCrypto)?;

    // 3. and shows that somebody is of age, and nothing else about them
    let disclose = [ElementName::parse(NameSpace::MDL, "age_over_18")?];
    let device = SoftwareSigner::new(&RustCrypto, &device_key)?;
    let proof = DeviceProof::Signature(&device);
    let response = held.present(&disclose, &exchange(NONCE), proof, &RustCrypto).await?;

    // 4. who checks all of it at once, in the exchange it started
    let verifier = PresentationVerifier::new(trust, Arc::new(RustCrypto));
    let expected = Expected::new(VERIFIER, nonce, KeyBindingRule::Required).at(now);
    let device_response = response.to_base64url();
    let presented =
        Presented::MsoMdoc { device_response: &device_response, transcript: &exchange(nonce) };
    match verifier.verify_presented(presented, &expected).await {
        Ok(verified) => {
            let shown = verified.credentials().first().ok_or("nothing was presented")?;
            Ok(shown.claims().as_value().clone())
        }
        Err(error) => Ok(json!({"refused": error.code()})),
    }
}

/// What both sides know of the exchange (OID4VP 1.0 App. B.2.6.1).
fn exchange(nonce: &str) -> SessionTranscript {
    let handover = OpenId4VpHandover {
        client_id: &Audience::from(VERIFIER),
        nonce: &RequestNonce::from(nonce),
        encryption_key: None,
        response_uri: RESPONSE_URI,
    };
    SessionTranscript::openid4vp(&handover, &RustCrypto)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn shows_the_age_and_nothing_else() {
        let shown = issue_present_verify(NONCE).await.unwrap();
        assert_eq!(shown, json!({(NameSpace::MDL): {"age_over_18": true}}));
    }

    #[tokio::test]
    async fn refuses_what_was_made_for_another_exchange() {
        let refused = issue_present_verify("another").await.unwrap();
        assert_eq!(refused, json!({"refused": "device_signature_invalid"}));
    }
}
