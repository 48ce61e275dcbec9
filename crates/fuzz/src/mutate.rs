//! Bytes that are nearly right: a seed with a few changes, the same for the same number.

/// Spellings that parsers of this field have stumbled over.
const AWKWARD: [&[u8]; 28] = [
    b"",
    b"null",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"\"\"",
    b"{}",
    b"[]",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    b"{\"a\":{\"a\":{\"a\":",
    b"\\ud800",
    b"\\u0000",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"~",
    b"~~",
    b".",
    b"..",
    b"=",
    b"%00",
    b"%zz",
    b"#",
    b"?",
    b"\x00",
    b"\x9f\xff",
    b"\xbf\x61\x61\xff",
    b"\xd8\x18",
    b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff",
];

/// The longest input that is made.
const MAX_LENGTH: usize = 1 << 16;

/// Numbers that depend on where one starts and nothing else (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A number below a limit; zero when the limit is.
    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % (limit.max(1) as u64)).unwrap_or(0)
    }
}

/// The `number`-th mutation of one of the seeds.
pub fn mutate(seeds: &[Vec<u8>], number: u64) -> Vec<u8> {
    let mut numbers = Numbers(number);
    let pick = numbers.below(seeds.len());
    let mut bytes = seeds.get(pick).cloned().unwrap_or_default();
    for _ in 0..=numbers.below(4) {
        change(&mut bytes, seeds, &mut numbers);
    }
    bytes.truncate(MAX_LENGTH);
    bytes
}

fn change(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], numbers: &mut Numbers) {
    let at = numbers.below(bytes.len());
    let length = numbers.below(16).min(bytes.len() - at);
    match numbers.below(8) {
        0 => flip(bytes, at, numbers),
        1 => drop(bytes.drain(at..at + length)),
        2 => bytes.truncate(at),
        3 => insert(bytes, at, AWKWARD[numbers.below(AWKWARD.len())]),
        4 => {
            let awkward = AWKWARD[numbers.below(AWKWARD.len())];
            bytes.splice(at..at + length, awkward.iter().copied());
        }
        5 => {
            let part = bytes[at..at + length].repeat(1 + numbers.below(64));
            insert(bytes, at, &part);
        }
        6 => {
            let other = &seeds[numbers.below(seeds.len())];
            let from = numbers.below(other.len());
            let until = from + numbers.below(other.len() - from);
            insert(bytes, at, &other[from..until]);
        }
        _ => {
            let other = numbers.below(bytes.len());
            if other < bytes.len() {
                bytes.swap(at, other);
            }
        }
    }
}

fn flip(bytes: &mut [u8], at: usize, numbers: &mut Numbers) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << numbers.below(8);
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, part: &[u8]) {
    bytes.splice(at..at, part.iter().copied());
}
