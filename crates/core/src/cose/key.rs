//! COSE_Key: public keys as CBOR (RFC 9052 §7, RFC 9053 §7, RFC 8812 §3.1).

use thiserror::Error;

use super::algorithm_from_identifier;
use crate::{
    cbor::{Content, Item, Value},
    crypto::{CryptoProvider, Curve, EcPoint, PublicKey},
};

/// The labels of a COSE_Key.
const KEY_TYPE: i64 = 1;
const ALGORITHM: i64 = 3;
const CURVE: i64 = -1;
const X: i64 = -2;
const Y: i64 = -3;
const PRIVATE: i64 = -4;

/// The key types: an Edwards curve point, a point with two coordinates.
const OKP: i128 = 1;
const EC2: i128 = 2;

/// Why a COSE_Key was refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum CoseKeyError {
    /// Not a map, or without a key type or a curve.
    #[error("not a COSE_Key")]
    Malformed,
    /// A private or symmetric key where only a public one belongs.
    #[error("a COSE_Key in this place must not hold a private key")]
    PrivateKey,
    /// A key type or a curve that is not supported.
    #[error("a COSE_Key of this kind is not supported")]
    Unsupported,
    /// A coordinate is missing, too short or too long, or no point of the curve has it.
    #[error("the coordinates of a COSE_Key are not a point of its curve")]
    Coordinate,
    /// `alg` is for keys of another curve.
    #[error("the alg of a COSE_Key does not fit its curve")]
    Algorithm,
}

/// Reads a public key.
///
/// # Errors
/// One [`CoseKeyError`] per rule; a private key is refused, not dropped.
pub fn public_key(
    key: &Item<'_>,
    provider: &dyn CryptoProvider,
) -> Result<PublicKey, CoseKeyError> {
    let number = |label: i64| key.get(label).and_then(Item::as_integer);
    let kind = number(KEY_TYPE).ok_or(CoseKeyError::Malformed)?;
    // RFC 9053 §7.1.1: d is the private key; in a symmetric key the label -1 is the key itself
    if key.get(PRIVATE).is_some() || kind == 4 {
        return Err(CoseKeyError::PrivateKey);
    }
    let x = key.get(X).and_then(Item::as_bytes).ok_or(CoseKeyError::Coordinate)?;
    let public = match (kind, number(CURVE).ok_or(CoseKeyError::Malformed)?) {
        (EC2, 1) => ec2(key, Curve::P256, x, provider)?,
        (EC2, 2) => ec2(key, Curve::P384, x, provider)?,
        (OKP, 6) => PublicKey::Ed25519(x.try_into().map_err(|_| CoseKeyError::Coordinate)?),
        _ => return Err(CoseKeyError::Unsupported),
    };
    // RFC 9052 §7.1: alg restricts what the key is used with
    let fits = |algorithm: &Item<'_>| {
        let algorithm = algorithm.as_integer().and_then(algorithm_from_identifier);
        algorithm.is_some_and(|algorithm| algorithm.curve() == public.curve())
    };
    if key.get(ALGORITHM).is_some_and(|algorithm| !fits(algorithm)) {
        return Err(CoseKeyError::Algorithm);
    }
    Ok(public)
}

fn ec2(
    key: &Item<'_>,
    curve: Curve,
    x: &[u8],
    provider: &dyn CryptoProvider,
) -> Result<PublicKey, CoseKeyError> {
    let point = match key.get(Y).map(Item::content) {
        Some(Content::Bytes(y)) if y.len() == x.len() => {
            PublicKey::from_uncompressed(curve, &[&[4], x, y].concat())
        }
        // RFC 9053 §7.1.1: the sign bit of a compressed point
        Some(Content::Bool(sign)) => {
            provider.decompress(curve, &[&[2 + u8::from(*sign)], x].concat()).ok()
        }
        _ => None,
    };
    point.ok_or(CoseKeyError::Coordinate)
}

/// Writes a public key, uncompressed, with its required parameters alone.
pub fn public_key_value(key: &PublicKey) -> Value {
    let ec2 = |curve: i64, x: &[u8], y: &[u8]| {
        vec![(KEY_TYPE, Value::Integer(EC2)), (CURVE, curve.into()), (X, x.into()), (Y, y.into())]
    };
    let okp = |curve: i64, x: &[u8]| {
        vec![(KEY_TYPE, Value::Integer(OKP)), (CURVE, curve.into()), (X, x.into())]
    };
    let parameters = match key {
        PublicKey::P256(EcPoint { x, y }) => ec2(1, x, y),
        PublicKey::P384(EcPoint { x, y }) => ec2(2, x, y),
        PublicKey::Secp256k1(EcPoint { x, y }) => ec2(8, x, y),
        PublicKey::X25519(x) => okp(4, x),
        PublicKey::Ed25519(x) => okp(6, x),
        // draft-ietf-cose-bls-key-representations; written, and never read
        PublicKey::Bls12381G2(x) => okp(14, x),
    };
    let labelled = parameters.into_iter().map(|(label, value)| (Value::from(label), value));
    Value::Map(labelled.collect())
}
