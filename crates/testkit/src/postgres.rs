//! A PostgreSQL server of the tests' own: it ends, and takes its folder along, when their process does.

use std::{
    env, fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::{free_port, not_exercised};

mod copies;

/// The role that the tests' databases belong to.
const ROLE: &str = "lanyard";

/// What that role says where the server asks for a password: over TCP.
const PASSWORD: &str = "canary of the database";

/// The script that owns the server: its standard input stays open as long as the tests' process lives.
const KEEPER: &str = r#"
    set -e
    if [ -z "$3" ]; then
        "$1/initdb" -D "$2/data" -U admin --auth-local=trust --auth-host=scram-sha-256 \
            --encoding=UTF8 --no-locale --no-sync >"$2/initdb.log" 2>&1
    else
        "$1/pg_basebackup" -d "$3" -D "$2/data" -X stream -c fast -R >"$2/initdb.log" 2>&1
    fi
    cat "$2/settings" >>"$2/data/postgresql.conf"
    "$1/pg_ctl" start -w -t 120 -D "$2/data" -l "$2/server.log" >"$2/start.log" 2>&1
    touch "$2/ready"
    cat >/dev/null
    "$1/pg_ctl" stop -m immediate -D "$2/data" >/dev/null 2>&1 || true
    rm -rf "$2"
"#;

/// A running server.
#[derive(Debug)]
pub struct PostgresServer {
    folder: PathBuf,
    bin: PathBuf,
    as_other: bool,
    port: u16,
    authority: String,
    /// Ends the server when it is dropped with its pipe.
    keeper: Child,
}

impl PostgresServer {
    /// The server that all tests of a process share; none where PostgreSQL is not installed.
    ///
    /// # Panics
    /// When there is none although `CI` is set, and when it does not start.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<PostgresServer>> = OnceLock::new();
        SHARED.get_or_init(Self::start).as_ref()
    }

    /// A server of the test's own, to be stopped and started.
    ///
    /// # Panics
    /// As [`shared`](Self::shared).
    pub fn start() -> Option<Self> {
        Self::start_with("")
    }

    /// The same, with further lines of `postgresql.conf`.
    ///
    /// # Panics
    /// As [`shared`](Self::shared).
    pub fn start_with(settings: &str) -> Option<Self> {
        let bin = installed_or_told()?;
        let server = Self::start_as(bin, settings, None, &Certified::new());
        server.sql(&format!(
            "CREATE ROLE {ROLE} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '{PASSWORD}'"
        ));
        Some(server)
    }

    /// A server with no role but its superuser.
    ///
    /// # Panics
    /// As [`shared`](Self::shared).
    pub fn start_bare() -> Option<Self> {
        Some(Self::start_as(installed_or_told()?, "", None, &Certified::new()))
    }

    /// A server with this certificate and its key, as PEM, and with no role but its superuser.
    ///
    /// # Panics
    /// As [`shared`](Self::shared).
    pub fn start_certified(certificate: &str, key: &str) -> Option<Self> {
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        let certified = Certified { authority: certificate.clone(), certificate, key };
        Some(Self::start_as(installed_or_told()?, "", None, &certified))
    }

    /// A new server, or one that begins as a copy of another and follows it.
    fn start_as(
        bin: PathBuf,
        settings: &str,
        followed: Option<&Self>,
        certified: &Certified,
    ) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // short: the path of a Unix socket has at most 107 bytes
        let name = format!("lanyard-pg-{}-{number}", std::process::id());
        let folder = env::temp_dir().join(name);
        fs::create_dir(&folder).expect("a folder");
        let as_other = fs::metadata(&folder).expect("it was just made").uid() == 0;
        let port = free_port();
        write_settings(&folder, port, settings, certified);
        if as_other {
            // PostgreSQL does not run as root; Debian's package makes this user
            let owned = Command::new("chown").args(["-R", "postgres"]).arg(&folder).status();
            assert!(owned.is_ok_and(|status| status.success()), "there is no user postgres");
        }
        let mut shell = as_user(as_other, "sh");
        let keeper = shell
            .args(["-c", KEEPER, "sh"])
            .args([&bin, &folder])
            .arg(followed.map(Self::superuser).unwrap_or_default())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let authority = certified.authority.clone();
        let mut server = Self { folder, bin, as_other, port, authority, keeper };
        server.until_ready();
        server
    }

    fn until_ready(&mut self) {
        let since = Instant::now();
        while !self.folder.join("ready").exists() {
            let ended = self.keeper.try_wait().ok().flatten();
            assert!(
                ended.is_none() && since.elapsed() < Duration::from_secs(180),
                "{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What the server and those who made it said.
    fn log(&self) -> String {
        let logs = ["initdb.log", "start.log", "server.log"];
        let read = logs.map(|log| fs::read_to_string(self.folder.join(log)).unwrap_or_default());
        format!("PostgreSQL does not start: {}", read.concat())
    }

    /// The address of a new database, over the server's Unix socket.
    pub fn database(&self) -> String {
        format!("{} user={ROLE} dbname={}", self.socket(), self.new_database())
    }

    /// The address of a new database over TCP, where the server asks for [`password`](Self::password).
    pub fn remote_database(&self, host: &str) -> String {
        format!("postgres://{ROLE}@{host}:{}/{}", self.port, self.new_database())
    }

    /// The password of the role that databases belong to.
    pub const fn password(&self) -> &'static str {
        PASSWORD
    }

    /// Who vouches for the server's certificate, which names `localhost`, as PEM.
    pub fn authority_pem(&self) -> &str {
        &self.authority
    }

    /// An authority that vouches for nobody, as PEM.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn other_authority_pem() -> String {
        Certified::new().authority
    }

    /// The address of a database as a superuser.
    pub fn superuser(&self) -> String {
        format!("{} user=admin dbname=postgres", self.socket())
    }

    fn socket(&self) -> String {
        format!("host={} port={}", self.folder.display(), self.port)
    }

    fn new_database(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.sql(&format!("CREATE DATABASE {name} OWNER {ROLE} TEMPLATE template0"));
        name
    }

    /// Runs a statement as a superuser, and gives what it says.
    ///
    /// # Panics
    /// When it fails.
    pub fn sql(&self, sql: &str) -> String {
        self.sql_at(&self.superuser(), sql)
    }

    /// Runs a statement as a superuser in a database of [`database`](Self::database), and gives what it says.
    ///
    /// # Panics
    /// When it fails.
    pub fn sql_in(&self, database: &str, sql: &str) -> String {
        self.sql_at(&database.replace(&format!("user={ROLE}"), "user=admin"), sql)
    }

    /// The port on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// `psql`, connected as a superuser.
    pub fn psql(&self) -> Command {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args(["--no-psqlrc", "--dbname", &self.superuser()]);
        psql
    }

    fn sql_at(&self, address: &str, sql: &str) -> String {
        let arguments = ["-qXAt", "-v", "ON_ERROR_STOP=1", "-d", address, "-c", sql];
        let done = Command::new(self.bin.join("psql")).args(arguments).output().expect("psql runs");
        assert!(done.status.success(), "{sql}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }

    /// A statement as a superuser in the database at an address of [`database`](Self::database), whichever way leads
    /// there, for whoever does not wait for it; none where PostgreSQL is not installed.
    pub fn statement(address: &str, sql: &str) -> Option<Command> {
        let address = address.replace(&format!("user={ROLE}"), "user=admin");
        let mut psql = Command::new(installed()?.join("psql"));
        psql.args(["-qXAt", "-v", "ON_ERROR_STOP=1", "-d", &address, "-c", sql]);
        psql.stdin(Stdio::null());
        Some(psql)
    }

    /// The process that all others of the server are children of.
    ///
    /// # Panics
    /// When it does not run.
    pub fn process(&self) -> u32 {
        let file = self.folder.join("data/postmaster.pid");
        let written = fs::read_to_string(file).expect("the server runs");
        let first = written.lines().next().and_then(|process| process.parse().ok());
        first.expect("the file begins with the number of the process")
    }

    /// Stops the server at once, as a crash would: nothing is said to whoever is connected.
    ///
    /// # Panics
    /// When it does not stop.
    pub fn stop(&self) {
        self.control(&["stop", "-m", "immediate"]);
    }

    /// Starts the server again.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_again(&self) {
        let log = self.folder.join("server.log");
        self.control(&["start", "-t", "120", "-l", &log.display().to_string()]);
    }

    fn control(&self, arguments: &[&str]) {
        let data = self.folder.join("data");
        let mut control = as_user(self.as_other, &self.bin.join("pg_ctl").display().to_string());
        control.args(arguments).args(["-w", "-D"]).arg(data).current_dir("/");
        // a pipe would be held open by the server that was started
        let done = control.stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(done.is_ok_and(|status| status.success()), "{arguments:?}: {}", self.log());
    }
}

/// The folder with the server's programs: Debian's, or what `PATH` leads to.
fn installed() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let path = env::var_os("PATH").unwrap_or_default();
    let bins = versions.map(|version| version.path().join("bin")).chain(env::split_paths(&path));
    let all = ["initdb", "pg_ctl", "postgres", "psql"];
    bins.into_iter().find(|bin| all.iter().all(|program| bin.join(program).exists()))
}

