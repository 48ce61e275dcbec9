//! The pages themselves: one template, one struct.

use askama::Template;

use super::view::{
    CardView, Chrome, ClaimRow, ClaimValue, HandOver, ImageUri, Next, Party, Problem, Step,
    ToldView, VerdictView,
};

/// `/`
#[derive(Debug, Template)]
#[template(path = "start.html")]
pub struct StartPage {
    /// The frame.
    pub chrome: Chrome,
    /// Whether this is the demo.
    pub demo: bool,
    /// Where the demo keeps its data.
    pub folder: String,
}

/// `/issue`
#[derive(Debug, Template)]
#[template(path = "issue.html")]
pub struct IssuePage {
    /// The frame.
    pub chrome: Chrome,
    /// The issuer's name.
    pub issuer: String,
    /// What can be issued.
    pub kinds: Vec<Kind>,
}

/// A credential type to choose.
#[derive(Debug, Clone)]
pub struct Kind {
    /// The credential configuration.
    pub id: String,
    /// How it looks.
    pub card: CardView,
    /// What it is for.
    pub description: String,
    /// Its format, for people.
    pub format: &'static str,
}

/// `/issue/new/{type}`
#[derive(Debug, Template)]
#[template(path = "issue_form.html")]
pub struct IssueFormPage {
    /// The frame.
    pub chrome: Chrome,
    /// The credential configuration.
    pub id: String,
    /// How it looks.
    pub card: CardView,
    /// The fields, grouped.
    pub groups: Vec<FieldGroup>,
    /// Its format, for people.
    pub format: &'static str,
    /// Whether a transaction code is asked for.
    pub tx_code: bool,
    /// When it is ready.
    pub deferral: DeferralChoice,
    /// Whether the offer stands in the link.
    pub by_value: bool,
    /// What can be demanded of the wallet, where wallets are tried out.
    pub demands: Vec<Switch>,
    /// Whether the holder logs in instead, if anybody can.
    pub login: Option<LoginChoice>,
    /// What was wrong with the last attempt.
    pub problem: Option<Problem>,
}

/// When a credential is ready.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DeferralChoice {
    /// At once.
    #[default]
    Now,
    /// After ten seconds.
    Seconds,
    /// After a minute.
    Minute,
}

/// Something that is switched on or off.
#[derive(Debug, Clone, Copy)]
pub struct Switch {
    /// The name of the field.
    pub name: &'static str,
    /// What it is called.
    pub label: &'static str,
    /// What it does.
    pub hint: &'static str,
    /// Whether it is on.
    pub on: bool,
}

/// The choice to let a holder log in.
#[derive(Debug, Clone, Copy)]
pub struct LoginChoice {
    /// Who logs in.
    pub holder: &'static str,
    /// By which password.
    pub password: &'static str,
    /// Whether it is chosen.
    pub on: bool,
}

/// Fields that belong together.
#[derive(Debug, Clone)]
pub struct FieldGroup {
    /// What they belong to.
    pub title: Option<String>,
    /// The fields.
    pub fields: Vec<Field>,
}

/// One claim to fill in.
#[derive(Debug, Clone)]
pub struct Field {
    /// The identifier in the page.
    pub id: String,
    /// The name in the form.
    pub name: String,
    /// The name for people.
    pub label: String,
    /// The value.
    pub value: String,
    /// How it is filled in.
    pub input: FieldInput,
    /// What was wrong with the last value.
    pub error: Option<String>,
}

impl Field {
    fn on(&self) -> bool {
        self.value == "true"
    }
}

/// How a claim is filled in.
#[derive(Debug, Clone)]
pub enum FieldInput {
    /// A line of text.
    Text,
    /// A date.
    Date,
    /// Several texts with commas between them.
    List,
    /// On or off.
    Flag,
    /// A picture, fixed.
    Image(ImageUri),
}

/// `/issue/{id}`
#[derive(Debug, Template)]
#[template(path = "offer.html")]
pub struct OfferPage {
    /// The frame.
    pub chrome: Chrome,
    /// The session.
    pub id: String,
    /// What is offered.
    pub card: CardView,
    /// The credential issuer, where there are several to try wallets with.
    pub issuer: Option<String>,
    /// What that issuer demands of the wallet.
    pub demands: Vec<&'static str>,
    /// Where a wallet has itself attested, if the issuer demands that.
    pub attestation: Option<String>,
    /// Where a wallet has its keys attested, if the issuer demands that.
    pub key_attestation: Option<String>,
    /// The offer link.
    pub handover: HandOver,
    /// The transaction code, for the one who made the offer.
    pub tx_code: Option<String>,
    /// When the offer ends.
    pub expires: String,
    /// What happened so far.
    pub trail: Vec<Step>,
}

/// The live part of [`OfferPage`].
#[derive(Debug, Template)]
#[template(path = "trail_fragment.html")]
pub struct TrailFragment {
    /// What happened so far.
    pub trail: Vec<Step>,
}

