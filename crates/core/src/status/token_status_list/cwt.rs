//! The CWT form of a Status List Token (Token Status List §5.2).

use serde_json::Value as Json;

use super::{MEDIA_TYPE_CWT, StatusBits, StatusListError, verify::Content, verify::Times};
use crate::{
    cbor::{self, CborLimits, Item, Value},
    cose::{self, CoseError, Header, UnverifiedSign1},
    crypto::SignatureAlgorithm,
    status::{MAX_TOKEN, StatusListUri},
};

/// `iss` (RFC 8392 §3.1.1).
pub(super) const ISS: i64 = 1;
/// `sub` (RFC 8392 §3.1.2).
const SUB: i64 = 2;
/// `exp` (RFC 8392 §3.1.4).
const EXP: i64 = 4;
/// `nbf` (RFC 8392 §3.1.5).
const NBF: i64 = 5;
/// `iat` (RFC 8392 §3.1.6).
const IAT: i64 = 6;
/// `status_list` (Token Status List §14.3).
const STATUS_LIST: i64 = 65_533;
/// `ttl` (Token Status List §14.3).
const TTL: i64 = 65_534;

/// As for every document, but for the length.
const LIMITS: CborLimits = CborLimits { length: MAX_TOKEN, depth: 32, items: 10_000 };

/// Takes a CWT apart and checks that it says it is a Status List Token; gives its payload, unverified.
pub(super) fn parse(bytes: &[u8]) -> Result<(UnverifiedSign1<'_>, Item<'_>), StatusListError> {
    let sign1 = UnverifiedSign1::parse_within(bytes, LIMITS)?;
    // Token Status List §5.2: tagged as a COSE_Sign1, and not as a CWT besides; typed in the protected header
    if !sign1.is_tagged() || sign1.headers().typ() != Some(MEDIA_TYPE_CWT) {
        return Err(StatusListError::CwtType);
    }
    let allowed = SignatureAlgorithm::OPENID4VC;
    if !allowed.contains(&sign1.headers().algorithm()?) {
        return Err(CoseError::AlgorithmNotAllowed.into());
    }
    let payload = sign1.danger_unverified_payload().ok_or(CoseError::PayloadMissing)?;
    let claims = Item::parse_within(payload, LIMITS).map_err(CoseError::from)?;
    Ok((sign1, claims))
}

/// Reads what was signed.
pub(super) fn read(payload: &[u8]) -> Result<Content, StatusListError> {
    let claims = Item::parse_within(payload, LIMITS).map_err(CoseError::from)?;
    let list = claims.get(STATUS_LIST).ok_or(StatusListError::Malformed)?;
    let bits = list.get("bits").ok_or(StatusListError::Malformed)?;
    // Token Status List §4.3: bits is one of 1, 2, 4 and 8; lst is a byte string
    let bits = bits.as_integer().and_then(|bits| u64::try_from(bits).ok());
    let bits = bits.and_then(StatusBits::from_number).ok_or(StatusListError::Bits)?;
    let lst = list.get("lst").and_then(Item::as_bytes).ok_or(StatusListError::Malformed)?;
    let aggregation = match list.get("aggregation_uri") {
        None => None,
        Some(uri) => {
            let uri = uri.as_text().ok_or(StatusListError::Malformed)?;
            Some(StatusListUri::parse(uri).map_err(|_| StatusListError::Malformed)?)
        }
    };
    let number = |label| claims.get(label).map(number);
    let [iat, nbf, exp, ttl] = [IAT, NBF, EXP, TTL].map(number);
    Ok(Content {
        subject: claims.get(SUB).and_then(Item::as_text).map(str::to_owned),
        times: Times::read(iat.as_ref(), nbf.as_ref(), exp.as_ref(), ttl.as_ref())?,
        bits,
        list: lst.to_vec(),
        aggregation,
    })
}

/// A number; `null` for everything else, which is none.
fn number(item: &Item<'_>) -> Json {
    match item.content() {
        // RFC 8392 §2: a NumericDate has no tag in a CWT
        cbor::Content::Integer(_) | cbor::Content::Float(_) => item.to_json().unwrap_or_default(),
        _ => Json::Null,
    }
}

/// What goes into the claims of a CWT.
pub(super) struct Claims<'c> {
    pub(super) iss: Option<&'c str>,
    pub(super) sub: &'c str,
    pub(super) iat: i64,
    pub(super) exp: Option<i64>,
    pub(super) ttl: Option<i64>,
    pub(super) bits: u8,
    pub(super) lst: &'c [u8],
    pub(super) aggregation: Option<&'c str>,
}

impl Claims<'_> {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut list = vec![("bits", u64::from(self.bits).into()), ("lst", self.lst.into())];
        list.extend(self.aggregation.map(|uri| ("aggregation_uri", uri.into())));
        let mut claims: Vec<(i64, Value)> = vec![(SUB, self.sub.into()), (IAT, self.iat.into())];
        claims.extend(self.iss.map(|iss| (ISS, iss.into())));
        claims.extend(self.exp.map(|exp| (EXP, exp.into())));
        claims.extend(self.ttl.map(|ttl| (TTL, ttl.into())));
        claims.push((STATUS_LIST, Value::map(list)));
        let claims = claims.into_iter().map(|(label, value)| (label.into(), value));
        Value::Map(claims.collect()).encode()
    }
}

/// The protected header of a Status List Token.
pub(super) fn protected() -> Header {
    Header::new().with(cose::label::TYPE, MEDIA_TYPE_CWT)
}
