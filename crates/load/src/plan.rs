//! Which flows are played, by how many wallets, how often.

use std::{sync::Arc, time::Duration};

use clap::ValueEnum;
use lanyard_core::{
    Timestamp,
    crypto::AwsLc,
    sd_jwt_vc::UnverifiedSdJwtVc,
    trust::x509::TrustAnchors,
    trust::{IssuerKeys, IssuerTrust},
};
use lanyard_store::Calibration;

use crate::{
    client::Connection,
    crowd::{self, Done, Flow},
    failure::Failure,
    floor::{Floor, Sizes},
    integrator::{Created, Integrator, Offer, Request, Verdict},
    issuance::{Issuance, Offered, Received, fresh_key},
    machine,
    presentation::{Asked, Card, Presentation},
    report::{Line, Report, Run, Start},
    server::Server,
};

/// How many wallets play at once, unless the command line says otherwise.
const WALLETS: [usize; 3] = [1, 16, 64];

/// How many connections create offers and requests before the clock starts.
const INTEGRATORS: usize = 32;

/// No preparation takes longer than this.
const PREPARATION: Duration = Duration::from_secs(60);

/// The kinds of flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Flows {
    /// Offer, metadata, token, nonce, credential.
    Issuance,
    /// Request object, encrypted response.
    Presentation,
}

/// What is to be played.
pub(crate) struct Plan {
    flows: Vec<Flows>,
    wallets: Vec<usize>,
    limit: Duration,
    most: usize,
}

impl Plan {
    /// Both kinds of flow at each concurrency, unless told otherwise.
    pub(crate) fn new(short: bool, wallets: &[usize], flow: Option<Flows>) -> Self {
        let wallets = if wallets.is_empty() { &WALLETS[..] } else { wallets };
        let (limit, most) =
            if short { (Duration::from_secs(1), 1_000) } else { (Duration::from_secs(6), 12_000) };
        let flows =
            flow.map_or_else(|| vec![Flows::Issuance, Flows::Presentation], |flow| vec![flow]);
        Self { flows, wallets: wallets.to_vec(), limit, most }
    }

    /// Enough jobs that the time runs out first, within reason.
    fn jobs(&self, wallets: usize) -> usize {
        self.most.min(self.limit.as_secs() as usize * wallets * 400)
    }
}

/// Plays everything.
pub(crate) async fn play(
    plan: &Plan,
    server: &Server,
    memory_at_rest: u64,
    disk: Calibration,
) -> Result<Report, Failure> {
    let stage = Stage::set(server)?;
    let first = stage.first_credential().await?;
    let start =
        Start { ready: server.ready_after(), first_credential: first.after, memory_at_rest };
    let floor = Floor::measure(&first.sizes)?;
    let cards = vec![Arc::new(first.card)];

    let mut lines = Vec::new();
    for flow in &plan.flows {
        for wallets in &plan.wallets {
            lines.push(match flow {
                Flows::Issuance => stage.issue(plan, *wallets, &floor).await?,
                Flows::Presentation => stage.present(plan, *wallets, &floor, &cards).await?,
            });
        }
    }
    Ok(Report::new(&disk, &start, lines))
}

/// The server with everything that the wallets and the integrator know about it.
struct Stage<'s> {
    server: &'s Server,
    integrator: Integrator,
    issuers: IssuerKeys,
}

/// The first credential of a new server.
struct First {
    after: Duration,
    card: Card,
    sizes: Sizes,
}

impl<'s> Stage<'s> {
    fn set(server: &'s Server) -> Result<Self, Failure> {
        let anchors = TrustAnchors::from_pem(&server.file("ca.pem")?)?;
        let issuers = IssuerKeys::new(IssuerTrust::certificates(anchors), Arc::new(AwsLc));
        Ok(Self { server, integrator: Integrator::of(server)?, issuers })
    }

