//! Whatever is asked in whatever order, both backends answer the same.

use lanyard_store::{
    Handle, HandleKind, IssuedFilter, IssuedPage, IssuedRecord, MemoryStore, NewEvent, NewSession,
    Next, Once, OnceKind, Page, Session, SessionId, SessionKind, SqliteStore, Store, Taken,
    TenantId,
};
use proptest::prelude::*;

use crate::support::{credential, digest, id, second, tenant};

/// So few names that commands meet each other.
const NAMES: u32 = 4;
const SECONDS: i64 = 12;

#[derive(Debug, Clone)]
enum Command {
    Insert {
        tenant: u32,
        session: u32,
        handles: Vec<u32>,
        end: i64,
    },
    Take {
        tenant: u32,
        session: u32,
        handle: u32,
        now: i64,
    },
    ById {
        tenant: u32,
        session: u32,
        now: i64,
    },
    /// Replaces a session taken earlier, so that stale versions occur.
    Replace {
        held: usize,
        now: i64,
        end: i64,
        add: Vec<u32>,
        retire: Vec<u32>,
        issue: Vec<u32>,
        once: Vec<u32>,
    },
    AppendEvent {
        tenant: u32,
        session: u32,
    },
    Delete {
        tenant: u32,
        session: u32,
    },
    PurgeExpired {
        now: i64,
        limit: u32,
    },
    PurgeIssued {
        now: i64,
        limit: u32,
    },
    PurgeOnce {
        now: i64,
        limit: u32,
    },
    PutSecret {
        tenant: u32,
        name: u32,
        expected: Option<u64>,
    },
    RemoveSecret {
        tenant: u32,
        name: u32,
    },
    LinkAudit {
        limit: u32,
    },
    List {
        tenant: u32,
        before: Option<u32>,
        limit: u16,
    },
}

fn command() -> impl Strategy<Value = Command> {
    use Command::{
        AppendEvent, ById, Delete, Insert, LinkAudit, List, PurgeExpired, PurgeIssued, PurgeOnce,
        PutSecret, RemoveSecret, Replace, Take,
    };
    let name = || 0..NAMES;
    let few = || prop::collection::vec(0..NAMES, 0..3);
    let now = || 0..SECONDS;
    prop_oneof![
        6 => (0..2u32, name(), few(), now())
            .prop_map(|(tenant, session, handles, end)| Insert { tenant, session, handles, end }),
        6 => (0..2u32, name(), name(), now())
            .prop_map(|(tenant, session, handle, now)| Take { tenant, session, handle, now }),
        4 => (0..2u32, name(), now())
            .prop_map(|(tenant, session, now)| ById { tenant, session, now }),
        10 => (0..4usize, now(), now(), few(), few(), few(), few()).prop_map(
            |(held, now, end, add, retire, issue, once)| {
                Replace { held, now, end, add, retire, issue, once }
            }
        ),
        2 => (0..2u32, name()).prop_map(|(tenant, session)| AppendEvent { tenant, session }),
        1 => (0..2u32, name()).prop_map(|(tenant, session)| Delete { tenant, session }),
        1 => (now(), 1..3u32).prop_map(|(now, limit)| PurgeExpired { now, limit }),
        1 => (now(), 1..3u32).prop_map(|(now, limit)| PurgeIssued { now, limit }),
        1 => (now(), 1..3u32).prop_map(|(now, limit)| PurgeOnce { now, limit }),
        2 => (0..2u32, 0..2u32, prop::option::of(0..3u64))
            .prop_map(|(tenant, name, expected)| PutSecret { tenant, name, expected }),
        1 => (0..2u32, 0..2u32).prop_map(|(tenant, name)| RemoveSecret { tenant, name }),
        1 => (1..3u32).prop_map(|limit| LinkAudit { limit }),
        1 => (0..2u32, prop::option::of(name()), 0..4u16)
            .prop_map(|(tenant, before, limit)| List { tenant, before, limit }),
    ]
}

fn owner(n: u32) -> TenantId {
    tenant(["demo", "demo-2"][n as usize])
}

fn of_some_kind(session: SessionId, n: u32) -> Handle {
    let kind = if n.is_multiple_of(2) { HandleKind::PreAuthorizedCode } else { HandleKind::State };
    Handle::new(session, kind, digest(n / 2))
}

fn of_some_kinds(session: SessionId, numbers: &[u32]) -> Vec<Handle> {
    numbers.iter().map(|n| of_some_kind(session, *n)).collect()
}

fn of_some_proof(n: u32) -> Once {
    let kind =
        if n.is_multiple_of(2) { OnceKind::DpopProof } else { OnceKind::ClientAttestationPop };
    Once { kind, digest: [7; 32], expires_at: second(i64::from(n) * 3) }
}

fn issued(n: u32, session: SessionId) -> IssuedRecord {
    IssuedRecord {
        credential: credential(n),
        configuration: format!("type_{n}"),
        issued_at: second(1),
        expires_at: (!n.is_multiple_of(3)).then(|| second(i64::from(n))),
        session,
        subject: None,
    }
}

/// One store, and the sessions that were taken from it so far.
struct Run<'a> {
    store: &'a dyn Store,
    hand: Vec<Session>,
}

