//! What the wallet knows, in the words and pictures of the pages.

use std::collections::HashMap;
use std::fmt::Display;

use jiff::{Timestamp, tz::TimeZone};
use lanyard_core::credential::Format;
use lanyard_oid4vci::{
    authorization::AnswerRefused,
    offer::{TxCodeDescription, TxCodeInput as InputMode},
};
use lanyard_oid4vp::{
    dcql::{ClaimSetChoice, CredentialQueryId, OverAsked, QueryMatches},
    request::{Contact, Delivery},
    wallet::{Choices, Pick, Selection, VerifierIdentity},
};
use lanyard_wallet::{
    ContactUse, IssuanceError, PictureUse, PresentationError, Request, Review, Standing, Told,
    face::Face,
    storage::{Card, NewCard, Waiting},
};
use serde_json::Value;

use super::pocket::Fault;
use crate::pages::{
    Candidate, CardView, Chrome, ClaimRow, Colour, Fact, ImageUri, OfferedCard, OutsideLink,
    OverAskedClaim, Party, PocketOfferPage, PocketRequestPage, Problem, Purpose, Question,
    ToldView, Tone, Trust, TxCodeInput, Way, in_order, rows, rows_at,
};

/// A card on the shelf, with the way to its details.
pub(super) fn card_with_link(card: &Card) -> CardView {
    CardView { href: Some(format!("/pocket/cards/{}", card.id.0)), ..self::card(card) }
}

/// A card as it is shown.
pub(super) fn card(card: &Card) -> CardView {
    let content = &card.content;
    let claims = content.shown_claims();
    let text = |name: &str| {
        let nested = || claims.values().find_map(|inner| inner.get(name));
        claims.get(name).or_else(nested).and_then(Value::as_str).map(str::to_owned)
    };
    let names: Vec<_> = ["given_name", "family_name"].into_iter().filter_map(text).collect();
    CardView {
        holder: (!names.is_empty()).then(|| names.join(" ")),
        line: content.expires_at.map(|end| format!("until {}", day(end))),
        alert: alert(card, Timestamp::now()).map(str::to_owned),
        portrait: text("portrait").and_then(|uri| ImageUri::parse(&uri)),
        logo: kept(card, PictureUse::Logo),
        background_image: kept(card, PictureUse::BackgroundImage),
        ..face_card(
            &content.face,
            content.issuer_name.as_deref().unwrap_or(&content.issuer_identity),
        )
    }
}

/// Where a picture of a card is, which was kept when the card came.
fn kept(card: &Card, kind: PictureUse) -> Option<ImageUri> {
    let has = card.content.face.has_picture(kind);
    has.then(|| ImageUri::kept(format!("/pocket/cards/{}/{}", card.id.0, kind.name())))
}

/// Why a card is of no use now.
fn alert(card: &Card, now: Timestamp) -> Option<&'static str> {
    match card.standing(now) {
        Standing::Expired => Some("Expired"),
        Standing::Suspended => Some("Suspended by its issuer"),
        Standing::Revoked => Some("Revoked by its issuer"),
        Standing::Valid | Standing::EndsSoon => None,
    }
}

/// A card that its issuer has not ready yet.
pub(super) fn waiting_card(waiting: &Waiting) -> CardView {
    CardView {
        line: Some("requested, not ready yet".to_owned()),
        ..face_card(&waiting.face, waiting.issuer_name.as_deref().unwrap_or(&waiting.issuer))
    }
}

fn face_card(face: &Face, issuer: &str) -> CardView {
    CardView {
        background: face
            .background_color
            .as_deref()
            .and_then(Colour::parse)
            .unwrap_or(Colour::DEFAULT),
        // what is not in the metadata comes with the card
        logo: stated(face, PictureUse::Logo),
        logo_alt: face.logo_alt.clone().unwrap_or_default(),
        background_image: stated(face, PictureUse::BackgroundImage),
        ..CardView::plain(face.name.clone(), issuer)
    }
}

/// A picture that the issuer's metadata hold themselves.
fn stated(face: &Face, kind: PictureUse) -> Option<ImageUri> {
    let picture = face.picture_in(kind)?;
    Some(ImageUri::of(picture.kind().media_type(), picture.bytes()))
}

