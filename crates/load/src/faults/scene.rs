//! The server that faults happen to: a process of its own, with a configuration, on one port for good.

use std::{
    cell::{Cell, RefCell},
    fs::{self, File},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use lanyard_core::{
    crypto::AwsLc,
    trust::{IssuerKeys, IssuerTrust, x509::TrustAnchors},
};
use lanyard_testkit::free_port;
use tokio::process::{Child, Command};
use url::Url;

use super::{receiver::Receiver, trace::STRACE};
use crate::{
    attester::{Attester, CONFIGURATION, TENANT, TYPE, VCT},
    client::{Connection, Content},
    failure::Failure,
    ledger::{checks::Site, left::Left},
    machine,
    proofs::identifier,
};

/// The tenant where holders log in, if there is one.
pub(crate) const LOGIN_TENANT: &str = "login";

/// How long a wallet waits for an answer, unless it is told otherwise.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long whoever asks for readiness waits: no answer is no yes.
const PROBE: Duration = Duration::from_secs(5);

/// No server takes longer to come back.
const LONGEST_START: Duration = Duration::from_secs(30);

/// How many lines of what a server said are repeated when a fault ends early.
const LAST_WORDS: usize = 20;

/// Where everything is kept.
#[derive(Clone, Debug)]
pub(crate) enum Store {
    Sqlite,
    Postgres { address: String },
}

impl Store {
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres { .. } => "PostgreSQL",
        }
    }
}

/// Which program serves.
#[derive(Clone, Debug)]
pub(crate) enum Program {
    /// The product.
    Product(PathBuf),
    /// This tool, over a store that fails.
    Failing(PathBuf),
    /// The product, and the file that its system calls are written to.
    Traced { binary: PathBuf, trace: PathBuf },
}

/// What a server is set up with.
pub(crate) struct Setting<'s> {
    pub(crate) program: Program,
    pub(crate) store: &'s Store,
    /// Who attests wallets; with one there is a tenant where holders log in.
    pub(crate) attester: Option<&'s Attester>,
    /// Who is told of presentations and of changes of credentials.
    pub(crate) receiver: Option<&'s Receiver>,
}

/// A server that may be down at the moment.
pub(crate) struct Scene {
    program: RefCell<Program>,
    folder: PathBuf,
    /// The name of its configuration.
    configuration: &'static str,
    base: Url,
    key: String,
    child: RefCell<Option<Child>>,
    /// The largest file that the server may write, in bytes.
    largest_file: Cell<Option<u64>>,
    /// What happens at which point from the next start on, as JSON.
    armed: RefCell<Option<String>>,
    /// How far the server's clock is ahead of the machine's from the next start on, in seconds.
    ahead: Cell<i64>,
    /// How long housekeeping rests between its rounds from the next start on, in milliseconds, unless as usual.
    chores_every: Cell<Option<u64>>,
    /// Where wallets find it: here, and at its replicas.
    places: RefCell<Vec<Url>>,
    patience: Cell<Duration>,
    /// The file of the authority that wallets trust.
    authority: Cell<&'static str>,
}

impl Scene {
    /// Writes the configuration; the server is not yet started.
    pub(crate) fn laid(folder: &Path, setting: Setting<'_>) -> Result<Self, Failure> {
        let Setting { program, store, attester, receiver } = setting;
        fs::create_dir_all(folder)?;
        let (port, key) = (free_port(), identifier());
        fs::write(folder.join("type.json"), TYPE)?;
        machine::write_private(&folder.join("api-key"), key.as_bytes())?;
        let shared = match store {
            Store::Sqlite => String::new(),
            Store::Postgres { address } => {
                machine::write_private(&folder.join("sealing-key"), &[7; 32])?;
                format!("[store]\npostgres = \"{address}\"\nsealing_key_file = \"sealing-key\"\n")
            }
        };
        let login = match attester {
            Some(attester) => attester.tenant(LOGIN_TENANT, folder)?,
            None => String::new(),
        };
        let told = match receiver {
            Some(receiver) => receiver.webhook(folder)?,
            None => String::new(),
        };
        let configuration = format!(
            r#"mode = "development"
base_url = "http://localhost:{port}"
listen = "127.0.0.1:{port}"
data = "data"
vc_api = "trusted_issuers"
{shared}[issuer]
[verifier]
[[tenants]]
id = "{TENANT}"
name = "Load"
api_key_files = ["api-key"]
credential_types = ["type.json"]
status_lists = {{ ttl_seconds = 1 }}
{told}{login}"#
        );
        fs::write(folder.join("lanyard.toml"), configuration)?;
        Self::at(port, program, folder, ("lanyard.toml", key))
    }

