//! A verdict in words, cards and checks.

use lanyard_oid4vp::verifier::{
    CheckOutcome, CheckVerdict, CredentialVerdict, Verdict, VerdictState,
};

use super::review::sentence;
use crate::credential_type::{ClaimType, CredentialType};
use crate::pages::{
    CardView, CheckView, Colour, ImageUri, ShownCredential, Tone, VerdictView, in_order, rows,
};
use crate::presets::label;

/// A verdict as it is shown.
pub(super) fn shown(verdict: &Verdict, types: &[CredentialType]) -> VerdictView {
    let detail = verdict.detail.as_deref().map(|text| sentence(&text)).unwrap_or_default();
    let reason = verdict.reason.as_deref().map(|code| format!(" ({code})")).unwrap_or_default();
    let (tone, headline, explanation) = match verdict.state {
        VerdictState::Verified => (
            Tone::Good,
            "Verified",
            "Everything that was asked for is there, and every check held.".to_owned(),
        ),
        VerdictState::Refused => (Tone::Bad, "Refused", format!("{detail}{reason}")),
        VerdictState::Undetermined => (
            Tone::Unsure,
            "Nobody can tell now",
            format!("{detail}{reason} Ask again later; this is neither a yes nor a no."),
        ),
    };
    let several = verdict.credentials.len() + verdict.discarded.len() > 1;
    VerdictView {
        tone,
        headline: headline.to_owned(),
        explanation,
        credentials: verdict
            .credentials
            .iter()
            .filter_map(|credential| shown_credential(credential, types))
            .collect(),
        checks: verdict
            .credentials
            .iter()
            .chain(&verdict.discarded)
            .flat_map(|credential| checks(credential, several))
            .collect(),
    }
}

fn shown_credential(
    credential: &CredentialVerdict,
    types: &[CredentialType],
) -> Option<ShownCredential> {
    let claims = credential.claims.as_ref()?;
    let is_of = |kind: &&CredentialType| credential.types.iter().any(|own| own == kind.type_name());
    let kind = types.iter().find(is_of);
    let vct =
        kind.map_or(credential.types.first().map(String::as_str), |kind| Some(kind.type_name()));
    let issuer = credential.issuer.as_ref().map(|issuer| issuer.name.clone()).unwrap_or_default();
    let mut shown = rows(claims, &|path| label(types, vct, path));
    in_order(&mut shown, &kind.map(labels).unwrap_or_default());
    Some(ShownCredential {
        card: kind.map_or_else(
            || CardView::plain(vct.unwrap_or("Credential"), issuer.clone()),
            |kind| type_card(kind, &issuer),
        ),
        claims: shown,
    })
}

fn labels(kind: &CredentialType) -> Vec<String> {
    let label = |claim: &ClaimType| match &claim.under {
        Some(under) => format!("{under}: {}", claim.name),
        None => claim.name.clone(),
    };
    kind.claims.iter().map(label).collect()
}

/// A type as a card without anybody's name on it.
pub(super) fn type_card(kind: &CredentialType, issuer: &str) -> CardView {
    CardView {
        background: kind
            .background_color
            .as_deref()
            .and_then(Colour::parse)
            .unwrap_or(Colour::DEFAULT),
        logo: kind.logo.as_ref().and_then(|logo| ImageUri::parse(&logo.uri)),
        logo_alt: kind.logo.as_ref().map(|logo| logo.alt_text.clone()).unwrap_or_default(),
        ..CardView::plain(kind.name.clone(), issuer)
    }
}

fn checks(credential: &CredentialVerdict, several: bool) -> impl Iterator<Item = CheckView> + '_ {
    credential
        .checks
        .iter()
        .map(move |check| check_view(check, several.then(|| credential.query.as_str())))
}

fn check_view(check: &CheckVerdict, query: Option<&str>) -> CheckView {
    let (tone, found) = match check.outcome {
        CheckOutcome::Passed => (Tone::Good, None),
        CheckOutcome::Failed => (Tone::Bad, None),
        CheckOutcome::Undetermined => (Tone::Unsure, None),
        CheckOutcome::NotApplicable => (Tone::Waiting, Some("not needed here")),
        CheckOutcome::NotReached => (Tone::Waiting, Some("not reached")),
    };
    let title = match query {
        Some(query) => format!("{query}: {}", check.title),
        None => check.title.to_string(),
    };
    let detail = check.detail.clone().or_else(|| found.map(str::to_owned));
    CheckView { title, detail, rule: check.rule.to_string(), tone }
}
