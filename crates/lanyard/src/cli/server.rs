//! `lanyard demo` and `lanyard serve`

use std::fmt::Display;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use lanyard_core::trust::x509::TrustAnchors;
use lanyard_fetch::{HostPort, SafeFetcher};
use lanyard_store::PostgresOptions;
use tokio::sync::watch;

use super::{Ending, ExitCode};
use crate::config::{Config, SharedStore, Transport};
use crate::serve::{
    accept, compose, observe,
    plan::{Plan, PocketWorld},
    tls::ServerTls,
};
use crate::web::AutoConsent;

/// `lanyard demo`
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The port to listen on, on loopback
    #[arg(long, default_value_t = 7077)]
    pub port: u16,
    /// The folder for keys, database and wallet; made on first start
    #[arg(long, default_value = "lanyard-demo")]
    pub data: PathBuf,
    /// Keep what issuer and verifier keep in this PostgreSQL database, not in the folder; a password that it asks for is
    /// in LANYARD_POSTGRES_PASSWORD
    #[arg(long, value_name = "ADDRESS")]
    pub postgres: Option<String>,
    /// Refuse good nonces now and then, answer late and with members that nobody knows, to try wallets with
    #[arg(long)]
    pub awkward: bool,
    /// Let Pocket take every offer and answer every request that its URL /pocket/open is called with, without asking:
    /// for suites that try wallets
    #[arg(long)]
    pub danger_auto_consent: bool,
    /// The transaction code that it answers with then
    #[arg(long, value_name = "CODE", requires = "danger_auto_consent")]
    pub tx_code: Option<String>,
    /// Certificates, PEM, of authorities whose issuers and verifiers Pocket believes beside the demo's own
    #[arg(long, value_name = "FILE")]
    pub pocket_trust_anchor: Vec<PathBuf>,
    /// A server, as host:port, that Pocket may reach over https although it is in a private network
    #[arg(long, value_name = "HOST:PORT")]
    pub pocket_reach: Vec<HostPort>,
    /// Certificates, PEM, that vouch for the TLS of the servers that Pocket reaches, beside the system's
    #[arg(long, value_name = "FILE")]
    pub pocket_tls_root: Vec<PathBuf>,
}

impl DemoArgs {
    /// Whom Pocket believes and reaches beside the demo itself.
    fn pocket(&self) -> Result<PocketWorld, String> {
        let said = |file: &Path, error: &dyn Display| format!("{}: {error}", file.display());
        let mut anchors = TrustAnchors::default();
        for file in &self.pocket_trust_anchor {
            let pem = fs::read_to_string(file).map_err(|error| said(file, &error))?;
            let more = TrustAnchors::from_pem(&pem).map_err(|error| said(file, &error))?;
            anchors = anchors.and(more);
        }
        let mut tls_roots = Vec::new();
        for file in &self.pocket_tls_root {
            let pem = fs::read(file).map_err(|error| said(file, &error))?;
            drop(SafeFetcher::builder().trust_roots(&pem).map_err(|error| said(file, &error))?);
            tls_roots.push(pem);
        }
        Ok(PocketWorld { anchors, hosts: self.pocket_reach.clone(), tls_roots })
    }
}

/// `lanyard serve`
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The configuration; lanyard config reference tells every key
    #[arg(long, default_value = "lanyard.toml")]
    pub config: PathBuf,
    /// Read the configuration, say what is wrong with it, and stop
    #[arg(long)]
    pub check: bool,
}

pub(super) async fn demo(args: &DemoArgs) -> Ending {
    let pocket = match args.pocket() {
        Ok(pocket) => pocket,
        Err(why) => return Ending::not_done(ExitCode::Usage, "pocket", why),
    };
    let address = SocketAddr::from(([127, 0, 0, 1], args.port));
    let listener = match accept::Listener::bind(address, None).await {
        Ok(listener) => listener,
        Err(error) => {
            return Ending::not_done(
                ExitCode::Failed,
                "listen",
                format!("Port {} cannot be used ({error}); choose another with --port.", args.port),
            );
        }
    };
    let plan = match Plan::demo(
        listener.local_addr().map_or(args.port, |address| address.port()),
        args.data.clone(),
    ) {
        Ok(plan) => {
            let consents = args.danger_auto_consent;
            let danger_auto_consent =
                consents.then(|| AutoConsent { tx_code: args.tx_code.clone() });
            let store = args.postgres.as_deref().map(PostgresOptions::new);
            let store = store.map(|postgres| SharedStore { postgres });
            Plan { awkward: args.awkward, danger_auto_consent, pocket, store, ..plan }
        }
        Err(error) => return Ending::not_done(ExitCode::Failed, "start", error.to_string()),
    };
    let welcome = compose::welcome(&plan);
    let mut listeners = vec![listener];
    // browsers take `localhost` for either loopback address; a machine without IPv6 does with one
    let other = SocketAddr::from((
        std::net::Ipv6Addr::LOCALHOST,
        plan.base_url.port().unwrap_or(args.port),
    ));
    listeners.extend(accept::Listener::bind(other, None).await);
    // nobody sends people to a demo: it need not say that it goes
    let limits = accept::Limits { notice: Duration::ZERO, ..accept::Limits::default() };
    run(plan, listeners, None, &welcome, limits).await
}

