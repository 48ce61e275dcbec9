//! Every test there is, run one suite after another and counted in one closing line.
//!
//! A clean clone with only Rust and a C compiler gets through: what needs Node, Python, Java, Chromium or the
//! official vectors is then named in the closing lines with the one command that brings it. In CI
//! nothing may be missing.

use std::{
    env,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    arrows, bindings,
    command::{self, exists, program},
    phones,
};

/// Runs every suite and prints the count.
pub(crate) fn run() -> Result<(), String> {
    arrows::run()?;
    let mut tally = Tally::default();
    rust(&mut tally)?;
    if needs(&mut tally, &["node", "npm"], "peers from npm", "apt-get install nodejs npm") {
        oracles(&mut tally)?;
        peers(&mut tally)?;
    }
    bound(&mut tally)?;
    for_phones(&mut tally);
    tally.close()
}

/// What the suites have said so far.
#[derive(Debug, Default)]
struct Tally {
    passed: u64,
    failed: u64,
    skipped: u64,
    missing: Vec<String>,
    broken: Vec<&'static str>,
    took: Vec<(&'static str, Duration)>,
}

impl Tally {
    fn close(mut self) -> Result<(), String> {
        self.missing.sort();
        self.missing.dedup();
        println!();
        for (what, took) in &self.took {
            println!("{:>5} s {what}", took.as_secs());
        }
        for line in &self.missing {
            println!("not exercised: {line}");
        }
        for suite in &self.broken {
            println!("failed suite: {suite}");
        }
        let Self { passed, failed, skipped, .. } = self;
        println!("{passed} passed, {failed} failed, {skipped} skipped");
        if failed > 0 || !self.broken.is_empty() {
            return Err("tests failed".to_owned());
        }
        if passed == 0 {
            return Err("no test ran".to_owned());
        }
        if env::var_os("CI").is_some() && !self.missing.is_empty() {
            return Err("in CI every suite must be exercised".to_owned());
        }
        Ok(())
    }

    /// Does something that is no suite, and keeps how long it took.
    fn timed(
        &mut self,
        what: &'static str,
        work: impl FnOnce() -> Result<(), String>,
    ) -> Result<(), String> {
        let begun = Instant::now();
        work()?;
        self.took.push((what, begun.elapsed()));
        Ok(())
    }

    fn suite(
        &mut self,
        name: &'static str,
        command: Command,
        read: fn(&mut Self, &str),
    ) -> Result<(), String> {
        println!("\n== {name}");
        let begun = Instant::now();
        if !command::run_read(command, |line| read(self, line))? {
            self.broken.push(name);
        }
        self.took.push((name, begun.elapsed()));
        Ok(())
    }

    /// `test result: ok. 12 passed; 0 failed; 1 ignored; …`
    fn read_cargo(&mut self, line: &str) {
        if let Some(suite) = line.strip_prefix("vectors-missing: ") {
            self.missing.push(format!(
                "official vectors `{suite}` (set LANYARD_VECTORS to a folder laid out as spec-vectors/manifest.toml says)"
            ));
        }
        if let Some(what) = line.strip_prefix("not-exercised: ") {
            self.missing.push(what.to_owned());
        }
        let Some(counts) = line.strip_prefix("test result: ") else { return };
        for count in counts.split([';', '.']) {
            let mut words = count.split_whitespace();
            let number = words.next().and_then(|word| word.parse::<u64>().ok());
            match (number, words.next()) {
                (Some(number), Some("passed")) => self.passed += number,
                (Some(number), Some("failed")) => self.failed += number,
                (Some(number), Some("ignored")) => self.skipped += number,
                _ => {}
            }
        }
    }

    /// `Tests run: 12, Failures: 0, Errors: 0, Skipped: 0`, as Surefire closes a module; its lines about single
    /// classes go on with the time.
    fn read_surefire(&mut self, line: &str) {
        let Some((_, counts)) = line.split_once("Tests run: ") else { return };
        let mut numbers = counts.split(", ").map(|count| {
            let number = count.rsplit(' ').next().unwrap_or_default();
            number.parse::<u64>().ok()
        });
        let (Some(Some(run)), Some(Some(failures)), Some(Some(errors)), Some(Some(skipped)), None) =
            (numbers.next(), numbers.next(), numbers.next(), numbers.next(), numbers.next())
        else {
            return;
        };
        self.passed += run.saturating_sub(failures + errors + skipped);
        self.failed += failures + errors;
        self.skipped += skipped;
    }

