//! The files of a DID of one's own: made and changed in a folder, published by whoever runs the web server.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use lanyard_core::crypto::{
    AwsLc, CryptoError, CryptoProvider as _, Curve, PrivateKey, PublicKey, SoftwareSigner,
};
use lanyard_core::did::webvh::{
    LogError, NewDid, SignedEntry, UnverifiedLog, VerifiedLog, WebvhDid, WebvhFault, WriteError,
    parallel_did_web,
};
use lanyard_core::did::{
    Did, DidDocument, DidWebSource, DidWebvhSource, DocumentFault, Fetched, ResolutionError,
};
use lanyard_core::jose::PrivateJwk;
use lanyard_core::json::{self, Object};
use lanyard_fetch::{DidWebError, DidWebUrl};
use serde_json::{Value, json};
use url::Url;

use crate::cli::did::{CreateArgs, DidMethod};
use crate::files;

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DidFileError {
    /// A file cannot be read or written.
    #[error("{}: {why}", file.display())]
    File {
        /// Which one.
        file: PathBuf,
        /// Why.
        why: String,
    },
    /// A key file can be read by others.
    #[error("{0} can be read by others; run chmod 600 {0}", file.display())]
    KeyIsOpen {
        /// Which one.
        file: PathBuf,
    },
    /// A key file holds no private JWK of the curve that the method needs.
    #[error("{}: not a private JWK of the curve {curve:?}", file.display())]
    Key {
        /// Which one.
        file: PathBuf,
        /// What is needed.
        curve: Curve,
    },
    /// The folder has a DID already.
    #[error("{} is there already; update, rotate or deactivate it, or choose another folder", .0.display())]
    Exists(PathBuf),
    /// The folder has no DID.
    #[error("{} has neither did.jsonl nor did.json; make one with lanyard did create", .0.display())]
    Missing(PathBuf),
    /// The place makes no did:web.
    #[error("the place makes no did:web: {0}")]
    Place(#[from] DidWebError),
    /// The document is none.
    #[error("the document is refused: {0}")]
    Document(#[from] DocumentFault),
    /// The log in the folder is broken.
    #[error("the log in the folder is refused: {0}")]
    Log(#[from] LogError),
    /// The last entry committed to a key, which has to be taken up.
    #[error(
        "the last entry committed to its next key; use lanyard did rotate, with --new-key and that key"
    )]
    Committed,
    /// The entry cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The system made no key.
    #[error("no key can be made: {0}")]
    Crypto(#[from] CryptoError),
}

impl DidFileError {
    /// The stable code of the reason.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::File { .. } => "file",
            Self::KeyIsOpen { .. } => "key_is_open",
            Self::Key { .. } => "key",
            Self::Exists(_) => "did_exists",
            Self::Missing(_) => "did_missing",
            Self::Place(_) => "place",
            Self::Document(_) => "document",
            Self::Log(_) => "log",
            Self::Committed => "key_committed",
            Self::Write(_) => "entry",
            Self::Crypto(_) => "crypto",
        }
    }

    /// Whether a rule refused it, and not the way it was asked for.
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::Document(_) | Self::Log(_) | Self::Write(_) | Self::Committed)
    }
}

/// A private key from a file.
pub struct Key(PrivateKey);

impl Key {
    /// Reads a private JWK that its owner alone can read.
    ///
    /// # Errors
    /// When there is none of this curve in the file.
    pub fn read(file: &Path, curve: Curve) -> Result<Self, DidFileError> {
        let text = std::fs::read(file).map_err(|error| failed(file, &error))?;
        if files::open_to_others(file).is_some() {
            return Err(DidFileError::KeyIsOpen { file: file.to_owned() });
        }
        let wrong = || DidFileError::Key { file: file.to_owned(), curve };
        let value = json::parse(&text).map_err(|_| wrong())?;
        let key = PrivateJwk::from_value(&value).map_err(|_| wrong())?.key;
        if key.public().curve() == curve { Ok(Self(key)) } else { Err(wrong()) }
    }

