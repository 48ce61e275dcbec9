//! VC-JOSE-COSE: `vc+jwt`, `vp+jwt` and `vc+sd-jwt`, each rule broken alone.

use std::{slice::from_ref, sync::Arc};

use jiff::SignedDuration;
use lanyard_core::{
    claims::ClaimsPath,
    crypto::AwsLc,
    jose::UnverifiedJws,
    json::base64url,
    sd_jwt::KeyBindingError,
    w3c::{
        BASE_CONTEXT, Credential, CredentialDraft, EnvelopedCredential, HolderBinding, Uri,
        vc_jose_cose::{
            HeldCredential, HeldVcJwt, HeldVcSdJwt, IssueSdJwtError, PresentVpError,
            SigningOptions, UnverifiedVcJwt, UnverifiedVcSdJwt, VerifiedVp, issue_jwt,
            issue_sd_jwt, present_jwt, verify_presentation,
        },
    },
};
use lanyard_testkit::test_now;
use serde_json::{Value, json};

use crate::{
    sd_jwt_support::{AUDIENCE, Demand, NONCE, PROVIDERS, digest, disclosure, ready},
    w3c_support::{Asked, Person, changed, issuers_by_did, providers},
};

struct World {
    issuer: Person,
    holder: Person,
}

impl World {
    fn new() -> Self {
        Self { issuer: Person::new(), holder: Person::new() }
    }

    /// The payload of a good credential, with some members replaced.
    fn payload(&self, changes: &Value) -> Value {
        let payload = json!({
            "@context": [BASE_CONTEXT],
            "id": "urn:uuid:1",
            "type": ["VerifiableCredential", "Badge"],
            "issuer": self.issuer.did.as_str(),
            "validFrom": test_now().to_string(),
            "credentialSubject": {"id": self.holder.did.as_str(), "name": "Ada"},
        });
        changed(&payload, changes)
    }

    fn credential(&self, changes: &Value) -> String {
        self.credential_with(&json!({}), changes)
    }

    fn credential_with(&self, header: &Value, changes: &Value) -> String {
        self.issuer.sign("vc+jwt", header, &self.payload(changes))
    }

    fn sd_jwt(&self, changes: &Value, disclosures: &[String]) -> String {
        let header = json!({"typ": "vc+sd-jwt"});
        let mut sd_jwt = self.credential_with(&header, changes);
        sd_jwt.push('~');
        disclosures.iter().for_each(|disclosure| sd_jwt.extend([disclosure.as_str(), "~"]));
        sd_jwt
    }

    fn present(&self, envelopes: &[EnvelopedCredential], changes: &Value) -> String {
        self.present_with(&json!({}), envelopes, changes)
    }

    fn present_with(
        &self,
        header: &Value,
        envelopes: &[EnvelopedCredential],
        changes: &Value,
    ) -> String {
        let envelopes: Vec<_> = envelopes.iter().map(EnvelopedCredential::to_object).collect();
        let payload = json!({
            "@context": [BASE_CONTEXT],
            "type": ["VerifiablePresentation"],
            "holder": self.holder.did.as_str(),
            "verifiableCredential": envelopes,
            "aud": AUDIENCE,
            "nonce": NONCE,
            "iat": test_now().as_second(),
        });
        self.holder.sign("vp+jwt", header, &changed(&payload, changes))
    }

