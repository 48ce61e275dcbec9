use lanyard_oid4vci::{
    WellKnown,
    configuration::IssuancePolicy,
    metadata::{
        AuthorizationServerMetadata, ContradictoryClaims, CredentialIssuerMetadata, MetadataError,
    },
};
use lanyard_testkit::vectors;
use serde_json::{Value, json};

use crate::fixture::{ISSUER, World, badge, issuer_url};

fn written(world: &World) -> Value {
    serde_json::from_slice(&world.issuer.metadata().to_json()).expect("metadata is JSON")
}

fn read(metadata: &Value) -> Result<CredentialIssuerMetadata, MetadataError> {
    CredentialIssuerMetadata::parse(metadata.to_string().as_bytes(), &issuer_url(ISSUER))
}

fn with_claims(claims: Value) -> Result<CredentialIssuerMetadata, MetadataError> {
    let mut metadata = written(&World::new());
    let configurations = &mut metadata["credential_configurations_supported"];
    configurations["employee_badge"]["credential_metadata"]["claims"] = claims;
    read(&metadata)
}

#[test]
fn what_the_issuer_writes_satisfies_the_schemas_of_the_conformance_suite() {
    if !vectors::available("oidf-schemas") {
        return;
    }
    for batch_size in [1, 2, 20] {
        let world = World::with_policy(IssuancePolicy { batch_size, ..Default::default() });
        let server = world.issuer.authorization_server_metadata().to_json();
        for (schema, document) in [
            ("oid4vci-credential_issuer_metadata-1_0.json", written(&world)),
            (
                "rfc8414-oauth_authorization_server_metadata.json",
                serde_json::from_slice(&server).unwrap(),
            ),
        ] {
            let schema = vectors::json(format!("oidf-schemas/{schema}"));
            let schema = jsonschema::validator_for(&schema).unwrap();
            let faults: Vec<_> = schema.iter_errors(&document).map(|e| e.to_string()).collect();
            assert!(faults.is_empty(), "{faults:?}");
        }
    }
}

#[test]
fn what_the_issuer_writes_a_wallet_reads() {
    let world = World::new();
    assert_eq!(read(&written(&world)), Ok(world.issuer.metadata()));
    let server = world.issuer.authorization_server_metadata();
    let read = AuthorizationServerMetadata::parse(&server.to_json(), &issuer_url(ISSUER));
    assert_eq!(read, Ok(server));
}

#[test]
fn advertises_what_is_enforced_and_no_more() {
    let metadata = written(&World::new());
    assert_eq!(metadata["credential_endpoint"], json!(format!("{ISSUER}/credential")));
    assert_eq!(metadata["nonce_endpoint"], json!(format!("{ISSUER}/nonce")));
    assert_eq!(metadata["batch_credential_issuance"], json!({ "batch_size": 20 }));
    let badge = &metadata["credential_configurations_supported"]["employee_badge"];
    assert_eq!(badge["credential_signing_alg_values_supported"], json!(["ES256"]));
    assert_eq!(
        badge["proof_types_supported"],
        json!({ "jwt": { "proof_signing_alg_values_supported": ["ES256", "ES384", "EdDSA"] } })
    );
    assert_eq!(
        badge["cryptographic_binding_methods_supported"],
        json!(["jwk", "did:key", "did:jwk"])
    );
    let voucher = &metadata["credential_configurations_supported"]["voucher"];
    assert!(voucher.get("proof_types_supported").is_none());
    assert!(voucher.get("cryptographic_binding_methods_supported").is_none());
    let lonely = World::with_policy(IssuancePolicy { batch_size: 1, ..Default::default() });
    assert!(written(&lonely).get("batch_credential_issuance").is_none());
}

#[test]
fn the_issuer_is_compared_byte_by_byte() {
    let mut metadata = written(&World::new());
    for other in ["https://issuer.example/demo/", "https://ISSUER.example/demo", ""] {
        metadata["credential_issuer"] = json!(other);
        assert_eq!(read(&metadata), Err(MetadataError::OtherIssuer), "{other}");
    }
    let server = World::new().issuer.authorization_server_metadata().to_json();
    let expected = issuer_url("https://issuer.example/other");
    let refused = AuthorizationServerMetadata::parse(&server, &expected);
    assert_eq!(refused, Err(MetadataError::OtherIssuer));
}

