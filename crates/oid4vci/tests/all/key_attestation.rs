//! Attested keys, keys in certificates and presentations as key proofs: each rule broken alone.

use std::sync::Arc;

use jiff::SignedDuration;
use lanyard_core::{
    crypto::{Signer, SoftwareSigner},
    did::Did,
    jose::Jwk,
    json::Object,
    trust::x509::{ChainError, TrustAnchors},
};
use lanyard_oid4vci::{
    CredentialConfigurationId,
    attestation_status::AttestationStatuses,
    configuration::{
        ConfigurationError, CredentialConfiguration, IssuancePolicy, IssuerConfiguration,
    },
    credential::{CredentialError, CredentialRequest, CredentialResponse},
    issuer::Issuer,
    key_proof::{AttestationDraft, AttestationError, KeyProofError},
    nonce::NonceKey,
    wallet::{ProofPlan, Showing},
};
use lanyard_testkit::{Leaf, LeafOptions, TestCa};
use serde_json::{Value, json};

use crate::{
    circle::{granted, ok},
    fixture::{ISSUER, World, badge, badge_definition, issuer_url, sign},
};

/// An issuer that demands attested keys, and a wallet provider that attests them.
pub(crate) struct Attested {
    pub(crate) world: World,
    pub(crate) authority: TestCa,
    pub(crate) provider_key: SoftwareSigner,
    pub(crate) chain: Vec<Vec<u8>>,
}

impl Attested {
    pub(crate) fn new(proof_types: &[&str]) -> Self {
        let mut world = World::new();
        let mut definition = badge_definition();
        definition["proof_types"] = json!(proof_types);
        definition["key_attestation"] =
            json!({ "key_storage": ["iso_18045_high"], "user_authentication": ["iso_18045_high"] });
        let authority = TestCa::new("Wallet providers");
        let leaf = authority.leaf(&LeafOptions::named("Wallet provider"));
        let anchors = TrustAnchors::from_der([authority.anchor_der()]).expect("an anchor");
        world.issuer = issuer(&world, definition).expect("consistent").with_attesters(anchors);
        let provider_key = SoftwareSigner::new(&*world.provider, &leaf.key).expect("a whole key");
        Self { world, authority, provider_key, chain: leaf.chain }
    }

    /// With somebody who knows what became of attestations.
    pub(crate) fn knowing(mut self, statuses: AttestationStatuses) -> Self {
        self.world.issuer = self.world.issuer.with_key_statuses(statuses);
        self
    }

    /// With another wallet provider.
    pub(crate) fn signed_by(mut self, leaf: &Leaf) -> Self {
        let key = SoftwareSigner::new(&*self.world.provider, &leaf.key);
        self.provider_key = key.expect("a whole key");
        self.chain = leaf.chain.clone();
        self
    }

    pub(crate) fn draft(&self, keys: &[Arc<dyn Signer>]) -> AttestationDraft {
        AttestationDraft {
            keys: keys.iter().map(|key| *key.public_key()).collect(),
            key_storage: vec!["iso_18045_moderate".to_owned(), "iso_18045_high".to_owned()],
            user_authentication: vec!["iso_18045_high".to_owned()],
            nonce: Some(self.world.nonce()),
            issued_at: self.world.now,
            expires_at: self.world.now + SignedDuration::from_hours(1),
        }
    }

    pub(crate) async fn attest(&self, draft: AttestationDraft) -> String {
        draft.sign(&self.provider_key, &self.chain).await.expect("a software key signs")
    }

    /// Asks for a badge with these proofs.
    pub(crate) async fn ask(&self, proofs: Value) -> Result<CredentialResponse, CredentialError> {
        let body = json!({ "credential_configuration_id": "employee_badge", "proofs": proofs });
        let request = CredentialRequest::parse(body.to_string().as_bytes())?;
        let offered = self.offered();
        let (_, authorized) = granted(&self.world, offered);
        let accepted = authorized.accept(request, &self.world.issuer, self.world.now).await;
        accepted.map(|(response, ..)| response).map_err(|refused| refused.error)
    }