    fn verify(&self, presentation: &str) -> Result<VerifiedVp, &'static str> {
        let asked = Asked::new();
        let [one, other] = providers().map(|provider| {
            let issuers = issuers_by_did(&[&self.issuer], provider);
            ready(verify_presentation(presentation, &asked.expected(), &issuers))
        });
        assert_eq!(one.as_ref().err(), other.as_ref().err());
        one.map_err(|error| error.code())
    }

    fn refusal_of(&self, credential: &str) -> Option<&'static str> {
        let envelope = EnvelopedCredential::around_jwt(credential);
        self.verify(&self.present(&[envelope], &json!({}))).err()
    }

    fn refusal_of_sd_jwt(&self, credential: &str) -> Option<&'static str> {
        let envelope = EnvelopedCredential::around_sd_jwt(credential);
        self.verify(&self.present(&[envelope], &json!({}))).err()
    }

    fn hold(&self, credential: &str) -> HeldVcJwt {
        let issuers = issuers_by_did(&[&self.issuer], Arc::new(AwsLc));
        let parsed = UnverifiedVcJwt::parse(credential).expect("it is well-formed");
        let key =
            ready(issuers.find(&parsed.claimed_issuer(), test_now())).expect("it is believed");
        parsed.verify_for_holding(key, test_now(), &AwsLc).expect("it is good")
    }

    fn hold_sd_jwt(&self, credential: &str) -> HeldVcSdJwt {
        let issuers = issuers_by_did(&[&self.issuer], Arc::new(AwsLc));
        let parsed = UnverifiedVcSdJwt::parse(credential, &AwsLc).expect("it is well-formed");
        let key =
            ready(issuers.find(&parsed.claimed_issuer(), test_now())).expect("it is believed");
        parsed.verify_for_holding(key, test_now(), &AwsLc).expect("it is good")
    }

    fn draft(&self) -> Credential {
        CredentialDraft::new(&self.issuer.identifier())
            .of_type("Badge")
            .with_id(&Uri::parse("urn:uuid:1").expect("a URN is a URL"))
            .valid_from(test_now())
            .valid_until(test_now() + SignedDuration::from_hours(24))
            .about(json!({"id": self.holder.did.as_str(), "name": "Ada", "age": 36}))
            .finish()
            .expect("it keeps the rules")
    }

    fn options(&self) -> SigningOptions {
        SigningOptions::new().with_key_id(&self.issuer.key_id.to_string()).signed_at(test_now())
    }
}

// The four verbs

#[test]
fn a_credential_is_issued_held_presented_and_verified() {
    let world = World::new();
    let credential = world.draft();
    let issued = ready(issue_jwt(&credential, &world.options(), &world.issuer.party.signer));
    let held = world.hold(issued.unwrap().as_str());
    assert_eq!(held.credential().id(), credential.id());
    assert_eq!(held.binding(), &HolderBinding::Subject(world.holder.did.clone()));
    let asked = Asked::new();
    let request = asked.request(&world.holder);
    let presented = ready(present_jwt(&[HeldCredential::Jwt(&held)], &request)).unwrap();
    let verified = world.verify(&presented).unwrap();
    assert_eq!(verified.holder().did(), Some(&world.holder.did));
    assert_eq!(verified.claims()["nonce"], NONCE);
    assert_eq!(verified.presentation().holder().unwrap().as_str(), world.holder.did.as_str());
    let [one] = verified.credentials() else { unreachable!() };
    assert_eq!(one.claims().as_object()["credentialSubject"]["name"], "Ada");
    assert_eq!(one.credential().types().collect::<Vec<_>>(), ["VerifiableCredential", "Badge"]);
    assert_eq!(one.issuer().name(), world.issuer.did.as_str());
    assert_eq!(one.validity().expires_at, credential.validity().expires_at);
    assert_eq!(one.validity().issued_at, Some(test_now()));
    assert!(one.disclosed().is_empty());
    let back = UnverifiedVcJwt::parse(held.as_str()).unwrap().danger_hold_unverified();
    assert_eq!(back.credential(), held.credential());
    assert!(back.issuer().is_none() && held.issuer().is_some());
}

#[test]
fn the_payload_is_the_credential_itself() {
    let world = World::new();
    let credential = world.draft();
    let options = SigningOptions::new().with_key_id(&world.issuer.key_id.to_string());
    let issued = ready(issue_jwt(&credential, &options, &world.issuer.party.signer)).unwrap();
    let jws = UnverifiedJws::parse(issued.as_str()).unwrap();
    assert_eq!(jws.header().typ.as_deref(), Some("vc+jwt"));
    assert_eq!(jws.header().members["cty"], "vc");
    assert_eq!(&jws.danger_unverified_claims().unwrap(), credential.document());
}

