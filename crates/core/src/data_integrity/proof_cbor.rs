//! The CBOR in the `proofValue` of cryptosuites for selective disclosure: no tags, nothing after it.

use minicbor::{Decoder, Encoder, data::Type};

use super::{DataIntegrityError, rdf::MAX_BLANK_NODES, selective::JsonPointer};
use crate::json;

/// The longest text that is decoded: a signature for each of 2,000 quads.
const MAX_TEXT: usize = 256 * 1024;

/// The most mandatory pointers.
const MAX_POINTERS: usize = 1_000;

pub(super) type Written = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

/// Reads a `proofValue`: its three bytes of a prefix, then what `read` makes of the rest.
pub(super) fn decode<T>(
    text: &str,
    read: impl FnOnce([u8; 3], &mut Decoder<'_>) -> Option<T>,
) -> Result<T, DataIntegrityError> {
    let malformed = DataIntegrityError::ProofValue;
    // VC-DI-ECDSA §3.5.3, §3.5.7, VC-DI-BBS §3.3.3, §3.3.7: base64url without padding, and no other base
    let encoded = text.strip_prefix('u').filter(|encoded| encoded.len() <= MAX_TEXT);
    let bytes =
        json::base64url_decode(encoded.ok_or(malformed.clone())?).map_err(|_| malformed.clone())?;
    let (prefix, rest) = bytes.split_first_chunk::<3>().ok_or(malformed.clone())?;
    let mut decoder = Decoder::new(rest);
    let parsed = read(*prefix, &mut decoder);
    // nothing after it that nobody signed
    parsed.filter(|_| decoder.position() == rest.len()).ok_or(malformed)
}

pub(super) fn encode(
    prefix: &[u8],
    write: impl FnOnce(&mut Encoder<Vec<u8>>) -> Written,
) -> String {
    let mut encoder = Encoder::new(prefix.to_vec());
    write(&mut encoder).expect("a vector takes everything");
    format!("u{}", json::base64url(encoder.into_writer()))
}

/// An array of this many elements, its length said beforehand; a tag is refused with everything else.
pub(super) fn length(decoder: &mut Decoder<'_>, expected: u64) -> Option<()> {
    (decoder.array().ok()?? == expected).then_some(())
}

pub(super) fn bytes(decoder: &mut Decoder<'_>, length: usize) -> Option<Vec<u8>> {
    some_bytes(decoder).filter(|bytes| bytes.len() == length)
}

pub(super) fn some_bytes(decoder: &mut Decoder<'_>) -> Option<Vec<u8>> {
    decoder.bytes().ok().map(<[u8]>::to_vec)
}

pub(super) fn list<T>(
    decoder: &mut Decoder<'_>,
    mut element: impl FnMut(&mut Decoder<'_>) -> Option<T>,
) -> Option<Vec<T>> {
    if decoder.datatype().ok()? != Type::Array {
        return None;
    }
    let count = decoder.array().ok()??;
    // the list grows with what is really there, not with what is announced
    let mut list = Vec::new();
    for _ in 0..count {
        list.push(element(decoder)?);
    }
    Some(list)
}

/// What must always be shown.
pub(super) fn pointers(decoder: &mut Decoder<'_>) -> Option<Vec<JsonPointer>> {
    list(decoder, |decoder| JsonPointer::parse(decoder.str().ok()?).ok())
        .filter(|pointers| pointers.len() <= MAX_POINTERS)
}

pub(super) fn write_pointers(encoder: &mut Encoder<Vec<u8>>, pointers: &[JsonPointer]) -> Written {
    encoder.array(pointers.len() as u64)?;
    for pointer in pointers {
        encoder.str(pointer.as_str())?;
    }
    Ok(())
}

/// Indexes in their order, and none twice.
pub(super) fn indexes(decoder: &mut Decoder<'_>) -> Option<Vec<usize>> {
    let indexes = list(decoder, |decoder| usize::try_from(decoder.u64().ok()?).ok())?;
    indexes.windows(2).all(|pair| pair.first() < pair.last()).then_some(indexes)
}

pub(super) fn write_indexes(encoder: &mut Encoder<Vec<u8>>, indexes: &[usize]) -> Written {
    encoder.array(indexes.len() as u64)?;
    for index in indexes {
        encoder.u64(*index as u64)?;
    }
    Ok(())
}

/// The labels of blank nodes, each by the number of its canonical one.
pub(super) fn labels<L: PartialEq>(
    decoder: &mut Decoder<'_>,
    mut label: impl FnMut(&mut Decoder<'_>) -> Option<L>,
) -> Option<Vec<(u64, L)>> {
    let count = decoder.map().ok()??;
    // each is compared with all before it, and nothing has been verified yet
    if count > MAX_BLANK_NODES as u64 {
        return None;
    }
    let mut labels: Vec<(u64, L)> = Vec::new();
    for _ in 0..count {
        let label = (decoder.u64().ok()?, label(decoder)?);
        // two names for one node, or two nodes of one name, would be another graph than the signed one
        if labels.iter().any(|known| known.0 == label.0 || known.1 == label.1) {
            return None;
        }
        labels.push(label);
    }
    Some(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_no_more_labels_than_a_dataset_may_have_blank_nodes() {
        let read = |count: u64| {
            let mut encoder = Encoder::new(Vec::new());
            encoder.map(count).unwrap();
            for label in 0..count {
                encoder.u64(label).unwrap().u64(label).unwrap();
            }
            labels(&mut Decoder::new(&encoder.into_writer()), |decoder| decoder.u64().ok())
                .map(|labels| labels.len())
        };
        assert_eq!(read(64), Some(64));
        assert_eq!(read(65), None);
    }
}
