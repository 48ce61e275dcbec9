//! What a device signature is bound to (ISO/IEC 18013-5 §9.1.5.1, OID4VP 1.0 App. B.2.6).

use std::fmt;

use crate::{
    cbor::{CborError, Encoder, Item},
    crypto::{CryptoProvider, HashAlgorithm},
    jose::Thumbprint,
    sd_jwt::{Audience, RequestNonce},
};

/// The exchange a presentation belongs to: a device signature over it is useless in any other.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionTranscript {
    pub(super) encoded: Vec<u8>,
}

/// A presentation request by redirect or QR code, as far as a device signature is bound to it.
#[derive(Clone, Copy, Debug)]
pub struct OpenId4VpHandover<'h> {
    /// The verifier's full client identifier, its prefix included.
    pub client_id: &'h Audience,
    /// The `nonce` of the request.
    pub nonce: &'h RequestNonce,
    /// The thumbprint of the verifier's key that the response is encrypted to; none when it is not.
    pub encryption_key: Option<Thumbprint>,
    /// The `response_uri`, or the `redirect_uri` where there is none.
    pub response_uri: &'h str,
}

/// A presentation request through the Digital Credentials API.
#[derive(Clone, Copy, Debug)]
pub struct OpenId4VpDcApiHandover<'h> {
    /// The origin that the platform reports, without a prefix.
    pub origin: &'h str,
    /// The `nonce` of the request.
    pub nonce: &'h RequestNonce,
    /// The thumbprint of the verifier's key that the response is encrypted to; none when it is not.
    pub encryption_key: Option<Thumbprint>,
}

impl SessionTranscript {
    /// The transcript of a request by redirect or QR code.
    pub fn openid4vp(handover: &OpenId4VpHandover<'_>, provider: &dyn CryptoProvider) -> Self {
        let OpenId4VpHandover { client_id, nonce, encryption_key, response_uri } = handover;
        // OID4VP 1.0 App. B.2.6.1: [client_id, nonce, jwkThumbprint, response_uri]
        let mut info = Encoder::new();
        info.array(4).text(client_id.as_str()).text(nonce.as_str());
        thumbprint(encryption_key.as_ref(), &mut info);
        info.text(response_uri);
        Self::with_handover("OpenID4VPHandover", &info.into_bytes(), provider)
    }

    /// The transcript of a request through the Digital Credentials API, signed or not.
    pub fn openid4vp_dc_api(
        handover: &OpenId4VpDcApiHandover<'_>,
        provider: &dyn CryptoProvider,
    ) -> Self {
        let OpenId4VpDcApiHandover { origin, nonce, encryption_key } = handover;
        // OID4VP 1.0 App. B.2.6.2: [origin, nonce, jwkThumbprint]
        let mut info = Encoder::new();
        info.array(3).text(origin).text(nonce.as_str());
        thumbprint(encryption_key.as_ref(), &mut info);
        Self::with_handover("OpenID4VPDCAPIHandover", &info.into_bytes(), provider)
    }

    /// A transcript that was put together elsewhere, as in proximity (ISO/IEC 18013-5 §9.1.5.1).
    ///
    /// # Errors
    /// [`CborError`] when it is no CBOR.
    pub fn from_encoded(transcript: &[u8]) -> Result<Self, CborError> {
        Item::parse(transcript)?;
        Ok(Self { encoded: transcript.to_vec() })
    }

    fn with_handover(name: &str, info: &[u8], provider: &dyn CryptoProvider) -> Self {
        let digest = provider.hash(HashAlgorithm::Sha256, info);
        // OID4VP 1.0 App. B.2.6: no device engagement, no reader key, and the handover
        let mut out = Encoder::new();
        out.array(3).null().null().array(2).text(name).bytes(digest.as_bytes());
        Self { encoded: out.into_bytes() }
    }

    /// The encoded SessionTranscript, without tag 24.
    pub fn as_bytes(&self) -> &[u8] {
        &self.encoded
    }
}

fn thumbprint(key: Option<&Thumbprint>, info: &mut Encoder) {
    match key {
        Some(Thumbprint(thumbprint)) => info.bytes(thumbprint),
        None => info.null(),
    };
}

impl fmt::Debug for SessionTranscript {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SessionTranscript({} bytes)", self.encoded.len())
    }
}
