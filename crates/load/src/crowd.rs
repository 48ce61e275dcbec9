//! Many wallets at once, each with a connection of its own.

use std::{
    collections::VecDeque,
    future::Future,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::task::JoinSet;
use url::Url;

use crate::{
    client::{Connection, Exchange},
    failure::Failure,
};

/// What a wallet does again and again.
pub(crate) trait Flow: Send + Sync + 'static {
    /// What one turn needs, made before the clock starts.
    type Job: Send + 'static;
    /// What one turn leaves behind, judged after the clock stopped.
    type Outcome: Send + 'static;

    /// Plays one flow from its first request to its last answer.
    fn play(
        &self,
        connection: &mut Connection,
        job: Self::Job,
    ) -> impl Future<Output = Result<Self::Outcome, Failure>> + Send;
}

/// What a crowd did.
pub(crate) struct Done<O> {
    /// From the first request to the last answer.
    pub(crate) took: Duration,
    /// How long each flow took.
    pub(crate) latencies: Vec<Duration>,
    /// What each flow left behind.
    pub(crate) outcomes: Vec<O>,
    /// What went to and fro in one of them.
    pub(crate) exchanges: Vec<Exchange>,
}

/// Lets so many wallets share the jobs until none is left or the time is up.
pub(crate) async fn play<F: Flow>(
    flow: &Arc<F>,
    base: &Url,
    wallets: usize,
    jobs: Vec<F::Job>,
    limit: Duration,
) -> Result<Done<F::Outcome>, Failure> {
    let jobs = Arc::new(Mutex::new(VecDeque::from(jobs)));
    let mut connections = Vec::with_capacity(wallets);
    for _ in 0..wallets {
        connections.push(Connection::open(base).await?);
    }

    let started = Instant::now();
    let mut crowd = JoinSet::new();
    for mut connection in connections {
        let (flow, jobs) = (Arc::clone(flow), Arc::clone(&jobs));
        crowd.spawn(async move {
            let (mut done, mut exchanges) = (Vec::new(), Vec::new());
            while started.elapsed() < limit {
                let next = jobs.lock().expect("no wallet panics while it takes a job").pop_front();
                let Some(job) = next else { break };
                let begun = Instant::now();
                let outcome = flow.play(&mut connection, job).await?;
                done.push((begun.elapsed(), outcome));
                exchanges = connection.exchanges();
            }
            Ok::<_, Failure>((done, exchanges))
        });
    }
    let (mut latencies, mut outcomes, mut exchanges) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(done) = crowd.join_next().await {
        let (done, seen) = done??;
        exchanges = if seen.is_empty() { exchanges } else { seen };
        for (latency, outcome) in done {
            latencies.push(latency);
            outcomes.push(outcome);
        }
    }
    Ok(Done { took: started.elapsed(), latencies, outcomes, exchanges })
}
