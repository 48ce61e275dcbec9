//! Reading a Status List Token that was fetched (Token Status List §8.3).

use std::{fmt, sync::Arc};

use jiff::SignedDuration;
use serde_json::Value;

use super::{
    MEDIA_TYPE_CWT, MEDIA_TYPE_JWT, SLOT, SharedLists, StatusBits, StatusList, StatusListError, cwt,
};
use crate::{
    Timestamp,
    cose::UnverifiedSign1,
    credential::CredentialType,
    crypto::{CryptoProvider, PublicKey, SignatureAlgorithm},
    jose::{JwsError, UnverifiedJws},
    json::{self, Object, numeric_date},
    status::{Freshness, MAX_TOKEN, Status, StatusListUri},
    trust::{ClaimedCertificates, ClaimedIssuer, IssuerIdentifier, x509::CertificatePurpose},
};

/// How far the clock of whoever signed a list may be ahead.
const LEEWAY: SignedDuration = SignedDuration::from_secs(60);

/// A Status List Token that was taken apart; nothing in it is trusted.
#[derive(Debug)]
pub struct UnverifiedStatusList<'t> {
    signed: Signed<'t>,
    issuer: Option<IssuerIdentifier>,
    key_id: Option<String>,
    algorithm: SignatureAlgorithm,
    certificates: Option<Vec<Vec<u8>>>,
    shared: SharedLists,
}

/// The two forms of a token.
#[derive(Debug)]
enum Signed<'t> {
    Jwt(Box<UnverifiedJws<'t>>),
    Cwt(UnverifiedSign1<'t>),
}

/// What a token says.
pub(super) struct Content {
    pub(super) subject: Option<String>,
    pub(super) times: Times,
    pub(super) bits: StatusBits,
    /// The statuses, compressed.
    pub(super) list: Vec<u8>,
    pub(super) aggregation: Option<StatusListUri>,
}

impl<'t> UnverifiedStatusList<'t> {
    /// Takes apart what came with this media type, which is without parameters.
    ///
    /// # Errors
    /// [`StatusListError::MediaType`] for every other type than the two of the specification, and as
    /// [`UnverifiedStatusList::parse_jwt`] and [`UnverifiedStatusList::parse_cwt`].
    pub fn parse(media_type: &str, bytes: &'t [u8]) -> Result<Self, StatusListError> {
        // Token Status List §8.1: the media type says which of the two forms it is
        match media_type {
            MEDIA_TYPE_JWT => {
                let compact = str::from_utf8(bytes).map_err(|_| JwsError::Malformed)?;
                Self::parse_jwt(compact.trim_ascii_end())
            }
            MEDIA_TYPE_CWT => Self::parse_cwt(bytes),
            _ => Err(StatusListError::MediaType),
        }
    }

    /// Takes a token in JWT form apart, and checks that it says it is one.
    ///
    /// # Errors
    /// [`StatusListError::Jws`] for its form, `typ` and `alg`, and [`StatusListError::Iss`].
    pub fn parse_jwt(compact: &'t str) -> Result<Self, StatusListError> {
        let jws = UnverifiedJws::parse_within(compact, MAX_TOKEN)?;
        let algorithm = jws.check_slot(&SLOT)?;
        let issuer = match jws.danger_unverified_claims()?.remove("iss") {
            None => None,
            Some(Value::String(iss)) => {
                Some(IssuerIdentifier::parse(iss).map_err(|_| StatusListError::Iss)?)
            }
            Some(_) => return Err(StatusListError::Iss),
        };
        let (key_id, certificates) = (jws.header().kid.clone(), jws.header().x5c.clone());
        let (signed, shared) = (Signed::Jwt(Box::new(jws)), SharedLists::default());
        Ok(Self { signed, issuer, key_id, algorithm, certificates, shared })
    }

    /// Takes a token in CWT form apart, and checks that it says it is one.
    ///
    /// # Errors
    /// [`StatusListError::Cose`] and [`StatusListError::CwtType`] for its form, tag, `typ` and `alg`, and
    /// [`StatusListError::Iss`].
    pub fn parse_cwt(bytes: &'t [u8]) -> Result<Self, StatusListError> {
        let (sign1, claims) = cwt::parse(bytes)?;
        let issuer = match claims.get(cwt::ISS) {
            None => None,
            Some(iss) => {
                let iss = iss.as_text().ok_or(StatusListError::Iss)?;
                Some(IssuerIdentifier::parse(iss).map_err(|_| StatusListError::Iss)?)
            }
        };
        let headers = sign1.headers();
        let key_id = headers.key_id().and_then(|kid| str::from_utf8(kid).ok()).map(str::to_owned);
        let (algorithm, certificates) = (headers.algorithm()?, headers.x5chain()?);
        let (signed, shared) = (Signed::Cwt(sign1), SharedLists::default());
        Ok(Self { signed, issuer, key_id, algorithm, certificates, shared })
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
        let purpose = CertificatePurpose::CredentialSigning;
        ClaimedIssuer {
            types: types.to_vec(),
            issuer: self.issuer.as_ref().or(referring),
            key_id: self.key_id.as_deref(),
            curve: Some(self.algorithm.curve()),
            certificates: self
                .certificates
                .as_deref()
                .map(|der| ClaimedCertificates { der, purpose }),
        }
    }

    /// Holds the list together with whoever else has read the same.
    #[must_use]
    pub fn sharing(mut self, lists: &SharedLists) -> Self {
        self.shared = lists.clone();
        self
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
        let content = match self.signed {
            Signed::Jwt(jws) => read(&jws.verify(&SLOT, key, provider)?.claims()?)?,
            Signed::Cwt(sign1) => cwt::read(sign1.verify(key, b"", provider)?.payload())?,
        };
        let Content { subject, times, bits, list, aggregation } = content;
        // Token Status List §8.3(4.1): sub is the uri of the referenced token
        if subject.as_deref() != Some(uri.as_str()) {
            return Err(StatusListError::AnotherList);
        }
        times.judge(now)?;
        let list = self.shared.decompress(bits, &list, provider)?;
        Ok(VerifiedStatusList { list, uri: uri.clone(), times, aggregation })
    }
}

/// Reads the claims of a JWT.
fn read(claims: &Object) -> Result<Content, StatusListError> {
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
    let [iat, nbf, exp, ttl] = ["iat", "nbf", "exp", "ttl"].map(|name| claims.get(name));
    Ok(Content {
        subject: claims.get("sub").and_then(Value::as_str).map(str::to_owned),
        times: Times::read(iat, nbf, exp, ttl)?,
        bits,
        list: json::base64url_decode(lst)?,
        aggregation,
    })
}

/// When a list was made, and for how long it is good.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    issued_at: Timestamp,
    not_before: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    ttl: Option<SignedDuration>,
}