    /// From nothing to a credential that verifies.
    async fn first_credential(&self) -> Result<First, Failure> {
        let mut connection = Connection::open(self.server.base()).await?;
        let offer = Offer(self.integrator.clone()).play(&mut connection, ()).await?;
        let job = offered(&offer)?;
        let card = self.verify(Issuance.play(&mut connection, job).await?).await?;
        let after = self.server.started().elapsed();
        let issued = card.held.disclosable().count();
        let token = card.held.as_str().find('~').unwrap_or_default();
        Ok(First { after, sizes: Sizes { issued, disclosed: issued.min(4), token }, card })
    }

    async fn verify(&self, received: Received) -> Result<Card, Failure> {
        let (text, now) = (&received.credential, Timestamp::now());
        let credential = UnverifiedSdJwtVc::parse(text)?;
        let key = self.issuers.find(&credential.claimed_issuer(), now).await?;
        let held = credential.verify_for_holding(key, now, &AwsLc)?;
        Ok(Card { held, key: received.key })
    }

    async fn issue(&self, plan: &Plan, wallets: usize, floor: &Floor) -> Result<Line, Failure> {
        let offers =
            self.prepare(Offer(self.integrator.clone()), vec![(); plan.jobs(wallets)]).await?;
        let jobs = offers.iter().map(offered).collect::<Result<_, _>>()?;
        let (run, received) =
            self.clock("issuance", Issuance, wallets, jobs, plan.limit, floor.issuance).await?;
        for credential in received {
            self.verify(credential).await?;
        }
        Ok(run)
    }

    async fn present(
        &self,
        plan: &Plan,
        wallets: usize,
        floor: &Floor,
        cards: &[Arc<Card>],
    ) -> Result<Line, Failure> {
        let requests =
            self.prepare(Request(self.integrator.clone()), vec![(); plan.jobs(wallets)]).await?;
        let job = |(request, card): (Created, &Arc<Card>)| {
            let place = request.parameter("request_uri")?;
            Ok::<_, Failure>(Asked { request: place, id: request.id, card: Arc::clone(card) })
        };
        let jobs =
            requests.into_iter().zip(cards.iter().cycle()).map(job).collect::<Result<_, _>>()?;
        let (run, answered) = self
            .clock("presentation", Presentation, wallets, jobs, plan.limit, floor.presentation)
            .await?;
        self.prepare(Verdict(self.integrator.clone()), answered).await?;
        Ok(run)
    }

    /// What the integrator does while no clock runs.
    async fn prepare<F: Flow>(
        &self,
        flow: F,
        jobs: Vec<F::Job>,
    ) -> Result<Vec<F::Outcome>, Failure> {
        let base = self.server.base();
        Ok(crowd::play(&Arc::new(flow), base, INTEGRATORS, jobs, PREPARATION).await?.outcomes)
    }

    async fn clock<F: Flow>(
        &self,
        name: &'static str,
        flow: F,
        wallets: usize,
        jobs: Vec<F::Job>,
        limit: Duration,
        floor: Duration,
    ) -> Result<(Line, Vec<F::Outcome>), Failure> {
        let before = Clocks::read(self.server)?;
        let Done { took, latencies, outcomes } =
            crowd::play(&Arc::new(flow), self.server.base(), wallets, jobs, limit).await?;
        let after = Clocks::read(self.server)?;
        let server_cpu = after.server.saturating_sub(before.server);
        let wallets_cpu = after.wallets.saturating_sub(before.wallets);
        let machine_cpu = after.machine.saturating_sub(before.machine);
        let run = Run {
            flow: name,
            wallets,
            took,
            latencies,
            server_cpu,
            other_cpu: machine_cpu.saturating_sub(server_cpu + wallets_cpu),
            wallets_cpu,
            server_memory: self.server.resident_memory()?,
            floor,
        };
        Ok((run.line(), outcomes))
    }
}

fn offered(created: &Created) -> Result<Offered, Failure> {
    Ok(Offered { offer: created.parameter("credential_offer_uri")?, key: fresh_key()? })
}

/// Processor time used so far, by whom.
struct Clocks {
    server: Duration,
    wallets: Duration,
    machine: Duration,
}

impl Clocks {
    fn read(server: &Server) -> Result<Self, Failure> {
        Ok(Self {
            server: server.cpu()?,
            wallets: machine::own_cpu()?,
            machine: machine::machine_cpu()?,
        })
    }
}
