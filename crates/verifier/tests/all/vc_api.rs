//! Credentials and presentations that an integrator hands in.

use axum::http::{Method, StatusCode, header};
use lanyard_core::{
    crypto::{CryptoProvider as _, Curve, RustCrypto, SoftwareSigner},
    data_integrity::{Challenge, Cryptosuite, Domain, JsonPointer, ProofDraft},
    did::{Did, DidUrl},
    json::Object,
    trust::IssuerIdentifier,
    w3c::{
        Credential, CredentialDraft, EnvelopedCredential,
        vc_jose_cose::{SigningOptions, issue_jwt},
    },
};
use lanyard_testkit::test_now;
use lanyard_verifier::VcApiTrust;
use serde_json::{Value, json};

use crate::world::{Answer, World};

/// Someone with a did:key.
struct Person {
    signer: SoftwareSigner,
    did: Did,
    method: DidUrl,
}

impl Person {
    fn new(curve: Curve) -> Self {
        let key = RustCrypto.generate_key(curve).expect("a key");
        let did = Did::from_key(key.public());
        let fragment = did.as_str().rsplit(':').next().expect("an identifier").to_owned();
        let method = did.with_fragment(&fragment).expect("a fragment");
        let signer = SoftwareSigner::new(&RustCrypto, &key).expect("a fresh key is whole");
        Self { signer, did, method }
    }

    fn credential(&self, changes: &Value) -> Credential {
        let issuer = IssuerIdentifier::parse(self.did.as_str()).expect("a DID is an identifier");
        let draft = CredentialDraft::new(&issuer)
            .in_context("https://www.w3.org/ns/credentials/examples/v2")
            .of_type("ExampleDegreeCredential")
            .about(json!({"id": "did:example:ada", "degree": "MSc", "name": "Ada"}));
        let changes = changes.as_object().expect("changes are an object");
        let draft =
            changes.iter().fold(draft, |draft, (name, value)| draft.with(name, value.clone()));
        draft.finish().expect("it keeps the rules")
    }

    async fn secured(&self, suite: Cryptosuite, changes: &Value) -> Object {
        let proof = ProofDraft::assertion(suite, &self.method).created(test_now());
        let document = self.credential(changes).into_document();
        proof.secure(document, &self.signer, &RustCrypto).await.expect("a proof")
    }

    async fn enveloped(&self) -> Object {
        let options = SigningOptions::new().with_key_id(&self.method.to_string());
        let jwt = issue_jwt(&self.credential(&json!({})), &options, &self.signer).await;
        EnvelopedCredential::around_jwt(jwt.expect("a JWT").as_str()).to_object()
    }

    /// A presentation of these credentials, signed in answer to a challenge.
    async fn presents(&self, credentials: &[Object], challenge: &str, domain: &str) -> Object {
        let (challenge, domain) = (Challenge::from(challenge), Domain::from(domain));
        let suite = match self.signer_suite() {
            true => Cryptosuite::EddsaRdfc2022,
            false => Cryptosuite::EcdsaRdfc2019,
        };
        let proof = ProofDraft::authentication(suite, &self.method, &challenge, &domain);
        let mut document = presentation(credentials);
        document.insert("holder".to_owned(), self.did.as_str().into());
        proof.secure(document, &self.signer, &RustCrypto).await.expect("a proof")
    }

    fn signer_suite(&self) -> bool {
        use lanyard_core::crypto::Signer as _;
        self.signer.public_key().curve() == Curve::Ed25519
    }
}

fn presentation(credentials: &[Object]) -> Object {
    let document = json!({
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiablePresentation"],
        "verifiableCredential": credentials,
    });
    document.as_object().expect("an object").clone()
}

async fn ask(world: &World, path: &str, body: Value) -> Answer {
    world.api(Method::POST, path, Some(body)).await
}

async fn verify(world: &World, credential: &Object) -> Answer {
    ask(world, "credentials/verify", json!({ "verifiableCredential": credential })).await
}

