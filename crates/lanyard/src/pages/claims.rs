//! Claims as rows: nested objects opened, lists joined, pictures shown.

use lanyard_core::claims::ClaimsPath;
use serde_json::{Map, Value};

use super::{ClaimRow, ClaimValue, ImageUri};

/// What the format itself says about a credential; it has its place elsewhere on the page.
const ABOUT_THE_CREDENTIAL: [&str; 9] =
    ["iss", "iat", "nbf", "exp", "cnf", "vct", "status", "vct#integrity", "aka_vcts"];

/// What a claim is called, if somebody says.
pub type Label<'a> = &'a dyn Fn(&ClaimsPath) -> String;

/// All claims of a credential.
#[must_use]
pub fn rows(claims: &Map<String, Value>, label: Label<'_>) -> Vec<ClaimRow> {
    let mut rows = Vec::new();
    for (name, value) in
        claims.iter().filter(|(name, _)| !ABOUT_THE_CREDENTIAL.contains(&name.as_str()))
    {
        push(&ClaimsPath::key(name.as_str()), value, label, &mut rows);
    }
    rows
}

/// The claims at these paths alone.
#[must_use]
pub fn rows_at(
    paths: &[ClaimsPath],
    claims: &Map<String, Value>,
    label: Label<'_>,
) -> Vec<ClaimRow> {
    let whole = Value::Object(claims.clone());
    let mut rows: Vec<ClaimRow> = Vec::new();
    for path in paths {
        // RFC 9901 §7.2(2): what lies inside a disclosed claim is disclosed with it, so it is all shown
        let inside_another = paths.iter().any(|other| other != path && other.covers(path));
        if inside_another {
            continue;
        }
        for value in path.select(&whole).unwrap_or_default() {
            push(path, value, label, &mut rows);
        }
    }
    merge(rows)
}

/// Puts rows in the order of these labels; what is not among them comes last.
pub fn in_order(rows: &mut [ClaimRow], labels: &[String]) {
    let place = |row: &ClaimRow| {
        let whole = row.under.as_ref().map(|under| format!("{under}: {}", row.label));
        let whole = whole.as_ref().unwrap_or(&row.label);
        labels.iter().position(|label| label == whole).unwrap_or(usize::MAX)
    };
    rows.sort_by_key(place);
}

/// Elements of one list that were selected one by one are shown as one list.
fn merge(rows: Vec<ClaimRow>) -> Vec<ClaimRow> {
    let mut merged: Vec<ClaimRow> = Vec::new();
    for row in rows {
        let last =
            merged.last_mut().filter(|last| last.label == row.label && last.under == row.under);
        match (last.map(|last| &mut last.value), row.value) {
            (Some(ClaimValue::List(items)), ClaimValue::Text(text)) => items.push(text),
            (Some(value), ClaimValue::Text(text)) if matches!(value, ClaimValue::Text(_)) => {
                if let ClaimValue::Text(first) = value {
                    *value = ClaimValue::List(vec![std::mem::take(first), text]);
                }
            }
            (_, value) => merged.push(ClaimRow { value, ..row }),
        }
    }
    merged
}

fn push(path: &ClaimsPath, value: &Value, label: Label<'_>, rows: &mut Vec<ClaimRow>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                push(&path.clone().then_key(name.as_str()), member, label, rows);
            }
        }
        Value::Array(elements)
            if elements.iter().any(|element| element.is_object() || element.is_array()) =>
        {
            for (place, element) in elements.iter().enumerate() {
                push(&path.clone().then_index(place as u64), element, label, rows);
            }
        }
        Value::Array(elements) => {
            rows.push(row(path, ClaimValue::List(elements.iter().map(text).collect()), label))
        }
        Value::String(uri) if uri.starts_with("data:image/") => {
            let shown = ImageUri::parse(uri).map_or_else(
                || ClaimValue::Text("a picture that cannot be shown".to_owned()),
                ClaimValue::Image,
            );
            rows.push(row(path, shown, label));
        }
        other => rows.push(row(path, ClaimValue::Text(text(other)), label)),
    }
}

fn row(path: &ClaimsPath, value: ClaimValue, label: Label<'_>) -> ClaimRow {
    let label = label(path);
    match label.split_once(": ") {
        Some((under, label)) => {
            ClaimRow { under: Some(under.to_owned()), label: label.to_owned(), value }
        }
        None => ClaimRow { under: None, label, value },
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "Yes".to_owned(),
        Value::Bool(false) => "No".to_owned(),
        Value::Null => "nothing".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use lanyard_core::claims::ClaimsPath;
    use serde_json::json;

    use super::{ClaimValue, rows, rows_at};

    fn shown(rows: Vec<super::ClaimRow>) -> Vec<String> {
        let value = |value| match value {
            ClaimValue::Text(text) => text,
            ClaimValue::List(items) => format!("[{}]", items.join("|")),
            ClaimValue::Image(_) => "picture".to_owned(),
            ClaimValue::Hidden => "hidden".to_owned(),
        };
        rows.into_iter().map(|row| format!("{}={}", row.label, value(row.value))).collect()
    }

    #[test]
    fn nested_claims_are_opened_and_what_the_format_says_is_left_out() {
        let claims = json!({"iss": "x", "vct": "y", "cnf": {}, "address": {"locality": "Lyon"}, "nationalities": ["FR", "IE"], "age_over_18": true, "portrait": "data:image/png;base64,AA"});
        let label = |path: &ClaimsPath| path.to_string();
        let rows = rows(claims.as_object().expect("an object"), &label);
        assert_eq!(rows.len(), 4);
        assert_eq!(
            shown(rows)
                .iter()
                .filter(|row| row.contains("[FR|IE]")
                    || row.contains("=Yes")
                    || row.contains("=Lyon")
                    || row.contains("picture"))
                .count(),
            4
        );
    }

    #[test]
    fn a_claim_that_is_shared_whole_is_shown_whole_even_beside_a_part_of_it() {
        let claims = json!({"address": {"locality": "Lyon", "street": "Rue"}});
        let whole = ClaimsPath::key("address");
        let paths = [whole.clone().then_key("locality"), whole];
        let rows =
            rows_at(&paths, claims.as_object().expect("an object"), &|path| path.to_string());
        assert_eq!(rows.len(), 2);
        assert!(shown(rows)[1].ends_with("=Rue"));
    }

    #[test]
    fn elements_selected_one_by_one_are_one_list() {
        let claims = json!({"nationalities": ["FR", "IE", "DE"]});
        let path = ClaimsPath::key("nationalities");
        let paths = [path.clone().then_index(0), path.then_index(2)];
        let rows = rows_at(&paths, claims.as_object().expect("an object"), &|_| {
            "Nationalities".to_owned()
        });
        assert_eq!(shown(rows), ["Nationalities=[FR|DE]"]);
    }
}