#[test]
fn an_sd_jwt_discloses_what_its_holder_chose() {
    let world = World::new();
    let selective = ["name", "age"].map(|name| ClaimsPath::key("credentialSubject").then_key(name));
    for provider in PROVIDERS {
        let signer = &world.issuer.party.signer;
        let options = world.options().bound_to(world.holder.jwk());
        let issued =
            ready(issue_sd_jwt(&world.draft(), &selective, &options, signer, provider)).unwrap();
        let held = world.hold_sd_jwt(issued.as_str());
        let mut disclosable: Vec<_> = held.disclosable().collect();
        disclosable.sort();
        assert_eq!(disclosable, [&selective[1], &selective[0]]);
        assert_eq!(held.claims().as_object()["credentialSubject"]["age"], 36);

        // alone, bound by a key binding JWT
        let demand = Demand::new();
        let request = demand.request(&world.holder.party);
        let presented = ready(held.present(&selective[..1], Some(&request), provider)).unwrap();
        let parsed = UnverifiedVcSdJwt::parse(&presented, provider).unwrap();
        let issuers = issuers_by_did(&[&world.issuer], Arc::new(AwsLc));
        let key = ready(issuers.find(&parsed.claimed_issuer(), test_now())).unwrap();
        let (verified, binding) = parsed.verify(key, Some(&demand.expected()), provider).unwrap();
        assert_eq!(binding.unwrap().key().key, world.holder.jwk().key);
        let subject = &verified.claims().as_object()["credentialSubject"];
        assert_eq!((&subject["name"], subject.get("age")), (&json!("Ada"), None));
        assert_eq!(verified.disclosed(), &selective[..1]);

        // in a presentation, which is the key binding
        let presented = ready(held.present(&selective[1..], None, provider)).unwrap();
        let credential = HeldCredential::SdJwt { held: &held, presented: &presented };
        let asked = Asked::new();
        let request = asked.request(&world.holder);
        let presentation = ready(present_jwt(&[credential], &request)).unwrap();
        let verified = world.verify(&presentation).unwrap();
        let subject = &verified.credentials()[0].claims().as_object()["credentialSubject"];
        assert_eq!((subject.get("name"), &subject["age"]), (None, &json!(36)));

        let back = UnverifiedVcSdJwt::parse(held.as_str(), provider).unwrap();
        assert!(back.danger_hold_unverified(provider).unwrap().issuer().is_none());
    }
}

#[test]
fn nothing_is_presented_that_is_not_the_signers() {
    let world = World::new();
    let asked = Asked::new();
    let several = json!([{"id": world.holder.did.as_str()}, {"id": "did:example:dog"}]);
    for (changes, expected) in [
        (json!({"credentialSubject": {"name": "Ada"}}), PresentVpError::NotBound),
        // of several subjects nobody can tell which one is the holder
        (json!({"credentialSubject": several}), PresentVpError::NotBound),
        (json!({"credentialSubject": {"id": "did:example:eve"}}), PresentVpError::WrongHolder),
        (json!({"cnf": {"jwk": world.issuer.jwk().to_value()}}), PresentVpError::WrongHolder),
    ] {
        let held = world.hold(&world.credential(&changes));
        let request = asked.request(&world.holder);
        let refused = ready(present_jwt(&[HeldCredential::Jwt(&held)], &request));
        assert_eq!(refused, Err(expected), "{changes}");
    }
}

// Each rule alone

