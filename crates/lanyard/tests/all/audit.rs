//! What happened is in a chain: what somebody changed in the database is found, and so is an end that was cut off.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use lanyard_cli::audit_head::{self, AUDIT_KEY, SignedHead};
use lanyard_cli::keys::Vault;
use lanyard_cli::serve::{compose::compose, plan::Plan};
use lanyard_core::crypto::{AwsLc, CryptoProvider as _, Curve, SoftwareSigner};
use lanyard_store::{
    AuditStore as _, AuditTrail as _, CredentialId, IssuedRecord, IssuedStore as _, SessionId,
    SqliteStore, Store as _, TenantId, sqlite,
};
use rusqlite::Connection;
use serde_json::Value;
use tokio::sync::watch;

use crate::circle::{STARTED, json, text};
use crate::key_services::Setting;

fn now() -> Timestamp {
    "2026-11-30T12:00:00Z".parse().expect("a moment")
}

fn demo() -> TenantId {
    "demo".parse().expect("a tenant's name")
}

fn credential(n: u8) -> CredentialId {
    CredentialId::from_bytes([n; 16])
}

/// The store of a tenant whose chain has three blocks, and what its server said after each of them.
struct Kept {
    folder: tempfile::TempDir,
}

impl Kept {
    async fn new() -> Self {
        let kept = Self { folder: tempfile::tempdir().expect("a folder") };
        for n in 1..=3 {
            kept.goes_on(n).await;
        }
        kept
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn heads(&self) -> PathBuf {
        self.folder.path().join("heads")
    }

    /// Another credential is issued, and the end of the chain is said.
    async fn goes_on(&self, n: u8) {
        let store = Arc::new(SqliteStore::open(self.data()).expect("a store"));
        let vault = Vault::of_folder(&self.data(), store.clone(), Arc::new(AwsLc)).await;
        let name = AUDIT_KEY.parse().expect("a name");
        let key = vault.expect("a vault").key(&demo(), &name, now()).await.expect("a key");
        let record = IssuedRecord {
            credential: credential(n),
            configuration: "badge".to_owned(),
            issued_at: now(),
            expires_at: None,
            session: SessionId::from_bytes([9; 16]),
            subject: None,
        };
        store.record_issued(&demo(), record, Vec::new(), None).await.expect("it is recorded");
        store.link_audit(100).await.expect("it is linked");
        let (tenant, head) = store.audit_heads().await.expect("heads").remove(0);
        let epoch = store.epoch().await.expect("an epoch").number;
        self.say(&SignedHead::new(tenant, &head, epoch, now()), &key).await;
        store.close().await.expect("it is closed");
    }

    async fn say(&self, head: &SignedHead, key: &lanyard_core::crypto::PrivateKey) {
        let signer = SoftwareSigner::new(&AwsLc, key).expect("a signer");
        let line = head.sign(&signer).await.expect("a signature");
        audit_head::append(&self.heads(), &[line]).expect("writable");
    }

    fn change(&self, sql: &str) {
        let file = Connection::open(self.data().join(sqlite::FILE_NAME)).expect("a database");
        file.execute_batch(sql).expect("it is changed");
    }

    fn verify(&self, more: &[&Path]) -> Output {
        run(&[&[Path::new("audit"), Path::new("verify"), Path::new("--data"), &self.data()], more]
            .concat())
    }

    fn verify_with_heads(&self) -> Output {
        self.verify(&[Path::new("--heads"), &self.heads()])
    }
}

fn run(arguments: &[&Path]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lanyard"));
    command.arg(arguments[0]).arg("--json").args(&arguments[1..]).output().expect("the binary runs")
}

/// The faults that were found, for which the command ends with 3.
fn faults(output: &Output) -> Vec<String> {
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    json(output)["faults"].as_array().expect("an array").iter().map(text).collect()
}

fn whole(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = json(output);
    assert_eq!(said["faults"], serde_json::json!([]));
    said["chains"][0].clone()
}

#[tokio::test]
async fn a_chain_that_nobody_touched_is_whole_and_ends_where_its_server_said() {
    let kept = Kept::new().await;
    let chain = whole(&kept.verify_with_heads());
    // the tenant's key, the one that signs, three credentials
    assert_eq!((&chain["blocks"], &chain["entries"]), (&3.into(), &5.into()));
    assert_eq!((&chain["heads_agreed"], &chain["unlinked"]), (&3.into(), &0.into()));
    assert_eq!(chain["tenant"], "demo");
}

#[tokio::test]
async fn what_was_changed_in_the_database_is_named_with_its_block() {
    let kept = Kept::new().await;
    kept.change("UPDATE audit_block SET text = replace(text, 'badge', 'bridge') WHERE number = 2");
    assert_eq!(faults(&kept.verify(&[])), ["demo: the entries of block 2 were changed"]);
}

#[tokio::test]
async fn whoever_lists_a_chain_is_told_that_it_is_not_whole_and_sees_all_of_it() {
    let kept = Kept::new().await;
    let list = || {
        let list = ["audit", "list", "--tenant", "demo", "--data"].map(Path::new);
        run(&[&list[..], &[&kept.data()]].concat())
    };
    let said = list();
    assert_eq!((said.status.code(), &json(&said)["fault"]), (Some(0), &Value::Null));
    kept.change("UPDATE audit_block SET text = replace(text, 'badge', 'bridge') WHERE number = 2");
    let said = list();
    assert_eq!(said.status.code(), Some(3), "{said:?}");
    assert_eq!(json(&said)["fault"], "the entries of block 2 were changed");
    assert_eq!(json(&said)["entries"].as_array().map(Vec::len), Some(5));
}

#[tokio::test]
async fn a_chain_that_goes_on_while_it_is_gone_through_is_whole() {
    let kept = Kept::new().await;
    // what a reader sees who asks for the end first, and for the blocks once a server has linked another
    kept.change(
        "UPDATE audit_head SET (number, entries, hash) =
             (SELECT number, entries, hash FROM audit_block WHERE number = 2)",
    );
    assert_eq!(whole(&kept.verify_with_heads())["blocks"], 3);
}

#[tokio::test]
async fn an_end_that_was_cut_off_is_missed_by_whoever_was_told_of_it() {
    let kept = Kept::new().await;
    kept.change("DELETE FROM audit_block WHERE number = 3");
    let found = faults(&kept.verify(&[]));
    assert_eq!(found, ["demo: the chain ends at block 2, and its head is another one"]);
    // whoever has the database has its head, too
    kept.change(
        "UPDATE audit_head SET (number, entries, hash) =
             (SELECT number, entries, hash FROM audit_block WHERE number = 2)",
    );
    whole(&kept.verify(&[]));
    let found = faults(&kept.verify_with_heads());
    assert_eq!(found, ["demo: the chain ends at block 2, and had 3 at 2026-11-30T12:00:00Z"]);
}

#[tokio::test]
async fn a_chain_that_was_written_anew_is_another_one_than_its_server_said() {
    let kept = Kept::new().await;
    kept.change("DELETE FROM audit_block; DELETE FROM audit_head");
    for n in 4..=6 {
        kept.goes_on(n).await;
    }
    let found = faults(&kept.verify_with_heads());
    let other = |block| format!("demo: block {block} is another one than at 2026-11-30T12:00:00Z");
    assert_eq!(found, [other(1), other(2), other(3)]);
}

#[tokio::test]
async fn a_head_that_somebody_else_signed_is_named_with_its_line() {
    let kept = Kept::new().await;
    let key = AwsLc.generate_key(Curve::P256).expect("a key");
    let end = lanyard_store::AuditHead { number: 1, entries: 1, hash: [0; 32] };
    kept.say(&SignedHead::new(demo(), &end, 0, now()), &key).await;
    audit_head::append(&kept.heads(), &["nonsense".to_owned()]).expect("writable");
    let found = faults(&kept.verify_with_heads());
    let file = kept.heads();
    let said = |line: u32, why: &str| format!("line {line} of {}: {why}", file.display());
    assert_eq!(found[0], said(4, "the signature does not verify"));
    assert_eq!(found[1], said(5, "not a compact JWS"));
    assert_eq!(found.len(), 2);
}

#[tokio::test]
async fn heads_of_a_tenant_whose_keys_were_erased_are_told_and_checked_no_more() {
    let kept = Kept::new().await;
    let (data, to) = (kept.data(), Path::new("--data"));
    let erase = ["keys", "erase", "demo", "--forever"].map(Path::new);
    let erased = run(&[&erase[..], &[to, &data]].concat());
    assert!(erased.status.success(), "{erased:?}");
    let output = kept.verify_with_heads();
    let chain = whole(&output);
    assert_eq!(json(&output)["heads_unchecked"], 3);
    // that the keys were erased is in the chain
    assert_eq!((&chain["heads_agreed"], &chain["unlinked"]), (&0.into(), &2.into()));
}

#[tokio::test]
async fn a_key_that_somebody_took_away_is_a_fault() {
    let kept = Kept::new().await;
    kept.change(&format!("DELETE FROM secret WHERE name = '{AUDIT_KEY}'"));
    let found = faults(&kept.verify_with_heads());
    assert_eq!(found.len(), 3);
    assert!(found[0].ends_with("heads: there is no key of demo"), "{found:?}");
}

#[tokio::test]
async fn what_a_restore_lost_is_no_fault_and_is_told() {
    let kept = Kept::new().await;
    let backup = kept.folder.path().join("backup");
    let (data, to) = (kept.data(), Path::new("--data"));
    let taken = run(&[Path::new("backup"), &backup, to, &data]);
    assert!(taken.status.success(), "{taken:?}");
    kept.goes_on(4).await;
    let restored = run(&[Path::new("restore"), &backup, Path::new("--replace"), to, &data]);
    assert!(restored.status.success(), "{restored:?}");
    let chain = whole(&kept.verify_with_heads());
    assert_eq!((&chain["heads_agreed"], &chain["heads_before_a_restore"]), (&3.into(), &1.into()));
    assert_eq!(chain["unlinked"], 1, "the restore itself");
    // and the chain goes on
    kept.goes_on(5).await;
    let chain = whole(&kept.verify_with_heads());
    assert_eq!((&chain["heads_agreed"], &chain["heads_before_a_restore"]), (&4.into(), &1.into()));
}

#[tokio::test]
async fn what_happened_to_a_credential_is_listed_by_its_identifier() {
    let kept = Kept::new().await;
    let list = |more: &[&str]| {
        let data = kept.data();
        let all: Vec<_> = ["audit", "list", "--tenant", "demo", "--data"].map(Path::new).to_vec();
        let more: Vec<_> = more.iter().map(Path::new).collect();
        json(&run(&[all, vec![&data], more].concat()))["entries"].clone()
    };
    let of_second = list(&["--credential", &credential(2).to_string()]);
    let [entry] = &of_second.as_array().expect("an array")[..] else {
        unreachable!("it was issued once: {of_second}")
    };
    assert_eq!((&entry["action"], &entry["detail"]), (&"issued".into(), &"badge".into()));
    assert_eq!((&entry["at"], &entry["block"]), (&"2026-11-30T12:00:00Z".into(), &2.into()));
    assert!(!of_second.to_string().contains(&credential(2).to_string()), "a digest alone");
    let newest = list(&["--limit", "2"]);
    let blocks: Vec<_> =
        newest.as_array().expect("an array").iter().map(|entry| &entry["block"]).collect();
    assert_eq!(blocks, [2, 3]);
}

#[test]
fn a_server_links_what_it_notes_and_says_where_its_chains_end() {
    let setting = Setting::new();
    setting.configure("[audit]\nheads_file = \"heads\"\nkeep_days = 30", &["acme"], "");
    let verify = || {
        let mut verify = setting.lanyard(&["audit", "--json", "--config"]);
        verify.arg(setting.path("lanyard.toml")).arg("verify").output().expect("the binary runs")
    };
    let until = |wanted: &dyn Fn(&Value) -> bool| {
        let begun = Instant::now();
        while !wanted(&json(&verify())["chains"]) {
            assert!(begun.elapsed() < STARTED, "{:?}", verify());
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    // keys were made: that is in a chain as soon as the server runs
    let served = setting.start().expect("it starts");
    until(&|chains| chains[0]["blocks"].as_u64() >= Some(1));
    drop(served);
    // and where it ends is said as soon as the next one runs
    let _served = setting.start().expect("it starts");
    until(&|chains| chains[0]["heads_agreed"].as_u64() >= Some(1));
    assert_eq!(whole(&verify())["is_whole"], true);
    assert_eq!(json(&verify())["heads_missing"], Value::Null);
    // whoever takes the file away is not passed over in silence
    std::fs::remove_file(setting.path("heads")).expect("it is there");
    assert!(text(&json(&verify())["heads_missing"]).ends_with("heads"));
}

#[tokio::test]
async fn a_file_of_heads_that_cannot_be_written_keeps_the_server_from_starting() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut plan = Plan::demo(7077, folder.path().join("data")).expect("a plan");
    // a folder stands where the file would be
    plan.audit.heads = Some(folder.path().to_owned());
    let (_stop, stopping) = watch::channel(false);
    let Err(error) = compose(plan, stopping).await else { panic!("it starts") };
    let (said, file) = (error.to_string(), folder.path().display());
    let expected = format!("[audit] heads_file {file} cannot be written: ");
    assert!(said.starts_with(&expected), "{said}");
}
