//! Receipts: what they say, and that nothing in them can be changed.

use http::{Method, StatusCode, header};
use jiff::SignedDuration;
use lanyard_core::{
    crypto::{CryptoProvider as _, Curve, RustCrypto},
    json,
    trust::x509::TrustAnchors,
};
use lanyard_testkit::TestCa;
use lanyard_verifier::{ReceiptChecker, ReceiptRefused, VerifiedReceipt};
use serde_json::{Value, json};

use crate::world::{Asked, World, badge_query, signer};

/// What becomes of a payload.
type Change = fn(&mut Value);

async fn verified(world: &World) -> Asked {
    let asked = world.ask_for_name().await;
    let answer = world.post(&world.answer(&asked).await).await;
    assert_eq!(answer.status, StatusCode::OK);
    asked
}

async fn receipt(world: &World, asked: &Asked, query: &str) -> String {
    let answer =
        world.api(Method::GET, &format!("requests/{}/receipt{query}", asked.id), None).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.header(header::CONTENT_TYPE), "application/verification-receipt+jwt");
    assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
    answer.text()
}

fn check(world: &World, receipt: &str) -> Result<VerifiedReceipt, ReceiptRefused> {
    checker(world).verify(receipt)
}

fn checker(world: &World) -> ReceiptChecker<'_> {
    ReceiptChecker {
        anchors: world.verifier_anchors(),
        verifier: None,
        presentations: &[],
        now: world.now(),
        provider: &RustCrypto,
    }
}

fn reason(world: &World, receipt: &str) -> &'static str {
    check(world, receipt).expect_err("it is refused").code()
}

/// The receipt with another payload, under the same signature.
fn with_payload(receipt: &str, change: impl Fn(&mut Value)) -> String {
    let parts: Vec<_> = receipt.split('.').collect();
    let payload = json::base64url_decode(parts[1]).expect("base64url");
    let mut payload: Value = serde_json::from_slice(&payload).expect("JSON");
    change(&mut payload);
    let payload = json::base64url(payload.to_string());
    [parts[0], &payload, parts[2]].join(".")
}

/// A receipt that the verifier's own key signed, saying something else.
async fn signed(world: &World, receipt: &str, change: impl Fn(&mut Value)) -> String {
    let changed = with_payload(receipt, change);
    let parts: Vec<_> = changed.split('.').collect();
    let text = |part: &str| json::base64url_decode(part).expect("base64url");
    let mut header: json::Object = serde_json::from_slice(&text(parts[0])).expect("JSON");
    header.remove("alg");
    let payload: Value = serde_json::from_slice(&text(parts[1])).expect("JSON");
    let key = signer(world.verifier_private_key());
    lanyard_core::jose::sign(header, &payload, &key).await.expect("a signature")
}

#[tokio::test]
async fn a_receipt_says_what_was_asked_and_concluded_and_holds_for_years() {
    let world = World::new();
    let asked = verified(&world).await;
    let text = receipt(&world, &asked, "").await;
    world.clock.forward(SignedDuration::from_hours(24 * 365 * 20));
    let checked = check(&world, &text).expect("a receipt");
    assert_eq!(checked.signed_by, "The Shop");
    assert_eq!(checked.dns_names, ["verifier.example"]);
    let said = &checked.receipt;
    assert_eq!(said.request.id.to_string(), asked.id);
    assert_eq!(said.request.dcql_query.to_value(), badge_query(&["name"]));
    assert!(said.iss.starts_with("x509_hash:"));
    let credential = &said.verdict.credentials[0];
    assert!(said.verdict.is_verified() && credential.claims.is_none());
    let issuer = credential.issuer.as_ref().expect("an issuer");
    assert_eq!((issuer.name.as_str(), issuer.x5c.len()), ("Acme", 1));
    assert!(!credential.checks.is_empty());
    assert!(!text.contains("Lovelace"));
}

