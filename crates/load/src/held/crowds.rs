//! Loads by crowds: batches, many tenants, more wallets than can be served, clients that are slow.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{io::AsyncWriteExt as _, net::TcpStream, task::JoinSet};

use super::{
    Bar, Checks, Extent, least,
    pressed::{self, Crowd, Everything, percentile},
};
use crate::{
    client::Connection,
    configured::Tenants,
    failure::Failure,
    fill::{self, Filling},
    floor,
    flows::{Place, SERVER_CORE},
    issuance::Issuance,
    machine,
    plan::{Flows, Turn},
    report::{Line, mebibytes},
    scale::Kept,
    stage::Stage,
};

/// What is put on a server that is not overloaded.
const WALLETS: usize = 64;

/// How many wallets come at once, each over a connection of its own, to tell how many can be served: so few that nobody
/// is turned away.
const COMERS: usize = 32;

/// How long a wallet waits before it gives up.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many programs share the server's core with it while it is overloaded.
const NEIGHBOURS: usize = 3;

/// How many clients are slow at once.
const SLOW: usize = 1_000;

/// Batches of twenty by 64 wallets.
pub(super) async fn batches(place: &Place, extent: Extent) -> Result<Checks, Failure> {
    let filling = Filling { credentials: 0, tenants: 1, sessions: 0 };
    let kept = Kept::laid(place, "batches", filling).await?;
    let played = async {
        let mut checks = Checks::of("batches of 20");
        let line = issued(&kept.stage(place)?, Flows::Batch, extent).await?;
        checks.add("batches/s", line.flows_per_second, Bar::AtLeast(50.0));
        checks.add("p99 ms", line.p99_ms, Bar::AtMost(800.0));
        checks.promises([&line]);
        Ok(checks)
    };
    let played = played.await;
    kept.server.stopped(played).await
}

/// Two thousand tenants, a million credentials and ten thousand offers that wait, beside one tenant.
pub(super) async fn tenants(place: &Place, extent: Extent) -> Result<Checks, Failure> {
    let Extent { credentials, tenants, sessions, .. } = extent;
    let one = Kept::laid(place, "one", Filling { credentials: 0, tenants: 1, sessions: 0 }).await?;
    let many = Kept::laid(place, "many", Filling { credentials, tenants, sessions }).await?;
    let played = async {
        let mut checks = Checks::of("many tenants");
        let start = many.server.ready_after().as_secs_f64();
        checks.add("s to start", start, Bar::AtMost(5.0));
        checks.add("s to make all keys", many.first_start.as_secs_f64(), Bar::Free);
        let (few, lots) = (one.stage(place)?, many.stage(place)?);
        let mut lines = Vec::new();
        // twice by turns, so that neither has the better minute
        for _ in 0..2 {
            lines.push([
                issued(&few, Flows::Issuance, extent).await?,
                issued(&lots, Flows::Issuance, extent).await?,
            ]);
        }
        let rates = [0, 1].map(|which: usize| {
            let rates = lines.iter().map(|both| both[which].flows_per_second);
            rates.sum::<f64>() / lines.len() as f64
        });
        checks.add("issuances/s", rates[1], Bar::Free);
        checks.add("of what one tenant has", rates[1] / rates[0], Bar::AtLeast(0.8));
        checks.promises(lines.iter().flatten());
        let memory = mebibytes(many.server.resident_memory()?);
        checks.add("MiB", memory, Bar::AtMost(300.0));
        let (mut connection, begun) = (Connection::open(many.server.base()).await?, Instant::now());
        for tenant in &many.tenants {
            connection.get(&fill::list_of(&many.server, tenant)?, None).await?;
        }
        let each = begun.elapsed().as_secs_f64() * 1e3 / many.tenants.len() as f64;
        checks.add("ms for a status list that is made", each, Bar::Free);
        let memory = mebibytes(many.server.resident_memory()?);
        checks.add("MiB when every list was fetched", memory, Bar::AtMost(300.0));
        Ok(checks)
    };
    let played = played.await;
    one.server.stop().await?;
    many.server.stopped(played).await
}

/// Flows by 64 wallets.
async fn issued(stage: &Stage<'_>, flow: Flows, extent: Extent) -> Result<Line, Failure> {
    let sizes = stage.first_credential().await?.sizes;
    let floor = floor::measure(flow.work(sizes), sizes)?;
    let turn = Turn { flow, wallets: WALLETS, floor, limit: extent.spell };
    let most = if flow == Flows::Batch { 500 } else { 2_500 };
    let jobs = (extent.spell.as_secs() as usize * most).min(10_000);
    Ok(stage.issue(turn, jobs).await?.0)
}

