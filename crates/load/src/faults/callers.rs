//! What an integrator's programs do beside: requests that are taken back and erased, saved questions, messages that
//! are delivered again.

use serde_json::{Value, json};

use super::{ledger::Deed, steps::Step, wallet::Wallet};
use crate::{
    client::{Ask, Connection, Content},
    failure::Failure,
    proofs::identifier,
};

impl Wallet {
    /// One of each.
    pub(super) async fn calls(&mut self) -> Result<(), Failure> {
        self.erased().await?;
        self.saved().await?;
        self.delivered_again().await
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
