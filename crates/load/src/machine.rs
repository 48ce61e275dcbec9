//! The machine under both sides: cores, folders, and what everything else on it is doing.

use std::{
    env, fs,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;

use crate::failure::Failure;

/// Keeps this process on one core; says so when it cannot.
pub(crate) fn pin_to(core: usize) {
    pin(process::id(), core);
}

/// Keeps a process or a thread on one core; says so when it cannot.
pub(crate) fn pin(task: u32, core: usize) {
    let pinned = Command::new("taskset")
        .args(["--cpu-list", "--pid", &core.to_string(), &task.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !pinned.is_ok_and(|status| status.success()) {
        eprintln!("not pinned to core {core}: taskset is missing, or there is no such core");
    }
}

/// A program's command on one core, or anywhere when there is no `taskset`.
pub(crate) fn command_on(core: usize, program: &Path) -> Command {
    if Command::new("taskset").arg("--version").stdout(Stdio::null()).status().is_err() {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &core.to_string()]).arg(program);
    command
}

/// Programs that want all of a core, until they are dropped: whoever else runs there gets a share of it.
pub(crate) fn neighbours(
    core: usize,
    number: usize,
) -> Result<Vec<tokio::process::Child>, Failure> {
    let busy = |_| {
        let mut neighbour = command_on(core, Path::new("sh"));
        neighbour.args(["-c", "while :; do :; done"]);
        Ok(tokio::process::Command::from(neighbour).kill_on_drop(true).spawn()?)
    };
    (0..number).map(busy).collect()
}

/// The binary to measure.
pub(crate) fn binary(asked: Option<&Path>) -> Result<PathBuf, Failure> {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    let built = target.join("release/lanyard");
    let binary = asked.map_or(built, Path::to_owned);
    if binary.is_file() { Ok(binary) } else { Err(Failure::NoBinary(binary)) }
}

/// What a binary is built of.
const BUILT_OF: [&str; 3] = [":/crates", ":/Cargo.toml", ":/Cargo.lock"];

/// What a commit is called that nobody has.
const WITH_CHANGES: &str = ", with changes";

/// What is said beside a commit that nobody has.
pub(crate) fn mark(commit: &str) -> &'static str {
    match commit.ends_with(WITH_CHANGES) {
        true => " **Not to be published: what was measured is in no commit.**",
        false => "",
    }
}

/// The last commit that changed what binaries are built of, and whether anything of that was changed since; what a
/// run writes is nothing of it.
pub(crate) fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let of = |command: &[&'static str]| git(&[command, &["--"], &BUILT_OF].concat());
    let commit = of(&["log", "-1", "--format=%h"]);
    let commit = commit.unwrap_or_else(|| "unknown".to_owned());
    match of(&["status", "--porcelain"]) {
        Some(changed) if changed.is_empty() => commit,
        _ => format!("{commit}{WITH_CHANGES}"),
    }
}

/// A folder for the server's data, beside the binary: on the disk that it was built on.
pub(crate) fn data_folder(binary: &Path, asked: Option<&Path>) -> Result<TempDir, Failure> {
    let beside = binary.parent().unwrap_or(Path::new("."));
    Ok(tempfile::Builder::new().prefix("lanyard-load-").tempdir_in(asked.unwrap_or(beside))?)
}

/// Writes a file that nobody else may read.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> Result<(), Failure> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    Ok(options.open(path)?.write_all(content)?)
}

/// The processor time that this process has used so far.
pub(crate) fn own_cpu() -> Result<Duration, Failure> {
    process_cpu(process::id())
}

/// The processor time that a process has used so far.
pub(crate) fn process_cpu(process: u32) -> Result<Duration, Failure> {
    cpu(&format!("/proc/{process}/stat"))
}

/// The processor time that this thread has used so far.
pub(crate) fn thread_cpu() -> Result<Duration, Failure> {
    cpu("/proc/thread-self/stat")
}

fn cpu(stat: &str) -> Result<Duration, Failure> {
    // proc(5): fields 14 and 15 count clock ticks of 10 ms; the name in field 2 may hold spaces
    let stat = fs::read_to_string(stat)?;
    let after_name = stat.rsplit_once(") ").map(|(_, rest)| rest).ok_or(Failure::ServerGone)?;
    Ok(ticks(after_name.split_whitespace().skip(11).take(2)))
}

