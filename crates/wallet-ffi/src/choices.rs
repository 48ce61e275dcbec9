//! What a verifier asks for, what the holder can pick, and what they picked.

use lanyard_wallet::{
    AskedClaim, AskedTooMuch, ContactUse, Told, UnusableCard,
    protocol::{
        Choices, ClaimSetChoice, Consent, Contact, DcApiVerifier, OverAsking, Pick, QueryMatches,
        Selection, SetChoice, Timestamp, Transaction, TransactionData, VerifierIdentity,
    },
    storage::Card,
};

use crate::cards::{CardStanding, StatusRecord};

/// Who asks.
#[derive(Clone, uniffi::Record)]
pub struct VerifierRecord {
    /// The name that somebody vouches for; none where nobody does.
    pub name: Option<String>,
    /// The host that receives the answer, or the origin of the page that asks.
    pub address: String,
    /// How it is known.
    pub trust: TrustLevel,
    /// Who vouches, where it is somebody with a name.
    pub vouched_by: Option<String>,
    /// What it says of itself and of why it asks: its own words; empty where its request is not signed.
    pub told: ToldRecord,
}

/// The words of a verifier, of which its signature is the only warrant.
#[derive(Clone, uniffi::Record)]
pub struct ToldRecord {
    /// Why it asks, in the holder's language where it says it in that.
    pub purpose: Option<String>,
    /// Its privacy policy.
    pub privacy_policy: Option<ContactRecord>,
    /// Its terms of service.
    pub terms: Option<ContactRecord>,
    /// Whom to ask for the deletion of what was shared; empty where it names nobody.
    pub for_deletion: Vec<ContactRecord>,
    /// Where to complain about it.
    pub authorities: Vec<ContactRecord>,
    /// All of these, in the order in which they are shown, and each place once.
    pub contacts_to_show: Vec<ContactToShowRecord>,
}

/// A way to reach somebody, and what for.
#[derive(Clone, uniffi::Record)]
pub struct ContactToShowRecord {
    /// What is found there.
    pub kind: ContactKind,
    /// How to get there.
    pub contact: ContactRecord,
}

/// What is found where a verifier says that it is reached.
#[derive(Clone, Copy, uniffi::Enum)]
pub enum ContactKind {
    /// Its privacy policy.
    PrivacyPolicy,
    /// Its terms of service.
    Terms,
    /// Somebody to ask, also for the deletion of what was shared.
    Questions,
    /// An authority to complain at.
    Complaints,
}

/// A way to reach somebody.
#[derive(Clone, uniffi::Record)]
pub struct ContactRecord {
    /// To open: `https:`, `mailto:` or `tel:`.
    pub uri: String,
    /// As people read it.
    pub shown: String,
}

/// How a verifier is known, for the badge and its explanation.
#[derive(Clone, uniffi::Enum)]
pub enum TrustLevel {
    /// A trusted authority certified it.
    Certified,
    /// Somebody who is believed about verifiers attested it.
    Attested,
    /// The wallet knew it beforehand.
    Registered,
    /// It has the key of a DID; who is behind that, nobody says.
    DidOnly,
    /// Nobody vouches: its address is all that is known.
    AddressOnly,
}

/// Everything a request could be answered with.
#[derive(uniffi::Record)]
pub struct RequestChoices {
    /// The purposes of the request.
    pub sets: Vec<SetRecord>,
    /// The credential queries, with the cards that answer each.
    pub queries: Vec<QueryRecord>,
    /// What is asked for at least: start the screen with it.
    pub smallest: HolderSelection,
    /// What is asked of everybody that most purposes do not need: say so above everything else.
    pub over_asked: Vec<OverAskedRecord>,
}

/// One purpose.
#[derive(uniffi::Record)]
pub struct SetRecord {
    /// Whether it must be served.
    pub required: bool,
    /// The ways to serve it, the verifier's favourite first: each names its queries.
    pub options: Vec<Vec<String>>,
}

/// One credential query.
#[derive(uniffi::Record)]
pub struct QueryRecord {
    /// Its name in the request.
    pub id: String,
    /// Whether several cards may be picked.
    pub multiple: bool,
    /// The cards that fit.
    pub candidates: Vec<CandidateRecord>,
}