pub(super) fn all_claims(card: &Card) -> Vec<ClaimRow> {
    let face = &card.content.face;
    let mut shown = rows(&card.content.shown_claims(), &|path| face.label(path));
    in_order(&mut shown, &labels(face));
    shown
}

fn labels(face: &Face) -> Vec<String> {
    face.labels.iter().map(|label| label.label.clone()).collect()
}

pub(super) fn facts(card: &Card) -> Vec<Fact> {
    let content = &card.content;
    let fact = |label: &str, value: String| Fact { label: label.to_owned(), value };
    let mut facts = vec![
        fact("Issuer", content.issuer.clone()),
        fact("Signed by", content.issuer_identity.clone()),
        fact("Format", content.format.name().to_owned()),
        fact("Type", own_type(content).to_owned()),
        fact("Received", moment(content.received_at)),
    ];
    facts.extend(content.expires_at.map(|end| fact("Valid until", moment(end))));
    if card.copies > 1 {
        facts.push(fact("Unused copies", format!("{} of {}", card.unused_copies, card.copies)));
    }
    facts
}

/// The type that tells most: of a W3C credential the last, as the first is that of all of them.
fn own_type(content: &NewCard) -> &str {
    let own = match content.format {
        Format::SdJwtVc | Format::MsoMdoc => content.types.first(),
        Format::JwtVcJson | Format::LdpVc | Format::VcJwt | Format::VcSdJwt => content.types.last(),
    };
    own.map_or("", String::as_str)
}

pub(super) fn offer_page(
    chrome: Chrome,
    id: &str,
    review: &Review,
    tries: u8,
    fault: Option<&Fault>,
) -> PocketOfferPage {
    let name = review.issuer_name.clone().unwrap_or_else(|| host_of(&review.issuer));
    let cards = review.credentials.iter().filter(|card| card.unsupported.is_none());
    PocketOfferPage {
        chrome,
        id: id.to_owned(),
        cards: cards.map(|offered| offered_card(&offered.face, &name)).collect(),
        tx_code: review.tx_code.as_ref().map(|code| tx_code(code, tries, fault)),
        problem: match fault {
            Some(Fault::Other(problem)) => Some(problem.clone()),
            _ => None,
        },
        party: Party {
            name,
            address: host_of(&review.issuer),
            logo: None,
            trust: Trust {
                tone: Tone::Unsure,
                title: "The name is its own word".to_owned(),
                explanation: "What is certain so far is the address. Before anything is kept, the credential's signature must lead to an authority that this wallet trusts.".to_owned(),
            },
        },
    }
}

fn offered_card(face: &Face, issuer: &str) -> OfferedCard {
    let mut claims: Vec<String> = Vec::new();
    for label in &face.labels {
        let whole = label.label.split(": ").next().unwrap_or_default().to_owned();
        if !claims.contains(&whole) {
            claims.push(whole);
        }
    }
    OfferedCard { card: face_card(face, issuer), claims }
}

fn tx_code(code: &TxCodeDescription, tries: u8, fault: Option<&Fault>) -> TxCodeInput {
    let wrong = match fault {
        Some(Fault::TxCode(fault)) => Some(fault.clone()),
        _ => None,
    };
    let hint = code
        .description
        .clone()
        .unwrap_or_else(|| "The issuer tells you on another way than the link.".to_owned());
    let tried = match tries {
        0 => String::new(),
        1 => " One try was wrong; after a few, the offer is closed.".to_owned(),
        tries => format!(" {tries} tries were wrong; after a few, the offer is closed."),
    };
    TxCodeInput {
        label: "Transaction code".to_owned(),
        hint: format!("{hint}{tried}"),
        numeric: code.input_mode == InputMode::Numeric,
        length: code.length.map(usize::from),
        error: wrong,
    }
}

