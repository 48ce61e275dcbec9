//! Answering a presentation request.

use lanyard_oid4vp::wallet::{Choices, Selection, VerifierIdentity, VerifierReply};
use lanyard_wallet::{AskedTooMuch, PresentationError, Request, Standing, UnusableCard, Wallet};
use serde_json::{Value, json};

use super::super::{Ending, ExitCode};
use super::{ask_yes, with_hint};

pub(super) async fn present(
    wallet: &Wallet,
    link: &str,
    yes: bool,
    optional: bool,
) -> Result<Ending, Ending> {
    let request = match wallet.read_request(link).await {
        Ok(request) => request,
        Err(error) => {
            tell(&error).await;
            return Err(not_presented(&error));
        }
    };
    let Ok(choices) = request.choices() else {
        let unusable = unusable(&request);
        let _ = request.decline().await;
        let told = "Nothing in this wallet answers the request; the verifier was told that there is no answer.";
        return Err(Ending::not_done(
            ExitCode::NothingMatches,
            "nothing_matches",
            format!("{told}{unusable}"),
        ));
    };
    let selection = if optional { everything(&choices) } else { choices.smallest() };
    let question = question(&request, &choices, &selection);
    let over_asked: Vec<Value> = choices
        .over_asked()
        .iter()
        .map(|(query, flag)| json!({ "query": query, "code": flag.what.code(), "path": flag.path }))
        .collect();
    if !yes && !ask_yes(&question)? {
        let _ = request.decline().await;
        return Ok(Ending::done("Declined. Nothing was shared.", json!({ "declined": true })));
    }
    let consent = choices
        .approve(&selection)
        .map_err(|error| Ending::not_done(ExitCode::Failed, "selection", error.to_string()))?;
    let shared: Vec<Value> = consent
        .approved()
        .iter()
        .map(|approved| json!({ "query": approved.query.as_str(), "claims": approved.disclose.iter().map(ToString::to_string).collect::<Vec<_>>() }))
        .collect();
    let verifier = name(request.verifier());
    let reply = request.answer(consent).await.map_err(|error| not_presented(&error))?;
    let next = match &reply {
        VerifierReply::ContinueAt(url) | VerifierReply::ContinueInApp(url) => Some(url.as_str()),
        VerifierReply::Done => None,
    };
    let goes_on = next.map(|url| format!("\nContinue at {url}")).unwrap_or_default();
    Ok(Ending::done(
        format!("Shared with {verifier}.{goes_on}"),
        json!({
            "verifier": verifier, "shared": shared, "over_asked": over_asked, "continue_at": next,
        }),
    ))
}

/// What would answer if it were good, a line for each.
fn unusable(request: &Request) -> String {
    let line = |one: UnusableCard| {
        let name = &request.cards().get(one.card)?.content.face.name;
        let why = match one.standing {
            Standing::Expired => "has expired",
            Standing::Suspended => "is suspended by its issuer",
            Standing::Revoked => "was revoked by its issuer",
            Standing::Valid | Standing::EndsSoon => return None,
        };
        Some(format!("\n  {name} {why}"))
    };
    request.unusable().into_iter().filter_map(line).collect()
}

/// The favourite of every purpose that can be served, optional or not.
fn everything(choices: &Choices) -> Selection {
    let served = choices.sets().iter().map(|set| (!set.options.is_empty()).then_some(0)).collect();
    Selection { options: served, picks: Vec::new() }
}

fn question(request: &Request, choices: &Choices, selection: &Selection) -> String {
    let mut text = format!("{} asks for:", name(request.verifier()));
    let told = request.told();
    if let Some(purpose) = &told.purpose {
        text.push_str(&format!("\n  In its own words: “{purpose}”"));
    }
    for contact in told.for_deletion() {
        text.push_str(&format!("\n  To ask it for deletion: {contact}"));
    }
    for (set, option) in choices.sets().iter().zip(&selection.options) {
        let chosen = option.and_then(|option| set.options.get(option)).into_iter().flatten();
        for query in chosen.filter_map(|id| choices.query(id)) {
            let Some(candidate) = query.candidates.first() else { continue };
            let Some(card) = request.cards().get(candidate.credential) else { continue };
            let paths = candidate
                .choices
                .first()
                .map(|choice| choice.disclose.as_slice())
                .unwrap_or_default();
            let labels: Vec<_> = paths.iter().map(|path| card.content.face.label(path)).collect();
            text.push_str(&format!("\n  {}: {}", card.content.face.name, labels.join(", ")));
            let flags = candidate.choices.first().map(|choice| query.over_asked(choice));
            for flag in flags.unwrap_or_default() {
                let flag = AskedTooMuch::of(query.query.id.clone(), flag, card);
                text.push_str(&format!(
                    "\n    More than most need: {}: {}",
                    flag.name(),
                    flag.what.to_holder()
                ));
            }
        }
    }
    for transaction in choices.transactions() {
        text.push_str(&format!("\nBy sharing you authorize: {}", transaction.transaction()));
    }
    text.push_str("\nShare this?");
    text
}

fn name(verifier: &VerifierIdentity) -> String {
    match verifier {
        VerifierIdentity::Certificate { name, host, .. } => {
            format!("{name} (certified, at {host})")
        }
        VerifierIdentity::Address { host } => format!("{host} (nobody vouches for it)"),
        VerifierIdentity::Did { did, host } => {
            format!("{did}, at {host} (nobody vouches for who that is)")
        }
        VerifierIdentity::Attestation { name, attester, host } => {
            format!("{name} (attested by {attester}, at {host})")
        }
        VerifierIdentity::Registered { name, host } => format!("{name} (known, at {host})"),
    }
}

/// Tells a verifier why its request is refused, where it can be told; whoever ran the command acted.
async fn tell(error: &PresentationError) {
    if let PresentationError::Refusable(refused) = error {
        let _ = refused.refuse().await;
    }
}

fn not_presented(error: &PresentationError) -> Ending {
    let code = match error {
        PresentationError::Fetch(_) => ExitCode::Network,
        PresentationError::Answer(_) | PresentationError::Storage(_) => ExitCode::Failed,
        _ => ExitCode::Refused,
    };
    Ending::not_done(code, error.code(), with_hint(error.to_string()))
}
