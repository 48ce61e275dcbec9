//! JSON values as RDF literals (JSON-LD 1.1 Processing §8.2.2).

use serde_json::{Number, Value};

use super::{
    super::rdf::{Dataset, Node},
    JsonLdError,
};
use crate::json::{self, CanonicalizeError};

const XSD_STRING: &str = "http://www.w3.org/2001/XMLSchema#string";
const XSD_BOOLEAN: &str = "http://www.w3.org/2001/XMLSchema#boolean";
const XSD_INTEGER: &str = "http://www.w3.org/2001/XMLSchema#integer";
const XSD_DOUBLE: &str = "http://www.w3.org/2001/XMLSchema#double";
const RDF_JSON: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#JSON";
const I18N: &str = "https://www.w3.org/ns/i18n#";

/// A JSON literal: any value, in its canonical form.
pub(super) fn json(dataset: &mut Dataset, value: &Value) -> Result<Node, JsonLdError> {
    Ok(dataset.literal(&json::canonicalize(value)?, RDF_JSON)?)
}

/// A boolean or a number, with the datatype that it was given or its own.
pub(super) fn native(
    dataset: &mut Dataset,
    value: &Value,
    datatype: Option<&str>,
) -> Result<Option<Node>, JsonLdError> {
    let (lexical, own) = match value {
        Value::Bool(true) => ("true".to_owned(), XSD_BOOLEAN),
        Value::Bool(false) => ("false".to_owned(), XSD_BOOLEAN),
        Value::Number(number) => number_text(number, datatype == Some(XSD_DOUBLE))?,
        _ => return Ok(None),
    };
    Ok(Some(dataset.literal(&lexical, datatype.unwrap_or(own))?))
}

/// A string in a language and a direction, of neither, or of one.
pub(super) fn text(
    dataset: &mut Dataset,
    lexical: &str,
    language: Option<&str>,
    direction: Option<&str>,
) -> Result<Node, JsonLdError> {
    match (language, direction) {
        (None, None) => Ok(dataset.literal(lexical, XSD_STRING)?),
        (Some(language), None) => Ok(dataset.text(lexical, language)?),
        (language, Some(direction)) => {
            // the tag is checked as one, before it becomes part of an IRI
            if let Some(language) = language {
                dataset.text("", language)?;
            }
            // VC-DI-EDDSA §3.2.3, JSON-LD 1.1 Processing §8.2.2 (13): rdfDirection is i18n-datatype
            let datatype = format!("{I18N}{}_{direction}", language.unwrap_or_default());
            Ok(dataset.literal(lexical, &datatype)?)
        }
    }
}

/// §8.2.2 (9) to (11): an integer as it is, anything else as a double.
fn number_text(number: &Number, as_double: bool) -> Result<(String, &'static str), JsonLdError> {
    // RFC 7493 §2.2: an integer that readers round would be signed as another number
    json::canonicalize(&Value::Number(number.clone()))?;
    let integer = number.as_i64().map(|integer| integer.to_string());
    let double = number.as_f64().ok_or(CanonicalizeError::IntegerTooLarge)?;
    let integer = integer
        .or_else(|| (double.fract() == 0.0 && double.abs() < 1e21).then(|| format!("{double:.0}")));
    match integer {
        Some(integer) if !as_double => Ok((integer, XSD_INTEGER)),
        _ => Ok((double_text(double), XSD_DOUBLE)),
    }
}

/// The canonical form of an `xsd:double`: one digit, a point, what is left of fifteen, `E`, the exponent.
fn double_text(double: f64) -> String {
    let written = format!("{double:.15e}");
    let (mantissa, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    let mantissa = mantissa.trim_end_matches('0');
    let zero = if mantissa.ends_with('.') { "0" } else { "" };
    format!("{mantissa}{zero}E{exponent}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_double_is_written_in_its_canonical_form() {
        for (double, text) in [
            (5.5, "5.5E0"),
            (-0.25, "-2.5E-1"),
            (1e21, "1.0E21"),
            (1.0, "1.0E0"),
            (0.1, "1.0E-1"),
            (1.1e-7, "1.1E-7"),
            (123_456.789, "1.23456789E5"),
        ] {
            assert_eq!(double_text(double), text);
        }
    }
}