/// The same; where there is none, that is told.
fn installed_or_told() -> Option<PathBuf> {
    let bin = installed();
    if bin.is_none() {
        not_exercised("PostgreSQL (apt-get install postgresql)");
    }
    bin
}

/// The server's certificate, and its settings.
fn write_settings(folder: &Path, port: u16, further: &str, certified: &Certified) {
    let (certificate, key) = (folder.join("server.crt"), folder.join("server.key"));
    fs::write(&certificate, &certified.certificate).expect("writable");
    fs::write(&key, &certified.key).expect("writable");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("ours");
    let settings = format!(
        "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = '{folder}'\n\
         max_connections = 400\nshared_buffers = 32MB\nssl = on\n\
         ssl_cert_file = '{certificate}'\nssl_key_file = '{key}'\n{further}\n",
        folder = folder.display(),
        certificate = certificate.display(),
        key = key.display(),
    );
    fs::write(folder.join("settings"), settings).expect("writable");
}

/// A server's certificate, as PEM.
struct Certified {
    /// Who vouches for it.
    authority: String,
    certificate: String,
    key: String,
}

impl Certified {
    /// A certificate for `localhost`.
    fn new() -> Self {
        Self::made().expect("certificates can be made")
    }

    fn made() -> Result<Self, rcgen::Error> {
        let mut root = CertificateParams::new(Vec::new())?;
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let (root_key, key) = (KeyPair::generate()?, KeyPair::generate()?);
        let authority = root.self_signed(&root_key)?;
        let leaf = CertificateParams::new(vec!["localhost".to_owned()])?;
        let leaf = leaf.signed_by(&key, &Issuer::new(root, root_key))?;
        let (authority, certificate) = (authority.pem(), leaf.pem());
        Ok(Self { authority, certificate, key: key.serialize_pem() })
    }
}

fn as_user(other: bool, program: &str) -> Command {
    if !other {
        return Command::new(program);
    }
    let mut runuser = Command::new("runuser");
    runuser.args(["-u", "postgres", "--", program]);
    runuser
}
