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
        let mut out = Self::envelope(1);
        out.raw(document);
        Self { encoded: out.into_bytes() }
    }

    /// Takes a response apart into one for each of its documents, byte for byte; none of them is trusted.
    ///
    /// # Errors
    /// As [`UnverifiedDeviceResponse::parse`].
    pub fn split(response: &[u8]) -> Result<Vec<(DocType, Self)>, MdocError> {
        // what is wrong with the whole is wrong with each part
        UnverifiedDeviceResponse::parse(response)?;
        let response = Item::parse(response)?;
        let documents = response.get("documents").and_then(Item::as_array).unwrap_or_default();
        let part = |document: &Item<'_>| {
            let doc_type = document.get("docType").and_then(Item::as_text);
            let doc_type = DocType::parse(doc_type.ok_or(MdocError::Response)?);
            let doc_type = doc_type.map_err(|_| MdocError::Response)?;
            Ok((doc_type, Self::with_document(document.encoded())))
        };
        documents.iter().map(part).collect()
    }

    /// Joins the documents of several responses in one.
    ///
    /// # Errors
    /// As [`UnverifiedDeviceResponse::parse`].
    pub fn join<R: AsRef<[u8]>>(responses: &[R]) -> Result<Self, MdocError> {
        let mut documents = Vec::new();
        for response in responses {
            let response = Item::parse(response.as_ref())?;
            let own = response.get("documents").and_then(Item::as_array);
            let own = own.ok_or(MdocError::Response)?.iter();
            documents.extend(own.map(|document| document.encoded().to_vec()));
        }
        let mut out = Self::envelope(documents.len());
        for document in &documents {
            out.raw(document);
        }
        Ok(Self { encoded: out.into_bytes() })
    }

    /// Everything before the documents.
    fn envelope(documents: usize) -> Encoder {
        // RFC 8949 §4.2.1: in the order of the encoded keys
        let mut out = Encoder::new();
        out.map(3).text("status").integer(0).text("version").text(VERSION);
        out.text("documents").array(documents);
        out
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
