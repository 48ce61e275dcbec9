//! Copies of a server's databases: dumps that are restored, and a second server that follows the first.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::{PostgresServer, ROLE};

impl PostgresServer {
    /// Writes a database that [`database`](Self::database) named into a file, as its own tools do.
    pub fn dump(&self, address: &str, file: &Path) -> Command {
        let mut dump = Command::new(self.bin.join("pg_dump"));
        dump.args(["-d", &self.of_superuser(address)]).arg("-f").arg(file).stdin(Stdio::null());
        dump
    }

    /// Puts a dump in the place of a database; whoever is connected to that is thrown out.
    ///
    /// # Panics
    /// When that does not succeed.
    pub fn refill(&self, address: &str, dump: &Path) {
        let name = part(address, "dbname");
        self.sql(&format!("DROP DATABASE {name} WITH (FORCE)"));
        self.sql(&format!("CREATE DATABASE {name} OWNER {ROLE} TEMPLATE template0"));
        let mut restore = Command::new(self.bin.join("psql"));
        restore.args(["-qX", "-v", "ON_ERROR_STOP=1", "-d", &self.of_superuser(address)]);
        let done = restore.arg("-f").arg(dump).output().expect("psql runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// A server that follows this one: once it runs, nothing is acknowledged here that it has not got.
    ///
    /// # Panics
    /// When it does not start.
    pub fn standby(&self) -> Self {
        let standby = Self::start_as(self.bin.clone(), "", Some(self));
        self.sql("ALTER SYSTEM SET synchronous_standby_names = '*'");
        self.sql("SELECT pg_reload_conf()");
        let follows = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        let since = Instant::now();
        while self.sql(follows) != "1" {
            assert!(since.elapsed() < Duration::from_secs(60), "{}", standby.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        standby
    }

    /// Has a standby take over from the server that it followed.
    ///
    /// # Panics
    /// When it does not.
    pub fn promote(&self) {
        self.control(&["promote"]);
        // it would wait for a standby of its own
        self.sql("ALTER SYSTEM RESET synchronous_standby_names");
        self.sql("SELECT pg_reload_conf()");
    }

    /// The address here of a database of the server that this one followed.
    pub fn own_address_of(&self, address: &str) -> String {
        format!("{} user={ROLE} dbname={}", self.socket(), part(address, "dbname"))
    }

    fn of_superuser(&self, address: &str) -> String {
        format!("{} user=admin dbname={}", self.socket(), part(address, "dbname"))
    }
}

fn part<'a>(address: &'a str, name: &str) -> &'a str {
    let mut parts = address.split(' ').filter_map(|part| part.split_once('='));
    let found = parts.find(|(key, _)| *key == name);
    found.expect("an address that a server here gave").1
}
