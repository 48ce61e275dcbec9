//! The issuer-signed JWT: its form, its header, its signature.

use lanyard_core::json;
use serde_json::{Value, json};

use super::{
    Suite,
    presentation::{Presentation, sign},
};
use crate::refusals::{Rule, keys::Known};

pub(super) fn cases(suite: &mut Suite) {
    form(suite);
    algorithm(suite);
    typ(suite);
    header(suite);
    signature(suite);
    payload(suite);
}

fn form(suite: &mut Suite) {
    let good = Presentation::good();
    let (jwt, whole) = (good.issuer_jwt(), good.text());
    let tilde: Rule = ("RFC 9901 §4", "sd_jwt_no_tilde");
    suite.refuse("empty", tilde, String::new());
    suite.refuse("issuer-jwt-alone", tilde, jwt.clone());
    let last: Rule = ("RFC 9901 §4", "sd_jwt_final_tilde_missing");
    suite.refuse("last-disclosure-without-tilde", last, good.sd_jwt().trim_end_matches('~').into());
    let empty: Rule = ("RFC 9901 §4", "sd_jwt_empty_disclosure");
    suite.refuse("two-tildes", empty, whole.replacen('~', "~~", 1));
    let many: Rule = ("Lanyard's limit", "sd_jwt_too_many_disclosures");
    suite.refuse(
        "more-than-five-hundred-disclosures",
        many,
        format!("{jwt}~{}", "WyJhIiwxXQ~".repeat(501)),
    );

    let malformed: Rule = ("RFC 7515 §7.1", "issuer_jwt_malformed");
    let parts: Vec<&str> = jwt.split('.').collect();
    let forms = [
        ("issuer-jwt-empty", String::new()),
        ("issuer-jwt-one-part", parts[0].to_owned()),
        ("issuer-jwt-two-parts", format!("{}.{}", parts[0], parts[1])),
        ("issuer-jwt-four-parts", format!("{jwt}.{}", parts[2])),
        ("issuer-jwt-signature-padded", format!("{jwt}==")),
        (
            "issuer-jwt-signature-with-plus",
            format!("{}.{}.+{}", parts[0], parts[1], &parts[2][1..]),
        ),
    ];
    for (id, form) in forms {
        suite.refuse(id, malformed, good.around(&form));
    }
}

/// Every name that is no algorithm of an SD-JWT VC, first of all those that sign nothing.
const NO_ALGORITHMS: [&str; 19] = [
    "none", "None", "NONE", "nOnE", "HS256", "HS384", "HS512", "RS1", "RS256", "RS384", "RS512",
    "PS256", "PS384", "PS512", "ES512", "ES256K", "Ed448", "es256", "ES256 ",
];

fn algorithm(suite: &mut Suite) {
    for algorithm in NO_ALGORITHMS {
        let bad = Presentation::with(|p| p.header["alg"] = algorithm.into());
        let id = format!("issuer-jwt-alg-{}", algorithm.replace(' ', "-with-space"));
        suite.refuse(id, ("RFC 7515 §4.1.1", "issuer_jwt_algorithm"), bad.text());
    }
    for (algorithm, id) in [("ES384", "es384"), ("EdDSA", "eddsa"), ("Ed25519", "ed25519")] {
        let bad = Presentation::with(|p| p.header["alg"] = algorithm.into());
        let id = format!("issuer-jwt-alg-{id}-for-a-p256-key");
        suite.refuse(id, ("RFC 7515 §10.7", "issuer_key_not_found"), bad.text());
    }
    // "none" with no signature at all, as in CVE-2015-9235
    let bad = Presentation::with(|p| p.header["alg"] = "none".into());
    let jwt = bad.issuer_jwt();
    let unsigned = &jwt[..=jwt.rfind('.').expect("a JWS has dots")];
    let rule: Rule = ("RFC 7515 §4.1.1", "issuer_jwt_algorithm");
    suite.refuse("issuer-jwt-alg-none-without-signature", rule, bad.around(unsigned));
}

