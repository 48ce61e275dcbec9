//! Texts for people, perhaps in several languages (VCDM 2.0 §11.1).

use serde_json::Value;

use crate::json::Object;

/// Whether a member, if it is there, is a text, a language value or a set of language values.
pub(super) fn is_text(document: &Object, name: &str) -> bool {
    match document.get(name) {
        None | Some(Value::String(_)) => true,
        Some(Value::Array(values)) => !values.is_empty() && values.iter().all(is_language_value),
        Some(value) => is_language_value(value),
    }
}

/// VCDM 2.0 §11.1: `@value`, perhaps `@language` and `@direction`, and nothing else.
fn is_language_value(value: &Value) -> bool {
    let Some(members) = value.as_object() else {
        return false;
    };
    let fits = |(name, value): (&String, &Value)| match name.as_str() {
        "@value" => value.is_string(),
        "@language" => value.as_str().is_some_and(is_language_tag),
        "@direction" => value == "ltr" || value == "rtl",
        _ => false,
    };
    members.contains_key("@value") && members.iter().all(fits)
}

/// RFC 5646 §2.1, as far as a form without a registry goes: subtags of one to eight letters and digits.
fn is_language_tag(tag: &str) -> bool {
    let fits = |subtag: &str| {
        (1..=8).contains(&subtag.len()) && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    tag.starts_with(|first: char| first.is_ascii_alphabetic()) && tag.split('-').all(fits)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn accepts(value: Value) -> bool {
        is_text(&Object::from_iter([("name".to_owned(), value)]), "name")
    }

    #[test]
    fn a_text_may_say_its_language_and_direction() {
        assert!(is_text(&Object::new(), "name"));
        for value in [
            json!("Badge"),
            json!({"@value": "Badge"}),
            json!({"@value": "Badge", "@language": "en", "@direction": "ltr"}),
            json!([{"@value": "Hund", "@language": "de-CH-1996"}, {"@value": "Cane"}]),
        ] {
            assert!(accepts(value.clone()), "{value}");
        }
    }

    #[test]
    fn refuses_every_other_form_of_a_text() {
        for value in [
            json!(null),
            json!(1),
            json!([]),
            json!({}),
            json!(["Badge"]),
            json!({"@language": "en"}),
            json!({"@value": 1}),
            json!({"@value": "Badge", "@language": 1}),
            json!({"@value": "Badge", "@language": ""}),
            json!({"@value": "Badge", "@language": "en_GB"}),
            json!({"@value": "Badge", "@direction": "up"}),
            json!({"@value": "Badge", "url": "https://issuer.example"}),
        ] {
            assert!(!accepts(value.clone()), "{value}");
        }
    }
}
