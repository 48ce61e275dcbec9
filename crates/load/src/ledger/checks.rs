//! What must hold whatever happened, as far as it can be seen from outside: I1 to I11 of docs/reliability.md.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::{Duration, Instant},
};

use lanyard_core::{
    crypto::AwsLc,
    sd_jwt_vc::{UnverifiedSdJwtVc, Vct},
    status::{Status, StatusListUri, token_status_list::UnverifiedStatusList},
    trust::IssuerKeys,
};
use lanyard_store::CredentialId;
use lanyard_testkit::PostgresServer;
use serde_json::Value;
use tokio::process::Command;
use url::Url;

use super::facts::{Facts, Leads, Unused};
use crate::{
    client::{Ask, Connection, Content},
    clock,
    failure::Failure,
    issuance::{Offer, Places, read},
};

/// A tenant of a server that is held to something.
pub(crate) struct Site {
    /// Its credential issuer identifier.
    pub(crate) issuer: Url,
    /// Its API, and the key of that.
    pub(crate) api: Url,
    pub(crate) key: String,
    /// Who may have issued, and what.
    pub(crate) issuers: IssuerKeys,
    pub(crate) vct: &'static str,
    /// Within what time a status list has what was acknowledged.
    pub(crate) listed_within: Duration,
}

/// Whether a presentation may have come out as one that could not be checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Results {
    /// The server had all it needs, whenever it answered.
    #[default]
    Determined,
    /// Its store was away now and then, and with it the status list.
    MayBeOpen,
}

/// Holds a running server to what was promised, and says how many inputs were tried for it.
pub(crate) async fn hold(
    site: &Site,
    connection: &mut Connection,
    facts: &mut Facts,
    results: Results,
) -> Result<u64, Failure> {
    let mut check = Check::of(site, connection).await?;
    check.places(facts);
    check.records(facts).await?;
    check.lists(&facts.places()).await?;
    check.credentials(facts).await?;
    check.results(facts, results).await?;
    check.leftovers(facts).await?;
    // last, as a code that is shown again ends what came of it
    check.replays(facts).await?;
    let Check { tried, broken, on_record, .. } = check;
    facts.broken.extend(broken);
    facts.on_record = on_record;
    Ok(tried)
}

/// A place of a list, and whether it is acknowledged as revoked.
pub(crate) type Place = (Url, u64, bool);

/// I3: what was revoked is in the list that this server shows; what is broken of that.
pub(crate) async fn hold_revoked(
    site: &Site,
    connection: &mut Connection,
    revoked: &[Place],
) -> Result<BTreeSet<String>, Failure> {
    let mut check = Check::of(site, connection).await?;
    check.lists(revoked).await?;
    Ok(check.broken)
}

/// I6, after a restore: nothing that was good before is.
pub(crate) async fn nothing_is_good_any_more(
    site: &Site,
    connection: &mut Connection,
    facts: &mut Facts,
) -> Result<u64, Failure> {
    let mut check = Check::of(site, connection).await?;
    check.replays(facts).await?;
    for unused in &facts.unused {
        if check.leads_to_a_token(unused).await? {
            check.broken("I6: an offer of before the restore is good");
        }
    }
    let (tried, broken) = (check.tried, check.broken);
    facts.broken.extend(broken);
    facts.unused.clear();
    facts.used_codes.clear();
    facts.answered.clear();
    Ok(tried)
}

/// I11: the file is sound once nobody uses it.
pub(crate) fn sound(data: &Path) -> Result<Option<String>, Failure> {
    let file = rusqlite::Connection::open(data.join("lanyard.db"))?;
    let text = |sql| file.query_row(sql, [], |row| row.get::<_, String>(0));
    let report = text("PRAGMA integrity_check")?;
    let dangling: i64 =
        file.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0))?;
    Ok((report != "ok" || dangling > 0).then(|| format!("I11: {report}, {dangling} dangling rows")))
}

/// I11: every index of a database has what its table has, in order, and no constraint was left unchecked.
pub(crate) async fn sound_database(address: &str) -> Result<Option<String>, Failure> {
    let ask = PostgresServer::statement(address, SOUND).ok_or(Failure::NoPostgres)?;
    let asked = Command::from(ask).output().await?;
    let said = String::from_utf8_lossy(&asked.stderr);
    Ok((!asked.status.success()).then(|| format!("I11: {}", said.trim())))
}

const SOUND: &str = "CREATE EXTENSION IF NOT EXISTS amcheck;
    DO $$ DECLARE found oid; BEGIN
        FOR found IN SELECT index.oid FROM pg_class index JOIN pg_am method ON method.oid = index.relam
            WHERE index.relkind = 'i' AND method.amname = 'btree'
              AND index.relnamespace = 'public'::regnamespace
        LOOP PERFORM bt_index_check(found, true); END LOOP;
        IF EXISTS (SELECT FROM pg_constraint WHERE NOT convalidated) THEN
            RAISE 'a constraint was left unchecked';
        END IF;
    END $$";

