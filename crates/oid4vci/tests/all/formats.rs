//! Every format goes from the configuration to the wallet by the same path.

use std::sync::Arc;

use lanyard_core::{
    credential::{Format, HeldCredential},
    crypto::{Curve, Signer, SoftwareSigner},
    did::Did,
    jose::Jwk,
    json::Object,
    status::{
        StatusListUri, StatusMechanism, StatusReference,
        bitstring_status_list::{StatusEntry, StatusPurpose},
    },
    trust::{IssuerIdentifier, IssuerKeySource, IssuerKeys, IssuerTrust, x509::TrustAnchors},
};
use lanyard_oid4vci::{
    CredentialConfigurationId,
    configuration::{
        ConfigurationError, CredentialConfiguration, IssuancePolicy, IssuerConfiguration,
        SubjectClaimsError,
    },
    credential::CredentialRequest,
    issuer::{
        Issuer, IssuerName, IssuingKey, NewOffer, OfferRefused, Offered, StatusAllocator,
        StatusUnavailable,
    },
    metadata::CredentialIssuerMetadata,
    nonce::NonceKey,
    wallet::{CredentialRefused, Granted, PendingCredential, ReceivedCredential},
};
use lanyard_testkit::{LeafOptions, TestCa};
use serde_json::{Value, json};

use crate::{
    circle::{granted, ok},
    fixture::{ISSUER, World, issuer_url, object, sign},
};

const MDL: &str = "org.iso.18013.5.1.mDL";
const NAMES: &str = "org.iso.18013.5.1";

pub(crate) fn definitions() -> Value {
    json!([
        { "id": "badge", "format": "dc+sd-jwt", "vct": "urn:example:badge:1", "scope": "badge",
          "valid_days": 30, "claims": [{ "path": ["given_name"], "value": "text" }] },
        { "id": "mdl", "format": "mso_mdoc", "doctype": MDL, "scope": "mdl", "valid_days": 30,
          "claims": [
            { "path": [NAMES, "given_name"], "mandatory": true, "value": "text" },
            { "path": [NAMES, "birth_date"], "value": "date" },
            { "path": [NAMES, "portrait"], "value": "image" },
            { "path": ["org.example.1", "since"], "value": "date" },
          ] },
        { "id": "training", "format": "jwt_vc_json", "scope": "training", "valid_days": 30,
          "credential_definition": { "type": ["VerifiableCredential", "Training"] },
          "claims": [{ "path": ["credentialSubject", "given_name"], "value": "text" }] },
        { "id": "member", "format": "ldp_vc", "scope": "member", "valid_days": 30,
          "credential_definition": {
            "@context": ["https://www.w3.org/ns/credentials/v2",
                         "https://www.w3.org/ns/credentials/examples/v2"],
            "type": ["VerifiableCredential", "Member"] },
          "claims": [{ "path": ["credentialSubject", "given_name"], "value": "text" }] },
    ])
}

fn claims_of(id: &str) -> Object {
    object(match id {
        "badge" => json!({ "given_name": "Ada" }),
        "mdl" => json!({
            NAMES: { "given_name": "Ada", "birth_date": "1990-12-10",
                     "portrait": "data:image/jpeg;base64,/9j/4AAQ" },
            "org.example.1": { "since": "2020-01-01" },
        }),
        _ => json!({ "credentialSubject": { "given_name": "Ada" } }),
    })
}

fn id_of(format: Format) -> CredentialConfigurationId {
    CredentialConfigurationId::new(match format {
        Format::SdJwtVc => "badge",
        Format::MsoMdoc => "mdl",
        Format::JwtVcJson => "training",
        _ => "member",
    })
}

fn configuration(definitions: Value) -> Result<IssuerConfiguration, ConfigurationError> {
    let definitions: Vec<CredentialConfiguration> =
        serde_json::from_value(definitions).expect("the fixture is a list of configurations");
    let policy = IssuancePolicy::default();
    IssuerConfiguration::new(issuer_url(ISSUER), Vec::new(), definitions, policy)
}

/// A world whose issuer has the key that each format needs, and a wallet's trust in all of them.
pub(crate) struct EveryFormat {
    pub(crate) world: World,
    trust: IssuerTrust,
}

