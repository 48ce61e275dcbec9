//! The issue form: from a credential type to fields, and from what was typed to claims.

use std::collections::HashMap;

use jiff::civil::Date;
use serde_json::{Map, Value};

use crate::credential_type::{ClaimKind, ClaimType, CredentialType, put};
use crate::pages::{Field, FieldGroup, FieldInput, ImageUri};

/// The longest text a field takes.
const LONGEST: usize = 1000;

/// What was typed, by field name.
pub(super) type Typed = HashMap<String, String>;

/// The fields of a type: as typed the last time, or with the sample.
pub(super) fn groups(
    kind: &CredentialType,
    typed: Option<&Typed>,
    faults: &HashMap<String, String>,
) -> Vec<FieldGroup> {
    let mut groups: Vec<FieldGroup> = Vec::new();
    for claim in &kind.claims {
        let field = field(claim, typed, faults);
        match groups.iter_mut().find(|group| group.title == claim.under) {
            Some(group) => group.fields.push(field),
            None => groups.push(FieldGroup { title: claim.under.clone(), fields: vec![field] }),
        }
    }
    groups
}

fn field(claim: &ClaimType, typed: Option<&Typed>, faults: &HashMap<String, String>) -> Field {
    let name = claim.path.join(".");
    let value = match typed {
        Some(typed) => typed.get(&name).cloned().unwrap_or_default(),
        None => as_text(&claim.sample),
    };
    Field {
        id: format!("field-{}", name.replace('.', "-")),
        label: claim.name.clone(),
        value,
        input: input(claim),
        error: faults.get(&name).cloned(),
        name,
    }
}

fn input(claim: &ClaimType) -> FieldInput {
    match claim.kind {
        ClaimKind::Date => FieldInput::Date,
        ClaimKind::Boolean => FieldInput::Flag,
        ClaimKind::List => FieldInput::List,
        ClaimKind::Text | ClaimKind::Number => FieldInput::Text,
        ClaimKind::Image => match claim.sample.as_str().and_then(ImageUri::parse) {
            Some(picture) => FieldInput::Image(picture),
            None => FieldInput::Text,
        },
    }
}

fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Array(elements) => elements.iter().map(as_text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// The claims that were typed.
///
/// # Errors
/// What is wrong, by field name.
pub(super) fn claims(
    kind: &CredentialType,
    typed: &Typed,
) -> Result<Map<String, Value>, HashMap<String, String>> {
    let (mut claims, mut faults) = (Map::new(), HashMap::new());
    for claim in &kind.claims {
        let name = claim.path.join(".");
        match value(claim, typed.get(&name).map_or("", |text| text.trim())) {
            Ok(Some(value)) => put(&mut claims, &claim.path, value),
            Ok(None) => {}
            Err(fault) => {
                faults.insert(name, fault.to_owned());
            }
        }
    }
    if faults.is_empty() { Ok(claims) } else { Err(faults) }
}

fn value(claim: &ClaimType, text: &str) -> Result<Option<Value>, &'static str> {
    if text.len() > LONGEST {
        return Err("This is too long");
    }
    let value = match claim.kind {
        ClaimKind::Boolean => Value::Bool(text == "true"),
        ClaimKind::Image if ImageUri::parse(text).is_none() && !claim.sample.is_null() => {
            claim.sample.clone()
        }
        _ if text.is_empty() && claim.mandatory => return Err("This is needed"),
        _ if text.is_empty() => return Ok(None),
        ClaimKind::Date if text.parse::<Date>().is_err() || text.len() != 10 => {
            return Err("Write it as 2026-11-24");
        }
        ClaimKind::Number => {
            text.parse().map(Value::Number).map_err(|_| "Write a number, such as 42")?
        }
        ClaimKind::List => text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(Value::from)
            .collect(),
        _ => Value::from(text),
    };
    Ok(Some(value))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde_json::json;

    use super::{Typed, claims, groups};
    use crate::demo::credential_types;

    fn typed(pairs: &[(&str, &str)]) -> Typed {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn an_untouched_form_gives_the_sample_back() {
        for kind in credential_types().expect("readable") {
            let fields = groups(&kind, None, &HashMap::new());
            let typed: Typed = fields
                .into_iter()
                .flat_map(|group| group.fields)
                .map(|field| (field.name, field.value))
                .collect();
            let typed = typed.into_iter().filter(|(_, value)| value.len() < 900).collect();
            assert_eq!(claims(&kind, &typed), Ok(kind.sample()), "{}", kind.id);
        }
    }

    #[test]
    fn what_is_missing_or_malformed_is_told_field_by_field() {
        let kind = credential_types().expect("readable").swap_remove(1);
        let faults = claims(&kind, &typed(&[("given_name", "Ada"), ("birthdate", "10.12.1990")]));
        let expected = [("family_name", "This is needed"), ("birthdate", "Write it as 2026-11-24")];
        assert_eq!(
            faults,
            Err(expected.map(|(name, fault)| (name.to_owned(), fault.to_owned())).into())
        );
    }

    #[test]
    fn an_optional_claim_left_empty_is_left_out_and_a_list_is_split() {
        let kind = credential_types().expect("readable").swap_remove(1);
        let typed = typed(&[
            ("given_name", "A"),
            ("family_name", "B"),
            ("birthdate", "1990-12-10"),
            ("nationalities", "FR ,, IE"),
        ]);
        let claims = claims(&kind, &typed).expect("complete");
        assert_eq!(claims["nationalities"], json!(["FR", "IE"]));
        assert!(!claims.contains_key("address") && claims["age_over_18"] == json!(false));
    }
}
