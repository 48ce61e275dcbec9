//! Presentations of W3C credentials in JWTs, SD-JWTs and COSE (VC-JOSE-COSE, and the JWTs of VCDM 1.1).

mod cose;
mod credential;
mod credential_jwt;
mod credential_v1;
mod parts;
mod presentation;
mod presentation_v1;
mod sd_jwt;

use std::sync::Arc;

use lanyard_core::{
    Timestamp,
    credential::{CredentialType, ValidityPolicy},
    crypto::{AwsLc, CryptoProvider, RustCrypto},
    did::Did,
    json,
    sd_jwt::{Audience, KeyBindingWindow, RequestNonce},
    trust::{IssuerKeySource, IssuerKeys, IssuerTrust},
    w3c::{ExpectedPresentation, jwt_vc_json, vc_jose_cose},
};
use lanyard_testkit::test_now;
use serde_json::{Value, json};

pub(super) use self::parts::moment;
use self::parts::{AUDIENCE, NONCE, Parts, PartsV1, TYPES};
use super::{Suite, keys::Known};
use crate::sd_jwt_support::ready;

pub(super) const VP_JWT: &str = "vp+jwt";
pub(super) const VP_COSE: &str = "vp+cose";
pub(super) const JWT_VC_JSON: &str = "jwt_vc_json";

#[test]
fn w3c_presentations_are_refused_for_the_published_reasons() {
    let suite = suite().published("w3c-jwt");
    for provider in [Arc::new(RustCrypto) as Arc<dyn CryptoProvider>, Arc::new(AwsLc)] {
        let verifier = Verifier::read(&suite.setting, provider);
        suite.run_each(|format, input| verifier.verify(format, input));
    }
}

fn suite() -> Suite {
    let mut suite = Suite {
        subject: "presentations of W3C credentials: compact JWTs (`vp+jwt`, `jwt_vc_json`), or \
                  COSE_Sign1 in base64url (`vp+cose`), around `vc+jwt`, `vc+sd-jwt` and `vc+cose`"
            .into(),
        specifications: vec![
            "VCDM 2.0".into(),
            "VC-JOSE-COSE".into(),
            "VCDM 1.1".into(),
            "OpenID4VP 1.0 App. B.1".into(),
            "RFC 7515".into(),
            "RFC 9901".into(),
            "RFC 9052".into(),
        ],
        setting: json!({
            "now": test_now().as_second(),
            "trusted": [{"did": Known::issuer().did().as_str(), "types": TYPES}],
            "request": {"client_id": AUDIENCE, "nonce": NONCE},
        }),
        accepted: Vec::new(),
        refused: Vec::new(),
    };
    suite.accept(VP_JWT, "good-vp-jwt", Parts::good().text());
    let no_kid = Parts::with(|p| p.without("vp_header", "kid"));
    suite.accept(VP_JWT, "vp-jwt-whose-holder-has-one-key", no_kid.text());
    suite.accept(JWT_VC_JSON, "good-jwt-vc-json", PartsV1::good().text());
    credential::cases(&mut suite);
    credential_jwt::cases(&mut suite);
    presentation::cases(&mut suite);
    sd_jwt::cases(&mut suite);
    cose::cases(&mut suite);
    credential_v1::cases(&mut suite);
    presentation_v1::cases(&mut suite);
    suite
}

/// A verifier as the published setting describes it.
struct Verifier {
    keys: IssuerKeys,
    audience: Audience,
    nonce: RequestNonce,
    now: Timestamp,
}

impl Verifier {
    fn read(setting: &Value, provider: Arc<dyn CryptoProvider>) -> Self {
        let trusted = setting["trusted"].as_array().expect("a list").iter();
        let trust = trusted.fold(IssuerTrust::new(), |trust, one| {
            let did = Did::parse(text(&one["did"])).expect("a DID");
            let types = one["types"].as_array().expect("a list").iter();
            let types: Vec<_> = types.map(|name| CredentialType::w3c(text(name))).collect();
            trust.with_types(IssuerKeySource::Did(did), types)
        });
        let now = setting["now"].as_i64().expect("a NumericDate");
        Self {
            keys: IssuerKeys::new(trust, provider),
            audience: text(&setting["request"]["client_id"]).into(),
            nonce: text(&setting["request"]["nonce"]).into(),
            now: Timestamp::from_second(now).expect("a moment"),
        }
    }

    fn verify(&self, format: &str, input: &str) -> Result<(), String> {
        let expected = ExpectedPresentation {
            audience: &self.audience,
            nonce: &self.nonce,
            now: self.now,
            window: KeyBindingWindow::default(),
            validity: ValidityPolicy::default(),
        };
        let code = match format {
            VP_JWT => {
                let verified = vc_jose_cose::verify_presentation(input, &expected, &self.keys);
                ready(verified).map(|_| ()).map_err(|error| error.code())
            }
            VP_COSE => {
                let bytes = json::base64url_decode(input).expect("it was written so");
                let verified =
                    vc_jose_cose::verify_cose_presentation(&bytes, &expected, &self.keys);
                ready(verified).map(|_| ()).map_err(|error| error.code())
            }
            JWT_VC_JSON => {
                let verified = jwt_vc_json::verify_presentation(input, &expected, &self.keys);
                ready(verified).map(|_| ()).map_err(|error| error.code())
            }
            other => unreachable!("there is no format {other}"),
        };
        code.map_err(str::to_owned)
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("it is text")
}
