//! The server under load: a process of its own, pinned to one core, measured from outside.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use lanyard_testkit::free_port;
use tokio::process::{Child, Command};
use url::Url;

use crate::{bare::Shape, client::Connection, failure::Failure, machine};

/// What the wallets of this tool are called where they are attested.
pub(crate) const CLIENT: &str = "load-wallet";
/// Where their browsers come back to.
pub(crate) const CALLBACK: &str = "https://wallet.example/callback";

/// No server takes longer to start.
const LONGEST_START: Duration = Duration::from_secs(120);

/// What is served.
#[derive(Clone, Copy)]
pub(crate) enum Setting<'a> {
    /// `lanyard demo`.
    Demo,
    /// `lanyard serve`, as a configuration in its folder says, which has it listen on this port.
    Configured(u16),
    /// This program, as the least that a server can do for a flow.
    Bare(&'a Shape),
    /// A program for Node.js, and the file of the authority that it believes.
    Peer { program: &'a Path, anchor: Option<&'a Path> },
}

/// A running server with its data in a folder of its own.
pub(crate) struct Server {
    child: Child,
    process: u32,
    base: Url,
    data: PathBuf,
    log: PathBuf,
    started: Instant,
    ready_after: Duration,
}

impl Server {
    /// Starts the binary on one core, with an empty folder, and waits until it says it is ready.
    pub(crate) async fn start(
        binary: &Path,
        data: &Path,
        core: usize,
        setting: Setting<'_>,
    ) -> Result<Self, Failure> {
        let port = if let Setting::Configured(port) = setting { port } else { free_port() };
        let log = data.with_extension("log");
        let output = File::create(&log)?;
        let mut command = Command::from(machine::command_on(core, binary));
        match setting {
            Setting::Demo => {
                command.args(["demo", "--port", &port.to_string(), "--data"]).arg(data);
            }
            Setting::Configured(_) => {
                command.args(["serve", "--config"]).arg(data.join("lanyard.toml"));
            }
            Setting::Bare(shape) => {
                let file = data.with_extension("shape");
                fs::write(&file, serde_json::to_vec(shape)?)?;
                command.arg("--bare").arg(file).args(["--port", &port.to_string(), "--data"]);
                command.arg(data);
            }
            Setting::Peer { program, anchor } => {
                command.arg(program).args(["serve", "--port", &port.to_string()]);
                anchor.iter().for_each(|anchor| {
                    command.arg("--trust-anchor").arg(anchor);
                });
            }
        }
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).kill_on_drop(true);

        let started = Instant::now();
        let child = command.spawn()?;
        // taskset replaces itself by the binary, so the process is the server's
        let process = child.id().ok_or(Failure::ServerGone)?;
        let base = Url::parse(&format!("http://localhost:{port}/"))?;
        let (data, ready_after) = (data.to_owned(), Duration::ZERO);
        let mut server = Self { child, process, base, data, log, started, ready_after };
        let is_peer = matches!(setting, Setting::Peer { .. });
        match server.wait_until_ready(is_peer).await {
            Ok(()) => Ok(server),
            Err(failure) => {
                server.show_log();
                Err(failure)
            }
        }
    }

    async fn wait_until_ready(&mut self, is_peer: bool) -> Result<(), Failure> {
        let ready = self.base.join("readyz")?;
        while self.started.elapsed() < LONGEST_START {
            let is_ready = match Connection::open(&self.base).await {
                Ok(_) if is_peer => !fs::read_to_string(&self.log)?.is_empty(),
                Ok(mut connection) => connection.get(&ready, None).await.is_ok(),
                Err(_) => false,
            };
            if is_ready {
                self.ready_after = self.started.elapsed();
                return Ok(());
            }
            if self.child.try_wait()?.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Err(Failure::ServerGone)
    }

    /// The server's base URL.
    pub(crate) const fn base(&self) -> &Url {
        &self.base
    }

    /// When the process was started.
    pub(crate) const fn started(&self) -> Instant {
        self.started
    }

    /// From process start until it said it was ready.
    pub(crate) const fn ready_after(&self) -> Duration {
        self.ready_after
    }

    /// The first line that the server wrote.
    pub(crate) fn first_words(&self) -> Result<String, Failure> {
        let log = fs::read_to_string(&self.log)?;
        Ok(log.lines().next().unwrap_or_default().to_owned())
    }

    /// A file that the server left in its data folder.
    pub(crate) fn file(&self, name: &str) -> Result<String, Failure> {
        Ok(fs::read_to_string(self.data.join(name))?)
    }

    /// The processor time the server has used so far.
    pub(crate) fn cpu(&self) -> Result<Duration, Failure> {
        machine::process_cpu(self.process)
    }

    /// The server's resident memory in bytes.
    pub(crate) fn resident_memory(&self) -> Result<u64, Failure> {
        machine::resident_memory(self.process)
    }

    /// The most resident memory that the server had since its peak was forgotten, in bytes.
    pub(crate) fn peak_memory(&self) -> Result<u64, Failure> {
        machine::peak_memory(self.process)
    }

    /// Has the server's peak begin anew.
    pub(crate) fn forget_peak(&self) -> Result<(), Failure> {
        machine::forget_peak(self.process)
    }

    /// How many files the server has open, connections among them.
    pub(crate) fn open_files(&self) -> Result<usize, Failure> {
        machine::open_files(self.process)
    }

    /// A file in its data folder.
    pub(crate) fn place(&self, name: &str) -> PathBuf {
        self.data.join(name)
    }

    /// Repeats the last lines of what the server said.
    pub(crate) fn show_log(&self) {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].iter().for_each(|line| eprintln!("server: {line}"));
    }

    /// Stops it after it was played with; what it last said is worth more than how a wallet took it.
    pub(crate) async fn stopped<T>(self, played: Result<T, Failure>) -> Result<T, Failure> {
        match played {
            Ok(played) => self.stop().await.map(|()| played),
            Err(failure) => {
                self.show_log();
                Err(failure)
            }
        }
    }

    /// Asks the server to end, and waits until it has.
    pub(crate) async fn stop(mut self) -> Result<(), Failure> {
        Command::new("kill").arg(self.process.to_string()).status().await?;
        let ended = tokio::time::timeout(Duration::from_secs(10), self.child.wait()).await;
        ended.map_err(|_| Failure::ServerGone)??;
        Ok(())
    }
}
