//! Documents through the Digital Credentials API in the way of ISO/IEC 18013-7 Annex C (`org-iso-mdoc`): the
//! request says to which key the response is encrypted, and the exchange is about both and the origin.

use thiserror::Error;

use super::SessionTranscript;
use crate::{
    cbor::{CborError, Encoder, Item, Value},
    cose::{self, CoseKeyError},
    crypto::{CryptoProvider, HashAlgorithm, HpkeMessage, PublicKey},
    json,
};

/// What stands before every structure of the annex.
const NAME: &str = "dcapi";
/// The shortest nonce.
const SHORTEST_NONCE: usize = 16;

/// Why a structure of the annex is refused; one variant per rule.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AnnexCError {
    /// It is not base64url without padding.
    #[error("not base64url")]
    NotBase64Url,
    /// It is not acceptable CBOR.
    #[error(transparent)]
    Cbor(#[from] CborError),
    /// It is of another form.
    #[error("not a structure of ISO/IEC 18013-7 Annex C")]
    Malformed,
    /// The nonce could be guessed.
    #[error("the nonce is too short")]
    NonceTooShort,
    /// The recipient's key is no public key.
    #[error("recipientPublicKey is refused: {0}")]
    RecipientKey(#[from] CoseKeyError),
}

/// To whom a response is encrypted (Annex C, EncryptionInfo).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptionInfo {
    /// Makes the exchange one of its own.
    pub nonce: Vec<u8>,
    /// The key of this one request.
    pub recipient: PublicKey,
}

impl EncryptionInfo {
    /// Reads it as it is in a request: base64url.
    ///
    /// # Errors
    /// One [`AnnexCError`] per rule.
    pub fn from_base64url(text: &str, provider: &dyn CryptoProvider) -> Result<Self, AnnexCError> {
        let bytes = json::base64url_decode(text).map_err(|_| AnnexCError::NotBase64Url)?;
        let item = Item::parse(&bytes)?;
        let members = named(&item)?;
        let nonce = members.get("nonce").and_then(Item::as_bytes).ok_or(AnnexCError::Malformed)?;
        if nonce.len() < SHORTEST_NONCE {
            return Err(AnnexCError::NonceTooShort);
        }
        let key = members.get("recipientPublicKey").ok_or(AnnexCError::Malformed)?;
        Ok(Self { nonce: nonce.to_vec(), recipient: cose::public_key(key, provider)? })
    }

    /// As it is sent: base64url.
    pub fn to_base64url(&self) -> String {
        let parameters = Value::Map(vec![
            ("nonce".into(), Value::Bytes(self.nonce.clone())),
            ("recipientPublicKey".into(), cose::public_key_value(&self.recipient)),
        ]);
        let mut out = Encoder::new();
        out.array(2).text(NAME).value(&parameters);
        json::base64url(out.into_bytes())
    }
}

/// Writes an encrypted response (Annex C, EncryptedResponse) as it is sent: base64url.
pub fn encrypted_response(message: &HpkeMessage) -> String {
    let mut out = Encoder::new();
    out.array(2).text(NAME).map(2);
    out.text("enc").bytes(&message.enc).text("cipherText").bytes(&message.ciphertext);
    json::base64url(out.into_bytes())
}

/// Reads an encrypted response as it came: base64url.
///
/// # Errors
/// One [`AnnexCError`] per rule.
pub fn read_encrypted_response(text: &str) -> Result<HpkeMessage, AnnexCError> {
    let bytes = json::base64url_decode(text).map_err(|_| AnnexCError::NotBase64Url)?;
    let item = Item::parse(&bytes)?;
    let members = named(&item)?;
    let part = |name: &str| members.get(name).and_then(Item::as_bytes).map(<[u8]>::to_vec);
    let (enc, ciphertext) = part("enc").zip(part("cipherText")).ok_or(AnnexCError::Malformed)?;
    Ok(HpkeMessage { enc, ciphertext })
}

/// The members of `["dcapi", {…}]`.
fn named<'i, 'b>(item: &'i Item<'b>) -> Result<&'i Item<'b>, AnnexCError> {
    match item.as_array() {
        Some([name, members]) if name.as_text() == Some(NAME) => Ok(members),
        _ => Err(AnnexCError::Malformed),
    }
}

impl SessionTranscript {
    /// The transcript of a request in the way of Annex C, by its EncryptionInfo as it was sent and the origin
    /// that the platform reports.
    ///
    /// It is also the `info` that the response is encrypted with.
    pub fn annex_c(encryption_info: &str, origin: &str, provider: &dyn CryptoProvider) -> Self {
        // ISO/IEC 18013-7 Annex C: dcapiInfo = [Base64EncryptionInfo, SerializedOrigin]
        let mut info = Encoder::new();
        info.array(2).text(encryption_info).text(origin);
        let digest = provider.hash(HashAlgorithm::Sha256, &info.into_bytes());
        let mut out = Encoder::new();
        out.array(3).null().null().array(2).text(NAME).bytes(digest.as_bytes());
        Self { encoded: out.into_bytes() }
    }
}