pub(super) fn request_page(chrome: Chrome, id: &str, request: &Request) -> PocketRequestPage {
    let choices = request.choices();
    let missing = request.reviewed().request().query.credentials().len();
    PocketRequestPage {
        chrome,
        id: id.to_owned(),
        party: party(request.verifier()),
        told: told(&request.told()),
        encrypted: is_encrypted(request),
        over_asked: choices
            .as_ref()
            .map(|choices| {
                request.asked_too_much(choices).iter().map(|one| one.name().to_owned()).collect()
            })
            .unwrap_or_default(),
        authorizes: request
            .transactions()
            .iter()
            .map(|one| one.transaction().to_string())
            .collect(),
        purposes: choices.map(|choices| purposes(&choices, request.cards())).unwrap_or_default(),
        missing: match missing {
            1 => "It asks for a credential or a claim that you do not hold.".to_owned(),
            count => {
                format!("It asks for {count} credentials, and you do not hold all that it needs.")
            }
        },
        unusable: unusable(request),
        problem: None,
    }
}

/// What a verifier says of itself.
pub(super) fn told(told: &Told) -> ToldView {
    let link = |(kind, contact): (ContactUse, &Contact)| OutsideLink {
        label: match kind {
            ContactUse::PrivacyPolicy => "Privacy policy",
            ContactUse::Terms => "Terms of service",
            ContactUse::Questions => "Questions, and deletion",
            ContactUse::Complaints => "Complaints",
        },
        href: contact.uri().to_owned(),
        shown: contact.to_string(),
    };
    let links = told.contacts_to_show().into_iter().map(link);
    ToldView { purpose: told.purpose.clone(), links: links.collect() }
}

/// The same, with nothing but whom to ask for the deletion of what was shared.
pub(super) fn for_deletion(told: &Told) -> ToldView {
    let link = |contact: &Contact| OutsideLink {
        label: "Ask for deletion",
        href: contact.uri().to_owned(),
        shown: contact.to_string(),
    };
    let links = told.for_deletion().iter().map(link).collect();
    ToldView { purpose: told.purpose.clone(), links }
}

/// Cards that would answer if they were good.
fn unusable(request: &Request) -> Vec<CardView> {
    let all = request.unusable().into_iter();
    all.filter_map(|one| request.cards().get(one.card)).map(card_as_known).collect()
}

/// A card, with the age of what is known of its status.
fn card_as_known(card: &Card) -> CardView {
    let known = card.status.map(|status| format!("by a list of {}", moment(status.as_of)));
    let card = self::card(card);
    CardView { line: known.or(card.line), ..card }
}

pub(super) fn is_encrypted(request: &Request) -> bool {
    matches!(request.reviewed().request().delivery, Delivery::Encrypted(_))
}

fn party(identity: &VerifierIdentity) -> Party {
    match identity {
        VerifierIdentity::Certificate { name, host, .. } => Party {
            name: name.clone(),
            address: host.clone(),
            logo: None,
            trust: Trust {
                tone: Tone::Good,
                title: "Certified".to_owned(),
                explanation: format!(
                    "An authority that this wallet trusts vouches for {name}. It signed this request, and your answer goes to {host}."
                ),
            },
        },
        VerifierIdentity::Attestation { name, attester, host } => Party {
            name: name.clone(),
            address: host.clone(),
            logo: None,
            trust: Trust {
                tone: Tone::Good,
                title: "Attested".to_owned(),
                explanation: format!(
                    "{attester}, whom this wallet believes, vouches for {name}. It signed this request, and your answer goes to {host}."
                ),
            },
        },
        VerifierIdentity::Registered { name, host } => Party {
            name: name.clone(),
            address: host.clone(),
            logo: None,
            trust: Trust {
                tone: Tone::Good,
                title: "Known".to_owned(),
                explanation: format!(
                    "This wallet knew {name} before it asked. Your answer goes to {host}."
                ),
            },
        },
        VerifierIdentity::Did { did, host } => Party {
            name: host.clone(),
            address: did.clone(),
            logo: None,
            trust: Trust {
                tone: Tone::Unsure,
                title: "Nobody vouches for it".to_owned(),
                explanation: format!(
                    "Whoever has the key of {did} signed this request; nobody says who that is. Your answer goes to {host}. Share only if you expected this."
                ),
            },
        },
        VerifierIdentity::Address { host } => Party {
            name: host.clone(),
            address: host.clone(),
            logo: None,
            trust: Trust {
                tone: Tone::Unsure,
                title: "Nobody vouches for it".to_owned(),
                explanation: format!(
                    "All that is known is that your answer goes to {host}. Share only if you expected this."
                ),
            },
        },
    }
}

