//! An issuer and a holder that sign whatever a test wants, right or wrong.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use lanyard_core::{
    Timestamp,
    crypto::{
        AwsLc, CryptoProvider, Curve, HashAlgorithm, PrivateKey, RustCrypto, SignatureAlgorithm,
        Signer as _, SoftwareSigner,
    },
    jose::{self, HeaderKey, Jwk, Slot},
    json::{self, Object},
    sd_jwt::{
        Audience, Disclosure, ExpectedKeyBinding, KeyBindingRequest, KeyBindingWindow, RequestNonce,
    },
};
use lanyard_testkit::test_now;
use serde_json::{Value, json};

pub(crate) const PROVIDERS: [&dyn CryptoProvider; 2] = [&RustCrypto, &AwsLc];

pub(crate) const SLOT: Slot = Slot {
    name: "test",
    typ: &["test+sd-jwt"],
    algorithms: SignatureAlgorithm::ALL,
    header_keys: &[HeaderKey::Kid],
};

pub(crate) const AUDIENCE: &str = "x509_san_dns:verifier.example";
pub(crate) const NONCE: &str = "canary-nonce-5f3a";

/// The output of a future that never waits, as everything is that signs in memory.
pub(crate) fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("a key in memory signs at once"),
    }
}

/// Someone with a key.
pub(crate) struct Party {
    pub(crate) signer: SoftwareSigner,
    pub(crate) jwk: Jwk,
}

impl Party {
    pub(crate) fn new() -> Self {
        let key = AwsLc.generate_key(Curve::P256).expect("a key can be made");
        Self::of(&key)
    }

    /// Someone with this key.
    pub(crate) fn of(key: &PrivateKey) -> Self {
        let signer = SoftwareSigner::new(&AwsLc, key).expect("its halves belong together");
        Self { jwk: Jwk::new(*signer.public_key()), signer }
    }

    /// A compact JWS over any header and any payload.
    pub(crate) fn sign(&self, header: &Value, payload: &Value) -> String {
        let header = header.as_object().expect("a header is an object").clone();
        ready(jose::sign(header, payload, &self.signer)).expect("a key in memory signs")
    }

    /// An SD-JWT with any payload and any disclosures.
    pub(crate) fn forge(&self, payload: &Value, disclosures: &[String]) -> String {
        self.forge_as("test+sd-jwt", payload, disclosures)
    }

    pub(crate) fn forge_as(&self, typ: &str, payload: &Value, disclosures: &[String]) -> String {
        let mut sd_jwt = self.sign(&json!({"typ": typ}), payload);
        sd_jwt.push('~');
        for disclosure in disclosures {
            sd_jwt.push_str(disclosure);
            sd_jwt.push('~');
        }
        sd_jwt
    }

    /// A good key binding for an SD-JWT, with some claims replaced (by null: removed).
    pub(crate) fn bind(&self, sd_jwt: &str, changes: &Value) -> String {
        self.bind_with(&json!({"typ": "kb+jwt"}), sd_jwt, changes)
    }

    pub(crate) fn bind_with(&self, header: &Value, sd_jwt: &str, changes: &Value) -> String {
        let mut claims = Object::from_iter([
            ("iat".to_owned(), test_now().as_second().into()),
            ("aud".to_owned(), AUDIENCE.into()),
            ("nonce".to_owned(), NONCE.into()),
            ("sd_hash".to_owned(), digest(sd_jwt).into()),
        ]);
        for (name, value) in changes.as_object().expect("changes are an object") {
            if value.is_null() {
                claims.shift_remove(name);
            } else {
                claims.insert(name.clone(), value.clone());
            }
        }
        format!("{sd_jwt}{}", self.sign(header, &Value::Object(claims)))
    }
}

pub(crate) fn digest(encoded: &str) -> String {
    Disclosure::digest(encoded, HashAlgorithm::Sha256, &AwsLc)
}

pub(crate) fn disclosure(parts: &Value) -> String {
    json::base64url(parts.to_string())
}

/// What the tests' verifier demands of a key binding.
pub(crate) struct Demand {
    audience: Audience,
    nonce: RequestNonce,
    now: Timestamp,
}

impl Demand {
    pub(crate) fn new() -> Self {
        Self { audience: AUDIENCE.into(), nonce: NONCE.into(), now: test_now() }
    }

    pub(crate) fn expected(&self) -> ExpectedKeyBinding<'_> {
        let window = KeyBindingWindow::default();
        ExpectedKeyBinding { audience: &self.audience, nonce: &self.nonce, now: self.now, window }
    }

    pub(crate) fn request<'r>(&'r self, holder: &'r Party) -> KeyBindingRequest<'r> {
        KeyBindingRequest {
            audience: &self.audience,
            nonce: &self.nonce,
            now: self.now,
            signer: &holder.signer,
        }
    }
}
