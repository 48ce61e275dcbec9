//! JWT VC Issuer Metadata: where an issuer publishes its keys (SD-JWT VC §4).

use async_trait::async_trait;
use serde_json::Value;
use thiserror::Error;
use url::Url;

use super::IssuerIdentifier;
use crate::{
    jose::{Jwk, JwkError},
    json::{self, JsonError, Object},
};

/// The longest document that is read.
const MAX_LENGTH: usize = 256 * 1024;

/// The most keys of one issuer.
const MAX_KEYS: usize = 100;

/// Gets the documents that issuers publish, unread; the crate that may open sockets stands behind it.
///
/// It is asked only for issuers that the trust policy names, so whoever presents a credential has no say
/// in where a request goes.
#[async_trait]
pub trait IssuerMetadataSource: Send + Sync {
    /// The bytes of the metadata, or of the key set that it refers to.
    ///
    /// # Errors
    /// [`IssuerMetadataUnavailable`].
    async fn document(&self, url: &Url) -> Result<Vec<u8>, IssuerMetadataUnavailable>;
}

/// Why a source has no document.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum IssuerMetadataUnavailable {
    /// The issuer's host says that there is none.
    #[error("the issuer publishes none")]
    NotPublished,
    /// Nobody can tell now.
    #[error("the issuer cannot be reached")]
    Unreachable,
}

/// What an issuer publishes about itself; it is trusted as far as the host it came from is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerMetadata {
    /// Who it is about.
    pub issuer: IssuerIdentifier,
    /// Where the keys are.
    pub keys: PublishedKeys,
}

/// Where the keys of an issuer are; the specification allows one of the two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublishedKeys {
    /// In the metadata, `jwks`.
    Inline(Vec<Jwk>),
    /// In a document of their own, `jwks_uri`.
    At(Url),
}

