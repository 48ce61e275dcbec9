//! The switches of the Issue page: each makes an offer by an issuer that demands what is switched on, in its
//! metadata and of every wallet, and Pocket takes it.

use lanyard_core::{
    crypto::{AwsLc, CryptoProvider as _, Curve, SoftwareSigner},
    jose::{Jwk, UnverifiedJws},
};
use lanyard_oid4vci::{
    IssuerUrl, Transport,
    client_authentication::{AttestationPop, ClientId, sign_attestation_pop},
    nonce::AttestationChallenge,
};
use serde_json::{Value, json};

use crate::circle::{Browser, Demo, attribute, text, unescaped};

const BADGE: [(&str, &str); 4] = [
    ("type", "employee_badge"),
    ("given_name", "Ada"),
    ("family_name", "Moreau"),
    ("employee_id", "AF-1"),
];
const SWITCHES: [&str; 5] =
    ["demand_dpop", "demand_attestation", "demand_encryption", "single_copies", "demand_keys"];

async fn offer(browser: &mut Browser<'_>, switches: &[(&str, &str)]) -> (String, String) {
    let fields = [&BADGE, switches].concat();
    let (_, place, page) = browser.post("/issue", &fields).await;
    assert!(place.starts_with("/issue/"), "{page}");
    let link = unescaped(attribute(&page, "id=\"offer-link\" value=\""));
    (link, page)
}

async fn fetched(url: &str) -> Value {
    let answer = reqwest::get(url).await.expect("an answer");
    answer.json().await.expect("JSON")
}

