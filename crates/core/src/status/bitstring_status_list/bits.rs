//! The bits themselves, and their compressed form.

use std::fmt;

use flate2::Decompress;

use super::{BitstringError, MIN_ENTRIES, StatusSize};
use crate::{
    json,
    status::{
        Pieces, Status,
        inflate::{InflateError, MAX_INFLATED, inflate},
        token_status_list::StatusList,
    },
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
        self.encode_again(&mut Pieces::new())
    }

    /// The `encodedList` of bits that were encoded before: only what changed is compressed again.
    pub fn encode_again(&self, before: &mut Pieces) -> String {
        let mut encoded = "u".to_owned();
        json::base64url_append(&before.gzip(&self.bytes), &mut encoded);
        encoded
    }

    /// The statuses of a Token Status List as one bit each: set where `is_set` says so of a value.
    ///
    /// # Errors
    /// [`BitstringError::Inflate`] for a list that no one would read.
    pub fn of_list(
        list: &StatusList,
        is_set: impl Fn(Status) -> bool,
    ) -> Result<Self, BitstringError> {
        let mut bits = Self::new(list.length(), StatusSize::ONE)?;
        let is_set: Vec<bool> =
            (0..=u8::MAX).map(|value| is_set(Status::from_value(value))).collect();
        let width = list.bits().number();
        let (mask, per_byte) = (u8::MAX >> (8 - width), 8 / width);
        for (nth, byte) in list.as_bytes().iter().enumerate().filter(|(_, byte)| **byte != 0) {
            for place in 0..per_byte {
                // Token Status List §4.1(2): from the least significant bit on
                let value = byte >> (place * width) & mask;
                if is_set.get(usize::from(value)) == Some(&true) {
                    let index = nth as u64 * u64::from(per_byte) + u64::from(place);
                    bits.set(index, StatusSize::ONE, 1)?;
                }
            }
        }
        Ok(bits)
    }

    /// The packed statuses.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
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
