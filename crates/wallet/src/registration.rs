//! What the platform is told about cards, so that its own chooser offers them (OID4VP 1.0 App. A).
//!
//! No value of a claim is told: which claims there are is enough to match a request by, and the platform keeps what it
//! is told outside of the sealed database.

use lanyard_core::{
    Timestamp,
    claims::{ClaimsPath, PathSegment},
    credential::Format,
};
use serde_json::{Map, Value};

use crate::{
    Wallet,
    face::Face,
    rows::ABOUT_THE_CREDENTIAL,
    storage::{Card, CardId, StorageError},
};

/// A card as the platform's chooser knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The card.
    pub card: CardId,
    /// Its format: `dc+sd-jwt` or `mso_mdoc`, which are those that platforms match.
    pub format: Format,
    /// Its type: the `vct` or the `docType`.
    pub kind: String,
    /// What it is called.
    pub name: String,
    /// Its issuer's name or identifier.
    pub issuer: String,
    /// The claims that can be asked for.
    pub claims: Vec<RegisteredClaim>,
    /// The authority key identifiers of the chain that its issuer signed with.
    pub key_identifiers: Vec<Vec<u8>>,
    /// When it ends, if it does.
    pub expires_at: Option<Timestamp>,
}

/// A claim without its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredClaim {
    /// Its names from the outside in; of an mdoc the name space and the element.
    pub path: Vec<String>,
    /// What it is called.
    pub label: String,
}

impl Wallet {
    /// The cards to register with the platform, newest first: those that a verifier could take. Register anew whenever
    /// cards or their standing change.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn registrations(&self) -> Result<Vec<Registration>, StorageError> {
        let now = self.now();
        let cards = self.0.storage.listed()?;
        let usable = cards.iter().filter(|card| card.standing(now).is_usable());
        Ok(usable.filter_map(registration).collect())
    }
}

fn registration(card: &Card) -> Option<Registration> {
    let content = &card.content;
    let mut claims = Vec::new();
    for (name, value) in &content.claims {
        let path = ClaimsPath::key(name.as_str());
        match content.format {
            Format::SdJwtVc if ABOUT_THE_CREDENTIAL.contains(&name.as_str()) => {}
            Format::SdJwtVc => push(&path, value, &content.face, &mut claims),
            Format::MsoMdoc => {
                let elements = value.as_object().into_iter().flat_map(Map::keys);
                let element = |name: &String| path.clone().then_key(name.as_str());
                claims.extend(elements.map(element).map(|path| claim(&path, &content.face)));
            }
            _ => return None,
        }
    }
    Some(Registration {
        card: card.id,
        format: content.format,
        kind: content.types.first()?.clone(),
        name: content.face.name.clone(),
        issuer: content.issuer_name.clone().unwrap_or_else(|| content.issuer.clone()),
        claims,
        key_identifiers: content.key_identifiers.clone(),
        expires_at: content.expires_at,
    })
}

/// A claim, and every claim in it: each of them can be asked for.
fn push(path: &ClaimsPath, value: &Value, face: &Face, claims: &mut Vec<RegisteredClaim>) {
    claims.push(claim(path, face));
    for (name, inner) in value.as_object().into_iter().flatten() {
        push(&path.clone().then_key(name.as_str()), inner, face, claims);
    }
}

fn claim(path: &ClaimsPath, face: &Face) -> RegisteredClaim {
    let name = |segment: &PathSegment| match segment {
        PathSegment::Key(name) => Some(name.clone()),
        PathSegment::Index(_) | PathSegment::All => None,
    };
    let names = path.segments().iter().filter_map(name);
    RegisteredClaim { path: names.collect(), label: face.label(path) }
}
