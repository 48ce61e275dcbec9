//! Where the claims of a credential type come from, as the configuration says it.

use std::time::Duration;

use lanyard_issuer::MappedClaim;
use lanyard_oid4vci::CredentialConfigurationId;
use serde_spanned::Spanned;
use url::Url;

use super::fault::Faults;
use super::file::{AskTable, ClaimsTable};
use super::is_loopback;
use super::login::{ClaimsSource, LoginPlace};
use crate::credential_type::CredentialType;

/// How long an answer is waited for, unless it is said; what fetches gives up after five seconds anyway.
pub(super) const PATIENCE: u8 = 3;

/// The sources of one type, in the order in which they are put together.
pub(super) fn examine(
    written: &Spanned<ClaimsTable>,
    kinds: &[CredentialType],
    place: &LoginPlace,
    faults: &mut Faults<'_>,
) -> Vec<(CredentialConfigurationId, ClaimsSource)> {
    let table = written.get_ref();
    let name = table.kind.get_ref();
    let Some(kind) = kinds.iter().find(|kind| kind.id == *name) else {
        faults.at(table.kind.span(), format!("there is no credential type \"{name}\" here"));
        return Vec::new();
    };
    let mut sources = Vec::new();
    if table.holders {
        match place.directory() {
            Some(_) => sources.push(ClaimsSource::Holders),
            None => faults.at(
                written.span(),
                "there are no holders; write login = { holders = \"holders.json\", … }",
            ),
        }
    }
    if let Some(fixed) = &table.fixed {
        match serde_json::to_value(fixed.get_ref()) {
            Ok(serde_json::Value::Object(claims)) => sources.push(ClaimsSource::Fixed(claims)),
            _ => faults.at(fixed.span(), "fixed claims are a table of values"),
        }
    }
    if let Some(mapping) = &table.login {
        if place.provider().is_none() && place.elsewhere().is_none() {
            faults.at(
                mapping.span(),
                "no login provider tells anything; write login = { provider = { … } }",
            );
        }
        let path = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
        let mut claims = Vec::new();
        for (to, from) in mapping.get_ref() {
            let to = path(to);
            if kind.claims.iter().any(|claim| claim.path == to) {
                claims.push(MappedClaim { from: path(from), to });
            } else {
                faults.at(mapping.span(), format!("{name} has no claim \"{}\"", to.join(".")));
            }
        }
        sources.push(ClaimsSource::Login(claims));
    }
    sources.extend(table.ask.as_ref().and_then(|ask| asked(ask, faults)));
    let is_bare = table.fixed.is_none() && table.login.is_none() && table.ask.is_none();
    if is_bare && !table.holders {
        faults.at(
            written.span(),
            "no source; write fixed = { … }, login = { given_name = \"given_name\" }, ask = { url = \"https://…\" } or holders = true",
        );
    }
    sources
        .into_iter()
        .map(|source| (CredentialConfigurationId::new(name.clone()), source))
        .collect()
}

fn asked(written: &Spanned<AskTable>, faults: &mut Faults<'_>) -> Option<ClaimsSource> {
    let table = written.get_ref();
    let url = address(&table.url, faults)?;
    let seconds = table.timeout_seconds.as_ref().map_or(PATIENCE, |seconds| *seconds.get_ref());
    if !(1..=5).contains(&seconds) {
        faults.at(written.span(), "an answer is waited for 1 to 5 seconds: the holder waits too");
        return None;
    }
    Some(ClaimsSource::Ask(url, Duration::from_secs(seconds.into())))
}

/// An https address; plain http leads to this machine and nowhere else.
pub(super) fn address(written: &Spanned<String>, faults: &mut Faults<'_>) -> Option<Url> {
    let url = Url::parse(written.get_ref()).ok();
    let url =
        url.filter(|url| url.scheme() == "https" || url.scheme() == "http" && is_loopback(url));
    if url.is_none() {
        faults.at(
            written.span(),
            "this is no https address; write for example \"https://login.acme.example\"",
        );
    }
    url
}
