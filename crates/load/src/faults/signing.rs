//! R15: the key that credentials are signed with is replaced, with its certificate, while wallets go on.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use lanyard_core::json;
use lanyard_testkit::{LeafFiles, LeafOptions, TestCa};
use serde_json::Value;

use super::{
    replicas::LIST_DELAY,
    scene::{Program, Scene, Setting, Store},
    trials::{Extent, Line, Trial},
};
use crate::{
    attester::anchor_pem, client::Connection, failure::Failure, ledger::facts::Issued, machine,
};

pub(crate) const FAULT: &str = "signing key replaced";

const AUTHORITY: &str = "authority.pem";
const CERTIFICATES: &str = "signing.pem";
const KEY: &str = "signing-key.pem";

/// So many credentials are issued between one thing that happens and the next, and within what time.
const BETWEEN: usize = 6;
const WITHIN: Duration = Duration::from_secs(20);

/// Fresh files of one authority, a server started again with them; two replicas one after the other, so that both keys
/// sign for a while. In the end files that are no good.
pub(crate) async fn replaced(
    (binary, folder): (&Path, &Path),
    store: &Store,
    extent: Extent,
) -> Result<Line, Failure> {
    let folder = Trial::folder(folder, FAULT, store);
    let program = Program::Product(binary.to_owned());
    let setting = Setting { program, store, attester: None, receiver: None };
    let scene = Scene::laid(&folder, setting)?;
    let mut keys = Keys::laid(&scene)?;
    let other = match store {
        Store::Sqlite => None,
        Store::Postgres { .. } => Some(scene.replica(store)?),
    };
    let mut trial = Trial::of(FAULT, scene, &folder, store)?;
    trial.start().await?;
    if let Some(other) = &other {
        other.start().await?;
    }
    let other = other.as_ref();
    trial
        .while_playing(async |trial| {
            // what was issued at first is shown to a verifier after each replacement, and revoked after the last
            let mut holder = trial.wallet();
            let created = holder.offer().await?;
            let offer = created.parameter("credential_offer_uri")?;
            let (places, code) = holder.places(&offer).await?;
            let token = holder.token(&places, &code, &created.id).await?;
            let token = token.ok_or(Failure::Lacks("token"))?;
            let card = holder.credential(&places, &token, &created.id).await?;
            let card = card.ok_or(Failure::Lacks("credential"))?;
            for _ in 0..extent.replacements {
                trial.issues().await;
                keys.replaced(trial, other).await?;
                holder.present(&card).await?;
                trial.times += 1;
            }
            keys.no_good(trial, other).await?;
            holder.present(&card).await?;
            holder.revoke(&created.id).await?;
            trial.issues().await;
            Ok(())
        })
        .await?;
    let signed = keys.signed(&trial.facts.borrow().issued)?;
    signed.broken.into_iter().for_each(|broken| trial.broken(broken));
    if let Some(other) = other {
        trial.seen.push(format!(
            "While two replicas had different signing keys, {} credentials were signed by the older and {} by the newer.",
            signed.by_older, signed.by_newer
        ));
        if signed.by_older == 0 || signed.by_newer == 0 {
            trial.broken("R15: while two replicas had different keys, one alone signed".to_owned());
        }
        tokio::time::sleep(LIST_DELAY).await;
        let status = other.terminate().await?;
        if status.code() != Some(0) {
            trial.broken(format!("R2: asked to end, a replica ended with {status}"));
        }
    }
    trial.ended().await
}

/// The files that a server signs with, and which of them were in force when.
struct Keys {
    authority: TestCa,
    terms: Vec<Term>,
    /// What is in the files.
    files: LeafFiles,
}

/// How long one key was in force, counted in credentials that were received.
struct Term {
    /// Its certificate, as `x5c` has it.
    certificate: String,
    /// From when on a server may have had it, and from when on none has.
    from: usize,
    until: usize,
}

impl Term {
    fn from(files: &LeafFiles, from: usize) -> Self {
        let certificate = STANDARD.encode(&files.certificate_der);
        Self { certificate, from, until: usize::MAX }
    }

    const fn has(&self, nth: usize) -> bool {
        self.from <= nth && nth < self.until
    }
}

/// Who signed what.
#[derive(Default)]
struct Signed {
    /// While two keys were in force.
    by_older: u64,
    by_newer: u64,
    broken: Vec<String>,
}

impl Keys {
    /// Has a server that is not yet started sign with files.
    fn laid(scene: &Scene) -> Result<Self, Failure> {
        let authority = TestCa::new("Authority of the load tool");
        fs::write(scene.file(AUTHORITY), anchor_pem(&authority))?;
        scene.trusts(AUTHORITY);
        let configuration = fs::read_to_string(scene.configuration_file())?;
        let signing = format!(
            "trust_anchors = [\"{AUTHORITY}\"]\n\
             signing = {{ certificates = \"{CERTIFICATES}\", key = \"{KEY}\" }}\nstatus_lists"
        );
        fs::write(scene.configuration_file(), configuration.replacen("status_lists", &signing, 1))?;
        let files = leaf(&authority);
        put(scene, &files.certificates, &files.key)?;
        Ok(Self { authority, terms: vec![Term::from(&files, 0)], files })
    }