    fn offered(&self) -> lanyard_oid4vci::issuer::Offered {
        let credentials = vec![(badge(), crate::fixture::badge_claims())];
        let offer = lanyard_oid4vci::issuer::NewOffer {
            credentials,
            tx_code: None,
            life: None,
            login: None,
        };
        let (world, random) = (&self.world, &self.world.random);
        lanyard_oid4vci::issuer::Offered::new(offer, &world.issuer, world.now, random)
            .expect("the fixture fits")
    }

    /// A `jwt` proof with an attestation of these keys in it, signed with the first.
    pub(crate) async fn jwt(&self, keys: &[Arc<dyn Signer>], attestation: &str) -> Value {
        let (mut header, claims) = self.world.proof_parts(&*keys[0]);
        header.insert("key_attestation".to_owned(), attestation.into());
        json!({ "jwt": [sign(header, claims, &*keys[0]).await] })
    }

    pub(crate) fn keys(&self, count: usize) -> Vec<Arc<dyn Signer>> {
        (0..count).map(|_| self.world.key()).collect()
    }

    /// Why an attestation with one thing changed is refused, in a `jwt` proof.
    async fn refused(&self, change: impl FnOnce(&mut AttestationDraft)) -> KeyProofError {
        let keys = self.keys(2);
        let mut draft = self.draft(&keys);
        change(&mut draft);
        let proofs = self.jwt(&keys, &self.attest(draft).await).await;
        match self.ask(proofs).await {
            Err(CredentialError::Proof(error)) => error,
            other => unreachable!("it is refused for its proof: {other:?}"),
        }
    }
}

fn issuer(world: &World, definition: Value) -> Result<Issuer, ConfigurationError> {
    let definition: CredentialConfiguration =
        serde_json::from_value(definition).expect("the fixture parses");
    let policy = IssuancePolicy { batch_size: 3, ..IssuancePolicy::default() };
    let configuration =
        IssuerConfiguration::new(issuer_url(ISSUER), Vec::new(), vec![definition], policy)?;
    let key = world.issuer.key_for(lanyard_core::credential::Format::SdJwtVc).clone();
    Ok(Issuer::new(configuration, key, NonceKey::new([7; 32]), world.provider.clone()))
}

#[tokio::test]
async fn one_attestation_gets_a_credential_for_each_of_its_keys() {
    for kind in ["jwt", "attestation"] {
        let attested = Attested::new(&[kind]);
        let (world, keys) = (&attested.world, attested.keys(3));
        let (wallet, authorized) = granted(world, attested.offered());
        let plan = wallet.proof_plan(&badge(), true).expect("it can be shown");
        assert!(plan.needs_attestation());
        let attestation = attested.attest(attested.draft(&keys)).await;
        let nonce = world.issuer.nonce(world.now).c_nonce;
        let showing = Showing { attestation: Some(&attestation), ..world.showing(Some(&nonce)) };
        let pending = wallet.request(&badge(), &keys, showing).await.expect("asked");
        let request = CredentialRequest::parse(pending.request().body.as_bytes()).expect("read");
        assert_eq!(request.proofs.as_ref().map(|proofs| proofs.count()), Some(1), "{kind}");
        let (response, issued, _) =
            authorized.accept(request, &world.issuer, world.now).await.expect("issued");
        assert_eq!(issued.copies, 3);
        let body = serde_json::to_vec(&response).unwrap();
        let received = pending.receive(ok(&body), &world.trust(), world.now).await.unwrap();
        let bound: Vec<_> = received.iter().map(|one| one.key.expect("bound")).collect();
        assert!(keys.iter().all(|key| bound.contains(key.public_key())), "{kind}");
    }
}

