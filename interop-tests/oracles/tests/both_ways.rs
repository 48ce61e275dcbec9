//! What an oracle makes it also reads, and what one makes another reads.

use lanyard_oracles::{josekit_peer, sd_jwt_payload_peer, ssi_peer};
use serde_json::{Value, json};

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

#[test]
fn josekit_opens_what_it_encrypted_under_both_ciphers() {
    let (private_jwk, public_jwk) = p256();
    for enc in ["A128GCM", "A256GCM"] {
        let encrypted = josekit_peer::encrypt(
            &json!({ "plaintext": "{}", "jwk": public_jwk, "enc": enc, "kid": "1" }),
        )
        .expect("josekit encrypts");
        let opened =
            josekit_peer::decrypt(&json!({ "jwe": encrypted["jwe"], "private_jwk": private_jwk }))
                .expect("josekit decrypts");
        assert_eq!((&opened["plaintext"], &opened["header"]["enc"]), (&json!("{}"), &json!(enc)));
    }
}

#[tokio::test]
async fn ssi_resolves_did_key_and_did_jwk() {
    let key = "did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169";
    let document = ssi_peer::resolve(&json!({ "did": key })).await.expect("did:key resolves");
    assert_eq!(document["document"]["id"], key);
    let jwk = "did:jwk:eyJjcnYiOiJQLTI1NiIsImt0eSI6IkVDIiwieCI6ImFjYklRaXVNczNpOF91c3pFakoydHBUdFJNNEVVM3l6OTFQSDZDZEgyVjAiLCJ5IjoiX0tjeUxqOXZXTXB0bm1LdG00NkdxRHo4d2Y3NEk1TEtncmwyR3pIM25TRSJ9";
    let document = ssi_peer::resolve(&json!({ "did": jwk })).await.expect("did:jwk resolves");
    assert_eq!(document["document"]["verificationMethod"][0]["id"], format!("{jwk}#0"));
}

#[tokio::test]
async fn ssi_and_sd_jwt_payload_read_each_others_credentials() {
    let (private_jwk, public_jwk) = p256();
    let draft = json!({
        "claims": { "vct": "urn:example:badge", "given_name": "Ada", "address": { "locality": "London" } },
        "concealed": ["/given_name", "/address/locality"],
        "issuer_private_jwk": private_jwk,
        "header": { "typ": "dc+sd-jwt" },
    });
    let by_ssi = ssi_peer::issue(&draft).expect("ssi issues");
    let by_iota = sd_jwt_payload_peer::issue(&draft).await.expect("sd-jwt-payload issues");

    let read = sd_jwt_payload_peer::verify(
        &json!({ "presentation": by_ssi["credential"], "issuer_jwk": public_jwk }),
    )
    .expect("sd-jwt-payload reads what ssi issued");
    assert_eq!(read["claims"]["address"]["locality"], "London");
    let request = json!({ "presentation": by_iota["credential"], "issuer_jwk": public_jwk });
    let read = ssi_peer::verify_presentation(&request)
        .await
        .expect("ssi reads what sd-jwt-payload issued");
    assert_eq!(read["claims"]["given_name"], "Ada");
}
