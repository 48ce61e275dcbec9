//! Compression piece by piece, so that a list that changed in one place is compressed in one place.

use std::ops::Range;

use flate2::{Compress, Compression, Crc, FlushCompress, Status as Flow};

/// How many bytes are compressed together.
///
/// What is in one piece is not known in the next, and each has its own Huffman tables: pieces of this size
/// cost a list of a million statuses about a hundredth of its length.
const PIECE: usize = 16 << 10;

/// Level 9 takes ten times as long as 6 to save a tenth of the size.
const LEVEL: Compression = Compression::new(6);

/// What was compressed before, so that the pieces that did not change are not compressed again.
///
/// It belongs to one list, and does not keep what that list said: whoever changes the list says
/// [where](Self::changed). A change that it was not told of makes a form that nobody can read, as the checksum at its
/// end is that of what the list says.
#[derive(Clone, Default)]
pub struct Pieces {
    /// Of how many bytes.
    length: usize,
    /// Empty where a piece is to be compressed.
    deflated: Vec<Vec<u8>>,
}

impl Pieces {
    /// Remembers nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Has what these bytes of the list are in compressed again.
    pub fn changed(&mut self, bytes: Range<usize>) {
        let pieces = bytes.start / PIECE..bytes.end.div_ceil(PIECE).min(self.deflated.len());
        self.deflated.get_mut(pieces).into_iter().flatten().for_each(Vec::clear);
    }

    /// How many bytes of memory it takes.
    pub fn bytes(&self) -> usize {
        self.deflated.iter().map(Vec::capacity).sum()
    }

    /// The ZLIB form (RFC 1950).
    pub(super) fn zlib(&mut self, plain: &[u8]) -> Vec<u8> {
        // RFC 1950 §2.2: DEFLATE with a window of 32 KiB, the default level, no dictionary
        let out = self.deflate(plain, &[0x78, 0x9c]);
        [out.as_slice(), &adler32(plain).to_be_bytes()].concat()
    }

