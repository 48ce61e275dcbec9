//! What a service finds around it, and the few things that every step of it does.

use std::{future::pending, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use lanyard_core::crypto::CryptoProvider;
use lanyard_store::{NewEvent, SessionId, Store, TenantId};
use tokio::sync::watch;
use url::Url;

use crate::{Clock, DataKey, Live, http::Door, once::Calls};

/// What a service finds around it, the same for all of its tenants.
#[derive(Debug)]
pub struct Environment {
    /// The public URL of the server: scheme, host and port.
    pub base_url: Url,
    /// Where sessions are kept.
    pub store: Arc<dyn Store>,
    /// Cryptography, and the randomness of everything.
    pub provider: Arc<dyn CryptoProvider>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where integrators come in.
    pub door: Door,
    /// Who watches what happens.
    pub live: Live,
    /// Turns true when the server stops.
    pub shutdown: watch::Receiver<bool>,
    /// For how long a finished session is kept.
    pub retention: SignedDuration,
}

impl Environment {
    /// Whether a URL is one that a server can have: scheme, host and port, without a path.
    pub fn is_base_url(url: &Url) -> bool {
        url.has_host() && url.path() == "/" && url.query().is_none()
    }

    /// The present moment, as the store keeps it.
    pub fn now(&self) -> Timestamp {
        self.clock.now_as_kept()
    }

    /// Until when a session is kept that is finished now.
    pub fn kept_until(&self, now: Timestamp) -> Timestamp {
        now.checked_add(self.retention).unwrap_or(Timestamp::MAX)
    }

    /// Fresh random bytes for the name of a session or credential.
    pub fn name_bytes(&self) -> [u8; 10] {
        let mut bytes = [0; 10];
        self.provider.fill(&mut bytes);
        bytes
    }

    /// Where the calls of a tenant are remembered that are made once.
    pub fn calls(
        &self,
        tenant: &TenantId,
        data_key: &DataKey,
        operation: impl Into<String>,
    ) -> Calls {
        Calls {
            store: Arc::clone(&self.store),
            provider: Arc::clone(&self.provider),
            data_key: data_key.clone(),
            tenant: tenant.clone(),
            operation: operation.into(),
            now: self.now(),
        }
    }

    /// Writes an event down that changes nothing else; a store that cannot take it changes no answer.
    pub async fn append(&self, tenant: &TenantId, session: SessionId, event: NewEvent) {
        if let Err(error) = self.store.append_event(tenant, session, event).await {
            let (tenant, reason) = (tenant.as_str(), error.reason());
            tracing::warn!(tenant, %session, reason, "the trail was not written");
        }
    }

    /// Waits until the server stops.
    pub async fn stopped(&self) {
        let mut shutdown = self.shutdown.clone();
        if shutdown.wait_for(|stopped| *stopped).await.is_err() {
            // whoever could have said so is gone: what waits ends with its connection
            pending::<()>().await;
        }
    }
}
