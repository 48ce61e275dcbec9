use jiff::SignedDuration;
use lanyard_oid4vci::{
    CredentialConfigurationId, CredentialIdentifier,
    configuration::{
        Binding, ConfigurationError, CredentialFormat, IssuancePolicy, IssuerConfiguration,
        StatusChoice, StatusUse,
    },
    credential::{CredentialError, CredentialRequest, Proofs, Wanted},
    description::ErrorBody,
    issuer::{Authorized, Issuance, Left, NewOffer, Offered, Progress, Sender},
    key_proof::KeyProofError,
    token::TokenError,
};
use lanyard_testkit::vectors;
use serde_json::{Value, json};

use crate::fixture::{World, badge, diploma, object, token_request};

fn read(request: Value) -> Result<CredentialRequest, CredentialError> {
    CredentialRequest::parse(request.to_string().as_bytes())
}

/// Refused, and the session is as it was.
async fn refused(
    world: &World,
    authorized: Authorized,
    request: CredentialRequest,
) -> (CredentialError, Authorized) {
    let refused = authorized
        .accept(request, &world.issuer, world.now)
        .await
        .expect_err("this request is refused");
    let Left::Unchanged(authorized) = *refused.left else {
        unreachable!("a credential request costs nothing")
    };
    (refused.error, authorized)
}

fn jwt(wanted: Wanted, proofs: Vec<String>) -> CredentialRequest {
    CredentialRequest { wanted, proofs: Some(Proofs::Jwt(proofs)), encryption: None }
}

fn configuration(name: &str) -> Wanted {
    Wanted::Configuration(CredentialConfigurationId::new(name))
}

fn identifier(name: &str) -> Wanted {
    Wanted::Identifier(CredentialIdentifier::new(name))
}

#[tokio::test]
async fn issues_each_credential_once_and_keeps_no_claim() {
    let world = World::new();
    let authorized = world.authorized();
    let request = world.request(badge()).await;
    let (response, issued, progress) =
        authorized.accept(request.clone(), &world.issuer, world.now).await.unwrap();
    assert_eq!((response.credentials.len(), issued.copies), (1, 1));
    assert_eq!(issued.configuration, badge());
    let Progress::Authorized(authorized) = progress else { panic!("the diploma is due") };
    let stored = serde_json::to_string(&authorized).unwrap();
    // with their quotes: three letters occur by chance in what is random
    let holds = |stored: &str, value: &str| stored.contains(&format!("\"{value}\""));
    assert!(!holds(&stored, "Ada") && holds(&stored, "MSc"), "{stored}");

    let (error, authorized) = refused(&world, authorized, request).await;
    assert_eq!(
        (error.code(), error),
        ("credential_request_denied", CredentialError::AlreadyIssued)
    );

    let request = world.request(diploma()).await;
    let (_, _, progress) = authorized.accept(request, &world.issuer, world.now).await.unwrap();
    let Progress::Issued(issued) = progress else { panic!("nothing is due") };
    assert_eq!(issued.credentials().len(), 2);
    let stored = serde_json::to_string(&Issuance::Issued(issued)).unwrap();
    assert!(!holds(&stored, "Ada") && !holds(&stored, "MSc"), "{stored}");
}

#[tokio::test]
async fn a_refused_request_leaves_the_token_usable() {
    let world = World::new();
    let request = jwt(configuration("employee_badge"), vec!["not a proof".to_owned()]);
    let (error, authorized) = refused(&world, world.authorized(), request).await;
    assert!(matches!(error, CredentialError::Proof(_)));
    let request = world.request(badge()).await;
    assert!(authorized.accept(request, &world.issuer, world.now).await.is_ok());
}

#[tokio::test]
async fn refuses_an_expired_token() {
    let world = World::new();
    let authorized = world.authorized();
    let request = world.request(badge()).await;
    let late = world.now + SignedDuration::from_mins(5);
    let error = authorized.accept(request, &world.issuer, late).await.unwrap_err().error;
    assert_eq!((error.code(), error), ("invalid_token", CredentialError::AccessTokenExpired));
}

