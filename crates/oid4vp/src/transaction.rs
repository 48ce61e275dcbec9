//! Transaction data: what a holder authorizes by presenting (OID4VP 1.0 §8.4, App. B.3.3).
//!
//! The types are a closed list, each with strict rules: here alone an unknown member is not ignored, since
//! what a wallet does not show must not be signed.

use std::fmt;

use lanyard_core::{
    credential::Format,
    crypto::{CryptoProvider, HashAlgorithm},
    json::{self, Object},
};
use serde::Serialize;
use serde_json::{Value, json};
use thiserror::Error;

use crate::dcql::{CredentialQueryId, DcqlQuery};

/// The most transactions in one request.
const MAX_TRANSACTIONS: usize = 16;
/// The longest transaction, encoded.
const MAX_LENGTH: usize = 16 << 10;
/// The longest text in one.
const MAX_TEXT: usize = 256;
/// The most documents to sign at once.
const MAX_DOCUMENTS: usize = 32;

/// One transaction of a request, and which credentials may authorize it.
#[derive(Clone, PartialEq, Eq)]
pub struct TransactionData {
    /// The text in the request: what is hashed, byte for byte.
    encoded: String,
    transaction: Transaction,
    credential_ids: Vec<CredentialQueryId>,
    /// The hash algorithms on offer; none when the request does not say.
    algorithms: Option<Vec<HashAlgorithm>>,
}

/// What is to be authorized.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type")]
pub enum Transaction {
    /// A payment.
    #[serde(rename = "urn:lanyard:transaction-data:payment:1")]
    Payment(Payment),
    /// Signatures on documents.
    #[serde(rename = "urn:lanyard:transaction-data:document-signing:1")]
    DocumentSigning(DocumentSigning),
}

/// A payment: how much, and to whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Payment {
    /// Who gets the money.
    pub payee: String,
    /// How much, as a decimal: `23.58`.
    pub amount: String,
    /// The currency, ISO 4217: `EUR`.
    pub currency: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// Documents to be signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DocumentSigning {
    /// The documents.
    pub documents: Vec<Document>,
}

/// A document, by what people call it and by its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Document {
    /// What people call it.
    pub label: String,
    /// Its SHA-256 in base64url.
    pub sha256: String,
}

/// Why transaction data is refused; one variant per rule.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum TransactionError {
    /// Not a non-empty array of texts, or too many.
    #[error("transaction_data is not an array of 1 to {MAX_TRANSACTIONS} texts")]
    List,
    /// An entry is not a JSON object in base64url.
    #[error("an entry of transaction_data is not a JSON object in base64url")]
    Encoding,
    /// A type that is not known here.
    #[error("transaction_data is of an unknown type")]
    UnknownType,
    /// A member that the type does not have.
    #[error("transaction_data has a member that its type does not have")]
    UnknownMember,
    /// A required member is not there.
    #[error("transaction_data has no {0}")]
    Missing(&'static str),
    /// A member has the wrong type or an impossible value.
    #[error("transaction_data has an impossible {0}")]
    Value(&'static str),
    /// `credential_ids` names a credential that is not asked for.
    #[error("transaction_data names a credential that is not asked for")]
    UnknownCredential,
    /// A credential of a format that cannot carry the hashes.
    #[error("transaction_data cannot be authorized with a credential of the format {0}")]
    Format(Format),
    /// App. B.3.3: a credential that is asked for without holder binding signs nothing.
    #[error("transaction_data needs a credential with holder binding")]
    HolderBinding,
    /// None of the hash algorithms is supported.
    #[error("none of the hash algorithms of transaction_data is supported")]
    HashAlgorithm,
    /// An entry is the same, byte for byte, as one before it: a hash cannot say which of the two it authorizes.
    #[error("entry {0} of transaction_data (the first is 0) is the same as one before it")]
    Repeated(usize),
}

impl Transaction {
    /// The type's identifier.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Payment(_) => PAYMENT,
            Self::DocumentSigning(_) => DOCUMENT_SIGNING,
        }
    }

    fn read(kind: &str, members: &mut Members) -> Result<Self, TransactionError> {
        match kind {
            PAYMENT => Ok(Self::Payment(Payment {
                payee: members.text("payee")?,
                amount: members.checked("amount", is_decimal)?,
                currency: members.checked("currency", is_currency)?,
                reference: members.optional_text("reference")?,
            })),
            DOCUMENT_SIGNING => {
                const NAME: &str = "documents";
                let documents = members.0.remove(NAME).ok_or(TransactionError::Missing(NAME))?;
                let documents = documents
                    .as_array()
                    .filter(|documents| (1..=MAX_DOCUMENTS).contains(&documents.len()))
                    .ok_or(TransactionError::Value(NAME))?;
                let documents = documents.iter().map(Document::read).collect::<Result<_, _>>()?;
                Ok(Self::DocumentSigning(DocumentSigning { documents }))
            }
            _ => Err(TransactionError::UnknownType),
        }
    }
}