#[tokio::test]
async fn each_rule_of_an_attestation_is_a_reason_of_its_own() {
    let attested = Attested::new(&["jwt"]);
    let now = attested.world.now;
    let hour = SignedDuration::from_hours(1);
    let refused = async |change: fn(&mut AttestationDraft)| attested.refused(change).await;
    let of = |error: AttestationError| KeyProofError::Attestation(error);
    let error = refused(|draft| draft.key_storage = vec!["iso_18045_basic".to_owned()]).await;
    assert_eq!(error, of(AttestationError::KeyStorage));
    let error = refused(|draft| draft.key_storage.clear()).await;
    assert_eq!(error, of(AttestationError::KeyStorage));
    let error = refused(|draft| draft.user_authentication.clear()).await;
    assert_eq!(error, of(AttestationError::UserAuthentication));
    let error = attested.refused(|draft| draft.expires_at = now).await;
    assert_eq!(error, of(AttestationError::Expired));
    let error = attested.refused(|draft| draft.issued_at = now + hour).await;
    assert_eq!(error, of(AttestationError::IssuedAt));
    let error = refused(|draft| draft.keys.clear()).await;
    assert_eq!(error, of(AttestationError::Keys));
    let error = refused(|draft| draft.keys[1] = draft.keys[0]).await;
    assert_eq!(error, of(AttestationError::Keys));
    let error = refused(|draft| {
        draft.keys.remove(0);
    })
    .await;
    assert_eq!(error, KeyProofError::NotAttested);
    let error = refused(|draft| draft.nonce = Some("stale".to_owned())).await;
    assert_eq!(error.code(), "invalid_nonce");
    assert_eq!(refused(|draft| draft.key_storage.clear()).await.code(), "invalid_proof");
}

#[tokio::test]
async fn an_attestation_is_believed_from_whom_the_issuer_believes() {
    let mut attested = Attested::new(&["jwt"]);
    let stranger = TestCa::new("Somebody else");
    let leaf = stranger.leaf(&LeafOptions::named("Wallet provider"));
    let good = std::mem::replace(&mut attested.chain, leaf.chain);
    attested.provider_key = SoftwareSigner::new(&*attested.world.provider, &leaf.key).unwrap();
    let error = attested.refused(|_| {}).await;
    assert_eq!(error, KeyProofError::Attestation(AttestationError::Chain(ChainError::Untrusted)));
    // a good chain that another key signs under
    attested.chain = good;
    let error = attested.refused(|_| {}).await;
    assert_eq!(error.reason(), "attestation_signature");
    // HAIP §4.5.1: no self-signed signer
    let own = TestCa::self_signed_leaf(&LeafOptions::named("Wallet provider"));
    attested.chain = own.chain;
    attested.provider_key = SoftwareSigner::new(&*attested.world.provider, &own.key).unwrap();
    let error = attested.refused(|_| {}).await;
    let expected = AttestationError::Chain(ChainError::LeafSelfSigned);
    assert_eq!(error, KeyProofError::Attestation(expected));
}

#[tokio::test]
async fn what_is_demanded_has_to_be_there_and_to_be_an_attestation() {
    let attested = Attested::new(&["jwt"]);
    let keys = attested.keys(1);
    let bare = json!({ "jwt": [attested.world.proof(&*keys[0]).await] });
    let missing = CredentialError::Proof(KeyProofError::AttestationMissing);
    assert_eq!(attested.ask(bare).await.unwrap_err(), missing);
    let token = attested.world.proof(&*keys[0]).await;
    let proofs = attested.jwt(&keys, &token).await;
    let Err(CredentialError::Proof(error)) = attested.ask(proofs).await else {
        unreachable!("a key proof is no attestation")
    };
    assert_eq!(error.reason(), "attestation_typ");
    // another proof type than the metadata name
    let attestation = attested.attest(attested.draft(&keys)).await;
    let refused = attested.ask(json!({ "attestation": [attestation] })).await.unwrap_err();
    assert_eq!(refused, CredentialError::ProofTypeUnsupported);
}

