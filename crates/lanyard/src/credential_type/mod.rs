//! Credential types as files: what a credential holds, how it looks, and what the issue form starts with.

mod configuration;
mod picture;

use std::{collections::BTreeMap, path::Path};

use lanyard_core::{
    credential::Format, data_integrity::Cryptosuite, mdoc::DocType, sd_jwt_vc::Vct,
};
use lanyard_oid4vci::{
    configuration::{
        CredentialConfiguration, CredentialFormat, ProofType, StatusChoice, jwt_alone,
    },
    key_proof::AttestationRequirement,
    metadata::CredentialDefinition,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use picture::embedded;

/// A credential type, as `types/*.json` describes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialType {
    /// The credential configuration identifier (OID4VCI 1.0 §12.2.4).
    pub id: String,
    /// The format it is issued in.
    #[serde(default = "sd_jwt_vc")]
    pub format: Format,
    /// The type of an SD-JWT VC: its `vct` (SD-JWT VC §3.2.2.1.1).
    #[serde(default)]
    pub vct: Option<Vct>,
    /// The type of an mdoc.
    #[serde(default)]
    pub doctype: Option<DocType>,
    /// The types of a W3C credential, and the contexts that define them.
    #[serde(default)]
    pub credential_definition: Option<CredentialDefinition>,
    /// The language of its texts, as in BCP 47.
    #[serde(default = "english")]
    pub locale: String,
    /// Its name for people.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Name and description in further languages.
    #[serde(default)]
    pub translations: BTreeMap<String, Translation>,
    /// The colour of its card, `#rrggbb`.
    #[serde(default)]
    pub background_color: Option<String>,
    /// The colour of the text on its card, `#rrggbb`.
    #[serde(default)]
    pub text_color: Option<String>,
    /// Its logo.
    #[serde(default)]
    pub logo: Option<Logo>,
    /// The picture behind the text of its card.
    #[serde(default)]
    pub background_image: Option<BackgroundImage>,
    /// The key proofs that are taken.
    #[serde(default = "jwt_alone")]
    pub proof_types: Vec<ProofType>,
    /// What keys must be attested to be; left out, no attestation is demanded.
    #[serde(default)]
    pub key_attestation: Option<AttestationRequirement>,
    /// For how many days it is valid.
    #[serde(default = "one_year")]
    pub valid_days: u16,
    /// Whether it is bound to a key of its holder.
    #[serde(default = "yes")]
    pub holder_binding: bool,
    /// Whether its copies have a status, where the tenant keeps status lists; for a W3C type also which entries its
    /// copies have, as `["revocation"]` or `["revocation", "suspension"]`.
    #[serde(default)]
    pub status: StatusChoice,
    /// How many copies one request gets at most, 1 to 20; left out, 20.
    #[serde(default)]
    pub batch_size: Option<u8>,
    /// The claims that name the holder, for the card.
    #[serde(default)]
    pub holder: Vec<String>,
    /// The claim shown below the holder's name.
    #[serde(default)]
    pub line: Option<String>,
    /// What it holds, in the order in which it is shown.
    pub claims: Vec<ClaimType>,
}

const fn sd_jwt_vc() -> Format {
    Format::SdJwtVc
}

const fn one_year() -> u16 {
    365
}

const fn yes() -> bool {
    true
}

fn english() -> String {
    "en".to_owned()
}

/// The texts of a type in another language.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Translation {
    /// Its name.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
}

/// A logo with its text alternative.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logo {
    /// A `data:` or `https:` URI, or `@` and a file beside the type.
    pub uri: String,
    /// What it shows.
    #[serde(default)]
    pub alt_text: String,
}

/// A picture behind the text of a card.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackgroundImage {
    /// A `data:` or `https:` URI, or `@` and a file beside the type.
    pub uri: String,
}

/// One claim of a type.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimType {
    /// Where it is in the credential: names of object members.
    pub path: Vec<String>,
    /// Its name for people.
    pub name: String,
    /// Its name in further languages.
    #[serde(default)]
    pub translations: BTreeMap<String, String>,
    /// What it belongs to, for people, such as `Address`.
    #[serde(default)]
    pub under: Option<String>,
    /// What it is.
    #[serde(default)]
    pub kind: ClaimKind,
    /// Whether every credential of this type has it.
    #[serde(default)]
    pub mandatory: bool,
    /// Whether it is always shown, rather than when the holder chooses.
    #[serde(default)]
    pub always_shown: bool,
    /// The value that the form starts with.
    #[serde(default)]
    pub sample: Value,
}