/// A card that answers a query.
#[derive(uniffi::Record)]
pub struct CandidateRecord {
    /// The card.
    pub card: i64,
    /// Its name, for the list.
    pub card_name: String,
    /// Its issuer's name or identifier.
    pub issuer: String,
    /// The ways in which it answers, the verifier's favourite first.
    pub claim_sets: Vec<ClaimSetRecord>,
}

/// A card that would answer a query if it were good: to be shown with the reason, and not to be picked.
#[derive(uniffi::Record)]
pub struct UnusableRecord {
    /// The query.
    pub query: String,
    /// The card.
    pub card: i64,
    /// Its name, for the list.
    pub card_name: String,
    /// Its issuer's name or identifier.
    pub issuer: String,
    /// What is wrong with it: expired, suspended or revoked.
    pub standing: CardStanding,
    /// What its issuer's list said and how old it was; none when no list was asked.
    pub status: Option<StatusRecord>,
}

/// One way to answer: exactly these claims.
#[derive(uniffi::Record)]
pub struct ClaimSetRecord {
    /// What would be disclosed.
    pub claims: Vec<AskedClaimRecord>,
    /// What of it most purposes do not need.
    pub over_asked: Vec<OverAskedRecord>,
}

/// A claim that would be disclosed.
#[derive(uniffi::Record)]
pub struct AskedClaimRecord {
    /// What it is called.
    pub label: String,
    /// Its value; a picture as a `data:` URL.
    pub value: String,
    /// What makes it more than most purposes need, if anything does.
    pub over_asked: Option<OverAskingKind>,
}

/// What is asked too much.
#[derive(uniffi::Record)]
pub struct OverAskedRecord {
    /// What it is, for words in the holder's language.
    pub kind: OverAskingKind,
    /// The claim, by its name on the card; none when it is about all of them together.
    pub claim: Option<String>,
    /// Why to think twice, in English.
    pub reason: String,
}

/// What more than most purposes need is.
#[derive(Clone, Copy, uniffi::Enum)]
pub enum OverAskingKind {
    /// A date of birth, where a yes or no to an age would do.
    BirthDate,
    /// An age in years, where a yes or no would do.
    Age,
    /// A picture of the holder.
    Portrait,
    /// A number that is the same everywhere.
    UniqueNumber,
    /// A street and number.
    Street,
    /// A whole address.
    WholeAddress,
    /// Sex or gender.
    Sex,
    /// A name at birth.
    BirthName,
    /// A place of birth.
    BirthPlace,
    /// So many claims that they are a profile.
    ManyClaims,
}

/// What the holder picked.
#[derive(uniffi::Record)]
pub struct HolderSelection {
    /// For each set in order: the option picked, or none to leave it out.
    pub options: Vec<Option<u32>>,
    /// Picks that differ from the first candidate with its first claim set.
    pub picks: Vec<PickRecord>,
}

/// The cards picked for one query.
#[derive(uniffi::Record)]
pub struct PickRecord {
    /// The query.
    pub query: String,
    /// The cards; more than one only where the query takes several.
    pub cards: Vec<PickedRecord>,
}

/// A picked card.
#[derive(uniffi::Record)]
pub struct PickedRecord {
    /// Its place among the candidates.
    pub candidate: u32,
    /// The place of the claim set.
    pub claim_set: u32,
}

/// What would be authorized by answering.
#[derive(uniffi::Enum)]
pub enum TransactionRecord {
    /// A payment.
    Payment {
        /// Who gets the money.
        payee: String,
        /// How much, as a decimal.
        amount: String,
        /// ISO 4217.
        currency: String,
        /// What it is for.
        reference: Option<String>,
    },
    /// Signatures on documents.
    DocumentSigning {
        /// What people call them.
        documents: Vec<String>,
    },
}

/// What leaves with the answer, for a last look.
#[derive(Clone, uniffi::Record)]
pub struct SharedRecord {
    /// The query that it answers.
    pub query: String,
    /// The paths of the claims.
    pub claims: Vec<String>,
}

