//! What `strace -f -yy` wrote about a server: which request was read when, what was synced, and what was answered.

use std::collections::HashMap;

/// How a server is started so that every thread of it is traced, with the file to write to after it. The server
/// stays the child of whoever starts it (`-D`).
pub(super) const STRACE: [&str; 9] = [
    "strace",
    "-D",
    "-f",
    "-q",
    "-yy",
    "-s256",
    "-esignal=none",
    "-etrace=fsync,fdatasync,read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg",
    "-o",
];

/// A request, and what it was answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Exchange {
    /// Its method and its path.
    pub(super) request: String,
    pub(super) status: u16,
    /// Whether the database's log was synced after all of it was read and before any of the answer was written.
    pub(super) is_synced: bool,
}

impl Exchange {
    /// Whether its answer promises that something is kept: what was asked for by `GET` is nothing new, and
    /// nothing is kept of a nonce.
    pub(super) fn promises(&self) -> bool {
        let is_success = (200..300).contains(&self.status);
        is_success && !self.request.starts_with("GET ") && !self.request.ends_with("/nonce")
    }
}

/// Everything that was asked and answered over HTTP/1.1, in the order of the answers.
pub(super) fn exchanges(trace: &str) -> Vec<Exchange> {
    let calls = calls(trace);
    let syncs: Vec<_> = calls.iter().filter(|call| call.is_sync()).collect();
    // what was read counts from the end of the call, what was written from its beginning
    let mut events: Vec<_> = calls.iter().filter(|call| call.result > 0).collect();
    events.sort_by_key(|call| if call.is_read() { call.ended } else { call.begun });
    let mut heard: HashMap<&str, (String, usize)> = HashMap::new();
    let mut exchanges = Vec::new();
    for call in events {
        let Some((connection, text)) = call.connection().zip(call.text()) else { continue };
        if call.is_read() {
            let (request, read) = heard.entry(connection).or_default();
            request.push_str(text);
            *read = call.ended;
        } else if let Some(status) = status(text)
            && let Some((request, read)) = heard.remove(connection)
        {
            let is_between = |sync: &&Call| sync.begun > read && sync.ended < call.begun;
            let words: Vec<_> = request.split(' ').take(2).collect();
            let is_synced = syncs.iter().copied().any(|sync| is_between(&sync));
            exchanges.push(Exchange { request: words.join(" "), status, is_synced });
        }
    }
    exchanges
}

/// Whether the trace was written to its end: the process that it began with is gone.
pub(super) fn is_whole(trace: &str) -> bool {
    let process = trace.split_whitespace().next();
    trace.lines().rev().any(|line| {
        let (of, what) = line.split_once(' ').unwrap_or_default();
        Some(of) == process && what.trim_start().starts_with("+++ ")
    })
}

/// A system call, with the numbers of the lines where it begins and ends.
struct Call {
    name: String,
    arguments: String,
    result: i64,
    begun: usize,
    ended: usize,
}

impl Call {
    fn is_read(&self) -> bool {
        matches!(self.name.as_str(), "read" | "readv" | "recvfrom" | "recvmsg")
    }

    /// Whether it brought the log of SQLite to the disk.
    fn is_sync(&self) -> bool {
        let is_named = matches!(self.name.as_str(), "fsync" | "fdatasync");
        is_named && self.result == 0 && self.arguments.contains("-wal>")
    }

    /// Both ends of the connection that it is about, if it is about one.
    fn connection(&self) -> Option<&str> {
        let (descriptor, _) = self.arguments.split_once("]>")?;
        let (number, connection) = descriptor.split_once("<TCP")?;
        number.bytes().all(|byte| byte.is_ascii_digit()).then_some(connection)
    }

    /// The beginning of what was read or written.
    fn text(&self) -> Option<&str> {
        let (_, text) = self.arguments.split_once('"')?;
        let end = text.find("\", ").or_else(|| text.find("\"..."));
        Some(end.map_or(text, |end| &text[..end]))
    }
}

/// The status of an answer that begins here.
fn status(text: &str) -> Option<u16> {
    text.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
}

