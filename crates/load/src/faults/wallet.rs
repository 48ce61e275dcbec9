//! Wallets, integrators and verifiers that go on whatever happens to the server, and write down what they
//! were promised.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
    time::Instant,
};

use lanyard_core::{
    crypto::{AwsLc, SoftwareSigner},
    sd_jwt_vc::{HeldSdJwtVc, UnverifiedSdJwtVc},
};
use serde_json::{Value, json};
use url::Url;

use super::{
    scene::Scene,
    steps::{PATIENCE, Step},
};
use crate::{
    client::{Connection, Content, Recorder},
    clock,
    failure::Failure,
    integrator::Created,
    issuance::{Access, Offer, Places, place_of, read},
    ledger::{
        Deed, Ledger,
        facts::{Answered, Facts, Issued, Unused},
    },
    presentation::{self, Card},
    proofs::fresh_key,
};

/// One of a crowd.
pub(crate) struct Wallet {
    pub(crate) scene: Rc<Scene>,
    pub(crate) ledger: Rc<Ledger>,
    pub(crate) facts: Rc<RefCell<Facts>>,
    pub(crate) stop: Rc<Cell<bool>>,
    pub(crate) connection: Option<Connection>,
    pub(crate) turns: u64,
    /// Whether its last code was sent again: if both came to somebody, nothing that came of it is good.
    pub(crate) sent_again: bool,
    /// Where its requests are written down, if anywhere.
    pub(crate) recorder: Option<Recorder>,
}

impl Wallet {
    /// Takes turns until it is told to stop; the turn that it is in is finished.
    pub(crate) async fn play(mut self) -> Result<u64, Failure> {
        while !self.stop.get() {
            self.turn().await?;
            self.turns += 1;
        }
        Ok(self.turns)
    }

    pub(crate) async fn turn(&mut self) -> Result<(), Failure> {
        // 1. an offer; one in five waits for the end
        let created = self.offer().await?;
        let offer = created.parameter("credential_offer_uri")?;
        let (places, code) = self.places(&offer).await?;
        if self.turns % 5 == 4 {
            self.facts.borrow_mut().unused.push(Unused::new(&created, code)?);
            return Ok(());
        }
        // 2. the token, by a code that is good once
        let Some(token) = self.token(&places, &code, &created.id).await? else { return Ok(()) };
        // 3. the credential
        let Some(card) = self.credential(&places, &token, &created.id).await? else {
            return Ok(());
        };
        // 4. a verifier asks for it; of every second one
        if self.turns.is_multiple_of(2) {
            self.present(&card).await?;
        }
        // 5. it is revoked; every third one
        if self.turns.is_multiple_of(3) {
            self.revoke(&created.id).await?;
        }
        Ok(())
    }

    /// Asks until it is answered: an offer that nobody knows of is nobody's.
    pub(super) async fn offer(&mut self) -> Result<Created, Failure> {
        let body = json!({ "configuration": Scene::configuration(), "claims": claims() });
        self.surely(Deed::Offer, "", "offers", body).await
    }

    pub(super) async fn places(&mut self, offer: &Url) -> Result<(Places, String), Failure> {
        self.read(async |connection| {
            let offer: Offer = read(&connection.get(offer, None).await?)?;
            let places = Places::discover(connection, &offer.credential_issuer).await?;
            Ok((places, offer.code().to_owned()))
        })
        .await
    }

