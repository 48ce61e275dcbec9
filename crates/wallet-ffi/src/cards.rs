//! Cards, as a screen shows them.

use lanyard_wallet::{
    CardNotice, ExportedInventory, InventoryItem, KnownStatus, PictureUse, RegisteredClaim,
    Registration, ShownClaim, Standing, StatusWord,
    protocol::Timestamp,
    storage::{Card, CardId, Waiting, WaitingId},
};

/// One card: a credential with all its copies.
#[derive(uniffi::Record)]
pub struct CardRecord {
    /// Its name for `delete_card`, `renew` and `card_picture`.
    pub id: i64,
    /// What it is called, in the holder's language.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// The credential issuer identifier.
    pub issuer: String,
    /// The issuer's name for people.
    pub issuer_name: Option<String>,
    /// Who signed: the subject of a certificate, or a DID.
    pub signed_by: String,
    /// The format's identifier: `dc+sd-jwt`, `mso_mdoc`, `jwt_vc_json`, `ldp_vc`.
    pub format: String,
    /// Whether there is a logo, which `card_picture` has.
    pub has_logo: bool,
    /// What to read out for the logo.
    pub logo_alt: Option<String>,
    /// Whether there is a picture to draw behind the text, which `card_picture` has.
    pub has_background_image: bool,
    /// The card's colour, as the issuer wrote it.
    pub background_color: Option<String>,
    /// The colour of the text on it, likewise.
    pub text_color: Option<String>,
    /// Every claim, in the order of display.
    pub claims: Vec<ClaimRow>,
    /// Seconds since 1970.
    pub received_at: i64,
    /// Seconds since 1970; none when it does not end.
    pub expires_at: Option<i64>,
    /// How it stands now, by what is known on this device.
    pub standing: CardStanding,
    /// Whether its issuer keeps a status list, which `refresh_statuses` asks.
    pub has_status: bool,
    /// What that list said when it was last asked; none when it never was.
    pub status: Option<StatusRecord>,
    /// Copies that were never shown to anybody.
    pub unused_copies: u32,
    /// All copies.
    pub copies: u32,
}

/// A claim as people read it.
#[derive(uniffi::Record)]
pub struct ClaimRow {
    /// What it is called.
    pub label: String,
    /// Its value; a picture as a `data:` URL.
    pub value: String,
}

/// How a card stands.
#[derive(uniffi::Enum)]
pub enum CardStanding {
    /// Good to be shown.
    Valid,
    /// Good for less than two weeks.
    EndsSoon,
    /// Past its end: it answers no request.
    Expired,
    /// Its issuer has it suspended, by the last list that could be had: it answers no request until a newer list
    /// says otherwise.
    Suspended,
    /// Its issuer has taken it back for good, by the last list that could be had: it answers no request.
    Revoked,
}

/// What an issuer says of a credential in its status list.
#[derive(uniffi::Enum)]
pub enum StatusValue {
    /// It is good.
    Valid,
    /// It is not good for the time being.
    Suspended,
    /// It was taken back for good.
    Revoked,
    /// It says something that issuer and verifier have agreed on.
    Other,
}

/// What a status list said, and how old it was.
#[derive(uniffi::Record)]
pub struct StatusRecord {
    /// What it said.
    pub value: StatusValue,
    /// When the list was made, in seconds since 1970: what it says is as old as that.
    pub as_of: i64,
    /// Whether the list still speaks; otherwise a newer one has to be asked.
    pub is_current: bool,
}

/// A card that its issuer revoked, suspended or gave back, which the holder has not seen yet.
#[derive(uniffi::Record)]
pub struct NoticeRecord {
    /// The card.
    pub card: i64,
    /// Its name.
    pub card_name: String,
    /// What the holder last saw.
    pub was: StatusValue,
    /// What its issuer's list says now.
    pub is_now: StatusValue,
}

/// A card as the platform's own chooser is told of it: which claims it has, and none of their values.
#[derive(uniffi::Record)]
pub struct RegistrationRecord {
    /// The card.
    pub card: i64,
    /// `dc+sd-jwt` or `mso_mdoc`.
    pub format: String,
    /// The `vct` or the `docType`.
    pub kind: String,
    /// What it is called.
    pub name: String,
    /// Its issuer's name or identifier.
    pub issuer: String,
    /// The claims that can be asked for.
    pub claims: Vec<RegisteredClaimRecord>,
    /// The authority key identifiers of the chain that its issuer signed with.
    pub key_identifiers: Vec<Vec<u8>>,
    /// When it ends, in seconds since 1970; none when it does not end.
    pub expires_at: Option<i64>,
}

/// A claim without its value.
#[derive(uniffi::Record)]
pub struct RegisteredClaimRecord {
    /// Its names from the outside in; of an mdoc the name space and the element.
    pub path: Vec<String>,
    /// What it is called.
    pub label: String,
}

/// A credential that the issuer has not ready yet.
#[derive(uniffi::Record)]
pub struct WaitingRecord {
    /// Its name for `stop_waiting`.
    pub id: i64,
    /// What it will be called.
    pub name: String,
    /// The credential issuer identifier.
    pub issuer: String,
    /// The issuer's name for people.
    pub issuer_name: Option<String>,
    /// When it was asked for, in seconds since 1970.
    pub since: i64,
    /// When `collect` asks again, in seconds since 1970.
    pub next_at: i64,
}