impl EveryFormat {
    pub(crate) fn new() -> Self {
        let mut world = World::new();
        let provider = world.provider.clone();
        let signer = |key| Arc::new(SoftwareSigner::new(&*provider, key).expect("a whole key"));
        let (authority, iaca) = (TestCa::new("Authority"), TestCa::iaca("IACA", "UT"));
        let leaf = authority.leaf(&LeafOptions::named("Issuer").dns("issuer.example"));
        let signing = IssuingKey {
            signer: signer(&leaf.key),
            name: IssuerName::Certificate { chain: leaf.chain, iss: None },
        };
        let leaf = iaca.leaf(&LeafOptions::mdoc_signer("Document signer", "UT"));
        let document_signer = IssuingKey {
            signer: signer(&leaf.key),
            name: IssuerName::Certificate { chain: leaf.chain, iss: None },
        };
        let key = provider.generate_key(Curve::P256).expect("a key");
        let did = Did::from_jwk(&Jwk::new(*key.public()));
        let w3c = IssuingKey {
            signer: signer(&key),
            name: IssuerName::Identifier {
                iss: IssuerIdentifier::parse(did.as_str()).expect("a DID is one"),
                key_id: Some(did.with_fragment("0").expect("a DID URL").to_string()),
            },
        };
        let configuration = configuration(definitions()).expect("the fixture is consistent");
        let nonces = NonceKey::new([7; 32]);
        world.issuer = Issuer::new(configuration, signing, nonces, provider.clone())
            .with_key(Format::MsoMdoc, document_signer)
            .with_key(Format::JwtVcJson, w3c.clone())
            .with_key(Format::LdpVc, w3c);
        let anchors = TrustAnchors::from_der([authority.anchor_der(), iaca.anchor_der()]);
        let trust = IssuerTrust::certificates(anchors.expect("anchors"));
        Self { world, trust: trust.with(IssuerKeySource::Did(did)) }
    }

    pub(crate) fn issuers(&self) -> IssuerKeys {
        IssuerKeys::new(self.trust.clone(), self.world.provider.clone())
    }

    fn offer(
        &self,
        id: &CredentialConfigurationId,
        claims: Object,
    ) -> Result<Offered, OfferRefused> {
        let offer = NewOffer {
            credentials: vec![(id.clone(), claims)],
            tx_code: None,
            life: None,
            login: None,
        };
        Offered::new(offer, &self.world.issuer, self.world.now, &self.world.random)
    }

    fn granted(
        &self,
        id: &CredentialConfigurationId,
    ) -> (Granted, lanyard_oid4vci::issuer::Authorized) {
        let offered = self.offer(id, claims_of(id.as_str())).expect("the fixture fits");
        granted(&self.world, offered)
    }

    /// Asks for a credential with these keys; the credentials come back in reverse order.
    async fn asked(&self, format: Format, keys: &[Arc<dyn Signer>]) -> (PendingCredential, Value) {
        let (id, world) = (id_of(format), &self.world);
        let (wallet, authorized) = self.granted(&id);
        let nonce = world.issuer.nonce(world.now).c_nonce;
        let pending = wallet.request(&id, keys, world.showing(Some(&nonce))).await.expect("asked");
        let request = CredentialRequest::parse(pending.request().body.as_bytes()).expect("read");
        let (mut response, _, _) =
            authorized.accept(request, &world.issuer, world.now).await.expect("issued");
        response.credentials.reverse();
        (pending, serde_json::to_value(&response).expect("a response is JSON"))
    }

    async fn received(
        &self,
        pending: &PendingCredential,
        response: &Value,
    ) -> Result<Vec<ReceivedCredential>, CredentialRefused> {
        pending.receive(ok(response.to_string().as_bytes()), &self.issuers(), self.world.now).await
    }
}

#[tokio::test]
async fn every_format_is_issued_verified_and_mapped_to_its_keys() {
    let every = EveryFormat::new();
    for format in Format::OPENID4VC {
        let keys: Vec<_> = (0..3).map(|_| every.world.key()).collect();
        let (pending, response) = every.asked(*format, &keys).await;
        let received = every.received(&pending, &response).await.expect("each is good");
        let order: Vec<_> = received.iter().map(|received| received.key).collect();
        let expected: Vec<_> = keys.iter().rev().map(|key| Some(*key.public_key())).collect();
        assert_eq!(order, expected, "{format}");
        for ReceivedCredential { credential, .. } in &received {
            assert_eq!(credential.format(), *format);
            assert!(credential.claims().as_value().to_string().contains("Ada"), "{format}");
            // times are those of the day
            let times = credential.validity();
            for time in [times.issued_at, times.not_before, times.expires_at].into_iter().flatten()
            {
                assert_eq!(time.as_second() % 86_400, 0, "{format}");
            }
        }
    }
}