fn is_verified(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.json()["verified"], true);
}

fn refusal(answer: &Answer) -> (u16, String) {
    assert_eq!(
        answer.header(header::CONTENT_TYPE),
        "application/problem+json",
        "{}",
        answer.text()
    );
    let problem = answer.json();
    assert_eq!(problem["verified"], false);
    assert_eq!(problem["problemDetails"][0]["type"], problem["type"]);
    assert!(!answer.text().contains("did:example:ada"), "nothing of what was handed in");
    (answer.status.as_u16(), problem["reason"].as_str().expect("a reason").to_owned())
}

const SUITES: [(Cryptosuite, Curve); 4] = [
    (Cryptosuite::EddsaRdfc2022, Curve::Ed25519),
    (Cryptosuite::EddsaJcs2022, Curve::Ed25519),
    (Cryptosuite::EcdsaRdfc2019, Curve::P256),
    (Cryptosuite::EcdsaJcs2019, Curve::P384),
];

#[tokio::test]
async fn a_credential_is_verified_with_every_cryptosuite_and_refused_once_it_was_changed() {
    let world = World::with_vc_api(VcApiTrust::AnyDid);
    for (suite, curve) in SUITES {
        let issuer = Person::new(curve);
        let mut credential = issuer.secured(suite, &json!({})).await;
        is_verified(&verify(&world, &credential).await);
        credential["credentialSubject"]["degree"] = "PhD".into();
        let answer = verify(&world, &credential).await;
        assert_eq!(refusal(&answer), (422, "proof_signature".to_owned()), "{suite:?}");
    }
}

#[tokio::test]
async fn a_credential_in_an_envelope_is_verified() {
    let world = World::with_vc_api(VcApiTrust::AnyDid);
    let issuer = Person::new(Curve::P256);
    let mut envelope = issuer.enveloped().await;
    is_verified(&verify(&world, &envelope).await);
    let id = envelope["id"].as_str().expect("text").to_owned();
    let (rest, last) = id.split_at(id.len() - 2);
    let forged = if last == "AA" { "BA" } else { "AA" };
    envelope["id"] = format!("{rest}{forged}").into();
    let (status, reason) = refusal(&verify(&world, &envelope).await);
    assert_eq!(status, 422, "{reason}");
    envelope["id"] = "data:application/vc+sd-jwt,a~".into();
    assert_eq!(refusal(&verify(&world, &envelope).await).1, "vc_api_envelope_kind");
    envelope["id"] = "https://issuer.example".into();
    assert_eq!(refusal(&verify(&world, &envelope).await).1, "vc_api_envelope");
}

#[tokio::test]
async fn an_issuer_must_be_trusted_unless_any_did_will_do() {
    let strict = World::with_vc_api(VcApiTrust::TrustedIssuers);
    let issuer = Person::new(Curve::Ed25519);
    let credential = issuer.secured(Cryptosuite::EddsaRdfc2022, &json!({})).await;
    let answer = verify(&strict, &credential).await;
    assert_eq!(refusal(&answer), (422, "issuer_not_trusted".to_owned()));
    let answer = verify(&strict, &issuer.enveloped().await).await;
    assert_eq!(refusal(&answer), (422, "issuer_not_trusted".to_owned()));
    // a DID that another's key signed for is no better where any DID will do
    let world = World::with_vc_api(VcApiTrust::AnyDid);
    let mut stolen = Person::new(Curve::Ed25519).credential(&json!({})).into_document();
    let proof = ProofDraft::assertion(Cryptosuite::EddsaRdfc2022, &issuer.method);
    stolen = proof.secure(stolen, &issuer.signer, &RustCrypto).await.expect("a proof");
    let (status, reason) = refusal(&verify(&world, &stolen).await);
    assert_eq!((status, reason.as_str()), (422, "issuer_key_id"));
}

