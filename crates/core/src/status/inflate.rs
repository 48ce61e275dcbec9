//! Decompression that somebody else decides the size of, within bounds.

use flate2::{Decompress, FlushDecompress, Status};
use thiserror::Error;

/// The largest list that is read, in bytes: 2^24 tokens of one byte each.
pub(super) const MAX_INFLATED: usize = 16 << 20;

/// How much memory is taken before anything came out.
const FIRST_STEP: usize = 16 << 10;

/// Why a compressed list cannot be read.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InflateError {
    /// Not the format it should be: raw DEFLATE, a wrong checksum, a preset dictionary.
    #[error("the list is not compressed as it should be")]
    Corrupt,
    /// It ends before its checksum.
    #[error("the compressed list is cut short")]
    Truncated,
    /// Something follows the checksum.
    #[error("bytes follow the compressed list")]
    TrailingBytes,
    /// It would become larger than any list that is read.
    #[error("the list is too large")]
    TooLarge,
}

/// Decompresses all of the input, and no more than `limit` bytes.
///
/// There is no limit on the ratio: DEFLATE itself ends at 1,032 to 1, which an honest empty list reaches.
pub(crate) fn inflate(
    mut inflater: Decompress,
    compressed: &[u8],
    limit: usize,
) -> Result<Vec<u8>, InflateError> {
    let mut out = Vec::new();
    loop {
        if out.len() > limit {
            return Err(InflateError::TooLarge);
        }
        // one byte beyond the limit, so that a list of exactly that size still sees its end
        let more = out.len().max(FIRST_STEP).min(limit + 1 - out.len());
        out.reserve_exact(more);
        let read = usize::try_from(inflater.total_in()).unwrap_or(usize::MAX);
        let rest = compressed.get(read..).unwrap_or_default();
        match inflater.decompress_vec(rest, &mut out, FlushDecompress::None) {
            Ok(Status::StreamEnd) => break,
            // room was left, so it was the input that ran out
            Ok(_) if out.len() < out.capacity() => return Err(InflateError::Truncated),
            Ok(_) => {}
            Err(_) => return Err(InflateError::Corrupt),
        }
    }
    if out.len() > limit {
        return Err(InflateError::TooLarge);
    }
    if inflater.total_in() != compressed.len() as u64 {
        return Err(InflateError::TrailingBytes);
    }
    Ok(out)
}