struct Check<'c> {
    site: &'c Site,
    connection: &'c mut Connection,
    places: Places,
    tried: u64,
    broken: BTreeSet<String>,
    /// What is on record of what was acknowledged, and whether it was revoked.
    on_record: Vec<(CredentialId, bool)>,
}

impl<'c> Check<'c> {
    async fn of(site: &'c Site, connection: &'c mut Connection) -> Result<Self, Failure> {
        let places = Places::discover(connection, &site.issuer).await?;
        let (broken, on_record) = (BTreeSet::new(), Vec::new());
        Ok(Self { site, connection, places, tried: 0, broken, on_record })
    }

    fn broken(&mut self, what: impl Into<String>) {
        self.broken.insert(what.into());
    }

    /// I2: no two copies have one place.
    fn places(&mut self, facts: &Facts) {
        let mut seen = BTreeSet::new();
        for issued in &facts.issued {
            if !seen.insert((&issued.list, issued.index)) {
                self.broken(format!(
                    "I2: place {} of {} is given twice",
                    issued.index, issued.list
                ));
            }
        }
    }

    /// I2: what was acknowledged is on record; looked up where the credential itself was kept.
    async fn records(&mut self, facts: &Facts) -> Result<(), Failure> {
        let mut seen = BTreeSet::new();
        for issued in &facts.issued {
            let Some(offer) = &issued.offer else { continue };
            let is_kept = issued.text.is_some() || issued.is_revoked;
            // copies of one credential have one record
            if issued.is_erased || !is_kept || !seen.insert(offer) {
                continue;
            }
            let id = match self.api(&format!("offers/{offer}")).await {
                Ok(offer) => offer["credentials"][0]["id"].as_str().and_then(|id| id.parse().ok()),
                Err(Failure::Refused { status: 404, .. }) => None,
                Err(failure) => return Err(failure),
            };
            match id {
                Some(id) => self.on_record.push((id, issued.is_revoked)),
                None => self.broken("I2: an acknowledged credential is on no record"),
            }
        }
        Ok(())
    }

    /// I3: what was revoked is, and nothing else is.
    async fn lists(&mut self, all: &[Place]) -> Result<(), Failure> {
        let mut lists: BTreeMap<&Url, Vec<(u64, bool)>> = BTreeMap::new();
        for (list, index, is_revoked) in all {
            lists.entry(list).or_default().push((*index, *is_revoked));
        }
        let begun = Instant::now();
        for (uri, places) in lists {
            let mut wrong = self.list(uri, &places).await?;
            while !wrong.is_empty() && begun.elapsed() < self.site.listed_within {
                tokio::time::sleep(Duration::from_millis(50)).await;
                wrong = self.list(uri, &places).await?;
            }
            self.broken.extend(wrong);
        }
        Ok(())
    }

    /// What a list says otherwise than it was acknowledged.
    async fn list(
        &mut self,
        uri: &Url,
        places: &[(u64, bool)],
    ) -> Result<BTreeSet<String>, Failure> {
        let lacks = |_| Failure::Lacks("status list that verifies");
        let types = [Vct::parse(self.site.vct).map_err(|_| Failure::Lacks("type"))?.into()];
        let answer = self.connection.ask(Ask::get(uri)).await?;
        let read = UnverifiedStatusList::parse(answer.header("content-type")?, &answer.body);
        let read = read.map_err(|_| Failure::Lacks("status list"))?;
        let now = clock::now();
        let key = self.site.issuers.find(&read.claimed_issuer(None, &types), now).await?;
        let own = StatusListUri::parse(uri.to_string());
        let own = own.map_err(|_| Failure::Lacks("status list"))?;
        let list = read.verify(key.key(), &own, now, &AwsLc).map_err(lacks)?;
        let mut wrong = BTreeSet::new();
        for (index, is_revoked) in places {
            let status = list.status(*index).map_err(|_| Failure::Lacks("status"))?;
            match (status, is_revoked) {
                (Status::Valid, false) | (Status::Invalid, true) => {}
                (status, _) => {
                    let acknowledged = if *is_revoked { "revoked" } else { "valid" };
                    wrong.insert(format!(
                        "I3: {status:?} in the list, acknowledged as {acknowledged}"
                    ));
                }
            }
        }
        Ok(wrong)
    }

