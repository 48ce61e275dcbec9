//! A `vc+sd-jwt` in its envelope (VC-JOSE-COSE §3.2, RFC 9901).

use lanyard_core::w3c::EnvelopedCredential;
use serde_json::{Value, json};

use super::{
    VP_JWT,
    parts::{Parts, credential, jws, moment, numeric, remove},
};
use crate::{
    refusals::{Rule, Suite, keys::Known},
    sd_jwt_support::{digest, disclosure},
};

/// An SD-JWT before it is signed.
struct SdJwt {
    header: Value,
    payload: Value,
    disclosures: Vec<String>,
}

impl SdJwt {
    fn good() -> Self {
        let name = disclosure(&json!(["6Ij7tM-a5iVPGboS5tmvVA", "name", "Ada"]));
        let mut payload = credential();
        remove(&mut payload["credentialSubject"], "name");
        payload["credentialSubject"]["_sd"] = json!([digest(&name)]);
        payload["_sd_alg"] = json!("sha-256");
        let header = json!({"alg": "ES256", "typ": "vc+sd-jwt", "kid": Known::issuer().key_id()});
        Self { header, payload, disclosures: vec![name] }
    }

    fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut sd_jwt = Self::good();
        change(&mut sd_jwt);
        sd_jwt
    }

    /// Moves a member of the document into a disclosure.
    fn withheld(name: &str, value: &Value) -> Self {
        Self::with(|s| {
            remove_if_there(&mut s.payload, name);
            let disclosure = disclosure(&json!(["Qg_O64zqAxe412a108iroA", name, value]));
            s.payload["_sd"] = json!([digest(&disclosure)]);
            s.disclosures.push(disclosure);
        })
    }

    fn sd_jwt(&self) -> String {
        let mut text = jws(&Known::issuer(), &self.header, &self.payload);
        text.push('~');
        for disclosure in &self.disclosures {
            text.push_str(disclosure);
            text.push('~');
        }
        text
    }

    fn text(&self) -> String {
        around(&self.sd_jwt())
    }
}

fn around(sd_jwt: &str) -> String {
    let envelope = EnvelopedCredential::around_sd_jwt(sd_jwt).to_object();
    Parts::good().around(Value::Object(envelope))
}

fn remove_if_there(payload: &mut Value, name: &str) {
    payload.as_object_mut().expect("it is an object").shift_remove(name);
}

pub(super) fn cases(suite: &mut Suite) {
    suite.accept(VP_JWT, "vc-sd-jwt-with-its-disclosure", SdJwt::good().text());
    let nothing = SdJwt::with(|s| s.disclosures.clear());
    suite.accept(VP_JWT, "vc-sd-jwt-without-its-disclosure", nothing.text());
    header(suite);
    disclosures(suite);
    withheld(suite);
    document(suite);
}

fn header(suite: &mut Suite) {
    for (name, id, value, rule) in [
        (
            "typ",
            "of-an-sd-jwt-vc",
            json!("dc+sd-jwt"),
            ("VC-JOSE-COSE §3.2.1", "issuer_jwt_wrong_typ"),
        ),
        ("typ", "of-a-jwt", json!("vc+jwt"), ("VC-JOSE-COSE §3.2.1", "issuer_jwt_wrong_typ")),
        ("cty", "of-a-presentation", json!("vp"), ("VC-JOSE-COSE §3.2", "issuer_jwt_content_type")),
        ("alg", "none", json!("none"), ("RFC 8725 §3.1", "issuer_jwt_algorithm")),
        ("alg", "symmetric", json!("HS256"), ("RFC 8725 §3.1", "issuer_jwt_algorithm")),
        ("crit", "unknown", json!(["exp"]), ("RFC 7515 §4.1.11", "issuer_jwt_header")),
        (
            "jwk",
            "there",
            Known::issuer().jwk().to_value(),
            ("RFC 8725 §3.10", "issuer_jwt_header_key"),
        ),
    ] {
        let bad = SdJwt::with(|s| s.header[name] = value).text();
        suite.refuse_as(VP_JWT, format!("vc-sd-jwt-{name}-{id}"), rule, bad);
    }
}

