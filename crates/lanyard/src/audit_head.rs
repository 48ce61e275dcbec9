//! Where an audit chain ended, signed: kept elsewhere, it shows later that the end of the chain is still there.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use lanyard_core::{
    crypto::{CryptoProvider, PublicKey, SignatureAlgorithm, Signer, SignerError},
    jose::{self, JwsError, Slot, UnverifiedJws},
    json::{self, Object},
};
use lanyard_store::{AuditHead, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The key of a tenant that signs where its chain ends.
pub const AUDIT_KEY: &str = "audit/key";

const TYP: &str = "lanyard-audit-head+jwt";

const SLOT: Slot = Slot {
    name: "head of an audit chain",
    typ: &[TYP],
    algorithms: &[SignatureAlgorithm::Es256],
    header_keys: &[],
};

/// What a server says about the end of a chain at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedHead {
    /// The tenant.
    pub tenant: TenantId,
    /// The number of the last block.
    pub block: u64,
    /// How many entries there were.
    pub entries: u64,
    /// The hash of the last block, in base64url.
    pub hash: String,
    /// The epoch of the store: a restored one is in a later.
    pub epoch: u32,
    /// When it was signed, in seconds since 1970.
    pub iat: i64,
}

/// Why a line is no signed head of this tenant.
#[derive(Debug, thiserror::Error)]
pub enum HeadRefused {
    /// The token is refused.
    #[error(transparent)]
    Token(#[from] JwsError),
    /// It says something else than where a chain ended.
    #[error("it does not say where a chain ended")]
    Malformed,
}

impl SignedHead {
    /// What is said of a chain now.
    #[must_use]
    pub fn new(tenant: TenantId, head: &AuditHead, epoch: u32, now: jiff::Timestamp) -> Self {
        let AuditHead { number, entries, hash } = *head;
        let hash = json::base64url(hash);
        Self { tenant, block: number, entries, hash, epoch, iat: now.as_second() }
    }

    /// Signs it as a JWS.
    ///
    /// # Errors
    /// [`SignerError`] as the signer gives it.
    pub async fn sign(&self, signer: &dyn Signer) -> Result<String, SignerError> {
        let mut header = Object::new();
        header.insert("typ".to_owned(), json!(TYP));
        jose::sign(header, self, signer).await
    }

    /// Reads whose it says that it is, to find the key by; it is not trusted.
    ///
    /// # Errors
    /// [`HeadRefused`].
    pub fn danger_unverified(line: &str) -> Result<Self, HeadRefused> {
        let claims = UnverifiedJws::parse(line)?.danger_unverified_claims()?;
        serde_json::from_value(Value::Object(claims)).map_err(|_| HeadRefused::Malformed)
    }

    /// Reads one that was signed with this key.
    ///
    /// # Errors
    /// [`HeadRefused`].
    pub fn verify(
        line: &str,
        key: &PublicKey,
        provider: &dyn CryptoProvider,
    ) -> Result<Self, HeadRefused> {
        let claims = UnverifiedJws::parse(line)?.verify(&SLOT, key, provider)?.claims()?;
        serde_json::from_value(Value::Object(claims)).map_err(|_| HeadRefused::Malformed)
    }
}

/// Puts lines to the end of a file, which is made for its owner and group, and returns once they are on the disk.
///
/// # Errors
/// What the file system answers.
pub fn append(file: &Path, lines: &[String]) -> io::Result<()> {
    let text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
    let mut file = OpenOptions::new().create(true).append(true).mode(0o640).open(file)?;
    file.write_all(text.as_bytes())?;
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use lanyard_core::crypto::{AwsLc, Curve, SoftwareSigner};

    use super::*;

    fn head() -> SignedHead {
        let end = AuditHead { number: 7, entries: 90, hash: [3; 32] };
        SignedHead::new("demo".parse().unwrap(), &end, 0, "2026-11-30T12:00:00Z".parse().unwrap())
    }

    #[tokio::test]
    async fn a_head_is_believed_with_the_key_that_signed_it_alone() {
        let [own, other] = [(); 2].map(|()| AwsLc.generate_key(Curve::P256).unwrap());
        let signer = SoftwareSigner::new(&AwsLc, &own).unwrap();
        let line = head().sign(&signer).await.unwrap();
        assert_eq!(SignedHead::danger_unverified(&line).unwrap(), head());
        assert_eq!(SignedHead::verify(&line, own.public(), &AwsLc).unwrap(), head());
        let refused = SignedHead::verify(&line, other.public(), &AwsLc);
        assert!(matches!(refused, Err(HeadRefused::Token(JwsError::Signature(_)))));
    }

    #[tokio::test]
    async fn another_token_of_the_same_key_is_no_head() {
        let key = AwsLc.generate_key(Curve::P256).unwrap();
        let signer = SoftwareSigner::new(&AwsLc, &key).unwrap();
        let mut header = Object::new();
        header.insert("typ".to_owned(), json!("jwt"));
        let line = jose::sign(header, &head(), &signer).await.unwrap();
        let refused = SignedHead::verify(&line, key.public(), &AwsLc);
        assert!(matches!(refused, Err(HeadRefused::Token(JwsError::WrongType(_)))));
    }

    #[test]
    fn lines_are_put_to_the_end_of_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("heads");
        append(&file, &["a".to_owned()]).unwrap();
        append(&file, &["b".to_owned(), "c".to_owned()]).unwrap();
        assert_eq!(std::fs::read_to_string(file).unwrap(), "a\nb\nc\n");
    }
}
