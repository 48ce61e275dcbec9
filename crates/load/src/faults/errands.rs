//! The steps that a turn leaves out: a credential that waits for a decision, what becomes of it until its
//! subject is erased, an offer that is taken back, and a wallet whose holder logs in.

use serde_json::{Value, json};
use url::Url;

use super::{
    scene::{LOGIN_TENANT, Scene},
    steps::{Step, is_open},
    wallet::{Wallet, claims},
};
use crate::{
    attester::{Attester, CONFIGURATION},
    client::{Ask, Connection, Content},
    code::CodeFlow,
    crowd::Flow as _,
    failure::Failure,
    integrator::Created,
    issuance::{Access, Places, place_of},
    ledger::{Deed, facts::Issued},
    proofs::{fresh_key, identifier},
};

/// A credential that can be collected.
pub(super) struct Waiting {
    pub(super) offer: String,
    pub(super) places: Places,
    pub(super) token: String,
    pub(super) transaction: String,
}

impl Wallet {
    /// One of each.
    pub(super) async fn errands(&mut self, attester: &Attester) -> Result<(), Failure> {
        self.issuances(attester).await?;
        self.calls().await
    }

    /// One of each kind of issuance, with what becomes of it; no step is one that is to be refused.
    pub(super) async fn issuances(&mut self, attester: &Attester) -> Result<(), Failure> {
        self.login(attester).await?;
        self.taken_back().await?;
        let subject = identifier();
        if let Some(credential) = self.deferred(&subject).await? {
            for change in ["suspend", "reinstate"] {
                let what = format!("credentials/{credential}/{change}");
                self.surely::<Value>(Deed::Change, "", &what, json!({})).await?;
            }
            let what = format!("credentials/{credential}/reissue");
            let anew = json!({ "claims": claims() });
            let Created { .. } = self.surely(Deed::Offer, "", &what, anew).await?;
        }
        let about = json!({ "subject": subject });
        let erased: Value = self.surely(Deed::Erasure, "", "subjects/erase", about).await?;
        if erased["left"] != 0 {
            self.broken(format!("an erasure left {}", erased["left"]));
        }
        Ok(())
    }

    /// What is released and waits to be collected; none if an answer of before was lost.
    pub(super) async fn waits(&mut self, subject: &str) -> Result<Option<Waiting>, Failure> {
        let wanted = json!({
            "configuration": CONFIGURATION, "claims": claims(), "subject": subject,
            "deferral": "until_decided",
        });
        let created: Created = self.surely(Deed::Offer, "", "offers", wanted).await?;
        let offer = created.parameter("credential_offer_uri")?;
        let (places, code) = self.places(&offer).await?;
        let Some(token) = self.token(&places, &code, &created.id).await? else { return Ok(None) };
        let Some(transaction) = self.waiting(&places, &token).await? else { return Ok(None) };

        let decision = format!("offers/{}/decision", created.id);
        self.decided(&decision).await?;
        Ok(Some(Waiting { offer: created.id, places, token, transaction }))
    }

    /// A credential that waits until it is decided about; none if an answer of before was lost.
    async fn deferred(&mut self, subject: &str) -> Result<Option<String>, Failure> {
        let Some(waiting) = self.waits(subject).await? else { return Ok(None) };
        let Waiting { offer, places, token, transaction } = waiting;
        let answer = self.collected(&places, &token, &transaction).await?;
        let text = answer["credentials"][0]["credential"].as_str();
        let text = text.ok_or(Failure::Lacks("credential"))?.to_owned();
        let (list, index) = place_of(&text)?;
        let (about, text) = (Some(offer.clone()), Some(text));
        // its subject is erased before this errand ends
        let issued = Issued { offer: about, text, list, index, is_revoked: true, is_erased: true };
        self.facts.borrow_mut().issued.push(issued);

        let told = json!({
            "notification_id": answer["notification_id"], "event": "credential_accepted",
        });
        self.post_until(Deed::Notification, &places.sibling("notification")?, &token, &told)
            .await?;
        let (place, key) =
            (self.scene.api(&format!("offers/{offer}"))?, self.scene.key().to_owned());
        let status = self.read(async |connection| connection.get(&place, Some(&key)).await).await?;
        let status: Value = serde_json::from_slice(&status)?;
        Ok(status["credentials"][0]["id"].as_str().map(str::to_owned))
    }

    /// The credential request that is answered with a transaction.
    async fn waiting(&mut self, places: &Places, token: &str) -> Result<Option<String>, Failure> {
        let mut was_sent = false;
        loop {
            let ask = async |connection: &mut Connection| {
                let nonces = places.nonces(connection).await?;
                let access = Access { token: token.to_owned(), bound_to: None };
                let wish = (Scene::configuration(), &nonces);
                places.ask_credential(connection, &access, wish, &[fresh_key()?]).await
            };
            match self.attempt(Deed::Credential, "", ask).await? {
                Step::Done(body) => {
                    let answer: Value = serde_json::from_slice(&body)?;
                    let transaction = answer["transaction_id"].as_str();
                    return Ok(Some(transaction.ok_or(Failure::Lacks("transaction"))?.to_owned()));
                }
                Step::Refused(status) => {
                    self.refused_token(was_sent, status);
                    return Ok(None);
                }
                Step::Unknown => was_sent = true,
                Step::Unasked => {}
            }
        }
    }