fn purposes(choices: &Choices, cards: &[Card]) -> Vec<Purpose> {
    let preselected = choices.smallest();
    let sets = choices.sets();
    let purpose = |(place, set): (usize, &lanyard_oid4vp::wallet::SetChoice)| {
        let chosen = preselected.options.get(place).copied().flatten();
        let way = |(number, option): (usize, &Vec<_>)| Way {
            value: number.to_string(),
            on: chosen.unwrap_or(0) == number,
            questions: option
                .iter()
                .filter_map(|id| choices.query(id))
                .map(|query| question(query, cards))
                .collect(),
        };
        Purpose {
            field: format!("set.{place}"),
            optional: !set.required,
            on: chosen.is_some(),
            ways: set.options.iter().enumerate().map(way).collect(),
        }
    };
    sets.iter().enumerate().filter(|(_, set)| !set.options.is_empty()).map(purpose).collect()
}

fn question(matches: &QueryMatches, cards: &[Card]) -> Question {
    let mut candidates = Vec::new();
    for (place, candidate) in matches.candidates.iter().enumerate() {
        let Some(card) = cards.get(candidate.credential) else { continue };
        for (number, choice) in candidate.choices.iter().enumerate() {
            let face = &card.content.face;
            let mut claims =
                rows_at(&choice.disclose, &card.content.claims, &|path| face.label(path));
            in_order(&mut claims, &labels(face));
            candidates.push(Candidate {
                value: format!("{place}.{number}"),
                on: candidates.is_empty(),
                card: self::card(card),
                claims,
                over_asked: over_asked(matches, choice, face),
            });
        }
    }
    Question { field: format!("pick.{}", matches.query.id.as_str()), candidates }
}

/// What one way to answer tells that most purposes do not need.
fn over_asked(matches: &QueryMatches, choice: &ClaimSetChoice, face: &Face) -> Vec<OverAskedClaim> {
    let shown = |flag: OverAsked| OverAskedClaim {
        claim: flag.path.map_or_else(|| "All of these".to_owned(), |path| face.label(&path)),
        reason: sentence(&flag.what.to_holder()),
    };
    matches.over_asked(choice).into_iter().map(shown).collect()
}

/// The holder's selection, as the form has it; nothing if it is no selection at all.
pub(super) fn selection(choices: &Choices, form: &HashMap<String, String>) -> Option<Selection> {
    let field = |place: usize| form.get(&format!("set.{place}")).filter(|value| *value != "none");
    let options = (0..choices.sets().len())
        .map(|place| field(place).map(|value| value.parse::<usize>()).transpose().ok())
        .collect::<Option<Vec<_>>>()?;
    let sets = choices.sets();
    let wanted = |id: &CredentialQueryId| {
        let mut chosen =
            sets.iter().zip(&options).filter_map(|(set, option)| set.options.get((*option)?));
        chosen.any(|option| option.contains(id))
    };
    let pick = |matches: &QueryMatches| {
        let id = &matches.query.id;
        let value = form.get(&format!("pick.{}", id.as_str())).filter(|_| wanted(id))?;
        let (candidate, choice) = value.split_once('.')?;
        let candidates = vec![(candidate.parse().ok()?, choice.parse().ok()?)];
        Some(Pick { query: id.clone(), candidates })
    };
    let picks = choices.queries().iter().filter_map(pick).collect();
    Some(Selection { options, picks })
}

pub(super) fn not_a_link() -> Problem {
    Problem::new(
        "This is neither an offer nor a request",
        "Copy the whole link, from openid-credential-offer:// or openid4vp:// to its end.",
    )
}

