//! The bits themselves, and their compressed form.

use std::{fmt, io::Write as _};

use flate2::{Compression, Decompress, write::GzEncoder};

use super::{BitstringError, MIN_ENTRIES, StatusSize};
use crate::{
    json,
    status::inflate::{InflateError, MAX_INFLATED, inflate},
};

/// The window of DEFLATE, as a power of two: the largest, which reads every other.
const WINDOW_BITS: u8 = 15;

/// Statuses side by side, the first in the most significant bits of the first byte (§2.2).
#[derive(Clone, PartialEq, Eq)]
pub struct Bitstring {
    bytes: Vec<u8>,
}

impl Bitstring {
    /// So many statuses of a size, all unset; never fewer than each can hide among.
    ///
    /// # Errors
    /// [`BitstringError::Inflate`] for a list that no one would read.
    pub fn new(entries: u64, size: StatusSize) -> Result<Self, BitstringError> {
        let bits = entries.max(MIN_ENTRIES).checked_mul(size.bits());
        let bytes = bits.and_then(|bits| usize::try_from(bits.div_ceil(8)).ok());
        let bytes = bytes.filter(|bytes| *bytes <= MAX_INFLATED).ok_or(InflateError::TooLarge)?;
        Ok(Self { bytes: vec![0; bytes] })
    }

    /// Reads an `encodedList`, at most 16 MiB of it.
    ///
    /// # Errors
    /// [`BitstringError::Multibase`], [`BitstringError::Encoding`], [`BitstringError::Inflate`] and
    /// [`BitstringError::TooShort`].
    pub fn decode(encoded: &str) -> Result<Self, BitstringError> {
        // §2.2: multibase base64url without padding; StatusList2021 had no prefix
        let encoded = encoded.strip_prefix('u').ok_or(BitstringError::Multibase)?;
        // §2.2: GZIP (RFC 1952)
        let inflater = Decompress::new_gzip(WINDOW_BITS);
        let bytes = inflate(inflater, &json::base64url_decode(encoded)?, MAX_INFLATED)?;
        // §2.2: uncompressed at least 16 KiB
        if (bytes.len() as u64) < MIN_ENTRIES / 8 {
            return Err(BitstringError::TooShort);
        }
        Ok(Self { bytes })
    }

    /// The `encodedList`.
    pub fn encode(&self) -> String {
        let room = Vec::with_capacity(self.bytes.len() / 8 + 64);
        let mut deflater = GzEncoder::new(room, Compression::new(6));
        let written = deflater.write_all(&self.bytes).and_then(|()| deflater.finish());
        let mut encoded = "u".to_owned();
        json::base64url_append(&written.expect("a vector takes every byte"), &mut encoded);
        encoded
    }

    /// How many statuses of a size there are.
    pub const fn length(&self, size: StatusSize) -> u64 {
        self.bytes.len() as u64 * 8 / size.bits()
    }

    /// The value of a status.
    ///
    /// # Errors
    /// [`BitstringError::TooShort`] and [`BitstringError::IndexOutOfRange`].
    pub fn value(&self, index: u64, size: StatusSize) -> Result<u8, BitstringError> {
        // §3.2(10): the length is that of the size that is asked for
        if self.length(size) < MIN_ENTRIES {
            return Err(BitstringError::TooShort);
        }
        let mut value = 0;
        for bit in Self::bits(index, size)? {
            let byte = self.bytes.get(bit / 8).ok_or(BitstringError::IndexOutOfRange)?;
            value = value << 1 | byte >> (7 - bit % 8) & 1;
        }
        Ok(value)
    }

    /// Sets the value of a status.
    ///
    /// # Errors
    /// [`BitstringError::ValueTooWide`] and [`BitstringError::IndexOutOfRange`].
    pub fn set(&mut self, index: u64, size: StatusSize, value: u8) -> Result<(), BitstringError> {
        if u64::from(value) >= size.values() {
            return Err(BitstringError::ValueTooWide);
        }
        if index >= self.length(size) {
            return Err(BitstringError::IndexOutOfRange);
        }
        for (place, bit) in Self::bits(index, size)?.rev().enumerate() {
            let byte = self.bytes.get_mut(bit / 8).ok_or(BitstringError::IndexOutOfRange)?;
            let mask = 0x80 >> (bit % 8);
            *byte = if value >> place & 1 == 1 { *byte | mask } else { *byte & !mask };
        }
        Ok(())
    }

    /// The bits of a status, the most significant first: the order that the specification leaves open.
    fn bits(index: u64, size: StatusSize) -> Result<std::ops::Range<usize>, BitstringError> {
        // §3.2(12): the position is the index times the size
        let first = index.checked_mul(size.bits()).and_then(|first| usize::try_from(first).ok());
        let first = first.ok_or(BitstringError::IndexOutOfRange)?;
        let end = first.checked_add(size.bits() as usize);
        Ok(first..end.ok_or(BitstringError::IndexOutOfRange)?)
    }
}

impl fmt::Debug for Bitstring {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Bitstring({} bytes)", self.bytes.len())
    }
}
