//! Taking credentials by logging in at the issuer, and going on with what a crash interrupted.

use std::slice;

use lanyard_fetch::Purpose;
use lanyard_oid4vci::{
    CredentialConfigurationId,
    authorization::{AnswerRefused, AuthorizationAnswer},
    wallet::{CodeInHand, Granted, LoginOffer, LoginRefused, Prover},
};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    Wallet,
    face::Face,
    history::Event,
    http::incoming,
    issuance::{IssuanceError, OfferedCard, Review},
    outcome::{Came, Failure, Outcome},
    ports::KeyHandle,
    receive::Context,
    storage::{Card, CardId, PendingId, StorageError},
};

/// An offer that the holder logs in for, ready to be shown to them.
#[derive(Debug)]
pub struct AuthorizationCode {
    pub(crate) wallet: Wallet,
    pub(crate) review: Review,
    pub(crate) offer: LoginOffer,
}

/// A login that was begun: the browser has to go to [`Login::url`] and comes back with the answer.
///
/// It is kept in the wallet's database, so that [`Wallet::finish_login`] goes on even if the app was killed
/// in between.
#[derive(Debug)]
pub struct Login {
    wallet: Wallet,
    url: Url,
}

/// What a crash, or a network that was away, interrupted after the holder logged in, or after the token was had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// Its name.
    pub id: PendingId,
    /// The credential issuer identifier.
    pub issuer: String,
    /// The credentials that are still to come, by the name on their card.
    pub credentials: Vec<String>,
}