#[test]
fn each_rule_about_a_credential_refuses_it_alone() {
    let world = World::new();
    let now = test_now().as_second();
    assert_eq!(world.refusal_of(&world.credential(&json!({}))), None);
    for (changes, code) in [
        (json!({"vc": {}}), "issuer_jwt_forbidden_claim"),
        (json!({"vp": 1}), "issuer_jwt_forbidden_claim"),
        (json!({"iss": "https://other.example"}), "issuer_mismatch"),
        (json!({"iss": 1}), "issuer_mismatch"),
        (json!({"sub": "did:example:eve"}), "subject_mismatch"),
        (json!({"sub": 1}), "subject_mismatch"),
        (json!({"jti": "urn:uuid:2"}), "credential_id_mismatch"),
        (json!({"jti": "urn:uuid:1", "id": null}), "credential_id_mismatch"),
        (json!({"jti": []}), "credential_id_mismatch"),
        (json!({"exp": now - 60}), "credential_expired"),
        (json!({"exp": "never"}), "credential_exp_malformed"),
        (json!({"nbf": now + 61}), "credential_not_yet_valid"),
        (json!({"iat": now + 61}), "credential_issued_in_the_future"),
        // the signature still counts, the credential does not, and the other way round
        (
            json!({"validUntil": "2020-01-01T00:00:00Z", "validFrom": null, "exp": now + 60}),
            "credential_expired",
        ),
        (json!({"validUntil": "3020-01-01T00:00:00Z", "exp": now - 60}), "credential_expired"),
        (json!({"validFrom": "3020-01-01T00:00:00Z", "nbf": now}), "credential_not_yet_valid"),
        (json!({"validFrom": "3020"}), "vc_valid_from_malformed"),
        (json!({"cnf": {}}), "credential_binding_unsupported"),
        (json!({"cnf": {"jwk": world.issuer.jwk().to_value()}}), "credential_of_another_holder"),
        (json!({"credentialSubject": {"name": "Ada"}}), "credential_not_bound"),
        (json!({"credentialSubject": {"id": "did:example:eve"}}), "credential_of_another_holder"),
        (json!({"issuer": Person::new().did.as_str()}), "issuer_not_trusted"),
        (json!({"@context": ["https://www.w3.org/2018/credentials/v1"]}), "vc_context_base"),
        (json!({"type": "VerifiablePresentation"}), "vc_type_kind"),
    ] {
        assert_eq!(world.refusal_of(&world.credential(&changes)), Some(code), "{changes}");
    }
    for changes in [
        json!({"iss": world.issuer.did.as_str(), "sub": world.holder.did.as_str()}),
        json!({"jti": "urn:uuid:1", "iat": now, "exp": now + 60, "unknown": {"claim": 1}}),
        json!({"issuer": {"id": world.issuer.did.as_str()}, "iss": world.issuer.did.as_str()}),
        json!({"cnf": {"jwk": world.holder.jwk().to_value()}, "credentialSubject": {"a": 1}}),
    ] {
        assert_eq!(world.refusal_of(&world.credential(&changes)), None, "{changes}");
    }
}

