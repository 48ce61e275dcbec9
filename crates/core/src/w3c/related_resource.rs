//! Resources whose content a credential fixes by digests (VCDM 2.0 §5.3).

use std::collections::HashSet;

use serde_json::Value;
use thiserror::Error;

use super::{
    Uri,
    members::{read_id, set},
};
use crate::{
    crypto::{CryptoProvider, HashAlgorithm},
    json::{self, Object},
};

/// The most resources, and the most digests of one, that are read.
const MAX_ENTRIES: usize = 64;

/// A resource that a credential relies on, and what its bytes must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelatedResource {
    id: Uri,
    media_type: Option<String>,
    sri: Vec<Digest>,
    multibase: Vec<Digest>,
}

/// A digest of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Digest {
    /// One that can be computed here.
    Known {
        /// The hash algorithm.
        algorithm: HashAlgorithm,
        /// The digest's bytes.
        value: Vec<u8>,
    },
    /// A well-formed one by an algorithm that nothing here computes.
    Unknown,
}

/// Why `relatedResource` is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum RelatedResourceFault {
    /// It is not one or more objects.
    #[error("it is not one or more objects")]
    NotAnObject,
    /// There are more than anybody needs.
    #[error("there are too many of them")]
    TooMany,
    /// An `id` is missing or not a URL.
    #[error("an id is missing or not a URL")]
    Id,
    /// Two objects have one `id`.
    #[error("two of them have one id")]
    RepeatedId,
    /// `mediaType` is not text.
    #[error("mediaType is not text")]
    MediaType,
    /// There is neither a `digestSRI` nor a `digestMultibase`.
    #[error("a digest is missing")]
    DigestMissing,
    /// `digestSRI` is not one or more hash expressions.
    #[error("digestSRI is malformed")]
    DigestSri,
    /// `digestMultibase` is not one or more multibase-encoded multihashes.
    #[error("digestMultibase is malformed")]
    DigestMultibase,
}

/// Why a resource is not the one that a credential relies on.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum RelatedResourceError {
    /// Its digest is another.
    #[error("the related resource has another digest")]
    DigestMismatch,
    /// None of its digests can be computed here.
    #[error("no digest of the related resource can be computed")]
    DigestUnsupported,
}

impl RelatedResourceError {
    /// The stable reason code, for operators.
    pub const fn code(self) -> &'static str {
        match self {
            Self::DigestMismatch => "vc_related_resource_digest_mismatch",
            Self::DigestUnsupported => "vc_related_resource_digest_unsupported",
        }
    }
}

impl RelatedResource {
    /// Which resource it is.
    pub const fn id(&self) -> &Uri {
        &self.id
    }

    /// Of which media type it is.
    pub fn media_type(&self) -> Option<&str> {
        self.media_type.as_deref()
    }

    /// Checks the bytes of the resource; whoever uses it calls this first.
    ///
    /// # Errors
    /// [`RelatedResourceError`]: another digest, or none that can be computed.
    pub fn check(
        &self,
        content: &[u8],
        provider: &dyn CryptoProvider,
    ) -> Result<(), RelatedResourceError> {
        // VCDM 2.0 §5.3: what the issuer gave in either form must match what was retrieved
        for digests in [&self.sri, &self.multibase].into_iter().filter(|set| !set.is_empty()) {
            check_strongest(digests, content, provider)?;
        }
        Ok(())
    }
}

/// SRI §3.3.4: of several digests those by the strongest algorithm count, and one of them must match.
fn check_strongest(
    digests: &[Digest],
    content: &[u8],
    provider: &dyn CryptoProvider,
) -> Result<(), RelatedResourceError> {
    let known = || {
        digests.iter().filter_map(|digest| match digest {
            Digest::Known { algorithm, value } => Some((*algorithm, value)),
            Digest::Unknown => None,
        })
    };
    let strongest = known().map(|(algorithm, _)| algorithm).max_by_key(|hash| hash.length());
    let strongest = strongest.ok_or(RelatedResourceError::DigestUnsupported)?;
    let computed = provider.hash(strongest, content);
    let matches = |(algorithm, value): (HashAlgorithm, &Vec<u8>)| {
        algorithm == strongest && value == computed.as_bytes()
    };
    if known().any(matches) { Ok(()) } else { Err(RelatedResourceError::DigestMismatch) }
}

