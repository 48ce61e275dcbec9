//! What a configuration file may say, told by the types that read it.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;

use serde_spanned::Spanned;

/// What a key takes.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    Text,
    /// A file or folder; relative ones begin at the configuration file.
    Path,
    Truth,
    /// A whole number, with its least and its greatest value.
    Number(u64, u64),
    /// One of these words, each with its meaning.
    Words(Vec<Word>),
    List(Box<Shape>),
    Table(Table),
    /// A table whose keys are the reader's.
    FreeTable,
    /// Texts by keys that are the reader's.
    TextTable,
    /// A table or a list, in a form that is told elsewhere.
    Anything,
}

/// A word that a key takes.
#[derive(Debug, Clone)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) meaning: String,
}

/// The keys of a table, in the order in which the reference tells them.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) meaning: String,
    pub(super) keys: Vec<Key>,
}

/// One key.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) meaning: String,
    pub(super) shape: Shape,
    pub(super) is_required: bool,
    /// As TOML writes it.
    pub(super) default: Option<String>,
}

/// A type that reads a value, and says which.
pub(super) trait Described {
    /// Whether the key may be left out because of its type.
    const MAY_BE_LEFT_OUT: bool = false;

    fn shape() -> Shape;

    /// What counts where the reader takes the type's own default.
    fn default_text() -> Option<String> {
        None
    }
}

impl<T: Described> Described for Option<T> {
    const MAY_BE_LEFT_OUT: bool = true;

    fn shape() -> Shape {
        T::shape()
    }
}

impl<T: Described> Described for Spanned<T> {
    const MAY_BE_LEFT_OUT: bool = T::MAY_BE_LEFT_OUT;

    fn shape() -> Shape {
        T::shape()
    }

    fn default_text() -> Option<String> {
        T::default_text()
    }
}

impl<T: Described> Described for Vec<T> {
    fn shape() -> Shape {
        Shape::List(Box::new(T::shape()))
    }

    fn default_text() -> Option<String> {
        Some("[]".to_owned())
    }
}

impl Described for bool {
    fn shape() -> Shape {
        Shape::Truth
    }

    fn default_text() -> Option<String> {
        Some(Self::default().to_string())
    }
}

/// Types whose shape says everything.
macro_rules! plain {
    ($($type:ty => $shape:expr),* $(,)?) => {
        $(impl Described for $type {
            fn shape() -> Shape {
                $shape
            }
        })*
    };
}

plain! {
    String => Shape::Text,
    PathBuf => Shape::Path,
    u8 => Shape::Number(0, u8::MAX.into()),
    u16 => Shape::Number(0, u16::MAX.into()),
    u32 => Shape::Number(0, u32::MAX.into()),
    usize => Shape::Number(0, u32::MAX.into()),
    NonZeroU32 => Shape::Number(1, u32::MAX.into()),
    toml::Table => Shape::FreeTable,
    toml::Value => Shape::Anything,
    BTreeMap<String, String> => Shape::TextTable,
}

impl Key {
    /// A key as its field says it: `serde` is what stands in the field's attribute.
    pub(super) fn of<T: Described>(
        field: &str,
        serde: &str,
        doc: &str,
        default: Option<String>,
    ) -> Self {
        let renamed = serde.split_once("rename = \"").and_then(|(_, rest)| rest.split('"').next());
        let has_default = serde.contains("default");
        Self {
            name: renamed.unwrap_or(field).to_owned(),
            meaning: meaning(doc),
            shape: T::shape(),
            is_required: !T::MAY_BE_LEFT_OUT && !has_default,
            default: default.or_else(|| if has_default { T::default_text() } else { None }),
        }
    }
}

/// A doc comment as one line.
pub(super) fn meaning(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A value as TOML writes it.
pub(super) fn shown<T: serde::Serialize>(value: T) -> Option<String> {
    toml::Value::try_from(value).ok().map(|value| value.to_string())
}

/// `TrustedIssuers` as `trusted_issuers`, which is what `rename_all` makes of it.
pub(super) fn snake(variant: &str) -> String {
    let mut text = String::new();
    for letter in variant.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

/// Tables of the file: how they are read, and what the reference says of them, in one place.
///
/// `#[default(…)]` tells a default that is taken where the value is examined.
macro_rules! tables {
    ($(
        $(#[doc = $about:literal])*
        $(#[derive($derive:ident)])?
        struct $name:ident {
            $(
                $(#[doc = $doc:literal])*
                $(#[serde($($serde:tt)*)])?
                $(#[default($default:expr)])?
                $field:ident: $type:ty,
            )*
        }
    )*) => {
        $(
            $(#[doc = $about])*
            #[derive(Debug, serde::Deserialize $(, $derive)?)]
            #[serde(deny_unknown_fields)]
            pub(super) struct $name {
                $(
                    $(#[doc = $doc])*
                    $(#[serde($($serde)*)])?
                    pub(super) $field: $type,
                )*
            }

            impl $crate::config::described::Described for $name {
                fn shape() -> $crate::config::described::Shape {
                    use $crate::config::described::{Shape, Table, meaning};
                    Shape::Table(Table {
                        meaning: meaning(concat!($($about, "\n"),*)),
                        keys: vec![$(
                            $crate::config::described::Key::of::<$type>(
                                stringify!($field),
                                concat!("" $(, stringify!($($serde)*))?),
                                concat!("" $(, $doc, "\n")*),
                                None $(.or_else(|| $crate::config::described::shown($default)))?,
                            ),
                        )*],
                    })
                }
            }
        )*
    };
}

/// Words of the file, the first being the default.
macro_rules! words {
    ($(
        $(#[doc = $about:literal])*
        $vis:vis enum $name:ident {
            $(#[doc = $first_doc:literal])*
            $first:ident,
            $(
                $(#[doc = $doc:literal])*
                $variant:ident,
            )*
        }
    )*) => {
        $(
            $(#[doc = $about])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
            #[serde(rename_all = "snake_case")]
            $vis enum $name {
                $(#[doc = $first_doc])*
                #[default]
                $first,
                $(
                    $(#[doc = $doc])*
                    $variant,
                )*
            }

            impl $crate::config::described::Described for $name {
                fn shape() -> $crate::config::described::Shape {
                    use $crate::config::described::{Shape, Word, meaning, snake};
                    let word = |variant: &str, doc: &str| Word {
                        text: snake(variant),
                        meaning: meaning(doc),
                    };
                    Shape::Words(vec![
                        word(stringify!($first), concat!("" $(, $first_doc, "\n")*)),
                        $(word(stringify!($variant), concat!("" $(, $doc, "\n")*)),)*
                    ])
                }

                fn default_text() -> Option<String> {
                    Some(format!("\"{}\"", $crate::config::described::snake(stringify!($first))))
                }
            }
        )*
    };
}

pub(super) use {tables, words};
