//! A response with documents (ISO/IEC 18013-5 §8.3.2.1.2.2).

use super::{DocType, MdocError, UnverifiedMdoc};
use crate::{
    cbor::{Encoder, Item},
    json,
};

/// The only version there is.
const VERSION: &str = "1.0";

/// A DeviceResponse that was taken apart; nothing in it is trusted.
#[derive(Debug)]
pub struct UnverifiedDeviceResponse<'b> {
    documents: Vec<UnverifiedMdoc<'b>>,
    missing: Vec<DocType>,
}

impl<'b> UnverifiedDeviceResponse<'b> {
    /// Takes a DeviceResponse apart.
    ///
    /// # Errors
    /// One [`MdocError`] per rule about its form; [`MdocError::ResponseStatus`] when it reports a failure.
    pub fn parse(response: &'b [u8]) -> Result<Self, MdocError> {
        let response = Item::parse(response)?;
        let version = response.get("version").and_then(Item::as_text);
        if version.ok_or(MdocError::Response)? != VERSION {
            return Err(MdocError::ResponseVersion);
        }
        // ISO/IEC 18013-5 §8.3.2.1.2.3: any status but 0 says that something went wrong
        match response.get("status").and_then(Item::as_unsigned).ok_or(MdocError::Response)? {
            0 => {}
            status => return Err(MdocError::ResponseStatus(status)),
        }
        let documents = match response.get("documents") {
            None => Vec::new(),
            Some(documents) => {
                let documents = documents.as_array().ok_or(MdocError::Response)?.iter();
                documents.map(UnverifiedMdoc::from_document).collect::<Result<_, _>>()?
            }
        };
        let missing = match response.get("documentErrors") {
            None => Vec::new(),
            Some(errors) => read_errors(errors).ok_or(MdocError::Response)?,
        };
        Ok(Self { documents, missing })
    }

    /// The documents, each to be verified by itself.
    pub fn into_documents(self) -> Vec<UnverifiedMdoc<'b>> {
        self.documents
    }

    /// The document, where exactly one was asked for.
    ///
    /// # Errors
    /// [`MdocError::NoDocument`] and [`MdocError::ManyDocuments`].
    pub fn into_only_document(self) -> Result<UnverifiedMdoc<'b>, MdocError> {
        let mut documents = self.documents.into_iter();
        // HAIP 1.0 §5.3.1: one DeviceResponse for each mdoc
        match (documents.next(), documents.next()) {
            (Some(document), None) => Ok(document),
            (None, _) => Err(MdocError::NoDocument),
            (Some(_), Some(_)) => Err(MdocError::ManyDocuments),
        }
    }

    /// The types that the device says it has no document of; nobody signed this.
    pub fn missing(&self) -> &[DocType] {
        &self.missing
    }
}

fn read_errors(errors: &Item<'_>) -> Option<Vec<DocType>> {
    let mut types = Vec::new();
    for error in errors.as_array()? {
        for (doc_type, code) in error.as_map()? {
            code.as_integer()?;
            types.push(DocType::parse(doc_type.as_text()?).ok()?);
        }
    }
    Some(types)
}

/// A DeviceResponse that a holder made: to be sent, and to be kept by nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceResponse {
    encoded: Vec<u8>,
}

impl DeviceResponse {
    /// A response with one document.
    pub(super) fn with_document(document: &[u8]) -> Self {
        // RFC 8949 §4.2.1: in the order of the encoded keys
        let mut out = Encoder::new();
        out.map(3).text("status").integer(0).text("version").text(VERSION);
        out.text("documents").array(1).raw(document);
        Self { encoded: out.into_bytes() }
    }

    /// The encoded response.
    pub fn as_bytes(&self) -> &[u8] {
        &self.encoded
    }

    /// What goes into a `vp_token` (OID4VP 1.0 App. B.2.5).
    pub fn to_base64url(&self) -> String {
        json::base64url(&self.encoded)
    }
}