#[test]
fn each_rule_about_a_presentation_refuses_it_alone() {
    let world = World::new();
    let now = test_now().as_second();
    let credential = world.credential(&json!({}));
    let envelope = EnvelopedCredential::around_jwt(&credential);
    let refusal =
        |changes: &Value| world.verify(&world.present(from_ref(&envelope), changes)).err();
    assert_eq!(refusal(&json!({})), None);
    let self_asserted = world.payload(&json!({"issuer": world.holder.did.as_str()}));
    let with_proof = world.payload(&json!({"proof": {"type": "DataIntegrityProof"}}));
    let other_media = |media: &str| {
        json!({"verifiableCredential": {
            "@context": BASE_CONTEXT,
            "type": "EnvelopedVerifiableCredential",
            "id": format!("data:{media},0oQ="),
        }})
    };
    for (changes, code) in [
        (json!({"vp": {}}), "presentation_jwt_forbidden_claim"),
        (json!({"vc": {}}), "presentation_jwt_forbidden_claim"),
        (json!({"type": "VerifiableCredential"}), "vp_type_kind"),
        (json!({"@context": null}), "vp_context_missing"),
        (json!({"verifiableCredential": null}), "presentation_empty"),
        (json!({"verifiableCredential": []}), "presentation_empty"),
        (json!({"verifiableCredential": [credential]}), "vp_credential_not_an_object"),
        (json!({"verifiableCredential": self_asserted}), "presentation_credential_not_enveloped"),
        (json!({"verifiableCredential": with_proof}), "presentation_credential_not_enveloped"),
        (other_media("application/vp+jwt"), "envelope_media_type"),
        (other_media("application/vc+cose"), "envelope_encoding"),
        (other_media("application/vc+cose;base64"), "cbor_too_many_items"),
        (other_media("application/vc+jwt"), "issuer_jwt_malformed"),
        (other_media("application/vc+sd-jwt"), "sd_jwt_no_tilde"),
        (json!({"nonce": "other"}), "nonce_mismatch"),
        (json!({"aud": "other"}), "audience_mismatch"),
        (json!({"aud": [AUDIENCE, "other"]}), "audience_mismatch"),
        (json!({"aud": []}), "audience_mismatch"),
        (json!({"exp": now - 60}), "presentation_expired"),
        (json!({"iat": now - 61}), "presentation_too_old"),
        (json!({"iat": now + 61}), "presentation_from_the_future"),
        (json!({"iss": "https://other.example"}), "holder_mismatch"),
        (json!({"iss": 1}), "holder_mismatch"),
        (json!({"holder": "https://holder.example"}), "holder_not_named"),
        (json!({"holder": "did:example:eve"}), "holder_key_id"),
    ] {
        assert_eq!(refusal(&changes), Some(code), "{changes}");
    }
    for changes in [
        json!({"holder": null}),
        json!({"aud": [AUDIENCE]}),
        json!({"holder": null, "iss": world.holder.did.as_str()}),
        json!({"holder": {"id": world.holder.did.as_str()}, "iss": world.holder.did.as_str()}),
        json!({"iat": null}),
    ] {
        assert_eq!(refusal(&changes), None, "{changes}");
    }
}

#[test]
fn a_header_never_brings_its_own_rules() {
    let world = World::new();
    let good = EnvelopedCredential::around_jwt(&world.credential(&json!({})));
    for (header, code) in [
        (json!({"typ": "JWT"}), "wrong_typ"),
        (json!({"typ": "application/vc+jwt"}), "wrong_typ"),
        // names of drafts
        (json!({"typ": "vc-ld+jwt"}), "wrong_typ"),
        (json!({"typ": "vc+ld+json+jwt"}), "wrong_typ"),
        (json!({"cty": "JWT"}), "content_type"),
        (json!({"cty": 1}), "content_type"),
        (json!({"jwk": world.holder.jwk().to_value()}), "header_key"),
        (json!({"jku": "https://canary.example"}), "header"),
        (json!({"crit": ["b64"], "b64": false}), "header"),
    ] {
        let refused = world.refusal_of(&world.credential_with(&header, &json!({})));
        assert_eq!(refused, Some(format!("issuer_jwt_{code}").as_str()), "{header}");
        let presentation = world.present_with(&header, from_ref(&good), &json!({}));
        let refused = world.verify(&presentation).err();
        assert_eq!(refused, Some(format!("presentation_jwt_{code}").as_str()), "{header}");
    }
    for (header, code) in [
        (json!({"typ": "vp+jwt"}), Some("issuer_jwt_wrong_typ")),
        (json!({"typ": "vc+sd-jwt"}), Some("issuer_jwt_wrong_typ")),
        (json!({"cty": "vp"}), Some("issuer_jwt_content_type")),
        (json!({"iss": "https://other.example"}), Some("issuer_mismatch")),
        // VC-JOSE-COSE §3.1.1: both SHOULD be there
        (json!({"typ": null}), None),
        (json!({"cty": "vc"}), None),
        (json!({"iss": world.issuer.did.as_str()}), None),
    ] {
        let refused = world.refusal_of(&world.credential_with(&header, &json!({})));
        assert_eq!(refused, code, "{header}");
    }
    for (header, code) in [
        (json!({"typ": "vc+jwt"}), Some("presentation_jwt_wrong_typ")),
        (json!({"cty": "vc"}), Some("presentation_jwt_content_type")),
        (json!({"iss": "https://other.example"}), Some("holder_mismatch")),
        (json!({"typ": null}), None),
        (json!({"cty": "vp"}), None),
    ] {
        let presentation = world.present_with(&header, from_ref(&good), &json!({}));
        assert_eq!(world.verify(&presentation).err(), code, "{header}");
    }
}

