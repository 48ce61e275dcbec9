//! The peers that others wrote, played by the same wallets on the same machine in the same run: figures of
//! two servers say something about each other only then.

use std::{fs, path::Path, sync::Arc};

use lanyard_core::{
    crypto::AwsLc,
    trust::{IssuerKeys, IssuerTrust, x509::TrustAnchors},
};
use serde::Deserialize;

use crate::{
    failure::Failure,
    floor::{self, Sizes},
    integrator::Integrator,
    plan::{Flows, Plan, Turn},
    presentation::Card,
    report::Line,
    server::{Server, Setting},
    stage::Stage,
};

/// A peer, whose issuer and verifier are programs beside each other.
struct Peer {
    name: &'static str,
    program: &'static str,
    /// More than it ever did in a second, so that its offers are not made for longer than it is played.
    most_per_second: usize,
}

const PEERS: [Peer; 2] = [
    Peer { name: "openid4vc-ts, in memory", program: "openid4vc", most_per_second: 1_500 },
    Peer { name: "Credo, in memory", program: "credo", most_per_second: 300 },
];

/// What a peer says once it listens.
#[derive(Deserialize)]
struct Announced {
    trust_anchor_pem: String,
}

/// Where peers are, and where they run.
pub(crate) struct Ground<'g> {
    /// The folder of their programs.
    pub(crate) programs: &'g Path,
    /// A folder for what they say.
    pub(crate) data: &'g Path,
    /// The core of a server.
    pub(crate) core: usize,
}

/// Plays what the peers can do, of what is to be played.
pub(crate) async fn play(
    plan: &Plan,
    ground: &Ground<'_>,
    sizes: Sizes,
) -> Result<Vec<Line>, Failure> {
    let mut lines = Vec::new();
    for peer in PEERS {
        let running = Running::start(&peer, "issuer", None, ground).await?;
        let stage = running.stage(&peer)?;
        // presented to their verifier later: it has no status, which they would fetch for each presentation
        let card = Arc::new(stage.first_credential().await?.card);
        if plan.flows().contains(&Flows::Issuance) {
            lines.extend(turns(plan, &peer, &stage, Flows::Issuance, (&card, sizes)).await?);
        }
        let anchor = ground.data.join(format!("{}.pem", peer.program));
        fs::write(&anchor, &running.announced.trust_anchor_pem)?;
        running.server.stop().await?;

        if plan.flows().contains(&Flows::Presentation) {
            let running = Running::start(&peer, "verifier", Some(&anchor), ground).await?;
            let stage = running.stage(&peer)?;
            lines.extend(turns(plan, &peer, &stage, Flows::Presentation, (&card, sizes)).await?);
            running.server.stop().await?;
        }
    }
    Ok(lines)
}

/// One flow by so many wallets, for each number of them; the first turn warms the peer up and does not count.
async fn turns(
    plan: &Plan,
    peer: &Peer,
    stage: &Stage<'_>,
    flow: Flows,
    (card, sizes): (&Arc<Card>, Sizes),
) -> Result<Vec<Line>, Failure> {
    let floor = floor::measure(flow.work(sizes), sizes)?;
    let most = plan.limit().as_secs() as usize * peer.most_per_second;
    let mut lines = Vec::new();
    for wallets in plan.wallets().first().into_iter().chain(plan.wallets()) {
        let turn = Turn { flow, wallets: *wallets, floor, limit: plan.limit() };
        let jobs = plan.jobs(flow, *wallets).min(most);
        let played = match flow {
            Flows::Presentation => stage.present(turn, jobs, card).await,
            _ => stage.issue(turn, jobs).await,
        };
        match played {
            Ok((line, _)) => lines.push(line),
            Err(failure) => {
                stage.server.show_log();
                return Err(failure);
            }
        }
    }
    Ok(lines.into_iter().skip(1).collect())
}

/// A peer that listens.
struct Running {
    server: Server,
    announced: Announced,
}

impl Running {
    async fn start(
        peer: &Peer,
        role: &str,
        anchor: Option<&Path>,
        ground: &Ground<'_>,
    ) -> Result<Self, Failure> {
        let name = format!("{}-{role}", peer.program);
        let program = ground.programs.join(format!("{name}.mjs"));
        let setting = Setting::Peer { program: &program, anchor };
        let (node, data) = (Path::new("node"), ground.data.join(name));
        let server = Server::start(node, &data, ground.core, setting).await?;
        let announced = serde_json::from_str(&server.first_words()?)?;
        Ok(Self { server, announced })
    }

    fn stage(&self, peer: &Peer) -> Result<Stage<'_>, Failure> {
        let anchors = TrustAnchors::from_pem(&self.announced.trust_anchor_pem)?;
        let issuers = IssuerKeys::new(IssuerTrust::certificates(anchors), Arc::new(AwsLc));
        let integrator = Integrator::of_peer(&self.server)?;
        let (name, server) = (peer.name, &self.server);
        Ok(Stage { name, server, database: None, integrator, issuers, ledger: None })
    }
}
