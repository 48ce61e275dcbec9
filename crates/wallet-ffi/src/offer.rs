//! From an offer to cards.

use std::sync::Arc;

use lanyard_wallet::{
    AuthorizationCode, LONGEST_LINK, Login, Offer, PictureUse, PreAuthorized, Review,
    protocol::{TxCodeDescription, TxCodeInput},
    storage::CardId,
};
use url::Url;

use crate::{
    errors::{AcceptError, LoginError},
    once::Once,
    pictures::PictureRecord,
    runtime::on_own_threads,
};

/// What an offer needs before its credentials come.
#[derive(uniffi::Enum)]
pub enum OfferStep {
    /// The holder types a code that they got elsewhere.
    RequiresTxCode {
        /// To be accepted with the code.
        offer: Arc<TxCodeOffer>,
    },
    /// The holder logs in at the issuer.
    RequiresLogin {
        /// To be begun.
        offer: Arc<LoginOffer>,
    },
    /// The holder's yes is enough.
    Ready {
        /// To be accepted.
        offer: Arc<ReadyOffer>,
    },
}

/// What the holder sees before agreeing.
#[derive(Clone, uniffi::Record)]
pub struct OfferReview {
    /// The credential issuer identifier.
    pub issuer: String,
    /// What the issuer calls itself: its own word, until a credential has arrived and verified.
    pub issuer_name: Option<String>,
    /// Whether an authority that is believed vouches for what the issuer says about itself.
    pub signed: bool,
    /// What is offered.
    pub credentials: Vec<OfferedRecord>,
}

/// One credential on offer.
#[derive(Clone, uniffi::Record)]
pub struct OfferedRecord {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// The logo, where the issuer's metadata hold it themselves; one that would be fetched comes with the card.
    pub logo: Option<PictureRecord>,
    /// What to read out for the logo.
    pub logo_alt: Option<String>,
    /// The card's colour, as the issuer wrote it.
    pub background_color: Option<String>,
    /// The claims in it, by their labels.
    pub claims: Vec<String>,
    /// Why it cannot be taken, if it cannot.
    pub unsupported: Option<String>,
}

/// What to ask the holder for.
#[derive(Clone, uniffi::Record)]
pub struct TxCodeRecord {
    /// Whether a keyboard of digits will do.
    pub numeric: bool,
    /// How many characters, if the issuer says.
    pub length: Option<u8>,
    /// Where the holder finds it.
    pub description: Option<String>,
}

/// An offer that wants a transaction code.
#[derive(uniffi::Object)]
pub struct TxCodeOffer {
    review: OfferReview,
    code: TxCodeRecord,
    step: Arc<Once<PreAuthorized>>,
}

/// An offer that wants nothing more than a yes.
#[derive(uniffi::Object)]
pub struct ReadyOffer {
    review: OfferReview,
    step: Arc<Once<PreAuthorized>>,
}

/// An offer that wants the holder to log in.
#[derive(uniffi::Object)]
pub struct LoginOffer {
    review: OfferReview,
    step: Once<AuthorizationCode>,
}

/// A login that was begun: it is kept, also when the app is killed while the browser is in front.
#[derive(uniffi::Object)]
pub struct LoginStep {
    url: String,
    step: Once<Login>,
}

#[uniffi::export]
impl TxCodeOffer {
    /// What to show to the holder.
    pub fn review(&self) -> OfferReview {
        self.review.clone()
    }

    /// What to ask the holder for.
    pub fn tx_code(&self) -> TxCodeRecord {
        self.code.clone()
    }

    /// Takes what is offered: the new cards. What the issuer has not ready yet is waited for.
    pub async fn accept(&self, tx_code: String) -> Result<Vec<i64>, AcceptError> {
        accept(&self.step, Some(tx_code)).await
    }

    /// Turns the offer down.
    pub fn decline(&self) -> Result<(), AcceptError> {
        self.step.take()?.decline();
        Ok(())
    }
}

#[uniffi::export]
impl ReadyOffer {
    /// What to show to the holder.
    pub fn review(&self) -> OfferReview {
        self.review.clone()
    }

    /// Takes what is offered: the new cards. What the issuer has not ready yet is waited for.
    pub async fn accept(&self) -> Result<Vec<i64>, AcceptError> {
        accept(&self.step, None).await
    }