pub(super) async fn serve(args: &ServeArgs) -> Ending {
    let config = match Config::read(&args.config) {
        Ok(config) => config,
        Err(error) => return Ending::not_done(ExitCode::Usage, "configuration", error.to_string()),
    };
    if args.check {
        return Ending::done("The configuration is good.", serde_json::json!({ "good": true }));
    }
    let plan = match Plan::of(&config) {
        Ok(plan) => plan,
        Err(error) => return Ending::not_done(ExitCode::Failed, "start", error.to_string()),
    };
    let _logs = observe::start(plan.metrics.as_ref(), plan.telemetry.is_some());
    let started = async {
        let tls = match &config.transport {
            Transport::Tls { certificates, key } => Some(
                ServerTls::from_pem_files(certificates, key).map_err(|error| error.to_string())?,
            ),
            Transport::PlainLoopback | Transport::BehindProxy(_) => None,
        };
        let listener = bind(config.listen, tls).await?;
        let metrics = match config.metrics {
            Some(address) => Some(bind(address, None).await?),
            None => None,
        };
        Ok::<_, String>((listener, metrics))
    };
    let (listener, metrics) = match started.await {
        Ok(parts) => parts,
        Err(why) => return Ending::not_done(ExitCode::Failed, "start", why),
    };
    let mut limits = accept::Limits::default();
    if let Transport::BehindProxy(proxies) = &config.transport {
        limits.per_ip_spares.clone_from(proxies);
    }
    let welcome = format!("Lanyard serves {} on {}", plan.base_url, config.listen);
    run(plan, vec![listener], metrics, &welcome, limits).await
}

async fn bind(address: SocketAddr, tls: Option<ServerTls>) -> Result<accept::Listener, String> {
    let bound = accept::Listener::bind(address, tls).await;
    bound.map_err(|error| format!("{address}: {error}"))
}

#[expect(clippy::print_stdout, reason = "the output of a command")]
async fn run(
    plan: Plan,
    listeners: Vec<accept::Listener>,
    metrics: Option<accept::Listener>,
    welcome: &str,
    limits: accept::Limits,
) -> Ending {
    let (stop, stopping) = watch::channel(false);
    let counted = metrics.zip(plan.metrics.clone());
    let routes = match compose::compose(plan, stopping.clone()).await {
        Ok(routes) => routes,
        Err(error) => {
            return Ending::not_done(
                ExitCode::Failed,
                "start",
                format!("Lanyard did not start: {error}"),
            );
        }
    };
    if let Some((listener, metrics)) = counted {
        let mut stopping = stopping;
        let ended = async move {
            let _ = stopping.wait_for(|stopped| *stopped).await;
        };
        let limits = accept::Limits::default();
        tokio::spawn(async move {
            let served = accept::serve(vec![listener], metrics.router(), limits, ended).await;
            if let Err(error) = served {
                tracing::error!(%error, "nobody can read the metrics any more");
            }
        });
    }
    println!("{welcome}");
    let ended = async move {
        stopped().await;
        let _ = stop.send(true);
    };
    match accept::serve(listeners, routes, limits, ended).await {
        Ok(served) => {
            let text = format!("Stopped; {} connections were served.", served.connections);
            Ending::done(text, serde_json::json!({ "connections": served.connections }))
        }
        Err(error) => Ending::not_done(ExitCode::Failed, "serve", error.to_string()),
    }
}

/// Ctrl+C, or the polite signal of a service manager.
async fn stopped() {
    let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
    match terminate {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}
