//! The type metadata of what is issued, where its type is an address of this issuer (SD-JWT VC §5).

use lanyard_core::sd_jwt_vc::Vct;
use serde_json::{Value, json};

use super::{
    ClaimDefinition, ConfigurationError, CredentialConfiguration, CredentialFormat, Visibility,
};
use crate::{CredentialConfigurationId, IssuerUrl};

/// The language of what names none.
const DEFAULT_LANGUAGE: &str = "en";

impl CredentialConfiguration {
    /// Where type metadata have to be served, if the type is an address: this issuer serves its own alone.
    pub(super) fn accept_vct(&self, issuer: &IssuerUrl) -> Result<(), ConfigurationError> {
        match &self.format {
            CredentialFormat::SdJwtVc { vct }
                if !is_urn(vct) && vct.as_str() != address(issuer, &self.id) =>
            {
                Err(ConfigurationError::VctElsewhere(self.id.clone(), address(issuer, &self.id)))
            }
            _ => Ok(()),
        }
    }

    /// The document that stands at the type's address; none where the type is a URN, and in other formats.
    pub fn type_metadata(&self) -> Option<Vec<u8>> {
        let CredentialFormat::SdJwtVc { vct } = &self.format else { return None };
        if is_urn(vct) {
            return None;
        }
        let display = self.display.iter().map(|display| {
            let mut simple = json!({});
            if let Some(logo) = &display.logo {
                simple["logo"] = json!(logo);
            }
            if let Some(image) = &display.background_image {
                simple["background_image"] = json!(image);
            }
            for (name, colour) in [
                ("background_color", &display.background_color),
                ("text_color", &display.text_color),
            ] {
                if let Some(colour) = colour {
                    simple[name] = json!(colour);
                }
            }
            let locale = display.locale.as_deref().unwrap_or(DEFAULT_LANGUAGE);
            let mut shown = json!({ "locale": locale, "name": display.name });
            if let Some(description) = &display.description {
                shown["description"] = json!(description);
            }
            shown["rendering"] = json!({ "simple": simple });
            shown
        });
        let document = json!({
            "vct": vct.as_str(),
            "name": self.id.as_str(),
            "display": display.collect::<Vec<_>>(),
            "claims": self.claims.iter().map(claim).collect::<Vec<_>>(),
        });
        Some(document.to_string().into_bytes())
    }
}

/// §5.6: where it is, what it is called, and whether the holder may withhold it.
fn claim(claim: &ClaimDefinition) -> Value {
    let display = claim.display.iter().map(|display| {
        let locale = display.locale.as_deref().unwrap_or(DEFAULT_LANGUAGE);
        json!({ "locale": locale, "label": display.name })
    });
    let mut described = json!({ "path": claim.path });
    let display: Vec<_> = display.collect();
    if !display.is_empty() {
        described["display"] = json!(display);
    }
    if claim.mandatory {
        described["mandatory"] = json!(true);
    }
    // an element of a list is withheld or not as the list has it
    described["sd"] = match claim.disclosure {
        Visibility::Selective => json!("always"),
        Visibility::Always => json!("never"),
    };
    described
}

fn is_urn(vct: &Vct) -> bool {
    vct.as_str().starts_with("urn:")
}

fn address(issuer: &IssuerUrl, id: &CredentialConfigurationId) -> String {
    issuer.endpoint(&format!("types/{id}")).to_string()
}
