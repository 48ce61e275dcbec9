//! The two hashes that hold a log together (did:webvh 1.0, SCID and Entry Hash).

use serde_json::Value;

use super::WebvhFault;
use crate::{
    crypto::CryptoProvider,
    did::multihash,
    json::{self, Object},
};

/// What stands for the SCID until it is known.
pub(super) const PLACEHOLDER: &str = "{SCID}";

/// The hash of an entry, chained to the `versionId` before it (or to the SCID, before the first).
pub(super) fn entry_hash(
    signed: &Object,
    previous: &str,
    provider: &dyn CryptoProvider,
) -> Result<String, WebvhFault> {
    let mut entry = signed.clone();
    entry.insert("versionId".to_owned(), previous.into());
    hash(&entry, provider)
}

/// The SCID that a first entry must have, which claims to have this one.
pub(super) fn scid(
    signed: &Object,
    claimed: &str,
    provider: &dyn CryptoProvider,
) -> Result<String, WebvhFault> {
    let mut entry = signed.clone();
    entry.insert("versionId".to_owned(), PLACEHOLDER.into());
    // did:webvh 1.0, Verify SCID (6): a replacement in the text, wherever it stands
    let text = Value::Object(entry).to_string().replace(claimed, PLACEHOLDER);
    hash(&json::parse_object(text.as_bytes()).map_err(|_| WebvhFault::Malformed)?, provider)
}

/// `base58btc(multihash(JCS(entry), SHA-256))`
pub(super) fn hash(entry: &Object, provider: &dyn CryptoProvider) -> Result<String, WebvhFault> {
    let canonical = json::canonicalize_object(entry).map_err(|_| WebvhFault::Malformed)?;
    Ok(multihash::sha256(canonical.as_bytes(), provider))
}