#[tokio::test]
async fn copies_share_no_bytes_that_would_link_them() {
    let every = EveryFormat::new();
    for format in Format::OPENID4VC {
        let keys: Vec<_> = (0..2).map(|_| every.world.key()).collect();
        let (_, response) = every.asked(*format, &keys).await;
        let credentials = response["credentials"].as_array().expect("credentials");
        assert_ne!(credentials[0], credentials[1], "{format}");
        if let [Value::String(one), Value::String(other)] =
            [&credentials[0]["credential"], &credentials[1]["credential"]]
                .map(Clone::clone)
                .as_slice()
            && *format == Format::SdJwtVc
        {
            // every salt is fresh, so no disclosure is in both
            let disclosures = |text: &str| -> Vec<String> {
                text.split('~').skip(1).filter(|part| !part.is_empty()).map(str::to_owned).collect()
            };
            assert!(disclosures(one).iter().all(|part| !disclosures(other).contains(part)));
        }
    }
}

#[tokio::test]
async fn a_credential_of_another_type_of_the_same_format_is_refused() {
    let every = EveryFormat::new();
    let world = &every.world;
    for format in Format::OPENID4VC {
        let id = id_of(*format);
        let (wallet, authorized) = every.granted(&id);
        let nonce = world.issuer.nonce(world.now).c_nonce;
        let keys = [world.key()];
        let pending = wallet.request(&id, &keys, world.showing(Some(&nonce))).await.expect("asked");
        let request = CredentialRequest::parse(pending.request().body.as_bytes()).expect("read");
        let (response, _, _) =
            authorized.accept(request, &world.issuer, world.now).await.expect("issued");
        // the metadata said another type of the same format
        let offered = every.offer(&id, claims_of(id.as_str())).expect("the fixture fits");
        let other = crate::wallet::discover_with(world, offered.offer(&world.issuer), |metadata| {
            let own = &mut metadata["credential_configurations_supported"][id.as_str()];
            match format {
                Format::SdJwtVc => own["vct"] = json!("urn:example:other"),
                Format::MsoMdoc => own["doctype"] = json!("org.example.other"),
                _ => {
                    own["credential_definition"]["type"] = json!(["VerifiableCredential", "Other"])
                }
            }
        });
        let body = json!({ "access_token": "a", "token_type": "Bearer" }).to_string();
        let wallet = other.redeem().expect("a code").receive(ok(body.as_bytes())).expect("a token");
        let pending = wallet.request(&id, &keys, world.showing(Some(&nonce))).await.expect("asked");
        let body = serde_json::to_value(&response).expect("a response is JSON");
        let refused = every.received(&pending, &body).await.expect_err("another type");
        assert_eq!(refused, CredentialRefused::Type, "{format}");
    }
}

#[tokio::test]
async fn a_credential_in_the_form_of_another_format_is_refused() {
    let every = EveryFormat::new();
    for format in Format::OPENID4VC {
        let (pending, mut response) = every.asked(*format, &[every.world.key()]).await;
        let credential = &mut response["credentials"][0]["credential"];
        *credential =
            if credential.is_string() { json!({}) } else { credential.to_string().into() };
        let refused = every.received(&pending, &response).await.expect_err("another form");
        assert_eq!(refused, CredentialRefused::Form, "{format}");
    }
}

#[tokio::test]
async fn a_subject_is_named_by_the_did_that_the_key_proof_names() {
    let every = EveryFormat::new();
    let (world, key) = (&every.world, every.world.key());
    for format in [Format::JwtVcJson, Format::LdpVc] {
        let (_, authorized) = every.granted(&id_of(format));
        let did = Did::from_key(key.public_key());
        let url = did.with_fragment(did.method_specific_id()).expect("a DID URL");
        let (mut header, claims) = world.proof_parts(&*key);
        header.shift_remove("jwk");
        header.insert("kid".to_owned(), url.to_string().into());
        let proof = sign(header, claims, &*key).await;
        let body = json!({
            "credential_configuration_id": id_of(format), "proofs": { "jwt": [proof] },
        });
        let request = CredentialRequest::parse(body.to_string().as_bytes()).expect("read");
        let (response, _, _) =
            authorized.accept(request, &world.issuer, world.now).await.expect("issued");
        let text = match &response.credentials[0].credential {
            Value::String(text) => text.clone(),
            object => object.to_string(),
        };
        let held = HeldCredential::receive(format, &text, &every.issuers(), world.now).await;
        let held = held.expect("it is good");
        assert_eq!(held.claims().as_value()["credentialSubject"]["id"], json!(did.as_str()));
        assert!(held.binding().is_to(key.public_key(), &*world.provider));
    }
}

