//! What the device signed or authenticated (ISO/IEC 18013-5 §9.1.3).

use zeroize::Zeroizing;

use super::{
    DocType, ElementIdentifier, KeyAuthorizations, MdocError, NameSpace, SessionTranscript,
};
use crate::{
    cbor::{Encoder, Item},
    cose::{UnverifiedMac0, UnverifiedSign1},
    crypto::{
        CryptoProvider, HashAlgorithm, PrivateKey, PublicKey, SharedSecret, SignatureAlgorithm,
        hkdf_sha256,
    },
    json::Object,
};

/// A DeviceSigned that was taken apart; nothing in it is trusted.
#[derive(Clone, Debug)]
pub(super) struct DeviceSigned<'b> {
    /// DeviceNameSpacesBytes, as they came.
    name_spaces_bytes: &'b [u8],
    name_spaces: Item<'b>,
    auth: DeviceAuth<'b>,
}

#[derive(Clone, Debug)]
enum DeviceAuth<'b> {
    Signature(UnverifiedSign1<'b>),
    Mac(UnverifiedMac0<'b>),
}

/// By what the device proved that it has its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceAuthMethod {
    /// A signature.
    Signature(SignatureAlgorithm),
    /// A MAC with a key that device and reader agreed on.
    Mac,
}

/// What a presentation is bound to, and how to check it.
#[derive(Clone, Copy, Debug)]
pub struct ExpectedDeviceAuth<'e> {
    /// The exchange.
    pub transcript: &'e SessionTranscript,
    /// The reader's key, without which no MAC can be checked; OpenID4VP by redirect has none.
    pub reader_key: Option<&'e PrivateKey>,
}

impl<'b> DeviceSigned<'b> {
    pub(super) fn read(item: &Item<'b>) -> Result<Self, MdocError> {
        let malformed = || MdocError::DeviceSigned;
        let name_spaces = item.get("nameSpaces").ok_or_else(malformed)?;
        let name_spaces_bytes = name_spaces.encoded();
        let name_spaces = Item::parse(name_spaces.embedded().ok_or_else(malformed)?)?;
        if name_spaces.as_map().is_none() {
            return Err(malformed());
        }
        let auth = item.get("deviceAuth").ok_or(MdocError::DeviceAuth)?;
        // ISO/IEC 18013-5 §8.3.2.1.2.2: a signature or a MAC, and not both
        let auth = match (auth.get("deviceSignature"), auth.get("deviceMac")) {
            (Some(signature), None) => DeviceAuth::Signature(
                UnverifiedSign1::from_item(signature).map_err(MdocError::DeviceSignature)?,
            ),
            (None, Some(mac)) => {
                DeviceAuth::Mac(UnverifiedMac0::from_item(mac).map_err(MdocError::DeviceMac)?)
            }
            _ => return Err(MdocError::DeviceAuth),
        };
        Ok(Self { name_spaces_bytes, name_spaces, auth })
    }

    /// Checks that the device's key stands behind this presentation in this exchange.
    pub(super) fn verify(
        &self,
        doc_type: &DocType,
        key: &PublicKey,
        expected: &ExpectedDeviceAuth<'_>,
        provider: &dyn CryptoProvider,
    ) -> Result<DeviceAuthMethod, MdocError> {
        // ISO/IEC 18013-5 §9.1.3.4: over DeviceAuthenticationBytes, which are not sent
        let covered = device_authentication(expected.transcript, doc_type, self.name_spaces_bytes);
        match &self.auth {
            DeviceAuth::Signature(signature) => signature
                .verify_detached(&covered, key, &[], provider)
                .map(DeviceAuthMethod::Signature)
                .map_err(MdocError::DeviceSignature),
            DeviceAuth::Mac(mac) => {
                let reader = expected.reader_key.ok_or(MdocError::NoReaderKey)?;
                let secret = provider
                    .agree(reader, key)
                    .map_err(|error| MdocError::DeviceMac(error.into()))?;
                let key = mac_key(&secret, expected.transcript, provider);
                mac.verify_detached(&covered, &*key, &[], provider)
                    .map(|()| DeviceAuthMethod::Mac)
                    .map_err(MdocError::DeviceMac)
            }
        }
    }

    /// The elements that the device signed itself, each of which the issuer must have allowed.
    pub(super) fn elements(&self, authorizations: &KeyAuthorizations) -> Result<Object, MdocError> {
        let mut claims = Object::new();
        for (name, elements) in self.name_spaces.as_map().unwrap_or_default() {
            let name = name.as_text().and_then(|name| NameSpace::parse(name).ok());
            let (Some(name), Some(elements)) = (name, elements.as_map()) else {
                return Err(MdocError::DeviceSigned);
            };
            let mut members = Object::new();
            for (identifier, value) in elements {
                let identifier = identifier.as_text();
                let identifier = identifier
                    .and_then(|text| ElementIdentifier::parse(text).ok())
                    .ok_or(MdocError::DeviceSigned)?;
                // ISO/IEC 18013-5 §9.1.2.4: only what keyAuthorizations allow this key to sign
                if !authorizations.allow(&name, &identifier) {
                    return Err(MdocError::DeviceElementNotAuthorized);
                }
                members.insert(identifier.as_str().to_owned(), value.to_json()?);
            }
            claims.insert(name.as_str().to_owned(), members.into());
        }
        Ok(claims)
    }
}

/// ISO/IEC 18013-5 §9.1.3.4: `["DeviceAuthentication", SessionTranscript, DocType,
/// DeviceNameSpacesBytes]` behind tag 24.
pub(super) fn device_authentication(
    transcript: &SessionTranscript,
    doc_type: &DocType,
    name_spaces_bytes: &[u8],
) -> Vec<u8> {
    let mut out = Encoder::new();
    out.array(4).text("DeviceAuthentication").raw(transcript.as_bytes());
    out.text(doc_type.as_str()).raw(name_spaces_bytes);
    let mut embedded = Encoder::new();
    embedded.embedded(&out.into_bytes());
    embedded.into_bytes()
}

/// ISO/IEC 18013-5 §9.1.3.5: EMacKey.
pub(super) fn mac_key(
    secret: &SharedSecret,
    transcript: &SessionTranscript,
    provider: &dyn CryptoProvider,
) -> Zeroizing<[u8; 32]> {
    let mut bytes = Encoder::new();
    bytes.embedded(transcript.as_bytes());
    let salt = provider.hash(HashAlgorithm::Sha256, &bytes.into_bytes());
    hkdf_sha256(secret.as_bytes(), salt.as_bytes(), b"EMacKey", provider)
}