    /// `# pass 12`, as node's test runner closes.
    fn read_node(&mut self, line: &str) {
        let mut words = line.trim_start_matches(['#', 'ℹ', ' ']).split_whitespace();
        let (Some(word), Some(number)) = (words.next(), words.next()) else { return };
        let (Ok(number), None) = (number.parse::<u64>(), words.next()) else { return };
        match word {
            "pass" => self.passed += number,
            "fail" => self.failed += number,
            "skipped" => self.skipped += number,
            _ => {}
        }
    }
}

fn rust(tally: &mut Tally) -> Result<(), String> {
    let all = ["test", "--workspace", "--all-features"];
    let build = program("cargo", &[&all[..], &["--no-run"]].concat(), ".");
    tally.timed("build of the Rust tests", || command::run(build))?;
    let tests = program("cargo", &[&all[..], &["--no-fail-fast"]].concat(), ".");
    tally.suite("Rust", tests, Tally::read_cargo)?;
    // in memory they have just run
    let named = [&all[..], &["--no-run", "--message-format", "json"]].concat();
    let built = program("cargo", &named, ".").output().map_err(|cause| cause.to_string())?;
    let built = String::from_utf8_lossy(&built.stdout).into_owned();
    for (suite, package, store, flows) in ON_OTHER_STORES {
        let tests = tests_of(package, &built).ok_or(format!("{package} has no tests"))?;
        let mut tests = program(&tests, flows, &format!("crates/{package}"));
        tests.env("LANYARD_TEST_STORE", store);
        tally.suite(suite, tests, Tally::read_cargo)?;
    }
    Ok(())
}

/// The tests once more, on the stores that are served from: suite, package, store, and which of the tests, if not all.
///
/// The services' are in memory otherwise, the program's on SQLite.
const ON_OTHER_STORES: [(&str, &str, &str, &[&str]); 5] = [
    ("issuer on SQLite", "issuer", "sqlite", &[]),
    ("verifier on SQLite", "verifier", "sqlite", &[]),
    ("issuer on PostgreSQL", "issuer", "postgres", &[]),
    ("verifier on PostgreSQL", "verifier", "postgres", &[]),
    ("flows of the program on PostgreSQL", "lanyard", "postgres", &FLOWS),
];

/// The program's tests that play flows against a running server.
const FLOWS: [&str; 11] = [
    "circle::",
    "crash::",
    "evidence::",
    "foreign::",
    "harness::",
    "integrators::",
    "pocket::",
    "samples::",
    "sandbox::",
    "telemetry::",
    "web::",
];

/// The program with the tests of a package, among what cargo says that it built.
fn tests_of(package: &str, built: &str) -> Option<String> {
    let manifest = format!("/crates/{package}/Cargo.toml");
    let mut artifacts = built.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let tests = artifacts.find(|artifact| {
        artifact["target"]["name"] == "all"
            && artifact["manifest_path"].as_str().is_some_and(|path| path.ends_with(&manifest))
    })?;
    tests["executable"].as_str().map(str::to_owned)
}

fn oracles(tally: &mut Tally) -> Result<(), String> {
    // josekit links OpenSSL; nothing of the product does
    if !needs(tally, &["pkg-config"], "the Rust oracles", "apt-get install pkg-config libssl-dev") {
        return Ok(());
    }
    let manifest = "interop-tests/oracles";
    tally.suite(
        "Rust oracles",
        program("cargo", &["test", "--locked"], manifest),
        Tally::read_cargo,
    )
}

fn peers(tally: &mut Tally) -> Result<(), String> {
    tally.timed("build of the programs for the peers", bindings::build)?;
    command::run(program("npm", &["ci", "--no-audit", "--no-fund"], "interop-tests"))?;
    if needs(tally, &["python3"], "the Python peer", "apt-get install python3 python3-venv") {
        command::run(program("python3", &["-m", "venv", ".venv"], "interop-tests"))?;
        let install = ["install", "--quiet", "--requirement", "peers/python/requirements.txt"];
        command::run(program("./.venv/bin/pip", &install, "interop-tests"))?;
    }
    if needs(tally, &["mvn", "java"], "the wallets on the JVM", "apt-get install maven") {
        let build = ["--quiet", "--batch-mode", "package"];
        command::run(program("mvn", &build, "interop-tests/peers/jvm"))?;
    }
    let chromium =
        needs(tally, &["chromium"], "the pages in a browser", "apt-get install chromium");
    tally.suite(
        "peers",
        program("npm", &["run", "--silent", "peers"], "interop-tests"),
        Tally::read_node,
    )?;
    let postgres = ["psql", "node"];
    if needs(tally, &postgres, "the peers on PostgreSQL", "apt-get install postgresql") {
        let flows = ["npm", "run", "--silent", "flows"];
        let beside = bindings::with_postgres().display().to_string();
        let flows = program(&beside, &flows, "interop-tests");
        tally.suite("peers on PostgreSQL", flows, Tally::read_node)?;
    }
    if chromium {
        let browser = program("npm", &["run", "--silent", "browser"], "interop-tests");
        tally.suite("browser", browser, Tally::read_node)?;
    }
    if needs(tally, &["go"], "the OpenTelemetry collector", "Go from https://go.dev/dl") {
        let collector = program("npm", &["run", "--silent", "collector"], "interop-tests");
        tally.suite("collector", collector, Tally::read_node)?;
    }
    Ok(())
}

/// The wallet's bindings: held to what is checked in, and driven from Python and Kotlin against real servers.
fn bound(tally: &mut Tally) -> Result<(), String> {
    bindings::check()?;
    if needs(tally, &["python3"], "the wallet in Python", "apt-get install python3 python3-venv") {
        let folder = bindings::python()?;
        let mut tests = program("python3", &["run.py"], "crates/wallet-ffi/tests/python");
        tests.env("PYTHONPATH", &folder).env("LANYARD_BIN", bindings::server());
        tally.suite("wallet in Python", tests, Tally::read_node)?;
        command::run(program("python3", &["-m", "venv", "target/swift"], "."))?;
        let install = ["install", "--quiet", "--requirement", "mobile/ios/syntax/requirements.txt"];
        command::run(program("target/swift/bin/pip", &install, "."))?;
        let syntax = program("target/swift/bin/python", &["mobile/ios/syntax/check.py"], ".");
        tally.suite("syntax of Swift", syntax, Tally::read_node)?;
    }
    if needs(tally, &["mvn", "java"], "the wallet in Kotlin", "apt-get install maven") {
        let library = format!("-Dlanyard.library={}", bindings::library().display());
        let server = format!("-Dlanyard.binary={}", bindings::server().display());
        let build = ["--batch-mode", "--no-transfer-progress", "verify", &library, &server];
        tally.suite(
            "wallet in Kotlin",
            program("mvn", &build, "mobile/android"),
            Tally::read_surefire,
        )?;
    }
    Ok(())
}

/// The wallet without C, for both phones: minutes, so elsewhere than in CI only where somebody asks for it.
fn for_phones(tally: &mut Tally) {
    if env::var_os("CI").is_none() {
        tally.missing.push("the wallet's library for phones (cargo xtask phones)".to_owned());
        return;
    }
    println!("\n== phones");
    let begun = Instant::now();
    if let Err(cause) = phones::run() {
        println!("{cause}");
        tally.broken.push("phones");
    }
    tally.took.push(("phones", begun.elapsed()));
}

fn needs(tally: &mut Tally, programs: &[&str], what: &str, how: &str) -> bool {
    let here = programs.iter().all(|name| exists(name));
    if !here {
        tally.missing.push(format!("{what} ({how})"));
    }
    here
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_up_what_cargo_and_node_say() {
        let mut tally = Tally::default();
        tally.read_cargo(
            "test result: FAILED. 12 passed; 2 failed; 1 ignored; 0 measured; 3 filtered out",
        );
        tally.read_node("# pass 5");
        tally.read_node("ℹ fail 1");
        tally.read_node("# Subtest: pass 9 of them");
        assert_eq!((tally.passed, tally.failed, tally.skipped), (17, 3, 1));
    }

    #[test]
    fn says_once_what_a_test_could_not_exercise_and_how_to_get_it() {
        let mut tally = Tally::default();
        for _ in 0..2 {
            tally.read_cargo("not-exercised: PostgreSQL (apt-get install postgresql)");
        }
        assert_eq!(tally.missing, ["PostgreSQL (apt-get install postgresql)"; 2]);
        tally.missing.dedup();
        assert_eq!(tally.missing, ["PostgreSQL (apt-get install postgresql)"]);
    }

    #[test]
    fn adds_up_what_surefire_says_of_modules() {
        let mut tally = Tally::default();
        let class =
            "[INFO] Tests run: 9, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 2 s -- in T";
        tally.read_surefire(class);
        tally.read_surefire("[ERROR] Tests run: 9, Failures: 1, Errors: 2, Skipped: 1");
        assert_eq!((tally.passed, tally.failed, tally.skipped), (5, 3, 1));
    }

    #[test]
    fn finds_the_tests_of_a_package_among_what_was_built() {
        let built = |package: &str, target: &str| {
            let manifest = format!("/somewhere/crates/{package}/Cargo.toml");
            let executable = format!("/built/{target}-of-{package}");
            serde_json::json!({
                "manifest_path": manifest, "target": { "name": target }, "executable": executable,
            })
        };
        let lines =
            [built("issuer", "lanyard_issuer"), built("store", "all"), built("issuer", "all")];
        let said = lines.map(|line| line.to_string()).join("\n");
        assert_eq!(tests_of("issuer", &said).as_deref(), Some("/built/all-of-issuer"));
        assert_eq!(tests_of("verifier", &said), None);
    }

    #[test]
    fn fails_when_a_test_failed_and_when_none_ran() {
        assert_eq!(Tally::default().close(), Err("no test ran".to_owned()));
        let failed = Tally { passed: 3, failed: 1, ..Tally::default() };
        assert_eq!(failed.close(), Err("tests failed".to_owned()));
    }
}
