//! JSON Web Keys (RFC 7517, RFC 7518 §6, RFC 8037 §2, RFC 8812 §3.1).

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{
    crypto::{
        CryptoProvider, Curve, EcPoint, HashAlgorithm, PrivateKey, PublicKey, SignatureAlgorithm,
    },
    json::{self, Object},
};

/// Why a JWK was refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum JwkError {
    /// Not an object, or a member of the wrong JSON type.
    #[error("not a JWK")]
    Malformed,
    /// A symmetric key, an RSA key, or a curve that is not supported.
    #[error("the key type or curve is not supported")]
    Unsupported,
    /// The private half is in it, where only a public key belongs.
    #[error("the JWK contains a private key")]
    PrivateMember,
    /// A coordinate is not base64url of exactly the curve's length.
    #[error("the JWK has a coordinate of the wrong length")]
    Coordinate,
    /// `use`, `key_ops` or `alg` reserves the key for something else.
    #[error("the key is meant for something else")]
    OtherPurpose,
    /// The private half is missing, where a private key belongs.
    #[error("the JWK has no private key")]
    PrivateMemberMissing,
}

/// A public key as a JWK, with what its owner said about its use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwk {
    /// The key itself.
    pub key: PublicKey,
    /// `kid`.
    pub kid: Option<String>,
    /// `alg`.
    pub alg: Option<String>,
    /// `use`.
    pub key_use: Option<String>,
}

impl Jwk {
    /// Wraps a public key without further members.
    pub const fn new(key: PublicKey) -> Self {
        Self { key, kid: None, alg: None, key_use: None }
    }

    /// Reads a public JWK; unknown members are ignored (RFC 7517 §4).
    ///
    /// # Errors
    /// One [`JwkError`] per rule; a private member is refused, not dropped.
    pub fn from_value(value: &Value) -> Result<Self, JwkError> {
        let members = value.as_object().ok_or(JwkError::Malformed)?;
        // OID4VCI 1.0 App. F.1: a header jwk must not contain a private key; no public slot may
        if ["d", "p", "q", "dp", "dq", "qi", "oth", "k"]
            .iter()
            .any(|name| members.contains_key(*name))
        {
            return Err(JwkError::PrivateMember);
        }
        Self::from_members(members)
    }

    fn from_members(members: &Object) -> Result<Self, JwkError> {
        let key = match (required(members, "kty")?, required(members, "crv").unwrap_or_default()) {
            ("EC", "P-256") => PublicKey::P256(point(members)?),
            ("EC", "P-384") => PublicKey::P384(point(members)?),
            ("OKP", "Ed25519") => PublicKey::Ed25519(coordinate(members, "x")?),
            ("EC", "secp256k1") => PublicKey::Secp256k1(point(members)?),
            ("OKP", "X25519") => PublicKey::X25519(coordinate(members, "x")?),
            _ => return Err(JwkError::Unsupported),
        };
        Ok(Self {
            key,
            kid: optional(members, "kid")?,
            alg: optional(members, "alg")?,
            key_use: match optional(members, "use")? {
                Some(key_use) => Some(key_use),
                None => use_of_operations(members)?,
            },
        })
    }

    /// The key for checking signatures of this algorithm, unless its owner reserved it for something else.
    ///
    /// # Errors
    /// [`JwkError::OtherPurpose`].
    pub fn for_signatures(&self, algorithm: SignatureAlgorithm) -> Result<&PublicKey, JwkError> {
        let alg = self.alg.as_deref();
        // RFC 7517 §4.2, §4.4: `use` and `alg` say what the key is for; OID4VCI 1.0 App. F.4
        let fits = alg.is_none_or(|name| SignatureAlgorithm::from_name(name) == Some(algorithm))
            && self.key_use.as_deref().is_none_or(|key_use| key_use == "sig")
            && self.key.curve() == algorithm.curve();
        if fits { Ok(&self.key) } else { Err(JwkError::OtherPurpose) }
    }

    /// Whether it is for signatures of any algorithm: its owner reserved it for nothing else.
    pub fn is_for_signatures(&self) -> bool {
        SignatureAlgorithm::ALL.iter().any(|algorithm| self.for_signatures(*algorithm).is_ok())
    }

    /// The JWK as a JSON object: the required members first.
    pub fn to_value(&self) -> Value {
        let mut members = required_object(&self.key);
        for (name, value) in self.what_its_owner_said() {
            members.insert(name.to_owned(), Value::String(value.to_owned()));
        }
        Value::Object(members)
    }

    fn what_its_owner_said(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let members = [("kid", &self.kid), ("alg", &self.alg), ("use", &self.key_use)];
        members.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)))
    }

    /// The SHA-256 thumbprint over the required members in lexicographic order (RFC 7638 §3).
    pub fn thumbprint(&self, provider: &dyn CryptoProvider) -> Thumbprint {
        let mut members: Vec<_> = required_object(&self.key).into_iter().collect();
        members.sort_by(|(one, _), (other, _)| one.cmp(other));
        let canonical = Value::Object(members.into_iter().collect()).to_string();
        let digest = provider.hash(HashAlgorithm::Sha256, canonical.as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.as_bytes());
        Thumbprint(bytes)
    }
}