#[tokio::test]
async fn times_and_statuses_are_looked_at() {
    let world = World::with_vc_api(VcApiTrust::AnyDid);
    let issuer = Person::new(Curve::Ed25519);
    for (changes, reason, kind) in [
        (json!({"validUntil": "2020-01-01T00:00:00Z"}), "credential_expired", "vc-data-model"),
        (json!({"validFrom": "2040-01-01T00:00:00Z"}), "credential_not_yet_valid", "vc-data-model"),
        (
            json!({"credentialStatus": {"id": "urn:example:1", "type": "ExampleStatus"}}),
            "status_unknown",
            "status-list#STATUS_RETRIEVAL_ERROR",
        ),
    ] {
        let credential = issuer.secured(Cryptosuite::EddsaJcs2022, &changes).await;
        let answer = verify(&world, &credential).await;
        assert_eq!(refusal(&answer), (422, reason.to_owned()));
        assert!(answer.json()["type"].as_str().is_some_and(|text| text.contains(kind)), "{kind}");
    }
}

#[tokio::test]
async fn a_presentation_is_verified_with_its_credentials() {
    let world = World::with_vc_api(VcApiTrust::AnyDid);
    let (issuer, holder) = (Person::new(Curve::P256), Person::new(Curve::Ed25519));
    let credentials =
        [issuer.secured(Cryptosuite::EcdsaRdfc2019, &json!({})).await, issuer.enveloped().await];
    let presented = holder.presents(&credentials, "n-1", "shop.example").await;
    let path = "presentations/verify";
    let with = |document: &Object, options: Value| json!({"verifiablePresentation": document, "options": options});
    let asked = json!({"challenge": "n-1", "domain": "shop.example"});
    let answer = ask(&world, path, with(&presented, asked.clone())).await;
    is_verified(&answer);
    assert_eq!(answer.json()["warnings"], json!([]));
    for (options, reason) in [
        (json!({"challenge": "n-2", "domain": "shop.example"}), "proof_challenge"),
        (json!({"challenge": "n-1", "domain": "bank.example"}), "proof_domain"),
        (json!({"challenge": "n-2"}), "proof_challenge"),
        (json!({"domain": "bank.example"}), "proof_domain"),
    ] {
        let answer = ask(&world, path, with(&presented, options.clone())).await;
        assert_eq!(refusal(&answer), (422, reason.to_owned()), "{options}");
    }
    let answer = ask(&world, path, with(&presented, json!({}))).await;
    is_verified(&answer);
    assert_eq!(answer.json()["warnings"], json!(["presentation_challenge_unchecked"]));

    let unsigned = presentation(&credentials);
    let answer = ask(&world, path, with(&unsigned, asked.clone())).await;
    is_verified(&answer);
    assert_eq!(answer.json()["warnings"], json!(["presentation_unsigned"]));

    let mut forged = credentials[0].clone();
    forged["credentialSubject"]["degree"] = "PhD".into();
    let presented = holder.presents(&[forged], "n-1", "shop.example").await;
    let answer = ask(&world, path, with(&presented, asked.clone())).await;
    assert_eq!(refusal(&answer), (422, "proof_signature".to_owned()));

    let bare = issuer.credential(&json!({})).into_document();
    let answer = ask(&world, path, with(&presentation(&[bare]), asked.clone())).await;
    assert_eq!(refusal(&answer), (422, "vp_credential_unsecured".to_owned()));

    let mut stolen = presentation(&credentials);
    stolen.insert("holder".to_owned(), issuer.did.as_str().into());
    let (challenge, domain) = (Challenge::from("n-1"), Domain::from("shop.example"));
    let suite = Cryptosuite::EddsaRdfc2022;
    let proof = ProofDraft::authentication(suite, &holder.method, &challenge, &domain);
    let stolen = proof.secure(stolen, &holder.signer, &RustCrypto).await.expect("a proof");
    let answer = ask(&world, path, with(&stolen, asked)).await;
    assert_eq!(refusal(&answer), (422, "vc_api_holder".to_owned()));
}

