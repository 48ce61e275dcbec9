//! `lanyard inspect` says what a thing is and what is wrong with it.

use lanyard_cli::inspect::{Report, Weight, inspect};
use lanyard_core::{
    crypto::{AwsLc, CryptoProvider, Curve, SoftwareSigner},
    jose::{self, Jwk},
    json,
};
use lanyard_testkit::{test_now, vectors};
use serde_json::{Value, json};

fn wrong(report: &Report) -> Vec<&str> {
    let wrong = report.findings.iter().filter(|finding| finding.weight == Weight::Wrong);
    wrong.map(|finding| finding.what.as_str()).collect()
}

fn jwt(header: &Value, payload: &Value) -> String {
    let encode = |value: &Value| json::base64url(value.to_string().as_bytes());
    format!("{}.{}.{}", encode(header), encode(payload), json::base64url([0; 64]))
}

#[test]
fn an_official_presentation_has_nothing_wrong_with_it() {
    if !vectors::available("sd-jwt") {
        return;
    }
    let text = vectors::text("sd-jwt/rfc9901/A.3-sd-jwt-vc-pid/presentation.sd-jwt.txt");
    let report = inspect(text.trim(), test_now());
    assert_eq!(report.kind, "a presentation of an SD-JWT VC, bound to a transaction");
    assert_eq!(wrong(&report), [""; 0]);
    let fine = |what: &str| report.findings.iter().any(|finding| finding.what == what);
    assert!(fine("sd_hash covers exactly what was sent"));
    assert!(fine("the key binding is signed with the key in cnf"));
}

#[test]
fn a_presentation_with_a_disclosure_taken_away_is_not_what_was_signed() {
    if !vectors::available("sd-jwt") {
        return;
    }
    let text = vectors::text("sd-jwt/rfc9901/A.3-sd-jwt-vc-pid/presentation.sd-jwt.txt");
    let mut parts: Vec<_> = text.trim().split('~').collect();
    parts.remove(parts.len() - 2);
    let report = inspect(&parts.join("~"), test_now());
    assert_eq!(
        wrong(&report),
        ["sd_hash does not cover what was sent: disclosures were added or removed after signing"]
    );
}

