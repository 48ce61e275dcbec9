//! The list itself: statuses side by side in bytes, and its compressed form.

use std::fmt;

use flate2::Decompress;

use super::StatusListError;
use crate::status::{
    InflateError, Pieces, Status,
    inflate::{MAX_INFLATED, inflate},
};

/// How many bits a status takes (Token Status List §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StatusBits {
    /// Valid or not.
    One,
    /// Also suspended, and one value of an application.
    Two,
    /// 16 values.
    Four,
    /// 256 values.
    Eight,
}

impl StatusBits {
    /// The size that a number stands for; none for every other than 1, 2, 4 and 8.
    pub const fn from_number(bits: u64) -> Option<Self> {
        match bits {
            1 => Some(Self::One),
            2 => Some(Self::Two),
            4 => Some(Self::Four),
            8 => Some(Self::Eight),
            _ => None,
        }
    }

    /// The number of bits.
    pub const fn number(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Four => 4,
            Self::Eight => 8,
        }
    }

    /// The largest value that fits.
    const fn mask(self) -> u8 {
        u8::MAX >> (8 - self.number())
    }

    /// How many statuses fit in a byte.
    const fn per_byte(self) -> u64 {
        8 / self.number() as u64
    }
}

/// The statuses of many tokens, a few bits each (Token Status List §4.1).
///
/// ```
/// # use lanyard_core::status::{Status, token_status_list::{StatusBits, StatusList, StatusListError}};
/// let mut list = StatusList::new(StatusBits::Two, 1_000_000)?;
/// list.set(412, Status::Suspended)?;
/// assert_eq!(list.status(412)?, Status::Suspended);
/// assert_eq!(list.status(413)?, Status::Valid);
/// # Ok::<(), StatusListError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct StatusList {
    bits: StatusBits,
    bytes: Vec<u8>,
}

impl StatusList {
    /// A list of at least so many tokens, all of them valid; its last byte is filled up.
    ///
    /// # Errors
    /// [`StatusListError::Empty`], and [`StatusListError::Inflate`] for a list that no one would read.
    pub fn new(bits: StatusBits, tokens: u64) -> Result<Self, StatusListError> {
        let bytes = usize::try_from(tokens.div_ceil(bits.per_byte())).unwrap_or(usize::MAX);
        if bytes > MAX_INFLATED {
            return Err(InflateError::TooLarge.into());
        }
        Self::from_bytes(bits, vec![0; bytes])
    }

    /// Takes a list that is packed already.
    ///
    /// # Errors
    /// [`StatusListError::Empty`].
    pub fn from_bytes(bits: StatusBits, bytes: Vec<u8>) -> Result<Self, StatusListError> {
        if bytes.is_empty() { Err(StatusListError::Empty) } else { Ok(Self { bits, bytes }) }
    }

    /// Reads the compressed form (ZLIB, RFC 1950), at most 16 MiB of it.
    ///
    /// # Errors
    /// [`StatusListError::Inflate`] and [`StatusListError::Empty`].
    pub fn decompress(bits: StatusBits, compressed: &[u8]) -> Result<Self, StatusListError> {
        // Token Status List §4.1(4): DEFLATE with the ZLIB data format
        let zlib_header = true;
        Self::from_bytes(bits, inflate(Decompress::new(zlib_header), compressed, MAX_INFLATED)?)
    }

    /// The compressed form (ZLIB, RFC 1950).
    pub fn compress(&self) -> Vec<u8> {
        self.compress_again(&mut Pieces::new())
    }

    /// The compressed form of a list that was compressed before: only what changed is compressed
    /// again.
    pub fn compress_again(&self, before: &mut Pieces) -> Vec<u8> {
        before.zlib(&self.bytes)
    }

    /// Sets the packed statuses from a byte on.
    ///
    /// # Errors
    /// [`StatusListError::IndexOutOfRange`] when they reach beyond the end.
    pub fn set_bytes(&mut self, first: usize, packed: &[u8]) -> Result<(), StatusListError> {
        let end = first.checked_add(packed.len()).ok_or(StatusListError::IndexOutOfRange)?;
        let bytes = self.bytes.get_mut(first..end).ok_or(StatusListError::IndexOutOfRange)?;
        bytes.copy_from_slice(packed);
        Ok(())
    }

    /// How many bits a status takes.
    pub const fn bits(&self) -> StatusBits {
        self.bits
    }

    /// How many statuses there are, the ones that fill up the last byte included.
    pub const fn length(&self) -> u64 {
        self.bytes.len() as u64 * self.bits.per_byte()
    }

    /// The packed statuses.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The status at a position.
    ///
    /// # Errors
    /// [`StatusListError::IndexOutOfRange`].
    pub fn status(&self, index: u64) -> Result<Status, StatusListError> {
        let (byte, shift) = self.position(index);
        // Token Status List §8.3(5): an index beyond the list refuses the token
        let byte = self.bytes.get(byte).ok_or(StatusListError::IndexOutOfRange)?;
        Ok(Status::from_value(byte >> shift & self.bits.mask()))
    }

    /// Sets the status at a position.
    ///
    /// # Errors
    /// [`StatusListError::IndexOutOfRange`], and [`StatusListError::StatusTooWide`] for a status that
    /// does not fit into the bits of this list.
    pub fn set(&mut self, index: u64, status: Status) -> Result<(), StatusListError> {
        let (byte, shift) = self.position(index);
        let (mask, value) = (self.bits.mask(), status.value());
        if value > mask {
            return Err(StatusListError::StatusTooWide);
        }
        let byte = self.bytes.get_mut(byte).ok_or(StatusListError::IndexOutOfRange)?;
        *byte = *byte & !(mask << shift) | value << shift;
        Ok(())
    }

    /// The byte a status is in, and how far from that byte's least significant bit.
    fn position(&self, index: u64) -> (usize, u64) {
        // Token Status List §4.1(2): from the least significant bit of each byte to the most significant
        let per_byte = self.bits.per_byte();
        let byte = usize::try_from(index / per_byte).unwrap_or(usize::MAX);
        (byte, index % per_byte * u64::from(self.bits.number()))
    }
}

impl fmt::Debug for StatusList {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "StatusList({} of {} bits)", self.length(), self.bits.number())
    }
}