impl Serialize for Jwk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let required = required_members(&self.key);
        let required = required.iter().map(|(name, value)| (*name, value.as_ref()));
        serializer.collect_map(required.chain(self.what_its_owner_said()))
    }
}

impl<'de> Deserialize<'de> for Jwk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_value(&Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// The SHA-256 thumbprint of a key (RFC 7638).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Thumbprint(pub [u8; 32]);

impl Thumbprint {
    /// The base64url form.
    pub fn to_base64url(&self) -> String {
        json::base64url(self.0)
    }
}

/// A private key as a JWK; only for files and tests, never for a protocol message.
#[derive(Clone, Debug)]
pub struct PrivateJwk {
    /// The key pair.
    pub key: PrivateKey,
    /// `kid`.
    pub kid: Option<String>,
}

impl PrivateJwk {
    /// Reads a private JWK.
    ///
    /// # Errors
    /// One [`JwkError`] per rule.
    pub fn from_value(value: &Value) -> Result<Self, JwkError> {
        let members = value.as_object().ok_or(JwkError::Malformed)?;
        let public = Jwk::from_members(members)?;
        let encoded = required(members, "d").map_err(|_| JwkError::PrivateMemberMissing)?;
        let scalar = json::base64url_decode(encoded).map_err(|_| JwkError::Coordinate)?;
        let key = PrivateKey::from_parts(scalar, public.key).ok_or(JwkError::Coordinate)?;
        Ok(Self { key, kid: public.kid })
    }

    /// The JWK text with the private member in it, wiped when dropped.
    pub fn danger_to_json(&self) -> Zeroizing<String> {
        let mut members = required_object(self.key.public());
        if let Some(kid) = &self.kid {
            members.insert("kid".to_owned(), Value::String(kid.clone()));
        }
        members.insert("d".to_owned(), Value::String(json::base64url(self.key.danger_scalar())));
        Zeroizing::new(Value::Object(members).to_string())
    }
}

/// The members that make the key (RFC 7518 §6.2.1, RFC 8037 §2, RFC 8812 §3.1).
fn required_members(key: &PublicKey) -> Vec<(&'static str, Cow<'static, str>)> {
    let text = Cow::Borrowed;
    let bytes = |bytes: &[u8]| Cow::Owned(json::base64url(bytes));
    let ec = |curve, x: &[u8], y: &[u8]| {
        vec![("kty", text("EC")), ("crv", text(curve)), ("x", bytes(x)), ("y", bytes(y))]
    };
    match key {
        PublicKey::P256(EcPoint { x, y }) => ec("P-256", x, y),
        PublicKey::P384(EcPoint { x, y }) => ec("P-384", x, y),
        PublicKey::Ed25519(x) => {
            vec![("kty", text("OKP")), ("crv", text("Ed25519")), ("x", bytes(x))]
        }
        PublicKey::Secp256k1(EcPoint { x, y }) => ec("secp256k1", x, y),
        PublicKey::X25519(x) => {
            vec![("kty", text("OKP")), ("crv", text("X25519")), ("x", bytes(x))]
        }
        // draft-ietf-cose-bls-key-representations; written, and never read
        PublicKey::Bls12381G2(x) => {
            vec![("kty", text("OKP")), ("crv", text("Bls12381G2")), ("x", bytes(x))]
        }
    }
}

fn required_object(key: &PublicKey) -> Object {
    let members = required_members(key).into_iter();
    members.map(|(name, value)| (name.to_owned(), Value::String(value.into_owned()))).collect()
}

fn point<const N: usize>(members: &Object) -> Result<EcPoint<N>, JwkError> {
    Ok(EcPoint { x: coordinate(members, "x")?, y: coordinate(members, "y")? })
}

fn coordinate<const N: usize>(members: &Object, name: &str) -> Result<[u8; N], JwkError> {
    // RFC 7518 §6.2.1.2: the coordinate has the full length of the curve, leading zeros included
    let encoded = required(members, name).map_err(|_| JwkError::Coordinate)?;
    let bytes = json::base64url_decode(encoded).map_err(|_| JwkError::Coordinate)?;
    bytes.try_into().map_err(|_| JwkError::Coordinate)
}

/// RFC 7517 §4.3: `key_ops` says in more words what `use` says, and stands in for it here.
fn use_of_operations(members: &Object) -> Result<Option<String>, JwkError> {
    let Some(operations) = members.get("key_ops") else { return Ok(None) };
    let operations = operations.as_array().ok_or(JwkError::Malformed)?;
    let signs = operations.iter().any(|operation| operation == "verify" || operation == "sign");
    let other = operations.iter().any(|operation| operation != "verify" && operation != "sign");
    Ok(match (signs, other) {
        (true, false) => Some("sig".to_owned()),
        (false, true) => Some("enc".to_owned()),
        _ => None,
    })
}

fn required<'m>(members: &'m Object, name: &str) -> Result<&'m str, JwkError> {
    members.get(name).and_then(Value::as_str).ok_or(JwkError::Malformed)
}

fn optional(members: &Object, name: &str) -> Result<Option<String>, JwkError> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(JwkError::Malformed),
    }
}

impl Jwk {
    /// The curve of the key.
    pub const fn curve(&self) -> Curve {
        self.key.curve()
    }
}