impl fmt::Display for Transaction {
    /// In words for the holder.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Payment(Payment { payee, amount, currency, reference }) => {
                write!(out, "a payment of {amount} {currency} to {payee}")?;
                match reference {
                    Some(reference) => write!(out, " ({reference})"),
                    None => Ok(()),
                }
            }
            Self::DocumentSigning(DocumentSigning { documents }) => {
                out.write_str("your signature on ")?;
                for (place, document) in documents.iter().enumerate() {
                    let comma = if place == 0 { "" } else { ", " };
                    write!(out, "{comma}{}", document.label)?;
                }
                Ok(())
            }
        }
    }
}

const PAYMENT: &str = "urn:lanyard:transaction-data:payment:1";
const DOCUMENT_SIGNING: &str = "urn:lanyard:transaction-data:document-signing:1";

impl Document {
    fn read(value: &Value) -> Result<Self, TransactionError> {
        let members = value.as_object().ok_or(TransactionError::Value("documents"))?;
        let mut members = Members(members.clone());
        let is_digest = |text: &str| json::base64url_decode(text).is_ok_and(|it| it.len() == 32);
        let document =
            Self { label: members.text("label")?, sha256: members.checked("sha256", is_digest)? };
        members.end()?;
        Ok(document)
    }
}

/// A decimal with a point, no sign, no leading zeros, at most four decimals.
fn is_decimal(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, decimals) = match text.split_once('.') {
        Some((whole, decimals)) => (whole, Some(decimals)),
        None => (text, None),
    };
    text.len() <= 20
        && digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && decimals.is_none_or(|decimals| digits(decimals) && decimals.len() <= 4)
}

