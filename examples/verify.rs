//! Verifies a presentation: `cargo run -p lanyard-examples --bin verify`.
//!
//! One call forgets nothing: issuer, signature, disclosures, key binding, nonce, audience, times, type.
//! There are three answers, not two: what cannot be decided now is neither good nor bad.

use std::{error::Error, sync::Arc};

use jiff::Timestamp;
use lanyard_core::{
    crypto::RustCrypto,
    jose::Jwk,
    sd_jwt_vc::Vct,
    trust::{IssuerIdentifier, IssuerKeySource, IssuerTrust},
    verify::{Expected, KeyBindingRule, PresentationVerifier, VerifyError},
};

/// A badge from which its holder disclosed two claims, bound to [`VERIFIER`] and [`NONCE`].
const RECEIVED: &str = include_str!("data/presentation.txt");
const ISSUER: &str = "https://hr.example";
const ISSUER_KEY: &str = include_str!("data/issuer.jwk.json");
const VERIFIER: &str = "x509_san_dns:frontdesk.example";
const NONCE: &str = "n-0S6_WzA2Mj-iKq7yTd3g";
/// When it was presented; a server takes the present moment.
const PRESENTED: Timestamp = Timestamp::constant(1_768_478_400, 0);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    println!("{}", verdict(NONCE).await?);
    Ok(())
}

async fn verdict(request_nonce: &str) -> Result<String, Box<dyn Error>> {
    // whom to believe, and for which types, is decided here and never by the credential
    let badge = Vct::parse("urn:example:badge:1")?;
    let issuer = IssuerIdentifier::parse(ISSUER)?;
    let keys = vec![Jwk::from_value(&ISSUER_KEY.parse()?)?];
    let source = IssuerKeySource::Keys { issuer, keys };
    let trust = IssuerTrust::new().with_types(source, [badge.clone()]);
    let verifier = PresentationVerifier::new(trust, Arc::new(RustCrypto));

    let expected = Expected::new(VERIFIER, request_nonce, KeyBindingRule::Required)
        .of_type(&badge)
        .at(PRESENTED);
    Ok(match verifier.verify(RECEIVED.trim(), &expected).await {
        // claims are reachable only here
        Ok(presentation) => format!("Welcome, {}", presentation.claims().text("given_name")?),
        // final, with the rule
        Err(VerifyError::Refused(refusal)) => format!("Refused: {refusal} ({})", refusal.code()),
        // for instance the issuer's key cannot be fetched: ask again later
        Err(VerifyError::Undetermined(cause)) => format!("Undecided: {cause} ({})", cause.code()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn welcomes_the_holder() {
        assert_eq!(verdict(NONCE).await.unwrap(), "Welcome, Ada");
    }

    #[tokio::test]
    async fn refuses_an_answer_to_another_request() {
        let said = verdict("another-nonce").await.unwrap();
        assert!(said.starts_with("Refused: ") && said.ends_with("(nonce_mismatch)"), "{said}");
    }
}