/// `/verify`
#[derive(Debug, Template)]
#[template(path = "verify.html")]
pub struct VerifyPage {
    /// The frame.
    pub chrome: Chrome,
    /// Questions ready to ask.
    pub presets: Vec<Preset>,
    /// The types one can ask for claim by claim: identifier, name, format.
    pub types: Vec<(String, String, String)>,
    /// The box for one's own question.
    pub own: OwnQuestion,
}

/// `/verify/ask/{type}`
#[derive(Debug, Template)]
#[template(path = "build.html")]
pub struct BuildPage {
    /// The frame.
    pub chrome: Chrome,
    /// The type's identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The format it is issued in.
    pub format: String,
    /// Its claims.
    pub claims: Vec<BuiltClaim>,
    /// What was wrong with what was chosen.
    pub problem: Option<Problem>,
}

/// A claim that can be asked for.
#[derive(Debug, Clone)]
pub struct BuiltClaim {
    /// The identifier of its box.
    pub id: String,
    /// Its value in the form.
    pub value: String,
    /// Its name.
    pub label: String,
    /// Whether it is chosen to begin with.
    pub on: bool,
}

/// A question ready to ask.
#[derive(Debug, Clone)]
pub struct Preset {
    /// Its name in the form.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Why one asks.
    pub purpose: String,
    /// The claims it asks for.
    pub claims: Vec<String>,
}

/// One's own question.
#[derive(Debug, Clone)]
pub struct OwnQuestion {
    /// The DCQL query as typed.
    pub dcql: String,
    /// What is wrong with it.
    pub problem: Option<Problem>,
    /// The credential types one can ask for here.
    pub vcts: Vec<String>,
}

/// `/verify/{id}`
#[derive(Debug, Template)]
#[template(path = "request.html")]
pub struct RequestPage {
    /// The frame.
    pub chrome: Chrome,
    /// The session.
    pub id: String,
    /// What is asked.
    pub title: String,
    /// Why.
    pub purpose: String,
    /// The verifier's name.
    pub verifier: String,
    /// The claims asked for.
    pub asked: Vec<String>,
    /// Whether it can still change.
    pub live: bool,
    /// Whether the code changes, so that a browser without scripts has to read the page again.
    pub reload: bool,
    /// The request as wallets get it: each part with its name.
    pub raw: Vec<(String, String)>,
    /// The answer as the wallet gave it: each part with its name; empty while none came.
    pub answer: Vec<(String, String)>,
    /// What is asked for without need, perhaps: said while the request waits.
    pub advice: Vec<String>,
    /// The request link, until the request ends.
    pub handover: Option<HandOver>,
    /// When the request ends.
    pub expires: String,
    /// The verdict.
    pub verdict: VerdictView,
    /// What happened so far.
    pub trail: Vec<Step>,
}

/// The live part of [`RequestPage`].
#[derive(Debug, Template)]
#[template(path = "verdict_fragment.html")]
pub struct VerdictFragment {
    /// The verdict.
    pub verdict: VerdictView,
    /// What happened so far.
    pub trail: Vec<Step>,
}

/// `/pocket`
#[derive(Debug, Template)]
#[template(path = "pocket.html")]
pub struct PocketPage {
    /// The frame.
    pub chrome: Chrome,
    /// What became of cards since the holder last looked, a line for each.
    pub notices: Vec<String>,
    /// The credentials held.
    pub cards: Vec<CardView>,
    /// The link as typed.
    pub link: String,
    /// What was wrong with it.
    pub problem: Option<Problem>,
}

/// `/pocket/offers/{id}`
#[derive(Debug, Template)]
#[template(path = "pocket_offer.html")]
pub struct PocketOfferPage {
    /// The frame.
    pub chrome: Chrome,
    /// The review.
    pub id: String,
    /// The issuer.
    pub party: Party,
    /// What is offered.
    pub cards: Vec<OfferedCard>,
    /// The transaction code to type, if one is needed.
    pub tx_code: Option<TxCodeInput>,
    /// What went wrong with the last attempt.
    pub problem: Option<Problem>,
}

/// A credential that is offered.
#[derive(Debug, Clone)]
pub struct OfferedCard {
    /// How it looks.
    pub card: CardView,
    /// The names of the claims it will hold.
    pub claims: Vec<String>,
}

/// The field for a transaction code.
#[derive(Debug, Clone)]
pub struct TxCodeInput {
    /// The label.
    pub label: String,
    /// Where the code comes from, and how many tries are left.
    pub hint: String,
    /// Whether it is made of digits.
    pub numeric: bool,
    /// How long it is.
    pub length: Option<usize>,
    /// What was wrong with the last one.
    pub error: Option<String>,
}

