//! Loads on status lists: everybody wants one at once, and thousands of statuses change while wallets play.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use lanyard_core::{
    crypto::AwsLc,
    sd_jwt_vc::Vct,
    status::{
        Status, StatusListUri,
        token_status_list::{UnverifiedStatusList, VerifiedStatusList},
    },
};
use serde_json::json;
use url::Url;

use super::{
    Bar, Checks, Extent,
    pressed::{self, Crowd, Everything, percentile},
};
use crate::{
    client::{Ask, Connection, Content},
    configured,
    crowd::{self, Flow},
    failure::Failure,
    fill::{self, Filling},
    flows::Place,
    report::mebibytes,
    scale::Kept,
    stage::Stage,
};

/// How many verifiers ask at once.
const VERIFIERS: usize = 64;

/// Asks for a list.
struct Fetch(Url);

impl Flow for Fetch {
    type Job = ();
    type Outcome = ();

    async fn play(&self, connection: &mut Connection, (): ()) -> Result<(), Failure> {
        connection.get(&self.0, None).await?;
        // nobody asks for what went to and fro
        connection.exchanges();
        Ok(())
    }
}

/// Revokes a credential of those that were filled in.
struct Revoke {
    tenant: Url,
    key: String,
}

impl Flow for Revoke {
    type Job = u64;
    type Outcome = ();

    async fn play(&self, connection: &mut Connection, nth: u64) -> Result<(), Failure> {
        let place = self.tenant.join(&format!("credentials/{}/status", fill::credential(nth)))?;
        let body = json!({ "status": "revoked" }).to_string();
        loop {
            match connection.post(&place, Some(&self.key), Content::Json(body.clone())).await {
                // as an integrator does who is told to come again
                Err(Failure::Refused { status: 503, asks_again: true, .. }) => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                done => return done.map(|_| ()),
            }
        }
    }
}

/// Verifiers that all ask for a list of a million statuses, and again after it changed.
pub(super) async fn herd(place: &Place, extent: Extent) -> Result<Checks, Failure> {
    let filling = Filling { credentials: extent.credentials, tenants: 1, sessions: 0 };
    let kept = Kept::laid(place, "herd", filling).await?;
    let played = herded(place, &kept, extent).await;
    kept.server.stopped(played).await
}

async fn herded(place: &Place, kept: &Kept, extent: Extent) -> Result<Checks, Failure> {
    let mut checks = Checks::of("verifiers ask for a list");
    let list = fill::list_of(&kept.server, &kept.tenants[0])?;
    let memory = kept.server.resident_memory()?;
    let mut connection = Connection::open(kept.server.base()).await?;
    let begun = Instant::now();
    let answer = connection.get(&list, None).await?;
    checks.add("bytes of the list", answer.len() as f64, Bar::Free);
    checks.add("s until it is first made", begun.elapsed().as_secs_f64(), Bar::AtMost(1.0));

    let transactions = |place: &Place| {
        let counts = place.database.as_ref().map(crate::database::Database::counts);
        Ok::<_, Failure>(counts.transpose()?.map(|counts| counts.transactions))
    };
    let (before, cpu) = (transactions(place)?, kept.server.cpu()?);
    let (fetch, base) = (Arc::new(Fetch(list)), kept.server.base());
    let done = crowd::play(&fetch, base, VERIFIERS, vec![(); 1_000_000], extent.spell).await?;
    let fetched = done.latencies.len() as f64;
    let took = done.took.as_secs_f64();
    checks.add("lists/s", fetched / took, Bar::AtLeast(4_000.0));
    checks.add("p99 ms", percentile(done.latencies, 0.99), Bar::Free);
    let used = kept.server.cpu()?.saturating_sub(cpu).as_secs_f64();
    checks.add("server CPU µs for each", used * 1e6 / fetched, Bar::Free);
    if let (Some(before), Some(after)) = (before, transactions(place)?) {
        // it asks twice a second whether another replica changed something, and every other server here does too
        let asked = (after - before) as f64 / took;
        checks.add("calls of the store in a second", asked, Bar::AtMost(10.0));
    }

    // all of them come while it is made anew
    let stage = kept.stage(place)?;
    let revoke = revoke_at(&stage)?;
    revoke.play(&mut connection, 1).await?;
    let done = crowd::play(&fetch, base, VERIFIERS, vec![(); VERIFIERS * 4], extent.spell).await?;
    let slowest = done.latencies.into_iter().max().unwrap_or_default();
    checks.add("s that the slowest waits when it changed", slowest.as_secs_f64(), Bar::AtMost(1.0));
    let grown = mebibytes(kept.server.resident_memory()?) - mebibytes(memory);
    checks.add("MiB more", grown, Bar::AtMost(64.0));
    Ok(checks)
}

