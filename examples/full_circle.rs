//! Issue, hold, present and verify in one program: `cargo run -p lanyard-examples --bin full_circle`.
//!
//! The three roles share nothing but what they send each other. Over the network OpenID4VCI carries the
//! credential to the wallet, and OpenID4VP carries the request and the presentation.

use std::{error::Error, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    claims::{Claims, ClaimsPath},
    credential::Validity,
    crypto::{CryptoProvider as _, Curve, Random as _, RustCrypto, Signer as _, SoftwareSigner},
    jose::Jwk,
    json,
    sd_jwt::{Audience, KeyBindingRequest, RequestNonce},
    sd_jwt_vc::{KeyBinding, SdJwtVcDraft, UnverifiedSdJwtVc, Vct},
    trust::{IssuerIdentifier, IssuerKeySource, IssuerKeys, IssuerTrust},
    verify::{Expected, KeyBindingRule, PresentationVerifier, VerifiedPresentation},
};

const ISSUER: &str = "https://hr.example";
const BADGE: &str = "urn:example:badge:1";
const VERIFIER: &str = "x509_san_dns:frontdesk.example";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let presentation = full_circle(Timestamp::now()).await?;
    println!("The front desk learned: {:#}", presentation.claims().as_value());
    for check in presentation.checks().iter() {
        println!("{:?}: {} ({})", check.outcome, check.title, check.rule);
    }
    Ok(())
}

async fn full_circle(now: Timestamp) -> Result<VerifiedPresentation, Box<dyn Error>> {
    // 1. whom the wallet and the verifier believe: this issuer, by this key
    let issuer = SoftwareSigner::new(&RustCrypto, &RustCrypto.generate_key(Curve::P256)?)?;
    let keys = vec![Jwk::new(*issuer.public_key())];
    let source = IssuerKeySource::Keys { issuer: IssuerIdentifier::parse(ISSUER)?, keys };
    let trust = IssuerTrust::new().with(source);

    // 2. the issuer binds a badge to the holder's key
    let holder = SoftwareSigner::new(&RustCrypto, &RustCrypto.generate_key(Curve::P256)?)?;
    let issued = SdJwtVcDraft::new(
        &Vct::parse(BADGE)?,
        Some(&IssuerIdentifier::parse(ISSUER)?),
        Claims::new()
            .selective("given_name", "Ada")
            .selective("department", "Research")
            .selective("salary_grade", 14),
        &KeyBinding::To(Jwk::new(*holder.public_key())),
        &Validity::rounded_to_days(now, SignedDuration::from_hours(365 * 24)),
    )?
    .sign(&issuer, &RustCrypto)
    .await?;

    // 3. the wallet verifies what it got before it keeps it
    let received = UnverifiedSdJwtVc::parse(issued.as_str())?;
    let key = IssuerKeys::new(trust.clone(), Arc::new(RustCrypto))
        .find(&received.claimed_issuer(), now)
        .await?;
    let held = received.verify_for_holding(key, now, &RustCrypto)?;

    // 4. the verifier asks with a fresh nonce; the holder discloses two claims, to this verifier alone
    let mut nonce = [0; 16];
    RustCrypto.fill(&mut nonce);
    let nonce = json::base64url(nonce);
    let disclose = [ClaimsPath::key("given_name"), ClaimsPath::key("department")];
    let binding = KeyBindingRequest {
        audience: &Audience::from(VERIFIER),
        nonce: &RequestNonce::from(nonce.as_str()),
        now,
        signer: &holder,
    };
    let presented = held.present(&disclose, Some(&binding), &RustCrypto).await?;

    // 5. the verifier checks everything in one call
    let verifier = PresentationVerifier::new(trust, Arc::new(RustCrypto));
    let expected = Expected::new(VERIFIER, nonce, KeyBindingRule::Required)
        .of_type(&Vct::parse(BADGE)?)
        .at(now);
    Ok(verifier.verify(&presented, &expected).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_verifier_learns_what_was_disclosed_and_nothing_else() {
        let presentation = full_circle(Timestamp::now()).await.unwrap();
        assert_eq!(presentation.claims().text("given_name"), Ok("Ada"));
        assert_eq!(presentation.claims().text("department"), Ok("Research"));
        assert_eq!(presentation.claims().claim("salary_grade"), None);
    }
}
