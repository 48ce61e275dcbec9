//! What a server left that has ended. I8: what was acknowledged is in the audit chain, and nobody can tell the chain
//! from one that was left alone. I11: the store is sound.

use std::{
    collections::{BTreeSet, HashSet},
    path::PathBuf,
};

use lanyard_cli::config::Config;
use lanyard_store::{
    AuditAction, AuditEntry, AuditObject, AuditRead, AuditTrail, AuditWalk, PostgresStore,
    TenantId,
    sqlite::{AuditFile, FILE_NAME},
};

use super::{checks, facts::Facts};
use crate::failure::Failure;

/// What a server left that has ended.
pub(crate) struct Left {
    pub(crate) data: PathBuf,
    /// Where PostgreSQL is, if that keeps everything.
    pub(crate) address: Option<String>,
    /// The configuration by which PostgreSQL was found.
    pub(crate) configuration: PathBuf,
    pub(crate) tenant: &'static str,
}

impl Left {
    /// I11: what is wrong with the store.
    pub(crate) async fn unsound(&self) -> Result<Option<String>, Failure> {
        match &self.address {
            None => checks::sound(&self.data),
            Some(address) => checks::sound_database(address).await,
        }
    }

    /// I8: holds the chain to what was acknowledged.
    pub(crate) async fn audit(&self, facts: &mut Facts) -> Result<(), Failure> {
        let trail = self.trail().await?;
        let (entries, fault) = self.entries(&*trail).await?;
        if let Some(fault) = fault {
            facts.broken.insert(format!("I8: {fault}"));
        }
        let missing = missing(&entries, facts);
        facts.broken.extend(missing);
        Ok(())
    }

    async fn trail(&self) -> Result<Box<dyn AuditTrail>, Failure> {
        if self.address.is_none() {
            let file = AuditFile::open(&self.data.join(FILE_NAME));
            return Ok(Box::new(file.map_err(Failure::server)?));
        }
        let config = Config::read(&self.configuration).map_err(Failure::server)?;
        let shared = config.store.ok_or(Failure::Lacks("store"))?;
        let store = PostgresStore::connect(&shared.postgres).await;
        Ok(Box::new(store.map_err(Failure::server)?))
    }

    /// Everything that happened, linked or only noted so far; and what is wrong with the chain.
    async fn entries(
        &self,
        trail: &dyn AuditTrail,
    ) -> Result<(Vec<AuditEntry>, Option<String>), Failure> {
        let tenant: TenantId = self.tenant.parse().map_err(Failure::server)?;
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
                Err(AuditRead::Fault { fault, .. }) => {
                    return Ok((entries, Some(fault.to_string())));
                }
                Err(AuditRead::Store(error)) => return Err(Failure::server(error)),
            }
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
    // of most only how many there are: an issuance is one entry at least, however many copies it gave
    let issuances = facts.issued.iter().filter(|issued| !issued.is_erased);
    let issuances: BTreeSet<_> = issuances.filter_map(|issued| issued.offer.as_ref()).collect();
    let in_chain = entries.iter().filter(|entry| entry.action == AuditAction::Issued).count();
    if in_chain < issuances.len() {
        let acknowledged = issuances.len();
        wrong.push(format!("I8: of {acknowledged} issuances {in_chain} are in the chain"));
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
    use crate::ledger::facts;

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
        let issued = |nth: u64| facts::Issued {
            offer: Some(nth.to_string()),
            text: None,
            list: "https://issuer.example/status-lists/0".parse().unwrap(),
            index: nth,
            is_revoked: false,
            is_erased: false,
        };
        let of = |count| Facts { issued: (0..count).map(issued).collect(), ..Facts::default() };
        assert_eq!(missing(&all, &of(3)), [""; 0]);
        assert_eq!(missing(&all, &of(4)), ["I8: of 4 issuances 3 are in the chain"]);
        let twice = [&all[..], &all[1..2]].concat();
        assert_eq!(of_two(&twice), ["I8: a credential is issued twice"]);
    }
}