    async fn decided(&mut self, what: &str) -> Result<(), Failure> {
        let (place, key) = (self.scene.api(what)?, self.scene.key().to_owned());
        let body = json!({ "decision": "release" });
        let mut was_sent = false;
        loop {
            let content = Content::Json(body.to_string());
            let ask = async |connection: &mut Connection| {
                connection.post(&place, Some(&key), content).await
            };
            match self.attempt(Deed::Change, "", ask).await? {
                Step::Done(_) => return Ok(()),
                // it is decided already
                Step::Refused(_) if was_sent => return Ok(()),
                Step::Refused(status) => {
                    self.broken(format!("a decision is refused with {status}"));
                    return Ok(());
                }
                Step::Unknown => was_sent = true,
                Step::Unasked => {}
            }
        }
    }

    /// What was deferred; given again until the wallet says that it has it.
    async fn collected(
        &mut self,
        places: &Places,
        token: &str,
        transaction: &str,
    ) -> Result<Value, Failure> {
        let place = places.sibling("deferred")?;
        let body = json!({ "transaction_id": transaction });
        let answer = self.post_until(Deed::Credential, &place, token, &body).await?;
        let again = self.post_until(Deed::Credential, &place, token, &body).await?;
        if again["credentials"] != answer["credentials"] {
            self.broken("I2: a deferred credential is given again as another".to_owned());
        }
        Ok(answer)
    }

    /// Posts until it is answered; a refusal is a broken promise.
    async fn post_until(
        &mut self,
        deed: Deed,
        place: &Url,
        token: &str,
        body: &Value,
    ) -> Result<Value, Failure> {
        loop {
            let content = Content::Json(body.to_string());
            let ask = async |connection: &mut Connection| {
                connection.post(place, Some(token), content).await
            };
            match self.attempt(deed, "", ask).await? {
                Step::Done(body) if body.is_empty() => return Ok(Value::Null),
                Step::Done(body) => return Ok(serde_json::from_slice(&body)?),
                Step::Refused(status) => {
                    self.broken(format!("I7: {} is refused with {status}", place.path()));
                    return Err(Failure::Lacks("answer that can be had again"));
                }
                Step::Unknown | Step::Unasked => {}
            }
        }
    }

    /// An offer that is taken back is good for nobody.
    async fn taken_back(&mut self) -> Result<(), Failure> {
        let created = self.offer().await?;
        let offer = created.parameter("credential_offer_uri")?;
        let (_, code) = self.places(&offer).await?;
        let (place, key) =
            (self.scene.api(&format!("offers/{}", created.id))?, self.scene.key().to_owned());
        self.insist(Deed::Change, None, || Ask::delete(&place).bearing(Some(&key))).await?;
        self.facts.borrow_mut().used_codes.push(code);
        Ok(())
    }

    /// A credential after a login; whoever is interrupted begins again.
    async fn login(&mut self, attester: &Attester) -> Result<(), Failure> {
        let issuer = self.scene.base().join(LOGIN_TENANT)?;
        let flow = CodeFlow { issuer, configuration: CONFIGURATION.to_owned() };
        loop {
            let job = attester.wallet().await?;
            let mut connection = self.connected().await?;
            match flow.play(&mut connection, job).await {
                Ok(received) => {
                    for (text, _) in received {
                        self.well_signed(&text).await?;
                    }
                    self.connection = Some(connection);
                    return Ok(());
                }
                Err(failure) if is_open(&failure) => {
                    self.holds_to_503(&failure);
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    /// What people and programs read.
    pub(super) async fn look_around(&mut self) -> Result<(), Failure> {
        let places = [
            "healthz",
            "readyz",
            "api/openapi.json",
            "api/docs",
            "load/status-lists",
            "load/status-lists/0",
            "load/types/verified_identity",
            "load/sign-in/jwks",
        ];
        for place in places {
            let place = self.scene.base().join(place)?;
            match self.read(async |connection| connection.get(&place, None).await).await {
                // not every server has all of them
                Ok(_) | Err(Failure::Refused { status: 404, .. }) => {}
                Err(failure) => return Err(failure),
            }
        }
        let search = json!({ "limit": 20 });
        self.surely::<Value>(Deed::Change, "", "credentials/search", search).await.map(drop)
    }

    /// Writes down what is good once and would be used up by being sent: a code, a token, a presentation.
    pub(super) async fn kept_back(&mut self) -> Result<(), Failure> {
        let created = self.offer().await?;
        let (places, code) = self.places(&created.parameter("credential_offer_uri")?).await?;
        self.keeping_back(async |connection| places.token(connection, &code, None).await.map(drop))
            .await?;
        let Some(token) = self.token(&places, &code, &created.id).await? else { return Ok(()) };
        let nonces = self.read(async |connection| places.nonces(connection).await).await?;
        let access = Access { token: token.clone(), bound_to: None };
        let (wish, keys) = ((Scene::configuration(), &nonces), [fresh_key()?]);
        self.keeping_back(async |connection| {
            places.ask_credential(connection, &access, wish, &keys).await.map(drop)
        })
        .await?;
        let card = self.credential(&places, &token, &created.id).await?;
        let Some(card) = card else { return Ok(()) };
        let asked = self.asked().await?;
        let (place, form) = self.answer_to(&asked, &card).await?;
        self.keeping_back(async |connection| {
            connection.post(&place, None, Content::Form(form)).await.map(drop)
        })
        .await
    }

    async fn keeping_back(
        &mut self,
        step: impl AsyncFnOnce(&mut Connection) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut connection = self.connected().await?;
        connection.keep_back(true);
        let kept = step(&mut connection).await;
        connection.keep_back(false);
        self.connection = Some(connection);
        match kept {
            Err(Failure::KeptBack) => Ok(()),
            other => other,
        }
    }
}
