//! What an integrator's programs do beside: calls that are made once by their name, requests that are taken back
//! and erased, saved questions, messages that are delivered again.

use serde_json::{Value, json};
use url::Url;

use super::{steps::Step, wallet::Wallet};
use crate::{
    client::{Ask, Connection, Content},
    clock,
    failure::Failure,
    ledger::Deed,
    proofs::identifier,
};

/// After how many seconds a call whose process ended may be made again, and one more.
const LEASE: i64 = 61;

impl Wallet {
    /// One of each.
    pub(super) async fn calls(&mut self) -> Result<(), Failure> {
        self.called_once().await?;
        self.erased().await?;
        self.saved().await?;
        self.delivered_again().await
    }

    /// A credential by the VC API, by a name for the call: whoever asks again by that name gets the same.
    async fn called_once(&mut self) -> Result<(), Failure> {
        let place = self.scene.api("credentials/issue")?;
        let subject = json!({ "id": "did:example:subject" });
        let credential = json!({
            "@context": ["https://www.w3.org/ns/credentials/v2"],
            "type": ["VerifiableCredential"], "credentialSubject": subject,
        });
        let body = json!({ "credential": credential }).to_string();
        let name = identifier();
        let first = self.named_call(&place, &name, &body).await?;
        let again = self.named_call(&place, &name, &body).await?;
        if first.is_none() || first != again {
            self.broken("I6: a call by one name is answered in two ways".to_owned());
        }
        // what is no credential is refused, and the name is free again
        let refused = json!({ "credential": {} }).to_string();
        if self.named_call(&place, &identifier(), &refused).await?.is_some() {
            self.broken("what is no credential is issued".to_owned());
        }
        Ok(())
    }

    /// Makes a call until it is answered, past the leases of those whose process ended; nothing if a rule refuses it.
    async fn named_call(
        &mut self,
        place: &Url,
        name: &str,
        body: &str,
    ) -> Result<Option<Value>, Failure> {
        let key = self.scene.key().to_owned();
        let mut leases = 0;
        loop {
            let content = Content::Json(body.to_owned());
            let ask = Ask::post(place, content).with("idempotency-key", name).bearing(Some(&key));
            let call = async |connection: &mut Connection| connection.ask(ask).await;
            match self.attempt(Deed::Change, "", call).await? {
                Step::Done(answer) => return Ok(Some(serde_json::from_slice(&answer.body)?)),
                // whoever made it may be gone: it is free after its lease
                Step::Refused(409) if leases < 3 => {
                    leases += 1;
                    self.time_passes(LEASE).await?;
                }
                Step::Refused(409) => {
                    self.broken("I7: a call by a name is in progress for ever".to_owned());
                    return Ok(None);
                }
                Step::Refused(_) => return Ok(None),
                Step::Unknown | Step::Unasked => {}
            }
        }
    }

    /// Time passes for everybody.
    async fn time_passes(&mut self, seconds: i64) -> Result<(), Failure> {
        let ahead = clock::ahead() + seconds;
        clock::put_ahead(ahead);
        self.scene.set_ahead(ahead);
        let place = self.scene.base().join("faults/clock")?;
        let put = async |connection: &mut Connection| {
            connection.post(&place, None, Content::Json(ahead.to_string())).await
        };
        self.read(put).await.map(drop)
    }

    /// A request that is taken back, and then erased.
    async fn erased(&mut self) -> Result<(), Failure> {
        let asked = self.asked().await?;
        let (place, key) =
            (self.scene.api(&format!("requests/{}", asked.id))?, self.scene.key().to_owned());
        loop {
            let ask = Ask::delete(&place).bearing(Some(&key));
            let call = async |connection: &mut Connection| connection.ask(ask).await;
            match self.attempt(Deed::Change, &asked.id, call).await? {
                Step::Refused(404) => return Ok(()),
                Step::Refused(status) => {
                    self.broken(format!("a request cannot be erased: {status}"));
                    return Ok(());
                }
                Step::Done(_) | Step::Unknown | Step::Unasked => {}
            }
        }
    }

    /// A question that is saved, and deleted with all its versions.
    async fn saved(&mut self) -> Result<(), Failure> {
        let (all, key) = (self.scene.api("presets")?, self.scene.key().to_owned());
        let id = identifier().to_ascii_lowercase().replace(['_', '-'], "x");
        let id = id.get(..20).unwrap_or_default();
        let query = json!({ "credentials": [{
            "id": "identity", "format": "dc+sd-jwt",
            "meta": { "vct_values": ["urn:example:load:verified-identity:1"] },
            "claims": [{ "path": ["given_name"] }],
        }] });
        let wanted = json!({
            "id": id, "title": "Who is there?", "purpose": "To let you in", "dcql_query": query,
        });
        self.insist(Deed::Change, None, || {
            Ask::post(&all, Content::Json(wanted.to_string())).bearing(Some(&key))
        })
        .await?;
        let one = self.scene.api(&format!("presets/{id}"))?;
        self.insist(Deed::Change, Some(404), || Ask::delete(&one).bearing(Some(&key)))
            .await
            .map(drop)
    }

    /// The newest message, once more.
    async fn delivered_again(&mut self) -> Result<(), Failure> {
        let (all, key) = (self.scene.api("messages?limit=1")?, self.scene.key().to_owned());
        let page = self.read(async |connection| connection.get(&all, Some(&key)).await).await?;
        let page: Value = serde_json::from_slice(&page)?;
        let Some(newest) = page["messages"][0]["id"].as_str() else { return Ok(()) };
        let again = self.scene.api(&format!("messages/{newest}/redeliver"))?;
        self.insist(Deed::Change, None, || Ask::post(&again, Content::Empty).bearing(Some(&key)))
            .await
            .map(drop)
    }
}
