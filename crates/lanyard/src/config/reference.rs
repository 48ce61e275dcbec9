//! What `lanyard.toml` may say, for people and for editors, made of the types that read it.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::described::{Described as _, Key, Shape, Table};
use super::file::File;

const INTRODUCTION: &str = "# Configuration

<!-- made by `lanyard config reference`; the words stand in crates/lanyard/src/config/file.rs -->

Every key of `lanyard.toml`. [examples/lanyard.toml](../examples/lanyard.toml) shows them at work; \
`lanyard serve --check --config lanyard.toml` says what is wrong with a file, each fault with its line, and starts \
nothing. A key that is not known is refused. Paths are relative to the file. Editors complete and check the file with \
`lanyard config schema > lanyard.schema.json` and, as its first line, `#:schema ./lanyard.schema.json`.
";

/// The reference in Markdown, section by section.
#[must_use]
pub fn reference() -> String {
    let mut text = INTRODUCTION.to_owned();
    if let Shape::Table(table) = File::shape() {
        section(&mut text, "", &Place::default(), &table);
    }
    text
}

/// The same as a JSON Schema (draft 2020-12), for editors.
#[must_use]
pub fn schema() -> Value {
    let mut schema = shape_schema(&File::shape());
    if let Some(members) = schema.as_object_mut() {
        members.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        members.insert("title".to_owned(), json!("lanyard.toml"));
    }
    schema
}

/// How TOML gets to a table.
#[derive(Debug, Clone, Default)]
struct Place {
    path: Vec<String>,
    is_list: bool,
}

impl Place {
    fn within(&self, key: &Key, is_list: bool) -> Self {
        let mut path = self.path.clone();
        path.push(key.name.clone());
        Self { path, is_list }
    }

    fn title(&self) -> String {
        match (self.path.is_empty(), self.is_list) {
            (true, _) => "Above the first section".to_owned(),
            (false, true) => format!("`[[{}]]`", self.path.join(".")),
            (false, false) => format!("`[{}]`", self.path.join(".")),
        }
    }
}

fn section(text: &mut String, said: &str, place: &Place, table: &Table) {
    let _ = writeln!(text, "\n## {}\n", place.title());
    if !place.path.is_empty() {
        let said = if said.is_empty() { String::new() } else { format!("{said} ") };
        let _ = writeln!(text, "{said}{}", table.meaning);
    }
    let (tables, values): (Vec<_>, Vec<_>) =
        table.keys.iter().partition(|key| within(&key.shape).is_some());
    if !values.is_empty() {
        let gap = if place.path.is_empty() { "" } else { "\n" };
        let _ = writeln!(text, "{gap}| key | takes | left out | meaning |\n|---|---|---|---|");
        for key in values {
            row(text, key);
        }
    }
    for key in tables {
        if let Some((table, is_list)) = within(&key.shape) {
            let said = match key.is_required {
                true => format!("{} Required.", key.meaning),
                false => key.meaning.clone(),
            };
            section(text, &said, &place.within(key, is_list), table);
        }
    }
}

/// The table that a key holds, and whether it may hold several.
fn within(shape: &Shape) -> Option<(&Table, bool)> {
    match shape {
        Shape::Table(table) => Some((table, false)),
        Shape::List(inner) => within(inner).map(|(table, _)| (table, true)),
        _ => None,
    }
}

fn row(text: &mut String, key: &Key) {
    let left_out = match (&key.default, key.is_required) {
        (_, true) => "required".to_owned(),
        (Some(default), false) => format!("`{default}`"),
        (None, false) => String::new(),
    };
    let mut meaning = key.meaning.clone();
    if let Shape::Words(words) = &key.shape {
        for word in words {
            let _ = write!(meaning, " `{}`: {}", word.text, word.meaning);
        }
    }
    let meaning = meaning.replace('|', "\\|");
    let _ = writeln!(text, "| `{}` | {} | {left_out} | {meaning} |", key.name, takes(&key.shape));
}

fn takes(shape: &Shape) -> String {
    match shape {
        Shape::Text => "text".to_owned(),
        Shape::Path => "path".to_owned(),
        Shape::Truth => "true or false".to_owned(),
        Shape::Number(..) => "whole number".to_owned(),
        Shape::Words(words) => {
            let words: Vec<_> = words.iter().map(|word| format!("`\"{}\"`", word.text)).collect();
            words.join(", ")
        }
        Shape::List(inner) => format!("list of: {}", takes(inner)),
        Shape::Table(_) | Shape::FreeTable => "table".to_owned(),
        Shape::TextTable => "table of texts".to_owned(),
        Shape::Anything => "table or list".to_owned(),
    }
}

fn shape_schema(shape: &Shape) -> Value {
    match shape {
        Shape::Text | Shape::Path => json!({ "type": "string" }),
        Shape::Truth => json!({ "type": "boolean" }),
        Shape::Number(least, greatest) => {
            json!({ "type": "integer", "minimum": least, "maximum": greatest })
        }
        Shape::Words(words) => {
            let words: Vec<_> = words
                .iter()
                .map(|word| json!({ "const": word.text, "description": word.meaning }))
                .collect();
            json!({ "oneOf": words })
        }
        Shape::List(inner) => json!({ "type": "array", "items": shape_schema(inner) }),
        Shape::Table(table) => table_schema(table),
        Shape::FreeTable => json!({ "type": "object" }),
        Shape::TextTable => {
            json!({ "type": "object", "additionalProperties": { "type": "string" } })
        }
        Shape::Anything => json!({}),
    }
}

fn table_schema(table: &Table) -> Value {
    let properties: serde_json::Map<String, Value> = table
        .keys
        .iter()
        .map(|key| {
            let mut schema = shape_schema(&key.shape);
            if let Some(members) = schema.as_object_mut() {
                members.insert("description".to_owned(), json!(key.meaning));
                let default = key.default.as_ref().and_then(|text| {
                    let value = toml::from_str::<toml::Table>(&format!("it = {text}")).ok()?;
                    serde_json::to_value(value.get("it")?).ok()
                });
                if let Some(default) = default {
                    members.insert("default".to_owned(), default);
                }
            }
            (key.name.clone(), schema)
        })
        .collect();
    let required: Vec<_> =
        table.keys.iter().filter(|key| key.is_required).map(|key| key.name.as_str()).collect();
    json!({
        "type": "object",
        "description": table.meaning,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}