/// Reads the `relatedResource` of a document; empty when there is none.
pub(super) fn read(document: &Object) -> Result<Vec<RelatedResource>, RelatedResourceFault> {
    let Some(value) = document.get("relatedResource") else {
        return Ok(Vec::new());
    };
    let entries = set(value);
    if entries.is_empty() {
        return Err(RelatedResourceFault::NotAnObject);
    }
    if entries.len() > MAX_ENTRIES {
        return Err(RelatedResourceFault::TooMany);
    }
    let resources = entries.iter().map(read_entry).collect::<Result<Vec<_>, _>>()?;
    // VCDM 2.0 §5.3: an id is unique among them
    let mut ids = HashSet::new();
    if resources.iter().all(|resource| ids.insert(&resource.id)) {
        Ok(resources)
    } else {
        Err(RelatedResourceFault::RepeatedId)
    }
}

fn read_entry(entry: &Value) -> Result<RelatedResource, RelatedResourceFault> {
    let entry = entry.as_object().ok_or(RelatedResourceFault::NotAnObject)?;
    let id = read_id(entry).ok().flatten().ok_or(RelatedResourceFault::Id)?;
    let media_type = match entry.get("mediaType") {
        None => None,
        Some(Value::String(media_type)) => Some(media_type.clone()),
        Some(_) => return Err(RelatedResourceFault::MediaType),
    };
    let sri = read_digests(entry.get("digestSRI"), |text| {
        // SRI §3.5: several expressions in one text are separated by white space
        text.split_ascii_whitespace().map(read_sri).collect()
    });
    let multibase = read_digests(entry.get("digestMultibase"), |text| {
        read_multibase(text).map(|digest| vec![digest])
    });
    let sri = sri.ok_or(RelatedResourceFault::DigestSri)?;
    let multibase = multibase.ok_or(RelatedResourceFault::DigestMultibase)?;
    // VCDM 2.0 §5.3: at least one of the two
    if sri.is_empty() && multibase.is_empty() {
        return Err(RelatedResourceFault::DigestMissing);
    }
    Ok(RelatedResource { id, media_type, sri, multibase })
}

/// None when the member is malformed, empty when it is not there.
fn read_digests(
    value: Option<&Value>,
    read: impl Fn(&str) -> Option<Vec<Digest>>,
) -> Option<Vec<Digest>> {
    let Some(value) = value else {
        return Some(Vec::new());
    };
    let read = |text: &Value| text.as_str().and_then(&read);
    let digests = set(value).iter().map(read).collect::<Option<Vec<_>>>()?.concat();
    if digests.is_empty() || digests.len() > MAX_ENTRIES { None } else { Some(digests) }
}

/// SRI §3.5: `hash-algo "-" base64-value`, perhaps `?` and options.
fn read_sri(expression: &str) -> Option<Digest> {
    let (expression, _options) = expression.split_once('?').unwrap_or((expression, ""));
    let (algorithm, value) = expression.split_once('-')?;
    let algorithm = match algorithm {
        "sha256" => HashAlgorithm::Sha256,
        "sha384" => HashAlgorithm::Sha384,
        "sha512" => HashAlgorithm::Sha512,
        _ => return None,
    };
    // its base64 may be spelled in either alphabet, with or without padding
    let value = value.trim_end_matches('=').replace('+', "-").replace('/', "_");
    let value = json::base64url_decode(&value).ok()?;
    if value.len() == algorithm.length() { Some(Digest::Known { algorithm, value }) } else { None }
}

/// VC Data Integrity §2.6: a multibase-encoded multihash; base64url (`u`) and base58 (`z`) are read.
fn read_multibase(text: &str) -> Option<Digest> {
    // the longest multihash there is has 64 bytes and a short header
    if text.len() > 128 {
        return None;
    }
    let bytes = match text.split_at_checked(1)? {
        ("u", rest) => json::base64url_decode(rest).ok()?,
        ("z", rest) => bs58::decode(rest).into_vec().ok()?,
        _ => return None,
    };
    // multihash: code and length, each one byte for every algorithm that is known here
    let (&[code, length], value) = bytes.split_first_chunk::<2>()?;
    let algorithm = match code {
        0x12 => HashAlgorithm::Sha256,
        0x20 => HashAlgorithm::Sha384,
        0x13 => HashAlgorithm::Sha512,
        _ => return Some(Digest::Unknown),
    };
    let fits = usize::from(length) == value.len() && value.len() == algorithm.length();
    fits.then(|| Digest::Known { algorithm, value: value.to_vec() })
}