#[tokio::test]
async fn refuses_a_configuration_that_is_unknown_or_was_not_offered() {
    let world = World::new();
    let proof = world.proof(&*world.key()).await;
    let request = jwt(configuration("unknown"), vec![proof.clone()]);
    let (error, authorized) = refused(&world, world.authorized(), request).await;
    assert_eq!(error.code(), "unknown_credential_configuration");
    assert_eq!(error, CredentialError::UnknownConfiguration);
    let request = jwt(configuration("voucher"), vec![proof]);
    let (error, _) = refused(&world, authorized, request).await;
    assert_eq!((error.code(), error), ("credential_request_denied", CredentialError::NotOffered));
}

#[tokio::test]
async fn each_token_takes_its_own_kind_of_name() {
    let world = World::new();
    let proof = vec![world.proof(&*world.key()).await];
    let request = jwt(identifier("employee_badge.1"), proof.clone());
    let (error, _) = refused(&world, world.authorized(), request).await;
    assert_eq!(error.code(), "unknown_credential_identifier");
    assert_eq!(error, CredentialError::ConfigurationExpected);

    let (_, authorized) = world.authorized_by_name();
    let request = jwt(configuration("nobody.has.this"), proof.clone());
    let (error, authorized) = refused(&world, authorized, request).await;
    assert_eq!(error, CredentialError::UnknownConfiguration);

    let request = jwt(configuration("employee_badge"), proof.clone());
    let (error, authorized) = refused(&world, authorized, request).await;
    assert_eq!(error.code(), "invalid_credential_request");
    assert_eq!(error, CredentialError::IdentifierExpected);

    let request = jwt(identifier("diploma.1"), proof.clone());
    let (error, authorized) = refused(&world, authorized, request).await;
    assert_eq!(error.code(), "unknown_credential_identifier");
    assert_eq!(error, CredentialError::UnknownIdentifier);

    let request = jwt(identifier("employee_badge.1"), proof);
    assert!(authorized.accept(request, &world.issuer, world.now).await.is_ok());
}

#[tokio::test]
async fn refuses_missing_proofs() {
    let world = World::new();
    let request = CredentialRequest {
        wanted: Wanted::Configuration(badge()),
        proofs: None,
        encryption: None,
    };
    let (error, _) = refused(&world, world.authorized(), request).await;
    assert_eq!((error.code(), error), ("invalid_proof", CredentialError::ProofsMissing));
}

#[tokio::test]
async fn refuses_more_proofs_than_batch_size() {
    let world = World::with_policy(IssuancePolicy { batch_size: 1, ..Default::default() });
    let proofs = vec![world.proof(&*world.key()).await, world.proof(&*world.key()).await];
    let request = jwt(configuration("employee_badge"), proofs);
    let (error, _) = refused(&world, world.authorized(), request).await;
    assert_eq!(error.code(), "invalid_credential_request");
    assert_eq!(error, CredentialError::TooManyProofs);
}

#[tokio::test]
async fn a_type_with_a_smaller_batch_is_given_out_in_fewer_copies_than_keys() {
    let world = World::new();
    let mut types = world.issuer.configuration().credentials().to_vec();
    let badge_type = types.iter_mut().find(|one| one.id == badge()).expect("there is a badge");
    badge_type.batch_size = Some(2);
    let (url, policy) = (world.issuer.configuration().issuer().clone(), IssuancePolicy::default());
    let smaller = IssuerConfiguration::new(url, Vec::new(), types, policy).expect("good");
    let issuer = world.issuer.offering(smaller);
    assert_eq!(issuer.metadata().batch_credential_issuance.map(|batch| batch.batch_size), Some(20));
    let mut proofs = Vec::new();
    for _ in 0..3 {
        proofs.push(world.proof(&*world.key()).await);
    }
    let request = jwt(configuration("employee_badge"), proofs);
    let (response, issued, _) =
        world.authorized().accept(request, &issuer, world.now).await.expect("issued");
    assert_eq!((response.credentials.len(), issued.copies), (2, 2));
}

