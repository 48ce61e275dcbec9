//! Reading a Status List Token that was fetched (Token Status List §8.3).

use std::fmt;

use jiff::SignedDuration;
use serde_json::Value;

use super::{SLOT, StatusBits, StatusList, StatusListError};
use crate::{
    Timestamp,
    credential::CredentialType,
    crypto::{CryptoProvider, Curve, PublicKey, SignatureAlgorithm},
    jose::UnverifiedJws,
    json::{self, Object, numeric_date},
    status::{Status, StatusListUri},
    trust::{ClaimedCertificates, ClaimedIssuer, IssuerIdentifier, x509::CertificatePurpose},
};

/// How far the clock of whoever signed a list may be ahead.
const LEEWAY: SignedDuration = SignedDuration::from_secs(60);

/// A Status List Token that was taken apart; nothing in it is trusted.
#[derive(Debug)]
pub struct UnverifiedStatusList<'t> {
    jws: UnverifiedJws<'t>,
    issuer: Option<IssuerIdentifier>,
}

impl<'t> UnverifiedStatusList<'t> {
    /// Takes a token in JWT form apart, and checks that it says it is one.
    ///
    /// # Errors
    /// [`StatusListError::Jws`] for its form, `typ` and `alg`, and [`StatusListError::Iss`].
    pub fn parse_jwt(compact: &'t str) -> Result<Self, StatusListError> {
        let jws = UnverifiedJws::parse(compact)?;
        jws.check_slot(&SLOT)?;
        let issuer = match jws.danger_unverified_claims()?.remove("iss") {
            None => None,
            Some(Value::String(iss)) => {
                Some(IssuerIdentifier::parse(iss).map_err(|_| StatusListError::Iss)?)
            }
            Some(_) => return Err(StatusListError::Iss),
        };
        Ok(Self { jws, issuer })
    }

    /// What it says about who signed it, to find the key by.
    ///
    /// `iss` is optional in a list; without it the list claims to be by the issuer of the credentials it is
    /// about, which their signature vouches for, and whoever signs it is trusted for their types.
    pub fn claimed_issuer<'c>(
        &'c self,
        referring: Option<&'c IssuerIdentifier>,
        types: &[CredentialType],
    ) -> ClaimedIssuer<'c> {
        let header = self.jws.header();
        let purpose = CertificatePurpose::CredentialSigning;
        ClaimedIssuer {
            types: types.to_vec(),
            issuer: self.issuer.as_ref().or(referring),
            key_id: header.kid.as_deref(),
            curve: self.curve(),
            certificates: header.x5c.as_deref().map(|der| ClaimedCertificates { der, purpose }),
        }
    }

    fn curve(&self) -> Option<Curve> {
        SignatureAlgorithm::from_name(&self.jws.header().alg).map(SignatureAlgorithm::curve)
    }

    /// Verifies the list that a credential refers to by this URI.
    ///
    /// # Errors
    /// One [`StatusListError`] per rule.
    pub fn verify(
        self,
        key: &PublicKey,
        uri: &StatusListUri,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Result<VerifiedStatusList, StatusListError> {
        let claims = self.jws.verify(&SLOT, key, provider)?.claims()?;
        // Token Status List §8.3(4.1): sub is the uri of the referenced token
        if claims.get("sub").and_then(Value::as_str) != Some(uri.as_str()) {
            return Err(StatusListError::AnotherList);
        }
        let times = Times::read(&claims)?;
        times.judge(now)?;
        let (list, aggregation) = read_list(&claims)?;
        Ok(VerifiedStatusList { list, uri: uri.clone(), times, aggregation })
    }
}

/// `status_list`: the list and where the list of all lists is.
fn read_list(claims: &Object) -> Result<(StatusList, Option<StatusListUri>), StatusListError> {
    let members =
        claims.get("status_list").and_then(Value::as_object).ok_or(StatusListError::Malformed)?;
    let bits = members.get("bits").ok_or(StatusListError::Malformed)?;
    // Token Status List §4.2: bits is one of 1, 2, 4 and 8
    let bits = bits.as_u64().and_then(StatusBits::from_number).ok_or(StatusListError::Bits)?;
    let lst = members.get("lst").and_then(Value::as_str).ok_or(StatusListError::Malformed)?;
    let aggregation = match members.get("aggregation_uri") {
        None => None,
        Some(uri) => {
            let uri = uri.as_str().ok_or(StatusListError::Malformed)?;
            Some(StatusListUri::parse(uri).map_err(|_| StatusListError::Malformed)?)
        }
    };
    Ok((StatusList::decompress(bits, &json::base64url_decode(lst)?)?, aggregation))
}