impl From<Told> for ToldRecord {
    fn from(told: Told) -> Self {
        let contacts = |all: &[Contact]| all.iter().map(ContactRecord::from).collect();
        Self {
            for_deletion: contacts(told.for_deletion()),
            authorities: contacts(&told.authorities),
            privacy_policy: told.privacy_policy.as_ref().map(ContactRecord::from),
            terms: told.terms.as_ref().map(ContactRecord::from),
            contacts_to_show: told.contacts_to_show().into_iter().map(Into::into).collect(),
            purpose: told.purpose,
        }
    }
}

impl From<(ContactUse, &Contact)> for ContactToShowRecord {
    fn from((kind, contact): (ContactUse, &Contact)) -> Self {
        Self { kind: kind.into(), contact: contact.into() }
    }
}

impl From<ContactUse> for ContactKind {
    fn from(kind: ContactUse) -> Self {
        match kind {
            ContactUse::PrivacyPolicy => Self::PrivacyPolicy,
            ContactUse::Terms => Self::Terms,
            ContactUse::Questions => Self::Questions,
            ContactUse::Complaints => Self::Complaints,
        }
    }
}

impl From<&Contact> for ContactRecord {
    fn from(contact: &Contact) -> Self {
        Self { uri: contact.uri().to_owned(), shown: contact.to_string() }
    }
}

impl VerifierRecord {
    pub(crate) fn of(identity: &VerifierIdentity, told: Told) -> Self {
        let (trust, vouched_by, address) = match identity {
            VerifierIdentity::Certificate { host, .. } => (TrustLevel::Certified, None, host),
            VerifierIdentity::Attestation { attester, host, .. } => {
                (TrustLevel::Attested, Some(attester.clone()), host)
            }
            VerifierIdentity::Registered { host, .. } => (TrustLevel::Registered, None, host),
            VerifierIdentity::Did { did, host } => (TrustLevel::DidOnly, Some(did.clone()), host),
            VerifierIdentity::Address { host } => (TrustLevel::AddressOnly, None, host),
        };
        let name = identity.name().map(str::to_owned);
        Self { name, address: address.clone(), trust, vouched_by, told: told.into() }
    }

    pub(crate) fn of_platform(verifier: &DcApiVerifier, origin: &str, told: Told) -> Self {
        let (name, trust) = match verifier {
            DcApiVerifier::Origin => (None, TrustLevel::AddressOnly),
            DcApiVerifier::Known { name, .. } => (name.clone(), TrustLevel::Certified),
        };
        Self { name, address: origin.to_owned(), trust, vouched_by: None, told: told.into() }
    }
}

impl RequestChoices {
    pub(crate) fn of(choices: &Choices, cards: &[Card], too_much: Vec<AskedTooMuch>) -> Self {
        Self {
            sets: choices.sets().into_iter().map(SetRecord::from).collect(),
            queries: choices.queries().iter().map(|one| QueryRecord::of(one, cards)).collect(),
            smallest: choices.smallest().into(),
            over_asked: too_much.into_iter().map(OverAskedRecord::from).collect(),
        }
    }
}

impl From<AskedTooMuch> for OverAskedRecord {
    fn from(asked: AskedTooMuch) -> Self {
        let reason = asked.what.to_holder().to_owned();
        Self { kind: asked.what.into(), claim: asked.label, reason }
    }
}

impl From<OverAsking> for OverAskingKind {
    fn from(what: OverAsking) -> Self {
        match what {
            OverAsking::BirthDate => Self::BirthDate,
            OverAsking::Age => Self::Age,
            OverAsking::Portrait => Self::Portrait,
            OverAsking::UniqueNumber => Self::UniqueNumber,
            OverAsking::Street => Self::Street,
            OverAsking::WholeAddress => Self::WholeAddress,
            OverAsking::Sex => Self::Sex,
            OverAsking::BirthName => Self::BirthName,
            OverAsking::BirthPlace => Self::BirthPlace,
            OverAsking::ManyClaims => Self::ManyClaims,
        }
    }
}

impl From<AskedClaim> for AskedClaimRecord {
    fn from(AskedClaim { claim, over_asked }: AskedClaim) -> Self {
        Self { label: claim.label, value: claim.value, over_asked: over_asked.map(Into::into) }
    }
}

