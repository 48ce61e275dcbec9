//! The JSON Canonicalization Scheme (RFC 8785).

use std::fmt::Write as _;

use serde_json::{Number, Value};
use thiserror::Error;

use super::Object;

/// The largest integer that every JSON reader holds exactly, 2^53 - 1 (RFC 7493 §2.2).
const LARGEST_EXACT: u64 = (1 << 53) - 1;

/// Why a value has no canonical form.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum CanonicalizeError {
    /// An integer that other readers would round: they would sign or verify another number.
    #[error("an integer beyond 2^53 - 1 is not I-JSON")]
    IntegerTooLarge,
    /// Minus zero: written as `0`, it would come back as another value.
    #[error("minus zero has no canonical form of its own")]
    MinusZero,
}

/// Writes a JSON value in its canonical form: members sorted by UTF-16 code units, no white space,
/// numbers as ECMAScript writes them (RFC 8785 §3.2).
///
/// # Errors
/// [`CanonicalizeError`] for numbers that are not I-JSON (RFC 7493 §2.2).
pub fn canonicalize(value: &Value) -> Result<String, CanonicalizeError> {
    let mut out = String::with_capacity(1024);
    write_value(value, &mut out)?;
    Ok(out)
}

/// As [`canonicalize`], for an object.
///
/// # Errors
/// As [`canonicalize`].
pub fn canonicalize_object(members: &Object) -> Result<String, CanonicalizeError> {
    let mut out = String::with_capacity(1024);
    write_object(members, &mut out)?;
    Ok(out)
}

fn write_value(value: &Value, out: &mut String) -> Result<(), CanonicalizeError> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => write_number(number, out)?,
        Value::String(text) => write_string(text, out),
        Value::Array(elements) => {
            out.push('[');
            for (at, element) in elements.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_value(element, out)?;
            }
            out.push(']');
        }
        Value::Object(members) => write_object(members, out)?,
    }
    Ok(())
}

fn write_object(members: &Object, out: &mut String) -> Result<(), CanonicalizeError> {
    let mut members: Vec<_> = members.iter().collect();
    // RFC 8785 §3.2.3: by UTF-16 code units; in ASCII they are the bytes
    members.sort_unstable_by(|(one, _), (other, _)| {
        if one.is_ascii() && other.is_ascii() {
            one.cmp(other)
        } else {
            one.encode_utf16().cmp(other.encode_utf16())
        }
    });
    out.push('{');
    for (at, (name, value)) in members.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_string(name, out);
        out.push(':');
        write_value(value, out)?;
    }
    out.push('}');
    Ok(())
}

/// RFC 8785 §3.2.2.2: what JSON demands to be escaped, in its shortest form, and nothing else.
fn write_string(text: &str, out: &mut String) {
    out.push('"');
    let mut written = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        // an ASCII character, so both ends of what is before it are between characters
        out.push_str(text.get(written..at).unwrap_or_default());
        written = at + 1;
        match byte {
            8 => out.push_str("\\b"),
            b'\t' => out.push_str("\\t"),
            b'\n' => out.push_str("\\n"),
            0xc => out.push_str("\\f"),
            b'\r' => out.push_str("\\r"),
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            control => write!(out, "\\u{control:04x}").expect("a string takes everything"),
        }
    }
    out.push_str(text.get(written..).unwrap_or_default());
    out.push('"');
}

fn write_number(number: &Number, out: &mut String) -> Result<(), CanonicalizeError> {
    let integer = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
    match integer {
        // RFC 8785 §3.1, RFC 7493 §2.2: what is canonicalized is I-JSON
        Some(integer) if integer > LARGEST_EXACT => Err(CanonicalizeError::IntegerTooLarge),
        Some(_) => {
            write!(out, "{number}").expect("a string takes everything");
            Ok(())
        }
        None => {
            let double = number.as_f64().ok_or(CanonicalizeError::IntegerTooLarge)?;
            if double == 0.0 && double.is_sign_negative() {
                return Err(CanonicalizeError::MinusZero);
            }
            // RFC 8785 §3.2.2.3: the shortest digits that ECMAScript would write
            let written = serde_json_canonicalizer::to_string(&double);
            out.push_str(&written.expect("JSON has no number that is not finite"));
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    fn canonical(text: &str) -> Result<String, CanonicalizeError> {
        canonicalize(&parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn writes_the_example_of_the_rfc() {
        // RFC 8785 §3.2.2 and §3.2.3
        let text = r#"{
            "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
            "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
            "literals": [null, true, false]
        }"#;
        assert_eq!(
            canonical(text).unwrap(),
            concat!(
                r#"{"literals":[null,true,false],"#,
                r#""numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"#,
                r#""string":"€$\u000f\nA'B\"\\\\\"/"}"#,
            )
        );
    }

    #[test]
    fn sorts_names_by_utf_16_code_units() {
        // RFC 8785 §3.2.3: the emoji is a surrogate pair, and sorts before U+FB33
        let text = r#"{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}"#;
        let names = "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\u{fb33}\":3}";
        assert_eq!(canonical(text).unwrap(), names);
    }

    #[test]
    fn writes_what_the_library_writes() {
        let controls: String = (0..=0x80_u8).map(char::from).collect();
        let value = serde_json::json!({
            "controls": controls, "é": "\u{7f}\u{2028}\u{10ffff}", "": [], "z": {}, "𝒜": 1.5e-9,
            "\u{e000}": -1, "a\"": 0.1, "numbers": [1e21, 1e20, 123456789.125, 5e-324, 1e-7, -0.5],
        });
        let library = serde_json_canonicalizer::to_string(&value).unwrap();
        assert_eq!(canonicalize(&value).unwrap(), library);
    }

    #[test]
    fn refuses_numbers_that_are_not_i_json() {
        let too_large = Err(CanonicalizeError::IntegerTooLarge);
        assert_eq!(canonical("9007199254740991").unwrap(), "9007199254740991");
        assert_eq!(canonical("9007199254740992"), too_large);
        assert_eq!(canonical("9007199254740993"), too_large);
        assert_eq!(canonical("-9007199254740992"), too_large);
        assert_eq!(canonical(r#"[{"a":18446744073709551615}]"#), too_large);
        assert_eq!(canonical("-0"), Err(CanonicalizeError::MinusZero));
        assert_eq!(canonical(r#"{"a":[-0.0]}"#), Err(CanonicalizeError::MinusZero));
    }

    #[test]
    fn what_is_no_i_json_text_does_not_get_this_far() {
        for (text, reason) in [
            ("1e400", "number out of range"),
            (r#""\ud800""#, "unexpected end of hex escape"),
            (r#"{"a":1,"a":1}"#, "duplicate member"),
            ("NaN", "expected value"),
        ] {
            let told = parse(text.as_bytes()).unwrap_err().to_string();
            assert!(told.contains(reason), "{text}: {told}");
        }
    }
}
