//! Credential types, holders and sources of claims that change while the server runs.
//!
//! The whole configuration is read again and checked; only if nothing is wrong with it, what it says about
//! these counts from now on. Everything else counts from the next start.

use std::{path::PathBuf, sync::Arc};

use lanyard_issuer::IssuerService;
use tokio::sync::watch;

use super::{
    error::StartError,
    ground::Ground,
    issuing,
    plan::{Plan, PlanError},
    ticks::Ticks,
    trust::{INTERVAL, Stamp, TrustHealth, stamp},
};
use crate::{
    config::{Config, ConfigError},
    live_types::LiveTypes,
};

/// Why what the files say does not count.
#[derive(Debug, thiserror::Error)]
enum ReloadError {
    /// The configuration is wrong; every fault with its file and line.
    #[error(transparent)]
    Configuration(#[from] ConfigError),
    /// A file that it names cannot be used.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Something that it names cannot be put together.
    #[error(transparent)]
    Parts(#[from] StartError),
}

/// A configuration that may change, and what follows it.
pub(super) struct WatchedConfiguration {
    path: PathBuf,
    files: Vec<PathBuf>,
    seen: Vec<Option<Stamp>>,
    ground: Arc<Ground>,
    service: IssuerService,
    /// The types that the pages show.
    shown: LiveTypes,
    health: TrustHealth,
}

impl WatchedConfiguration {
    /// Watches the configuration that a plan was made of; none where it was made of no file.
    pub(super) fn of(
        plan: &Plan,
        ground: Arc<Ground>,
        service: IssuerService,
        shown: LiveTypes,
        health: TrustHealth,
    ) -> Option<Self> {
        let path = plan.source.clone()?;
        let files = plan.living_files.clone();
        let seen = stamps(&path, &files);
        Some(Self { path, files, seen, ground, service, shown, health })
    }

    /// Looks at the files, and takes what they say if one changed and all are good.
    async fn look(&mut self) {
        let now = stamps(&self.path, &self.files);
        if now == self.seen {
            return;
        }
        self.seen = now;
        let taken = self.take().await;
        self.health.note_of("configuration", taken.is_err());
        match taken {
            Ok(()) => tracing::info!("configuration taken"),
            Err(error) => {
                tracing::error!(%error, "configuration refused; the one before counts");
            }
        }
    }

    async fn take(&mut self) -> Result<(), ReloadError> {
        let config = Config::read(&self.path)?;
        let plan = Plan::of(&config)?;
        let offerings = issuing::offerings(&self.ground, &plan).await?;
        self.service.reload(offerings).map_err(StartError::from)?;
        if self.files != plan.living_files {
            self.files = plan.living_files;
            self.seen = stamps(&self.path, &self.files);
        }
        // the pages are those of the first tenant
        if let Some(tenant) = plan.tenants.into_iter().next() {
            self.shown.replace(tenant.types);
        }
        Ok(())
    }
}

fn stamps(path: &PathBuf, files: &[PathBuf]) -> Vec<Option<Stamp>> {
    std::iter::once(path).chain(files).map(stamp).collect()
}

/// Looks at the files again and again, until the server stops.
pub(super) fn keep_looking(mut watched: WatchedConfiguration, shutdown: watch::Receiver<bool>) {
    tokio::spawn(async move {
        let mut ticks = Ticks::every(INTERVAL, shutdown);
        while ticks.next().await {
            watched.look().await;
        }
    });
}