/// ISO 4217: three letters.
fn is_currency(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

impl TransactionData {
    /// Reads one transaction from its JSON, as a verifier writes it; it is encoded here.
    ///
    /// # Errors
    /// One [`TransactionError`] per rule.
    pub fn from_value(value: &Value, query: &DcqlQuery) -> Result<Self, TransactionError> {
        Self::parse(&json::base64url(value.to_string()), query)
    }

    /// Reads the transactions of one request from their JSON, as a verifier writes them; none is fine.
    ///
    /// # Errors
    /// One [`TransactionError`] per rule.
    pub fn all_from_values(
        values: &[Value],
        query: &DcqlQuery,
    ) -> Result<Vec<Self>, TransactionError> {
        if values.len() > MAX_TRANSACTIONS {
            return Err(TransactionError::List);
        }
        let mut all: Vec<Self> = Vec::with_capacity(values.len());
        for (place, value) in values.iter().enumerate() {
            let one = Self::from_value(value, query)?;
            // App. B.3.3: what is signed are hashes, and each answers to one entry
            if all.iter().any(|before| before.encoded == one.encoded) {
                return Err(TransactionError::Repeated(place));
            }
            all.push(one);
        }
        Ok(all)
    }

    /// Reads what is kept of the transactions of a request; none is fine.
    pub(crate) fn all_from_kept(
        encoded: &[String],
        query: &DcqlQuery,
    ) -> Result<Vec<Self>, TransactionError> {
        if encoded.len() > MAX_TRANSACTIONS {
            return Err(TransactionError::List);
        }
        encoded.iter().map(|one| Self::parse(one, query)).collect()
    }

    /// Reads `transaction_data` of a request.
    ///
    /// # Errors
    /// One [`TransactionError`] per rule.
    pub fn list_from_value(
        value: &Value,
        query: &DcqlQuery,
    ) -> Result<Vec<Self>, TransactionError> {
        let entries = value.as_array().filter(|all| (1..=MAX_TRANSACTIONS).contains(&all.len()));
        let entries = entries.ok_or(TransactionError::List)?;
        let read =
            |entry: &Value| Self::parse(entry.as_str().ok_or(TransactionError::List)?, query);
        entries.iter().map(read).collect()
    }

    fn parse(encoded: &str, query: &DcqlQuery) -> Result<Self, TransactionError> {
        let unread = TransactionError::Encoding;
        if encoded.len() > MAX_LENGTH {
            return Err(unread);
        }
        let bytes = json::base64url_decode(encoded).map_err(|_| unread)?;
        let mut members = Members(json::parse_object(&bytes).map_err(|_| unread)?);
        let kind = members.text("type")?;
        let transaction = Transaction::read(&kind, &mut members)?;
        let credential_ids = members.credential_ids(query)?;
        let algorithms = members.algorithms()?;
        // OID4VP 1.0 §8.5: an object of a known type with unknown fields is refused
        members.end()?;
        Ok(Self { encoded: encoded.to_owned(), transaction, credential_ids, algorithms })
    }

    /// The text that is in the request, and that is hashed.
    #[must_use]
    pub fn encoded(&self) -> &str {
        &self.encoded
    }

    /// What is to be authorized.
    #[must_use]
    pub const fn transaction(&self) -> &Transaction {
        &self.transaction
    }

    /// The credential queries whose answer may authorize it; one of them does (§5.1).
    #[must_use]
    pub fn credential_ids(&self) -> &[CredentialQueryId] {
        &self.credential_ids
    }

    /// Whether a hash by this algorithm is one that was asked for.
    pub(crate) fn takes(&self, algorithm: HashAlgorithm) -> bool {
        match &self.algorithms {
            // App. B.3.3: sha-256 when the request does not say
            None => algorithm == HashAlgorithm::Sha256,
            Some(algorithms) => algorithms.contains(&algorithm),
        }
    }

    /// Whether the algorithm has to be named in the answer.
    pub(crate) const fn names_algorithms(&self) -> bool {
        self.algorithms.is_some()
    }

    /// The hash over the text in the request, base64url; nothing is decoded before (App. B.3.3).
    pub(crate) fn hash(&self, algorithm: HashAlgorithm, provider: &dyn CryptoProvider) -> String {
        json::base64url(provider.hash(algorithm, self.encoded.as_bytes()))
    }
}

/// What a holder's key signs in place of transactions (App. B.3.3).
///
/// # Errors
/// [`TransactionError::HashAlgorithm`] when no algorithm is among those of all of them.
pub(crate) fn hashes(
    transactions: &[TransactionData],
    provider: &dyn CryptoProvider,
) -> Result<Object, TransactionError> {
    let mut claims = Object::new();
    if transactions.is_empty() {
        return Ok(claims);
    }
    let algorithm = ALGORITHMS
        .into_iter()
        .find(|algorithm| transactions.iter().all(|one| one.takes(*algorithm)))
        .ok_or(TransactionError::HashAlgorithm)?;
    let hashes: Vec<_> = transactions.iter().map(|one| one.hash(algorithm, provider)).collect();
    claims.insert(HASHES.to_owned(), json!(hashes));
    if transactions.iter().any(TransactionData::names_algorithms) {
        claims.insert(HASHES_ALGORITHM.to_owned(), json!(algorithm.name()));
    }
    Ok(claims)
}

/// The claim of the KB-JWT with the hashes.
pub(crate) const HASHES: &str = "transaction_data_hashes";
/// The claim of the KB-JWT, and the member of the request, that name the algorithm.
pub(crate) const HASHES_ALGORITHM: &str = "transaction_data_hashes_alg";

/// The algorithms that hashes are made with, the most usual first.
const ALGORITHMS: [HashAlgorithm; 3] =
    [HashAlgorithm::Sha256, HashAlgorithm::Sha384, HashAlgorithm::Sha512];

/// The members of an entry; each that is read is taken out.
struct Members(Object);

impl Members {
    fn optional_text(&mut self, name: &'static str) -> Result<Option<String>, TransactionError> {
        let fits = |text: &String| {
            let length = text.chars().count();
            (1..=MAX_TEXT).contains(&length) && !text.contains(char::is_control)
        };
        match self.0.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) if fits(&text) => Ok(Some(text)),
            Some(_) => Err(TransactionError::Value(name)),
        }
    }

    fn text(&mut self, name: &'static str) -> Result<String, TransactionError> {
        self.optional_text(name)?.ok_or(TransactionError::Missing(name))
    }

    fn checked(
        &mut self,
        name: &'static str,
        fits: impl Fn(&str) -> bool,
    ) -> Result<String, TransactionError> {
        let text = self.text(name)?;
        if fits(&text) { Ok(text) } else { Err(TransactionError::Value(name)) }
    }

    fn credential_ids(
        &mut self,
        query: &DcqlQuery,
    ) -> Result<Vec<CredentialQueryId>, TransactionError> {
        const NAME: &str = "credential_ids";
        let ids = self.0.remove(NAME).ok_or(TransactionError::Missing(NAME))?;
        let ids = ids.as_array().filter(|ids| !ids.is_empty());
        let id = |id: &Value| {
            let id = id.as_str().ok_or(TransactionError::Value(NAME))?;
            let asked = query.credential(id).ok_or(TransactionError::UnknownCredential)?;
            match asked.format.format() {
                Some(Format::SdJwtVc) => {}
                // OID4VP 1.0 App. B.2.1: only with elements that document types define, and none is known
                Some(format) => return Err(TransactionError::Format(format)),
                None => return Err(TransactionError::UnknownCredential),
            }
            // OID4VP 1.0 App. B.3.3: not without holder binding
            if !asked.holder_binding {
                return Err(TransactionError::HolderBinding);
            }
            Ok(asked.id.clone())
        };
        ids.ok_or(TransactionError::Value(NAME))?.iter().map(id).collect()
    }

    fn algorithms(&mut self) -> Result<Option<Vec<HashAlgorithm>>, TransactionError> {
        let Some(names) = self.0.remove(HASHES_ALGORITHM) else { return Ok(None) };
        let malformed = || TransactionError::Value(HASHES_ALGORITHM);
        let names = names.as_array().filter(|names| !names.is_empty()).ok_or_else(malformed)?;
        let names = names.iter().map(Value::as_str).collect::<Option<Vec<_>>>();
        let known = names.ok_or_else(malformed)?.into_iter().filter_map(HashAlgorithm::from_name);
        let known: Vec<_> = known.collect();
        if known.is_empty() { Err(TransactionError::HashAlgorithm) } else { Ok(Some(known)) }
    }

    fn end(self) -> Result<(), TransactionError> {
        if self.0.is_empty() { Ok(()) } else { Err(TransactionError::UnknownMember) }
    }
}

impl fmt::Debug for TransactionData {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "TransactionData({})", self.transaction.kind())
    }
}
