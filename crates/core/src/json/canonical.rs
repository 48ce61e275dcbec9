//! The JSON Canonicalization Scheme (RFC 8785).

use serde::Serialize;
use serde_json::Value;
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
/// [`CanonicalizeError`] for numbers that are not I-JSON (RFC 7493 §2.2), before anything is written.
pub fn canonicalize(value: &Value) -> Result<String, CanonicalizeError> {
    check_numbers(value)?;
    Ok(write(value))
}

/// As [`canonicalize`], for an object.
///
/// # Errors
/// As [`canonicalize`].
pub fn canonicalize_object(members: &Object) -> Result<String, CanonicalizeError> {
    members.values().try_for_each(check_numbers)?;
    Ok(write(members))
}

fn write(value: &impl Serialize) -> String {
    serde_json_canonicalizer::to_string(value)
        .expect("JSON has text for names, no name twice and finite numbers")
}

/// RFC 8785 §3.1, RFC 7493 §2.2: what is canonicalized is I-JSON; the library would round in silence.
fn check_numbers(value: &Value) -> Result<(), CanonicalizeError> {
    match value {
        Value::Number(number) => {
            let integer = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            if integer.is_some_and(|integer| integer > LARGEST_EXACT) {
                return Err(CanonicalizeError::IntegerTooLarge);
            }
            if number.as_f64().is_some_and(|number| number == 0.0 && number.is_sign_negative()) {
                return Err(CanonicalizeError::MinusZero);
            }
            Ok(())
        }
        Value::Array(elements) => elements.iter().try_for_each(check_numbers),
        Value::Object(members) => members.values().try_for_each(check_numbers),
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
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
        for text in ["1e400", r#""\ud800""#, r#"{"a":1,"a":1}"#, "NaN"] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