fn typ(suite: &mut Suite) {
    let rule: Rule = ("SD-JWT VC §2.2.1", "issuer_jwt_wrong_typ");
    for typ in ["JWT", "vc+sd-jwt", "sd-jwt", "kb+jwt", "dc+sd-jwt+x", "vc+jwt", "example+sd-jwt"] {
        let bad = Presentation::with(|p| p.header["typ"] = typ.into());
        suite.refuse(format!("issuer-jwt-typ-{}", typ.replace('+', "-")), rule, bad.text());
    }
    let bad = Presentation::with(|p| {
        p.header.as_object_mut().expect("an object").shift_remove("typ");
    });
    suite.refuse("issuer-jwt-typ-missing", rule, bad.text());
}

fn header(suite: &mut Suite) {
    let rule: Rule = ("RFC 7515 §4.1", "issuer_jwt_header");
    let members = [
        ("alg-missing", "alg", Value::Null),
        ("alg-a-number", "alg", json!(256)),
        ("alg-an-array", "alg", json!(["ES256"])),
        ("typ-a-number", "typ", json!(1)),
        ("kid-a-number", "kid", json!(1)),
        ("kid-with-newline", "kid", json!("a\nb")),
        ("crit-empty", "crit", json!([])),
        ("crit-unknown", "crit", json!(["urn:example:ext"])),
        ("crit-registered", "crit", json!(["exp"])),
        ("crit-text", "crit", json!("exp")),
        ("b64-false", "b64", json!(false)),
        ("jku", "jku", json!("https://issuer.example/jwks")),
        ("x5u", "x5u", json!("https://issuer.example/x5c")),
        ("jwk-not-an-object", "jwk", json!("key")),
        ("jwk-private", "jwk", json!({"kty": "EC", "crv": "P-256", "x": "A", "y": "A", "d": "A"})),
        ("x5c-empty", "x5c", json!([])),
        ("x5c-text", "x5c", json!("MIIB")),
        ("x5c-not-base64", "x5c", json!(["%%%%"])),
        ("x5c-base64url", "x5c", json!(["MII_-A"])),
    ];
    for (id, name, value) in members {
        let bad = Presentation::with(|p| p.header[name] = value);
        suite.refuse(format!("issuer-jwt-header-{id}"), rule, bad.text());
    }
    let good = Presentation::good();
    let payload = good.payload.to_string();
    let texts: [(&str, &[u8]); 8] = [
        ("repeated-member", br#"{"alg":"ES256","typ":"dc+sd-jwt","alg":"ES256"}"#),
        ("repeated-member-escaped", br#"{"alg":"ES256","typ":"dc+sd-jwt","\u0061lg":"ES256"}"#),
        ("array", br#"["ES256","dc+sd-jwt"]"#),
        ("null", b"null"),
        ("trailing-comma", br#"{"alg":"ES256","typ":"dc+sd-jwt",}"#),
        ("trailing-text", br#"{"alg":"ES256","typ":"dc+sd-jwt"}x"#),
        ("byte-order-mark", b"\xef\xbb\xbf{\"alg\":\"ES256\",\"typ\":\"dc+sd-jwt\"}"),
        ("not-utf8", b"{\"alg\":\"ES256\",\"typ\":\"dc+sd-jwt\",\"x\":\"\xff\"}"),
    ];
    for (id, text) in texts {
        let jwt = sign(&good.issuer, text, payload.as_bytes());
        suite.refuse(format!("issuer-jwt-header-{id}"), rule, good.around(&jwt));
    }
    let bad = Presentation::with(|p| p.header["jwk"] = Known::issuer().jwk().to_value());
    let rule: Rule = ("SD-JWT VC §2.5", "issuer_jwt_header_key");
    suite.refuse("issuer-jwt-key-in-its-own-header", rule, bad.text());
}

fn signature(suite: &mut Suite) {
    let rule: Rule = ("RFC 9901 §7.1(1)", "issuer_signature_invalid");
    let good = Presentation::good();
    let jwt = good.issuer_jwt();
    let (input, signature) = jwt.rsplit_once('.').expect("a JWS has dots");
    let signature = json::base64url_decode(signature).expect("base64url");
    let flipped = |at: usize| {
        let mut bytes = signature.clone();
        bytes[at] ^= 1;
        bytes
    };
    let signatures = [
        ("empty", Vec::new()),
        ("zero", vec![0; 64]),
        ("of-63-bytes", signature[..63].to_vec()),
        ("of-65-bytes", [&signature[..], &[0]].concat()),
        ("twice", signature.repeat(2)),
        ("halves-swapped", [&signature[32..], &signature[..32]].concat()),
        ("first-bit-flipped", flipped(0)),
        ("middle-bit-flipped", flipped(31)),
        ("last-bit-flipped", flipped(63)),
        ("in-der", der(&signature)),
        ("r-zero", [&[0; 32], &signature[32..]].concat()),
        ("s-zero", [&signature[..32], &[0; 32]].concat()),
        ("r-beyond-the-order", [&[0xff; 32], &signature[32..]].concat()),
        ("of-another-document", Known::issuer().sign(b"another document")),
        ("of-a-stranger", Known::stranger().sign(input.as_bytes())),
        ("of-the-holder", Known::holder().sign(input.as_bytes())),
    ];
    for (id, signature) in signatures {
        let jwt = format!("{input}.{}", json::base64url(signature));
        suite.refuse(format!("issuer-signature-{id}"), rule, good.around(&jwt));
    }
    for (name, value) in good.payload.as_object().expect("an object") {
        // iss, vct and cnf decide by which key it is checked, so they are changed elsewhere
        if ["iss", "vct"].contains(&name.as_str()) {
            continue;
        }
        let mut payload = good.payload.clone();
        payload[name] = if value.is_string() { "other".into() } else { json!([value]) };
        suite.refuse(
            format!("signed-{name}-changed"),
            rule,
            good.around(&replaced(&jwt, &payload)),
        );
        let mut payload = good.payload.clone();
        payload.as_object_mut().expect("an object").shift_remove(name);
        suite.refuse(
            format!("signed-{name}-removed"),
            rule,
            good.around(&replaced(&jwt, &payload)),
        );
    }
    let mut payload = good.payload.clone();
    payload["admin"] = json!(true);
    suite.refuse("signed-claim-added", rule, good.around(&replaced(&jwt, &payload)));
    let header = json::base64url(json!({"alg": "ES256", "typ": "dc+sd-jwt", "n": 1}).to_string());
    let rest = jwt.split_once('.').expect("a JWS has dots").1;
    suite.refuse("signed-header-changed", rule, good.around(&format!("{header}.{rest}")));
}

/// The JWS with another payload under the old signature.
fn replaced(jwt: &str, payload: &Value) -> String {
    let parts: Vec<&str> = jwt.split('.').collect();
    format!("{}.{}.{}", parts[0], json::base64url(payload.to_string()), parts[2])
}

/// The ASN.1 form that OpenSSL gives and JOSE does not take.
fn der(signature: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| [&[0x02, bytes.len() as u8 + 1, 0x00][..], bytes].concat();
    let body = [integer(&signature[..32]), integer(&signature[32..])].concat();
    [vec![0x30, body.len() as u8], body].concat()
}

fn payload(suite: &mut Suite) {
    let rule: Rule = ("RFC 9901 §4.1", "issuer_jwt_payload");
    let good = Presentation::good();
    let header = good.header.to_string();
    let whole = good.payload.to_string();
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(40), "]".repeat(40));
    let texts: [(&str, Vec<u8>); 9] = [
        ("empty", Vec::new()),
        ("array", b"[]".to_vec()),
        ("text", b"\"claims\"".to_vec()),
        ("repeated-member", whole.replacen('{', "{\"vct\":\"x\",", 1).into_bytes()),
        ("trailing-comma", whole.replacen('{', "{,", 1).into_bytes()),
        ("trailing-text", format!("{whole}{{}}").into_bytes()),
        ("not-utf8", [b"{\"a\":\"\xc3\",", &whole.as_bytes()[1..]].concat()),
        ("lone-surrogate", whole.replacen('{', "{\"a\":\"\\ud800\",", 1).into_bytes()),
        ("too-deep", deep.into_bytes()),
    ];
    for (id, text) in texts {
        let jwt = sign(&good.issuer, header.as_bytes(), &text);
        suite.refuse(format!("issuer-jwt-payload-{id}"), rule, good.around(&jwt));
    }
}