#[test]
fn a_payload_without_integrity_is_ignored() {
    let world = World::new();
    let good = world.credential(&json!({}));
    let (_, rest) = good.split_once('.').unwrap();
    let (payload, _) = rest.split_once('.').unwrap();
    for alg in ["none", "None", "nOnE", "", "HS256"] {
        let header = base64url(json!({"alg": alg, "typ": "vc+jwt"}).to_string());
        for forged in [format!("{header}.{rest}"), format!("{header}.{payload}.")] {
            assert_eq!(world.refusal_of(&forged), Some("issuer_jwt_algorithm"), "{alg}");
        }
    }
}

#[test]
fn only_the_signed_bytes_of_an_envelope_count() {
    let world = World::new();
    let envelope = EnvelopedCredential::around_jwt(&world.credential(&json!({})));
    let mut object = Value::Object(envelope.to_object());
    object["credentialSubject"] = json!({"id": world.holder.did.as_str(), "name": "Eve"});
    object["issuer"] = "https://other.example".into();
    let presentation = world.present(&[], &json!({"verifiableCredential": [object]}));
    let verified = world.verify(&presentation).unwrap();
    let claims = verified.credentials()[0].claims().as_object();
    assert_eq!(claims["credentialSubject"]["name"], "Ada");
    assert_eq!(claims["issuer"], world.issuer.did.as_str());
}

#[test]
fn nobody_presents_the_credential_of_another_holder() {
    let world = World::new();
    let thief = World { holder: Person::new(), issuer: Person::new() };
    let stolen = EnvelopedCredential::around_jwt(&world.credential(&json!({})));
    let subject = json!({"credentialSubject": {"id": thief.holder.did.as_str()}});
    let own = EnvelopedCredential::around_jwt(&world.credential(&subject));
    assert!(world.verify(&thief.present(from_ref(&own), &json!({}))).is_ok());
    for envelopes in [vec![stolen.clone()], vec![own, stolen]] {
        let refused = world.verify(&thief.present(&envelopes, &json!({}))).err();
        assert_eq!(refused, Some("credential_of_another_holder"));
    }
}

#[test]
fn a_credential_may_name_its_holders_key_instead_of_carrying_it() {
    let world = World::new();
    let bound = |kid: &str| json!({"cnf": {"kid": kid}, "credentialSubject": {"name": "Ada"}});
    let key_id = world.holder.key_id.to_string();
    assert_eq!(world.refusal_of(&world.credential(&bound(&key_id))), None);
    let held = world.hold(&world.credential(&bound(&key_id)));
    assert_eq!(held.binding(), &HolderBinding::KeyId(world.holder.key_id.clone()));
    let asked = Asked::new();
    let presented =
        |by: &Person| ready(present_jwt(&[HeldCredential::Jwt(&held)], &asked.request(by)));
    assert!(world.verify(&presented(&world.holder).unwrap()).is_ok());
    assert_eq!(presented(&world.issuer), Err(PresentVpError::WrongHolder));
    let other = Person::new().key_id.to_string();
    for (kid, code) in [
        (other.as_str(), "credential_of_another_holder"),
        // a name that leads nowhere, and a DID without a key
        ("key-1", "credential_binding_unsupported"),
        (world.holder.did.as_str(), "credential_binding_unsupported"),
    ] {
        let refused = world.refusal_of(&world.credential(&bound(kid)));
        assert_eq!(refused, Some(code), "{kid}");
    }
    // a key beside the name is what counts
    let both = json!({"kid": other, "jwk": world.holder.jwk().to_value()});
    assert_eq!(world.refusal_of(&world.credential(&json!({"cnf": both}))), None);
}

