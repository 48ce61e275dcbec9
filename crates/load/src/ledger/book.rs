//! The ledger of one server that wallets play at: opened before, and closed by holding the server to it.

use std::{fmt, path::Path, sync::Arc, time::Duration};

use lanyard_core::{
    crypto::AwsLc,
    trust::{IssuerKeys, IssuerTrust, x509::TrustAnchors},
};
use serde::{Deserialize, Serialize};

use super::{
    Deed, Ledger, Outcome, Tally,
    checks::{self, Results, Site},
    facts::Facts,
    left::Left,
    read,
};
use crate::{client::Connection, clock, failure::Failure, faults::Store, server::Server};

/// A status list has what was acknowledged within this time.
const LISTED_WITHIN: Duration = Duration::from_secs(60);

/// A ledger, and whose promises stand in it.
pub(crate) struct Book {
    pub(crate) ledger: Arc<Ledger>,
    tenant: &'static str,
    vct: &'static str,
    address: Option<String>,
}

/// What a ledger came to.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) steps: Tally,
    pub(crate) lines: u64,
    pub(crate) syncs: u64,
    pub(crate) credentials: u64,
    pub(crate) revocations: u64,
    /// Answers that were lost with what they held.
    pub(crate) lost_answers: u64,
    /// Replays and leftovers tried afterwards.
    pub(crate) tried: u64,
    pub(crate) broken: Vec<String>,
}

impl Book {
    /// An empty one, for a tenant that issues credentials of this type.
    pub(crate) fn open(
        place: &Path,
        store: &Store,
        (tenant, vct): (&'static str, &'static str),
    ) -> Result<Self, Failure> {
        let address = match store {
            Store::Sqlite => None,
            Store::Postgres { address } => Some(address.clone()),
        };
        Ok(Self { ledger: Arc::new(Ledger::create(place)?), tenant, vct, address })
    }

    /// Holds the server to the lines, ends it, and looks at what it leaves.
    ///
    /// Everything is read back from the file: what this process remembers counts for nothing.
    async fn close(&self, server: Server) -> Result<Kept, Failure> {
        let mut kept = Kept { syncs: self.ledger.syncs(), ..Kept::default() };
        let lines = read(self.ledger.place())?.inspect(|line| {
            let Ok(line) = line else { return };
            kept.lines += 1;
            kept.steps.count(line.outcome);
            let is_revoked = (line.deed, line.outcome) == (Deed::Revocation, Outcome::Ok);
            kept.revocations += u64::from(is_revoked);
        });
        let mut facts = Facts::of(lines, clock::now())?;
        if kept.steps != self.ledger.tally() {
            facts.broken.insert("the ledger lacks lines that were synced".to_owned());
        }
        let left = Left {
            data: server.place(""),
            address: self.address.clone(),
            configuration: server.place("lanyard.toml"),
            tenant: self.tenant,
        };
        let held = self.hold(&server, &mut facts).await;
        kept.tried = server.stopped(held).await?;
        facts.broken.extend(left.unsound().await?);
        left.audit(&mut facts).await?;
        kept.credentials = facts.issued.len() as u64;
        kept.lost_answers = facts.lost_answers;
        kept.broken = facts.broken.into_iter().collect();
        Ok(kept)
    }

    async fn hold(&self, server: &Server, facts: &mut Facts) -> Result<u64, Failure> {
        let anchors = TrustAnchors::from_pem(&server.file("ca.pem")?)?;
        let site = Site {
            issuer: server.base().join(self.tenant)?,
            api: server.base().join(&format!("api/{}/", self.tenant))?,
            key: server.file("api-key")?.trim().to_owned(),
            issuers: IssuerKeys::new(IssuerTrust::certificates(anchors), Arc::new(AwsLc)),
            vct: self.vct,
            listed_within: LISTED_WITHIN,
        };
        let mut connection = Connection::open(server.base()).await?;
        checks::hold(&site, &mut connection, facts, Results::Determined).await
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { steps: Tally { ok, refused, unknown }, lines, syncs, .. } = self;
        let Self { credentials, revocations, lost_answers, tried, broken, .. } = self;
        write!(
            out,
            "Every step was written down before it and after it and synced: {ok} done, {refused} refused, {unknown} \
             unknown and tried again, {lines} lines in {syncs} syncs. Afterwards the server was held to what stands \
             in the file: {credentials} credentials, {revocations} revocations, {lost_answers} answers lost, {tried} \
             replays and leftovers tried. Invariants broken: {}.",
            broken.len()
        )
    }
}

impl Kept {
    /// Says which promises were broken.
    pub(crate) fn tell(&self) {
        self.broken.iter().for_each(|broken| eprintln!("broken: {broken}"));
    }

    /// Both together.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.steps.ok += other.steps.ok;
        self.steps.refused += other.steps.refused;
        self.steps.unknown += other.steps.unknown;
        self.lines += other.lines;
        self.syncs += other.syncs;
        self.credentials += other.credentials;
        self.revocations += other.revocations;
        self.lost_answers += other.lost_answers;
        self.tried += other.tried;
        self.broken.extend(other.broken);
        self
    }
}

/// Ends a server after it was played with, and holds it to its ledger before, if there is one.
pub(crate) async fn closed<T>(
    server: Server,
    played: Result<T, Failure>,
    book: Option<&Book>,
) -> Result<(T, Option<Kept>), Failure> {
    match (played, book) {
        (Ok(played), Some(book)) => {
            let kept = book.close(server).await?;
            kept.tell();
            Ok((played, Some(kept)))
        }
        (played, _) => Ok((server.stopped(played).await?, None)),
    }
}