/// Three times as many wallets as can be served, each of which comes once and gives up after ten seconds; then
/// as many as can.
///
/// How many can be served is measured in the same way of coming, each over a connection of its own. The server has a quarter of its core: one core of wallets could not overload a whole one.
pub(super) async fn overload(place: &Place, extent: Extent) -> Result<Checks, Failure> {
    let server = place.serve("overload", &place.store(), &Tenants::Many(1)).await?;
    let played = async {
        let mut checks = Checks::of("three times too many");
        let stage = Stage::set(&server, &crate::configured::names(1), place.database.as_ref())?;
        let card = Arc::new(stage.first_credential().await?.card);
        let (flow, some) =
            (Arc::new(Issuance), (extent.spell.as_secs() as usize * 2_500).min(20_000));
        let jobs = stage.offers(Flows::Issuance, some).await?;
        let neighbours = machine::neighbours(SERVER_CORE, NEIGHBOURS)?;
        let kept = issued(&stage, Flows::Issuance, extent).await?.flows_per_second;
        let (coming, before) = ((COMERS, extent.spell), server.cpu()?);
        let tally = pressed::by_turns(&flow, server.base(), jobs, coming).await;
        let each = (server.cpu()? - before).as_secs_f64() / tally.done.len().max(1) as f64;
        drop(neighbours);
        let peak = tally.rate(Duration::ZERO, extent.spell);
        checks.add("issuances/s at most, on a quarter of a core", peak, Bar::Free);
        checks.add("told to come again meanwhile", tally.asked_again.len() as f64, Bar::Free);
        checks.add("issuances/s by wallets that keep their connections", kept, Bar::Free);
        let (pace, spell) = (Duration::from_secs_f64(1.0 / (3.0 * peak)), extent.spell);
        let coming = (3.0 * peak * spell.as_secs_f64()) as usize;
        let jobs = stage.offers(Flows::Issuance, coming).await?;
        let neighbours = machine::neighbours(SERVER_CORE, NEIGHBOURS)?;
        let before = server.cpu()?;
        let tally = pressed::passers_by(&flow, server.base(), jobs, (pace, PATIENCE)).await?;
        let spent = (server.cpu()? - before).as_secs_f64() - each * tally.done.len() as f64;
        drop(neighbours);
        let goodput = tally.rate(Duration::ZERO, spell);
        checks.add("issuances/s, of those who came at three times that", goodput, Bar::Free);
        checks.add("of what it can do", goodput / peak, Bar::AtLeast(0.7));
        let p99 = tally.percentile(0.99, Duration::ZERO, spell + PATIENCE);
        checks.add("p99 ms of those who were served", p99, Bar::Free);
        checks.add("told to come again", tally.asked_again.len() as f64, Bar::Free);
        let refusal = spent / tally.asked_again.len().max(1) as f64;
        // where those who were served cost less than at the peak, there is nothing to tell
        if refusal > 0.0 {
            checks.add("µs of the processor for each of them", refusal * 1e6, Bar::Free);
        }
        checks.add("µs for each who was served at the peak", each * 1e6, Bar::Free);
        let least = tokio::task::spawn_blocking(least::refusal).await??.as_secs_f64();
        checks.add("µs for a connection with an answer, at least", least * 1e6, Bar::Free);
        let bound = (each - 3.0 * least) / (each - least);
        checks.add("of what it can do, if a refusal took no more", bound, Bar::Free);
        checks.add(
            "p99 ms until that was said",
            percentile(tally.asked_again, 0.99),
            Bar::AtMost(100.0),
        );
        checks.add("gave up", tally.given_up as f64, Bar::Free);
        tally.broken.iter().take(3).for_each(|broken| eprintln!("broken: {broken}"));
        checks.add("other failures", tally.broken.len() as f64, Bar::AtMost(0.0));
        let memory = mebibytes(server.resident_memory()?);
        checks.add("MiB afterwards", memory, Bar::Free);

        let everything = Arc::new(Everything { integrator: stage.integrator.clone(), card });
        let crowd = Crowd { wallets: 1, lasts: Duration::from_secs(1), pace: None };
        let begun = Instant::now();
        let normal = loop {
            let after = pressed::regulars(&everything, server.base(), crowd).await?;
            let is_normal = after.percentile(0.99, Duration::ZERO, crowd.lasts) < 200.0;
            if is_normal && after.broken.is_empty() || begun.elapsed() > Duration::from_secs(60) {
                break begun.elapsed().saturating_sub(crowd.lasts);
            }
        };
        checks.add("s until it is as before", normal.as_secs_f64(), Bar::AtMost(10.0));
        Ok(checks)
    };
    let played = played.await;
    server.stopped(played).await
}

/// Clients that send a byte a second while wallets play.
pub(super) async fn slow(place: &Place, extent: Extent) -> Result<Checks, Failure> {
    let server = place.serve("slow", &place.store(), &Tenants::Many(1)).await?;
    let played = async {
        let mut checks = Checks::of("slow clients");
        let stage = Stage::set(&server, &crate::configured::names(1), place.database.as_ref())?;
        let card = Arc::new(stage.first_credential().await?.card);
        let everything = Arc::new(Everything { integrator: stage.integrator.clone(), card });
        let crowd = Crowd { wallets: WALLETS, lasts: extent.spell, pace: None };
        let alone = pressed::regulars(&everything, server.base(), crowd).await?;
        let address = server.base().authority().to_owned();
        let mut drips = JoinSet::new();
        for _ in 0..SLOW {
            let mut client = TcpStream::connect(&address).await?;
            drips.spawn(async move {
                for byte in
                    b"GET /.well-known/openid-credential-issuer/demo HTTP/1.1\r\nx: ".iter().cycle()
                {
                    if client.write_all(&[*byte]).await.is_err() {
                        break;
                    }
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            });
        }
        let among = pressed::regulars(&everything, server.base(), crowd).await?;
        drips.shutdown().await;
        let rates = [&alone, &among].map(|tally| tally.rate(Duration::ZERO, extent.spell));
        checks.add("flows/s among 1,000 of them", rates[1], Bar::Free);
        checks.add("of what it does without them", rates[1] / rates[0], Bar::AtLeast(0.8));
        let failed = alone.broken.len() + among.broken.len();
        checks.add("flows that failed", failed as f64, Bar::AtMost(0.0));
        Ok(checks)
    };
    let played = played.await;
    server.stopped(played).await
}
