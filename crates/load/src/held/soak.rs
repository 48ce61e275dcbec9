//! Everything at a third of what can be done, for long: nothing grows, nothing slows down.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{
    Bar, Checks, Extent,
    pressed::{self, Crowd, Everything},
};
use crate::{
    client::Connection,
    configured::{self, Tenants},
    crowd::Flow,
    failure::Failure,
    fill,
    flows::Place,
    integrator::{Offer, Revocation},
    issuance::Issuance,
    ledger::{
        book::{self, Book},
        entry::Written,
    },
    plan::Flows,
    report::mebibytes,
    server::Server,
    stage::{Stage, offered},
};

/// What is looked at every so often.
#[derive(Clone, Copy)]
struct Sample {
    memory: f64,
    files: usize,
    /// MiB of the log that SQLite writes ahead.
    log: f64,
}

impl Sample {
    fn take(server: &Server) -> Result<Self, Failure> {
        let log = server.place(&format!("{}-wal", fill::FILE));
        Ok(Self {
            memory: mebibytes(server.resident_memory()?),
            files: server.open_files()?,
            log: fs::metadata(log).map_or(0.0, |log| mebibytes(log.len())),
        })
    }
}

/// One of so many turns leaves something that is looked at in the end.
const LEAVES: u64 = 100;

/// Everything, and now and then an offer that nobody takes up, and a credential that is revoked.
struct ForLong {
    everything: Everything,
    turns: AtomicU64,
}

impl Flow for ForLong {
    type Job = bool;
    type Outcome = ();

    async fn play(&self, connection: &mut Connection, presents: bool) -> Result<(), Failure> {
        if presents {
            return self.everything.play(connection, true).await;
        }
        let integrator = &self.everything.integrator;
        let turn = self.turns.fetch_add(1, Ordering::Relaxed) % LEAVES;
        if turn == LEAVES / 3 {
            return Offer(integrator.clone()).play(connection, ()).await.map(drop);
        }
        let offer = Offer(integrator.clone()).play(connection, ()).await?;
        Issuance.play(connection, offered(&offer.created, Flows::Dpop)?).await?;
        match turn {
            0 => Revocation(integrator.clone()).play(connection, offer).await,
            _ => Ok(()),
        }
    }
}

pub(super) async fn soak(place: &Place, extent: Extent) -> Result<Checks, Failure> {
    let (store, whose) = (place.store(), (configured::ONE, configured::VCT));
    let book = Book::open(&place.folder().join("soak.ledger"), &store, whose)?;
    let server = place.serve("soak", &store, &Tenants::Many(1)).await?;
    let played = soaked(place, (&server, &book), extent).await;
    let (mut checks, kept) = book::closed(server, played, Some(&book)).await?;
    checks.ledger(kept.unwrap_or_default());
    Ok(checks)
}

async fn soaked(
    place: &Place,
    (server, book): (&Server, &Book),
    extent: Extent,
) -> Result<Checks, Failure> {
    let lasts = extent.soak;
    let minutes = lasts.as_secs_f64() / 60.0;
    let mut checks = Checks::of("everything, for long");
    checks.add("minutes", minutes, Bar::Free);
    let stage = Stage::set(server, &configured::names(1), place.database.as_ref())?;
    let card = Arc::new(stage.first_credential().await?.card);
    let everything = || ForLong {
        everything: Everything { integrator: stage.integrator.clone(), card: Arc::clone(&card) },
        turns: AtomicU64::new(0),
    };
    let short = Crowd { wallets: 16, lasts: extent.spell.min(lasts), pace: None };
    let peak = pressed::regulars(&Arc::new(everything()), server.base(), short).await?;
    let peak = peak.rate(Duration::ZERO, short.lasts);
    // from here on every step is written down
    let everything = Arc::new(Written::new(everything(), Some(&book.ledger)));
    let kept = pressed::regulars(&everything, server.base(), short).await?;
    let (kept, failed) = (kept.rate(Duration::ZERO, short.lasts), kept.failed());
    checks.add("flows/s at most, without a ledger", peak, Bar::Free);
    checks.add("flows/s at most, with one", kept, Bar::Free);
    let pace = Some(Duration::from_secs_f64(1.0 / (0.3 * peak).max(1.0)));
    let crowd = Crowd { wallets: 16, lasts, pace };

    let mut samples = Vec::new();
    let every = (lasts / 120).max(Duration::from_millis(100));
    let playing = pressed::regulars(&everything, server.base(), crowd);
    tokio::pin!(playing);
    let tally = loop {
        tokio::select! {
            tally = &mut playing => break tally?,
            () = tokio::time::sleep(every) => samples.push(Sample::take(server)?),
        }
    };
    let third = lasts / 3;
    checks.add("flows/s", tally.rate(Duration::ZERO, lasts), Bar::Free);
    let first = tally.percentile(0.99, Duration::ZERO, third);
    let last = tally.percentile(0.99, third * 2, lasts);
    checks.add("p99 ms in the first third", first, Bar::AtMost(200.0));
    // a few milliseconds are no trend
    checks.add("p99 ms in the last third", last, Bar::AtMost((first * 1.5).max(first + 10.0)));
    tally.broken.iter().take(3).for_each(|broken| eprintln!("broken: {broken}"));
    let failed = failed + tally.failed();
    checks.add("flows that failed", failed as f64, Bar::AtMost(0.0));

    // memory of sessions fills up in the first third, and is full from then on
    let (then, now) = (samples.len() / 3, samples.len().saturating_sub(samples.len() / 3));
    let most = |from: usize, to: usize, of: fn(&Sample) -> f64| {
        samples.get(from..to).unwrap_or_default().iter().map(of).fold(0.0, f64::max)
    };
    let memory = |from, to| most(from, to, |sample| sample.memory);
    let (early, middle, late) = (memory(0, then), memory(then, now), memory(now, samples.len()));
    checks.add("MiB in the first third", early, Bar::Free);
    checks.add("MiB in the second", middle, Bar::Free);
    checks.add("MiB in the last", late, Bar::AtMost(middle.mul_add(1.1, 4.0)));
    let files = |from, to| most(from, to, |sample| sample.files as f64);
    let (early, late) = (files(0, then), files(now, samples.len()));
    checks.add("open files in the first third", early, Bar::Free);
    checks.add("open files in the last", late, Bar::AtMost(early + 8.0));
    if place.database.is_none() {
        let log = most(0, samples.len(), |sample| sample.log);
        checks.add("MiB of the write-ahead log", log, Bar::AtMost(64.0));
    }
    Ok(checks)
}
