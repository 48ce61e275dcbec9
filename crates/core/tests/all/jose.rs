//! JWK and JWS: the vectors of the RFCs, and every refusal by name.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use lanyard_core::{
    crypto::{
        AwsLc, CryptoProvider, Curve, PrivateKey, PublicKey, RustCrypto, SignatureAlgorithm,
        SoftwareSigner,
    },
    jose::{
        HeaderError, HeaderKey, Jwk, JwkError, JwsError, PrivateJwk, Slot, UnverifiedJws, sign,
    },
    json::{JsonError, base64url},
};
use serde_json::{Value, json};

pub(crate) const PROVIDERS: [&dyn CryptoProvider; 2] = [&RustCrypto, &AwsLc];

pub(crate) const SLOT: Slot = Slot {
    name: "test token",
    typ: &["test+jwt"],
    algorithms: SignatureAlgorithm::ALL,
    header_keys: &[HeaderKey::Kid],
};

/// A slot for the tokens of the RFCs, which have no `typ`.
pub(crate) const UNTYPED: Slot = Slot { typ: &[""], ..SLOT };

pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let poll = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    let ready = match poll {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    };
    ready.expect("a software signer does not wait")
}

pub(crate) fn p256() -> PrivateKey {
    AwsLc.generate_key(Curve::P256).expect("a key can be made")
}

/// A token with this header and payload as they are, signed with ES256 whatever the header says.
pub(crate) fn forge(header: &[u8], payload: &[u8], key: &PrivateKey) -> String {
    let input = format!("{}.{}", base64url(header), base64url(payload));
    let signing = AwsLc.signing_key(key).expect("the key is good");
    let signature = signing.sign(input.as_bytes()).expect("signing works");
    format!("{input}.{}", base64url(signature))
}

pub(crate) fn token(header: &Value, key: &PrivateKey) -> String {
    forge(header.to_string().as_bytes(), b"{}", key)
}

/// A good header, changed.
pub(crate) fn header(change: impl FnOnce(&mut Value)) -> Value {
    let mut header = json!({"alg": "ES256", "typ": "test+jwt", "kid": "key"});
    change(&mut header);
    header
}

pub(crate) fn verify(token: &str, key: &PublicKey) -> Result<(), JwsError> {
    let [one, other] = PROVIDERS
        .map(|provider| UnverifiedJws::parse(token)?.verify(&SLOT, key, provider).map(drop));
    assert_eq!(one, other, "the providers agree");
    one
}

pub(crate) fn refusal(change: impl FnOnce(&mut Value)) -> JwsError {
    let key = p256();
    verify(&token(&header(change), &key), key.public()).expect_err("this token is refused")
}

// The RFCs' own vectors

#[test]
fn verifies_the_es256_example_of_rfc_7515() {
    // RFC 7515 A.3
    let key = json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    });
    let token = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    let key = Jwk::from_value(&key).unwrap().key;
    for provider in PROVIDERS {
        let jws = UnverifiedJws::parse(token).unwrap().verify(&UNTYPED, &key, provider).unwrap();
        assert_eq!(jws.claims().unwrap()["iss"], "joe");
    }
}