    /// I9: everything that was issued verifies.
    async fn credentials(&mut self, facts: &Facts) -> Result<(), Failure> {
        let now = clock::now();
        for text in facts.issued.iter().filter_map(|issued| issued.text.as_deref()) {
            let credential = UnverifiedSdJwtVc::parse(text)?;
            let issuer = self.site.issuers.find(&credential.claimed_issuer(), now).await?;
            if credential.verify_for_holding(issuer, now, &AwsLc).is_err() {
                self.broken("I9: a credential does not verify any more");
            }
        }
        Ok(())
    }

    /// I4: a presentation that was taken has one result, whoever asks how often; what could not be checked says
    /// so, and that only where something was away that it had to be checked by.
    async fn results(&mut self, facts: &Facts, results: Results) -> Result<(), Failure> {
        for answered in &facts.answered {
            let what = format!("requests/{}", answered.request);
            let [first, again]: [Value; 2] = [self.api(&what).await?, self.api(&what).await?];
            let is_result = match (first["state"].as_str(), results) {
                (Some("verified"), _) => true,
                (Some("undetermined"), Results::MayBeOpen) => {
                    first["verdict"]["reason"] == "status_list_unreachable"
                }
                _ => false,
            };
            if !is_result || again != first {
                self.broken(format!(
                    "I4: a presentation that was taken is {} ({}), then {}",
                    first["state"], first["verdict"]["reason"], again["state"]
                ));
            }
        }
        Ok(())
    }

    /// I1: an acknowledged offer that nobody took up is good.
    async fn leftovers(&mut self, facts: &Facts) -> Result<(), Failure> {
        for unused in &facts.unused {
            // a long fault is survived by no offer of its beginning
            if !self.leads_to_a_token(unused).await? && clock::now() < unused.until {
                self.broken("I1: an acknowledged offer cannot be taken up");
            }
        }
        Ok(())
    }

    /// I1, I6: what was used is used.
    async fn replays(&mut self, facts: &Facts) -> Result<(), Failure> {
        for code in &facts.used_codes {
            if self.redeems(code).await? {
                self.broken("I1, I6: a code is good a second time");
            }
        }
        for answered in &facts.answered {
            let content = Content::Form(answered.form.clone());
            self.tried += 1;
            match self.connection.post(&answered.place, None, content).await {
                Ok(_) => self.broken("I4, I6: a presentation is taken a second time"),
                Err(Failure::Refused { status: 400..500, .. }) => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    }

    /// Whether an offer is there, and its code leads to a token; false where a rule refuses that.
    async fn leads_to_a_token(&mut self, unused: &Unused) -> Result<bool, Failure> {
        let offer = match &unused.leads {
            Leads::Code(code) => return self.redeems(code).await,
            Leads::Offer(offer) => self.connection.get(offer, None).await,
        };
        match offer {
            Ok(offer) => {
                let offer: Offer = read(&offer)?;
                self.redeems(offer.code()).await
            }
            Err(Failure::Refused { status: 400..500, .. }) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// Whether a code leads to a token; false where a rule refuses that.
    async fn redeems(&mut self, code: &str) -> Result<bool, Failure> {
        self.tried += 1;
        match self.places.token(self.connection, code, None).await {
            Ok(_) => Ok(true),
            Err(Failure::Refused { status: 400..500, .. }) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    async fn api(&mut self, what: &str) -> Result<Value, Failure> {
        let place = self.site.api.join(what)?;
        let answer = self.connection.get(&place, Some(&self.site.key)).await?;
        Ok(serde_json::from_slice(&answer)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_database_is_sound_until_an_index_lacks_a_row_or_a_constraint_was_left_unchecked() {
        let Some(server) = PostgresServer::shared() else { return };
        let address = server.database();
        server.sql_in(&address, "CREATE TABLE kept AS SELECT generate_series(1, 9) AS number");
        server.sql_in(&address, "CREATE INDEX by_number ON kept (number)");
        assert_eq!(sound_database(&address).await.unwrap(), None);

        let unchecked = "ALTER TABLE kept ADD CONSTRAINT positive CHECK (number > 0) NOT VALID";
        server.sql_in(&address, unchecked);
        let found = sound_database(&address).await.unwrap().unwrap();
        assert!(found.contains("a constraint was left unchecked"), "{found}");
        server.sql_in(&address, "ALTER TABLE kept VALIDATE CONSTRAINT positive");

        // a row that no index was told of
        let hide =
            "UPDATE pg_index SET indisready = false WHERE indexrelid = 'by_number'::regclass";
        server.sql_in(&address, hide);
        server.sql_in(&address, "INSERT INTO kept VALUES (10)");
        server.sql_in(&address, &hide.replace("false", "true"));
        let found = sound_database(&address).await.unwrap().unwrap();
        assert!(found.contains("by_number"), "{found}");
    }
}
