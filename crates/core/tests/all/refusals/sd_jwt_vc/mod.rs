//! SD-JWT VC presentations (RFC 9901, SD-JWT VC).

mod claims;
mod disclosures;
mod issuer_jwt;
mod key_binding;
mod presentation;

use std::sync::Arc;

use lanyard_core::{
    Timestamp,
    crypto::{AwsLc, CryptoProvider, RustCrypto},
    jose::Jwk,
    sd_jwt_vc::Vct,
    trust::{IssuerIdentifier, IssuerKeySource, IssuerTrust},
    verify::{Expected, KeyBindingRule, PresentationVerifier},
};
use lanyard_testkit::test_now;
use serde_json::{Value, json};

pub(super) use self::presentation::{AUDIENCE, ISS, NONCE, Presentation, VCT, disclosure};
use super::{Accepted, Suite, keys::Known};
use crate::sd_jwt_support::ready;

#[test]
fn sd_jwt_vc_presentations_are_refused_for_the_published_reasons() {
    let suite = suite().published("sd-jwt-vc");
    for provider in [Arc::new(RustCrypto) as Arc<dyn CryptoProvider>, Arc::new(AwsLc)] {
        let verifier = Verifier::read(&suite.setting, provider);
        suite.run(|input| verifier.verify(input));
    }
}

fn suite() -> Suite {
    let mut suite = Suite {
        subject: "SD-JWT VC presentation, compact serialization, with key binding".into(),
        specifications: vec!["RFC 9901".into(), "draft-ietf-oauth-sd-jwt-vc-19".into()],
        setting: json!({
            "now": test_now().as_second(),
            "trusted_issuers": [{"issuer": ISS, "jwks": {"keys": [Known::issuer().jwk().to_value()]}}],
            "request": {"audience": AUDIENCE, "nonce": NONCE, "vct": VCT},
        }),
        accepted: vec![
            Accepted {
                id: "everything-disclosed".into(),
                format: None,
                input: Presentation::good().text(),
            },
            Accepted {
                id: "nothing-disclosed".into(),
                format: None,
                input: Presentation::with(|p| p.disclosures.clear()).text(),
            },
        ],
        refused: Vec::new(),
    };
    issuer_jwt::cases(&mut suite);
    claims::cases(&mut suite);
    disclosures::cases(&mut suite);
    key_binding::cases(&mut suite);
    suite
}

/// A verifier as the published setting describes it.
struct Verifier {
    verifier: PresentationVerifier,
    expected: Expected,
}

impl Verifier {
    fn read(setting: &Value, provider: Arc<dyn CryptoProvider>) -> Self {
        let mut trust = IssuerTrust::new();
        for trusted in setting["trusted_issuers"].as_array().expect("a list") {
            let issuer = IssuerIdentifier::parse(text(&trusted["issuer"])).expect("an issuer");
            let keys = trusted["jwks"]["keys"].as_array().expect("a list").iter();
            let keys = keys.map(|key| Jwk::from_value(key).expect("a key")).collect();
            trust = trust.with(IssuerKeySource::Keys { issuer, keys });
        }
        let request = &setting["request"];
        let now = setting["now"].as_i64().expect("a NumericDate");
        let (audience, nonce) = (text(&request["audience"]), text(&request["nonce"]));
        let expected = Expected::new(audience, nonce, KeyBindingRule::Required)
            .of_type(Vct::parse(text(&request["vct"])).expect("a type"))
            .at(Timestamp::from_second(now).expect("a time"));
        Self { verifier: PresentationVerifier::new(trust, provider), expected }
    }

    fn verify(&self, input: &str) -> Result<(), String> {
        match ready(self.verifier.verify(input, &self.expected)) {
            Ok(_) => Ok(()),
            Err(error) => Err(error.code().to_owned()),
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}
