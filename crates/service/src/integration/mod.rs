//! What integrators have beside issuer and verifier: their messages, and the description of the whole API.

mod docs;
mod document;
mod routes;

use std::{collections::HashMap, fmt, sync::Arc};

use axum::Router;
use lanyard_core::crypto::CryptoProvider;
use lanyard_store::{Store, TenantId};
use serde_json::Value;

pub use document::document;

use crate::{
    ApiKey, Clock,
    http::{Door, api::Operation},
};

/// What one service says about its routes: the operations, and the schemas that they refer to as JSON.
pub type Described = (Vec<Operation>, &'static str);

/// Everything the routes need.
pub struct IntegrationSettings {
    /// The API keys of each tenant.
    pub tenants: HashMap<TenantId, Vec<ApiKey>>,
    /// Where messages are.
    pub store: Arc<dyn Store>,
    /// Hashes keys.
    pub provider: Arc<dyn CryptoProvider>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What the services say about their routes.
    pub described: Vec<Described>,
}

/// The routes; cloning is cheap.
#[derive(Clone)]
pub struct IntegrationApi(Arc<Parts>);

struct Parts {
    tenants: usize,
    door: Door,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    document: Value,
    page: String,
}

impl IntegrationApi {
    /// Puts the routes together, and writes down what the whole API is.
    pub fn new(settings: IntegrationSettings) -> Self {
        let mut described = settings.described;
        described.push(Self::described());
        let document = document(&described);
        let page = docs::page(&described);
        Self(Arc::new(Parts {
            tenants: settings.tenants.len(),
            door: Door::new(settings.tenants, settings.provider),
            store: settings.store,
            clock: settings.clock,
            document,
            page,
        }))
    }

    /// The routes; without a fallback, so that they can be merged with others.
    pub fn router(&self) -> Router {
        routes::router(self.clone())
    }

    /// What is said about the routes of this part.
    pub fn described() -> Described {
        (routes::api().into_operations(), routes::SCHEMAS)
    }
}

impl fmt::Debug for IntegrationApi {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "IntegrationApi({} tenants)", self.0.tenants)
    }
}