#[test]
fn a_disclosure_that_nothing_leads_to_is_named() {
    if !vectors::available("sd-jwt") {
        return;
    }
    let text = vectors::text("sd-jwt/rfc9901/A.3-sd-jwt-vc-pid/issuance.sd-jwt.txt");
    let stray = json::base64url(br#"["salt", "admin", true]"#);
    let report = inspect(&format!("{}{stray}~", text.trim()), test_now());
    assert_eq!(
        wrong(&report),
        ["1 of the disclosures have no digest in what was signed: they were added or changed"]
    );
}

#[test]
fn an_unsigned_token_is_called_that() {
    let report = inspect(&jwt(&json!({"alg": "none", "typ": "at+jwt"}), &json!({})), test_now());
    assert_eq!(wrong(&report), ["it is not signed at all (alg none)"]);
}

#[test]
fn an_expired_token_is_told_since_when() {
    let payload = json!({"exp": test_now().as_second() - 60});
    let report = inspect(&jwt(&json!({"alg": "ES256", "typ": "at+jwt"}), &payload), test_now());
    assert_eq!(wrong(&report), ["it expired at 2026-01-15T11:59:00Z"]);
}

#[test]
fn a_time_with_a_fraction_of_a_second_is_a_time() {
    let now = test_now().as_second() as f64;
    let payload = json!({"iat": now - 10.5, "nbf": now - 10.5, "exp": now + 59.25});
    let report = inspect(&jwt(&json!({"alg": "ES256", "typ": "at+jwt"}), &payload), test_now());
    assert_eq!(wrong(&report), [""; 0]);
    let fine: Vec<_> = report.findings.iter().map(|finding| finding.what.as_str()).collect();
    assert!(fine.contains(&"it expires at 2026-01-15T12:00:59Z"), "{fine:?}");
}

#[test]
fn a_time_that_is_no_number_is_wrong() {
    let payload = json!({"iat": "2026-01-15T12:00:00Z"});
    let report = inspect(&jwt(&json!({"alg": "ES256", "typ": "at+jwt"}), &payload), test_now());
    assert_eq!(wrong(&report), ["iat is not a number of seconds since 1970"]);
}

#[tokio::test]
async fn a_key_proof_is_checked_with_the_key_it_carries() {
    let key = AwsLc.generate_key(Curve::P256).expect("a key");
    let signer = SoftwareSigner::new(&AwsLc, &key).expect("a signer");
    let jwk = Jwk { key: *key.public(), kid: None, alg: None, key_use: None };
    let header = json!({"typ": "openid4vci-proof+jwt", "jwk": jwk.to_value()});
    let payload =
        json!({"aud": "https://issuer.example", "iat": test_now().as_second(), "nonce": "n"});
    let (Value::Object(header), Value::Object(payload)) = (header, payload) else {
        unreachable!("two objects")
    };
    let proof = jose::sign(header, &payload, &signer).await.expect("signed");
    let report = inspect(&proof, test_now());
    assert_eq!((report.kind, wrong(&report).len()), ("a key proof", 0));
    assert!(
        report
            .findings
            .iter()
            .any(|finding| finding.what.starts_with("the signature holds with the jwk"))
    );

    let (rest, _) = proof.rsplit_once('.').expect("three parts");
    let forged = format!("{rest}.{}", json::base64url([1; 64]));
    assert_eq!(
        wrong(&inspect(&forged, test_now())),
        ["with the jwk in the header: the signature does not verify"]
    );
}

#[test]
fn an_offer_by_value_says_who_offers_what_and_how() {
    let link = "openid-credential-offer://?credential_offer=%7B%22credential_issuer%22%3A%22https%3A%2F%2Fissuer.example%22%2C%22credential_configuration_ids%22%3A%5B%22badge%22%5D%2C%22grants%22%3A%7B%22urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Apre-authorized_code%22%3A%7B%22pre-authorized_code%22%3A%22c%22%7D%7D%7D";
    let report = inspect(link, test_now());
    assert_eq!(wrong(&report), [""; 0]);
    assert_eq!(report.leads_to, ["https://issuer.example/.well-known/openid-credential-issuer"]);
    assert!(report.to_string().contains("no transaction code is asked for"));
}

#[test]
fn an_offer_link_with_both_parameters_is_wrong() {
    let report = inspect(
        "openid-credential-offer://?credential_offer=%7B%7D&credential_offer_uri=https%3A%2F%2Fa.example",
        test_now(),
    );
    assert_eq!(
        wrong(&report),
        ["an offer link carries exactly one of credential_offer and credential_offer_uri"]
    );
}

#[test]
fn a_well_known_that_was_appended_is_told_where_it_belongs() {
    let report =
        inspect("https://issuer.example/acme/.well-known/openid-credential-issuer", test_now());
    assert_eq!(
        wrong(&report),
        [
            "/.well-known/ is inserted before the path, not appended; it should be https://issuer.example/.well-known/openid-credential-issuer/acme"
        ]
    );
}

#[test]
fn a_query_without_an_id_is_told_so() {
    let good = json!({"credentials": [{"id": "a", "format": "dc+sd-jwt", "meta": {"vct_values": ["urn:a"]}}]});
    assert_eq!(wrong(&inspect(&good.to_string(), test_now())), [""; 0]);
    let bad = json!({"credentials": [{"format": "dc+sd-jwt", "meta": {"vct_values": ["urn:a"]}}]});
    let report = inspect(&bad.to_string(), test_now());
    assert_eq!((report.kind, wrong(&report).len()), ("a DCQL query", 1));
    assert!(wrong(&report)[0].contains("id"), "{:?}", wrong(&report));
}

#[test]
fn what_is_nothing_is_told_what_things_look_like() {
    assert!(wrong(&inspect("hello", test_now()))[0].starts_with("an SD-JWT has '~' in it"));
    assert_eq!(wrong(&inspect("  ", test_now())), ["it is empty"]);
}

#[test]
fn control_characters_of_a_peer_do_not_reach_the_terminal() {
    let report =
        inspect(&jwt(&json!({"alg": "\u{1b}[2Jx", "typ": "at+jwt"}), &json!({})), test_now());
    assert!(!report.to_string().contains('\u{1b}'));
}
