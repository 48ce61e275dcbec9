//! Saved requests: questions by name and version, from the configuration and by the API.

use lanyard_core::crypto::{CryptoProvider, HashAlgorithm};
use lanyard_oid4vp::dcql::DcqlQuery;
use lanyard_service::Sealed;
use lanyard_store::{Put, SecretName, SessionId, TenantId};
use serde::{Deserialize, Serialize};

use crate::{
    Advice, Preset, RequestFault, RequestPolicy, VerifierError, VerifierService,
    create::check_possible, lint, tenant::Tenant,
};

/// Where the store keeps them.
const PREFIX: &str = "saved-request/";
/// The most versions of all saved requests of one tenant.
const MOST: usize = 500;
/// The longest identifier, title and purpose.
const LONGEST_ID: usize = 48;
const LONGEST_TEXT: usize = 500;

/// A question to keep; as JSON, the body of `POST /api/{tenant}/presets`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NewSavedRequest {
    /// Its name: lower-case letters, digits, `-` and `_`.
    pub id: String,
    /// Its title, for people.
    pub title: String,
    /// Why one asks, for people.
    pub purpose: String,
    /// What is asked for.
    pub dcql_query: DcqlQuery,
    /// What is demanded beyond the tenant's policies.
    #[serde(default, skip_serializing_if = "RequestPolicy::is_empty")]
    pub policy: RequestPolicy,
}

/// A version that was saved; it never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SavedRequest {
    /// Its name.
    pub id: String,
    /// Its version.
    pub version: u32,
    /// What it asks for that its purpose may not need.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Advice>,
}