pub(super) fn offer_problem(error: &IssuanceError) -> Problem {
    let remedy = match error {
        IssuanceError::Offer(_) => {
            return Problem {
                remedy: format!(
                    "{} Copy the whole link, from openid-credential-offer:// to its end.",
                    sentence(error)
                ),
                ..not_a_link()
            };
        }
        IssuanceError::Login(AnswerRefused::Error(code, _)) if code == "access_denied" => {
            return Problem::new(
                "You declined at the issuer",
                "Nothing was sent to this wallet. If you change your mind, ask the issuer for a new offer.",
            );
        }
        IssuanceError::Fetch(_) => "Look at the address and try again; nothing was lost.",
        IssuanceError::TokenRefused(_) => {
            "Ask the issuer for a new offer: this one was used, cancelled or is too old."
        }
        IssuanceError::Credential(_) => {
            "Nothing was kept. Tell the issuer, or add its authority to those this wallet trusts."
        }
        IssuanceError::Keys(_) | IssuanceError::Storage(_) => {
            "The wallet's own folder has a problem; nothing was lost at the issuer."
        }
        _ => "Nothing was kept. Tell the issuer what it says above.",
    };
    Problem::new(sentence(error), remedy)
}

/// The same where the offer may be accepted again, after as many seconds as the issuer asks for.
pub(super) fn try_again(error: &IssuanceError, wait: Option<u64>) -> Problem {
    let Problem { what, remedy } = offer_problem(error);
    match wait {
        None | Some(0) => Problem { what, remedy },
        Some(1) => Problem::new(what, "The issuer asks you to try again in a second."),
        Some(wait) => {
            Problem::new(what, format!("The issuer asks you to try again in {wait} seconds."))
        }
    }
}

pub(super) fn request_problem(error: &PresentationError) -> Problem {
    let remedy = match error {
        PresentationError::Fetch(_) => "Look at the address and try again; nothing was sent.",
        PresentationError::RequestObject(_) => {
            "Ask the verifier for a new request: this one was used or is too old. Nothing was sent."
        }
        PresentationError::Refusable(_) => "Nothing of yours was sent. The verifier was told.",
        PresentationError::Reply(_) => "The verifier did not take the answer; its page says why.",
        _ => "Nothing was sent. Tell the verifier what it says above.",
    };
    Problem::new(sentence(error), remedy)
}

/// An error's text as a sentence.
pub(super) fn sentence(error: &dyn Display) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let Some(first) = letters.next() else { return text };
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    first.to_uppercase().chain(letters).chain(end.chars()).collect()
}

/// `24 Nov 2026, 14:05 UTC`
pub(super) fn moment(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%-d %b %Y, %H:%M UTC").to_string()
}

fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%-d %b %Y").to_string()
}

fn host_of(url: &str) -> String {
    let parsed = url::Url::parse(url).ok();
    parsed.map_or_else(
        || url.to_owned(),
        |url| url[url::Position::BeforeHost..url::Position::AfterPort].to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use lanyard_core::credential::Format;
    use lanyard_wallet::{KnownStatus, StatusWord, storage::CardId};

    use super::*;

    fn of(status: Option<StatusWord>) -> Card {
        let content = NewCard {
            issuer: "https://issuer.example".to_owned(),
            issuer_name: None,
            issuer_identity: "CN=Issuer".to_owned(),
            configuration: "badge".to_owned(),
            format: Format::SdJwtVc,
            types: vec!["urn:example:badge".to_owned()],
            face: Face { name: "Badge".to_owned(), ..Face::default() },
            has_status: true,
            key_identifiers: Vec::new(),
            holder_bound: true,
            claims: serde_json::Map::new(),
            received_at: Timestamp::UNIX_EPOCH,
            expires_at: None,
        };
        let known = |word| KnownStatus { word, as_of: Timestamp::UNIX_EPOCH, until: None };
        Card {
            id: CardId(1),
            content: Arc::new(content),
            unused_copies: 1,
            copies: 1,
            status: status.map(known),
        }
    }

    #[test]
    fn a_card_that_its_issuer_took_back_says_so() {
        let said = |status| card(&of(status)).alert;
        assert_eq!(said(None), None);
        assert_eq!(said(Some(StatusWord::Valid)), None);
        assert_eq!(said(Some(StatusWord::Suspended)).as_deref(), Some("Suspended by its issuer"));
        assert_eq!(said(Some(StatusWord::Revoked)).as_deref(), Some("Revoked by its issuer"));
    }
}
