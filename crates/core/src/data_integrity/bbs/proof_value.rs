//! What is in a `proofValue` of `bbs-2023` (VC-DI-BBS §3.3.2 to §3.3.7).

use std::fmt;

use minicbor::Decoder;

use super::super::{
    DataIntegrityError,
    proof_cbor::{
        bytes, decode, encode, indexes, labels, length, pointers, some_bytes, write_indexes,
        write_pointers,
    },
    selective::JsonPointer,
};
use crate::crypto::bbs::SIGNATURE_LENGTH;

/// The longest presentation header that is read.
const MAX_HEADER: usize = 4_096;

// of the baseline; those up to 0x09 are of features that are not supported
const BASE: [u8; 3] = [0xd9, 0x5d, 0x02];
const DERIVED: [u8; 3] = [0xd9, 0x5d, 0x03];

/// What a `proofValue` is.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) enum BbsProof {
    /// For the holder alone: who has it can disclose everything.
    Base(BaseProof),
    /// For a verifier.
    Derived(DerivedProof),
}

#[derive(Clone, PartialEq)]
pub(in super::super) struct BaseProof {
    pub(super) signature: Vec<u8>,
    pub(super) header: Vec<u8>,
    pub(super) public_key: Vec<u8>,
    pub(super) hmac_key: Vec<u8>,
    pub(super) mandatory: Vec<JsonPointer>,
}

impl fmt::Debug for BaseProof {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("BaseProof")
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct DerivedProof {
    pub(super) proof: Vec<u8>,
    /// From the number of a canonical label to that of a shuffled one.
    pub(super) labels: Vec<(u64, u64)>,
    pub(super) mandatory: Vec<usize>,
    pub(super) selective: Vec<usize>,
    pub(super) presentation_header: Vec<u8>,
}

impl BbsProof {
    pub(in super::super) fn parse(text: &str) -> Result<Self, DataIntegrityError> {
        decode(text, |prefix, decoder| match prefix {
            BASE => BaseProof::read(decoder).map(Self::Base),
            DERIVED => DerivedProof::read(decoder).map(Self::Derived),
            _ => None,
        })
    }
}

impl BaseProof {
    /// §3.3.3, parseBaseProofValue
    fn read(decoder: &mut Decoder<'_>) -> Option<Self> {
        length(decoder, 5)?;
        Some(Self {
            signature: bytes(decoder, SIGNATURE_LENGTH)?,
            header: bytes(decoder, 64)?,
            public_key: bytes(decoder, 96)?,
            hmac_key: bytes(decoder, 32)?,
            mandatory: pointers(decoder)?,
        })
    }

    /// §3.3.2, serializeBaseProofValue
    pub(super) fn to_text(&self) -> String {
        encode(&BASE, |encoder| {
            encoder.array(5)?.bytes(&self.signature)?.bytes(&self.header)?;
            encoder.bytes(&self.public_key)?.bytes(&self.hmac_key)?;
            write_pointers(encoder, &self.mandatory)
        })
    }
}

impl DerivedProof {
    /// §3.3.7, parseDerivedProofValue
    fn read(decoder: &mut Decoder<'_>) -> Option<Self> {
        length(decoder, 5)?;
        let proof = some_bytes(decoder)?;
        let labels = labels(decoder, |decoder| decoder.u64().ok())?;
        let (mandatory, selective) = (indexes(decoder)?, indexes(decoder)?);
        let presentation_header =
            some_bytes(decoder).filter(|header| header.len() <= MAX_HEADER)?;
        Some(Self { proof, labels, mandatory, selective, presentation_header })
    }

    /// §3.3.6, serializeDerivedProofValue
    pub(super) fn to_text(&self) -> String {
        encode(&DERIVED, |encoder| {
            encoder.array(5)?.bytes(&self.proof)?.map(self.labels.len() as u64)?;
            for (number, label) in &self.labels {
                encoder.u64(*number)?.u64(*label)?;
            }
            write_indexes(encoder, &self.mandatory)?;
            write_indexes(encoder, &self.selective)?;
            encoder.bytes(&self.presentation_header)?;
            Ok(())
        })
    }
}