    /// Turns the offer down.
    pub fn decline(&self) -> Result<(), AcceptError> {
        self.step.take()?.decline();
        Ok(())
    }
}

#[uniffi::export]
impl LoginOffer {
    /// What to show to the holder.
    pub fn review(&self) -> OfferReview {
        self.review.clone()
    }

    /// Asks the issuer to let the holder log in.
    pub async fn begin(&self) -> Result<Arc<LoginStep>, LoginError> {
        let login = on_own_threads(self.step.take()?.begin()).await??;
        Ok(Arc::new(LoginStep { url: login.url().to_string(), step: Once::new(login) }))
    }

    /// Turns the offer down.
    pub fn decline(&self) -> Result<(), LoginError> {
        self.step.take()?.decline();
        Ok(())
    }
}

#[uniffi::export]
impl LoginStep {
    /// Where the holder's browser has to go.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Goes on with the link that came back, as `LanyardWallet.finish_login`.
    pub async fn finish(&self, redirect: String) -> Result<Vec<i64>, LoginError> {
        let redirect = returned(&redirect)?;
        let login = self.step.take()?;
        Ok(ids(on_own_threads(async move { login.finish(&redirect).await }).await??))
    }
}

/// The link with which a browser came back.
pub(crate) fn returned(link: &str) -> Result<Url, LoginError> {
    let not_ours = |reason: String| LoginError::NotOurs { reason };
    if link.len() > LONGEST_LINK {
        return Err(not_ours("the link is too long".to_owned()));
    }
    Url::parse(link).map_err(|error| not_ours(error.to_string()))
}

/// The names of cards.
pub(crate) fn ids(cards: Vec<CardId>) -> Vec<i64> {
    cards.into_iter().map(|card| card.0).collect()
}

/// Takes the step; puts it back where the holder can go on with it.
async fn accept(
    step: &Arc<Once<PreAuthorized>>,
    code: Option<String>,
) -> Result<Vec<i64>, AcceptError> {
    use lanyard_wallet::AcceptError as Accept;
    let (offer, back) = (step.take()?, step.clone());
    on_own_threads(async move {
        let accepted = offer.accept(code.as_deref()).await.map_err(|error| {
            let told = AcceptError::from(&error);
            if let Accept::TxCodeForm(offer, _)
            | Accept::TxCodeWrong(offer)
            | Accept::TryAgain(offer, ..) = error
            {
                back.put(*offer);
            }
            told
        });
        accepted.map(ids)
    })
    .await?
}

impl From<Offer> for OfferStep {
    fn from(offer: Offer) -> Self {
        match offer {
            Offer::AuthorizationCode(offer) => {
                let review = offer.review().into();
                Self::RequiresLogin {
                    offer: Arc::new(LoginOffer { review, step: Once::new(*offer) }),
                }
            }
            Offer::PreAuthorized(offer) => {
                let review = OfferReview::from(offer.review());
                let code = offer.review().tx_code.as_ref().map(TxCodeRecord::from);
                let step = Arc::new(Once::new(*offer));
                match code {
                    Some(code) => {
                        Self::RequiresTxCode { offer: Arc::new(TxCodeOffer { review, code, step }) }
                    }
                    None => Self::Ready { offer: Arc::new(ReadyOffer { review, step }) },
                }
            }
        }
    }
}

impl From<&Review> for OfferReview {
    fn from(review: &Review) -> Self {
        let credentials = review.credentials.iter().map(|card| OfferedRecord {
            name: card.face.name.clone(),
            description: card.face.description.clone(),
            logo: card.face.picture_in(PictureUse::Logo).map(PictureRecord::from),
            logo_alt: card.face.logo_alt.clone(),
            background_color: card.face.background_color.clone(),
            claims: card.face.labels.iter().map(|label| label.label.clone()).collect(),
            unsupported: card.unsupported.map(|reason| reason.to_string()),
        });
        Self {
            issuer: review.issuer.clone(),
            issuer_name: review.issuer_name.clone(),
            signed: review.signed,
            credentials: credentials.collect(),
        }
    }
}

impl From<&TxCodeDescription> for TxCodeRecord {
    fn from(code: &TxCodeDescription) -> Self {
        let numeric = code.input_mode == TxCodeInput::Numeric;
        Self { numeric, length: code.length, description: code.description.clone() }
    }
}