#[test]
fn the_two_versions_are_not_mistaken_for_one_another() {
    let world = World::new();
    // a credential of VCDM 1.1 in a vc claim, and a presentation in a vp claim
    let old = world.issuer.sign("JWT", &json!({}), &json!({"vc": {}, "iss": "did:example:a"}));
    assert_eq!(world.refusal_of(&old), Some("issuer_jwt_wrong_typ"));
    let untyped = world.credential_with(&json!({"typ": null}), &json!({"vc": {}}));
    assert_eq!(world.refusal_of(&untyped), Some("issuer_jwt_forbidden_claim"));
    // and a vc+jwt where a jwt_vc_json belongs
    let new = world.credential(&json!({}));
    let error = lanyard_core::w3c::jwt_vc_json::UnverifiedJwtVc::parse(&new).unwrap_err();
    assert_eq!(error.code(), "issuer_jwt_wrong_typ");
    let untyped = world.credential_with(&json!({"typ": null}), &json!({}));
    let error = lanyard_core::w3c::jwt_vc_json::UnverifiedJwtVc::parse(&untyped).unwrap_err();
    assert_eq!(error.code(), "issuer_jwt_vc_missing");
}

// SD-JWT

#[test]
fn what_a_holder_would_gain_by_withholding_is_not_selective() {
    let world = World::new();
    let holder = json!({"jwk": world.holder.jwk().to_value()});
    for (name, value) in [
        ("validFrom", json!("2020-01-01T00:00:00Z")),
        ("validUntil", json!("3020-01-01T00:00:00Z")),
        ("credentialStatus", json!({"type": "A"})),
        ("exp", json!(test_now().as_second() + 60)),
        ("nbf", json!(test_now().as_second())),
        ("cnf", holder.clone()),
        ("iss", json!(world.issuer.did.as_str())),
    ] {
        let encoded = disclosure(&json!(["salt", name, value]));
        let changes = json!({name: null, "_sd": [digest(&encoded)]});
        let refused = world.refusal_of_sd_jwt(&world.sd_jwt(&changes, &[encoded]));
        assert_eq!(refused, Some("claim_must_not_be_selective"), "{name}");
        // nor is it issued so
        let document = world.payload(&json!({name: value}));
        let Value::Object(document) = document else { unreachable!() };
        let credential = Credential::parse(document).unwrap();
        let (signer, path) = (&world.issuer.party.signer, [ClaimsPath::key(name)]);
        let refused = ready(issue_sd_jwt(&credential, &path, &world.options(), signer, &AwsLc));
        assert_eq!(refused.unwrap_err(), IssueSdJwtError::NeverSelective(name));
    }
    let encoded = disclosure(&json!(["salt", {"type": "A"}]));
    let changes = json!({"credentialStatus": [{"...": digest(&encoded)}]});
    let refused = world.refusal_of_sd_jwt(&world.sd_jwt(&changes, &[encoded]));
    assert_eq!(refused, Some("claim_must_not_be_selective"));
    // parts without which the document is no credential may come by disclosure
    let encoded = disclosure(&json!(["salt", "type", ["VerifiableCredential", "Badge"]]));
    let changes = json!({"type": null, "_sd": [digest(&encoded)]});
    let credential = world.sd_jwt(&changes, &[encoded]);
    assert_eq!(world.refusal_of_sd_jwt(&credential), None);
    assert_eq!(world.refusal_of_sd_jwt(&world.sd_jwt(&changes, &[])), Some("vc_type_missing"));
    // and then go with every presentation, asked for or not
    let held = world.hold_sd_jwt(&credential);
    assert_eq!(held.disclosable().count(), 0);
    assert_eq!(ready(held.present(&[], None, &AwsLc)).unwrap(), credential);
}