/// The processor time that a process, its children and those that they have left behind have used so far.
pub(crate) fn family_cpu(process: u32) -> Result<Duration, Failure> {
    // proc(5): fields 14 to 17, the last two of which are those of children that have ended
    let used = |stat: &str| {
        let after_name = stat.rsplit_once(") ").map(|(_, rest)| rest).ok_or(Failure::ServerGone)?;
        Ok::<_, Failure>(ticks(after_name.split_whitespace().skip(11).take(4)))
    };
    let mut sum = used(&fs::read_to_string(format!("/proc/{process}/stat"))?)?;
    for other in fs::read_dir("/proc")?.flatten() {
        // whatever ends while it is looked at counts with its parent
        let Ok(stat) = fs::read_to_string(other.path().join("stat")) else { continue };
        let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        if after_name.split_whitespace().nth(1) == Some(process.to_string().as_str()) {
            sum += used(&stat)?;
        }
    }
    Ok(sum)
}

/// A process and its children.
pub(crate) fn family(process: u32) -> Vec<u32> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_child = |number: &u32| {
        // whatever ends while it is looked at is nobody's
        let stat = fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
        let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        after_name.split_whitespace().nth(1) == Some(process.to_string().as_str())
    };
    std::iter::once(process).chain(numbers.filter(is_child)).collect()
}

/// How many files a process has open, connections among them.
pub(crate) fn open_files(process: u32) -> Result<usize, Failure> {
    Ok(fs::read_dir(format!("/proc/{process}/fd"))?.count())
}

/// How many processors this machine has, whatever this process is pinned to.
pub(crate) fn processors() -> usize {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    text.lines().filter(|line| line.starts_with("processor")).count()
}

/// The processor of this machine.
pub(crate) fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("model name"));
    let name = line.and_then(|line| line.split_once(':')).map(|(_, name)| name.trim());
    name.unwrap_or("an unknown processor").to_owned()
}

/// The resident memory of a process, in bytes.
pub(crate) fn resident_memory(process: u32) -> Result<u64, Failure> {
    memory(process, "VmRSS:")
}

/// The most resident memory that a process had since its peak was forgotten, in bytes.
pub(crate) fn peak_memory(process: u32) -> Result<u64, Failure> {
    memory(process, "VmHWM:")
}

/// Has a process begin anew to note its most resident memory.
pub(crate) fn forget_peak(process: u32) -> Result<(), Failure> {
    // proc(5): 5 resets the peak resident set size to the process's current value
    Ok(fs::write(format!("/proc/{process}/clear_refs"), "5")?)
}

fn memory(process: u32, name: &str) -> Result<u64, Failure> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find(|line| line.starts_with(name));
    let kibibytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kibibytes.map(|kibibytes| kibibytes * 1024).ok_or(Failure::ServerGone)
}

/// The processor time that everything on this machine has used so far.
pub(crate) fn machine_cpu() -> Result<Duration, Failure> {
    let stat = fs::read_to_string("/proc/stat")?;
    // proc(5): cpu user nice system idle iowait irq softirq …
    let mut fields = stat.lines().next().unwrap_or_default().split_whitespace().skip(1);
    let busy = ticks(fields.by_ref().take(3));
    Ok(busy + ticks(fields.skip(2).take(2)))
}

fn ticks<'s>(fields: impl Iterator<Item = &'s str>) -> Duration {
    let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_of_memory_is_forgotten() {
        let (own, large) = (process::id(), 64 << 20);
        forget_peak(own).unwrap();
        let calm = peak_memory(own).unwrap();
        drop(std::hint::black_box(vec![1_u8; large]));
        let high = peak_memory(own).unwrap();
        assert!(high >= calm + large as u64 / 2, "{calm} and then {high}");
        forget_peak(own).unwrap();
        let forgotten = peak_memory(own).unwrap();
        assert!(forgotten <= high - large as u64 / 2, "{high} and then {forgotten}");
    }
}
