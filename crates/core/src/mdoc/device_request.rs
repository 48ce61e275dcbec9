//! A request for documents (ISO/IEC 18013-5 §8.3.2.1.2.1), with the proof of who reads them (§9.1.4).

use thiserror::Error;

use super::{DocType, ElementIdentifier, ElementName, NameSpace, SessionTranscript};
use crate::{
    cbor::{CborError, Content, Encoder, Item},
    cose::{self, CoseError, Header, Payload, UnverifiedSign1},
    crypto::{CryptoProvider, PublicKey, Signer, SignerError},
};

/// The version that every reader and device has.
const VERSION: &str = "1.0";
/// The most documents of one request.
const MAX_DOCUMENTS: usize = 16;
/// The most elements of one document.
const MAX_ELEMENTS: usize = 256;

/// What is asked of one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentRequest {
    /// Of which type it is.
    pub doc_type: DocType,
    /// Which elements are asked for, and whether the reader will keep each.
    pub elements: Vec<(ElementName, bool)>,
}

/// Why a request for documents is refused; one variant per rule.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DeviceRequestError {
    /// It is not acceptable CBOR.
    #[error(transparent)]
    Cbor(#[from] CborError),
    /// It has another form, or asks for nothing, or for more than anyone needs.
    #[error("not a DeviceRequest")]
    Malformed,
    /// It is of another version.
    #[error("the DeviceRequest is of another version")]
    Version,
    /// A document's part is not signed by the reader.
    #[error("the DeviceRequest is not signed by its reader")]
    ReaderAuthMissing,
    /// The reader's signature, or what came with it, is refused.
    #[error("readerAuth is refused: {0}")]
    ReaderAuth(CoseError),
}

/// Who reads: the key that signs, and the certificates that vouch for it.
#[derive(Clone, Copy)]
pub struct Reader<'r> {
    /// Signs.
    pub signer: &'r dyn Signer,
    /// The certificates, the reader's own first, DER.
    pub chain: &'r [Vec<u8>],
    /// The exchange that the signature is about.
    pub transcript: &'r SessionTranscript,
}

impl DocumentRequest {
    /// ItemsRequestBytes (§8.3.2.1.2.1): the very bytes that a reader signs.
    fn to_bytes(&self) -> Vec<u8> {
        let mut name_spaces: Vec<(&NameSpace, Vec<(&ElementIdentifier, bool)>)> = Vec::new();
        for (name, retained) in &self.elements {
            let element = (&name.identifier, *retained);
            match name_spaces.iter_mut().find(|(own, _)| *own == &name.name_space) {
                Some((_, elements)) => elements.push(element),
                None => name_spaces.push((&name.name_space, vec![element])),
            }
        }
        let mut out = Encoder::new();
        out.map(2).text("docType").text(self.doc_type.as_str());
        out.text("nameSpaces").map(name_spaces.len());
        for (name_space, elements) in name_spaces {
            out.text(name_space.as_str()).map(elements.len());
            for (identifier, retained) in elements {
                out.text(identifier.as_str()).bool(retained);
            }
        }
        let mut bytes = Encoder::new();
        bytes.embedded(&out.into_bytes());
        bytes.into_bytes()
    }

    fn read(items_request: &Item<'_>) -> Option<Self> {
        let doc_type = DocType::parse(items_request.get("docType")?.as_text()?).ok()?;
        let mut elements = Vec::new();
        for (name_space, requested) in items_request.get("nameSpaces")?.as_map()? {
            let name_space = NameSpace::parse(name_space.as_text()?).ok()?;
            for (identifier, retained) in requested.as_map()? {
                let identifier = ElementIdentifier::parse(identifier.as_text()?).ok()?;
                let retained = match retained.content() {
                    Content::Bool(retained) => *retained,
                    _ => return None,
                };
                let name_space = name_space.clone();
                elements.push((ElementName { name_space, identifier }, retained));
            }
        }
        (1..=MAX_ELEMENTS).contains(&elements.len()).then_some(Self { doc_type, elements })
    }
}

/// Writes a DeviceRequest; with a reader, each document's part is signed by it.
///
/// # Errors
/// [`SignerError`] as the signer gives it.
pub async fn device_request(
    documents: &[DocumentRequest],
    reader: Option<Reader<'_>>,
) -> Result<Vec<u8>, SignerError> {
    let mut out = Encoder::new();
    out.map(2).text("version").text(VERSION).text("docRequests").array(documents.len());
    for document in documents {
        let items = document.to_bytes();
        out.map(if reader.is_some() { 2 } else { 1 }).text("itemsRequest").raw(&items);
        if let Some(reader) = &reader {
            let unprotected = Header::new().with_x5chain(reader.chain);
            let signed = reader_authentication(reader.transcript, &items);
            let payload = Payload::Detached(&signed);
            let sign1 =
                cose::sign1(Header::new(), unprotected, payload, &[], reader.signer).await?;
            out.text("readerAuth").raw(&sign1);
        }
    }
    Ok(out.into_bytes())
}