/// When a list was made, and for how long it is good.
#[derive(Clone, Copy, Debug)]
struct Times {
    issued_at: Timestamp,
    expires_at: Option<Timestamp>,
    ttl: Option<SignedDuration>,
}

impl Times {
    fn read(claims: &Object) -> Result<Self, StatusListError> {
        // Token Status List §5.1: iat is required
        let issued_at =
            claims.get("iat").and_then(numeric_date).ok_or(StatusListError::IssuedAt)?;
        let expires_at = match claims.get("exp") {
            None => None,
            Some(exp) => Some(numeric_date(exp).ok_or(StatusListError::Expiry)?),
        };
        // Token Status List §5.1: ttl is a positive number, in seconds
        let ttl = match claims.get("ttl").map(Value::as_f64) {
            None => None,
            // a cast from a float stops at the ends of the range
            Some(Some(ttl)) if ttl > 0.0 => Some(SignedDuration::from_secs(ttl as i64)),
            Some(_) => return Err(StatusListError::Ttl),
        };
        Ok(Self { issued_at, expires_at, ttl })
    }

    fn judge(&self, now: Timestamp) -> Result<(), StatusListError> {
        if now.duration_until(self.issued_at) > LEEWAY {
            return Err(StatusListError::IssuedInTheFuture);
        }
        // Token Status List §8.3(4.3): after exp it says nothing; there is no leeway, a new one is out
        if self.expires_at.is_some_and(|end| end <= now) {
            return Err(StatusListError::Expired);
        }
        Ok(())
    }
}

/// A list whose signature and times were checked.
#[derive(Clone)]
pub struct VerifiedStatusList {
    list: StatusList,
    uri: StatusListUri,
    times: Times,
    aggregation: Option<StatusListUri>,
}

/// For how long a copy of a list may be kept, whatever the list says (Token Status List §11.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// No `ttl` is taken for less.
    pub shortest: SignedDuration,
    /// No `ttl` is taken for more.
    pub longest: SignedDuration,
    /// What is taken where there is no `ttl`.
    pub unstated: SignedDuration,
}

impl Default for Freshness {
    /// Between ten seconds and a day; five minutes where the list says nothing.
    fn default() -> Self {
        Self {
            shortest: SignedDuration::from_secs(10),
            longest: SignedDuration::from_hours(24),
            unstated: SignedDuration::from_mins(5),
        }
    }
}

impl VerifiedStatusList {
    /// The status at a position.
    ///
    /// # Errors
    /// [`StatusListError::IndexOutOfRange`].
    pub fn status(&self, index: u64) -> Result<Status, StatusListError> {
        self.list.status(index)
    }

    /// The list.
    pub const fn list(&self) -> &StatusList {
        &self.list
    }

    /// Where it is published.
    pub const fn uri(&self) -> &StatusListUri {
        &self.uri
    }

    /// Where the list of all lists is published (Token Status List §9).
    pub const fn aggregation(&self) -> Option<&StatusListUri> {
        self.aggregation.as_ref()
    }

    /// When it was made.
    pub const fn issued_at(&self) -> Timestamp {
        self.times.issued_at
    }

    /// From when on it says nothing any more.
    pub const fn expires_at(&self) -> Option<Timestamp> {
        self.times.expires_at
    }

    /// How long a copy may be kept before the list is fetched again.
    pub const fn ttl(&self) -> Option<SignedDuration> {
        self.times.ttl
    }

    /// Until when a copy that was fetched at a moment need not be fetched again; never beyond `exp`.
    pub fn fresh_until(&self, fetched_at: Timestamp, freshness: &Freshness) -> Timestamp {
        let ttl = self.times.ttl.unwrap_or(freshness.unstated);
        let ttl = ttl.min(freshness.longest).max(freshness.shortest);
        // Token Status List §8.3: the time of fetching plus ttl
        let until = fetched_at.checked_add(ttl).unwrap_or(Timestamp::MAX);
        self.times.expires_at.map_or(until, |end| until.min(end))
    }

    /// Whether `exp` has come.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.times.expires_at.is_some_and(|end| end <= now)
    }
}

impl fmt::Debug for VerifiedStatusList {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "VerifiedStatusList({}, {:?})", self.uri, self.list)
    }
}
