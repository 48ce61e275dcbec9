//! Compression piece by piece, so that a list that changed in one place is compressed in one place.

use std::hash::{BuildHasher as _, RandomState};

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
/// It does not keep what the list said: a piece is known by 64 bits of a hash whose key nobody knows.
#[derive(Clone, Default)]
pub struct Pieces {
    hashes: RandomState,
    pieces: Vec<Piece>,
}

#[derive(Clone)]
struct Piece {
    /// Of its bytes, and of whether it is the last.
    hash: u64,
    deflated: Vec<u8>,
}

impl Pieces {
    /// Remembers nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many bytes of memory it takes.
    pub fn bytes(&self) -> usize {
        self.pieces.iter().map(|piece| size_of::<Piece>() + piece.deflated.capacity()).sum()
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
        self.pieces.truncate(count);
        let mut plain = plain.chunks(PIECE);
        for nth in 0..count {
            let (bytes, is_last) = (plain.next().unwrap_or_default(), nth + 1 == count);
            let hash = self.hashes.hash_one((bytes, is_last));
            let compress = || Piece { hash, deflated: deflate_piece(bytes, is_last) };
            match self.pieces.get_mut(nth) {
                Some(piece) if piece.hash == hash => {}
                Some(piece) => *piece = compress(),
                None => self.pieces.push(compress()),
            }
        }
        let mut out = header.to_vec();
        out.reserve_exact(self.pieces.iter().map(|piece| piece.deflated.len()).sum());
        self.pieces.iter().for_each(|piece| out.extend_from_slice(&piece.deflated));
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
        // what is not compressed again stays as it is, whatever it is
        pieces.pieces.iter_mut().for_each(|piece| piece.deflated.reserve_exact(1000));
        plain[3 * PIECE + 5] = 1;
        let changed = pieces.zlib(&plain);
        let is_new = |piece: &Piece| piece.deflated.capacity() < 1000;
        let news: Vec<_> = pieces.pieces.iter().map(is_new).collect();
        assert_eq!(news, [false, false, false, true, false, false, false, false]);
        assert_eq!(changed, Pieces::new().zlib(&plain), "and what comes out is the same as afresh");
    }

    #[test]
    fn a_list_that_grew_or_shrank_is_compressed_to_its_end() {
        let mut pieces = Pieces::new();
        for length in [3 * PIECE, 5 * PIECE, 2 * PIECE, 2 * PIECE - 1, 1] {
            let plain = vec![0; length];
            assert_eq!(inflated(ZlibDecoder::new(pieces.zlib(&plain).as_slice())), plain);
        }
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
                    plain[place % length] = *value;
                }
                prop_assert_eq!(pieces.zlib(&plain), Pieces::new().zlib(&plain));
                prop_assert_eq!(inflated(GzDecoder::new(pieces.gzip(&plain).as_slice())), plain.as_slice());
            }
        }
    }
}