/// What a claim is, for forms and cards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimKind {
    /// Text.
    #[default]
    Text,
    /// A date, `YYYY-MM-DD`.
    Date,
    /// True or false.
    Boolean,
    /// A number.
    Number,
    /// Several texts; each element is disclosed on its own.
    List,
    /// A picture as a `data:` URI.
    Image,
}

/// Why a credential type cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CredentialTypeError {
    /// The file is not JSON of the expected shape.
    #[error("line {line}: {what}")]
    Shape {
        /// The line in the file, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// The identifier is not usable in a URL and a form.
    #[error(
        "\"id\" must be 1 to 64 characters of a-z, 0-9, '_' and '-', such as \"employee_badge\""
    )]
    Id,
    /// The type is not named in the way of its format.
    #[error(
        "\"format\" is dc+sd-jwt with a \"vct\", mso_mdoc with a \"doctype\", or jwt_vc_json or ldp_vc with a \"credential_definition\""
    )]
    Format,
    /// The type is named neither by a URN nor by an address.
    #[error(
        "\"vct\" must be a URN such as \"urn:example:employee-badge:1\", or the address at which this server serves its type metadata"
    )]
    Vct,
    /// A language is none.
    #[error("\"{0}\" is no language; write for example \"de\" or \"fr-CA\"")]
    Language(String),
    /// A path is empty, or two claims share one.
    #[error(
        "claim \"{name}\": \"path\" must name at least one member and no other claim may have the same path or lie inside it"
    )]
    Path {
        /// The claim's name.
        name: String,
    },
    /// A colour is not a colour.
    #[error("\"{member}\" must be a colour such as \"#0f5c5c\"")]
    Colour {
        /// The member's name.
        member: &'static str,
    },
    /// A picture named by `@file` cannot be read, or is none that wallets show.
    #[error("the picture {file} cannot be used: {reason}")]
    Picture {
        /// The file's name.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl CredentialType {
    /// Reads a type; `@picture.jpg` as a sample is read from `folder`.
    ///
    /// # Errors
    /// What is wrong with it, with the line if it is the shape.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, CredentialTypeError> {
        Self::parse_with(text, |file| std::fs::read(folder.join(file)).ok())
    }

    pub(crate) fn parse_with(
        text: &str,
        picture: impl Fn(&str) -> Option<Vec<u8>>,
    ) -> Result<Self, CredentialTypeError> {
        let mut parsed: Self = serde_json::from_str(text).map_err(|error| {
            CredentialTypeError::Shape { line: error.line(), what: error.to_string() }
        })?;
        let in_file = |text: &str| text.strip_prefix('@').map(|file| embedded(file, &picture));
        for claim in &mut parsed.claims {
            if let Some(uri) = claim.sample.as_str().and_then(in_file) {
                claim.sample = uri?.into();
            }
        }
        let logo = parsed.logo.as_mut().map(|logo| &mut logo.uri);
        let behind = parsed.background_image.as_mut().map(|image| &mut image.uri);
        for uri in logo.into_iter().chain(behind) {
            if let Some(data) = in_file(uri) {
                *uri = data?;
            }
        }
        parsed.examine()?;
        Ok(parsed)
    }

    fn examine(&self) -> Result<(), CredentialTypeError> {
        let allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
        if self.id.is_empty() || self.id.len() > 64 || !self.id.bytes().all(allowed) {
            return Err(CredentialTypeError::Id);
        }
        match self.credential_format().ok_or(CredentialTypeError::Format)? {
            CredentialFormat::SdJwtVc { vct }
                if !["urn:", "https://", "http://"]
                    .iter()
                    .any(|head| vct.as_str().starts_with(head)) =>
            {
                return Err(CredentialTypeError::Vct);
            }
            _ => {}
        }
        let of_claims = self.claims.iter().flat_map(|claim| claim.translations.keys());
        let mut languages = self.translations.keys().chain(of_claims).chain([&self.locale]);
        if let Some(wrong) = languages.find(|language| !is_language(language)) {
            return Err(CredentialTypeError::Language(wrong.clone()));
        }
        for (member, colour) in
            [("background_color", &self.background_color), ("text_color", &self.text_color)]
        {
            if colour.as_deref().is_some_and(|text| crate::pages::Colour::parse(text).is_none()) {
                return Err(CredentialTypeError::Colour { member });
            }
        }
        // OID4VCI 1.0 App. C: repeated or contradictory claims paths must abort processing
        for (at, claim) in self.claims.iter().enumerate() {
            let clash = self.claims[..at].iter().any(|other| {
                other.path.starts_with(&claim.path) || claim.path.starts_with(&other.path)
            });
            if claim.path.is_empty() || clash {
                return Err(CredentialTypeError::Path { name: claim.name.clone() });
            }
        }
        Ok(())
    }

    /// The format with the type, if the one names the other.
    fn credential_format(&self) -> Option<CredentialFormat> {
        let definition = || self.credential_definition.clone();
        match (self.format, &self.vct, &self.doctype) {
            (Format::SdJwtVc, Some(vct), None) => {
                Some(CredentialFormat::SdJwtVc { vct: vct.clone() })
            }
            (Format::MsoMdoc, None, Some(doctype)) => {
                Some(CredentialFormat::MsoMdoc { doctype: doctype.clone() })
            }
            (Format::JwtVcJson, None, None) => definition()
                .map(|credential_definition| CredentialFormat::JwtVcJson { credential_definition }),
            (Format::LdpVc, None, None) => {
                let cryptosuite = Cryptosuite::EcdsaRdfc2019;
                definition().map(|credential_definition| CredentialFormat::LdpVc {
                    credential_definition,
                    cryptosuite,
                })
            }
            _ => None,
        }
    }

    /// Whether somebody has to be believed about the keys of wallets.
    #[must_use]
    pub fn needs_attesters(&self) -> bool {
        CredentialConfiguration::from(self).needs_attesters()
    }

    /// The name of the type in the words of its format.
    #[must_use]
    pub fn type_name(&self) -> &str {
        let definition = self.credential_definition.as_ref();
        let of_definition = definition.and_then(|definition| definition.types.last());
        let vct = self.vct.as_ref().map(Vct::as_str);
        let doctype = self.doctype.as_ref().map(DocType::as_str);
        vct.or(doctype).or(of_definition.map(String::as_str)).unwrap_or_default()
    }

    /// The sample of the claim that ends in this name, as text.
    pub(crate) fn sample_text(&self, name: &str) -> Option<String> {
        let ends = |claim: &&ClaimType| claim.path.last().is_some_and(|last| last == name);
        self.claims.iter().find(ends)?.sample.as_str().map(str::to_owned)
    }

    /// The claims that the form starts with.
    #[must_use]
    pub fn sample(&self) -> Map<String, Value> {
        let mut claims = Map::new();
        for claim in self.claims.iter().filter(|claim| !claim.sample.is_null()) {
            put(&mut claims, &claim.path, claim.sample.clone());
        }
        claims
    }
}

