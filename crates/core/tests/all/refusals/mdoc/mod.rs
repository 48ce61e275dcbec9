//! mdoc presentations (ISO/IEC 18013-5, OID4VP 1.0 App. B.2).
//!
//! The certificates were made once; all but the authorities' are for the key of [`Known::issuer`].

mod device;
mod elements;
mod issuer;
mod response;

use std::sync::Arc;

use lanyard_core::{
    Timestamp,
    credential::ValidityPolicy,
    crypto::{AwsLc, CryptoProvider, RustCrypto},
    json,
    mdoc::{
        DocType, ExpectedDeviceAuth, ExpectedMdoc, OpenId4VpHandover, SessionTranscript,
        verify_presentation,
    },
    sd_jwt::{Audience, RequestNonce},
    trust::{IssuerKeys, IssuerTrust, x509::TrustAnchors},
};
use lanyard_testkit::{Leaf, test_now};
use serde_json::{Value, json};

use super::{Accepted, Suite, keys::Known};
use crate::{
    mdoc_support::{CLIENT_ID, NONCE, RESPONSE_URI, World},
    sd_jwt_support::ready,
};

const IACA: &str = include_str!("certificates/iaca.pem");
const SIGNER: &str = include_str!("certificates/signer.pem");

#[test]
fn mdoc_presentations_are_refused_for_the_published_reasons() {
    let suite = suite().published("mdoc");
    for provider in [Arc::new(RustCrypto) as Arc<dyn CryptoProvider>, Arc::new(AwsLc)] {
        let verifier = Verifier::read(&suite.setting, provider);
        suite.run(|input| verifier.verify(input));
    }
}

fn suite() -> Suite {
    let world = world();
    let mut nothing = world.forge();
    nothing.items.clear();
    let nothing = nothing.remove(crate::mdoc_support::Part::IssuerSigned, &["nameSpaces"]);
    let mut suite = Suite {
        subject: "mdoc presentation, DeviceResponse in base64url, with a device signature".into(),
        specifications: vec![
            "ISO/IEC 18013-5".into(),
            "OpenID4VP 1.0 App. B.2".into(),
            "RFC 9052".into(),
            "RFC 8949".into(),
        ],
        setting: json!({
            "now": test_now().as_second(),
            "trust_anchors": [IACA],
            "request": {
                "client_id": CLIENT_ID,
                "nonce": NONCE,
                "response_uri": RESPONSE_URI,
                "doctype": DocType::MDL,
            },
        }),
        accepted: vec![
            Accepted { id: "two-elements".into(), format: None, input: world.forge().present() },
            Accepted { id: "no-element".into(), format: None, input: nothing.present() },
        ],
        refused: Vec::new(),
    };
    response::cases(&world, &mut suite);
    issuer::cases(&world, &mut suite);
    elements::cases(&world, &mut suite);
    device::cases(&world, &mut suite);
    suite
}

fn world() -> World {
    let leaf = Leaf { chain: vec![der(SIGNER)], key: Known::issuer().private };
    World::known(der(IACA), leaf, Known::holder().private)
}

/// The certificate in a PEM file.
fn der(pem: &str) -> Vec<u8> {
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let body = body.replace('+', "-").replace('/', "_");
    json::base64url_decode(body.trim_end_matches('=')).expect("PEM is base64")
}

/// A verifier as the published setting describes it.
struct Verifier {
    keys: IssuerKeys,
    transcript: SessionTranscript,
    doc_type: DocType,
    now: Timestamp,
}

impl Verifier {
    fn read(setting: &Value, provider: Arc<dyn CryptoProvider>) -> Self {
        let anchors = setting["trust_anchors"].as_array().expect("a list").iter();
        let anchors = anchors.fold(TrustAnchors::default(), |all, pem| {
            all.and(TrustAnchors::from_pem(text(pem)).expect("an anchor"))
        });
        let request = &setting["request"];
        let handover = OpenId4VpHandover {
            client_id: &Audience::from(text(&request["client_id"])),
            nonce: &RequestNonce::from(text(&request["nonce"])),
            encryption_key: None,
            response_uri: text(&request["response_uri"]),
        };
        let now = setting["now"].as_i64().expect("a NumericDate");
        Self {
            transcript: SessionTranscript::openid4vp(&handover, &*provider),
            keys: IssuerKeys::new(IssuerTrust::certificates(anchors), provider),
            doc_type: DocType::parse(text(&request["doctype"])).expect("a type"),
            now: Timestamp::from_second(now).expect("a time"),
        }
    }

    fn verify(&self, input: &str) -> Result<(), String> {
        let Self { transcript, now, .. } = self;
        let expected = ExpectedMdoc {
            doc_type: Some(&self.doc_type),
            device_auth: ExpectedDeviceAuth { transcript, reader_key: None },
            validity: ValidityPolicy::default(),
            now: *now,
        };
        match ready(verify_presentation(input, &expected, &self.keys)) {
            Ok(_) => Ok(()),
            Err(error) => Err(error.code().to_owned()),
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}
