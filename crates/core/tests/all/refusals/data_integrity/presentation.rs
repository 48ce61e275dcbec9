//! A presentation with a proof of its holder (OID4VP 1.0 App. B.1.3.2), and the credentials in it.

use lanyard_core::{
    data_integrity::Cryptosuite,
    w3c::{BASE_CONTEXT, EnvelopedCredential},
};
use serde_json::{Value, json};

use super::{
    PRESENTATION,
    parts::{AUDIENCE, NONCE, Parts, credential, moment, set},
};
use crate::refusals::{Rule, Suite, keys::Known};

fn good() -> Parts {
    of(&Parts::rdfc().secured())
}

/// The presentation of a credential.
fn of(credential: &Value) -> Parts {
    let holder = Known::holder();
    let document = json!({
        "@context": [BASE_CONTEXT],
        "type": ["VerifiablePresentation"],
        "holder": holder.did().as_str(),
        "verifiableCredential": [credential],
    });
    let parts = Parts { document, ..Parts::good(Cryptosuite::EcdsaRdfc2019, holder) };
    parts
        .option("proofPurpose", json!("authentication"))
        .option("challenge", json!(NONCE))
        .option("domain", json!(AUDIENCE))
}

fn option(suite: &mut Suite, rule: Rule, name: &str, values: &[(&str, Value)]) {
    for (id, value) in values {
        let bad = good().option(name, value.clone()).text();
        suite.refuse_as(PRESENTATION, format!("vp-proof-{name}-{id}"), rule, bad);
    }
}

pub(super) fn cases(suite: &mut Suite) {
    suite.accept(PRESENTATION, "good-presentation", good().text());
    request(suite);
    holders(suite);
    credentials(suite);
    proofs(suite);
    forms(suite);
}

fn request(suite: &mut Suite) {
    let rule: Rule = ("VC Data Integrity §4.4", "proof_challenge");
    let challenges = [
        ("missing", Value::Null),
        ("another", json!("n-1")),
        ("in-capitals", json!("N-0S6_WZA2MJ")),
        ("empty", json!("")),
    ];
    option(suite, rule, "challenge", &challenges);
    let rule: Rule = ("VC Data Integrity §4.4", "proof_domain");
    let domains = [
        ("missing", Value::Null),
        ("another", json!("x509_san_dns:other.example")),
        ("without-its-prefix", json!("verifier.example")),
        ("one-of-two", json!([AUDIENCE, "x509_san_dns:other.example"])),
    ];
    option(suite, rule, "domain", &domains);
    let rule: Rule = ("VC Data Integrity §4.4", "proof_purpose");
    option(suite, rule, "proofPurpose", &[("of-a-statement", json!("assertionMethod"))]);
    let rule: Rule = ("OID4VP 1.0 §14.1", "presentation_too_old");
    option(suite, rule, "created", &[("too-long-ago", json!(moment(-3600)))]);
    let rule: Rule = ("VC Data Integrity §2.1", "proof_created_in_the_future");
    option(suite, rule, "created", &[("to-come", json!(moment(600)))]);
    let rule: Rule = ("VC Data Integrity §2.1", "proof_expired");
    option(suite, rule, "expires", &[("passed", json!(moment(-600)))]);
}

fn holders(suite: &mut Suite) {
    let stranger = Known::stranger();
    let rule: Rule = ("VCDM 2.0 §4.13.1", "holder_mismatch");
    let bad = good().document(|d| d["holder"] = json!(stranger.did().as_str()));
    suite.refuse_as(PRESENTATION, "vp-holder-another", rule, bad.text());
    let both = {
        let (one, other) = (good(), Parts { by: Known::stranger(), ..good() });
        let other = other.option("verificationMethod", json!(Known::stranger().key_id()));
        let mut document = one.document.clone();
        set(&mut document, "holder", Value::Null);
        let (one, other) =
            (Parts { document: document.clone(), ..one }, Parts { document, ..other });
        one.with_proof(json!([one.proof(), other.proof()]))
    };
    suite.refuse_as(PRESENTATION, "vp-by-two-holders", rule, both.to_string());
    let rule: Rule = ("OID4VP 1.0 §14.1.1", "credential_of_another_holder");
    let mut stolen = good().document(|d| d["holder"] = json!(stranger.did().as_str()));
    stolen.options["verificationMethod"] = json!(stranger.key_id());
    stolen.by = Known::stranger();
    suite.refuse_as(PRESENTATION, "vp-by-a-stranger", rule, stolen.text());
    let rule: Rule = ("DID 1.1 §5.3.1", "holder_did_refused");
    let method = json!(format!("{}#1", Known::holder().did()));
    option(suite, rule, "verificationMethod", &[("of-no-key", method)]);
    let rule: Rule = ("Controlled Identifiers §3.3", "proof_verification_method");
    option(
        suite,
        rule,
        "verificationMethod",
        &[("by-https", json!("https://holder.example/keys/1"))],
    );
}