    /// Puts fresh files in the place of those before, and starts each server again.
    async fn replaced(&mut self, trial: &mut Trial, other: Option<&Scene>) -> Result<(), Failure> {
        self.files = leaf(&self.authority);
        self.terms.push(Term::from(&self.files, trial.received()));
        put(&trial.scene, &self.files.certificates, &self.files.key)?;
        trial.scene.terminate().await?;
        trial.start().await?;
        if let Some(other) = other {
            trial.issues().await;
            other.terminate().await?;
            let took = other.start().await?;
            trial.slowest_start = trial.slowest_start.max(took);
        }
        // whatever the one before signed last has come while the server started
        if let [.., before, _] = &mut *self.terms {
            before.until = trial.received();
        }
        for scene in [Some(&*trial.scene), other].into_iter().flatten() {
            let place = scene.base().join("load/status-lists/0")?;
            let list = Connection::open(scene.base()).await?.get(&place, None).await?;
            if !self.is_newest(&certificate_of(&String::from_utf8_lossy(&list))?) {
                trial.broken("R15: a status list is signed by a key that was replaced".to_owned());
            }
        }
        Ok(())
    }

    /// Starts a server with files that do not belong together or are cut off, then with good ones.
    async fn no_good(&self, trial: &mut Trial, other: Option<&Scene>) -> Result<(), Failure> {
        let first = trial.scene.clone();
        let scene = other.unwrap_or(&*first);
        scene.terminate().await?;
        let LeafFiles { certificates, key, .. } = &self.files;
        let fresh = leaf(&self.authority);
        let half = |text: &str| text[..text.len() / 2].to_owned();
        for (what, certificates, key, reason) in [
            ("another key", certificates.clone(), fresh.key, UNUSABLE),
            ("another certificate", fresh.certificates, key.clone(), UNUSABLE),
            ("half a key", certificates.clone(), half(key), UNUSABLE),
            ("half a certificate", half(certificates), key.clone(), UNREADABLE),
            ("no certificate", String::new(), key.clone(), UNREADABLE),
        ] {
            put(scene, &certificates, &key)?;
            let before = said(scene)?.len();
            if scene.comes().await?.is_some() {
                trial.broken(format!("R15: a server starts with {what}"));
                scene.terminate().await?;
            } else if !said(scene)?.get(before..).is_some_and(|said| said.contains(reason)) {
                trial.broken(format!("R15: with {what} no reason is said"));
            }
        }
        put(scene, certificates, key)?;
        let took = scene.start().await?;
        trial.slowest_start = trial.slowest_start.max(took);
        Ok(())
    }

    fn is_newest(&self, certificate: &str) -> bool {
        self.terms.last().is_some_and(|newest| newest.certificate == certificate)
    }

    /// Holds each credential to be signed by a key that was in force when it was received.
    fn signed(&self, issued: &[Issued]) -> Result<Signed, Failure> {
        let mut signed = Signed::default();
        for (nth, issued) in issued.iter().enumerate() {
            let Some(text) = &issued.text else { continue };
            let certificate = certificate_of(text)?;
            let in_force: Vec<_> = self.terms.iter().filter(|term| term.has(nth)).collect();
            match in_force.iter().position(|term| term.certificate == certificate) {
                None => signed
                    .broken
                    .push("R15: a credential is signed by a key that was not in force".to_owned()),
                Some(_) if in_force.len() < 2 => {}
                Some(0) => signed.by_older += 1,
                Some(_) => signed.by_newer += 1,
            }
        }
        Ok(signed)
    }
}

/// What a server says of a key that is not that of its certificate.
const UNUSABLE: &str = "belongs to the first certificate";
/// And of a certificate that is none.
const UNREADABLE: &str = "a certificate cannot be made or read";

fn leaf(authority: &TestCa) -> LeafFiles {
    authority.leaf_files(&LeafOptions::named("Issuer of the load tool").dns("localhost"))
}

/// Each file is there whole at every moment.
fn put(scene: &Scene, certificates: &str, key: &str) -> Result<(), Failure> {
    let fresh = scene.file("fresh.pem");
    for (name, text) in [(CERTIFICATES, certificates), (KEY, key)] {
        machine::write_private(&fresh, text.as_bytes())?;
        fs::rename(&fresh, scene.file(name))?;
    }
    Ok(())
}

fn said(scene: &Scene) -> Result<String, Failure> {
    Ok(fs::read_to_string(scene.file("log"))?)
}

/// The first certificate in the header of a JWT.
fn certificate_of(token: &str) -> Result<String, Failure> {
    let lacks = || Failure::Lacks("x5c");
    let header = json::base64url_decode(token.split('.').next().ok_or_else(lacks)?);
    let header: Value = serde_json::from_slice(&header.map_err(|_| lacks())?)?;
    Ok(header["x5c"][0].as_str().ok_or_else(lacks)?.to_owned())
}

impl Trial {
    /// How many credentials were received.
    fn received(&self) -> usize {
        self.facts.borrow().issued.len()
    }

    /// Waits until some more credentials were received.
    async fn issues(&self) {
        let (begun, before) = (Instant::now(), self.received());
        while self.received() < before + BETWEEN {
            if begun.elapsed() > WITHIN {
                return self.broken("R15: nothing is issued any more".to_owned());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
