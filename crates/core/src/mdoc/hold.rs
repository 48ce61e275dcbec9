//! An mdoc in its holder's hands.

use std::fmt;

use thiserror::Error;

use super::{
    DeviceResponse, DocType, ElementName, MdocError, NameSpace, SessionTranscript,
    device_auth::{device_authentication, mac_key},
    issuer_signed::IssuerSigned,
    verify::Facts,
};
use crate::{
    Timestamp,
    cbor::Encoder,
    claims::DisclosedClaims,
    cose::{self, Header, Payload},
    credential::Validity,
    crypto::{CryptoProvider, PublicKey, SharedSecret, Signer, SignerError},
    json,
    status::StatusReference,
    trust::IssuerIdentity,
};

/// An mdoc that its holder verified and keeps.
#[derive(Clone)]
pub struct HeldMdoc {
    doc_type: DocType,
    issuer: Option<IssuerIdentity>,
    issuer_auth: Vec<u8>,
    elements: Vec<HeldElement>,
    claims: DisclosedClaims,
    facts: Facts,
}

#[derive(Clone)]
struct HeldElement {
    name: ElementName,
    /// IssuerSignedItemBytes, as they came.
    encoded: Vec<u8>,
}

/// By what the device proves that it has its key.
#[derive(Clone, Copy)]
pub enum DeviceProof<'p> {
    /// By a signature: what OpenID4VP takes.
    Signature(&'p dyn Signer),
    /// By a MAC with a key from what device and reader agreed on: for readers that gave a key.
    Mac(&'p SharedSecret),
}

/// Why an mdoc cannot be presented as asked.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum MdocPresentError {
    /// An element is not in the mdoc.
    #[error("an element to present is not in the mdoc")]
    NotHeld,
    /// The signer's key is not the one in the mdoc.
    #[error("the mdoc is bound to another key")]
    WrongKey,
    /// The device's key gave no signature.
    #[error("the device's key gave no signature: {0}")]
    Signer(#[from] SignerError),
}

impl HeldMdoc {
    pub(super) fn new(
        issuer_signed: &IssuerSigned<'_>,
        doc_type: DocType,
        issuer: Option<IssuerIdentity>,
        facts: Facts,
    ) -> Result<Self, MdocError> {
        let mut held = Vec::new();
        for (name_space, elements) in &issuer_signed.name_spaces {
            held.extend(elements.iter().map(|element| HeldElement {
                name: ElementName {
                    name_space: name_space.clone(),
                    identifier: element.identifier.clone(),
                },
                encoded: element.encoded.to_vec(),
            }));
        }
        Ok(Self {
            doc_type,
            issuer,
            issuer_auth: issuer_signed.issuer_auth_bytes.to_vec(),
            elements: held,
            claims: DisclosedClaims::new(issuer_signed.to_json()?),
            facts,
        })
    }

    /// The IssuerSigned with every element: what a wallet keeps.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        self.write_issuer_signed(&self.elements.iter().collect::<Vec<_>>(), &mut out);
        out.into_bytes()
    }

    /// As [`HeldMdoc::to_bytes`], in base64url.
    pub fn to_base64url(&self) -> String {
        json::base64url(self.to_bytes())
    }

    /// The type.
    pub const fn doc_type(&self) -> &DocType {
        &self.doc_type
    }

    /// Who issued it; none when it came back from storage.
    pub const fn issuer(&self) -> Option<&IssuerIdentity> {
        self.issuer.as_ref()
    }

    /// The elements that could be presented, in the order they came.
    pub fn elements(&self) -> impl Iterator<Item = &ElementName> {
        self.elements.iter().map(|element| &element.name)
    }

    /// Everything that could be presented: `{namespace: {identifier: value}}`.
    pub const fn claims(&self) -> &DisclosedClaims {
        &self.claims
    }

    /// The key it is bound to.
    pub const fn device_key(&self) -> &PublicKey {
        &self.facts.device_key
    }

    /// The times in it: `signed`, `validFrom` and `validUntil`.
    pub const fn validity(&self) -> &Validity {
        &self.facts.validity
    }

    /// When the issuer means to sign it anew.
    pub const fn expected_update(&self) -> Option<Timestamp> {
        self.facts.expected_update
    }

    /// Where its status is kept, if it has one.
    pub const fn status(&self) -> Option<&StatusReference> {
        self.facts.status.as_ref()
    }

    /// Presents these elements and no others, in this exchange and no other.
    ///
    /// Elements go out as the issuer encoded them. An element named twice goes out once.
    ///
    /// # Errors
    /// One [`MdocPresentError`] per rule.
    pub async fn present(
        &self,
        disclose: &[ElementName],
        transcript: &SessionTranscript,
        proof: DeviceProof<'_>,
        provider: &dyn CryptoProvider,
    ) -> Result<DeviceResponse, MdocPresentError> {
        if disclose.iter().any(|name| !self.elements().any(|held| held == name)) {
            return Err(MdocPresentError::NotHeld);
        }
        // the device itself signs no elements: an empty map behind tag 24
        let mut name_spaces = Encoder::new();
        name_spaces.embedded(&[0xa0]);
        let name_spaces = name_spaces.into_bytes();
        let covered = device_authentication(transcript, &self.doc_type, &name_spaces);
        // ISO/IEC 18013-5 §9.1.3.4: the payload is detached
        let payload = Payload::Detached(&covered);
        let (method, proof) = match proof {
            DeviceProof::Signature(signer) => {
                if signer.public_key() != self.device_key() {
                    return Err(MdocPresentError::WrongKey);
                }
                let none = Header::new();
                ("deviceSignature", cose::sign1(none.clone(), none, payload, &[], signer).await?)
            }
            DeviceProof::Mac(secret) => {
                let key = mac_key(secret, transcript, provider);
                ("deviceMac", cose::mac0(payload, &*key, &[], provider))
            }
        };

        // RFC 8949 §4.2.1: every map in the order of its encoded keys
        let chosen: Vec<_> =
            self.elements.iter().filter(|element| disclose.contains(&element.name)).collect();
        let mut document = Encoder::new();
        document.map(3).text("docType").text(self.doc_type.as_str());
        document.text("deviceSigned").map(2).text("deviceAuth").map(1).text(method).raw(&proof);
        document.text("nameSpaces").raw(&name_spaces);
        document.text("issuerSigned");
        self.write_issuer_signed(&chosen, &mut document);
        Ok(DeviceResponse::with_document(&document.into_bytes()))
    }

    fn write_issuer_signed(&self, elements: &[&HeldElement], out: &mut Encoder) {
        let mut name_spaces: Vec<&NameSpace> =
            elements.iter().map(|element| &element.name.name_space).collect();
        name_spaces.sort_unstable_by_key(|name| (name.as_str().len(), name.as_str()));
        name_spaces.dedup();
        if name_spaces.is_empty() {
            // ISO/IEC 18013-5 §8.3.2.1.2.2: where there are namespaces, there is at least one
            out.map(1).text("issuerAuth").raw(&self.issuer_auth);
            return;
        }
        out.map(2).text("issuerAuth").raw(&self.issuer_auth);
        out.text("nameSpaces").map(name_spaces.len());
        for name_space in name_spaces {
            let of_it = || elements.iter().filter(|one| one.name.name_space == *name_space);
            out.text(name_space.as_str()).array(of_it().count());
            of_it().for_each(|element| {
                out.raw(&element.encoded);
            });
        }
    }
}

impl fmt::Debug for HeldMdoc {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "HeldMdoc({}, {} elements)", self.doc_type, self.elements.len())
    }
}