#[test]
fn refuses_a_status_for_suspension_alone_and_purposes_where_a_format_says_all_at_once() {
    let world = World::new();
    let refused = |format: Option<CredentialFormat>, uses: &[StatusUse]| {
        let mut types = world.issuer.configuration().credentials().to_vec();
        types.truncate(1);
        if let Some(format) = format {
            types[0].format = format;
            types[0].claims.clear();
        }
        types[0].status = StatusChoice::For(uses.to_vec());
        let url = world.issuer.configuration().issuer().clone();
        let policy = IssuancePolicy::default();
        IssuerConfiguration::new(url, Vec::new(), types, policy).err()
    };
    let w3c = || {
        let definition = json!({ "type": ["VerifiableCredential", "Badge"] });
        let credential_definition = serde_json::from_value(definition).expect("a definition");
        Some(CredentialFormat::JwtVcJson { credential_definition })
    };
    let (revocation, suspension) = (StatusUse::Revocation, StatusUse::Suspension);
    assert_eq!(refused(w3c(), &[revocation]), None);
    assert_eq!(refused(w3c(), &[revocation, suspension]), None);
    let fault = Some(ConfigurationError::Status(badge()));
    for uses in [&[][..], &[suspension], &[revocation, revocation], &[suspension, revocation]] {
        assert_eq!(refused(w3c(), uses), fault, "{uses:?}");
    }
    assert_eq!(refused(None, &[revocation]), fault, "an SD-JWT VC has one list for all");
}

#[test]
fn refuses_a_batch_of_nothing_of_too_many_or_without_keys() {
    let world = World::new();
    let refused = |size, binding| {
        let mut types = world.issuer.configuration().credentials().to_vec();
        types.truncate(1);
        types[0].batch_size = Some(size);
        types[0].binding = binding;
        let url = world.issuer.configuration().issuer().clone();
        let policy = IssuancePolicy::default();
        IssuerConfiguration::new(url, Vec::new(), types, policy).err()
    };
    let fault = Some(ConfigurationError::BatchSize(badge()));
    assert_eq!(refused(0, Binding::HolderKey), fault);
    assert_eq!(refused(21, Binding::HolderKey), fault);
    assert_eq!(refused(2, Binding::Bearer), fault);
    assert_eq!(refused(20, Binding::HolderKey), None);
    assert_eq!(refused(1, Binding::Bearer), None);
}

#[tokio::test]
async fn refuses_two_proofs_for_one_key() {
    let world = World::new();
    let key = world.key();
    let request = jwt(
        configuration("employee_badge"),
        vec![world.proof(&*key).await, world.proof(&*key).await],
    );
    let (error, _) = refused(&world, world.authorized(), request).await;
    assert_eq!((error.code(), error), ("invalid_proof", CredentialError::KeyRepeated));
}

#[tokio::test]
async fn one_bad_proof_refuses_the_batch() {
    let world = World::new();
    let request = jwt(
        configuration("employee_badge"),
        vec![world.proof(&*world.key()).await, "bad".to_owned()],
    );
    let (error, _) = refused(&world, world.authorized(), request).await;
    assert!(matches!(error, CredentialError::Proof(KeyProofError::Jws(_))));
}

#[tokio::test]
async fn a_credential_bound_to_no_key_takes_no_proofs() {
    let world = World::new();
    let voucher = CredentialConfigurationId::new("voucher");
    let offer = NewOffer {
        credentials: vec![(voucher.clone(), object(json!({ "amount": 5 })))],
        tx_code: None,
        life: None,
        login: None,
    };
    let offered = Offered::new(offer, &world.issuer, world.now, &world.random).unwrap();
    let request = token_request(offered.code(), None);
    let (_, authorized) = offered
        .exchange(request, &Sender::anonymous(), &world.issuer, world.now, &world.random)
        .unwrap();

    let with_proof = world.request(voucher.clone()).await;
    let (error, authorized) = refused(&world, authorized, with_proof).await;
    assert_eq!(error.code(), "invalid_credential_request");
    assert_eq!(error, CredentialError::ProofsUnexpected);
    let request = CredentialRequest {
        wanted: Wanted::Configuration(voucher),
        proofs: None,
        encryption: None,
    };
    assert!(authorized.accept(request, &world.issuer, world.now).await.is_ok());
}

#[test]
fn reads_a_request_and_ignores_what_it_does_not_know() {
    let request = read(json!({
        "credential_configuration_id": "a", "proofs": { "jwt": ["x", "y"] },
        "format": "dc+sd-jwt", "proof": { "proof_type": "jwt" }, "extra": [1],
    }));
    let expected = jwt(configuration("a"), vec!["x".to_owned(), "y".to_owned()]);
    assert_eq!(request, Ok(expected));
}