/// `/pocket/requests/{id}`
#[derive(Debug, Template)]
#[template(path = "pocket_request.html")]
pub struct PocketRequestPage {
    /// The frame.
    pub chrome: Chrome,
    /// The review.
    pub id: String,
    /// The verifier.
    pub party: Party,
    /// What the verifier says of itself and of why it asks.
    pub told: ToldView,
    /// Whether the answer is encrypted.
    pub encrypted: bool,
    /// The claims that it asks of everybody, and that most purposes do not need.
    pub over_asked: Vec<String>,
    /// What it asks for; empty when the wallet has no answer.
    pub purposes: Vec<Purpose>,
    /// What the holder authorizes by sharing, in words.
    pub authorizes: Vec<String>,
    /// What is missing when there is no answer.
    pub missing: String,
    /// Cards that would answer if they were good, each with the reason.
    pub unusable: Vec<CardView>,
    /// What went wrong with the last attempt.
    pub problem: Option<Problem>,
}

/// One purpose of a request: served in one of several ways, or left out if it is optional.
#[derive(Debug, Clone)]
pub struct Purpose {
    /// The form field that holds the chosen way.
    pub field: String,
    /// Whether it may be left out.
    pub optional: bool,
    /// Whether it is served.
    pub on: bool,
    /// The ways, the verifier's favourite first.
    pub ways: Vec<Way>,
}

/// One way to serve a purpose.
#[derive(Debug, Clone)]
pub struct Way {
    /// Its value in the form.
    pub value: String,
    /// Whether it is chosen.
    pub on: bool,
    /// What it shows.
    pub questions: Vec<Question>,
}

/// One credential query, and what in the wallet answers it.
#[derive(Debug, Clone)]
pub struct Question {
    /// The form field that holds the chosen candidate.
    pub field: String,
    /// What answers it.
    pub candidates: Vec<Candidate>,
}

/// One credential that answers a query.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its value in the form.
    pub value: String,
    /// Whether it is chosen.
    pub on: bool,
    /// How it looks.
    pub card: CardView,
    /// What would be shared.
    pub claims: Vec<ClaimRow>,
    /// What of it most purposes do not need, each with the reason.
    pub over_asked: Vec<OverAskedClaim>,
}

/// A claim that most purposes do not need.
#[derive(Debug, Clone)]
pub struct OverAskedClaim {
    /// Its name.
    pub claim: String,
    /// Why to think twice.
    pub reason: String,
}

/// The end of an acceptance or an answer.
#[derive(Debug, Template)]
#[template(path = "pocket_done.html")]
pub struct PocketDonePage {
    /// The frame.
    pub chrome: Chrome,
    /// How it ended.
    pub verdict: VerdictView,
    /// What came in.
    pub cards: Vec<CardView>,
    /// Where to go on.
    pub next: Option<Next>,
}

/// `/pocket/cards/{id}`
#[derive(Debug, Template)]
#[template(path = "pocket_card.html")]
pub struct PocketCardPage {
    /// The frame.
    pub chrome: Chrome,
    /// The credential.
    pub id: String,
    /// How it looks.
    pub card: CardView,
    /// What it holds.
    pub claims: Vec<ClaimRow>,
    /// Facts about it: from whom, since when, until when.
    pub facts: Vec<Fact>,
}

/// A fact about a credential.
#[derive(Debug, Clone)]
pub struct Fact {
    /// Its name.
    pub label: String,
    /// Its value.
    pub value: String,
}

/// `/pocket/history`
#[derive(Debug, Template)]
#[template(path = "pocket_history.html")]
pub struct PocketHistoryPage {
    /// The frame.
    pub chrome: Chrome,
    /// What is looked for.
    pub search: HistorySearch,
    /// The verifiers that got something, the last first; empty while something is looked for.
    pub shared_with: Vec<SharedWithView>,
    /// What happened, the latest first.
    pub entries: Vec<PastStep>,
}

/// What is looked for in the history.
#[derive(Debug, Clone, Default)]
pub struct HistorySearch {
    /// A text that occurs.
    pub text: String,
    /// What can have happened: its value in the form, its name, and whether it is looked for.
    pub kinds: Vec<(&'static str, &'static str, bool)>,
    /// Not before this day.
    pub from: String,
    /// Not after this day.
    pub until: String,
    /// The identifier of the one at the other end.
    pub party: String,
    /// Whether anything is looked for.
    pub on: bool,
}

/// Something that happened, and whom to ask about it.
#[derive(Debug, Clone)]
pub struct PastStep {
    /// What happened.
    pub step: Step,
    /// What the verifier said of itself.
    pub told: ToldView,
}

/// A verifier that got something.
#[derive(Debug, Clone)]
pub struct SharedWithView {
    /// Its name or identifier.
    pub name: String,
    /// What it got, how often and when.
    pub line: String,
    /// The way to what of the history is about it.
    pub href: String,
    /// Whom to ask for the deletion.
    pub told: ToldView,
}

/// A page that says what happened and what to do.
#[derive(Debug, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// The frame.
    pub chrome: Chrome,
    /// What happened.
    pub problem: Problem,
    /// Where to go on.
    pub next: Option<Next>,
    /// The stable reason code.
    pub code: Option<String>,
}
