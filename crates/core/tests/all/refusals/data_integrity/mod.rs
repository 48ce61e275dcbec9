//! Documents and presentations with Data Integrity proofs, of each cryptosuite.

#[cfg(feature = "bbs")]
mod bbs;
mod every_suite;
mod json_ld;
mod options;
mod parts;
mod presentation;
mod selective;
mod sets;

use std::sync::Arc;

use lanyard_core::{
    Timestamp,
    credential::ValidityPolicy,
    crypto::{AwsLc, CryptoProvider, RustCrypto},
    data_integrity::{ExpectedProof, ProofVerifier, UnverifiedDocument, json_ld::Contexts},
    did::Did,
    sd_jwt::{Audience, KeyBindingWindow, RequestNonce},
    trust::{IssuerKeySource, IssuerKeys, IssuerTrust},
    w3c::{ExpectedPresentation, ldp_vc},
};
use lanyard_testkit::test_now;
use serde_json::{Value, json};

use self::parts::{AUDIENCE, NONCE};
use super::{Suite, keys::Known};
use crate::sd_jwt_support::ready;

pub(super) const DOCUMENT: &str = "document";
pub(super) const PRESENTATION: &str = "presentation";

#[test]
fn documents_with_proofs_are_refused_for_the_published_reasons() {
    let suite = suite().published("data-integrity");
    for provider in [Arc::new(RustCrypto) as Arc<dyn CryptoProvider>, Arc::new(AwsLc)] {
        let verifier = Verifier::read(&suite.setting, provider);
        suite.run_each(|format, input| verifier.verify(format, input));
    }
}

/// Whom the verifier trusts, what it asked for, what time it is.
fn setting() -> Value {
    let trusted: Vec<_> = [Known::issuer(), Known::ed25519(), Known::p384()]
        .iter()
        .map(|known| known.did().to_string())
        .collect();
    json!({
        "now": test_now().as_second(),
        "trusted": trusted,
        "request": {"client_id": AUDIENCE, "nonce": NONCE},
    })
}

fn suite() -> Suite {
    let mut suite = Suite {
        subject: "JSON documents with Data Integrity proofs: a `document` whose proofs make a \
                  statement (`assertionMethod`), whoever made them; a `presentation` of credentials"
            .into(),
        specifications: vec![
            "VC Data Integrity 1.0".into(),
            "VC-DI-EDDSA 1.0".into(),
            "VC-DI-ECDSA 1.0".into(),
            "JSON-LD 1.1".into(),
            "RDF Dataset Canonicalization 1.0".into(),
            "OpenID4VP 1.0 App. B.1.3.2".into(),
        ],
        setting: setting(),
        accepted: Vec::new(),
        refused: Vec::new(),
    };
    every_suite::cases(&mut suite);
    options::cases(&mut suite);
    sets::cases(&mut suite);
    json_ld::cases(&mut suite);
    selective::cases(&mut suite);
    presentation::cases(&mut suite);
    suite
}

/// A verifier as the published setting describes it.
struct Verifier {
    keys: IssuerKeys,
    proofs: ProofVerifier,
    audience: Audience,
    nonce: RequestNonce,
    now: Timestamp,
}

impl Verifier {
    fn read(setting: &Value, provider: Arc<dyn CryptoProvider>) -> Self {
        let trusted = setting["trusted"].as_array().expect("a list").iter();
        let trust = trusted.fold(IssuerTrust::new(), |trust, did| {
            trust.with(IssuerKeySource::Did(Did::parse(text(did)).expect("a DID")))
        });
        let now = setting["now"].as_i64().expect("a NumericDate");
        Self {
            keys: IssuerKeys::new(trust, Arc::clone(&provider)),
            proofs: ProofVerifier::new(provider),
            audience: text(&setting["request"]["client_id"]).into(),
            nonce: text(&setting["request"]["nonce"]).into(),
            now: Timestamp::from_second(now).expect("a moment"),
        }
    }

    fn verify(&self, format: &str, input: &str) -> Result<(), String> {
        if format == PRESENTATION {
            let expected = ExpectedPresentation {
                audience: &self.audience,
                nonce: &self.nonce,
                now: self.now,
                window: KeyBindingWindow::default(),
                validity: ValidityPolicy::default(),
            };
            let contexts = Contexts::bundled();
            let text = input.as_bytes();
            let verified = ldp_vc::verify_presentation(text, &expected, &self.keys, contexts);
            return ready(verified).map(|_| ()).map_err(|error| error.code().to_owned());
        }
        let verify = || {
            let document = UnverifiedDocument::parse(input.as_bytes())?;
            ready(self.proofs.verify(document, &ExpectedProof::assertion(self.now)))
        };
        verify().map(|_| ()).map_err(|error| error.code().to_owned())
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("it is text")
}