/// Thousands of revocations while wallets play.
pub(super) async fn revocations(place: &Place, extent: Extent) -> Result<Checks, Failure> {
    let filling = Filling { credentials: extent.credentials, tenants: 1, sessions: 0 };
    let kept = Kept::laid(place, "revocations", filling).await?;
    let played = revoked(place, &kept, extent).await;
    kept.server.stopped(played).await
}

async fn revoked(place: &Place, kept: &Kept, extent: Extent) -> Result<Checks, Failure> {
    let mut checks = Checks::of("revocations while wallets play");
    let stage = kept.stage(place)?;
    let card = Arc::new(stage.first_credential().await?.card);
    let everything = Arc::new(Everything { integrator: stage.integrator.clone(), card });
    let base = kept.server.base();
    // every hundredth is revoked already
    let all: Vec<_> =
        (0..).filter(|nth| nth % 100 != 0).take(extent.revocations as usize).collect();
    let (revoke, begun) = (Arc::new(revoke_at(&stage)?), Instant::now());
    let playing = Crowd { wallets: 32, lasts: extent.spell, pace: None };
    let revoking = crowd::play(&revoke, base, 16, all.clone(), Duration::from_secs(60));
    let (done, played) = tokio::join!(revoking, pressed::regulars(&everything, base, playing));
    let (done, played) = (done?, played?);
    let took = done.took.as_secs_f64();
    checks.add("revocations", done.outcomes.len() as f64, Bar::AtLeast(all.len() as f64));
    checks.add("s for all of them", took, Bar::AtMost(60.0));
    let rate = played.rate(Duration::ZERO, extent.spell);
    checks.add("flows/s meanwhile", rate, Bar::Free);
    let p99 = played.percentile(0.99, Duration::ZERO, extent.spell);
    checks.add("their p99 ms", p99, Bar::Free);
    checks.add("flows that failed", played.broken.len() as f64, Bar::AtMost(0.0));

    let list = fill::list_of(&kept.server, &kept.tenants[0])?;
    let acknowledged = begun.elapsed();
    let mut connection = Connection::open(base).await?;
    let missing = loop {
        let shown = list_at(&stage, &mut connection, &list).await?;
        let is_missing = |nth: &&u64| !matches!(shown.status(**nth), Ok(Status::Invalid));
        let missing = all.iter().filter(is_missing).count();
        if missing == 0 || (begun.elapsed().saturating_sub(acknowledged)).as_secs() > 60 {
            break missing;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let visible = begun.elapsed().saturating_sub(acknowledged).as_secs_f64();
    checks.add("s until the list has them all", visible, Bar::AtMost(60.0));
    checks.add("revocations that it lacks", missing as f64, Bar::AtMost(0.0));
    Ok(checks)
}

fn revoke_at(stage: &Stage<'_>) -> Result<Revoke, Failure> {
    let key = stage.integrator.key().ok_or(Failure::Lacks("API key"))?.to_owned();
    Ok(Revoke { tenant: stage.integrator.place("")?, key })
}

/// The list as a verifier believes it.
async fn list_at(
    stage: &Stage<'_>,
    connection: &mut Connection,
    place: &Url,
) -> Result<VerifiedStatusList, Failure> {
    let now = lanyard_core::Timestamp::now();
    let lacks = Failure::Lacks("status list that verifies");
    let types = [Vct::parse(configured::VCT).map_err(|_| Failure::Lacks("type"))?.into()];
    let answer = connection.ask(Ask::get(place)).await?;
    let Ok(read) = UnverifiedStatusList::parse(answer.header("content-type")?, &answer.body) else {
        return Err(lacks);
    };
    let key = stage.issuers.find(&read.claimed_issuer(None, &types), now).await?;
    let Ok(own) = StatusListUri::parse(place.to_string()) else { return Err(lacks) };
    read.verify(key.key(), &own, now, &AwsLc).map_err(|_| lacks)
}