#[tokio::test]
async fn a_receipt_has_the_claims_only_if_that_was_wanted() {
    let world = World::new();
    let asked = verified(&world).await;
    let with = receipt(&world, &asked, "?claims=included").await;
    let said = check(&world, &with).expect("a receipt").receipt;
    let claims = said.verdict.credentials[0].claims.as_ref().expect("claims");
    assert_eq!(claims["name"], "Ada Lovelace");
    let place = format!("requests/{}/receipt?claims=maybe", asked.id);
    assert_eq!(world.api(Method::GET, &place, None).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_receipt_is_tied_to_the_presentation_by_its_digest() {
    let world = World::new();
    let body = json!({ "dcql_query": badge_query(&["name"]), "record": true });
    let asked = world.ask(body).await;
    world.post(&world.answer(&asked).await).await;
    let recording =
        world.api(Method::GET, &format!("requests/{}/recording", asked.id), None).await.json();
    let own = recording["vp_token"]["badge"][0].as_str().expect("a presentation").to_owned();
    let text = receipt(&world, &asked, "").await;
    let presentations = [own.clone()];
    let with = ReceiptChecker { presentations: &presentations, ..checker(&world) };
    assert!(with.verify(&text).is_ok());
    let presentations = [own + "~"];
    let with = ReceiptChecker { presentations: &presentations, ..checker(&world) };
    assert_eq!(with.verify(&text).expect_err("another"), ReceiptRefused::Presentation);
}

#[tokio::test]
async fn a_refusal_has_a_receipt_too_and_what_was_not_judged_has_none() {
    let world = World::new();
    let asked = world.ask_for_name().await;
    let place = format!("requests/{}/receipt", asked.id);
    let answer = world.api(Method::GET, &place, None).await;
    assert_eq!(answer.refusal(), (409, "request_without_verdict".to_owned()));
    let body = json!({
        "dcql_query": badge_query(&["name"]),
        "policy": { "rules": [{ "id": "no", "expression": "false" }] },
    });
    let asked = world.ask(body).await;
    world.post(&world.answer(&asked).await).await;
    let said = check(&world, &receipt(&world, &asked, "").await).expect("a receipt").receipt;
    assert_eq!(said.verdict.reason.as_deref(), Some("policy_rule_failed"));
    assert_eq!(said.request.policy.expect("a policy")["rules"][0]["id"], "no");
}

#[tokio::test]
async fn a_receipt_that_was_changed_after_it_was_signed_is_refused() {
    let world = World::new();
    let text = receipt(&world, &verified(&world).await, "").await;
    let changes: [Change; 5] = [
        |payload| payload["iat"] = json!(payload["iat"].as_i64().unwrap_or_default() + 1),
        |payload| payload["iss"] = json!("x509_san_dns:other.example"),
        |payload| payload["verdict"]["state"] = json!("refused"),
        |payload| payload["request"]["purpose"] = json!("another"),
        |payload| payload["verdict"]["credentials"][0]["presentation_sha256"] = json!("AAAA"),
    ];
    for change in changes {
        assert_eq!(reason(&world, &with_payload(&text, change)), "receipt_signature");
    }
    let (head, signature) = text.rsplit_once('.').expect("three parts");
    assert_eq!(reason(&world, head), "receipt_signature");
    let other = if signature.starts_with('A') { "B" } else { "A" };
    assert_eq!(reason(&world, &format!("{head}.{other}{}", &signature[1..])), "receipt_signature");
    // a token of another kind, by the same key
    let asked = world.ask_for_name().await;
    let object = world.get(&asked.request_path()).await.text();
    assert_eq!(reason(&world, &object), "receipt_signature");
}

#[tokio::test]
async fn a_receipt_by_somebody_else_is_refused() {
    let world = World::new();
    let text = receipt(&world, &verified(&world).await, "").await;
    let strangers = TestCa::new("Strangers");
    let anchors = TrustAnchors::from_der([strangers.anchor_der()]).expect("an anchor");
    let with = ReceiptChecker { anchors: &anchors, ..checker(&world) };
    assert_eq!(with.verify(&text).expect_err("unknown").code(), "receipt_certificate_refused");
    let with = ReceiptChecker { verifier: Some("other.example"), ..checker(&world) };
    assert_eq!(with.verify(&text).expect_err("another"), ReceiptRefused::Verifier);
    let with = ReceiptChecker { verifier: Some("Verifier.Example"), ..checker(&world) };
    assert!(with.verify(&text).is_ok());
    // the certificate of the verifier, another key
    let key = RustCrypto.generate_key(Curve::P256).expect("a key");
    let parts: Vec<_> = text.split('.').collect();
    let text = |part: &str| json::base64url_decode(part).expect("base64url");
    let mut header: json::Object = serde_json::from_slice(&text(parts[0])).expect("JSON");
    header.remove("alg");
    let payload: Value = serde_json::from_slice(&text(parts[1])).expect("JSON");
    let forged = lanyard_core::jose::sign(header.clone(), &payload, &signer(&key)).await;
    assert_eq!(reason(&world, &forged.expect("a signature")), "receipt_signature");
    header.remove("x5c");
    let bare = lanyard_core::jose::sign(header, &payload, &signer(&key)).await;
    assert_eq!(reason(&world, &bare.expect("a signature")), "receipt_certificate_missing");
}

#[tokio::test]
async fn a_receipt_that_does_not_hang_together_is_refused_even_if_it_is_signed() {
    let world = World::new();
    let text = receipt(&world, &verified(&world).await, "").await;
    let cases: [(Change, &str); 8] = [
        (|payload| payload["iat"] = json!("now"), "receipt_unreadable"),
        (|payload| payload["more"] = json!(1), "receipt_unreadable"),
        (|payload| payload["iat"] = json!(4_000_000_000_i64), "receipt_certificate_refused"),
        (
            |payload| payload["iat"] = json!(payload["iat"].as_i64().unwrap_or_default() + 3_600),
            "receipt_from_the_future",
        ),
        (
            |payload| payload["iat"] = json!(payload["iat"].as_i64().unwrap_or_default() - 60),
            "receipt_out_of_order",
        ),
        (
            |payload| {
                payload["verdict"]["credentials"][0]["checks"][0]["outcome"] = json!("failed")
            },
            "receipt_verdict_inconsistent",
        ),
        (|payload| payload["verdict"]["state"] = json!("refused"), "receipt_verdict_inconsistent"),
        (
            |payload| payload["verdict"]["credentials"][0]["claims"] = json!({ "name": "Grace" }),
            "receipt_claims_unexpected",
        ),
    ];
    for (change, expected) in cases {
        assert_eq!(reason(&world, &signed(&world, &text, change).await), expected);
    }
    assert!(check(&world, &signed(&world, &text, |_| ()).await).is_ok());
}
