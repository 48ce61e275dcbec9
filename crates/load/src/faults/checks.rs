//! What must hold whatever happened, as far as it can be seen from outside: I1 to I11 of docs/reliability.md.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    path::Path,
    rc::Rc,
};

use lanyard_core::{
    crypto::AwsLc,
    sd_jwt_vc::{UnverifiedSdJwtVc, Vct},
    status::{Status, StatusListUri, token_status_list::UnverifiedStatusList},
};
use lanyard_store::CredentialId;
use lanyard_testkit::PostgresServer;
use serde_json::Value;
use tokio::process::Command;
use url::Url;

use super::{
    facts::{Facts, Unused},
    scene::Scene,
};
use crate::{
    attester::TENANT,
    client::{Ask, Connection, Content},
    clock,
    failure::Failure,
    issuance::Places,
};

/// The type of everything that is issued here.
const TYPE: &str = "urn:example:load:verified-identity:1";

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
    scene: &Scene,
    held: &Rc<RefCell<Facts>>,
    results: Results,
) -> Result<u64, Failure> {
    let mut connection = scene.connect().await?;
    let mut facts = held.take();
    let mut check = Check::of(scene, &mut connection).await?;
    check.places(&facts);
    check.records(&facts).await?;
    check.lists(&facts.places()).await?;
    check.credentials(&facts).await?;
    check.results(&facts, results).await?;
    check.leftovers(&facts).await?;
    // last, as a code that is shown again ends what came of it
    check.replays(&facts).await?;
    let Check { tried, broken, on_record, .. } = check;
    facts.broken.extend(broken);
    facts.on_record = on_record;
    held.replace(facts);
    Ok(tried)
}

/// A place of a list, and whether it is acknowledged as revoked.
pub(crate) type Place = (Url, u64, bool);

/// I3: what was revoked is in the list that this server shows.
pub(crate) async fn hold_revoked(
    scene: &Scene,
    held: &Rc<RefCell<Facts>>,
    revoked: &[Place],
) -> Result<(), Failure> {
    let mut connection = Connection::open(scene.base()).await?;
    let mut check = Check::of(scene, &mut connection).await?;
    check.lists(revoked).await?;
    held.borrow_mut().broken.extend(check.broken);
    Ok(())
}

/// I6, after a restore: nothing that was good before is.
pub(crate) async fn nothing_is_good_any_more(
    scene: &Scene,
    held: &Rc<RefCell<Facts>>,
) -> Result<u64, Failure> {
    let mut connection = scene.connect().await?;
    let mut facts = held.take();
    let mut check = Check::of(scene, &mut connection).await?;
    let unused = facts.unused.clone();
    check.replays(&facts).await?;
    for Unused { code, .. } in &unused {
        if check.redeems(code).await? {
            check.broken.insert("I6: an offer of before the restore is good".to_owned());
        }
    }
    let (tried, broken) = (check.tried, check.broken);
    facts.broken.extend(broken);
    facts.unused.clear();
    facts.used_codes.clear();
    facts.answered.clear();
    held.replace(facts);
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
    scene: &'c Scene,
    connection: &'c mut Connection,
    places: Places,
    tried: u64,
    broken: BTreeSet<String>,
    /// What is on record of what was acknowledged, and whether it was revoked.
    on_record: Vec<(CredentialId, bool)>,
}

impl<'c> Check<'c> {
    async fn of(scene: &'c Scene, connection: &'c mut Connection) -> Result<Self, Failure> {
        let places = Places::discover(connection, &scene.base().join(TENANT)?).await?;
        let (broken, on_record) = (BTreeSet::new(), Vec::new());
        Ok(Self { scene, connection, places, tried: 0, broken, on_record })
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

    /// I2: what was acknowledged is on record.
    async fn records(&mut self, facts: &Facts) -> Result<(), Failure> {
        for issued in &facts.issued {
            if issued.is_erased {
                continue;
            }
            let offer: Value = self.api(&format!("offers/{}", issued.offer)).await?;
            let id = offer["credentials"][0]["id"].as_str().and_then(|id| id.parse().ok());
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
        let (now, issuers) = (clock::now(), self.scene.issuers()?);
        let types = [Vct::parse(TYPE).map_err(|_| Failure::Lacks("type"))?.into()];
        for (uri, places) in lists {
            let answer = self.connection.ask(Ask::get(uri)).await?;
            let read = UnverifiedStatusList::parse(answer.header("content-type")?, &answer.body);
            let read = read.map_err(|_| Failure::Lacks("status list"))?;
            let key = issuers.find(&read.claimed_issuer(None, &types), now).await?;
            let own = StatusListUri::parse(uri.to_string());
            let own = own.map_err(|_| Failure::Lacks("status list"))?;
            let list = read.verify(key.key(), &own, now, &AwsLc);
            let list = list.map_err(|_| Failure::Lacks("status list that verifies"))?;
            for (index, is_revoked) in places {
                let status = list.status(index).map_err(|_| Failure::Lacks("status"))?;
                match (status, is_revoked) {
                    (Status::Valid, false) | (Status::Invalid, true) => {}
                    (status, _) => self.broken(format!(
                        "I3: {status:?} in the list, acknowledged as {}",
                        if is_revoked { "revoked" } else { "valid" }
                    )),
                }
            }
        }
        Ok(())
    }

    /// I9: everything that was issued verifies.
    async fn credentials(&mut self, facts: &Facts) -> Result<(), Failure> {
        let (now, issuers) = (clock::now(), self.scene.issuers()?);
        for issued in &facts.issued {
            let credential = UnverifiedSdJwtVc::parse(&issued.text)?;
            let issuer = issuers.find(&credential.claimed_issuer(), now).await?;
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
        for Unused { code, until } in &facts.unused {
            // a long fault is survived by no offer of its beginning
            if !self.redeems(code).await? && clock::now() < *until {
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
        let (place, key) = (self.scene.api(what)?, self.scene.key());
        Ok(serde_json::from_slice(&self.connection.get(&place, Some(key)).await?)?)
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