impl ClaimSetRecord {
    fn of(matches: &QueryMatches, choice: &ClaimSetChoice, card: &Card) -> Self {
        let claims = card.content.asked_rows(matches, choice).into_iter().map(Into::into);
        let query = &matches.query.id;
        let over_asked = matches.over_asked(choice).into_iter();
        let over_asked = over_asked.map(|one| AskedTooMuch::of(query.clone(), one, card).into());
        Self { claims: claims.collect(), over_asked: over_asked.collect() }
    }
}

impl UnusableRecord {
    pub(crate) fn of(unusable: Vec<UnusableCard>, cards: &[Card], now: Timestamp) -> Vec<Self> {
        let record = |one: UnusableCard| {
            let card = cards.get(one.card)?;
            Some(Self {
                query: one.query.to_string(),
                card: card.id.0,
                card_name: card.content.face.name.clone(),
                issuer: issuer(card),
                standing: one.standing.into(),
                status: card.status.map(|status| StatusRecord::of(status, now)),
            })
        };
        unusable.into_iter().filter_map(record).collect()
    }
}

/// The name of a card's issuer, or its identifier.
fn issuer(card: &Card) -> String {
    let content = &card.content;
    content.issuer_name.clone().unwrap_or_else(|| content.issuer.clone())
}

impl From<SetChoice> for SetRecord {
    fn from(set: SetChoice) -> Self {
        let option = |option: Vec<_>| option.iter().map(ToString::to_string).collect();
        Self { required: set.required, options: set.options.into_iter().map(option).collect() }
    }
}

impl QueryRecord {
    fn of(matches: &QueryMatches, cards: &[Card]) -> Self {
        let candidates = matches.candidates.iter().filter_map(|candidate| {
            let card = cards.get(candidate.credential)?;
            let content = &card.content;
            let claim_sets =
                candidate.choices.iter().map(|choice| ClaimSetRecord::of(matches, choice, card));
            Some(CandidateRecord {
                card: card.id.0,
                card_name: content.face.name.clone(),
                issuer: issuer(card),
                claim_sets: claim_sets.collect(),
            })
        });
        Self {
            id: matches.query.id.to_string(),
            multiple: matches.query.multiple,
            candidates: candidates.collect(),
        }
    }
}

impl From<Selection> for HolderSelection {
    fn from(selection: Selection) -> Self {
        let place = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        let picked = |(candidate, claim_set)| PickedRecord {
            candidate: place(candidate),
            claim_set: place(claim_set),
        };
        let pick = |pick: Pick| PickRecord {
            query: pick.query.to_string(),
            cards: pick.candidates.into_iter().map(picked).collect(),
        };
        Self {
            options: selection.options.into_iter().map(|option| option.map(place)).collect(),
            picks: selection.picks.into_iter().map(pick).collect(),
        }
    }
}

impl HolderSelection {
    /// None when it names a query that no request can have.
    pub(crate) fn read(self) -> Option<Selection> {
        let place = |place: u32| place as usize;
        let picked = |card: PickedRecord| (place(card.candidate), place(card.claim_set));
        let pick = |pick: PickRecord| {
            let candidates = pick.cards.into_iter().map(picked).collect();
            Some(Pick { query: pick.query.parse().ok()?, candidates })
        };
        Some(Selection {
            options: self.options.into_iter().map(|option| option.map(place)).collect(),
            picks: self.picks.into_iter().map(pick).collect::<Option<_>>()?,
        })
    }
}

impl From<&TransactionData> for TransactionRecord {
    fn from(data: &TransactionData) -> Self {
        match data.transaction() {
            Transaction::Payment(payment) => Self::Payment {
                payee: payment.payee.clone(),
                amount: payment.amount.clone(),
                currency: payment.currency.clone(),
                reference: payment.reference.clone(),
            },
            Transaction::DocumentSigning(signing) => Self::DocumentSigning {
                documents: signing.documents.iter().map(|one| one.label.clone()).collect(),
            },
        }
    }
}

/// What a consent lets out.
pub(crate) fn shared(consent: &Consent) -> Vec<SharedRecord> {
    let approved = consent.approved().iter();
    let record = approved.map(|one| SharedRecord {
        query: one.query.to_string(),
        claims: one.disclose.iter().map(ToString::to_string).collect(),
    });
    record.collect()
}