fn credentials(suite: &mut Suite) {
    let mut refuse = |id: &str, rule: Rule, credential: Value| {
        suite.refuse_as(PRESENTATION, format!("vp-credential-{id}"), rule, of(&credential).text());
    };
    let bound_to_nobody = Parts::rdfc().document(|d| {
        set(&mut d["credentialSubject"], "id", Value::Null);
    });
    let rule: Rule = ("OID4VP 1.0 §14.1.1", "credential_not_bound");
    refuse("bound-to-nobody", rule, bound_to_nobody.secured());
    let rule: Rule = ("VCDM 2.0 §4.7", "issuer_not_trusted");
    let mut stranger = Parts::good(Cryptosuite::EcdsaRdfc2019, Known::stranger());
    refuse("by-a-stranger", rule, stranger.secured());
    let rule: Rule = ("VC Data Integrity §4.4", "issuer_key_id");
    stranger.document = credential(&Known::issuer());
    refuse("signed-by-a-stranger", rule, stranger.secured());
    let rule: Rule = ("VCDM 2.0 §4.9", "credential_expired");
    let expired = Parts::rdfc().document(|d| {
        d["validFrom"] = json!(moment(-3600));
        d["validUntil"] = json!(moment(-60));
    });
    refuse("expired", rule, expired.secured());
    let rule: Rule = ("VCDM 2.0 §4.9", "credential_not_yet_valid");
    refuse(
        "to-come",
        rule,
        Parts::rdfc().document(|d| d["validFrom"] = json!(moment(61))).secured(),
    );
    let rule: Rule = ("VC Data Integrity §4.4", "proof_purpose");
    let login = Parts::rdfc().option("proofPurpose", json!("authentication"));
    refuse("secured-to-authenticate", rule, login.secured());
    let rule: Rule = ("VC Data Integrity §2.1", "proof_expired");
    refuse(
        "whose-proof-has-expired",
        rule,
        Parts::rdfc().option("expires", json!(moment(-60))).secured(),
    );
    let rule: Rule = ("VC Data Integrity §4.4", "proof_signature");
    let mut changed = Parts::rdfc().secured();
    changed["credentialSubject"]["name"] = json!("Eve");
    refuse("changed", rule, changed);
    let rule: Rule = ("VC Data Integrity §4.5", "proof_signature");
    let mut two = Parts::rdfc().secured();
    let mut bad = two["proof"].clone();
    let value = bad["proofValue"].as_str().expect("it is text");
    bad["proofValue"] = json!(super::parts::flipped(value));
    two["proof"] = json!([two["proof"], bad]);
    refuse("one-of-two-proofs-bad", rule, two);
    // what is no JSON-LD is signed as canonical JSON
    let rule: Rule = ("VCDM 2.0 §4.8", "vc_subject_malformed");
    let nothing = Parts::rdfc().document(|d| d["credentialSubject"] = json!([]));
    let bad = of(&nothing.secured_by_jcs()).secured_by_jcs().to_string();
    suite.refuse_as(PRESENTATION, "vp-credential-about-nothing", rule, bad);
}

fn proofs(suite: &mut Suite) {
    let rule: Rule = ("VC Data Integrity §4.4", "proof_signature");
    let forged = Parts { by: Known::stranger(), ..good() };
    suite.refuse_as(PRESENTATION, "vp-signature-of-a-stranger", rule, forged.text());
    let other = good().changed(|d| d["id"] = json!("urn:a:1"));
    suite.refuse_as(PRESENTATION, "vp-changed", rule, other);
    let rule: Rule = ("VC Data Integrity §4.4", "proof_missing");
    let bare = good().document.to_string();
    suite.refuse_as(PRESENTATION, "vp-without-a-proof", rule, bare);
    let rule: Rule = ("VC Data Integrity §4.6", "term_undefined");
    let more = good().changed(|d| d["level"] = json!("high"));
    suite.refuse_as(PRESENTATION, "vp-with-an-undefined-term", rule, more);
}

fn forms(suite: &mut Suite) {
    let mut refuse = |id: &str, rule: Rule, credentials: Value| {
        let mut bad = good();
        bad.document["verifiableCredential"] = json!([]);
        let signed = bad.proof_over(&{
            let mut document = bad.document.clone();
            set(&mut document, "verifiableCredential", Value::Null);
            document
        });
        bad.document["verifiableCredential"] = credentials;
        let text = bad.with_proof(signed).to_string();
        suite.refuse_as(PRESENTATION, format!("vp-{id}"), rule, text);
    };
    let rule: Rule = ("OID4VP 1.0 §8.1", "vp_empty");
    refuse("without-a-credential", rule, json!([]));
    let rule: Rule = ("OID4VP 1.0 App. B.1.3.2", "vp_credential_not_with_proof");
    let envelope = EnvelopedCredential::around_jwt("a.b.c").to_object();
    refuse("with-an-envelope", rule, json!([Value::Object(envelope)]));
    let own = {
        let mut own = credential(&Known::holder());
        own["issuer"] = json!(Known::holder().did().as_str());
        own
    };
    refuse("with-an-unsecured-credential-of-its-holder", rule, json!([own]));
    let rule: Rule = ("VCDM 2.0 §4.13.4", "vp_credential_unsecured");
    refuse("with-an-unsecured-credential", rule, json!([credential(&Known::issuer())]));
    let rule: Rule = ("VCDM 2.0 §4.13", "vp_credential_not_an_object");
    refuse("with-a-jwt", rule, json!(["a.b.c"]));
    let rule: Rule = ("VCDM 2.0 §4.13", "vp_unreadable");
    suite.refuse_as(PRESENTATION, "vp-not-json", rule, "presentation".into());
    suite.refuse_as(
        PRESENTATION,
        "vp-with-a-member-twice",
        rule,
        good().text().replacen('{', r#"{"id":"urn:a","id":"urn:b","#, 1),
    );
}
