//! Each promise, broken alone: a server that keeps them all is held to what it never promised.

use std::{
    rc::Rc,
    thread,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use lanyard_store::CredentialId;

use super::{
    ServerArguments, failing_server,
    scene::{Program, Scene, Setting, Store},
    wallet::Wallet,
};
use crate::{
    client::Connection,
    failure::Failure,
    ledger::{
        Ledger,
        checks::{self, Results},
        facts::{Facts, Issued, Leads, Unused},
    },
};

/// The tool's own server, in a thread that ends with the tests, and whoever plays there.
struct Ground {
    scene: Rc<Scene>,
    ledger: Rc<Ledger>,
    folder: tempfile::TempDir,
}

impl Ground {
    async fn laid() -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let program = Program::Product("/bin/false".into());
        let setting = Setting { program, store: &Store::Sqlite, attester: None, receiver: None };
        let scene = Rc::new(Scene::laid(folder.path(), setting)?);
        let config = scene.configuration_file();
        let arguments = ServerArguments { config, armed: None, ahead: 0, chores_every: None };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        thread::spawn(move || runtime.block_on(failing_server::serve(&arguments)));
        let begun = Instant::now();
        while !scene.is_ready().await {
            if begun.elapsed() > Duration::from_secs(60) {
                return Err(Failure::ServerGone);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let ledger = Rc::new(Ledger::create(&folder.path().join("ledger"))?);
        Ok(Self { scene, ledger, folder })
    }

    fn wallet(&self) -> Wallet {
        Wallet {
            scene: self.scene.clone(),
            ledger: self.ledger.clone(),
            facts: Rc::default(),
            stop: Rc::default(),
            connection: None,
            turns: 1,
            sent_again: false,
            recorder: None,
        }
    }

    /// An offer that was taken up, its credential presented, and what was promised of it.
    async fn promised(&self) -> Result<Facts, Failure> {
        let mut wallet = self.wallet();
        // neither left nor revoked
        wallet.turns = 2;
        wallet.turn().await?;
        let facts = wallet.facts.take();
        if facts.issued.len() == 1 && facts.answered.len() == 1 && facts.used_codes.len() == 1 {
            return Ok(facts);
        }
        Err(Failure::Lacks("turn with everything"))
    }

    /// What is found to be broken when the facts are other than they were.
    async fn broken(&self, change: impl FnOnce(&mut Facts)) -> Result<Vec<String>, Failure> {
        let mut facts = self.promised().await?;
        change(&mut facts);
        let (site, mut connection) =
            (self.scene.site()?, Connection::open(self.scene.base()).await?);
        checks::hold(&site, &mut connection, &mut facts, Results::Determined).await?;
        Ok(facts.broken.into_iter().collect())
    }

    /// A fresh code.
    async fn code(&self) -> Result<String, Failure> {
        let mut wallet = self.wallet();
        let offer = wallet.offer().await?.parameter("credential_offer_uri")?;
        Ok(wallet.places(&offer).await?.1)
    }
}

fn again(issued: &Issued) -> Issued {
    let Issued { offer, text, list, index, is_revoked, is_erased } = issued;
    Issued {
        offer: offer.clone(),
        text: text.clone(),
        list: list.clone(),
        index: *index,
        is_revoked: *is_revoked,
        is_erased: *is_erased,
    }
}

#[tokio::test]
async fn a_promise_that_was_not_kept_is_missed_and_no_other_is() {
    let ground = Ground::laid().await.unwrap();
    let broken = async |change: &dyn Fn(&mut Facts)| ground.broken(|facts| change(facts)).await;
    assert_eq!(broken(&|_| {}).await.unwrap(), [""; 0]);

    // I1: what was taken up is shown as left, and so is what was never there
    let until = Timestamp::now() + SignedDuration::from_hours(1);
    let gone = "I1: an acknowledged offer cannot be taken up";
    let used = |facts: &mut Facts| {
        let leads = Leads::Code(facts.used_codes[0].clone());
        facts.unused.push(Unused { leads, until });
    };
    assert_eq!(broken(&used).await.unwrap(), [gone]);
    let offer = ground.scene.base().join("load/offers/none").unwrap();
    let absent = |facts: &mut Facts| {
        facts.unused.push(Unused { leads: Leads::Offer(offer.clone()), until });
    };
    assert_eq!(broken(&absent).await.unwrap(), [gone]);

    // I2
    let twice = broken(&|facts| facts.issued.push(again(&facts.issued[0]))).await.unwrap();
    let [twice] = &twice[..] else { panic!("{twice:?}") };
    assert!(twice.starts_with("I2: place ") && twice.ends_with(" is given twice"), "{twice}");
    let unrecorded = |facts: &mut Facts| facts.issued[0].offer = Some("0".repeat(32));
    let found = broken(&unrecorded).await.unwrap();
    assert_eq!(found, ["I2: an acknowledged credential is on no record"]);

    // I3
    let revoked = |facts: &mut Facts| facts.issued[0].is_revoked = true;
    let found = broken(&revoked).await.unwrap();
    assert_eq!(found, ["I3: Valid in the list, acknowledged as revoked"]);

    // I4: nobody answered that request
    let asked = ground.wallet().asked().await.unwrap().id;
    let found = broken(&|facts| facts.answered[0].request = asked.clone()).await.unwrap();
    let [found] = &found[..] else { panic!("{found:?}") };
    assert!(found.starts_with("I4: a presentation that was taken is "), "{found}");

    // I6: nobody used that code
    let code = ground.code().await.unwrap();
    let found = broken(&|facts| facts.used_codes.push(code.clone())).await.unwrap();
    assert_eq!(found, ["I1, I6: a code is good a second time"]);

    // I9: another signature
    let forged = |facts: &mut Facts| {
        let text = facts.issued[0].text.take().unwrap_or_default();
        let (signed, disclosures) = text.split_once('~').expect("a credential has disclosures");
        let (signed, signature) = signed.rsplit_once('.').expect("it is signed");
        let first = if signature.starts_with('A') { 'B' } else { 'A' };
        let text = format!("{signed}.{first}{}~{disclosures}", &signature[1..]);
        facts.issued[0].text = Some(text);
    };
    let found = broken(&forged).await.unwrap();
    assert_eq!(found, ["I9: a credential does not verify any more"]);

    // I8: nothing in the chain says that this one was issued
    let mut facts = ground.promised().await.unwrap();
    let left = ground.scene.left(None);
    left.audit(&mut facts).await.unwrap();
    assert!(facts.broken.is_empty(), "{:?}", facts.broken);
    facts.on_record.push((CredentialId::from_bytes([7; 16]), false));
    left.audit(&mut facts).await.unwrap();
    assert!(facts.broken.contains("I8: an acknowledged credential is in no chain"));

    // I11: a row that belongs to none
    let data = ground.folder.path().join("unsound");
    std::fs::create_dir(&data).unwrap();
    let file = rusqlite::Connection::open(data.join("lanyard.db")).unwrap();
    file.execute_batch(
        "PRAGMA foreign_keys = OFF;
         CREATE TABLE one (id INTEGER PRIMARY KEY) STRICT;
         CREATE TABLE other (one INTEGER REFERENCES one (id)) STRICT",
    )
    .unwrap();
    assert_eq!(checks::sound(&data).unwrap(), None);
    file.execute_batch("INSERT INTO other VALUES (1)").unwrap();
    assert_eq!(checks::sound(&data).unwrap().as_deref(), Some("I11: ok, 1 dangling rows"));
}