/// The offer that a link leads to.
async fn read(link: &str) -> Value {
    let link: url::Url = link.parse().expect("a link");
    let reference = link.query_pairs().find(|(name, _)| name == "credential_offer_uri");
    fetched(&reference.expect("an offer by reference").1).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_combination_of_demands_is_in_the_metadata_and_pocket_meets_it() {
    let demo = Demo::start();
    let mut browser = Browser::new(&demo);
    for bits in 0..32_u8 {
        let is_on = |place: usize| bits >> place & 1 == 1;
        let on = SWITCHES.iter().enumerate().filter(|(place, _)| is_on(*place));
        let on: Vec<_> = on.map(|(_, name)| (*name, "true")).collect();
        let (link, page) = offer(&mut browser, &on).await;
        let issuer = text(&read(&link).await["credential_issuer"]);
        assert!(page.contains(&issuer), "the page names the issuer: {issuer}");
        let path = issuer.replace(&demo.base(), "");
        let known = |kind: &str| format!("{}/.well-known/{kind}{path}", demo.base());
        let metadata = fetched(&known("openid-credential-issuer")).await;
        let server = fetched(&known("oauth-authorization-server")).await;
        let methods = server["token_endpoint_auth_methods_supported"].as_array().expect("a list");
        assert_eq!(methods.contains(&json!("none")), !is_on(1), "{issuer}: {methods:?}");
        assert_eq!(methods.contains(&json!("attest_jwt_client_auth")), is_on(1), "{issuer}");
        let encryption = &metadata["credential_response_encryption"]["encryption_required"];
        assert_eq!(*encryption, json!(is_on(2)), "{issuer}");
        assert_eq!(metadata.get("batch_credential_issuance").is_none(), is_on(3), "{issuer}");
        let badge = &metadata["credential_configurations_supported"]["employee_badge"];
        let demanded = badge["proof_types_supported"]["jwt"].get("key_attestations_required");
        assert_eq!(demanded.is_some(), is_on(4), "{issuer}");

        let (_, place, page) = browser.post("/pocket/open", &[("link", &link)]).await;
        assert!(place.starts_with("/pocket/offers/"), "{issuer}: {page}");
        let (status, _, page) = browser.post(&format!("{place}/accept"), &[]).await;
        assert!(status == 200 && page.contains("Added to Pocket"), "{issuer}: {page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_switched_on_is_demanded_of_a_wallet_that_does_not_do_it() {
    let demo = Demo::start();
    let mut browser = Browser::new(&demo);
    let client = reqwest::Client::new();
    let refused = [("demand_dpop", "invalid_dpop_proof"), ("demand_attestation", "invalid_client")];
    for (switch, code) in refused {
        let (link, _) = offer(&mut browser, &[(switch, "true")]).await;
        let offer = read(&link).await;
        let grant = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
        let code_offered = text(&offer["grants"][grant]["pre-authorized_code"]);
        let form = [("grant_type", grant), ("pre-authorized_code", code_offered.as_str())];
        let token = format!("{}/token", text(&offer["credential_issuer"]));
        let answer = client.post(token).form(&form).send().await.expect("an answer");
        let refusal: Value = answer.json().await.expect("JSON");
        assert_eq!(refusal["error"], code, "{switch}: {refusal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_that_is_tried_out_has_itself_attested_and_is_let_in() {
    let demo = Demo::start();
    let mut browser = Browser::new(&demo);
    let (link, page) = offer(&mut browser, &[("demand_attestation", "true")]).await;
    let place = format!("{}/sandbox/attestation", demo.base());
    assert!(page.contains(&place));
    let client = reqwest::Client::new();
    let refused = client.post(&place).json(&json!({ "client_id": "mine" })).send().await;
    assert_eq!(refused.expect("an answer").status(), 400);

    let key = AwsLc.generate_key(Curve::P256).expect("a key");
    let asked = json!({ "client_id": "mine", "jwk": Jwk::new(*key.public()).to_value() });
    let answer = client.post(&place).json(&asked).send().await.expect("an answer");
    let answer: Value = answer.json().await.expect("JSON");
    let attestation = text(&answer["attestation"]);
    let said = UnverifiedJws::parse(&attestation).expect("a JWS").danger_unverified_claims();
    assert_eq!(said.expect("claims")["iss"], demo.base());

    let offer = read(&link).await;
    let issuer = text(&offer["credential_issuer"]);
    let challenge = client.post(format!("{issuer}/challenge")).send().await.expect("an answer");
    let challenge: Value = challenge.json().await.expect("JSON");
    let challenge = AttestationChallenge::new(text(&challenge["attestation_challenge"]));
    let signer = SoftwareSigner::new(&AwsLc, &key).expect("a signer");
    let pop = AttestationPop {
        client: &ClientId::new("mine"),
        server: &IssuerUrl::parse(&issuer, Transport::DevelopmentLoopback).expect("an identifier"),
        challenge: Some(&challenge),
    };
    let now = jiff::Timestamp::now();
    let pop = sign_attestation_pop(&signer, pop, &AwsLc, now).await.expect("a proof");
    let grant = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
    let code = text(&offer["grants"][grant]["pre-authorized_code"]);
    let asked = client
        .post(format!("{issuer}/token"))
        .header("oauth-client-attestation", attestation)
        .header("oauth-client-attestation-pop", pop)
        .form(&[("grant_type", grant), ("pre-authorized_code", &code)]);
    let answer = asked.send().await.expect("an answer");
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap_or_default());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_that_is_tried_out_has_its_keys_attested_and_what_are_no_keys_is_refused() {
    let demo = Demo::start();
    let mut browser = Browser::new(&demo);
    let (_, page) = offer(&mut browser, &[("demand_keys", "true")]).await;
    let place = format!("{}/sandbox/key-attestation", demo.base());
    assert!(page.contains(&place));
    let client = reqwest::Client::new();
    let key = || Jwk::new(*AwsLc.generate_key(Curve::P256).expect("a key").public()).to_value();
    let symmetric = json!({ "kty": "oct", "k": "AAAA" });
    for jwks in [json!([]), json!([symmetric]), json!(vec![key(); 101]), json!({})] {
        let refused = client.post(&place).json(&json!({ "jwks": jwks })).send().await;
        assert_eq!(refused.expect("an answer").status(), 400, "{jwks}");
    }
    let asked = json!({ "jwks": [key(), key()], "nonce": "n" });
    let answer = client.post(&place).json(&asked).send().await.expect("an answer");
    let answer: Value = answer.json().await.expect("JSON");
    let attestation = text(&answer["attestation"]);
    let payload = attestation.split('.').nth(1).expect("a JWT");
    let payload = lanyard_core::json::base64url_decode(payload).expect("base64url");
    let claims: Value = serde_json::from_slice(&payload).expect("JSON");
    assert_eq!(
        (claims["attested_keys"].clone(), &claims["nonce"]),
        (asked["jwks"].clone(), &json!("n"))
    );
}