impl Run<'_> {
    /// Does one command, and writes down all that the store answers.
    async fn run(&mut self, command: &Command) -> String {
        let store = self.store;
        match command.clone() {
            Command::Insert { tenant, session, handles, end } => {
                let new = NewSession {
                    tenant: owner(tenant),
                    id: id(session),
                    kind: [SessionKind::Offer, SessionKind::Request][session as usize % 2],
                    state: vec![1; 3],
                    created_at: second(0),
                    expires_at: second(end),
                    handles: of_some_kinds(id(session), &handles),
                    subject: None,
                    once: Vec::new(),
                    call: None,
                    event: NewEvent::done(second(0), "insert"),
                };
                format!("{:?}", store.insert(new).await)
            }
            Command::Take { tenant, session, handle, now } => {
                let handle = of_some_kind(id(session), handle);
                let taken = store.take(&owner(tenant), &handle, second(now)).await.unwrap();
                self.hold(taken)
            }
            Command::ById { tenant, session, now } => {
                let taken = store.by_id(&owner(tenant), id(session), second(now)).await.unwrap();
                self.hold(taken)
            }
            Command::Replace { held, now, end, add, retire, issue, once } => {
                let Some(held) = self.hand.get(held) else { return String::new() };
                let next = Next {
                    add_handles: of_some_kinds(held.id, &add),
                    retire_handles: of_some_kinds(held.id, &retire),
                    issued: issue.iter().map(|n| issued(*n, held.id)).collect(),
                    once: once.iter().copied().map(of_some_proof).collect(),
                    ..Next::new(second(now), vec![2; add.len()], second(end))
                }
                .with_event(NewEvent::refused(second(now), "replace", "reason"));
                format!("{:?}", store.replace(held, next).await)
            }
            Command::AppendEvent { tenant, session } => {
                let event = NewEvent::undetermined(second(3), "event", "cause").with_detail("x");
                format!("{:?}", store.append_event(&owner(tenant), id(session), event).await)
            }
            Command::Delete { tenant, session } => {
                format!("{:?}", store.delete(&owner(tenant), id(session)).await)
            }
            Command::PurgeExpired { now, limit } => {
                format!("{:?}", store.purge_expired(second(now), limit).await)
            }
            Command::PurgeIssued { now, limit } => {
                format!("{:?}", store.purge_issued(second(now), limit).await)
            }
            Command::PurgeOnce { now, limit } => {
                format!("{:?}", store.purge_once(second(now), limit).await)
            }
            Command::PutSecret { tenant, name, expected } => {
                let (owner, name) = (owner(tenant), format!("name/{name}").parse().unwrap());
                let put = store.put_secret(&owner, &name, expected, vec![9], second(2)).await;
                format!("{put:?} {:?}", store.secret(&owner, &name).await)
            }
            Command::RemoveSecret { tenant, name } => {
                let name = format!("name/{name}").parse().unwrap();
                format!("{:?}", store.remove_secret(&owner(tenant), &name, second(3)).await)
            }
            Command::LinkAudit { limit } => format!("{:?}", store.link_audit(limit).await),
            Command::List { tenant, before, limit } => {
                let page = Page { before: before.map(id), limit };
                let records = IssuedPage { before: before.map(credential), limit };
                format!(
                    "{:?} {:?} {:?}",
                    store.list(&owner(tenant), SessionKind::Offer, page).await,
                    store.list(&owner(tenant), SessionKind::Request, page).await,
                    store.list_issued(&owner(tenant), &IssuedFilter::default(), records).await,
                )
            }
        }
    }

    fn hold(&mut self, taken: Taken) -> String {
        let told = format!("{taken:?}");
        if let Taken::Live(session) = taken {
            self.hand.insert(0, session);
            self.hand.truncate(4);
        }
        told
    }

    /// Everything the store keeps, as far as anyone can ask.
    async fn all(&self) -> String {
        let mut all = String::new();
        for tenant in [owner(0), owner(1)] {
            for n in 0..NAMES {
                all += &format!(
                    "{n}: {:?} {:?} {:?} {:?} {:?}\n",
                    self.store.by_id(&tenant, id(n), second(5)).await,
                    self.store.take(&tenant, &of_some_kind(id(n), n), second(5)).await,
                    self.store.events(&tenant, id(n)).await,
                    self.store.issued(&tenant, credential(n)).await,
                    self.store.issued_in(&tenant, id(n)).await,
                );
            }
            all += &format!(
                "{:?} {:?} {:?}\n",
                self.store.secret_names(&tenant, "name/").await,
                self.store.audit_notes(&tenant).await,
                self.store.audit_blocks(&tenant, 0, 99).await,
            );
        }
        all
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn memory_and_sqlite_answer_every_sequence_of_commands_alike(
        commands in prop::collection::vec(command(), 1..60)
    ) {
        let directory = tempfile::tempdir().unwrap();
        let sqlite = SqliteStore::open(directory.path()).unwrap();
        let memory = MemoryStore::new();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (told, expected) = runtime.block_on(async {
            let mut one = Run { store: &sqlite, hand: Vec::new() };
            let mut other = Run { store: &memory, hand: Vec::new() };
            let (mut told, mut expected) = (Vec::new(), Vec::new());
            for command in &commands {
                told.push(one.run(command).await);
                expected.push(other.run(command).await);
            }
            told.push(one.all().await);
            expected.push(other.all().await);
            (told, expected)
        });
        prop_assert_eq!(told, expected);
    }
}