#[tokio::test]
async fn an_attestation_alone_is_fresh_by_its_nonce() {
    let attested = Attested::new(&["attestation"]);
    let keys = attested.keys(1);
    let draft = AttestationDraft { nonce: None, ..attested.draft(&keys) };
    let proofs = json!({ "attestation": [attested.attest(draft).await] });
    let missing = CredentialError::Proof(KeyProofError::NonceMissing);
    assert_eq!(attested.ask(proofs).await.unwrap_err(), missing);
    // more keys than a batch has
    let keys = attested.keys(4);
    let proofs = json!({ "attestation": [attested.attest(attested.draft(&keys)).await] });
    assert_eq!(attested.ask(proofs).await.unwrap_err(), CredentialError::TooManyProofs);
}

#[tokio::test]
async fn beside_an_attestation_kid_is_the_place_of_the_key_in_it() {
    let attested = Attested::new(&["jwt"]);
    let keys = attested.keys(2);
    let attestation = attested.attest(attested.draft(&keys)).await;
    let (mut header, claims) = attested.world.proof_parts(&*keys[1]);
    header.shift_remove("jwk");
    header.insert("kid".to_owned(), "1".into());
    header.insert("key_attestation".to_owned(), attestation.into());
    let proof = sign(header.clone(), claims.clone(), &*keys[1]).await;
    assert_eq!(attested.ask(json!({ "jwt": [proof] })).await.unwrap().credentials.len(), 2);
    let other = sign(header, claims, &*keys[0]).await;
    let Err(CredentialError::Proof(error)) = attested.ask(json!({ "jwt": [other] })).await else {
        unreachable!("another key than kid names")
    };
    assert_eq!(error.reason(), "proof_signature");
}

#[test]
fn what_is_demanded_is_what_is_advertised() {
    let attested = Attested::new(&["jwt", "attestation"]);
    let metadata: Value =
        serde_json::from_slice(&attested.world.issuer.metadata().to_json()).unwrap();
    let types =
        &metadata["credential_configurations_supported"]["employee_badge"]["proof_types_supported"];
    for kind in ["jwt", "attestation"] {
        let levels = &types[kind]["key_attestations_required"];
        assert_eq!(levels["key_storage"], json!(["iso_18045_high"]), "{kind}");
        assert_eq!(
            types[kind]["proof_signing_alg_values_supported"],
            json!(["ES256", "ES384", "EdDSA"])
        );
    }
    // nobody is believed about keys: then they cannot be demanded
    let mut definition = badge_definition();
    definition["key_attestation"] = json!({});
    let without = issuer(&attested.world, definition.clone()).unwrap();
    assert_eq!(without.without_attesters(), [&CredentialConfigurationId::new("employee_badge")]);
    for types in [json!([]), json!(["jwt", "jwt"]), json!(["di_vp"])] {
        definition["proof_types"] = types;
        let refused = issuer(&attested.world, definition.clone()).unwrap_err();
        assert!(matches!(refused, ConfigurationError::ProofTypes(_)));
    }
}

#[tokio::test]
async fn a_key_in_a_certificate_is_the_key_of_the_proof() {
    let world = World::new();
    let leaf = TestCa::new("Holder's own").leaf(&LeafOptions::named("A device"));
    let key = SoftwareSigner::new(&*world.provider, &leaf.key).unwrap();
    let (mut header, claims) = world.proof_parts(&key);
    header.shift_remove("jwk");
    let draft = AttestationDraft {
        keys: vec![*key.public_key()],
        key_storage: Vec::new(),
        user_authentication: Vec::new(),
        nonce: None,
        issued_at: world.now,
        expires_at: world.now,
    };
    // the chain in the form that a header has it
    let token = draft.sign(&key, &leaf.chain).await.unwrap();
    let encoded = token.split('.').next().unwrap();
    let bytes = lanyard_core::json::base64url_decode(encoded).unwrap();
    let with_chain: Object = serde_json::from_slice(&bytes).unwrap();
    header.insert("x5c".to_owned(), with_chain["x5c"].clone());
    let proof = sign(header.clone(), claims.clone(), &key).await;
    let ask = async |proof: String| {
        let body = json!({ "credential_configuration_id": "employee_badge", "proofs": { "jwt": [proof] } });
        let request = CredentialRequest::parse(body.to_string().as_bytes()).unwrap();
        let accepted = world.authorized().accept(request, &world.issuer, world.now).await;
        accepted.map(|(response, ..)| response).map_err(|refused| refused.error)
    };
    assert_eq!(ask(proof).await.unwrap().credentials.len(), 1);
    let other = sign(header, claims, &*world.key()).await;
    let Err(CredentialError::Proof(error)) = ask(other).await else {
        unreachable!("another key than the certificate's")
    };
    assert_eq!(error.reason(), "proof_signature");
}

