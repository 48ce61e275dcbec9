//! A server of a run and whoever plays there: what waits before the clocks start, what is read while they run, and
//! what is judged once they have stopped.

use std::{sync::Arc, time::Duration};

use lanyard_core::{
    Timestamp,
    crypto::AwsLc,
    sd_jwt_vc::UnverifiedSdJwtVc,
    trust::x509::TrustAnchors,
    trust::{IssuerKeys, IssuerTrust},
};

use crate::{
    client::{Connection, Exchange},
    crowd::{self, Done, Flow},
    database::Database,
    failure::Failure,
    floor::Sizes,
    integrator::{Created, Integrator, OFFER, Offer, Placed, Request, Verdict},
    issuance::{Issuance, Offered, Received},
    ledger::{Ledger, entry::Written},
    machine,
    plan::{BATCH, Flows, OURS, Turn},
    presentation::{Asked, Card, Presentation},
    promises::Promises,
    proofs::fresh_key,
    report::{Line, Run},
    server::Server,
};

/// How many connections create offers and requests before the clock starts.
const INTEGRATORS: usize = 32;

/// No preparation takes longer than this.
const PREPARATION: Duration = Duration::from_secs(60);

/// The server with everything that the wallets and the integrator know about it.
pub(crate) struct Stage<'s> {
    pub(crate) name: &'static str,
    pub(crate) server: &'s Server,
    pub(crate) database: Option<&'s Database>,
    pub(crate) integrator: Integrator,
    pub(crate) issuers: IssuerKeys,
    /// Where every step is written down, if anywhere.
    pub(crate) ledger: Option<Arc<Ledger>>,
}

/// The first credential of a new server.
pub(crate) struct First {
    pub(crate) after: Duration,
    pub(crate) card: Card,
    pub(crate) sizes: Sizes,
}

impl<'s> Stage<'s> {
    /// A server of ours with these tenants, and the database that it has in place of a file.
    pub(crate) fn set(
        server: &'s Server,
        tenants: &[String],
        database: Option<&'s Database>,
    ) -> Result<Self, Failure> {
        let anchors = TrustAnchors::from_pem(&server.file("ca.pem")?)?;
        let issuers = IssuerKeys::new(IssuerTrust::certificates(anchors), Arc::new(AwsLc));
        let integrator = Integrator::of(server, tenants)?;
        let ledger = None;
        Ok(Self { name: OURS, server, database, integrator, issuers, ledger })
    }

    /// From nothing to a credential that verifies.
    pub(crate) async fn first_credential(&self) -> Result<First, Failure> {
        let mut connection = Connection::open(self.server.base()).await?;
        let offer = Offer(self.integrator.clone()).play(&mut connection, ()).await?;
        let job = offered(&offer.created, Flows::Issuance)?;
        let mut cards = self.verify(Issuance.play(&mut connection, job).await?).await?;
        let card = cards.pop().ok_or(Failure::Lacks("credential"))?;
        let after = self.server.started().elapsed();
        let issued = card.held.disclosable().count();
        let token = card.held.as_str().find('~').unwrap_or_default();
        Ok(First { after, sizes: Sizes { issued, disclosed: issued.min(4), token }, card })
    }

    async fn verify(&self, received: Received) -> Result<Vec<Card>, Failure> {
        let now = Timestamp::now();
        let mut cards = Vec::with_capacity(received.len());
        for (text, key) in received {
            let credential = UnverifiedSdJwtVc::parse(&text)?;
            let issuer = self.issuers.find(&credential.claimed_issuer(), now).await?;
            cards.push(Card { held: credential.verify_for_holding(issuer, now, &AwsLc)?, key });
        }
        Ok(cards)
    }

    /// Issues so often.
    pub(crate) async fn issue(
        &self,
        turn: Turn,
        jobs: usize,
    ) -> Result<(Line, Vec<Exchange>), Failure> {
        let jobs = self.offers(turn.flow, jobs).await?;
        let offers: Vec<_> = jobs.iter().map(|job| job.offer.clone()).collect();
        let flow = Written::new(Issuance, self.ledger.as_ref());
        let clocked = clock(self.name, (self.server, self.database), turn, flow, jobs).await?;
        let (taken, left) = offers.split_at(clocked.outcomes.len().min(offers.len()));
        let mut promises = Promises::default();
        // nobody else promised anything: the peers' credentials have no place in a list
        let is_ours = self.name == OURS;
        for credentials in clocked.outcomes {
            if is_ours {
                promises.places(credentials.iter().map(|(text, _)| text.as_str()))?;
            }
            self.verify(credentials).await?;
        }
        let mut line = clocked.line;
        // what a ledger says is looked at when its server has been played with
        if is_ours && self.ledger.is_none() {
            promises.offers(self.server.base(), (taken, left)).await?;
            line.kept(promises);
        }
        Ok((line, clocked.exchanges))
    }