impl Times {
    pub(super) fn read(
        iat: Option<&Value>,
        nbf: Option<&Value>,
        exp: Option<&Value>,
        ttl: Option<&Value>,
    ) -> Result<Self, StatusListError> {
        // Token Status List §5.1: iat is required
        let issued_at = iat.and_then(numeric_date).ok_or(StatusListError::IssuedAt)?;
        // RFC 7519 §4.1.5: nbf is a NumericDate, where it is there
        let not_before = match nbf {
            None => None,
            Some(nbf) => Some(numeric_date(nbf).ok_or(StatusListError::NotBefore)?),
        };
        let expires_at = match exp {
            None => None,
            Some(exp) => Some(numeric_date(exp).ok_or(StatusListError::Expiry)?),
        };
        // Token Status List §5.1: ttl is a positive number, in seconds
        let ttl = match ttl.map(Value::as_f64) {
            None => None,
            // a cast from a float stops at the ends of the range
            Some(Some(ttl)) if ttl > 0.0 => Some(SignedDuration::from_secs(ttl as i64)),
            Some(_) => return Err(StatusListError::Ttl),
        };
        Ok(Self { issued_at, not_before, expires_at, ttl })
    }

    fn judge(&self, now: Timestamp) -> Result<(), StatusListError> {
        if now.duration_until(self.issued_at) > LEEWAY {
            return Err(StatusListError::IssuedInTheFuture);
        }
        // RFC 7519 §4.1.5, RFC 8392 §3.1.5: before nbf it is not accepted
        if self.not_before.is_some_and(|start| now.duration_until(start) > LEEWAY) {
            return Err(StatusListError::NotYetValid);
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
    list: Arc<StatusList>,
    uri: StatusListUri,
    times: Times,
    aggregation: Option<StatusListUri>,
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
    pub fn list(&self) -> &StatusList {
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
        freshness.until(fetched_at, self.times.ttl, self.times.expires_at)
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