#[derive(Debug)]
struct Places;

#[async_trait::async_trait]
impl StatusAllocator for Places {
    async fn allocate(
        &self,
        copies: usize,
        mechanism: StatusMechanism,
        purposes: &[StatusPurpose],
    ) -> Result<Vec<StatusReference>, StatusUnavailable> {
        let uri =
            StatusListUri::parse("https://issuer.example/demo/status-lists/0").expect("a URI");
        let place = |copy: usize| {
            let (index, uri) = (copy as u64 + 7, uri.clone());
            match mechanism {
                StatusMechanism::TokenStatusList => StatusReference::TokenStatusList { index, uri },
                StatusMechanism::BitstringStatusList => {
                    let entry =
                        |purpose: &StatusPurpose| StatusEntry::new(*purpose, index, uri.clone());
                    StatusReference::Bitstring(purposes.iter().map(entry).collect())
                }
            }
        };
        Ok((0..copies).map(place).collect())
    }

    fn aggregation(&self) -> Option<StatusListUri> {
        None
    }
}

#[tokio::test]
async fn every_format_has_a_status_for_each_copy_by_its_own_mechanism() {
    let mut every = EveryFormat::new();
    let fresh = EveryFormat::new();
    every.world.issuer = fresh.world.issuer.with_statuses(Arc::new(Places));
    every.trust = fresh.trust;
    for format in [Format::SdJwtVc, Format::MsoMdoc, Format::JwtVcJson, Format::LdpVc] {
        let keys: Vec<_> = (0..2).map(|_| every.world.key()).collect();
        let (pending, response) = every.asked(format, &keys).await;
        let received = every.received(&pending, &response).await.expect("each is good");
        let status = |received: &ReceivedCredential| match &received.credential {
            HeldCredential::SdJwtVc(held) => held.status().cloned(),
            HeldCredential::MsoMdoc(held) => held.status().cloned(),
            w3c => {
                let entry = w3c.claims().as_value()["credentialStatus"].clone();
                let entries = entry.as_array().into_iter().flatten();
                let entries = StatusReference::of_entries(entries.filter_map(Value::as_object));
                entries.expect("an entry").pop()
            }
        };
        let statuses: Vec<_> = received.iter().map(status).collect();
        let is_w3c = matches!(format, Format::JwtVcJson | Format::LdpVc);
        let by_mechanism = |status: &Option<StatusReference>| match status {
            Some(StatusReference::Bitstring(_)) => is_w3c,
            Some(StatusReference::TokenStatusList { .. }) => !is_w3c,
            _ => false,
        };
        assert!(statuses.iter().all(by_mechanism) && statuses[0] != statuses[1], "{format}");
    }
}

#[test]
fn each_format_is_advertised_with_its_own_names_of_types_and_algorithms() {
    let every = EveryFormat::new();
    let metadata: Value =
        serde_json::from_slice(&every.world.issuer.metadata().to_json()).expect("JSON");
    let of = |id: &str| &metadata["credential_configurations_supported"][id];
    let algorithms = |id: &str| &of(id)["credential_signing_alg_values_supported"];
    assert_eq!(algorithms("badge"), &json!(["ES256"]));
    assert_eq!(algorithms("mdl"), &json!([-7]));
    assert_eq!(algorithms("training"), &json!(["ES256"]));
    assert_eq!(algorithms("member"), &json!(["ecdsa-rdfc-2019"]));
    assert_eq!(of("mdl")["doctype"], json!(MDL));
    assert_eq!(of("mdl")["cryptographic_binding_methods_supported"], json!(["cose_key"]));
    assert_eq!(of("training")["credential_definition"]["type"][1], json!("Training"));
    assert!(of("training")["credential_definition"].get("@context").is_none());
    assert!(of("member")["credential_definition"]["@context"].is_array());
    assert!(of("mdl").get("vct").is_none() && of("badge").get("doctype").is_none());
    let text = metadata.to_string();
    let read = CredentialIssuerMetadata::parse(text.as_bytes(), &issuer_url(ISSUER)).expect("read");
    for configuration in read.credential_configurations_supported.values() {
        assert_eq!(configuration.unsupported(), None);
    }
}