#[test]
fn a_request_reads_back_as_it_was_written() {
    for request in [
        jwt(identifier("a"), vec!["x".to_owned()]),
        CredentialRequest { wanted: configuration("a"), proofs: None, encryption: None },
    ] {
        assert_eq!(CredentialRequest::parse(&request.to_json()), Ok(request));
    }
}

#[test]
fn what_the_wallet_writes_satisfies_the_schema_of_the_conformance_suite() {
    if !vectors::available("oidf-schemas") {
        return;
    }
    let schema = vectors::json("oidf-schemas/oid4vci-credential_request-1_0.json");
    let schema = jsonschema::validator_for(&schema).unwrap();
    let request = jwt(configuration("a"), vec!["x".to_owned()]).to_json();
    assert!(schema.is_valid(&serde_json::from_slice(&request).unwrap()));
}

#[test]
fn refuses_a_request_that_breaks_one_rule() {
    let a = "credential_configuration_id";
    for (request, error, code) in [
        (json!([]), CredentialError::Malformed, "invalid_credential_request"),
        (json!({ a: 1 }), CredentialError::Malformed, "invalid_credential_request"),
        (json!({}), CredentialError::NotExactlyOneName, "invalid_credential_request"),
        (
            json!({ a: "a", "credential_identifier": "b" }),
            CredentialError::NotExactlyOneName,
            "invalid_credential_request",
        ),
        (json!({ a: "a", "proofs": {} }), CredentialError::ProofsMalformed, "invalid_proof"),
        (json!({ a: "a", "proofs": [] }), CredentialError::ProofsMalformed, "invalid_proof"),
        (
            json!({ a: "a", "proofs": { "jwt": "x" } }),
            CredentialError::ProofsMalformed,
            "invalid_proof",
        ),
        (
            json!({ a: "a", "proofs": { "jwt": [] } }),
            CredentialError::ProofsMalformed,
            "invalid_proof",
        ),
        (
            json!({ a: "a", "proofs": { "jwt": [1] } }),
            CredentialError::ProofsMalformed,
            "invalid_proof",
        ),
        (
            json!({ a: "a", "proofs": { "jwt": ["x"], "di_vp": [{}] } }),
            CredentialError::ProofsMalformed,
            "invalid_proof",
        ),
        (
            json!({ a: "a", "proofs": { "cwt": ["x"] } }),
            CredentialError::ProofTypeUnsupported,
            "invalid_proof",
        ),
        (
            json!({ a: "a", "proofs": { "attestation": ["x", "y"] } }),
            CredentialError::ProofsMalformed,
            "invalid_proof",
        ),
        (
            json!({ a: "a", "proofs": { "di_vp": ["x"] } }),
            CredentialError::ProofsMalformed,
            "invalid_proof",
        ),
        (
            json!({ a: "a", "credential_response_encryption": { "jwk": {}, "enc": "A256GCM" } }),
            CredentialError::EncryptionParameters,
            "invalid_encryption_parameters",
        ),
    ] {
        assert_eq!(read(request.clone()), Err(error.clone()), "{request}");
        assert_eq!(error.code(), code);
    }
    let twice = br#"{"credential_configuration_id":"a","credential_configuration_id":"b"}"#;
    assert_eq!(CredentialRequest::parse(twice), Err(CredentialError::Malformed));
}

#[test]
fn every_description_is_made_of_the_characters_that_are_allowed() {
    let texts = [
        CredentialError::Malformed.to_body(),
        CredentialError::NotExactlyOneName.to_body(),
        CredentialError::ProofsMalformed.to_body(),
        CredentialError::Proof(KeyProofError::NotExactlyOneKey).to_body(),
        TokenError::AuthorizationDetails.to_body(),
        read(json!({ "credential_configuration_id": "\"><script>\r\nX: y \u{e9}", "proofs": 1 }))
            .unwrap_err()
            .to_body(),
    ];
    for ErrorBody { error, error_description } in texts {
        let description = error_description.unwrap();
        let allowed = |byte: u8| matches!(byte, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        assert!(error.bytes().chain(description.bytes()).all(allowed), "{description}");
        assert!(!description.contains("script"));
    }
}