/// An issuance between two steps, as it is sealed into the database.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Pending {
    issuer: String,
    issuer_name: Option<String>,
    /// What is still to come.
    cards: Vec<PendingCard>,
    /// What came.
    stored: Vec<CardId>,
    /// The key that tokens are bound to.
    key: Option<KeyHandle>,
    stage: Stage,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct PendingCard {
    configuration: CredentialConfigurationId,
    face: Face,
    /// The card whose place it takes.
    #[serde(default)]
    replaces: Option<CardId>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stage {
    Login(Box<lanyard_oid4vci::wallet::Login>),
    /// The holder logged in; the token is still to be had.
    Code(Box<CodeInHand>),
    Granted(Box<Granted>),
}

impl AuthorizationCode {
    /// What to show to the holder.
    pub const fn review(&self) -> &Review {
        &self.review
    }

    /// Turns the offer down; the issuer is not told.
    pub fn decline(self) {
        let (party, names) = (self.review.party(), self.review.names());
        self.wallet.record(Event::OfferDeclined, party, names, Vec::new());
    }

    /// Asks the authorization server to let the holder log in.
    ///
    /// # Errors
    /// [`IssuanceError`]; it is in the history too.
    pub async fn begin(self) -> Result<Login, IssuanceError> {
        let Self { wallet, review, offer } = self;
        let begun = wallet.begin_login(&review, offer).await;
        begun.inspect_err(|error| wallet.record_failure(error, review.party(), review.names()))
    }
}

impl Login {
    /// Where the holder's browser has to go.
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Goes on with what came back, as [`Wallet::finish_login`].
    ///
    /// # Errors
    /// [`IssuanceError`]; it is in the history too.
    pub async fn finish(self, redirect: &Url) -> Result<Vec<CardId>, IssuanceError> {
        self.wallet.finish_login(redirect).await
    }
}

impl Pending {
    /// The cards that can be issued again with it, those whose renewal was interrupted among them.
    fn renewable(&self) -> impl Iterator<Item = CardId> {
        let interrupted = self.cards.iter().filter_map(|card| card.replaces);
        self.stored.iter().copied().chain(interrupted)
    }

    /// The key that its access token is bound to, if it is.
    pub(crate) const fn key(&self) -> Option<&KeyHandle> {
        self.key.as_ref()
    }

    pub(crate) fn granted(review: &Review, key: Option<KeyHandle>, granted: Granted) -> Self {
        Self::new(review, key, Stage::Granted(Box::new(granted)))
    }

    fn new(review: &Review, key: Option<KeyHandle>, stage: Stage) -> Self {
        let taken = review.credentials.iter().filter(|card| card.unsupported.is_none());
        let cards = taken.map(|card| PendingCard {
            configuration: card.configuration.clone(),
            face: card.face.clone(),
            replaces: None,
        });
        Self {
            issuer: review.issuer.clone(),
            issuer_name: review.issuer_name.clone(),
            cards: cards.collect(),
            stored: Vec::new(),
            key,
            stage,
        }
    }

    fn review(&self) -> Review {
        let card = |card: &PendingCard| OfferedCard {
            configuration: card.configuration.clone(),
            face: card.face.clone(),
            unsupported: None,
        };
        Review {
            issuer: self.issuer.clone(),
            issuer_name: self.issuer_name.clone(),
            // what the holder saw before they logged in
            signed: false,
            credentials: self.cards.iter().map(card).collect(),
            tx_code: None,
        }
    }
}

impl Wallet {
    /// Goes on when the browser came back with the answer to a login, also after the app was killed.
    ///
    /// An answer that belongs to no login of this wallet, or that is not from the authorization server that
    /// was asked, ends here: nobody is called (RFC 9207 §2.4).
    ///
    /// # Errors
    /// [`IssuanceError`]; it is in the history too.
    pub async fn finish_login(&self, redirect: &Url) -> Result<Vec<CardId>, IssuanceError> {
        let answer = AuthorizationAnswer::parse(redirect)?;
        let state = answer.state().unwrap_or_default();
        let found = self.0.storage.pending::<Pending>()?.into_iter().find_map(|(id, pending)| {
            let Stage::Login(login) = &pending.stage else { return None };
            (login.state() == state).then_some((id, pending))
        });
        let (id, pending) = found.ok_or(AnswerRefused::State)?;
        // an answer counts once, whatever it says
        if !self.0.storage.delete_pending(id)? {
            return Err(AnswerRefused::State.into());
        }
        let review = pending.review();
        let (id, pending) = self.keep_code(pending, redirect).inspect_err(|error| {
            self.record_failure(error, review.party(), review.names());
        })?;
        self.receive_pending(id, pending).await
    }

    /// What was interrupted after the holder logged in, or after the token was had.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn unfinished(&self) -> Result<Vec<Unfinished>, StorageError> {
        let all = self.0.storage.pending::<Pending>()?;
        let waiting = all.into_iter().filter(|(_, pending)| {
            matches!(pending.stage, Stage::Code(_) | Stage::Granted(_)) && !pending.cards.is_empty()
        });
        Ok(waiting
            .map(|(id, pending)| Unfinished {
                id,
                credentials: pending.review().names(),
                issuer: pending.issuer,
            })
            .collect())
    }

    /// Goes on with what was interrupted.
    ///
    /// # Errors
    /// [`IssuanceError`]; it is in the history too.
    pub async fn go_on(&self, id: PendingId) -> Result<Vec<CardId>, IssuanceError> {
        let all = self.0.storage.pending::<Pending>()?;
        let found = all.into_iter().find(|(other, _)| *other == id);
        let (_, pending) = found.ok_or(IssuanceError::NothingPending)?;
        self.receive_pending(id, pending).await
    }

    /// Has a card issued again with its issuer's refresh token: fresh claims, fresh keys, fresh copies.
    ///
    /// # Errors
    /// [`IssuanceError::NothingPending`] when the issuer gave nothing to renew it with; what else goes wrong
    /// leaves the card as it is.
    pub async fn renew(&self, card: CardId) -> Result<CardId, IssuanceError> {
        let all = self.0.storage.pending::<Pending>()?;
        let found = all.into_iter().find(|(_, pending)| pending.renewable().any(|one| one == card));
        let (id, mut pending) = found.ok_or(IssuanceError::NothingPending)?;
        let cards = self.cards()?;
        let old = cards.into_iter().find(|one| one.id == card);
        let old = old.ok_or(IssuanceError::NothingPending)?.content;
        let granted = match pending.stage {
            Stage::Granted(granted) => *granted,
            Stage::Login(_) | Stage::Code(_) => return Err(IssuanceError::NothingPending),
        };
        let prover = self.prover(pending.key.as_ref()).await?;
        let renewal = granted.renewal().ok_or(IssuanceError::NothingPending)?;
        let request = renewal.request(prover.as_ref())?;
        let response = self.send_proven(&request, Some(renewal.server()), Purpose::Token).await?;
        let granted = granted.proven_by(prover).renewed(incoming(&response))?;
        // the refresh token that was used is worth nothing any more: the next one is kept first
        let configuration = CredentialConfigurationId::new(old.configuration.clone());
        pending.cards.retain(|other| other.replaces != Some(card));
        let renewed = PendingCard { configuration, face: old.face.clone(), replaces: Some(card) };
        pending.cards.push(renewed);
        pending.stored.retain(|stored| *stored != card);
        pending.stage = Stage::Granted(Box::new(granted));
        self.0.storage.update_pending(id, &pending)?;
        let outcome = self.receive_all(id, pending).await;
        // none where the issuer put it off: the old card stays until it comes
        let renewed =
            outcome.came.iter().find(|one| one.replaces == Some(card)).map(|one| one.card);
        match renewed {
            Some(renewed) => Ok(renewed),
            None => outcome.into_result().and(Err(IssuanceError::NothingPending)),
        }
    }

    /// Renews every card with at most so many unused copies left, where its issuer gave something to renew it
    /// with; the new cards. A card that cannot be renewed now keeps the copies it has.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn refill(&self, threshold: u32) -> Result<Vec<CardId>, StorageError> {
        let renewable: Vec<CardId> = self
            .0
            .storage
            .pending::<Pending>()?
            .into_iter()
            .filter(|(_, pending)| {
                matches!(&pending.stage, Stage::Granted(granted) if granted.renewal().is_some())
            })
            .flat_map(|(_, pending)| pending.renewable().collect::<Vec<_>>())
            .collect();
        let short = |card: &Card| {
            card.copies > 1 && card.unused_copies <= threshold && renewable.contains(&card.id)
        };
        let mut renewed = Vec::new();
        for card in self.cards()?.into_iter().filter(short) {
            renewed.extend(self.renew(card.id).await.ok());
        }
        Ok(renewed)
    }

    async fn begin_login(
        &self,
        review: &Review,
        offer: LoginOffer,
    ) -> Result<Login, IssuanceError> {
        let key = match offer.server().takes_dpop() {
            true => self.0.ports.keys.generate(1).await?.pop(),
            false => None,
        };
        let prover = self.prover(key.as_ref()).await?;
        let (crypto, client) = (&*self.0.ports.crypto, self.0.settings.client.clone());
        let login = offer.begin(client, prover, crypto);
        let url = match login.push_request(crypto) {
            Some(request) => {
                let server = Some(login.server());
                let response = self.send_proven(&request, server, Purpose::Token).await?;
                let url = login.receive_push(incoming(&response));
                url.map_err(|refused| match refused {
                    LoginRefused::Refused(error) => IssuanceError::PushRefused(error),
                    other => other.into(),
                })?
            }
            None => login.url(crypto)?,
        };
        let pending = Pending::new(review, key, Stage::Login(Box::new(login)));
        self.0.storage.insert_pending(&pending)?;
        Ok(Login { wallet: self.clone(), url })
    }

    /// The code that an answer brought, kept until its token is had: nobody logs in twice as a server was busy.
    fn keep_code(
        &self,
        mut pending: Pending,
        redirect: &Url,
    ) -> Result<(PendingId, Pending), IssuanceError> {
        let Stage::Login(login) = pending.stage else { return Err(IssuanceError::NothingPending) };
        pending.stage = Stage::Code(Box::new(login.answer(redirect)?));
        let id = self.0.storage.insert_pending(&pending)?;
        Ok((id, pending))
    }

    /// The token, where that is still to be had, and then everything that it opens.
    async fn receive_pending(
        &self,
        id: PendingId,
        mut pending: Pending,
    ) -> Result<Vec<CardId>, IssuanceError> {
        let review = pending.review();
        if let Stage::Code(code) = pending.stage {
            let redeemed = self.redeem(id, *code, pending.key.as_ref()).await;
            let granted = redeemed.inspect_err(|error| {
                self.record_failure(error, review.party(), review.names());
            })?;
            pending.stage = Stage::Granted(Box::new(granted));
            self.0.storage.update_pending(id, &pending)?;
        }
        let outcome = self.receive_all(id, pending).await;
        self.conclude(review.party(), outcome)
    }

    /// The token for a code; after what may pass the code is kept, to try again while it lives.
    async fn redeem(
        &self,
        id: PendingId,
        code: CodeInHand,
        key: Option<&KeyHandle>,
    ) -> Result<Granted, IssuanceError> {
        let redeemed = self.token_for(code, key).await;
        if redeemed.as_ref().is_err_and(|error| !error.may_pass()) {
            self.0.storage.delete_pending(id)?;
            self.drop_token_keys(key.map(slice::from_ref).unwrap_or_default()).await;
        }
        redeemed
    }

    async fn token_for(
        &self,
        code: CodeInHand,
        key: Option<&KeyHandle>,
    ) -> Result<Granted, IssuanceError> {
        let code = code.proven_by(self.prover(key).await?);
        let request = code.request()?;
        let response = self.send_proven(&request, Some(code.server()), Purpose::Token).await?;
        Ok(code.receive(incoming(&response))?)
    }

    /// Everything that is still to come, each card written down as it comes.
    ///
    /// A card that is refused is asked for no longer, and the others are. After what may pass the rest is kept, to go
    /// on with.
    pub(crate) async fn receive_all(&self, id: PendingId, mut pending: Pending) -> Outcome {
        let review = pending.review();
        let mut outcome = Outcome::default();
        let ended = self.receive_each(id, &mut pending, &review, &mut outcome).await;
        outcome.stopped =
            ended.err().map(|error| Failure { names: pending.review().names(), error });
        let came = outcome.came.iter().map(|one| one.name.clone()).collect();
        for (event, names) in [(Event::Received, came), (Event::Deferred, outcome.deferred.clone())]
        {
            if !names.is_empty() {
                self.record(event, review.party(), names, Vec::new());
            }
        }
        outcome
    }

    async fn receive_each(
        &self,
        id: PendingId,
        pending: &mut Pending,
        review: &Review,
        outcome: &mut Outcome,
    ) -> Result<(), IssuanceError> {
        let Stage::Granted(granted) = &pending.stage else {
            return Err(IssuanceError::NothingPending);
        };
        let granted = (**granted).clone().proven_by(self.prover(pending.key.as_ref()).await?);
        for card in &review.credentials {
            let still = |one: &&PendingCard| one.configuration == card.configuration;
            let context = Context {
                token_key: pending.key.as_ref(),
                replaces: pending.cards.iter().find(still).and_then(|one| one.replaces),
            };
            let name = || card.face.name.clone();
            match self.receive(&granted, review, card, &context).await {
                Ok(Some(stored)) => {
                    pending.stored.push(stored);
                    let replaces = context.replaces;
                    outcome.came.push(Came { card: stored, replaces, name: name() });
                }
                Ok(None) => outcome.deferred.push(name()),
                Err(error) if error.may_pass() => return Err(error),
                Err(error) => {
                    // a card that was only to be renewed stays, and so does what it is renewed with
                    pending.stored.extend(context.replaces);
                    outcome.refused.push(Failure { names: vec![name()], error });
                }
            }
            pending.cards.retain(|other| other.configuration != card.configuration);
            self.0.storage.update_pending(id, pending)?;
        }
        let waits = !outcome.deferred.is_empty();
        if granted.renewal().is_none() || pending.stored.is_empty() && !waits {
            if waits {
                // what waits is asked for with the same key
                pending.key = None;
            }
            self.0.storage.delete_pending(id)?;
            self.drop_token_keys(pending.key.as_slice()).await;
        }
        Ok(())
    }

    pub(crate) async fn prover(
        &self,
        key: Option<&KeyHandle>,
    ) -> Result<Option<Prover>, IssuanceError> {
        match key {
            Some(key) => Ok(Some(Prover::new(self.0.ports.keys.signer(key).await?))),
            None => Ok(None),
        }
    }
}

impl From<LoginRefused> for IssuanceError {
    fn from(refused: LoginRefused) -> Self {
        match refused {
            LoginRefused::Refused(error) => Self::TokenRefused(error),
            LoginRefused::Unavailable(fault) => Self::Answer("authorization server's", fault),
            LoginRefused::TokenType => Self::TokenType,
        }
    }
}