fn disclosures(suite: &mut Suite) {
    let mut refuse = |id: &str, rule: Rule, text: String| {
        suite.refuse_as(VP_JWT, format!("vc-sd-jwt-{id}"), rule, text);
    };
    let good = SdJwt::good();
    let text = good.sd_jwt();
    let rule: Rule = ("RFC 9901 §7.1(5)", "disclosure_not_referenced");
    let eve = disclosure(&json!(["6Ij7tM-a5iVPGboS5tmvVA", "name", "Eve"]));
    refuse("with-a-disclosure-of-its-own", rule, around(&format!("{text}{eve}~")));
    let rule: Rule = ("RFC 9901 §7.1(5)", "disclosure_not_referenced");
    let changed = SdJwt::with(|s| s.disclosures = vec![eve.clone()]);
    refuse("with-a-changed-disclosure", rule, changed.text());
    let rule: Rule = ("RFC 9901 §7.1(4)", "disclosure_repeated");
    refuse("with-a-disclosure-twice", rule, around(&format!("{text}{}~", good.disclosures[0])));
    let rule: Rule = ("RFC 9901 §7.1(4)", "digest_repeated");
    let twice = SdJwt::with(|s| {
        let digests = s.payload["credentialSubject"]["_sd"].clone();
        s.payload["_sd"] = digests;
    });
    refuse("with-a-digest-twice", rule, twice.text());
    let rule: Rule = ("RFC 9901 §7.1(3)", "disclosure_claim_collision");
    let collision = SdJwt::with(|s| s.payload["credentialSubject"]["name"] = json!("Eve"));
    refuse("with-a-claim-twice", rule, collision.text());
    let rule: Rule = ("RFC 9901 §7.1(2)", "sd_jwt_hash_algorithm");
    let hash = SdJwt::with(|s| s.payload["_sd_alg"] = json!("md5"));
    refuse("by-md5", rule, hash.text());
    let rule: Rule = ("RFC 9901 §4", "sd_jwt_no_tilde");
    refuse("without-a-tilde", rule, around(text.split('~').next().expect("there is one")));
    let rule: Rule = ("RFC 9901 §4", "sd_jwt_final_tilde_missing");
    refuse("without-its-last-tilde", rule, around(text.trim_end_matches('~')));
    let (jwt, rest) = text.split_once('~').expect("there is one");
    let (input, _) = jwt.rsplit_once('.').expect("a JWS has dots");
    let signature = lanyard_core::json::base64url(Known::stranger().sign(input.as_bytes()));
    let rule: Rule = ("RFC 9901 §7.1(1)", "issuer_signature_invalid");
    refuse("by-a-stranger", rule, around(&format!("{input}.{signature}~{rest}")));
}

fn withheld(suite: &mut Suite) {
    let cnf = json!({"jwk": Known::holder().jwk().to_value()});
    let status = json!({"id": "https://a.example/1#2", "type": "Example"});
    let resource = json!({
        "id": "https://a.example/1",
        "digestSRI": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    });
    let rule: Rule = ("VC-JOSE-COSE §3.2.1", "claim_must_not_be_selective");
    for (name, value) in [
        ("validFrom", json!(moment(-60))),
        ("validUntil", json!(moment(86_400))),
        ("credentialStatus", status),
        ("termsOfUse", json!({"type": "Example"})),
        ("iss", json!(Known::issuer().did().as_str())),
        ("nbf", numeric(-60)),
        ("exp", numeric(60)),
        ("cnf", cnf),
        ("relatedResource", resource),
    ] {
        let bad = SdJwt::withheld(name, &value).text();
        suite.refuse_as(VP_JWT, format!("vc-sd-jwt-{name}-by-disclosure"), rule, bad);
    }
    let status = json!({"id": "https://a.example/1#2", "type": "Example"});
    let one = SdJwt::with(|s| {
        let disclosure = disclosure(&json!(["Qg_O64zqAxe412a108iroA", status]));
        s.payload["credentialStatus"] = json!([status, {"...": digest(&disclosure)}]);
        s.disclosures.push(disclosure);
    });
    suite.refuse_as(VP_JWT, "vc-sd-jwt-one-of-two-statuses-by-disclosure", rule, one.text());
}

fn document(suite: &mut Suite) {
    let issuer = Known::issuer().did().to_string();
    let gone = |name: &str, value: Value| {
        let mut withheld = SdJwt::withheld(name, &value);
        withheld.disclosures.clear();
        withheld.text()
    };
    for (name, value, rule) in [
        ("issuer", json!(issuer), ("VCDM 2.0 §4.7", "vc_issuer_missing")),
        ("type", json!(["VerifiableCredential", "Badge"]), ("VCDM 2.0 §4.5", "vc_type_missing")),
        ("credentialSubject", json!({"name": "Ada"}), ("VCDM 2.0 §4.8", "vc_subject_missing")),
    ] {
        let bad = gone(name, value);
        suite.refuse_as(VP_JWT, format!("vc-sd-jwt-without-{name}"), rule, bad);
    }
    let stranger = Known::stranger().did().to_string();
    for (name, value, rule) in [
        ("iss", json!(stranger), ("VC-JOSE-COSE §4.1.2", "issuer_mismatch")),
        ("vc", json!({}), ("VC-JOSE-COSE §1.1", "issuer_jwt_forbidden_claim")),
        ("exp", numeric(-60), ("RFC 9901 §7.1(6)", "credential_expired")),
    ] {
        let bad = SdJwt::with(|s| s.payload[name] = value).text();
        suite.refuse_as(VP_JWT, format!("vc-sd-jwt-{name}"), rule, bad);
    }
    let stolen = SdJwt::with(|s| s.payload["credentialSubject"]["id"] = json!(stranger));
    let rule: Rule = ("OID4VP 1.0 §14.1.1", "credential_of_another_holder");
    suite.refuse_as(VP_JWT, "vc-sd-jwt-of-another-holder", rule, stolen.text());
}
