//! Issues a credential: `cargo run -p lanyard-examples --bin issue`.
//!
//! The issuer decides for each claim whether the holder may withhold it, and binds the credential to the
//! holder's key, so that nobody else can present it.

use std::error::Error;

use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    claims::{Claims, Elements},
    credential::Validity,
    crypto::{CryptoProvider as _, Curve, RustCrypto, SoftwareSigner},
    jose::Jwk,
    sd_jwt_vc::{IssuedSdJwtVc, KeyBinding, SdJwtVcDraft, Vct},
    trust::IssuerIdentifier,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    println!("{}", issue_diploma().await?.as_str());
    Ok(())
}

async fn issue_diploma() -> Result<IssuedSdJwtVc, Box<dyn Error>> {
    // a server keeps its key in a file, an HSM or a cloud: all are a `Signer`
    let issuer_key = RustCrypto.generate_key(Curve::P256)?;
    let signer = SoftwareSigner::new(&RustCrypto, &issuer_key)?;
    // over OpenID4VCI this key arrives in the wallet's key proof
    let holder_key = Jwk::new(*RustCrypto.generate_key(Curve::P256)?.public());

    let claims = Claims::new()
        .visible("degree", "MSc")
        .selective("given_name", "Ada")
        .selective_object(
            "address",
            Claims::new().selective("locality", "Lyon").selective("country", "FR"),
        )
        .selective_array("honours", Elements::new().selective("cum laude").selective("prize 2026"));
    let validity =
        Validity::rounded_to_days(Timestamp::now(), SignedDuration::from_hours(365 * 24));
    let issued = SdJwtVcDraft::new(
        &Vct::parse("urn:example:diploma:1")?,
        Some(&IssuerIdentifier::parse("https://university.example")?),
        claims,
        &KeyBinding::To(holder_key),
        &validity,
    )?
    .with_key_id("2026-1")
    .sign(&signer, &RustCrypto)
    .await?;
    Ok(issued)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn has_a_disclosure_for_each_selective_claim_and_element() {
        let issued = issue_diploma().await.unwrap();
        // the signed part, seven disclosures, and nothing after the last tilde
        assert_eq!(issued.as_str().split('~').count(), 1 + 7 + 1);
        assert!(issued.as_str().ends_with('~'));
    }
}
