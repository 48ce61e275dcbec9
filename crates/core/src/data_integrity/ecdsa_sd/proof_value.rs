//! What is in a `proofValue` of `ecdsa-sd-2023` (VC-DI-ECDSA §3.5.2 to §3.5.7).

use minicbor::Decoder;

use super::super::{
    DataIntegrityError,
    proof_cbor::{
        bytes, decode, encode, indexes, labels, length, list, pointers, write_indexes,
        write_pointers,
    },
    selective::JsonPointer,
};
use crate::crypto::{CryptoProvider, Curve, PublicKey};

const BASE: [u8; 3] = [0xd9, 0x5d, 0x00];
const DERIVED: [u8; 3] = [0xd9, 0x5d, 0x01];

/// The multicodec prefix of a P-256 key, as a varint.
const P256: [u8; 2] = [0x80, 0x24];

/// What a `proofValue` is.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) enum SelectiveProof {
    /// For the holder alone: who has it can disclose everything.
    Base(BaseProof),
    /// For a verifier.
    Derived(DerivedProof),
}

#[derive(Clone, PartialEq)]
pub(in super::super) struct BaseProof {
    pub(super) signature: Vec<u8>,
    pub(super) proof_key: Vec<u8>,
    pub(super) hmac_key: Vec<u8>,
    pub(super) signatures: Vec<Vec<u8>>,
    pub(super) mandatory: Vec<JsonPointer>,
}

impl std::fmt::Debug for BaseProof {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "BaseProof({} signatures)", self.signatures.len())
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct DerivedProof {
    pub(super) signature: Vec<u8>,
    pub(super) proof_key: Vec<u8>,
    pub(super) signatures: Vec<Vec<u8>>,
    /// From the number of a canonical label to the 32 bytes of a secret one.
    pub(super) labels: Vec<(u64, Vec<u8>)>,
    pub(super) mandatory: Vec<usize>,
}

impl SelectiveProof {
    pub(in super::super) fn parse(text: &str) -> Result<Self, DataIntegrityError> {
        decode(text, |prefix, decoder| match prefix {
            BASE => BaseProof::read(decoder).map(Self::Base),
            DERIVED => DerivedProof::read(decoder).map(Self::Derived),
            _ => None,
        })
    }
}

impl BaseProof {
    /// §3.5.3, parseBaseProofValue
    fn read(decoder: &mut Decoder<'_>) -> Option<Self> {
        length(decoder, 5)?;
        Some(Self {
            signature: bytes(decoder, 64)?,
            proof_key: bytes(decoder, 35)?,
            hmac_key: bytes(decoder, 32)?,
            signatures: list(decoder, |decoder| bytes(decoder, 64))?,
            mandatory: pointers(decoder)?,
        })
    }

    /// §3.5.2, serializeBaseProofValue
    pub(super) fn to_text(&self) -> String {
        encode(&BASE, |encoder| {
            encoder.array(5)?.bytes(&self.signature)?.bytes(&self.proof_key)?;
            encoder.bytes(&self.hmac_key)?.array(self.signatures.len() as u64)?;
            for signature in &self.signatures {
                encoder.bytes(signature)?;
            }
            write_pointers(encoder, &self.mandatory)
        })
    }
}

impl DerivedProof {
    /// §3.5.7, parseDerivedProofValue
    fn read(decoder: &mut Decoder<'_>) -> Option<Self> {
        length(decoder, 5)?;
        let (signature, proof_key) = (bytes(decoder, 64)?, bytes(decoder, 35)?);
        let signatures = list(decoder, |decoder| bytes(decoder, 64))?;
        let labels = labels(decoder, |decoder| bytes(decoder, 32))?;
        let mandatory = indexes(decoder)?;
        Some(Self { signature, proof_key, signatures, labels, mandatory })
    }

    /// §3.5.6, serializeDerivedProofValue
    pub(super) fn to_text(&self) -> String {
        encode(&DERIVED, |encoder| {
            encoder.array(5)?.bytes(&self.signature)?.bytes(&self.proof_key)?;
            encoder.array(self.signatures.len() as u64)?;
            for signature in &self.signatures {
                encoder.bytes(signature)?;
            }
            encoder.map(self.labels.len() as u64)?;
            for (number, label) in &self.labels {
                encoder.u64(*number)?.bytes(label)?;
            }
            write_indexes(encoder, &self.mandatory)
        })
    }
}

/// The bytes of a P-256 key: multicodec prefix and compressed point.
pub(super) fn encode_key(key: &PublicKey) -> Option<Vec<u8>> {
    let PublicKey::P256(point) = key else {
        return None;
    };
    let is_odd = point.y.last().is_some_and(|last| last & 1 == 1);
    Some([&P256[..], &[2 + u8::from(is_odd)], &point.x].concat())
}

pub(super) fn decode_key(
    bytes: &[u8],
    provider: &dyn CryptoProvider,
) -> Result<PublicKey, DataIntegrityError> {
    let point = bytes.strip_prefix(&P256).ok_or(DataIntegrityError::ProofValue)?;
    provider.decompress(Curve::P256, point).map_err(|_| DataIntegrityError::ProofValue)
}