#[tokio::test]
async fn what_breaks_the_data_model_is_refused_by_name() {
    let world = World::with_vc_api(VcApiTrust::AnyDid);
    let issuer = Person::new(Curve::Ed25519);
    let good = issuer.secured(Cryptosuite::EddsaJcs2022, &json!({})).await;
    for (name, value, reason) in [
        ("type", json!(["ExampleDegreeCredential"]), "vc_type_kind"),
        ("issuer", json!(1), "vc_issuer_malformed"),
        ("credentialSubject", json!({}), "vc_subject_malformed"),
        ("validFrom", json!("yesterday"), "vc_valid_from_malformed"),
    ] {
        let mut credential = good.clone();
        credential.insert(name.to_owned(), value);
        let (status, found) = refusal(&verify(&world, &credential).await);
        assert_eq!((status, found.as_str()), (422, reason), "{name}");
    }
    let path = "presentations/verify";
    for (name, value) in [("type", json!(["Other"])), ("@context", json!([])), ("holder", json!(1))]
    {
        let mut document = presentation(&[]);
        document.insert(name.to_owned(), value);
        let answer = ask(&world, path, json!({ "verifiablePresentation": document })).await;
        let (status, reason) = refusal(&answer);
        assert!(status == 422 && reason.starts_with("vp_"), "{name}: {status} {reason}");
    }
    for (path, body, reason) in [
        ("credentials/verify", json!({}), "vc_api_missing"),
        ("credentials/verify", json!({"verifiableCredential": "a.b.c"}), "vc_api_missing"),
        ("credentials/verify", json!([]), "vc_api_unreadable"),
        (
            "credentials/verify",
            json!({"verifiableCredential": good, "options": 1}),
            "vc_api_option",
        ),
        ("presentations/verify", json!({}), "vc_api_missing"),
        (
            "presentations/verify",
            json!({"verifiablePresentation": presentation(&[]), "options": {"challenge": 1}}),
            "vc_api_option",
        ),
        ("credentials/derive", json!({"verifiableCredential": good}), "vc_api_option"),
    ] {
        let answer = ask(&world, path, body.clone()).await;
        assert_eq!(refusal(&answer), (400, reason.to_owned()), "{body}");
    }
}

#[tokio::test]
async fn a_credential_is_derived_that_shows_what_was_pointed_to() {
    let world = World::with_vc_api(VcApiTrust::AnyDid);
    let issuer = Person::new(Curve::P256);
    let proof = ProofDraft::assertion(Cryptosuite::EcdsaSd2023, &issuer.method)
        .with_mandatory([JsonPointer::parse("/issuer").expect("a pointer")]);
    let document = issuer.credential(&json!({})).into_document();
    let base = proof.secure(document, &issuer.signer, &RustCrypto).await.expect("a proof");
    // a base proof is for its holder alone
    let (status, reason) = refusal(&verify(&world, &base).await);
    assert_eq!(status, 422, "{reason}");
    let derive = |pointers: Value| {
        let options = json!({ "selectivePointers": pointers });
        json!({"verifiableCredential": base, "options": options})
    };
    let path = "credentials/derive";
    let answer = ask(&world, path, derive(json!(["/credentialSubject/degree"]))).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let derived = answer.json();
    assert_eq!(derived["credentialSubject"]["degree"], "MSc");
    assert_eq!(derived["credentialSubject"].get("name"), None);
    is_verified(&verify(&world, derived.as_object().expect("an object")).await);
    let answer = ask(&world, path, derive(json!(["/credentialSubject/salary"]))).await;
    assert_eq!(refusal(&answer).0, 422);
}

#[tokio::test]
async fn there_is_no_such_route_where_it_is_not_switched_on() {
    let world = World::new();
    for path in ["credentials/verify", "presentations/verify", "credentials/derive"] {
        let answer = ask(&world, path, json!({})).await;
        assert_eq!(answer.refusal(), (404, "not_found".to_owned()), "{path}");
    }
}