    /// Reads a private JWK, or makes one where there is no such file.
    ///
    /// # Errors
    /// As [`Key::read`], and when the file cannot be written.
    pub fn read_or_make(file: &Path, curve: Curve) -> Result<Self, DidFileError> {
        if file.exists() {
            return Self::read(file, curve);
        }
        let key = AwsLc.generate_key(curve)?;
        let text = PrivateJwk { key: key.clone(), kid: None }.danger_to_json();
        files::write_private(file, text.as_bytes()).map_err(|error| failed(file, &error))?;
        Ok(Self(key))
    }

    fn public(&self) -> PublicKey {
        *self.0.public()
    }

    fn signer(&self) -> Result<SoftwareSigner, DidFileError> {
        Ok(SoftwareSigner::new(&AwsLc, &self.0)?)
    }

    fn multibase(&self) -> String {
        Did::from_key(&self.public()).method_specific_id().to_owned()
    }
}

/// What is to change; the rest stays as it is.
#[derive(Default)]
pub struct Change {
    /// The document.
    pub document: Option<Object>,
    /// The key; of a DID that committed to one, that one.
    pub new_key: Option<Key>,
    /// The key to commit to.
    pub next_key: Option<Key>,
    /// Whether the DID is given up.
    pub deactivate: bool,
}

/// What was written.
#[derive(Debug)]
pub struct Written {
    /// The DID.
    pub did: Did,
    /// The version, where the method has versions.
    pub version_id: Option<String>,
    /// The files.
    pub files: Vec<PathBuf>,
    /// Where they belong.
    pub publish_at: Vec<Url>,
    /// What is left to do.
    pub note: Option<&'static str>,
}

/// The folder of a DID.
pub struct DidFolder(PathBuf);

impl DidFolder {
    /// A folder, with or without a DID in it.
    pub fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// Whether the DID in it is a did:webvh.
    pub fn is_webvh(&self) -> bool {
        self.log().exists()
    }

    /// The curve of this DID's keys.
    pub fn curve(&self) -> Curve {
        Self::curve_of(if self.is_webvh() { DidMethod::Webvh } else { DidMethod::Web })
    }

    /// The curve of a method's keys: did:webvh 1.0 has Ed25519 alone, and P-256 is what HAIP wants.
    pub const fn curve_of(method: DidMethod) -> Curve {
        match method {
            DidMethod::Web => Curve::P256,
            DidMethod::Webvh => Curve::Ed25519,
        }
    }

    fn log(&self) -> PathBuf {
        self.0.join("did.jsonl")
    }

    fn document(&self) -> PathBuf {
        self.0.join("did.json")
    }

    /// Makes a did:web.
    ///
    /// # Errors
    /// One [`DidFileError`] per reason.
    pub fn create_web(
        &self,
        place: &str,
        document: Option<Object>,
        key: &Key,
    ) -> Result<Written, DidFileError> {
        self.must_be_free()?;
        let text = format!("did:web:{place}");
        DidWebUrl::of(&text)?;
        let did = Did::parse(&text).map_err(|_| DidWebError::IllegalCharacter)?;
        let document = document.unwrap_or_else(|| document_of(&text, key));
        self.write_web(&did, document)
    }

    /// Changes a did:web.
    ///
    /// # Errors
    /// One [`DidFileError`] per reason.
    pub fn change_web(&self, change: Change) -> Result<Written, DidFileError> {
        let file = self.document();
        if !file.exists() {
            return Err(DidFileError::Missing(self.0.clone()));
        }
        let text = std::fs::read(&file).map_err(|error| failed(&file, &error))?;
        let current = json::parse_object(&text).map_err(DocumentFault::from)?;
        let did = current.get("id").and_then(Value::as_str).and_then(|id| Did::parse(id).ok());
        let did = did.ok_or(DocumentFault::ForeignId)?;
        if change.deactivate {
            std::fs::remove_file(&file).map_err(|error| failed(&file, &error))?;
            let publish_at = vec![DidWebUrl::of(did.as_str())?.url().clone()];
            let note = Some(
                "The file is gone here; take it away there too: that is what deactivates a did:web.",
            );
            return Ok(Written { did, version_id: None, files: Vec::new(), publish_at, note });
        }
        let mut document = change.document.unwrap_or(current);
        if let Some(new) = &change.new_key {
            // did:web has no history: the new key takes the place of the one named in the document
            document = document_with(document, did.as_str(), new);
        }
        self.write_web(&did, document)
    }