#[tokio::test]
async fn a_presentation_proves_a_key_that_a_did_names() {
    let mut world = World::new();
    let mut definition = badge_definition();
    definition["proof_types"] = json!(["di_vp"]);
    world.issuer = issuer(&world, definition).unwrap();
    let authority = TestCa::new("x");
    let leaf = authority.leaf(&LeafOptions::named("x"));
    let provider_key = SoftwareSigner::new(&*world.provider, &leaf.key).unwrap();
    let attested = Attested { world, authority, provider_key, chain: Vec::new() };
    let (world, keys) = (&attested.world, attested.keys(2));
    let (wallet, authorized) = granted(world, attested.offered());
    assert!(matches!(wallet.proof_plan(&badge(), false), Ok(ProofPlan::DiVp(_))));
    let nonce = world.issuer.nonce(world.now).c_nonce;
    let pending = wallet.request(&badge(), &keys, world.showing(Some(&nonce))).await.unwrap();
    let body: Object = serde_json::from_slice(pending.request().body.as_bytes()).unwrap();
    let request = CredentialRequest::parse(pending.request().body.as_bytes()).unwrap();
    let (response, ..) = authorized.accept(request, &world.issuer, world.now).await.unwrap();
    assert_eq!(response.credentials.len(), 2);

    let good = body["proofs"]["di_vp"][0].clone();
    let changed = async |change: fn(&mut Value)| {
        let mut proof = good.clone();
        change(&mut proof);
        match attested.ask(json!({ "di_vp": [proof] })).await {
            Err(CredentialError::Proof(error)) => error,
            other => unreachable!("it is refused for its proof: {other:?}"),
        }
    };
    let error = changed(|vp| vp["proof"]["challenge"] = json!("another")).await;
    assert_eq!(error.code(), "invalid_proof");
    let error = changed(|vp| vp["proof"]["domain"] = json!("https://issuer.example/other")).await;
    assert_eq!(error.reason(), "proof_domain");
    let error = changed(|vp| vp["proof"]["proofPurpose"] = json!("assertionMethod")).await;
    assert_eq!(error.code(), "invalid_proof");
    let error = changed(|vp| vp["holder"] = json!("did:key:z6Mk")).await;
    assert_eq!(error.code(), "invalid_proof");
    let error = changed(|vp| vp["proof"]["cryptosuite"] = json!("ecdsa-sd-2023")).await;
    assert_eq!(error.code(), "invalid_proof");
    // signed for this issuer, but without its nonce
    let did = Did::from_jwk(&Jwk::new(*keys[0].public_key()));
    let url = did.with_fragment("0").unwrap();
    let foreign = lanyard_oid4vci::nonce::ProofNonce::new("foreign");
    let own = issuer_url(ISSUER);
    let proof = lanyard_oid4vci::key_proof::sign_di_vp(
        &*keys[0],
        &url,
        &own,
        &foreign,
        world.now,
        &*world.provider,
    );
    let proof = proof.await.unwrap();
    let Err(CredentialError::Proof(error)) = attested.ask(json!({ "di_vp": [proof] })).await else {
        unreachable!("nobody gave this nonce out")
    };
    assert_eq!(error.code(), "invalid_nonce");
}