/// BCP 47, as far as it can be told without its registry: letters, then parts of letters and digits.
fn is_language(text: &str) -> bool {
    let mut parts = text.split('-');
    let first = parts.next().unwrap_or_default();
    let letters =
        (2..=8).contains(&first.len()) && first.bytes().all(|byte| byte.is_ascii_alphabetic());
    letters
        && parts.all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

/// Puts `value` at `path`, making the objects on the way.
pub(crate) fn put(claims: &mut Map<String, Value>, path: &[String], value: Value) {
    let Some((first, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        claims.insert(first.clone(), value);
        return;
    }
    let inner = claims.entry(first.clone()).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(inner) = inner {
        put(inner, rest, value);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use lanyard_oid4vci::configuration::{StatusChoice, StatusUse};

    use super::{CredentialType, CredentialTypeError};

    fn parse(text: &str) -> Result<CredentialType, String> {
        CredentialType::parse(text, Path::new("/nowhere")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_logo_in_a_file_is_judged_by_its_bytes_when_the_type_is_read() {
        let kind = |file: &str| {
            let text = include_str!("../../demo/safety_training.json");
            let logo = format!("{{\"logo\": {{\"uri\": \"@{file}\"}},");
            CredentialType::parse_with(&text.replacen('{', &logo, 1), |name| match name {
                "leaf.txt" => Some(br#"<svg xmlns="http://www.w3.org/2000/svg"/>"#.to_vec()),
                "page.png" => Some(b"<html/>".to_vec()),
                _ => None,
            })
        };
        let logo = kind("leaf.txt").expect("a type").logo.expect("a logo").uri;
        assert!(logo.starts_with("data:image/svg+xml;base64,PHN2Zy"), "{logo}");
        for file in ["page.png", "nothing.png", "../leaf.txt"] {
            let refused = kind(file);
            assert!(matches!(refused, Err(CredentialTypeError::Picture { .. })), "{refused:?}");
        }
    }

    #[test]
    fn a_type_with_a_fault_in_its_shape_is_refused_with_the_line() {
        let refusal = CredentialType::parse("{\n \"id\": \"a\",\n \"colour\": 1 }", Path::new("/"));
        assert!(matches!(refusal, Err(CredentialTypeError::Shape { line: 3, .. })), "{refusal:?}");
    }

    #[test]
    fn a_status_is_kept_or_not_or_for_what_it_names() {
        let of = |status: &str| {
            let members = r#""id":"x","vct":"urn:v","name":"n","claims":[]"#;
            parse(&format!(r#"{{{members},"status":{status}}}"#)).map(|kind| kind.status)
        };
        assert_eq!(of("false"), Ok(StatusChoice::Kept(false)));
        assert_eq!(of(r#"["revocation"]"#), Ok(StatusChoice::For(vec![StatusUse::Revocation])));
        let refusal = of(r#"["refresh"]"#).expect_err("no such purpose");
        assert!(refusal.contains("\"status\" is true, false, or a list such as"), "{refusal}");
    }

    #[test]
    fn two_claims_may_not_share_a_path() {
        let claim = r#"{"path": ["a"], "name": "A"}"#;
        let inner = r#"{"path": ["a", "b"], "name": "B"}"#;
        let refusal =
            parse(&format!(r#"{{"id":"x","vct":"urn:v","name":"n","claims":[{claim},{inner}]}}"#));
        assert!(refusal.expect_err("refused").starts_with("claim \"B\": \"path\""));
    }

    #[test]
    fn a_picture_is_read_from_beside_the_type_and_from_nowhere_else() {
        let refusal = parse(
            r#"{"id":"x","vct":"urn:v","name":"n","claims":[{"path":["p"],"name":"P","sample":"@../../secret.png"}]}"#,
        );
        assert_eq!(
            refusal.expect_err("refused"),
            "the picture ../../secret.png cannot be used: it is not beside the type"
        );
    }

    #[test]
    fn a_picture_of_a_claim_is_judged_by_its_bytes() {
        let kind = |file: &str| {
            let claims = format!(r#"[{{"path":["p"],"name":"P","sample":"@{file}"}}]"#);
            let text = format!(r#"{{"id":"x","vct":"urn:v","name":"n","claims":{claims}}}"#);
            CredentialType::parse_with(&text, |name| match name {
                "leaf.png" => Some(br#"<svg xmlns="http://www.w3.org/2000/svg"/>"#.to_vec()),
                _ => Some(b"<html/>".to_vec()),
            })
        };
        let sample = kind("leaf.png").expect("a type").claims.remove(0).sample;
        let uri = sample.as_str().expect("text");
        assert!(uri.starts_with("data:image/svg+xml;base64,PHN2Zy"), "{uri}");
        let refused = kind("page.png");
        assert!(matches!(refused, Err(CredentialTypeError::Picture { .. })), "{refused:?}");
    }

    #[test]
    fn a_type_is_named_in_the_way_of_its_format() {
        let of =
            |members: &str| parse(&format!(r#"{{"id":"x",{members},"name":"n","claims":[]}}"#));
        assert!(of(r#""format":"mso_mdoc","doctype":"org.example.1""#).is_ok());
        for other in [
            r#""format":"mso_mdoc","vct":"urn:v""#,
            r#""format":"ldp_vc","doctype":"org.example.1""#,
            r#""format":"vc+jwt","vct":"urn:v""#,
            r#""doctype":"org.example.1""#,
        ] {
            let refusal = of(other).expect_err("refused");
            assert!(refusal.starts_with("\"format\" is dc+sd-jwt"), "{other}: {refusal}");
        }
    }

    #[test]
    fn texts_stand_in_every_language_that_is_written_down_and_a_language_is_one() {
        let german = r#""translations":{"de":{"name":"Ausweis"}},"claims":[{"path":["a"],"name":"A","translations":{"de":"B"}}]"#;
        let of =
            |members: &str| parse(&format!(r#"{{"id":"x","vct":"urn:v","name":"n",{members}}}"#));
        let kind = of(german).expect("readable");
        let configuration = lanyard_oid4vci::configuration::CredentialConfiguration::from(&kind);
        let names: Vec<_> = configuration.display.iter().map(|display| &*display.name).collect();
        assert_eq!(names, ["n", "Ausweis"]);
        let names: Vec<_> =
            configuration.claims[0].display.iter().map(|display| &*display.name).collect();
        assert_eq!(names, ["A", "B"]);
        let refusal = of(&german.replace("de", "d_e")).expect_err("refused");
        assert_eq!(refusal, "\"d_e\" is no language; write for example \"de\" or \"fr-CA\"");
    }

    #[test]
    fn a_colour_must_be_a_colour() {
        let refusal =
            parse(r#"{"id":"x","vct":"urn:v","name":"n","background_color":"teal","claims":[]}"#);
        assert_eq!(
            refusal.expect_err("refused"),
            "\"background_color\" must be a colour such as \"#0f5c5c\""
        );
    }
}