#[test]
fn signs_and_verifies_the_ed25519_example_of_rfc_8037() {
    // RFC 8037 A.1 to A.5
    let key = json!({
        "kty": "OKP", "crv": "Ed25519",
        "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    });
    let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let key = PrivateJwk::from_value(&key).unwrap().key;
    for provider in PROVIDERS {
        let jws = UnverifiedJws::parse(token).unwrap();
        let jws = jws.verify(&UNTYPED, key.public(), provider).unwrap();
        assert_eq!(jws.payload(), b"Example of Ed25519 signing");
        // Ed25519 signs the same way every time
        let (input, signature) = token.rsplit_once('.').unwrap();
        let again = provider.signing_key(&key).unwrap().sign(input.as_bytes()).unwrap();
        assert_eq!(base64url(again), signature);
        // RFC 8037 A.3
        assert_eq!(
            Jwk::new(*key.public()).thumbprint(provider).to_base64url(),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
    }
}

#[test]
fn a_thumbprint_covers_the_required_members_in_order() {
    // RFC 7638 §3: written out by hand, in lexicographic order, without white space
    let key = *p256().public();
    let mut jwk = Jwk::new(key);
    let members = jwk.to_value();
    let (x, y) = (members["x"].as_str().unwrap(), members["y"].as_str().unwrap());
    let input = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    jwk.kid = Some("left out".to_owned());
    for provider in PROVIDERS {
        let digest = provider.hash(Default::default(), input.as_bytes());
        assert_eq!(jwk.thumbprint(provider).0, digest.as_bytes());
    }
}

#[test]
fn what_is_signed_is_what_is_verified() {
    for curve in [Curve::P256, Curve::P384, Curve::Ed25519] {
        for (signing, verifying) in [(PROVIDERS[0], PROVIDERS[1]), (PROVIDERS[1], PROVIDERS[0])] {
            let key = signing.generate_key(curve).unwrap();
            let signer = SoftwareSigner::new(signing, &key).unwrap();
            let Value::Object(header) = json!({"typ": "test+jwt", "kid": "key"}) else {
                panic!("an object");
            };
            let token = now(sign(header, &json!({"sub": "me"}), &signer)).unwrap();
            let jws = UnverifiedJws::parse(&token).unwrap();
            let jws = jws.verify(&SLOT, key.public(), verifying).unwrap();
            assert_eq!(jws.claims().unwrap()["sub"], "me");
            assert_eq!(jws.header().kid.as_deref(), Some("key"));
            assert_eq!(jws.algorithm().curve(), curve);
        }
    }
}

#[test]
fn takes_the_fully_specified_name_of_ed25519() {
    // RFC 9864 §2.2
    let key = RustCrypto.generate_key(Curve::Ed25519).unwrap();
    let token = token(&header(|header| header["alg"] = json!("Ed25519")), &key);
    assert_eq!(verify(&token, key.public()), Ok(()));
}

// What the rows leave out

#[test]
fn refuses_the_typ_of_another_token() {
    for typ in [json!("JWT"), json!("application/test+jwt"), json!("")] {
        assert_eq!(refusal(|header| header["typ"] = typ), JwsError::WrongType("test token"));
    }
    let missing = |header: &mut Value| drop(header.as_object_mut().unwrap().remove("typ"));
    assert_eq!(refusal(missing), JwsError::WrongType("test token"));
    let key = p256();
    let upper = token(&header(|header| header["typ"] = json!("TEST+JWT")), &key);
    assert_eq!(verify(&upper, key.public()), Ok(()));
}

#[test]
fn a_slot_for_untyped_tokens_takes_no_typ_at_all() {
    let key = p256();
    let typed = token(&header(|_| {}), &key);
    let jws = UnverifiedJws::parse(&typed).unwrap();
    assert_eq!(
        jws.verify(&UNTYPED, key.public(), &AwsLc).err(),
        Some(JwsError::WrongType("test token"))
    );
    let empty = token(&header(|header| header["typ"] = json!("")), &key);
    let jws = UnverifiedJws::parse(&empty).unwrap();
    assert_eq!(
        jws.verify(&UNTYPED, key.public(), &AwsLc).err(),
        Some(JwsError::WrongType("test token"))
    );
}

#[test]
fn refuses_an_algorithm_that_the_slot_does_not_list() {
    let slot = Slot { algorithms: &[SignatureAlgorithm::EdDsa], ..SLOT };
    let key = p256();
    let token = token(&header(|_| {}), &key);
    let jws = UnverifiedJws::parse(&token).unwrap();
    assert_eq!(
        jws.verify(&slot, key.public(), &AwsLc).err(),
        Some(JwsError::AlgorithmNotAllowed("test token"))
    );
}

#[test]
fn refuses_header_members_of_the_wrong_type() {
    for name in ["typ", "kid"] {
        assert_eq!(
            refusal(|header| header[name] = json!(1)),
            JwsError::Header(HeaderError::WrongType(name))
        );
    }
    for chain in [json!([]), json!("AAAA"), json!([1]), json!(["_-8"]), json!(vec!["AAAA"; 7])] {
        assert_eq!(
            refusal(|header| header["x5c"] = chain),
            JwsError::Header(HeaderError::CertificateChain)
        );
    }
}

#[test]
fn refuses_a_duplicate_header_member() {
    let key = p256();
    let twice = br#"{"alg":"ES256","alg":"none","typ":"test+jwt"}"#;
    let refusal = UnverifiedJws::parse(&forge(twice, b"{}", &key)).err();
    let Some(JwsError::Header(HeaderError::Unreadable(JsonError::Malformed(reason)))) = refusal
    else {
        panic!("the header is refused");
    };
    assert!(reason.contains("duplicate member"), "{reason}");
}

#[test]
fn refuses_coordinates_that_are_not_of_the_curves_length() {
    let good = Jwk::new(*p256().public()).to_value();
    for name in ["x", "y"] {
        for length in [0, 31, 33] {
            let mut jwk = good.clone();
            jwk[name] = json!(base64url(vec![1; length]));
            assert_eq!(Jwk::from_value(&jwk), Err(JwkError::Coordinate));
        }
        let mut jwk = good.clone();
        jwk.as_object_mut().unwrap().remove(name);
        assert_eq!(Jwk::from_value(&jwk), Err(JwkError::Coordinate));
    }
}

#[test]
fn a_key_is_used_for_what_its_owner_says() {
    let good = Jwk::new(*p256().public()).to_value();
    let for_signatures = |name: &str, value: Value| {
        let mut jwk = good.clone();
        jwk[name] = value;
        Jwk::from_value(&jwk).unwrap().for_signatures(SignatureAlgorithm::Es256).map(drop)
    };
    for (name, value) in [
        ("use", json!("sig")),
        ("alg", json!("ES256")),
        ("key_ops", json!(["verify"])),
        ("key_ops", json!(["sign", "verify"])),
    ] {
        assert_eq!(for_signatures(name, value), Ok(()), "{name}");
    }
    for (name, value) in [
        ("use", json!("enc")),
        ("alg", json!("ES384")),
        ("alg", json!("ECDH-ES")),
        ("key_ops", json!(["deriveBits"])),
        ("key_ops", json!(["encrypt", "decrypt"])),
    ] {
        assert_eq!(for_signatures(name, value), Err(JwkError::OtherPurpose), "{name}");
    }
}

#[test]
fn a_private_jwk_survives_its_file() {
    for curve in [Curve::P256, Curve::P384, Curve::Ed25519] {
        let key = AwsLc.generate_key(curve).unwrap();
        let text = PrivateJwk { key: key.clone(), kid: Some("one".to_owned()) }.danger_to_json();
        let read = PrivateJwk::from_value(&serde_json::from_str(&text).unwrap()).unwrap();
        assert_eq!(read.key.danger_scalar(), key.danger_scalar());
        assert_eq!((read.key.public(), read.kid.as_deref()), (key.public(), Some("one")));
        let debug = format!("{read:?}");
        assert!(!debug.contains(&base64url(key.danger_scalar())), "{debug}");
    }
    let public = Jwk::new(*p256().public()).to_value();
    assert_eq!(PrivateJwk::from_value(&public).err(), Some(JwkError::PrivateMemberMissing));
}
