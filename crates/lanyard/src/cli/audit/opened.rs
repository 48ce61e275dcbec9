//! The store whose chains are read, and what its server said of where they end.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use lanyard_core::crypto::{AwsLc, PublicKey};
use lanyard_store::sqlite::{AuditFile, FILE_NAME, sealed_in};
use lanyard_store::{AuditTrail, MemoryStore, Secret, SecretStore as _, TenantId};

use super::super::backup::{KeysAt, Place, StoreArgs, not_opened};
use super::super::keys::connect;
use super::super::{Ending, ExitCode};
use super::failed;
use crate::audit_head::{AUDIT_KEY, SignedHead};
use crate::keys::{KeyError, Vault};
use crate::serve::ground;

/// The chains of a store, and the keys that are sealed in it.
pub(super) struct Opened {
    pub(super) trail: Box<dyn AuditTrail>,
    place: Place,
}

/// What a server said of where its chains ended.
#[derive(Default)]
pub(super) struct Said {
    pub(super) heads: BTreeMap<TenantId, BTreeMap<u64, Vec<SignedHead>>>,
    /// How many lines there are of tenants whose keys were erased: nothing vouches for them any more.
    pub(super) unchecked: BTreeMap<TenantId, u64>,
    pub(super) faults: Vec<String>,
}

/// What a tenant's lines are checked with.
enum HeadKey {
    Known(PublicKey),
    Erased,
    None,
}

impl Opened {
    pub(super) async fn of(args: &StoreArgs) -> Result<Self, Ending> {
        let place = args.place()?;
        let trail: Box<dyn AuditTrail> = match &place {
            Place::Folder { data, .. } => {
                let file = AuditFile::open(&data.join(FILE_NAME));
                Box::new(file.map_err(|error| not_opened(error, data))?)
            }
            Place::Database { shared, .. } => Box::new(connect(&ground::options_of(shared)).await?),
        };
        Ok(Self { trail, place })
    }

    /// Reads signed heads; a line that the key of its tenant did not sign is a fault.
    pub(super) async fn said(&self, file: &Path) -> Result<Said, Ending> {
        let text = std::fs::read_to_string(file).map_err(|error| {
            let why = format!("{} cannot be read: {error}.", file.display());
            Ending::not_done(ExitCode::Usage, "heads", why)
        })?;
        let vault = self.vault().await?;
        let mut keys: BTreeMap<TenantId, HeadKey> = BTreeMap::new();
        let mut said = Said::default();
        for (number, line) in (1..).zip(text.lines()) {
            let wrong =
                |why: &dyn std::fmt::Display| format!("line {number} of {}: {why}", file.display());
            let tenant = match SignedHead::danger_unverified(line) {
                Ok(head) => head.tenant,
                Err(error) => {
                    said.faults.push(wrong(&error));
                    continue;
                }
            };
            if !keys.contains_key(&tenant) {
                keys.insert(tenant.clone(), vault.key(&tenant).await?);
            }
            match keys.get(&tenant) {
                Some(HeadKey::Known(key)) => match SignedHead::verify(line, key, &AwsLc) {
                    Ok(head) => {
                        let of_tenant = said.heads.entry(tenant).or_default();
                        of_tenant.entry(head.block).or_default().push(head);
                    }
                    Err(error) => said.faults.push(wrong(&error)),
                },
                Some(HeadKey::Erased) => *said.unchecked.entry(tenant).or_default() += 1,
                Some(HeadKey::None) | None => {
                    said.faults.push(wrong(&format!("there is no key of {tenant}")));
                }
            }
        }
        Ok(said)
    }

    /// What is sealed, read without touching the store.
    async fn vault(&self) -> Result<Sealed, Ending> {
        let (keys, sealed) = match &self.place {
            Place::Folder { data, keys } => {
                let sealed = sealed_in(&data.join(FILE_NAME));
                (keys, sealed.map_err(|error| not_opened(error, data))?)
            }
            Place::Database { shared, keys } => {
                let store = connect(&ground::options_of(shared)).await?;
                (keys, store.all_secrets().await.map_err(failed)?)
            }
        };
        Sealed::copied(keys, sealed).await
    }
}

/// A copy of what is sealed in a store.
struct Sealed {
    copy: Arc<MemoryStore>,
    vault: Vault,
}

impl Sealed {
    async fn copied(keys: &KeysAt, sealed: Vec<Secret>) -> Result<Self, Ending> {
        let copy = Arc::new(MemoryStore::new());
        for Secret { tenant, name, sealed, written_at, .. } in sealed {
            let put = copy.put_secret(&tenant, &name, None, sealed, written_at).await;
            put.map(drop).map_err(failed)?;
        }
        let ring = keys.ring().map_err(|error| sealing(&error))?;
        let vault = Vault::new(ring, copy.clone(), Arc::new(AwsLc));
        Ok(Self { copy, vault })
    }

    /// The key with which the heads of a tenant are signed.
    async fn key(&self, tenant: &TenantId) -> Result<HeadKey, Ending> {
        let Ok(name) = AUDIT_KEY.parse() else { return Ok(HeadKey::None) };
        let is_there = self.copy.secret(tenant, &name).await.map_err(failed)?.is_some();
        match self.vault.key(tenant, &name, Timestamp::now()).await {
            Err(KeyError::TenantErased { .. }) => Ok(HeadKey::Erased),
            Err(error) => Err(sealing(&error)),
            Ok(key) if is_there => Ok(HeadKey::Known(*key.public())),
            // it was made just now, in the copy
            Ok(_) => Ok(HeadKey::None),
        }
    }
}

fn sealing(error: &KeyError) -> Ending {
    Ending::not_done(ExitCode::Failed, "sealing_key", format!("{error}."))
}