/// ISO/IEC 18013-5 §9.1.4.3: ReaderAuthenticationBytes.
fn reader_authentication(transcript: &SessionTranscript, items: &[u8]) -> Vec<u8> {
    let mut out = Encoder::new();
    out.array(3).text("ReaderAuthentication").raw(transcript.as_bytes()).raw(items);
    let mut bytes = Encoder::new();
    bytes.embedded(&out.into_bytes());
    bytes.into_bytes()
}

/// A DeviceRequest that was taken apart; who sent it is still open.
#[derive(Clone, Debug)]
pub struct UnverifiedDeviceRequest<'b> {
    parts: Vec<Part<'b>>,
}

#[derive(Clone, Debug)]
struct Part<'b> {
    request: DocumentRequest,
    items: &'b [u8],
    reader_auth: Option<UnverifiedSign1<'b>>,
}

impl<'b> UnverifiedDeviceRequest<'b> {
    /// Takes a DeviceRequest apart.
    ///
    /// # Errors
    /// One [`DeviceRequestError`] per rule about its form.
    pub fn parse(request: &'b [u8]) -> Result<Self, DeviceRequestError> {
        let request = Item::parse(request)?;
        let version =
            request.get("version").and_then(Item::as_text).ok_or(DeviceRequestError::Malformed)?;
        // ISO/IEC 18013-5 §8.3.2.1.2.1: a later minor version has additions that can be left alone
        if !version.starts_with("1.") {
            return Err(DeviceRequestError::Version);
        }
        let documents = request.get("docRequests").and_then(Item::as_array);
        let documents = documents.ok_or(DeviceRequestError::Malformed)?;
        if !(1..=MAX_DOCUMENTS).contains(&documents.len()) {
            return Err(DeviceRequestError::Malformed);
        }
        let part = |document: &Item<'b>| {
            let items = document.get("itemsRequest").ok_or(DeviceRequestError::Malformed)?;
            let inner = Item::parse(items.embedded().ok_or(DeviceRequestError::Malformed)?)?;
            let reader_auth = match document.get("readerAuth") {
                None => None,
                Some(sign1) => Some(
                    UnverifiedSign1::from_item(sign1).map_err(DeviceRequestError::ReaderAuth)?,
                ),
            };
            let request = DocumentRequest::read(&inner).ok_or(DeviceRequestError::Malformed)?;
            Ok(Part { request, items: items.encoded(), reader_auth })
        };
        Ok(Self { parts: documents.iter().map(part).collect::<Result<_, DeviceRequestError>>()? })
    }

    /// What is asked for.
    pub fn documents(&self) -> impl Iterator<Item = &DocumentRequest> {
        self.parts.iter().map(|part| &part.request)
    }

    /// The certificates of who claims to read; none unless the same signed for every document.
    ///
    /// # Errors
    /// [`DeviceRequestError::ReaderAuth`] for certificates that cannot be read.
    pub fn claimed_reader(&self) -> Result<Option<Vec<Vec<u8>>>, DeviceRequestError> {
        let chain = |part: &Part<'b>| match &part.reader_auth {
            None => Ok(None),
            Some(sign1) => sign1.headers().x5chain().map_err(DeviceRequestError::ReaderAuth),
        };
        let chains = self.parts.iter().map(chain).collect::<Result<Vec<_>, _>>()?;
        let first = chains.first().cloned().flatten();
        Ok(first.filter(|_| chains.iter().all(|one| one == &chains[0])))
    }

    /// Checks that this key signed for every document, in this exchange (§9.1.4.4).
    ///
    /// # Errors
    /// [`DeviceRequestError::ReaderAuth`] for a signature that is missing, or is another key's or exchange's.
    pub fn verify_reader(
        &self,
        key: &PublicKey,
        transcript: &SessionTranscript,
        provider: &dyn CryptoProvider,
    ) -> Result<(), DeviceRequestError> {
        for part in &self.parts {
            let sign1 = part.reader_auth.as_ref();
            let sign1 = sign1.ok_or(DeviceRequestError::ReaderAuthMissing)?;
            let signed = reader_authentication(transcript, part.items);
            sign1
                .verify_detached(&signed, key, &[], provider)
                .map_err(DeviceRequestError::ReaderAuth)?;
        }
        Ok(())
    }
}
