//! A question of one's own without writing DCQL: choose a type, then claims of it, then how it is asked.

use axum::{
    Form,
    extract::{Path, State},
    response::Response,
};
use http::StatusCode;
use lanyard_oid4vp::request::ResponseMode;
use lanyard_verifier::{ClientIdChoice, NewRequest};
use serde_json::json;

use super::{
    Failure, Page, Web, conclude,
    guard::Visitor,
    show, show_with,
    verify::{created, room},
};
use crate::credential_type::CredentialType;
use crate::pages::{BuildPage, BuiltClaim, Place, Problem};
use crate::presets::credential;

/// The form as it was sent: `claim` once for each that is chosen.
type Chosen = Vec<(String, String)>;

/// The types one can ask for, as links.
pub(super) fn types(types: &[CredentialType]) -> Vec<(String, String, String)> {
    let shown =
        |kind: &CredentialType| (kind.id.clone(), kind.name.clone(), kind.format.name().to_owned());
    types.iter().map(shown).collect()
}

fn kind<'w>(web: &'w Web, id: &str) -> Result<&'w CredentialType, Failure> {
    let found = room(web)?.types().iter().find(|kind| kind.id == id);
    found.ok_or_else(|| Failure::absent("This type").leading_to("/verify", "Choose another"))
}

pub(super) async fn form(State(web): State<Web>, Path(id): Path<String>) -> Response {
    let page = kind(&web, &id).map(|kind| show(&page(&web, kind, None)));
    conclude(&web, page)
}

fn page(web: &Web, kind: &CredentialType, problem: Option<Problem>) -> BuildPage {
    let claim = |(place, claim): (usize, &crate::credential_type::ClaimType)| BuiltClaim {
        id: format!("claim-{place}"),
        value: place.to_string(),
        label: match &claim.under {
            Some(under) => format!("{under}: {}", claim.name),
            None => claim.name.clone(),
        },
        on: place == 0,
    };
    BuildPage {
        chrome: web.chrome(Place::Verify),
        id: kind.id.clone(),
        name: kind.name.clone(),
        format: kind.format.name().to_owned(),
        claims: kind.claims.iter().enumerate().map(claim).collect(),
        problem,
    }
}

pub(super) async fn create(
    State(web): State<Web>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(chosen): Form<Chosen>,
) -> Response {
    let made = make(&web, &visitor, &id, &chosen).await;
    visitor.greet(conclude(&web, made))
}

async fn make(web: &Web, visitor: &Visitor, id: &str, chosen: &Chosen) -> Page {
    let kind = kind(web, id)?;
    let value =
        |name: &str| chosen.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
    let places = chosen.iter().filter(|(name, _)| name == "claim");
    let paths: Vec<_> = places
        .filter_map(|(_, place)| kind.claims.get(place.parse::<usize>().ok()?))
        .map(|claim| claim.path.clone())
        .collect();
    if paths.is_empty() {
        let problem = Problem::new(
            "Nothing is asked for",
            "Choose at least one claim: less is better, none is nothing.",
        );
        return Ok(show_with(StatusCode::UNPROCESSABLE_ENTITY, &page(web, kind, Some(problem))));
    }
    let client_id_prefix = match value("prefix") {
        Some("x509_san_dns") => ClientIdChoice::X509SanDns,
        Some("decentralized_identifier") => ClientIdChoice::DecentralizedIdentifier,
        Some("redirect_uri") => ClientIdChoice::RedirectUri,
        _ => ClientIdChoice::X509Hash,
    };
    let new = NewRequest {
        purpose: value("purpose").filter(|text| !text.trim().is_empty()).map(str::to_owned),
        client_id_prefix,
        response_mode: match value("encrypted") {
            Some(_) => ResponseMode::DirectPostJwt,
            None => ResponseMode::DirectPost,
        },
        ..NewRequest::query(json!({ "credentials": [credential("credential", kind, &paths)] }))
    };
    created(web, visitor, new, value("here") == Some("true")).await
}
