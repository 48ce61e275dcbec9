//! A PostgreSQL server of the tests' own; each test has a database in it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use lanyard_store::{PostgresOptions, PostgresStore};

struct Server {
    /// How the addresses of databases begin: for its superuser, and for the role of Lanyard.
    admin: String,
    role: String,
    directory: PathBuf,
    bin: PathBuf,
    _keeper: Child,
}

static SERVER: OnceLock<Option<Server>> = OnceLock::new();

/// A store in a database of its own; none where no server is to be had, which fails in CI.
pub(crate) async fn store() -> Option<PostgresStore> {
    Some(PostgresStore::connect(&PostgresOptions::new(database()?)).await.expect("a store"))
}

/// The address of a new database.
pub(crate) fn database() -> Option<String> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let server = SERVER.get_or_init(start).as_ref();
    let Some(server) = server else {
        assert!(std::env::var_os("CI").is_none(), "no PostgreSQL: apt-get install postgresql");
        eprintln!("not exercised: no PostgreSQL here (apt-get install postgresql)");
        return None;
    };
    let name = format!("t{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    server.sql(&format!("CREATE DATABASE {name} OWNER lanyard TEMPLATE template0"));
    Some(format!("{} dbname={name}", server.role))
}

/// Runs a statement as the superuser of the tests' server.
pub(crate) fn as_superuser(sql: &str) {
    SERVER.get().and_then(Option::as_ref).expect("a server").sql(sql);
}

/// The address of a database as the superuser of the tests' server.
pub(crate) fn superuser() -> String {
    let server = SERVER.get().and_then(Option::as_ref).expect("a server");
    format!("{} dbname=postgres", server.admin)
}

impl Server {
    fn sql(&self, sql: &str) {
        let done = Command::new(self.bin.join("psql"))
            .args([
                "-qX",
                "-v",
                "ON_ERROR_STOP=1",
                "-d",
                &format!("{} dbname=postgres", self.admin),
            ])
            .args(["-c", sql])
            .output()
            .expect("psql runs");
        assert!(done.status.success(), "{sql}: {}", String::from_utf8_lossy(&done.stderr));
    }
}

fn bin() -> Option<PathBuf> {
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        installed.map(|version| version.path().join("bin")).chain(std::env::split_paths(&path));
    found.into_iter().find(|bin| bin.join("initdb").exists() && bin.join("psql").exists())
}

/// Starts a server that ends, and takes its directory along, when this process does.
fn start() -> Option<Server> {
    let bin = bin()?;
    let directory = tempfile::tempdir().expect("a directory").keep();
    let is_root = Path::new("/proc/self").exists()
        && std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").ok()?) == 0;
    if is_root {
        let owned = Command::new("chown").arg("postgres").arg(&directory).status();
        assert!(owned.is_ok_and(|status| status.success()), "PostgreSQL does not run as root");
    }
    // standard input stays open as long as this process lives
    let script = r#"
        set -e
        "$1/initdb" -D "$2/data" -U admin --auth=trust --encoding=UTF8 --no-locale >"$2/initdb.log" 2>&1
        "$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c max_connections=400 \
            >"$2/postgres.log" 2>&1 &
        server=$!
        cat >/dev/null
        kill -INT $server || true
        wait $server || true
        rm -rf "$2"
    "#;
    let mut keeper = match is_root {
        true => {
            let mut runuser = Command::new("runuser");
            runuser.args(["-u", "postgres", "--", "sh"]);
            runuser
        }
        false => Command::new("sh"),
    };
    let keeper = keeper
        .args(["-c", script, "sh"])
        .args([&bin, &directory])
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("a shell");
    let host = directory.display();
    let (admin, role) = (format!("host={host} user=admin"), format!("host={host} user=lanyard"));
    let server = Server { admin, role, directory, bin, _keeper: keeper };
    server.wait();
    server.sql("CREATE ROLE lanyard LOGIN NOSUPERUSER NOBYPASSRLS");
    Some(server)
}

impl Server {
    fn wait(&self) {
        let since = Instant::now();
        let ready = || {
            let mut ready = Command::new(self.bin.join("pg_isready"));
            ready.arg("-q").arg("-h").arg(&self.directory).status().is_ok_and(|it| it.success())
        };
        while !ready() {
            assert!(since.elapsed() < Duration::from_secs(120), "PostgreSQL does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
