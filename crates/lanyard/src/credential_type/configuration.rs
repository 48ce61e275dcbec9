//! What a type is to the issuer: what it enforces, and what its metadata say.

use lanyard_core::{claims::ClaimsPath, credential::Format};
use lanyard_oid4vci::{
    CredentialConfigurationId,
    configuration::{Binding, ClaimDefinition, ClaimValue, CredentialConfiguration, Visibility},
    metadata::{self, ClaimDisplay, CredentialDisplay},
};

use super::{ClaimKind, ClaimType, CredentialType};

/// The same type as the issuer enforces and advertises it.
impl From<&CredentialType> for CredentialConfiguration {
    fn from(kind: &CredentialType) -> Self {
        let logo = kind.logo.as_ref().map(|logo| metadata::Logo {
            uri: logo.uri.clone(),
            alt_text: (!logo.alt_text.is_empty()).then(|| logo.alt_text.clone()),
        });
        let background_image = kind.background_image.as_ref();
        let background_image =
            background_image.map(|image| metadata::BackgroundImage { uri: image.uri.clone() });
        let display = |locale: &String, name: &String, description: &String| CredentialDisplay {
            name: name.clone(),
            locale: Some(locale.clone()),
            logo: logo.clone(),
            description: (!description.is_empty()).then(|| description.clone()),
            background_color: kind.background_color.clone(),
            background_image: background_image.clone(),
            text_color: kind.text_color.clone(),
        };
        let own = std::iter::once(display(&kind.locale, &kind.name, &kind.description));
        let others = kind.translations.iter();
        let others = others.map(|(locale, text)| display(locale, &text.name, &text.description));
        Self {
            id: CredentialConfigurationId::new(kind.id.clone()),
            format: kind
                .credential_format()
                .expect("a type without what its format needs is refused when it is read"),
            scope: kind.id.clone(),
            display: own.chain(others).collect(),
            claims: kind.definitions(),
            valid_days: kind.valid_days,
            binding: if kind.holder_binding { Binding::HolderKey } else { Binding::Bearer },
            status: kind.status.clone(),
            batch_size: kind.batch_size,
            proof_types: kind.proof_types.clone(),
            key_attestation: kind.key_attestation.clone(),
        }
    }
}

impl CredentialType {
    /// Every claim, and before the first claim of an object the object itself: what is in it may be
    /// withheld, and so may that there is one.
    fn definitions(&self) -> Vec<ClaimDefinition> {
        let mut definitions: Vec<ClaimDefinition> = Vec::new();
        // above a namespace's elements, and above what is said about a subject, there is no claim
        let first = match self.format {
            Format::SdJwtVc | Format::VcJwt | Format::VcSdJwt => 1,
            Format::MsoMdoc | Format::JwtVcJson | Format::LdpVc => 2,
        };
        for claim in &self.claims {
            for length in first..claim.path.len() {
                let path = claims_path(&claim.path[..length]);
                if definitions.iter().any(|known| known.path == path) {
                    continue;
                }
                let name = claim.under.clone().filter(|_| length + 1 == claim.path.len());
                let locale = Some(self.locale.clone());
                let display = name.map(|name| ClaimDisplay { name, locale });
                definitions.push(ClaimDefinition {
                    path,
                    mandatory: false,
                    disclosure: claim.disclosure(),
                    value: ClaimValue::Any,
                    display: display.into_iter().collect(),
                });
            }
            definitions.extend(claim.definitions(&self.locale));
        }
        definitions
    }
}

fn claims_path(names: &[String]) -> ClaimsPath {
    let (first, rest) =
        names.split_first().expect("a type with an empty path is refused when it is read");
    rest.iter().fold(ClaimsPath::key(first.as_str()), |path, name| path.then_key(name.as_str()))
}

impl ClaimType {
    const fn disclosure(&self) -> Visibility {
        if self.always_shown { Visibility::Always } else { Visibility::Selective }
    }

    /// A list is two claims: the list, and each of its elements.
    fn definitions(&self, locale: &str) -> Vec<ClaimDefinition> {
        let path = claims_path(&self.path);
        let value = match self.kind {
            ClaimKind::Text => ClaimValue::Text,
            ClaimKind::Date => ClaimValue::Date,
            ClaimKind::Boolean => ClaimValue::Boolean,
            ClaimKind::Number => ClaimValue::Number,
            ClaimKind::Image => ClaimValue::Image,
            ClaimKind::List => ClaimValue::Any,
        };
        let disclosure = self.disclosure();
        let name = match &self.under {
            Some(under) => format!("{under}: {}", self.name),
            None => self.name.clone(),
        };
        let own = ClaimDisplay { name, locale: Some(locale.to_owned()) };
        let others = self.translations.iter().map(|(locale, name)| ClaimDisplay {
            name: name.clone(),
            locale: Some(locale.clone()),
        });
        let display = std::iter::once(own).chain(others).collect();
        let elements = (self.kind == ClaimKind::List).then(|| ClaimDefinition {
            path: path.clone().then_all(),
            mandatory: false,
            disclosure,
            value: ClaimValue::Text,
            display: Vec::new(),
        });
        let whole = ClaimDefinition { path, mandatory: self.mandatory, disclosure, value, display };
        std::iter::once(whole).chain(elements).collect()
    }
}
