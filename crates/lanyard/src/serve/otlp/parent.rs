//! `traceparent` (W3C Trace Context, level 1): which trace a request belongs to.

use std::fmt::{self, Write as _};

use lanyard_core::crypto::{AwsLc, Random as _};

/// A place in a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TraceParent {
    pub(super) trace: [u8; 16],
    pub(super) span: [u8; 8],
    pub(super) is_sampled: bool,
}

impl TraceParent {
    /// Reads the header of a caller; nothing, where it is none: a new trace begins then (Trace Context §4.3).
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (version, trace, span, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        // §3.2.2.1: ff is no version; of later ones the first four parts are read as those of 00
        let [version] = unhex::<1>(version)?;
        if version == 0xff || version == 0 && parts.next().is_some() {
            return None;
        }
        let (trace, span, [flags]) = (unhex(trace)?, unhex(span)?, unhex::<1>(flags)?);
        // §3.2.2.3, §3.2.2.4: all zeroes name nothing
        let is_named = trace != [0; 16] && span != [0; 8];
        is_named.then_some(Self { trace, span, is_sampled: flags & 1 == 1 })
    }

    /// The beginning of a trace, which so many in a hundred are recorded of.
    pub(super) fn fresh_of(percent: u8) -> Self {
        let fresh = Self::fresh(false);
        // the identifier is random, so its value is as good as dice
        let [.., one, other] = fresh.trace;
        let is_sampled = u16::from_be_bytes([one, other]) % 100 < u16::from(percent);
        Self { is_sampled, ..fresh }
    }

    fn fresh(is_sampled: bool) -> Self {
        let mut fresh = Self { trace: [0; 16], span: [0; 8], is_sampled };
        AwsLc.fill(&mut fresh.trace);
        AwsLc.fill(&mut fresh.span);
        fresh
    }

    /// A place below this one.
    pub(super) fn child(&self) -> Self {
        Self { trace: self.trace, ..Self::fresh(self.is_sampled) }
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = u8::from(self.is_sampled);
        write!(out, "00-{}-{}-{flags:02x}", hex(&self.trace), hex(&self.span))
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// §3.2.2: lower case alone.
fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != 2 * N || !text.bytes().all(is_hex) {
        return None;
    }
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Trace Context §3.2.
    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_example_of_the_specification_is_read_and_written() {
        let parent = TraceParent::parse(EXAMPLE).unwrap();
        assert!(parent.is_sampled);
        assert_eq!(parent.to_string(), EXAMPLE);
        let child = parent.child();
        assert_eq!((child.trace, child.is_sampled), (parent.trace, true));
        assert_ne!(child.span, parent.span);
        let unsampled = EXAMPLE.replace("-01", "-00");
        assert!(!TraceParent::parse(&unsampled).unwrap().is_sampled);
        let later = EXAMPLE.replace("00-4b", "01-4b") + "-more";
        assert_eq!(TraceParent::parse(&later), Some(parent));
    }

    #[test]
    fn none_and_all_in_a_hundred_are_recorded_as_it_is_said() {
        assert!((0..200).all(|_| TraceParent::fresh_of(100).is_sampled));
        assert!((0..200).all(|_| !TraceParent::fresh_of(0).is_sampled));
    }

    #[test]
    fn what_is_no_traceparent_begins_a_trace_of_its_own() {
        for wrong in [
            String::new(),
            EXAMPLE.replace("00-4b", "ff-4b"),
            format!("{EXAMPLE}-more"),
            EXAMPLE.replace("4bf9", "4BF9"),
            EXAMPLE.replace("4bf9", "4bf"),
            EXAMPLE.replace("4bf9", "4bfx"),
            EXAMPLE.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            EXAMPLE.replace("00f067aa0ba902b7", &"0".repeat(16)),
            EXAMPLE.replace("-01", ""),
            EXAMPLE.replace("-01", "-1"),
            EXAMPLE.replace("4bf9", "4b+9"),
            "00-é".to_owned(),
        ] {
            assert_eq!(TraceParent::parse(&wrong), None, "{wrong}");
        }
    }
}