    /// One token; none if its answer was lost.
    pub(super) async fn token(
        &mut self,
        places: &Places,
        code: &str,
        about: &str,
    ) -> Result<Option<String>, Failure> {
        let mut was_sent = false;
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let ask =
                async |connection: &mut Connection| places.token(connection, code, None).await;
            match self.attempt(Deed::Token, about, ask).await? {
                Step::Done(token) => {
                    self.sent_again = was_sent;
                    self.facts.borrow_mut().used_codes.push(code.to_owned());
                    return Ok(Some(token));
                }
                // it was done, and what it was answered with is gone
                Step::Refused(_) if was_sent => {
                    let mut facts = self.facts.borrow_mut();
                    facts.used_codes.push(code.to_owned());
                    facts.lost_answers += 1;
                    return Ok(None);
                }
                Step::Refused(status) => {
                    self.broken(format!("I1: a fresh code is refused with {status}"));
                    return Ok(None);
                }
                Step::Unknown => was_sent = true,
                Step::Unasked => {}
            }
        }
        self.broken("I7: no token for a minute".to_owned());
        Ok(None)
    }

    /// The credential; none if its answer was lost.
    pub(super) async fn credential(
        &mut self,
        places: &Places,
        token: &str,
        about: &str,
    ) -> Result<Option<Arc<Card>>, Failure> {
        let mut was_sent = false;
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let ask = async |connection: &mut Connection| {
                let nonces = places.nonces(connection).await?;
                let access = Access { token: token.to_owned(), bound_to: None };
                let wish = (Scene::configuration(), &nonces);
                places.credential(connection, &access, wish, vec![fresh_key()?]).await
            };
            match self.attempt(Deed::Credential, about, ask).await? {
                Step::Done(received) => {
                    let (text, key) =
                        received.into_iter().next().ok_or(Failure::Lacks("credential"))?;
                    let card = self.verified(&text, key).await?;
                    let (list, index) = place_of(&text)?;
                    let issued = Issued {
                        offer: Some(about.to_owned()),
                        text: Some(text),
                        list,
                        index,
                        is_revoked: false,
                        is_erased: false,
                    };
                    self.facts.borrow_mut().issued.push(issued);
                    return Ok(Some(Arc::new(card)));
                }
                Step::Refused(status) => {
                    self.refused_token(was_sent, status);
                    return Ok(None);
                }
                Step::Unknown => was_sent = true,
                Step::Unasked => {}
            }
        }
        self.broken("I7: no credential for a minute".to_owned());
        Ok(None)
    }

    /// A token that is refused was used by a request whose answer was lost, or should have been good.
    pub(super) fn refused_token(&self, was_sent: bool, status: u16) {
        match was_sent || self.sent_again {
            true => self.facts.borrow_mut().lost_answers += 1,
            false => self.broken(format!("I1: a fresh token is refused with {status}")),
        }
    }

    async fn verified(&self, text: &str, key: SoftwareSigner) -> Result<Card, Failure> {
        Ok(Card { held: self.well_signed(text).await?, key })
    }

    /// I9: a credential is signed by the issuer that everybody knows.
    pub(super) async fn well_signed(&self, text: &str) -> Result<HeldSdJwtVc, Failure> {
        let (now, issuers) = (clock::now(), self.scene.issuers()?);
        let credential = UnverifiedSdJwtVc::parse(text)?;
        let issuer = issuers.find(&credential.claimed_issuer(), now).await?;
        Ok(credential.verify_for_holding(issuer, now, &AwsLc)?)
    }

    /// A verifier asks.
    pub(super) async fn asked(&mut self) -> Result<Created, Failure> {
        let query = json!({ "credentials": [{
            "id": "identity", "format": "dc+sd-jwt",
            "meta": { "vct_values": ["urn:example:load:verified-identity:1"] },
            "claims": [{ "path": ["given_name"] }],
        }]});
        self.surely(Deed::Request, "", "requests", json!({ "dcql_query": query })).await
    }

    /// The answer to a request, not yet sent.
    pub(super) async fn answer_to(
        &mut self,
        asked: &Created,
        card: &Card,
    ) -> Result<(Url, String), Failure> {
        let place = asked.parameter("request_uri")?;
        let object = self.read(async |connection| connection.get(&place, None).await).await?;
        presentation::answer(&presentation::payload(&object)?, card).await
    }

    pub(super) async fn present(&mut self, card: &Card) -> Result<(), Failure> {
        let asked = self.asked().await?;
        let (place, form) = self.answer_to(&asked, card).await?;
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let (content, to) = (Content::Form(form.clone()), &place);
            let ask = async |connection: &mut Connection| connection.post(to, None, content).await;
            match self.attempt(Deed::Response, &asked.id, ask).await? {
                // what was taken once is taken no more, and what could not be checked is refused: the result tells
                Step::Done(_) | Step::Refused(_) => {
                    let answered = Answered { request: asked.id, place: place.clone(), form };
                    self.facts.borrow_mut().answered.push(answered);
                    return Ok(());
                }
                Step::Unknown | Step::Unasked => {}
            }
        }
        self.broken("I7: no answer to a presentation for a minute".to_owned());
        Ok(())
    }

    pub(super) async fn revoke(&mut self, offer: &str) -> Result<(), Failure> {
        let (place, key) =
            (self.scene.api(&format!("offers/{offer}"))?, self.scene.key().to_owned());
        let status = self.read(async |connection| connection.get(&place, Some(&key)).await).await?;
        let status: Value = serde_json::from_slice(&status)?;
        let credential = status["credentials"][0]["id"].as_str().map(str::to_owned);
        let Some(credential) = credential else {
            self.broken("I2: an acknowledged credential is on no record".to_owned());
            return Ok(());
        };
        let what = format!("credentials/{credential}/status");
        let revoked = json!({ "status": "revoked" });
        self.surely::<Value>(Deed::Revocation, offer, &what, revoked).await?;
        let mut facts = self.facts.borrow_mut();
        let issued = facts.issued.iter_mut().find(|issued| issued.offer.as_deref() == Some(offer));
        issued.ok_or(Failure::Lacks("credential"))?.is_revoked = true;
        Ok(())
    }
}

pub(super) fn claims() -> Value {
    json!({ "given_name": "Ada", "family_name": "Moreau", "birthdate": "1990-12-10" })
}