impl VerifierService {
    /// Saves the next version of a request; earlier ones can still be asked by their number.
    ///
    /// # Errors
    /// [`VerifierError::Fault`] for what cannot be asked, and for a name of the configuration.
    pub async fn save_request(
        &self,
        tenant: &TenantId,
        new: NewSavedRequest,
    ) -> Result<SavedRequest, VerifierError> {
        let tenant = self.known_tenant(tenant)?;
        let is_plain = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_'
        };
        let is_named = !new.id.is_empty() && new.id.len() <= LONGEST_ID;
        let texts = [&new.title, &new.purpose];
        if !is_named || !new.id.bytes().all(is_plain) {
            return Err(RequestFault::SavedName.into());
        }
        if texts.into_iter().any(|text| text.chars().count() > LONGEST_TEXT) {
            return Err(RequestFault::Purpose.into());
        }
        if tenant.presets.iter().any(|preset| preset.id == new.id) {
            return Err(RequestFault::Configured(new.id).into());
        }
        check_possible(&new.dcql_query)?;
        new.policy.fit(&new.dcql_query).map_err(RequestFault::from)?;
        let warnings = lint(&new.dcql_query);
        let content = serde_json::to_vec(&new).expect("a saved request is text, lists and maps");
        let version = self.put_next(tenant, &new.id, &content).await?;
        Ok(SavedRequest { id: new.id, version, warnings })
    }

    async fn put_next(
        &self,
        tenant: &Tenant,
        id: &str,
        content: &[u8],
    ) -> Result<u32, VerifierError> {
        for _ in 0..crate::sessions::TRIES {
            let all = self.saved_names(tenant).await?;
            if all.len() >= MOST {
                return Err(RequestFault::TooManySaved.into());
            }
            let own = all.iter().filter(|(own, _)| own == id).map(|(_, version)| *version);
            let version = own.max().unwrap_or_default().saturating_add(1);
            let name = secret_name(id, version);
            let sealed = tenant.data_key.seal(
                Sealed::SavedRequest,
                &tenant.id,
                place(&name, self.provider()),
                content,
                self.provider(),
            );
            let put = self
                .environment()
                .store
                .put_secret(&tenant.id, &name, None, sealed, self.now())
                .await?;
            if let Put::Done(_) = put {
                return Ok(version);
            }
        }
        Err(VerifierError::Contended)
    }

    /// Every saved request of a tenant: those of the configuration, then those of the API, by name and version.
    pub(crate) async fn presets(&self, tenant: &Tenant) -> Result<Vec<Preset>, VerifierError> {
        let mut all = tenant.presets.clone();
        for (id, version) in self.saved_names(tenant).await? {
            all.extend(self.saved(tenant, &id, version).await?);
        }
        Ok(all)
    }

    /// A request by its name, or by its name, `@` and its version; the highest unless told otherwise.
    pub(crate) async fn preset(
        &self,
        tenant: &Tenant,
        name: &str,
    ) -> Result<Option<Preset>, VerifierError> {
        if let Some(preset) = tenant.preset(name) {
            return Ok(Some(preset.clone()));
        }
        let (id, version) = match name.split_once('@') {
            None => (name, None),
            Some((id, version)) => match version.parse::<u32>() {
                Ok(version) => (id, Some(version)),
                Err(_) => return Ok(None),
            },
        };
        let version = match version {
            Some(version) => Some(version),
            None => {
                let all = self.saved_names(tenant).await?;
                all.into_iter().filter(|(own, _)| own == id).map(|(_, version)| version).max()
            }
        };
        match version {
            Some(version) => self.saved(tenant, id, version).await,
            None => Ok(None),
        }
    }

    /// Deletes every version of a request that was saved by the API; says whether there was one.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn delete_saved(&self, tenant: &TenantId, id: &str) -> Result<bool, VerifierError> {
        let tenant = self.known_tenant(tenant)?;
        let (store, mut was_there) = (&self.environment().store, false);
        for (own, version) in self.saved_names(tenant).await? {
            if own == id {
                let name = secret_name(&own, version);
                was_there |= store.remove_secret(&tenant.id, &name, self.now()).await?;
            }
        }
        Ok(was_there)
    }

    async fn saved_names(&self, tenant: &Tenant) -> Result<Vec<(String, u32)>, VerifierError> {
        let names = self.environment().store.secret_names(&tenant.id, PREFIX).await?;
        let read = |name: &SecretName| {
            let (id, version) = name.as_str().strip_prefix(PREFIX)?.rsplit_once('/')?;
            Some((id.to_owned(), version.parse().ok()?))
        };
        Ok(names.iter().filter_map(read).collect())
    }

    async fn saved(
        &self,
        tenant: &Tenant,
        id: &str,
        version: u32,
    ) -> Result<Option<Preset>, VerifierError> {
        // a name that is none was never saved
        let Ok(name) = text_of(id, version).parse::<SecretName>() else { return Ok(None) };
        let Some(secret) = self.environment().store.secret(&tenant.id, &name).await? else {
            return Ok(None);
        };
        let open = tenant.data_key.open(
            Sealed::SavedRequest,
            &tenant.id,
            place(&name, self.provider()),
            &secret.sealed,
            self.provider(),
        )?;
        let saved: NewSavedRequest =
            serde_json::from_slice(&open).map_err(|_| VerifierError::Unreadable)?;
        Ok(Some(Preset {
            id: saved.id,
            version,
            title: saved.title,
            purpose: saved.purpose,
            query: saved.dcql_query,
            policy: saved.policy,
        }))
    }
}

fn text_of(id: &str, version: u32) -> String {
    format!("{PREFIX}{id}/{version:05}")
}

fn secret_name(id: &str, version: u32) -> SecretName {
    text_of(id, version).parse().expect("a plain id and digits are a name")
}

/// What the seal of a saved request is bound to: its name.
fn place(name: &SecretName, provider: &dyn CryptoProvider) -> SessionId {
    let digest = provider.hash(HashAlgorithm::Sha256, name.as_str().as_bytes());
    let mut place = [0; 16];
    place.copy_from_slice(&digest.as_bytes()[..16]);
    SessionId::from_bytes(place)
}