    /// Presents a credential so often.
    pub(crate) async fn present(
        &self,
        turn: Turn,
        jobs: usize,
        card: &Arc<Card>,
    ) -> Result<(Line, Vec<Exchange>), Failure> {
        let jobs = self.requests(jobs, card).await?;
        let requests: Vec<_> = jobs.iter().map(|job| job.request.clone()).collect();
        let flow = Written::new(Presentation, self.ledger.as_ref());
        let clocked = clock(self.name, (self.server, self.database), turn, flow, jobs).await?;
        let taken = &requests[..clocked.outcomes.len().min(requests.len())];
        let mut line = clocked.line;
        if self.name == OURS && self.ledger.is_none() {
            let mut promises = Promises::default();
            promises.presentations(self.server.base(), taken, card).await?;
            line.kept(promises);
        }
        // I4: whatever was shown again since, each has the result that it had
        self.prepare(Verdict(self.integrator.clone()), clocked.outcomes).await?;
        Ok((line, clocked.exchanges))
    }

    /// So many offers, and the keys of those who take them.
    pub(crate) async fn offers(&self, flow: Flows, count: usize) -> Result<Vec<Offered>, Failure> {
        let offers = self.prepare(Offer(self.integrator.clone()), vec![(); count]).await?;
        offers.iter().map(|offer| offered(&offer.created, flow)).collect()
    }

    /// So many requests, and the card that answers them.
    pub(crate) async fn requests(
        &self,
        count: usize,
        card: &Arc<Card>,
    ) -> Result<Vec<Asked>, Failure> {
        let requests = self.prepare(Request(self.integrator.clone()), vec![(); count]).await?;
        requests.into_iter().map(|request| asked(request, card)).collect()
    }

    /// What the integrator does while no clock runs.
    async fn prepare<F: Flow>(
        &self,
        flow: F,
        jobs: Vec<F::Job>,
    ) -> Result<Vec<F::Outcome>, Failure> {
        let base = self.server.base();
        let flow = Written::new(flow, self.ledger.as_ref());
        Ok(crowd::play(&Arc::new(flow), base, INTEGRATORS, jobs, PREPARATION).await?.outcomes)
    }
}

/// What came out while the clocks ran.
pub(crate) struct Clocked<O> {
    pub(crate) line: Line,
    pub(crate) outcomes: Vec<O>,
    pub(crate) exchanges: Vec<Exchange>,
}

/// Plays jobs while the clocks run.
pub(crate) async fn clock<F: Flow>(
    name: &'static str,
    (server, database): (&Server, Option<&Database>),
    turn: Turn,
    flow: F,
    jobs: Vec<F::Job>,
) -> Result<Clocked<F::Outcome>, Failure> {
    let (waiting, memory_while_waiting) = (jobs.len(), server.resident_memory()?);
    server.forget_peak()?;
    let counted = database.map(Database::counts).transpose()?;
    let before = Clocks::read(server, database)?;
    let Done { took, latencies, outcomes, exchanges } =
        crowd::play(&Arc::new(flow), server.base(), turn.wallets, jobs, turn.limit).await?;
    let used = Clocks::read(server, database)?.since(&before);
    let counted = match (database, counted) {
        (Some(database), Some(before)) => Some(database.counts()?.since(before)),
        _ => None,
    };
    let run = Run {
        server: name,
        flow: turn.flow.name(),
        wallets: turn.wallets,
        start: server.ready_after(),
        took,
        latencies,
        server_cpu: used.server,
        other_cpu: used.machine.saturating_sub(used.server + used.database + used.wallets),
        wallets_cpu: used.wallets,
        database: counted.map(|counts| (used.database, counts)),
        waiting,
        memory_while_waiting,
        server_memory: server.resident_memory()?,
        peak_memory: server.peak_memory()?,
        floor: turn.floor,
    };
    Ok(Clocked { line: run.line(), outcomes, exchanges })
}

/// A request as the wallet with this card finds it.
pub(crate) fn asked(request: Placed, card: &Arc<Card>) -> Result<Asked, Failure> {
    let place = request.created.parameter("request_uri")?;
    Ok(Asked { request: place, session: request.session, card: Arc::clone(card) })
}

/// An offer as a wallet with fresh keys finds it.
pub(crate) fn offered(created: &Created, flow: Flows) -> Result<Offered, Failure> {
    let copies = if flow == Flows::Batch { BATCH } else { 1 };
    Ok(Offered {
        offer: created.parameter(OFFER)?,
        keys: (0..copies).map(|_| fresh_key()).collect::<Result<_, _>>()?,
        bound_to: (flow == Flows::Dpop).then(fresh_key).transpose()?,
    })
}

/// Processor time used, by whom.
pub(crate) struct Clocks {
    pub(crate) server: Duration,
    pub(crate) database: Duration,
    wallets: Duration,
    machine: Duration,
}

impl Clocks {
    /// What was used so far.
    pub(crate) fn read(server: &Server, database: Option<&Database>) -> Result<Self, Failure> {
        Ok(Self {
            server: server.cpu()?,
            database: database.map(Database::cpu).transpose()?.unwrap_or_default(),
            wallets: machine::own_cpu()?,
            machine: machine::machine_cpu()?,
        })
    }

    /// What was used since.
    pub(crate) const fn since(&self, before: &Self) -> Self {
        Self {
            server: self.server.saturating_sub(before.server),
            database: self.database.saturating_sub(before.database),
            wallets: self.wallets.saturating_sub(before.wallets),
            machine: self.machine.saturating_sub(before.machine),
        }
    }
}
