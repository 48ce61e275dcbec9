//! Where an oracle is wrong, by name. When one of these fails the oracle was mended: drop the exception.

use lanyard_oracles::{josekit_peer, sd_jwt_payload_peer, ssi_peer};
use serde_json::{Value, json};
use ssi::claims::jws::{Header, sign_bytes_b64};
use ssi::claims::{JwsBuf, VerificationParameters};
use ssi::jwk::{Algorithm, JWK};

/// An Ed25519 key pair without `alg`: RFC 8037 Appendix A.1.
fn ed25519() -> (Value, Value) {
    let public = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    let mut private = public.clone();
    private["d"] = json!("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
    (private, public)
}

/// A P-256 key pair: RFC 7515 Appendix A.3.1.
fn p256() -> (Value, Value) {
    let public = json!({
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    });
    let mut private = public.clone();
    private["d"] = json!("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI");
    (private, public)
}

/// A JWS whose header says what the test wants, signed with the key's own algorithm.
fn signed_with_header(header: &Value, private_jwk: &Value) -> String {
    let key: JWK = serde_json::from_value(private_jwk.clone()).expect("a JWK");
    let algorithm = if private_jwk["kty"] == "OKP" { Algorithm::EdDSA } else { Algorithm::ES256 };
    let header: Header = serde_json::from_value(header.clone()).expect("a JOSE header");
    let signed = header.encode_signing_bytes(b"{}");
    let signature = sign_bytes_b64(algorithm, &signed, &key).expect("ssi signs");
    format!("{}.{signature}", String::from_utf8(signed).expect("base64url"))
}

/// What `ssi` says through its typed interface, the one its documentation leads to.
async fn ssi_verifies(jws: &str, public_jwk: &Value) -> bool {
    let key: JWK = serde_json::from_value(public_jwk.clone()).expect("a JWK");
    let jws = JwsBuf::new(jws.to_owned()).expect("a compact JWS");
    let verification =
        jws.verify(VerificationParameters::from_resolver(key)).await.expect("ssi could check");
    verification.is_ok()
}

#[tokio::test]
async fn ssi_verifies_with_an_ed25519_key_whatever_alg_says() {
    let (private_jwk, public_jwk) = ed25519();
    for alg in ["none", "HS256", "ES256", "RS256", "ES384"] {
        let jws = signed_with_header(&json!({ "alg": alg }), &private_jwk);
        let verified = ssi_peer::verify(&json!({ "jws": jws, "jwk": public_jwk }))
            .expect("ssi looks at the key alone");
        assert_eq!(verified["header"]["alg"], alg);
        assert!(ssi_verifies(&jws, &public_jwk).await);
    }
}

#[test]
fn josekit_refuses_the_same_jws() {
    let (private_jwk, public_jwk) = ed25519();
    let jws = signed_with_header(&json!({ "alg": "none" }), &private_jwk);
    let refused = josekit_peer::verify(&json!({ "jws": jws, "jwk": public_jwk }));
    assert!(refused.is_err_and(|reason| reason.contains("alg")));
}

#[tokio::test]
async fn ssi_accepts_a_critical_header_it_does_not_know_on_its_typed_road_only() {
    let (private_jwk, public_jwk) = p256();
    let jws = signed_with_header(
        &json!({ "alg": "ES256", "crit": ["unheard-of"], "unheard-of": 1 }),
        &private_jwk,
    );
    assert!(ssi_verifies(&jws, &public_jwk).await);
    let refused = ssi_peer::verify(&json!({ "jws": jws, "jwk": public_jwk }));
    assert!(refused.is_err_and(|reason| reason.contains("critical")));
}

#[test]
fn josekit_refuses_a_critical_header_it_does_not_know() {
    let (private_jwk, public_jwk) = p256();
    let jws = signed_with_header(
        &json!({ "alg": "ES256", "crit": ["unheard-of"], "unheard-of": 1 }),
        &private_jwk,
    );
    let refused = josekit_peer::verify(&json!({ "jws": jws, "jwk": public_jwk }));
    assert!(refused.is_err_and(|reason| reason.contains("unheard-of")));
}

/// A credential with one disclosure and that disclosure a second time.
async fn with_a_repeated_disclosure() -> (String, Value) {
    let (private_jwk, public_jwk) = p256();
    let issued = ssi_peer::issue(&json!({
        "claims": { "vct": "urn:example:badge", "given_name": "Ada" },
        "concealed": ["/given_name"],
        "issuer_private_jwk": private_jwk,
    }))
    .expect("ssi issues");
    let credential = issued["credential"].as_str().expect("a credential");
    let disclosure = credential.split('~').nth(1).expect("a disclosure");
    (format!("{credential}{disclosure}~"), public_jwk)
}

#[tokio::test]
async fn ssi_accepts_a_repeated_disclosure() {
    let (presentation, issuer_jwk) = with_a_repeated_disclosure().await;
    let request = json!({ "presentation": presentation, "issuer_jwk": issuer_jwk });
    let verified = ssi_peer::verify_presentation(&request).await.expect("ssi lets it pass");
    assert_eq!(verified["claims"]["given_name"], "Ada");
}

#[tokio::test]
async fn sd_jwt_payload_accepts_a_repeated_disclosure() {
    let (presentation, issuer_jwk) = with_a_repeated_disclosure().await;
    let request = json!({ "presentation": presentation, "issuer_jwk": issuer_jwk });
    let verified = sd_jwt_payload_peer::verify(&request).expect("sd-jwt-payload lets it pass");
    assert_eq!(verified["claims"]["given_name"], "Ada");
}

#[tokio::test]
async fn ssi_resolves_did_jwk_to_a_multikey_where_the_method_says_json_web_key_2020() {
    let did = "did:jwk:eyJjcnYiOiJQLTI1NiIsImt0eSI6IkVDIiwieCI6ImFjYklRaXVNczNpOF91c3pFakoydHBUdFJNNEVVM3l6OTFQSDZDZEgyVjAiLCJ5IjoiX0tjeUxqOXZXTXB0bm1LdG00NkdxRHo4d2Y3NEk1TEtncmwyR3pIM25TRSJ9";
    let resolved = ssi_peer::resolve(&json!({ "did": did })).await.expect("did:jwk resolves");
    assert_eq!(resolved["document"]["verificationMethod"][0]["type"], "Multikey");
}
