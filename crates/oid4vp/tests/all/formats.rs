//! Which algorithms are advertised, and that a wallet heeds what a verifier takes.

use lanyard_core::credential::Format;
use lanyard_oid4vp::{
    Algorithms, TakenFormats,
    request::{ClientMetadata, RequestError},
};
use lanyard_testkit::vectors;
use serde_json::{Value, json};

use crate::world::World;

fn taken(formats: Value) -> Result<Option<TakenFormats>, RequestError> {
    ClientMetadata::from_value(&json!({ "vp_formats_supported": formats }))
        .map(|metadata| metadata.formats)
}

#[tokio::test]
async fn a_credential_is_taken_where_each_of_its_algorithms_is_listed() {
    let world = World::new();
    let cases = [
        (Format::SdJwtVc, json!({}), true),
        (Format::SdJwtVc, json!({ "sd-jwt_alg_values": ["ES256"] }), true),
        (Format::SdJwtVc, json!({ "sd-jwt_alg_values": ["ES384"] }), false),
        (Format::SdJwtVc, json!({ "kb-jwt_alg_values": ["Ed25519", "EdDSA"] }), false),
        (Format::MsoMdoc, json!({ "issuerauth_alg_values": [-7] }), true),
        (
            Format::MsoMdoc,
            json!({ "issuerauth_alg_values": [-9], "deviceauth_alg_values": [-7] }),
            true,
        ),
        (Format::MsoMdoc, json!({ "issuerauth_alg_values": [-35, -51] }), false),
        // App. B.2.2: a verifier that takes MACs alone gives no key for them here
        (Format::MsoMdoc, json!({ "deviceauth_alg_values": [-65537] }), false),
        (Format::JwtVcJson, json!({ "alg_values": ["ES256"] }), true),
        (Format::JwtVcJson, json!({ "alg_values": ["ES384"] }), false),
        (Format::LdpVc, json!({ "cryptosuite_values": ["ecdsa-rdfc-2019"] }), true),
        (Format::LdpVc, json!({ "cryptosuite_values": ["bbs-2023"] }), false),
        (Format::LdpVc, json!({ "proof_type_values": ["Ed25519Signature2020"] }), false),
    ];
    for (format, members, expected) in cases {
        let held = world.mint.badge(format, world.holder.public()).await;
        let formats = taken(json!({ format.name(): members })).unwrap().unwrap();
        let algorithms = Algorithms::of_held(&held);
        assert_eq!(formats.takes(format, &algorithms), expected, "{format} {members}");
        let others = taken(json!({ "other": {} })).unwrap().unwrap();
        assert!(!others.takes(format, &algorithms), "{format}");
    }
}

#[test]
fn formats_of_another_form_are_refused() {
    let unreadable = Err(RequestError::Unreadable("vp_formats_supported"));
    for formats in [
        json!([]),
        json!("dc+sd-jwt"),
        json!({ "dc+sd-jwt": [] }),
        json!({ "dc+sd-jwt": { "sd-jwt_alg_values": "ES256" } }),
        json!({ "dc+sd-jwt": { "sd-jwt_alg_values": [] } }),
    ] {
        assert_eq!(
            taken(formats.clone()).map(drop),
            unreadable.clone().map(|(): ()| ()),
            "{formats}"
        );
    }
}

#[test]
fn the_examples_of_the_specification_take_what_they_say() {
    if !vectors::available("oid4vp") {
        return;
    }
    let read = |name: &str| {
        let file = format!("oid4vp/examples-1.0/client_metadata/{name}_verifier_metadata.json");
        ClientMetadata::from_value(&vectors::json(file)).unwrap().formats.unwrap()
    };
    for (name, format) in [
        ("sd_jwt_vc", Format::SdJwtVc),
        ("mso_mdoc", Format::MsoMdoc),
        ("w3c_jwt", Format::JwtVcJson),
        ("w3c_ldp", Format::LdpVc),
    ] {
        let taken = read(name);
        for other in Format::OPENID4VC {
            assert_eq!(taken.takes(*other, &Algorithms::default()), *other == format, "{name}");
        }
    }
}