    /// The GZIP form (RFC 1952).
    pub(super) fn gzip(&mut self, plain: &[u8]) -> Vec<u8> {
        // RFC 1952 §2.3: DEFLATE, no flags, no time, an unknown system
        let out = self.deflate(plain, &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
        let mut crc = Crc::new();
        crc.update(plain);
        [out.as_slice(), &crc.sum().to_le_bytes(), &crc.amount().to_le_bytes()].concat()
    }

    /// A header, and the one DEFLATE stream that all pieces make.
    fn deflate(&mut self, plain: &[u8], header: &[u8]) -> Vec<u8> {
        let count = plain.len().div_ceil(PIECE).max(1);
        if self.length != plain.len() || self.deflated.len() != count {
            self.length = plain.len();
            self.deflated = vec![Vec::new(); count];
        }
        let mut pieces = plain.chunks(PIECE);
        for (nth, deflated) in self.deflated.iter_mut().enumerate() {
            let piece = pieces.next().unwrap_or_default();
            if deflated.is_empty() {
                *deflated = deflate_piece(piece, nth + 1 == count);
            }
        }
        let mut out = header.to_vec();
        out.reserve_exact(self.deflated.iter().map(Vec::len).sum());
        self.deflated.iter().for_each(|piece| out.extend_from_slice(piece));
        out
    }
}

/// Blocks of DEFLATE for one piece, which end at a byte and refer to nothing before them (RFC 1951 §3.2).
fn deflate_piece(piece: &[u8], is_last: bool) -> Vec<u8> {
    let flush = if is_last { FlushCompress::Finish } else { FlushCompress::Sync };
    let mut deflater = Compress::new(LEVEL, false);
    let mut out = Vec::with_capacity(piece.len() / 8 + 64);
    loop {
        let read = usize::try_from(deflater.total_in()).unwrap_or(usize::MAX);
        let rest = piece.get(read..).unwrap_or_default();
        let flow = deflater
            .compress_vec(rest, &mut out, flush)
            .expect("the deflater's state is fresh, and every input can be deflated");
        // with room left there is nothing left to write
        if flow == Flow::StreamEnd || (!is_last && out.len() < out.capacity()) {
            out.shrink_to_fit();
            return out;
        }
        out.reserve(out.capacity().max(64));
    }
}

/// The checksum of ZLIB (RFC 1950 §8.2).
fn adler32(plain: &[u8]) -> u32 {
    const BASE: u32 = 65_521;
    // the most bytes after which neither sum has left 32 bits
    const RUN: usize = 5552;
    let (mut first, mut second) = (1, 0);
    for run in plain.chunks(RUN) {
        for byte in run {
            first += u32::from(*byte);
            second += first;
        }
        first %= BASE;
        second %= BASE;
    }
    second << 16 | first
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::{GzDecoder, ZlibDecoder};
    use proptest::prelude::*;

    use super::*;

    fn inflated(mut decoder: impl std::io::Read) -> Vec<u8> {
        let mut plain = Vec::new();
        decoder.read_to_end(&mut plain).unwrap();
        plain
    }

    #[test]
    fn another_inflater_reads_what_the_pieces_make() {
        for length in [1, 100, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 16 * PIECE + 7] {
            let plain: Vec<u8> = (0..length).map(|nth| (nth * nth % 251) as u8).collect();
            let mut pieces = Pieces::new();
            assert_eq!(inflated(ZlibDecoder::new(pieces.zlib(&plain).as_slice())), plain);
            assert_eq!(inflated(GzDecoder::new(pieces.gzip(&plain).as_slice())), plain);
        }
    }

    #[test]
    fn a_change_compresses_one_piece_and_no_other() {
        let mut pieces = Pieces::new();
        let mut plain = vec![0; 8 * PIECE];
        pieces.zlib(&plain);
        let before = pieces.deflated.clone();
        plain[3 * PIECE + 5] = 1;
        pieces.changed(3 * PIECE + 5..3 * PIECE + 6);
        let changed = pieces.zlib(&plain);
        let differ = before.iter().zip(&pieces.deflated).map(|(one, other)| one != other);
        let differ: Vec<_> = differ.enumerate().filter(|(_, differs)| *differs).collect();
        assert_eq!(differ, [(3, true)]);
        assert_eq!(changed, Pieces::new().zlib(&plain), "and what comes out is the same as afresh");
    }

    #[test]
    fn a_change_that_was_not_told_of_makes_a_form_that_nobody_can_read() {
        let (mut pieces, mut plain) = (Pieces::new(), vec![0; 8 * PIECE]);
        pieces.zlib(&plain);
        plain[3 * PIECE + 5] = 1;
        let mut read = Vec::new();
        assert!(ZlibDecoder::new(pieces.zlib(&plain).as_slice()).read_to_end(&mut read).is_err());
    }

    #[test]
    fn a_place_beyond_the_end_changes_nothing() {
        let (mut pieces, plain) = (Pieces::new(), vec![0; 2 * PIECE]);
        let before = pieces.zlib(&plain);
        pieces.changed(7 * PIECE..9 * PIECE);
        assert_eq!(pieces.zlib(&plain), before);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn what_is_remembered_never_shows(
            length in 1_usize..100_000,
            steps in prop::collection::vec(prop::collection::vec((any::<usize>(), any::<u8>()), 0..20), 1..5),
        ) {
            let (mut pieces, mut plain) = (Pieces::new(), vec![0; length]);
            for set in &steps {
                for (place, value) in set {
                    let place = place % length;
                    plain[place] = *value;
                    pieces.changed(place..place + 1);
                }
                prop_assert_eq!(pieces.zlib(&plain), Pieces::new().zlib(&plain));
                prop_assert_eq!(inflated(GzDecoder::new(pieces.gzip(&plain).as_slice())), plain.as_slice());
            }
        }
    }
}
