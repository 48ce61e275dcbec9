//! I8: what was acknowledged is in the audit chain, and nobody can tell the chain from one that was left alone.

use std::{cell::RefCell, collections::HashSet, rc::Rc};

use lanyard_cli::config::Config;
use lanyard_store::{
    AuditAction, AuditEntry, AuditObject, AuditRead, AuditTrail, AuditWalk, PostgresStore,
    TenantId,
    sqlite::{AuditFile, FILE_NAME},
};

use super::{facts::Facts, scene::Scene};
use crate::{attester::TENANT, failure::Failure};

/// Holds the chain of a server that has ended to what was acknowledged.
pub(super) async fn hold(scene: &Scene, held: &Rc<RefCell<Facts>>) -> Result<(), Failure> {
    let trail = trail(scene).await?;
    let (entries, fault) = entries(&*trail).await?;
    let mut facts = held.borrow_mut();
    if let Some(fault) = fault {
        facts.broken.insert(format!("I8: {fault}"));
    }
    let missing = missing(&entries, &facts);
    facts.broken.extend(missing);
    Ok(())
}

async fn trail(scene: &Scene) -> Result<Box<dyn AuditTrail>, Failure> {
    let config = Config::read(&scene.configuration_file()).map_err(Failure::server)?;
    Ok(match config.store {
        None => {
            let file = config.data.join(FILE_NAME);
            Box::new(AuditFile::open(&file).map_err(Failure::server)?)
        }
        Some(shared) => {
            let store = PostgresStore::connect(&shared.postgres).await;
            Box::new(store.map_err(Failure::server)?)
        }
    })
}

/// Everything that happened, linked or only noted so far; and what is wrong with the chain.
async fn entries(trail: &dyn AuditTrail) -> Result<(Vec<AuditEntry>, Option<String>), Failure> {
    let tenant: TenantId = TENANT.parse().map_err(Failure::server)?;
    let (mut walk, mut entries) = (AuditWalk::along(trail, &tenant), Vec::new());
    loop {
        match walk.next().await {
            Ok(Some(block)) => entries.extend(block.read().map_err(Failure::server)?),
            Ok(None) => {
                if let Some(notes) = walk.notes().await.map_err(Failure::server)? {
                    entries.extend(notes);
                    return Ok((entries, None));
                }
            }
            Err(AuditRead::Fault { fault, .. }) => return Ok((entries, Some(fault.to_string()))),
            Err(AuditRead::Store(error)) => return Err(Failure::server(error)),
        }
    }
}

/// What was acknowledged and did not happen, or happened twice, as far as the entries say.
fn missing(entries: &[AuditEntry], facts: &Facts) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut wrong = Vec::new();
    for entry in entries {
        let is_once = matches!(entry.action, AuditAction::Issued | AuditAction::Revoked);
        if !seen.insert((entry.action, entry.object)) && is_once {
            wrong.push(format!("I8: a credential is {} twice", entry.action.as_str()));
        }
    }
    for (credential, is_revoked) in &facts.on_record {
        let object = Some(AuditObject::of_credential(*credential));
        if !seen.contains(&(AuditAction::Issued, object)) {
            wrong.push("I8: an acknowledged credential is in no chain".to_owned());
        }
        if *is_revoked && !seen.contains(&(AuditAction::Revoked, object)) {
            wrong.push("I8: an acknowledged revocation is in no chain".to_owned());
        }
    }
    let is_erased = facts.issued.iter().any(|issued| issued.is_erased);
    if is_erased && entries.iter().all(|entry| entry.action != AuditAction::SubjectErased) {
        wrong.push("I8: an acknowledged erasure is in no chain".to_owned());
    }
    wrong
}

#[cfg(test)]
mod tests {
    use lanyard_store::CredentialId;

    use super::*;

    fn entry(action: AuditAction, n: u8) -> AuditEntry {
        let object = Some(AuditObject::of_credential(CredentialId::from_bytes([n; 16])));
        AuditEntry { at: jiff::Timestamp::UNIX_EPOCH, action, object, detail: None }
    }

    fn of_two(entries: &[AuditEntry]) -> Vec<String> {
        let on_record = [(1, true), (2, false)];
        let on_record = on_record.map(|(n, is)| (CredentialId::from_bytes([n; 16]), is)).to_vec();
        missing(entries, &Facts { on_record, ..Facts::default() })
    }

    #[test]
    fn what_was_acknowledged_is_missed_where_no_entry_says_it() {
        use AuditAction::{Issued, Revoked};

        let all = [entry(Issued, 1), entry(Issued, 2), entry(Issued, 3), entry(Revoked, 1)];
        assert_eq!(of_two(&all), [""; 0]);
        assert_eq!(of_two(&all[..3]), ["I8: an acknowledged revocation is in no chain"]);
        let without_second = [entry(Issued, 1), entry(Revoked, 1)];
        assert_eq!(of_two(&without_second), ["I8: an acknowledged credential is in no chain"]);
        let twice = [&all[..], &all[1..2]].concat();
        assert_eq!(of_two(&twice), ["I8: a credential is issued twice"]);
    }
}