#[test]
fn a_configuration_is_refused_that_its_format_cannot_be() {
    let refused = |place: usize, change: fn(&mut Value)| {
        let mut definitions = definitions();
        change(&mut definitions[place]);
        configuration(definitions).expect_err("refused")
    };
    let error = refused(1, |mdl| mdl["claims"][0]["path"] = json!(["given_name"]));
    assert!(matches!(error, ConfigurationError::ClaimPlace(..)), "{error}");
    let error = refused(1, |mdl| mdl["claims"][0]["disclosure"] = json!("always"));
    assert!(matches!(error, ConfigurationError::AlwaysShown(..)), "{error}");
    let error = refused(1, |mdl| {
        let uri = format!("data:image/png;base64,{}", "A".repeat(5000));
        mdl["display"] = json!([{ "name": "Licence", "logo": { "uri": uri } }]);
    });
    assert!(matches!(error, ConfigurationError::Picture(..)), "{error}");
    let error = refused(1, |mdl| mdl["binding"] = json!("bearer"));
    assert!(matches!(error, ConfigurationError::BearerMdoc(_)), "{error}");
    let error = refused(2, |vc| vc["claims"][0]["path"] = json!(["given_name"]));
    assert!(matches!(error, ConfigurationError::ClaimPlace(..)), "{error}");
    let error = refused(2, |vc| vc["claims"][0]["path"] = json!(["credentialSubject", "id"]));
    assert!(matches!(error, ConfigurationError::ClaimPlace(..)), "{error}");
    let error = refused(2, |vc| vc["credential_definition"]["type"] = json!(["Training"]));
    assert!(matches!(error, ConfigurationError::Types(_)), "{error}");
    let error = refused(2, |vc| {
        vc["credential_definition"]["type"] = json!(["VerifiableCredential"]);
    });
    assert!(matches!(error, ConfigurationError::Types(_)), "{error}");
    let error = refused(3, |vc| {
        vc["credential_definition"]["@context"] = json!(["https://www.w3.org/2018/credentials/v1"]);
    });
    assert!(matches!(error, ConfigurationError::Contexts(_)), "{error}");
    let error = refused(3, |vc| {
        vc["credential_definition"]["@context"] =
            json!(["https://www.w3.org/ns/credentials/v2", "https://example.com/unknown"]);
    });
    assert!(matches!(error, ConfigurationError::Contexts(_)), "{error}");
}

#[test]
fn claims_are_refused_that_their_format_cannot_hold() {
    let mut every = EveryFormat::new();
    let refused = |every: &EveryFormat, id: &str, claims: Value| {
        every.offer(&CredentialConfigurationId::new(id), object(claims)).expect_err("refused")
    };
    for wrong in [json!("10.12.1990"), json!("1990-13-10")] {
        let claims = json!({ NAMES: { "given_name": "Ada", "birth_date": wrong } });
        let error = refused(&every, "mdl", claims);
        assert!(matches!(error, OfferRefused::Claims(_, SubjectClaimsError::WrongValue(_))));
    }
    let claims = json!({ NAMES: { "given_name": "Ada", "portrait": "data:image/png;base64,*" } });
    let error = refused(&every, "mdl", claims);
    assert!(matches!(error, OfferRefused::Claims(_, SubjectClaimsError::WrongValue(_))));
    let claims = json!({ NAMES: { "given_name": "Ada", "hair": "red" } });
    let error = refused(&every, "mdl", claims);
    assert!(matches!(error, OfferRefused::Claims(_, SubjectClaimsError::NotConfigured(_))));

    // a term that no context defines would not be signed
    let mut definitions = definitions();
    definitions[3]["credential_definition"] = json!({
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential", "Member"],
    });
    let key = every.world.issuer.key_for(Format::SdJwtVc).clone();
    let configuration = configuration(definitions).expect("the contexts are known");
    let nonces = NonceKey::new([7; 32]);
    every.world.issuer = Issuer::new(configuration, key, nonces, every.world.provider.clone());
    let error = refused(&every, "member", json!({ "credentialSubject": { "given_name": "Ada" } }));
    assert!(matches!(error, OfferRefused::Claims(_, SubjectClaimsError::NotDefined)), "{error}");
    assert_eq!(error.code(), "claim_not_defined");
    // and without a key for them, three of the four cannot be issued
    let without: Vec<_> =
        every.world.issuer.without_key().into_iter().map(|id| id.as_str()).collect();
    assert_eq!(without, ["training", "member"]);
}