#[test]
fn an_sd_jwt_keeps_the_rules_of_both_its_forms() {
    let world = World::new();
    let good = world.sd_jwt(&json!({}), &[]);
    assert_eq!(world.refusal_of_sd_jwt(&good), None);
    assert_eq!(world.refusal_of_sd_jwt(good.trim_end_matches('~')), Some("sd_jwt_no_tilde"));
    let stray = disclosure(&json!(["salt", "name", "Eve"]));
    let refused = world.refusal_of_sd_jwt(&world.sd_jwt(&json!({}), &[stray]));
    assert_eq!(refused, Some("disclosure_not_referenced"));
    let typed = |typ: &str| {
        let header = json!({"typ": typ});
        world.refusal_of_sd_jwt(&format!("{}~", world.credential_with(&header, &json!({}))))
    };
    for typ in ["dc+sd-jwt", "vc+jwt", "JWT", "vp+sd-jwt"] {
        assert_eq!(typed(typ), Some("issuer_jwt_wrong_typ"), "{typ}");
    }
    let header = json!({"typ": "vc+sd-jwt", "cty": "vp"});
    let refused =
        world.refusal_of_sd_jwt(&format!("{}~", world.credential_with(&header, &json!({}))));
    assert_eq!(refused, Some("issuer_jwt_content_type"));
    for (changes, code) in [
        (json!({"vc": {}}), "issuer_jwt_forbidden_claim"),
        (json!({"iss": "https://other.example"}), "issuer_mismatch"),
        (json!({"exp": test_now().as_second() - 60}), "credential_expired"),
        (json!({"credentialSubject": {}}), "vc_subject_malformed"),
    ] {
        let refused = world.refusal_of_sd_jwt(&world.sd_jwt(&changes, &[]));
        assert_eq!(refused, Some(code), "{changes}");
    }
}

#[test]
fn a_key_binding_of_an_sd_jwt_is_for_one_request() {
    let world = World::new();
    let demand = Demand::new();
    let bound = json!({"cnf": {"jwk": world.holder.jwk().to_value()}});
    let issuers = issuers_by_did(&[&world.issuer], Arc::new(AwsLc));
    let verify = |presentation: &str| {
        let parsed = UnverifiedVcSdJwt::parse(presentation, &AwsLc).unwrap();
        let key = ready(issuers.find(&parsed.claimed_issuer(), test_now())).unwrap();
        let verified = parsed.verify(key, Some(&demand.expected()), &AwsLc);
        verified.err().map(|error| error.code())
    };
    let credential = world.sd_jwt(&bound, &[]);
    let holder = &world.holder.party;
    assert_eq!(verify(&holder.bind(&credential, &json!({}))), None);
    assert_eq!(verify(&credential), Some(KeyBindingError::Missing.code()));
    assert_eq!(verify(&holder.bind(&credential, &json!({"nonce": "a"}))), Some("nonce_mismatch"));
    let other = world.issuer.party.bind(&credential, &json!({}));
    assert_eq!(verify(&other), Some("key_binding_signature_invalid"));
    // an issuer hands out none
    let parsed = holder.bind(&credential, &json!({}));
    let parsed = UnverifiedVcSdJwt::parse(&parsed, &AwsLc).unwrap();
    let key = ready(issuers.find(&parsed.claimed_issuer(), test_now())).unwrap();
    let error = parsed.verify_for_holding(key, test_now(), &AwsLc).unwrap_err();
    assert_eq!(error.code(), "key_binding_from_issuer");
}