/// Why an issuer's metadata leads to no keys.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum IssuerMetadataError {
    /// A document was not to be had.
    #[error(transparent)]
    Unavailable(#[from] IssuerMetadataUnavailable),
    /// The issuer's identifier is no https URL, or has a query, a fragment or a user name.
    #[error("the issuer's identifier is not an https URL without query and fragment")]
    Identifier,
    /// A document is longer than any that is read.
    #[error("the document is too long")]
    TooLong,
    /// A document is not a JSON object, or breaks the rules of strict JSON.
    #[error("the document cannot be read: {0}")]
    Unreadable(#[from] JsonError),
    /// The metadata is about another issuer.
    #[error("the metadata is about another issuer")]
    ForeignIssuer,
    /// There are both `jwks` and `jwks_uri`, or neither.
    #[error("the metadata has not exactly one of jwks and jwks_uri")]
    NotExactlyOneKeySource,
    /// `jwks_uri` is not an https URL.
    #[error("jwks_uri is not an https URL")]
    KeySetUrl,
    /// `jwks`, or the document at `jwks_uri`, is not a JWK set, or one with too many keys.
    #[error("the keys are not a JWK set of a size that is read")]
    KeySet,
    /// A private key was published: whoever read it can sign.
    #[error("a private key was published")]
    PrivateKey,
}

impl IssuerMetadataError {
    /// Whether the keys may be had later.
    pub const fn is_undetermined(&self) -> bool {
        matches!(self, Self::Unavailable(IssuerMetadataUnavailable::Unreachable))
    }
}

impl IssuerMetadata {
    /// Where an issuer publishes its metadata.
    ///
    /// # Errors
    /// [`IssuerMetadataError::Identifier`].
    ///
    /// ```
    /// use lanyard_core::trust::{IssuerIdentifier, IssuerMetadata};
    ///
    /// let issuer = IssuerIdentifier::parse("https://example.com/tenant/1234").unwrap();
    /// let url = IssuerMetadata::url(&issuer).unwrap();
    /// assert_eq!(url.as_str(), "https://example.com/.well-known/jwt-vc-issuer/tenant/1234");
    /// ```
    pub fn url(issuer: &IssuerIdentifier) -> Result<Url, IssuerMetadataError> {
        let mut url = web(issuer.as_str()).ok_or(IssuerMetadataError::Identifier)?;
        // SD-JWT VC §4: scheme, host, port and path, and nothing else
        if url.query().is_some() || url.fragment().is_some() {
            return Err(IssuerMetadataError::Identifier);
        }
        // SD-JWT VC §4.1: a terminating slash goes, then the well-known string comes before the path
        let path = url.path().strip_suffix('/').unwrap_or(url.path());
        let path = format!("/.well-known/jwt-vc-issuer{path}");
        url.set_path(&path);
        Ok(url)
    }

    /// Reads what was found at [`IssuerMetadata::url`]; further members are ignored.
    ///
    /// # Errors
    /// One [`IssuerMetadataError`] per rule.
    pub fn parse(received: &[u8], issuer: &IssuerIdentifier) -> Result<Self, IssuerMetadataError> {
        let metadata = read(received)?;
        // SD-JWT VC §4.3: identical to iss, or nothing in it is used
        if metadata.get("issuer").and_then(Value::as_str) != Some(issuer.as_str()) {
            return Err(IssuerMetadataError::ForeignIssuer);
        }
        // SD-JWT VC §4.2: either, and not both
        let keys = match (metadata.get("jwks"), metadata.get("jwks_uri")) {
            (Some(jwks), None) => {
                let jwks = jwks.as_object().ok_or(IssuerMetadataError::KeySet)?;
                PublishedKeys::Inline(keys_of(jwks)?)
            }
            (None, Some(uri)) => {
                let url = uri.as_str().and_then(web).ok_or(IssuerMetadataError::KeySetUrl)?;
                // SD-JWT VC §3: whatever is fetched is fetched by https
                let own = IssuerMetadata::url(issuer)?;
                if url.scheme() != "https" && own.scheme() == "https" {
                    return Err(IssuerMetadataError::KeySetUrl);
                }
                PublishedKeys::At(url)
            }
            _ => return Err(IssuerMetadataError::NotExactlyOneKeySource),
        };
        Ok(Self { issuer: issuer.clone(), keys })
    }

    /// Reads the document at `jwks_uri` (RFC 7517 §5).
    ///
    /// # Errors
    /// One [`IssuerMetadataError`] per rule.
    pub fn parse_key_set(received: &[u8]) -> Result<Vec<Jwk>, IssuerMetadataError> {
        keys_of(&read(received)?)
    }

    /// Asks a source for the keys of an issuer, by one document or two.
    ///
    /// # Errors
    /// One [`IssuerMetadataError`] per rule; see [`IssuerMetadataError::is_undetermined`].
    pub async fn keys(
        issuer: &IssuerIdentifier,
        source: &dyn IssuerMetadataSource,
    ) -> Result<Vec<Jwk>, IssuerMetadataError> {
        let received = source.document(&Self::url(issuer)?).await?;
        match Self::parse(&received, issuer)?.keys {
            PublishedKeys::Inline(keys) => Ok(keys),
            PublishedKeys::At(url) => Self::parse_key_set(&source.document(&url).await?),
        }
    }
}

fn read(received: &[u8]) -> Result<Object, IssuerMetadataError> {
    if received.len() > MAX_LENGTH {
        return Err(IssuerMetadataError::TooLong);
    }
    Ok(json::parse_object(received)?)
}

/// An https URL without a user name, or an http URL on this very machine, for demonstrations.
fn web(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let own_machine = url.scheme() == "http" && url.host_str() == Some("localhost");
    let anonymous = url.username().is_empty() && url.password().is_none();
    ((url.scheme() == "https" || own_machine) && url.has_host() && anonymous).then_some(url)
}

fn keys_of(set: &Object) -> Result<Vec<Jwk>, IssuerMetadataError> {
    let keys = set.get("keys").and_then(Value::as_array).ok_or(IssuerMetadataError::KeySet)?;
    if keys.len() > MAX_KEYS {
        return Err(IssuerMetadataError::KeySet);
    }
    let mut read = Vec::with_capacity(keys.len());
    for key in keys {
        match Jwk::from_value(key) {
            Ok(key) => read.push(key),
            Err(JwkError::PrivateMember) => return Err(IssuerMetadataError::PrivateKey),
            // RFC 7517 §5: keys that are not understood or not supported are ignored
            Err(_) => {}
        }
    }
    Ok(read)
}
