//! Where audit chains end is said aloud, so that an end that is cut off later is missed.

use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};

use lanyard_core::{
    crypto::{Curve, SoftwareSigner},
    json,
};
use lanyard_store::TenantId;

use super::{error::StartError, ground::Ground, ticks::Ticks};
use crate::{
    audit_head::{self, AUDIT_KEY, SignedHead},
    keys::KeyError,
};

/// How often it is said: what happened since the last time can be cut off unnoticed.
const INTERVAL: Duration = Duration::from_secs(5 * 60);

/// Logs where each chain ends that went on, and signs it into a file if there is one, until the server stops.
///
/// # Errors
/// [`StartError::HeadsFile`]: nobody reads the log for what was never signed.
pub(super) fn keep_saying(ground: Arc<Ground>, file: Option<PathBuf>) -> Result<(), StartError> {
    if let Some(file) = &file {
        let named = |cause| StartError::HeadsFile { file: file.display().to_string(), cause };
        audit_head::append(file, &[]).map_err(named)?;
    }
    tokio::spawn(async move {
        let mut ticks = Ticks::every(INTERVAL, ground.shutdown.clone());
        let mut said = HashMap::new();
        while ticks.next().await {
            if let Err(error) = say(&ground, file.as_ref(), &mut said).await {
                tracing::warn!(%error, "where the audit chains end could not be said");
            }
        }
    });
    Ok(())
}

async fn say(
    ground: &Ground,
    file: Option<&PathBuf>,
    said: &mut HashMap<TenantId, u64>,
) -> Result<(), StartError> {
    let heads = ground.store.audit_heads().await.map_err(KeyError::Store)?;
    let now = ground.clock.now();
    let epoch = ground.store.epoch().await.map_err(KeyError::Store)?.number;
    let (mut lines, mut news) = (Vec::new(), Vec::new());
    for (tenant, head) in heads {
        if said.get(&tenant) == Some(&head.number) {
            continue;
        }
        let (hash, name) = (json::base64url(head.hash), tenant.as_str());
        tracing::info!(tenant = name, block = head.number, entries = head.entries, hash, "audit");
        if file.is_some() {
            match signed(ground, SignedHead::new(tenant.clone(), &head, epoch, now)).await {
                Ok(line) => lines.push(line),
                // nothing is signed for it any more
                Err(StartError::Keys(KeyError::TenantErased { .. })) => {}
                Err(error) => {
                    tracing::warn!(tenant = name, %error, "where an audit chain ends was not signed");
                    continue;
                }
            }
        }
        news.push((tenant, head.number));
    }
    if let Some(file) = file.filter(|_| !lines.is_empty()) {
        audit_head::append(file, &lines)?;
    }
    // what could not be said is said the next time
    said.extend(news);
    Ok(())
}

async fn signed(ground: &Ground, head: SignedHead) -> Result<String, StartError> {
    let key = ground.key(&head.tenant, AUDIT_KEY, Curve::P256).await?;
    let signer = SoftwareSigner::new(ground.provider.as_ref(), &key);
    let signer = signer.map_err(|_| KeyError::Unusable)?;
    Ok(head.sign(&signer).await.map_err(|_| KeyError::Unusable)?)
}