    fn write_web(&self, did: &Did, mut document: Object) -> Result<Written, DidFileError> {
        document.entry("id").or_insert_with(|| json!(did));
        DidDocument::from_members(did, document.clone(), &AwsLc)?;
        let file = self.document();
        write(&file, format!("{:#}\n", Value::Object(document)).as_bytes())?;
        let publish_at = vec![DidWebUrl::of(did.as_str())?.url().clone()];
        Ok(Written {
            did: did.clone(),
            version_id: None,
            files: vec![file],
            publish_at,
            note: None,
        })
    }

    /// Makes a did:webvh.
    ///
    /// # Errors
    /// One [`DidFileError`] per reason.
    pub async fn create_webvh(
        &self,
        args: &CreateArgs,
        document: Option<Object>,
        key: &Key,
        next_key: Option<&Key>,
        now: Timestamp,
    ) -> Result<Written, DidFileError> {
        self.must_be_free()?;
        let did = format!("did:webvh:{{SCID}}:{}", args.place);
        let document = document.unwrap_or_else(|| document_of(&did, key));
        let mut draft = NewDid::at(&args.place, document);
        if let Some(next) = next_key {
            draft = draft.with_next_keys(&[next.public()], &AwsLc);
        }
        if args.portable {
            draft = draft.portable();
        }
        if let Some(ttl) = args.ttl {
            draft = draft.with_ttl(ttl);
        }
        let entry = draft.sign(&key.signer()?, now, &AwsLc).await?;
        self.write_webvh("", entry, now, args.with_did_web)
    }

    /// When the last entry of a did:webvh was written.
    ///
    /// # Errors
    /// When its log is broken.
    pub fn version_time(&self, now: Timestamp) -> Result<Timestamp, DidFileError> {
        let file = self.log();
        let text = std::fs::read_to_string(&file).map_err(|error| failed(&file, &error))?;
        Ok(self.verify(&text, now)?.version_time())
    }

    /// Adds an entry to a did:webvh.
    ///
    /// # Errors
    /// One [`DidFileError`] per reason.
    pub async fn change_webvh(
        &self,
        change: Change,
        key: &Key,
        now: Timestamp,
    ) -> Result<Written, DidFileError> {
        let file = self.log();
        let text = std::fs::read_to_string(&file).map_err(|error| failed(&file, &error))?;
        let log = self.verify(&text, now)?;
        let mut entry = log.next_entry();
        if let Some(document) = change.document {
            entry = entry.with_document(document);
        } else if let Some(new) = change.new_key.as_ref().filter(|_| !change.deactivate) {
            let renamed = replace(entry.document().clone(), &key.multibase(), &new.multibase());
            entry = entry.with_document(renamed);
        }
        if let Some(new) = &change.new_key {
            entry = entry.with_update_keys(&[new.public()]);
        }
        let committed = log.is_prerotated();
        if change.next_key.is_some() || committed {
            let next: Vec<_> = change.next_key.iter().map(Key::public).collect();
            entry = entry.with_next_keys(&next, &AwsLc);
        }
        if change.deactivate {
            entry = entry.deactivated();
        }
        // did:webvh 1.0, Authorized Keys: a key that was committed to signs the entry that takes it up
        let signer = match &change.new_key {
            Some(new) if committed => new.signer()?,
            _ => key.signer()?,
        };
        let entry = entry.sign(&signer, now, &AwsLc).await.map_err(|error| match error {
            WriteError::Refused(WebvhFault::PreRotationOmitted) => DidFileError::Committed,
            error => error.into(),
        })?;
        self.write_webvh(&text, entry, now, self.document().exists())
    }