/// One credential to have issued again on a new phone.
#[derive(uniffi::Record)]
pub struct InventoryRecord {
    /// The credential issuer identifier.
    pub issuer: String,
    /// The issuer's name for people.
    pub issuer_name: Option<String>,
    /// The credential configuration.
    pub configuration: String,
    /// The name on the card.
    pub name: String,
}

/// A sealed inventory and the code that opens it.
#[derive(uniffi::Record)]
pub struct RecoveryKit {
    /// The sealed list: a file to keep anywhere.
    pub sealed: Vec<u8>,
    /// Show it once; whoever has both reads what was held from whom.
    pub recovery_code: String,
}

impl CardRecord {
    pub(crate) fn of(card: &Card, now: Timestamp) -> Self {
        let content = &card.content;
        Self {
            id: card.id.0,
            name: content.face.name.clone(),
            description: content.face.description.clone(),
            issuer: content.issuer.clone(),
            issuer_name: content.issuer_name.clone(),
            signed_by: content.issuer_identity.clone(),
            format: content.format.name().to_owned(),
            has_logo: content.face.has_picture(PictureUse::Logo),
            logo_alt: content.face.logo_alt.clone(),
            has_background_image: content.face.has_picture(PictureUse::BackgroundImage),
            background_color: content.face.background_color.clone(),
            text_color: content.face.text_color.clone(),
            claims: content.rows().into_iter().map(ClaimRow::from).collect(),
            received_at: content.received_at.as_second(),
            expires_at: content.expires_at.map(Timestamp::as_second),
            standing: card.standing(now).into(),
            has_status: content.has_status,
            status: card.status.map(|status| StatusRecord::of(status, now)),
            unused_copies: card.unused_copies,
            copies: card.copies,
        }
    }
}

impl From<Registration> for RegistrationRecord {
    fn from(registration: Registration) -> Self {
        let claims = registration.claims.into_iter().map(RegisteredClaimRecord::from);
        Self {
            card: registration.card.0,
            format: registration.format.name().to_owned(),
            kind: registration.kind,
            name: registration.name,
            issuer: registration.issuer,
            claims: claims.collect(),
            key_identifiers: registration.key_identifiers,
            expires_at: registration.expires_at.map(Timestamp::as_second),
        }
    }
}

impl From<RegisteredClaim> for RegisteredClaimRecord {
    fn from(RegisteredClaim { path, label }: RegisteredClaim) -> Self {
        Self { path, label }
    }
}

impl From<ShownClaim> for ClaimRow {
    fn from(claim: ShownClaim) -> Self {
        Self { label: claim.label, value: claim.value }
    }
}

impl From<Standing> for CardStanding {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Valid => Self::Valid,
            Standing::EndsSoon => Self::EndsSoon,
            Standing::Expired => Self::Expired,
            Standing::Suspended => Self::Suspended,
            Standing::Revoked => Self::Revoked,
        }
    }
}

impl StatusRecord {
    pub(crate) fn of(status: KnownStatus, now: Timestamp) -> Self {
        let (value, as_of) = (status.word.into(), status.as_of.as_second());
        Self { value, as_of, is_current: status.is_current(now) }
    }
}

impl From<StatusWord> for StatusValue {
    fn from(word: StatusWord) -> Self {
        match word {
            StatusWord::Valid => Self::Valid,
            StatusWord::Suspended => Self::Suspended,
            StatusWord::Revoked => Self::Revoked,
            StatusWord::Other => Self::Other,
        }
    }
}

impl From<StatusValue> for StatusWord {
    fn from(value: StatusValue) -> Self {
        match value {
            StatusValue::Valid => Self::Valid,
            StatusValue::Suspended => Self::Suspended,
            StatusValue::Revoked => Self::Revoked,
            StatusValue::Other => Self::Other,
        }
    }
}

impl From<CardNotice> for NoticeRecord {
    fn from(CardNotice { card, name, was, is }: CardNotice) -> Self {
        Self { card: card.0, card_name: name, was: was.into(), is_now: is.into() }
    }
}

impl From<NoticeRecord> for CardNotice {
    fn from(NoticeRecord { card, card_name, was, is_now }: NoticeRecord) -> Self {
        Self { card: CardId(card), name: card_name, was: was.into(), is: is_now.into() }
    }
}

impl From<(WaitingId, Waiting)> for WaitingRecord {
    fn from((id, waiting): (WaitingId, Waiting)) -> Self {
        Self {
            id: id.0,
            name: waiting.face.name,
            issuer: waiting.issuer,
            issuer_name: waiting.issuer_name,
            since: waiting.since.as_second(),
            next_at: waiting.next_at.as_second(),
        }
    }
}

impl From<InventoryItem> for InventoryRecord {
    fn from(item: InventoryItem) -> Self {
        let InventoryItem { issuer, issuer_name, configuration, name } = item;
        Self { issuer, issuer_name, configuration, name }
    }
}

impl From<InventoryRecord> for InventoryItem {
    fn from(item: InventoryRecord) -> Self {
        let InventoryRecord { issuer, issuer_name, configuration, name } = item;
        Self { issuer, issuer_name, configuration, name }
    }
}

impl From<ExportedInventory> for RecoveryKit {
    fn from(exported: ExportedInventory) -> Self {
        Self { sealed: exported.sealed, recovery_code: exported.recovery_code.to_string() }
    }
}