/// All calls that came to an end, put together where another thread came between.
fn calls(trace: &str) -> Vec<Call> {
    let mut open: HashMap<&str, (String, usize)> = HashMap::new();
    let mut calls = Vec::new();
    for (nth, line) in trace.lines().enumerate() {
        let Some((thread, what)) = line.split_once(' ') else { continue };
        let what = what.trim_start();
        if let Some(begun) = what.strip_suffix(" <unfinished ...>") {
            open.insert(thread, (begun.to_owned(), nth));
            continue;
        }
        let (what, begun) = match what.split_once(" resumed>") {
            Some((name, rest)) if name.starts_with("<... ") => {
                let Some((mut before, begun)) = open.remove(thread) else { continue };
                before.push_str(rest);
                (before, begun)
            }
            _ => (what.to_owned(), nth),
        };
        let Some((name, rest)) = what.split_once('(') else { continue };
        let Some((arguments, result)) = rest.rsplit_once(" = ") else { continue };
        let Some(result) = result.split(' ').next().and_then(|word| word.parse().ok()) else {
            continue;
        };
        let (name, arguments) = (name.to_owned(), arguments.to_owned());
        calls.push(Call { name, arguments, result, begun, ended: nth });
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: &str = r#"11 recvfrom(9<TCP:[127.0.0.1:80->127.0.0.1:5]>, "POST /load/tok", 14, 0, NULL, NULL) = 14
11 recvfrom(9<TCP:[127.0.0.1:80->127.0.0.1:5]>, "en HTTP/1.1\r\nhost: here"..., 999, 0, NULL, NULL) = 400"#;
    const SYNC: &str = "12 fdatasync(7</data/lanyard.db-wal>) = 0";
    const WRITE: &str = r#"11 writev(9<TCP:[127.0.0.1:80->127.0.0.1:5]>, [{iov_base="HTTP/1.1 200 OK\r\nage: 1"..., iov_len=99}], 1) = 99"#;

    fn of(lines: &[&str]) -> Vec<Exchange> {
        exchanges(&lines.join("\n"))
    }

    fn token(is_synced: bool) -> Vec<Exchange> {
        vec![Exchange { request: "POST /load/token".to_owned(), status: 200, is_synced }]
    }

    #[test]
    fn a_sync_between_a_request_and_its_answer_is_found() {
        assert_eq!(of(&[READ, SYNC, WRITE]), token(true));
    }

    #[test]
    fn an_answer_without_a_sync_is_found_out() {
        assert_eq!(of(&[READ, WRITE]), token(false));
    }

    #[test]
    fn a_sync_after_the_answer_or_before_the_request_is_none_of_it() {
        assert_eq!(of(&[READ, WRITE, SYNC]), token(false));
        assert_eq!(of(&[SYNC, READ, WRITE]), token(false));
        let (first, second) = READ.split_once('\n').unwrap();
        assert_eq!(of(&[first, SYNC, second, WRITE]), token(false));
    }

    #[test]
    fn a_sync_that_began_before_the_request_or_goes_on_during_the_answer_is_none_of_it() {
        let [begun, ended] = [
            "12 fdatasync(7</data/lanyard.db-wal> <unfinished ...>",
            "12 <... fdatasync resumed>)          = 0",
        ];
        assert_eq!(of(&[READ, begun, ended, WRITE]), token(true));
        assert_eq!(of(&[begun, READ, ended, WRITE]), token(false));
        assert_eq!(of(&[READ, begun, WRITE, ended]), token(false));
    }

    #[test]
    fn a_sync_that_failed_or_of_another_file_is_none() {
        let failed = SYNC.replace("= 0", "= -1 EIO (Input/output error)");
        assert_eq!(of(&[READ, &failed, WRITE]), token(false));
        assert_eq!(of(&[READ, &SYNC.replace("db-wal", "db"), WRITE]), token(false));
    }

    #[test]
    fn a_request_is_read_by_whichever_thread_and_in_pieces() {
        let [begun, ended] = [
            "13 recvfrom(9<TCP:[127.0.0.1:80->127.0.0.1:5]>,  <unfinished ...>",
            r#"13 <... recvfrom resumed>"; and more", 999, 0, NULL, NULL) = 10"#,
        ];
        assert_eq!(of(&[begun, READ, SYNC, ended, WRITE]), token(false));
        assert_eq!(of(&[begun, READ, ended, SYNC, WRITE]), token(true));
    }

    #[test]
    fn what_another_connection_reads_is_no_part_of_a_request() {
        let other = READ.replace(">127.0.0.1:5", ">127.0.0.1:6");
        assert_eq!(of(&[READ, SYNC, &other, WRITE]), token(true));
    }

    #[test]
    fn nothing_is_promised_by_what_is_read_refused_or_kept_nowhere() {
        let promises = |request: &str, status| {
            Exchange { request: request.to_owned(), status, is_synced: false }.promises()
        };
        assert!(promises("POST /load/token", 200));
        assert!(promises("DELETE /api/load/offers/1", 204));
        assert!(!promises("POST /load/token", 400));
        assert!(!promises("GET /load/status-lists", 200));
        assert!(!promises("POST /load/nonce", 200));
    }

    #[test]
    fn a_trace_is_whole_once_its_first_process_has_exited() {
        let (begun, thread) = ("11 read(3</a>, \"\", 9) = 0\n", "12 +++ exited with 0 +++\n");
        assert!(!is_whole(""));
        assert!(!is_whole(&[begun, thread].concat()));
        assert!(is_whole(&[begun, thread, "11 +++ exited with 0 +++\n"].concat()));
    }
}