    fn write_webvh(
        &self,
        before: &str,
        entry: SignedEntry,
        now: Timestamp,
        with_did_web: bool,
    ) -> Result<Written, DidFileError> {
        let separator = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
        let text = format!("{before}{separator}{}", entry.line);
        // what is published is what a resolver takes
        let log = self.verify(&text, now)?;
        let place = WebvhDid::parse(&entry.did)?;
        let (mut files, mut publish_at) = (vec![self.log()], vec![place.log_url()]);
        write(&self.log(), text.as_bytes())?;
        let web = parallel_did_web(log.document()).filter(|_| with_did_web);
        if let Some((web, document)) = web {
            let file = self.document();
            if log.is_deactivated() {
                std::fs::remove_file(&file).map_err(|error| failed(&file, &error))?;
            } else {
                write(&file, format!("{:#}\n", Value::Object(document)).as_bytes())?;
                files.push(file);
                publish_at.push(DidWebUrl::of(web.as_str())?.url().clone());
            }
        }
        let version_id = Some(entry.version_id);
        Ok(Written { did: entry.did, version_id, files, publish_at, note: None })
    }

    fn verify(&self, text: &str, now: Timestamp) -> Result<VerifiedLog, DidFileError> {
        let log = UnverifiedLog::parse(text.as_bytes())?;
        let did = log.claimed_did().ok_or(LogError::from(WebvhFault::ForeignScid))?;
        let witnesses = std::fs::read(self.0.join("did-witness.json")).ok();
        Ok(log.verify(&WebvhDid::parse(&did)?, witnesses.as_deref(), now, &AwsLc)?)
    }

    fn must_be_free(&self) -> Result<(), DidFileError> {
        match [self.log(), self.document()].into_iter().find(|file| file.exists()) {
            Some(file) => Err(DidFileError::Exists(file)),
            None => std::fs::create_dir_all(&self.0).map_err(|error| failed(&self.0, &error)),
        }
    }
}

/// The files of a folder in place of those on the web, to try them before they are published.
#[async_trait]
impl DidWebSource for DidFolder {
    async fn document(&self, _: &Did) -> Result<Fetched, ResolutionError> {
        published(&self.document())?.ok_or(ResolutionError::NotFound)
    }
}

#[async_trait]
impl DidWebvhSource for DidFolder {
    async fn log(&self, _: &WebvhDid) -> Result<Fetched, ResolutionError> {
        published(&self.log())?.ok_or(ResolutionError::NotFound)
    }

    async fn witness_proofs(&self, _: &WebvhDid) -> Result<Option<Fetched>, ResolutionError> {
        published(&self.0.join("did-witness.json"))
    }
}

fn published(file: &Path) -> Result<Option<Fetched>, ResolutionError> {
    match std::fs::read(file) {
        Ok(bytes) => Ok(Some(Fetched { bytes, at: Timestamp::now(), fresh_for: Duration::ZERO })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(_) => Err(ResolutionError::Unreachable),
    }
}

/// A document with one key, to make statements and to authenticate with.
fn document_of(did: &str, key: &Key) -> Object {
    let context = json!(["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"]);
    let mut document = Object::new();
    document.insert("@context".to_owned(), context);
    document.insert("id".to_owned(), json!(did));
    document_with(document, did, key)
}

/// The document with this key in place of those it has.
fn document_with(mut document: Object, did: &str, key: &Key) -> Object {
    let id = format!("{did}#{}", key.multibase());
    let method = json!({
        "id": id, "type": "Multikey", "controller": did, "publicKeyMultibase": key.multibase(),
    });
    document.insert("verificationMethod".to_owned(), json!([method]));
    document.insert("authentication".to_owned(), json!([id]));
    document.insert("assertionMethod".to_owned(), json!([id]));
    document
}

/// The document with another key wherever this one stands, its name included.
fn replace(document: Object, former: &str, new: &str) -> Object {
    let text = Value::Object(document.clone()).to_string().replace(former, new);
    json::parse_object(text.as_bytes()).unwrap_or(document)
}

/// Writes a file whole or not at all, over the one that is there.
fn write(file: &Path, content: &[u8]) -> Result<(), DidFileError> {
    files::replace(file, content).map_err(|error| failed(file, &error))
}

fn failed(file: &Path, error: &io::Error) -> DidFileError {
    DidFileError::File { file: file.to_owned(), why: error.to_string() }
}
