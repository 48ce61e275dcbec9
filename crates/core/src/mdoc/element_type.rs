//! The types of the elements that are standardised, to make CBOR of JSON (ISO/IEC 18013-5 §7.2.1).

use jiff::civil::Date;
use serde_json::Value as Json;

use super::{NameSpace, time};
use crate::{
    cbor::{Value, tag},
    json,
};

/// The CBOR type of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElementType {
    /// `tstr`.
    Text,
    /// `bstr`; base64url in JSON.
    Bytes,
    /// `uint`.
    Unsigned,
    /// `bool`.
    Bool,
    /// `full-date`, tag 1004; `YYYY-MM-DD` in JSON.
    FullDate,
    /// `tdate`, tag 0; `YYYY-MM-DDThh:mm:ssZ` in JSON.
    DateTime,
    /// `tdate` or `full-date`.
    DateTimeOrFullDate,
    /// `DrivingPrivileges`: an array of maps whose dates are `full-date`s.
    DrivingPrivileges,
    /// Whatever JSON says: an element that is not standardised, or one with a structure.
    Any,
}

impl ElementType {
    /// The type of an element of the mobile driving licence or of the European PID.
    pub fn of(name_space: &NameSpace, identifier: &str) -> Self {
        if !matches!(name_space.as_str(), NameSpace::MDL | NameSpace::PID) {
            return Self::Any;
        }
        match identifier {
            "family_name"
            | "given_name"
            | "issuing_country"
            | "issuing_authority"
            | "document_number"
            | "un_distinguishing_sign"
            | "administrative_number"
            | "personal_administrative_number"
            | "eye_colour"
            | "hair_colour"
            | "resident_address"
            | "resident_street"
            | "resident_house_number"
            | "resident_city"
            | "resident_state"
            | "resident_postal_code"
            | "resident_country"
            | "issuing_jurisdiction"
            | "family_name_national_character"
            | "given_name_national_character"
            | "family_name_birth"
            | "given_name_birth"
            | "email_address"
            | "mobile_phone_number" => Self::Text,
            "birth_date" => Self::FullDate,
            "issue_date" | "issuance_date" | "expiry_date" => Self::DateTimeOrFullDate,
            "portrait_capture_date" => Self::DateTime,
            "portrait" | "signature_usual_mark" => Self::Bytes,
            "sex" | "height" | "weight" | "age_in_years" | "age_birth_year" => Self::Unsigned,
            "driving_privileges" => Self::DrivingPrivileges,
            _ if identifier.starts_with("age_over_") => Self::Bool,
            _ if identifier.starts_with("biometric_template_") => Self::Bytes,
            _ => Self::Any,
        }
    }

    /// The CBOR that JSON stands for; none when it is not of this type.
    pub fn value(self, json: &Json) -> Option<Value> {
        match self {
            Self::Text => json.as_str().map(Value::from),
            Self::Bytes => json::base64url_decode(json.as_str()?).ok().map(Value::from),
            Self::Unsigned => json.as_u64().map(Value::from),
            Self::Bool => json.as_bool().map(Value::from),
            Self::FullDate => full_date(json.as_str()?),
            Self::DateTime => date_time(json.as_str()?),
            Self::DateTimeOrFullDate => {
                let text = json.as_str()?;
                full_date(text).or_else(|| date_time(text))
            }
            Self::DrivingPrivileges => json
                .as_array()?
                .iter()
                .map(driving_privilege)
                .collect::<Option<_>>()
                .map(Value::Array),
            Self::Any => Some(Value::from(json)),
        }
    }
}

fn full_date(text: &str) -> Option<Value> {
    let date: Date = text.parse().ok()?;
    // RFC 8943 §1: YYYY-MM-DD and no other spelling of the day
    (date.to_string() == text).then(|| Value::full_date(text))
}

fn date_time(text: &str) -> Option<Value> {
    time::parse(text)?;
    Some(Value::Tag(tag::DATE_TIME, Box::new(text.into())))
}

fn driving_privilege(json: &Json) -> Option<Value> {
    let member = |(name, value): (&String, &Json)| {
        let value = match name.as_str() {
            // ISO/IEC 18013-5 §7.2.4: both dates are full-dates
            "issue_date" | "expiry_date" => full_date(value.as_str()?)?,
            _ => Value::from(value),
        };
        Some((Value::from(name.as_str()), value))
    };
    json.as_object()?.iter().map(member).collect::<Option<_>>().map(Value::Map)
}
