//! What the VC API issues with: a did:key for each curve, kept in the vault.

use std::sync::Arc;

use lanyard_core::{
    crypto::{Curve, SoftwareSigner},
    did::Did,
    trust::IssuerIdentifier,
};
use lanyard_issuer::VcApiKeys;
use lanyard_oid4vci::issuer::{IssuerName, IssuingKey};

use super::plan::PlannedTenant;
use super::{error::StartError, ground::Ground};
use crate::keys::KeyError;

/// The keys of a tenant, the one for `eddsa-rdfc-2022` first.
pub(super) async fn keys(ground: &Ground, tenant: &PlannedTenant) -> Result<VcApiKeys, StartError> {
    let mut keys = Vec::new();
    for (name, curve) in [("vc-api/ed25519", Curve::Ed25519), ("vc-api/p256", Curve::P256)] {
        let key = ground.key(&tenant.keys_of, name, curve).await?;
        let did = Did::from_key(key.public());
        let signer = SoftwareSigner::new(ground.provider.as_ref(), &key);
        let signer = signer.map_err(|_| KeyError::Unusable)?;
        // did:key §3.1: the fragment of the only key is the identifier
        let fragment = did.as_str().rsplit(':').next().unwrap_or_default();
        let iss = IssuerIdentifier::parse(did.as_str()).map_err(|_| KeyError::Unusable)?;
        let name = IssuerName::Identifier { iss, key_id: Some(format!("{did}#{fragment}")) };
        keys.push(IssuingKey { signer: Arc::new(signer), name });
    }
    Ok(VcApiKeys::new(keys))
}
