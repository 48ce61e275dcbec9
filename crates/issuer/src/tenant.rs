//! One tenant, prepared: what can be rendered once is rendered once.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Deref,
    sync::Arc,
};

use axum::http::HeaderValue;
use bytes::Bytes;
use jiff::{Timestamp, fmt::rfc2822::DateTimePrinter};
use lanyard_core::{
    crypto::{CryptoProvider, HashAlgorithm},
    json,
    status::{StatusReference, bitstring_status_list::StatusPurpose},
};
use lanyard_oid4vci::{
    CredentialConfigurationId,
    configuration::{IssuerConfiguration, PictureUse},
    issuer::Issuer,
};
use lanyard_store::{CredentialId, NewStatus, TenantId};
use serde::{Deserialize, Serialize};

use crate::{
    DataKey, LoginSettings, OtherAuthorizationServer, StatusLists, TenantSettings, VcApiKeys,
};

/// How many editions before the present one sessions are finished under.
const EARLIER: usize = 16;

/// A tenant with its two metadata documents as they go over the wire.
#[derive(Debug)]
pub(crate) struct Tenant {
    pub(crate) id: TenantId,
    pub(crate) issuer: Issuer,
    pub(crate) data_key: DataKey,
    pub(crate) status_lists: Option<Arc<StatusLists>>,
    pub(crate) login: Option<LoginSettings>,
    pub(crate) vc_api: Option<Arc<VcApiKeys>>,
    pub(crate) issuer_metadata: Document,
    pub(crate) server_metadata: Document,
    /// With the media type of each.
    pub(crate) pictures:
        BTreeMap<(CredentialConfigurationId, PictureUse), (Document, &'static str)>,
    pub(crate) edition: Edition,
}

/// A document with what caches know it by.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) body: Bytes,
    pub(crate) etag: HeaderValue,
    /// Since when the tenant offers what it says.
    pub(crate) since: Timestamp,
    /// The same, as caches are told (RFC 9110 §5.6.7).
    pub(crate) last_modified: Option<HeaderValue>,
}

/// Which credential types a session began under: the same types have the same edition on every replica and
/// after every restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Edition(u64);

/// The tenant that a session is finished under.
pub(crate) enum AsBegan<'t> {
    /// As it is.
    Present(&'t Tenant),
    /// As it was when the session began.
    Earlier(Arc<Tenant>),
}

impl Deref for AsBegan<'_> {
    type Target = Tenant;

    fn deref(&self) -> &Tenant {
        match self {
            Self::Present(tenant) => tenant,
            Self::Earlier(tenant) => tenant,
        }
    }
}

/// A tenant as it is now, and as it was when sessions began that may not be finished.
#[derive(Debug)]
pub(crate) struct Editions {
    current: Arc<Tenant>,
    earlier: VecDeque<Arc<Tenant>>,
}

impl Tenant {
    pub(crate) fn new(
        settings: TenantSettings,
        provider: &dyn CryptoProvider,
        now: Timestamp,
    ) -> Self {
        let issuer = settings.issuer;
        let document = |body| Document::new(body, provider, now);
        let pictures = issuer.configuration().pictures().map(|(place, picture)| {
            let shown = (document(picture.bytes().to_vec()), picture.kind().media_type());
            (place.clone(), shown)
        });
        Self {
            pictures: pictures.collect(),
            issuer_metadata: document(issuer.metadata().to_json()),
            server_metadata: document(issuer.authorization_server_metadata().to_json()),
            edition: Edition::of(issuer.configuration(), provider),
            id: settings.tenant,
            issuer,
            data_key: settings.data_key,
            status_lists: settings.status_lists,
            login: settings.login,
            vc_api: settings.vc_api.map(Arc::new),
        }
    }

    /// The same tenant, which offers something else from now on.
    pub(crate) fn offering(
        &self,
        issuer: Issuer,
        login: Option<LoginSettings>,
        provider: &dyn CryptoProvider,
        now: Timestamp,
    ) -> Self {
        let settings = TenantSettings {
            tenant: self.id.clone(),
            issuer,
            data_key: self.data_key.clone(),
            api_keys: Vec::new(),
            status_lists: self.status_lists.clone(),
            login,
            vc_api: None,
        };
        Self { vc_api: self.vc_api.clone(), ..Self::new(settings, provider, now) }
    }

    /// The authorization server of somebody else, if its tokens are taken here.
    pub(crate) fn elsewhere(&self) -> Option<&OtherAuthorizationServer> {
        self.login.as_ref()?.ways.elsewhere()
    }

    /// Where the copies of a credential have their statuses, as the store keeps it.
    pub(crate) fn statuses_of(
        &self,
        credential: CredentialId,
        references: &[StatusReference],
    ) -> Vec<NewStatus> {
        let Some(lists) = &self.status_lists else { return Vec::new() };
        let status = |reference| {
            let place = lists.place_of(reference)?;
            let is_suspendable = match reference {
                StatusReference::Bitstring(entries) => {
                    entries.iter().any(|entry| entry.purpose() == StatusPurpose::Suspension)
                }
                _ => true,
            };
            Some(NewStatus { credential, place, is_suspendable })
        };
        references.iter().filter_map(status).collect()
    }
}

impl Document {
    pub(crate) fn new(body: Vec<u8>, provider: &dyn CryptoProvider, since: Timestamp) -> Self {
        let digest = provider.hash(HashAlgorithm::Sha256, &body);
        let etag = HeaderValue::try_from(format!("\"{}\"", json::base64url(digest.as_bytes())));
        let etag = etag.expect("base64url between quotes is visible ASCII");
        let last_modified = DateTimePrinter::new().timestamp_to_rfc9110_string(&since).ok();
        let last_modified = last_modified.and_then(|date| HeaderValue::try_from(date).ok());
        Self { body: body.into(), etag, since, last_modified }
    }
}

impl Edition {
    fn of(configuration: &IssuerConfiguration, provider: &dyn CryptoProvider) -> Self {
        let types = serde_json::to_vec(configuration.credentials());
        let types = types.expect("a credential configuration is JSON");
        let digest = provider.hash(HashAlgorithm::Sha256, &types);
        let head = digest.as_bytes().first_chunk().expect("a digest has 32 bytes");
        Self(u64::from_be_bytes(*head))
    }
}

impl Editions {
    pub(crate) fn new(tenant: Tenant) -> Self {
        Self { current: Arc::new(tenant), earlier: VecDeque::new() }
    }

    pub(crate) const fn current(&self) -> &Arc<Tenant> {
        &self.current
    }

    /// The tenant as it was under another edition than the present one.
    pub(crate) fn earlier(&self, edition: Edition) -> Option<&Arc<Tenant>> {
        self.earlier.iter().find(|tenant| tenant.edition == edition)
    }

    /// Puts another edition in force; the one before it counts for what began under it.
    pub(crate) fn replace(&mut self, tenant: Tenant) {
        let before = std::mem::replace(&mut self.current, Arc::new(tenant));
        self.earlier
            .retain(|known| ![before.edition, self.current.edition].contains(&known.edition));
        if before.edition != self.current.edition {
            self.earlier.push_front(before);
        }
        self.earlier.truncate(EARLIER);
    }
}
