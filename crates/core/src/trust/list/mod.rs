//! Trust lists: whom a verifier believes, for which types, as data.
//!
//! A trust list is a JSON object (or the same in TOML, read into JSON by the caller):
//!
//! ```json
//! {
//!   "version": 1,
//!   "name": "Issuers that Acme trusts",
//!   "revocation": "where_published",
//!   "issuers": [
//!     {"name": "All under the national root",
//!      "certificates": {"anchors": ["-----BEGIN CERTIFICATE-----\n…"], "iss": "matches_certificate"},
//!      "types": {"vct": ["urn:eudi:pid:1"], "doctype": ["org.iso.18013.5.1.mDL"]}},
//!     {"metadata": "https://university.example"},
//!     {"did": "did:web:club.example", "types": {"w3c": ["ClubMembership"]}},
//!     {"keys": {"issuer": "https://shop.example", "jwks": {"keys": [{"kty": "EC", "…": "…"}]}}}
//!   ]
//! }
//! ```
//!
//! Each entry has exactly one of `certificates`, `metadata`, `did` and `keys`; without `types` it is
//! believed for every type. By a name (an `iss` or a DID) an issuer is trusted once for a type, so that
//! nobody but the list decides by which keys. Nothing is ignored: a member that is not known is a fault.

mod read;
mod write;

use std::fmt;

use serde_json::Value;
use thiserror::Error;

use super::{
    IssuerKeySource, IssuerTrust,
    x509::{ChainError, RevocationRule},
};
use crate::{
    credential::CredentialType,
    jose::JwkError,
    json::{self, JsonError},
    sd_jwt_vc::Vct,
};

/// The longest list that is read.
const MAX_LENGTH: usize = 4 * 1024 * 1024;

/// The most issuers of one list, and anchors, keys or types of one issuer.
const MAX_ENTRIES: usize = 1_000;

/// Whom a verifier or wallet believes, as data.
///
/// ```
/// use lanyard_core::trust::{IssuerTrust, TrustList};
///
/// let list = br#"{"version": 1, "issuers": [{"metadata": "https://issuer.example"}]}"#;
/// let trust: IssuerTrust = TrustList::parse(list).unwrap().to_trust();
///
/// let faults = TrustList::parse(br#"{"version": 1, "issuers": [{"did": "issuer"}]}"#).unwrap_err();
/// assert_eq!(faults.to_string(), "issuers[0].did: expected a DID");
/// ```
#[derive(Clone, Debug)]
pub struct TrustList {
    /// What the list is, for people.
    pub name: Option<String>,
    /// What revoked certificates mean.
    pub revocation: RevocationRule,
    /// The issuers.
    pub issuers: Vec<TrustEntry>,
}

/// One entry of a trust list.
#[derive(Clone, Debug)]
pub struct TrustEntry {
    /// Who it is, for people.
    pub name: Option<String>,
    /// How the keys are found.
    pub source: IssuerKeySource,
    /// The only types it is believed for; none means all.
    pub types: Option<TrustedTypes>,
}

/// The types that an issuer is believed for, in the words of each format.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedTypes {
    /// Types of SD-JWT VCs.
    pub vct: Vec<Vct>,
    /// Document types of mdocs.
    pub doctype: Vec<String>,
    /// Types of W3C credentials.
    pub w3c: Vec<String>,
}

/// One fault of a trust list.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{at}: {kind}")]
pub struct TrustListFault {
    /// The place, as `issuers[2].keys.issuer`.
    pub at: String,
    /// What is wrong there.
    pub kind: TrustListFaultKind,
}

/// What is wrong with a trust list.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TrustListFaultKind {
    /// The list is longer than any that is read.
    #[error("the list is too long")]
    TooLong,
    /// It cannot be read at all; the text says where.
    #[error(transparent)]
    Unreadable(#[from] JsonError),
    /// A member is missing, or of another form.
    #[error("expected {0}")]
    Expected(&'static str),
    /// There is no member of this name.
    #[error("there is no member {name}{}", .suggestion.map(|name| format!("; did you mean {name}?")).unwrap_or_default())]
    UnknownMember {
        /// The name that is none.
        name: String,
        /// What was meant, perhaps.
        suggestion: Option<&'static str>,
    },
    /// The list is of a version that is not read.
    #[error("the version of the list is not 1")]
    Version,
    /// A certificate cannot be an anchor.
    #[error("the certificate cannot be a trust anchor: {0}")]
    Anchor(ChainError),
    /// A key cannot be used.
    #[error("the key cannot be used: {0}")]
    Key(JwkError),
    /// An issuer is trusted once more, for the same type, by another entry.
    #[error("the issuer is trusted by issuers[{0}] already, for the same type")]
    TrustedTwice(usize),
    /// More entries than are read.
    #[error("more than {0} entries")]
    TooMany(usize),
}

/// Every fault of a trust list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustListFaults(pub Vec<TrustListFault>);

impl fmt::Display for TrustListFaults {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            write!(out, "{}{fault}", if index == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for TrustListFaults {}

impl TrustList {
    /// Reads a list, JSON.
    ///
    /// # Errors
    /// [`TrustListFaults`]: every fault, each with its place.
    pub fn parse(received: &[u8]) -> Result<Self, TrustListFaults> {
        let whole = |kind| TrustListFaults(vec![TrustListFault { at: "list".to_owned(), kind }]);
        if received.len() > MAX_LENGTH {
            return Err(whole(TrustListFaultKind::TooLong));
        }
        let value = json::parse(received).map_err(|error| whole(error.into()))?;
        Self::from_value(&value)
    }

    /// Reads a list that already is a JSON value, such as one that was TOML.
    ///
    /// # Errors
    /// [`TrustListFaults`]: every fault, each with its place.
    pub fn from_value(value: &Value) -> Result<Self, TrustListFaults> {
        read::read(value)
    }

    /// The list as a JSON value; [`TrustList::from_value`] reads the same list from it.
    pub fn to_value(&self) -> Value {
        write::write(self)
    }

    /// What the list says, to verify by.
    pub fn to_trust(&self) -> IssuerTrust {
        let trust = IssuerTrust::new().with_revocation(self.revocation);
        self.issuers.iter().fold(trust, |trust, entry| match &entry.types {
            None => trust.with(entry.source.clone()),
            Some(types) => trust.with_types(entry.source.clone(), types.all()),
        })
    }
}

impl TrustedTypes {
    fn all(&self) -> impl Iterator<Item = CredentialType> {
        let vct = self.vct.iter().map(CredentialType::vct);
        let doctype = self.doctype.iter().map(CredentialType::doc_type);
        let w3c = self.w3c.iter().map(CredentialType::w3c);
        vct.chain(doctype).chain(w3c)
    }
}

impl TrustEntry {
    /// The name that credentials of this issuer have in them; none where a certificate says who it is.
    fn issuer(&self) -> Option<&str> {
        match &self.source {
            IssuerKeySource::Certificates { .. } => None,
            IssuerKeySource::Did(did) => Some(did.as_str()),
            IssuerKeySource::Keys { issuer, .. } | IssuerKeySource::Metadata(issuer) => {
                Some(issuer.as_str())
            }
        }
    }

    /// Whether another entry is about the same issuer and about one of the types of this one.
    fn collides(&self, other: &Self) -> bool {
        let same = self.issuer().is_some() && self.issuer() == other.issuer();
        same && match (&self.types, &other.types) {
            (None, _) | (_, None) => true,
            (Some(own), Some(other)) => own.all().any(|one| other.all().any(|two| one == two)),
        }
    }
}