#[test]
fn every_endpoint_is_https() {
    for name in ["credential_endpoint", "nonce_endpoint"] {
        for place in ["http://issuer.example/x", "http://localhost/x", "file:///x"] {
            let mut metadata = written(&World::new());
            metadata[name] = json!(place);
            assert_eq!(read(&metadata), Err(MetadataError::EndpointNotHttps(name)), "{place}");
        }
    }
    let mut metadata = written(&World::new());
    metadata["authorization_servers"] = json!(["http://localhost/as"]);
    let refused = Err(MetadataError::EndpointNotHttps("authorization_servers"));
    assert_eq!(read(&metadata), refused);
}

#[test]
fn contradictory_claims_abort() {
    let refused = |claims| match with_claims(claims) {
        Err(MetadataError::Claims(id, error)) => Some((id, error)),
        _ => None,
    };
    assert_eq!(
        refused(json!([{ "path": ["a", "b"] }, { "path": ["c"] }, { "path": ["a", "b"] }])),
        Some((badge(), ContradictoryClaims::Repeated))
    );
    assert_eq!(
        refused(json!([{ "path": ["a", null] }, { "path": ["a", 0] }])),
        Some((badge(), ContradictoryClaims::AllAndIndex))
    );
    assert_eq!(
        refused(json!([{ "path": ["a", "b"] }, { "path": ["a", 0, "c"] }])),
        Some((badge(), ContradictoryClaims::ObjectAndArray))
    );
    let many: Vec<_> = (0..257).map(|n| json!({ "path": [n.to_string()] })).collect();
    assert_eq!(refused(many.into()), Some((badge(), ContradictoryClaims::TooMany)));
    let fine = json!([
        { "path": ["a"] }, { "path": ["a", "b"] }, { "path": ["l", 0] }, { "path": ["l", 1] },
    ]);
    assert!(with_claims(fine).is_ok());
}

#[test]
fn refuses_what_the_specification_says_must_not_be() {
    let mut metadata = written(&World::new());
    metadata["batch_credential_issuance"]["batch_size"] = json!(1);
    assert_eq!(read(&metadata), Err(MetadataError::BatchSize));

    let mut metadata = written(&World::new());
    let badges = &mut metadata["credential_configurations_supported"]["employee_badge"];
    badges.as_object_mut().unwrap().shift_remove("vct");
    assert_eq!(read(&metadata), Err(MetadataError::TypeMissing(badge())));

    let malformed = CredentialIssuerMetadata::parse(b"{", &issuer_url(ISSUER));
    assert_eq!(malformed, Err(MetadataError::Malformed));
}

#[test]
fn unknown_members_and_formats_are_ignored() {
    let mut metadata = written(&World::new());
    metadata["signed_metadata"] = json!("x");
    metadata["credential_configurations_supported"]["mdl"] = json!({
        "format": "mso_mdoc", "doctype": "org.iso.18013.5.1.mDL",
        "credential_signing_alg_values_supported": [-7, -9],
        "cryptographic_binding_methods_supported": ["cose_key"],
        "proof_types_supported": { "jwt": { "proof_signing_alg_values_supported": ["ES256"] } },
    });
    assert!(read(&metadata).is_ok());
}

#[test]
fn reads_the_examples_of_the_specification() {
    if !vectors::available("oid4vci") {
        return;
    }
    for name in ["sd_jwt_vc", "mso_mdoc", "jwt_vc_json", "ldp_vc"] {
        let file = format!("oid4vci/examples-1.0/credential_metadata_{name}.json");
        let mut metadata = vectors::json(file);
        metadata["credential_issuer"] = json!(ISSUER);
        metadata["credential_endpoint"] = json!("https://issuer.example/credential");
        assert!(read(&metadata).is_ok(), "{name}");
    }
}

#[test]
fn the_long_example_of_the_specification_is_read_with_its_claims() {
    if !vectors::available("oid4vci") {
        return;
    }
    let metadata =
        vectors::json("oid4vci/examples-1.0/credential_issuer_metadata_sd_jwt_long.json");
    let issuer = issuer_url(metadata["credential_issuer"].as_str().unwrap());
    let text = metadata.to_string();
    let read = CredentialIssuerMetadata::parse(text.as_bytes(), &issuer).unwrap();
    let claims = read
        .credential_configurations_supported
        .values()
        .flat_map(|configuration| &configuration.credential_metadata)
        .map(|metadata| metadata.claims.len());
    assert!(claims.sum::<usize>() > 0);
    let place = issuer.well_known(WellKnown::CredentialIssuer);
    assert!(place.path().starts_with("/.well-known/openid-credential-issuer"));
}
