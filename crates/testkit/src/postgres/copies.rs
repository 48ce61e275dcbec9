//! Copies of a server's databases: dumps that are restored, and a second server that follows the first.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::{Certified, PostgresServer, ROLE};

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
        let standby = Self::start_as(self.bin.clone(), "", Some(self), &Certified::new());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standby_has_what_was_acknowledged_and_takes_over() {
        let Some(server) = PostgresServer::start() else { return };
        let address = server.database();
        let standby = server.standby();
        let at = |server: &PostgresServer, sql: &str| {
            let psql = server.bin.join("psql");
            let address = server.own_address_of(&address);
            let done = Command::new(psql).args(["-qXAt", "-d", &address, "-c", sql]).output();
            String::from_utf8_lossy(&done.expect("psql runs").stdout).trim().to_owned()
        };
        at(&server, "CREATE TABLE kept AS SELECT 7 AS number");
        server.stop();
        standby.promote();
        assert_eq!(at(&standby, "SELECT number FROM kept"), "7");
        at(&standby, "INSERT INTO kept VALUES (8)");
        assert_eq!(at(&standby, "SELECT count(*) FROM kept"), "2");
    }

    #[test]
    fn a_dump_takes_the_place_of_what_came_after_it() {
        let Some(server) = PostgresServer::shared() else { return };
        let (address, folder) = (server.database(), tempfile::tempdir().expect("a folder"));
        let at = |sql: &str| {
            let psql = server.bin.join("psql");
            let done = Command::new(psql).args(["-qXAt", "-d", &address, "-c", sql]).output();
            String::from_utf8_lossy(&done.expect("psql runs").stdout).trim().to_owned()
        };
        at("CREATE TABLE kept AS SELECT 7 AS number");
        let file = folder.path().join("dump");
        assert!(server.dump(&address, &file).status().is_ok_and(|status| status.success()));
        at("INSERT INTO kept VALUES (8)");
        server.refill(&address, &file);
        assert_eq!(at("SELECT number FROM kept"), "7");
    }
}
