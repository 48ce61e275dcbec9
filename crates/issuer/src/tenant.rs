//! One tenant, prepared: what can be rendered once is rendered once.

use std::sync::Arc;

use bytes::Bytes;
use lanyard_core::status::StatusReference;
use lanyard_oid4vci::issuer::Issuer;
use lanyard_store::{StatusPlace, TenantId};

use crate::{ApiKey, DataKey, LoginSettings, StatusLists, TenantSettings, VcApiKeys};

/// A tenant with its two metadata documents as they go over the wire.
#[derive(Debug)]
pub(crate) struct Tenant {
    pub(crate) id: TenantId,
    pub(crate) issuer: Issuer,
    pub(crate) data_key: DataKey,
    pub(crate) api_keys: Vec<ApiKey>,
    pub(crate) status_lists: Option<Arc<StatusLists>>,
    pub(crate) login: Option<LoginSettings>,
    pub(crate) vc_api: Option<VcApiKeys>,
    pub(crate) issuer_metadata: Bytes,
    pub(crate) server_metadata: Bytes,
}

impl From<TenantSettings> for Tenant {
    fn from(settings: TenantSettings) -> Self {
        Self {
            issuer_metadata: settings.issuer.metadata().to_json().into(),
            server_metadata: settings.issuer.authorization_server_metadata().to_json().into(),
            id: settings.tenant,
            issuer: settings.issuer,
            data_key: settings.data_key,
            api_keys: settings.api_keys,
            status_lists: settings.status_lists,
            login: settings.login,
            vc_api: settings.vc_api,
        }
    }
}

impl Tenant {
    /// Where the copies of a credential have their statuses.
    pub(crate) fn places_of(&self, references: &[StatusReference]) -> Vec<StatusPlace> {
        let lists = self.status_lists.iter();
        lists.flat_map(|lists| references.iter().filter_map(|one| lists.place_of(one))).collect()
    }
}