    fn at(
        port: u16,
        program: Program,
        folder: &Path,
        (configuration, key): (&'static str, String),
    ) -> Result<Self, Failure> {
        let base = Url::parse(&format!("http://localhost:{port}/"))?;
        Ok(Self {
            program: RefCell::new(program),
            folder: folder.to_owned(),
            configuration,
            base: base.clone(),
            key,
            child: RefCell::new(None),
            largest_file: Cell::new(None),
            armed: RefCell::new(None),
            ahead: Cell::new(0),
            chores_every: Cell::new(None),
            places: RefCell::new(vec![base]),
            patience: Cell::new(PATIENCE),
            authority: Cell::new("data/ca.pem"),
        })
    }

    /// Another server on the same database, at a port of its own, over this way to the database; not yet started.
    /// From now on wallets send each request to the one that did not get the request before.
    pub(crate) fn replica(&self, store: &Store) -> Result<Self, Failure> {
        let port = free_port();
        let configuration = fs::read_to_string(self.folder.join(self.configuration))?;
        let own = |line: &str| match (line.split(' ').next(), store) {
            (Some("listen"), _) => format!("listen = \"127.0.0.1:{port}\""),
            (Some("data"), _) => "data = \"data-of-replica\"".to_owned(),
            (Some("postgres"), Store::Postgres { address }) => format!("postgres = \"{address}\""),
            _ => line.to_owned(),
        };
        let lines: Vec<_> = configuration.lines().map(own).collect();
        fs::write(self.folder.join("replica.toml"), lines.join("\n"))?;
        let named = ("replica.toml", self.key.clone());
        let replica = Self::at(port, self.program.borrow().clone(), &self.folder, named)?;
        self.places.borrow_mut().push(replica.base.clone());
        Ok(replica)
    }

    /// A connection to wherever it answers.
    pub(crate) async fn connect(&self) -> Result<Connection, Failure> {
        Connection::open_to(&self.places_in_turn()).await
    }

    /// All places, each time another one first: wallets begin everywhere.
    fn places_in_turn(&self) -> Vec<Url> {
        let mut places = self.places.borrow_mut();
        places.rotate_left(1);
        places.clone()
    }

    /// How long a wallet waits for an answer here.
    pub(crate) fn patience(&self) -> Duration {
        self.patience.get()
    }

    /// Has wallets wait so long for an answer, and no longer.
    pub(crate) fn set_patience(&self, patience: Duration) {
        self.patience.set(patience);
    }

    /// Starts the server, and says after how long it was ready.
    pub(crate) async fn start(&self) -> Result<Duration, Failure> {
        if let Some(after) = self.comes().await? {
            return Ok(after);
        }
        Err(self.has_ended()?.map_or(Failure::ServerGone, Failure::ServerEnded))
    }

    /// How the process ended, if it has.
    fn has_ended(&self) -> Result<Option<ExitStatus>, Failure> {
        let mut child = self.child.borrow_mut();
        Ok(child.as_mut().map(Child::try_wait).transpose()?.flatten())
    }

    /// The process, which nobody has ended yet.
    fn running(&self) -> Result<Child, Failure> {
        match self.has_ended()? {
            Some(status) => Err(Failure::ServerEnded(status)),
            None => self.child.take().ok_or(Failure::ServerGone),
        }
    }

    /// Starts the server, and says after how long it was ready; never, if it ended before.
    pub(crate) async fn comes(&self) -> Result<Option<Duration>, Failure> {
        let log = File::options().create(true).append(true).open(self.folder.join("log"))?;
        // a limit on files is a signal that ends the process, unless that is ignored
        let limit = self
            .largest_file
            .get()
            .map_or_else(|| "unlimited".to_owned(), |bytes| bytes.div_ceil(512).to_string());
        let serve = match &*self.program.borrow() {
            Program::Product(_) | Program::Traced { .. } => "serve",
            Program::Failing(_) => "failing-server",
        };
        let mut command = Command::new("sh");
        command
            .args(["-c", r#"trap "" XFSZ; ulimit -S -f "$1"; shift; exec "$@""#, "sh"])
            .arg(limit);
        if let Program::Traced { trace, .. } = &*self.program.borrow() {
            command.args(STRACE).arg(trace);
        }
        let configuration = self.folder.join(self.configuration);
        command.arg(self.binary()).args([serve, "--config"]).arg(configuration);
        if let Some(armed) = self.armed.borrow_mut().take() {
            command.args(["--armed", &armed]);
        }
        if self.ahead.get() != 0 {
            command.arg(format!("--ahead={}", self.ahead.get()));
        }
        if let Some(chores_every) = self.chores_every.get() {
            command.arg(format!("--chores-every={chores_every}"));
        }
        // where clocks change twice a year
        command.env("TZ", "Europe/Paris");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
        let begun = Instant::now();
        *self.child.borrow_mut() = Some(command.spawn()?);
        while begun.elapsed() < LONGEST_START {
            if self.is_ready().await {
                return Ok(Some(begun.elapsed()));
            }
            if self.has_ended()?.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(None)
    }

    /// Has another program serve from the next start on.
    pub(crate) fn becomes(&self, program: Program) {
        self.program.replace(program);
    }

    /// Has something happen at a point from the next start on.
    pub(crate) fn arm_start(&self, armed: String) {
        self.armed.replace(Some(armed));
    }

    /// Puts the server's clock ahead of the machine's from the next start on.
    pub(crate) fn set_ahead(&self, seconds: i64) {
        self.ahead.set(seconds);
    }

    /// Has housekeeping rest no longer between its rounds from the next start on, and begin when it is told to.
    pub(crate) fn set_chores_every(&self, milliseconds: u64) {
        self.chores_every.set(Some(milliseconds));
    }

    /// Puts the clock of the running server ahead of the machine's.
    pub(crate) async fn put_ahead(&self, seconds: i64) -> Result<(), Failure> {
        self.ahead.set(seconds);
        let mut connection = Connection::open(&self.base).await?;
        let content = Content::Json(seconds.to_string());
        connection.post(&self.base.join("faults/clock")?, None, content).await.map(drop)
    }

    /// Waits until the server has ended by itself; false if it does not within a while.
    pub(crate) async fn ends(&self, within: Duration) -> Result<bool, Failure> {
        let begun = Instant::now();
        loop {
            if self.has_ended()?.is_some() {
                return Ok(true);
            }
            if begun.elapsed() >= within {
                return Ok(false);
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Whether it says that it is ready.
    pub(crate) async fn is_ready(&self) -> bool {
        let Ok(place) = self.base.join("readyz") else { return false };
        let asked = async {
            match Connection::open(&self.base).await {
                Ok(mut connection) => connection.get(&place, None).await.is_ok(),
                Err(_) => false,
            }
        };
        tokio::time::timeout(PROBE, asked).await.unwrap_or(false)
    }

    /// Ends the server as a power cut does.
    pub(crate) async fn kill(&self) -> Result<(), Failure> {
        Ok(self.running()?.kill().await?)
    }

    /// Asks the server to end, and waits until it has.
    pub(crate) async fn terminate(&self) -> Result<ExitStatus, Failure> {
        let mut child = self.running()?;
        tell(child.id().ok_or(Failure::ServerGone)?, "-TERM").await?;
        if let Ok(ended) = tokio::time::timeout(Duration::from_secs(15), child.wait()).await {
            return Ok(ended?);
        }
        self.child.replace(Some(child));
        Err(Failure::ServerGone)
    }

    /// Stops the server where it is, as a machine that is too busy or asleep does.
    pub(crate) async fn freeze(&self) -> Result<(), Failure> {
        self.signal("-STOP").await
    }

    /// Has it go on.
    pub(crate) async fn thaw(&self) -> Result<(), Failure> {
        self.signal("-CONT").await
    }

    async fn signal(&self, signal: &str) -> Result<(), Failure> {
        tell(self.process()?, signal).await
    }

    /// Limits the files of the server from its next start on.
    pub(crate) fn limit_files(&self, bytes: Option<u64>) {
        self.largest_file.set(bytes);
    }

    /// Lifts the limit on the files of the running server.
    pub(crate) async fn lift_limit(&self) -> Result<(), Failure> {
        self.limit("--fsize=unlimited:unlimited").await
    }

    /// Gives the running server another limit, as `prlimit` takes it.
    pub(crate) async fn limit(&self, limit: &str) -> Result<(), Failure> {
        let process = self.process()?.to_string();
        let limited = Command::new("prlimit").args(["--pid", &process, limit]).status();
        match limited.await?.success() {
            true => Ok(()),
            false => Err(Failure::ServerGone),
        }
    }

    /// How many files the server has open, connections among them.
    pub(crate) fn open_files(&self) -> Result<usize, Failure> {
        machine::open_files(self.process()?)
    }

    fn process(&self) -> Result<u32, Failure> {
        self.child.borrow().as_ref().and_then(Child::id).ok_or(Failure::ServerGone)
    }

    /// The server's resident memory in bytes.
    pub(crate) fn memory(&self) -> Result<u64, Failure> {
        machine::resident_memory(self.process()?)
    }

    /// The server's base URL.
    pub(crate) const fn base(&self) -> &Url {
        &self.base
    }

    /// The key of the API.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// A place of the tenant's API.
    pub(crate) fn api(&self, what: &str) -> Result<Url, Failure> {
        Ok(self.base.join(&format!("api/{TENANT}/{what}"))?)
    }

    /// What the tenant issues.
    pub(crate) const fn configuration() -> &'static str {
        CONFIGURATION
    }

    /// Its configuration.
    pub(crate) fn configuration_file(&self) -> PathBuf {
        self.file(self.configuration)
    }

    /// A file beside the configuration.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The binary of the server.
    pub(crate) fn binary(&self) -> PathBuf {
        match &*self.program.borrow() {
            Program::Product(binary)
            | Program::Failing(binary)
            | Program::Traced { binary, .. } => binary.clone(),
        }
    }

    /// The tenant, as it is held to what was promised.
    pub(crate) fn site(&self) -> Result<Site, Failure> {
        Ok(Site {
            issuer: self.base.join(TENANT)?,
            api: self.api("")?,
            key: self.key.clone(),
            issuers: self.issuers()?,
            vct: VCT,
            listed_within: Duration::ZERO,
        })
    }

    /// What is there once it has ended; where PostgreSQL is, if that keeps everything.
    pub(crate) fn left(&self, address: Option<String>) -> Left {
        let (data, configuration) = (self.file("data"), self.configuration_file());
        Left { data, address, configuration, tenant: TENANT }
    }

    /// Has wallets trust the authority in this file beside the configuration, not the server's own.
    pub(crate) fn trusts(&self, authority: &'static str) {
        self.authority.set(authority);
    }

    /// Who may have issued.
    pub(crate) fn issuers(&self) -> Result<IssuerKeys, Failure> {
        let anchors = fs::read_to_string(self.file(self.authority.get()))?;
        let anchors = TrustAnchors::from_pem(&anchors)?;
        Ok(IssuerKeys::new(IssuerTrust::certificates(anchors), Arc::new(AwsLc)))
    }
}

impl Drop for Scene {
    /// A server that nobody has ended was left in the middle of a fault: what it last said is worth having.
    fn drop(&mut self) {
        if self.child.borrow().is_some() {
            eprint!("{}", self.last_words());
        }
    }
}

impl Scene {
    /// How the process is, and the last lines of what it said.
    fn last_words(&self) -> String {
        let folder = self.folder.file_name().unwrap_or_default().to_string_lossy();
        let state = match self.has_ended() {
            Ok(Some(status)) => format!("ended by itself, with {status}"),
            _ => "is running".to_owned(),
        };
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        let last = lines.iter().skip(lines.len().saturating_sub(LAST_WORDS));
        let said = last.map(|line| format!("server: {line}\n"));
        format!("server in {folder}: {state}\n{}", said.collect::<String>())
    }
}

pub(super) async fn tell(process: u32, signal: &str) -> Result<(), Failure> {
    match Command::new("kill").args([signal, &process.to_string()]).status().await?.success() {
        true => Ok(()),
        false => Err(Failure::ServerGone),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that is a program of the system.
    fn played_by(program: &str, folder: &Path) -> Scene {
        let program = Program::Product(PathBuf::from(program));
        let setting = Setting { program, store: &Store::Sqlite, attester: None, receiver: None };
        Scene::laid(&folder.join("fault-SQLite"), setting).unwrap()
    }

    #[tokio::test]
    async fn a_server_that_ends_unasked_says_with_which_status() {
        let folder = tempfile::tempdir().unwrap();
        let scene = played_by("/bin/false", folder.path());
        let began = scene.start().await;
        assert!(matches!(began, Err(Failure::ServerEnded(status)) if status.code() == Some(1)));
        // and whoever ends it later hears the same
        let killed = scene.kill().await;
        assert!(matches!(killed, Err(Failure::ServerEnded(status)) if status.code() == Some(1)));
    }

    #[test]
    fn who_comes_again_begins_at_another_replica() {
        let folder = tempfile::tempdir().unwrap();
        let scene = played_by("/bin/false", folder.path());
        let _other = scene.replica(&Store::Sqlite).unwrap();
        let (first, second) = (scene.places_in_turn(), scene.places_in_turn());
        assert_ne!(first[0], second[0]);
        assert_eq!(scene.places_in_turn(), first);
    }

    #[tokio::test]
    async fn another_program_serves_from_the_next_start_on() {
        let folder = tempfile::tempdir().unwrap();
        let scene = played_by("/bin/false", folder.path());
        let other = scene.replica(&Store::Sqlite).unwrap();
        other.becomes(Program::Product(PathBuf::from("/bin/true")));
        for (scene, code) in [(&scene, 1), (&other, 0)] {
            let began = scene.start().await;
            assert!(
                matches!(began, Err(Failure::ServerEnded(status)) if status.code() == Some(code))
            );
        }
    }

    #[tokio::test]
    async fn what_a_server_last_said_is_kept_with_how_it_ended() {
        let folder = tempfile::tempdir().unwrap();
        let scene = played_by("/bin/cat", folder.path());
        let lines: String = (1..=30).map(|nth| format!("line {nth}\n")).collect();
        fs::write(scene.file("log"), lines).unwrap();
        scene.start().await.unwrap_err();
        let said = scene.last_words();
        let mut said = said.lines();
        let head = said.next().unwrap();
        assert!(
            head.starts_with("server in fault-SQLite: ended by itself, with exit status"),
            "{head}"
        );
        let rest: Vec<_> = said.collect();
        assert_eq!(rest.len(), LAST_WORDS);
        assert!(rest[0].starts_with("server: line "), "{}", rest[0]);
        assert!(rest[LAST_WORDS - 1].contains("serve"), "{rest:?}");
    }
}
