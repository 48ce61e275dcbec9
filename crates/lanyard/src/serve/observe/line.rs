//! One event, one line of JSON: put together in one buffer that each thread keeps, since every request has a line and
//! every step another.

use std::cell::{Cell, RefCell};
use std::fmt::{self, Write as _};
use std::sync::Arc;

use jiff::Timestamp;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context};

use super::Sink;

/// The fields that may be written. None of them ever holds a claim, a token, a nonce, or the path or query of a request.
const ALLOWED: [&str; 34] = [
    "message",
    "tenant",
    "session",
    "step",
    "outcome",
    "reason",
    "cause",
    "status",
    "method",
    "route",
    "took_ms",
    "connections",
    "shed",
    "cut",
    "in_hand",
    "share",
    "error",
    // what audit chains end with
    "block",
    "entries",
    "hash",
    // how many
    "affordable",
    "credentials",
    "limit",
    "lists",
    "sessions",
    "turn",
    "writes",
    // words of the program, and names that its operator gave
    "configuration",
    "host",
    "issuer",
    "kind",
    "migration",
    "purpose",
    "webhook",
];

/// Larger buffers are not kept: some line was unusual.
const KEPT: usize = 4096;

thread_local! {
    static BUFFER: Cell<String> = const { Cell::new(String::new()) };
    static SECOND: RefCell<Second> = const { RefCell::new(Second { number: i64::MIN, text: String::new() }) };
}

/// Writes one line per event; what spans say is not in it, as nothing here opens one.
pub(super) struct JsonLines(pub(super) Arc<Sink>);

impl<S: Subscriber> Layer<S> for JsonLines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let ours = event.metadata().target().starts_with("lanyard");
        let level = *event.metadata().level();
        if !ours && level > Level::WARN {
            return;
        }
        let mut line = Line(BUFFER.take());
        line.begin(level, event.metadata().target(), Timestamp::now());
        // what libraries say may quote what they were given; that something happened is enough
        if ours {
            event.record(&mut line);
        }
        let Line(mut text) = line;
        text.push_str("}\n");
        self.0.put(&text, level <= Level::WARN);
        if text.capacity() <= KEPT {
            text.clear();
            BUFFER.set(text);
        }
    }
}

/// A line as far as it was written.
struct Line(String);

impl Line {
    fn begin(&mut self, level: Level, target: &str, now: Timestamp) {
        self.0.push_str("{\"at\":\"");
        SECOND.with_borrow_mut(|second| second.write(now, &mut self.0));
        let _ = write!(self.0, "\",\"level\":\"{level}\",\"target\":{}", Json(target));
    }

    fn put(&mut self, field: &Field, value: impl fmt::Display) {
        if ALLOWED.contains(&field.name()) {
            let _ = write!(self.0, ",\"{}\":{value}", field.name());
        }
    }
}

/// The second that the last line of this thread fell into, as it is written: a thousand lines share it.
struct Second {
    number: i64,
    text: String,
}

impl Second {
    /// Writes a moment by RFC 3339, to the microsecond.
    fn write(&mut self, now: Timestamp, out: &mut String) {
        // seconds are cut towards zero: before 1970 the fraction is negative
        let (number, microseconds) = (now.as_second(), now.subsec_microsecond().unsigned_abs());
        if self.number != number {
            let whole = Timestamp::from_second(number).unwrap_or(Timestamp::UNIX_EPOCH);
            self.text.clear();
            let _ = write!(self.text, "{whole}");
            self.number = number;
        }
        out.push_str(self.text.trim_end_matches('Z'));
        let _ = write!(out, ".{microseconds:06}Z");
    }
}

/// A text as JSON has it.
struct Json<'t>(&'t str);

impl fmt::Display for Json<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // nearly every text that is logged is a word of ours
        let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\' && byte != 0x7f;
        if self.0.bytes().all(is_plain) {
            out.write_char('"')?;
            out.write_str(self.0)?;
            return out.write_char('"');
        }
        out.write_str(&serde_json::to_string(self.0).map_err(|_| fmt::Error)?)
    }
}

/// What a value shows of itself, as a text of JSON.
struct Shown<'v>(&'v dyn fmt::Debug);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(32);
        write!(text, "{:?}", self.0)?;
        Json(&text).fmt(out)
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, Shown(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, Json(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn a_text_is_json_whatever_it_holds() {
        for text in ["done", "", "a \"b\" \\ \n \u{7f} ü \u{2028} \0"] {
            let read: String = serde_json::from_str(&Json(text).to_string()).unwrap();
            assert_eq!(read, text);
        }
    }

    #[test]
    fn a_line_is_json_with_the_allowed_fields_alone() {
        let sink = Arc::new(Sink::default());
        sink.waiting().is_served = true;
        let subscriber = tracing_subscriber::registry().with(JsonLines(Arc::clone(&sink)));
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(tenant = "acme", session = 7, claim = "secret", "it \"works\"");
            tracing::info!(tenant = "other", "shorter");
        });
        let lines = std::mem::take(&mut sink.waiting().lines);
        let read = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
        let lines: Vec<_> = lines.split_terminator('\n').map(read).collect();
        let [line, next] = &lines[..] else { panic!("{lines:?}") };
        assert_eq!(line["message"], "it \"works\"");
        assert_eq!((&line["tenant"], &line["session"]), (&"acme".into(), &7.into()));
        assert_eq!(line["level"], "INFO");
        assert!(line.get("claim").is_none() && line["at"].is_string(), "{line}");
        assert_eq!((&next["tenant"], &next["message"]), (&"other".into(), &"shorter".into()));
    }

    /// Fields that are named in the program and are not written, and why.
    const KEPT_BACK: [(&str, &str); 2] = [
        ("did", "it has a path of somebody's server in it"),
        ("panic", "what panicked may quote a value"),
    ];

    /// The names of the fields of each event that a text of the program makes.
    fn fields(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        for level in ["trace!(", "debug!(", "info!(", "warn!(", "error!("] {
            for (at, _) in text.match_indices(&format!("tracing::{level}")) {
                let rest = &text[at + "tracing::".len() + level.len()..];
                found.extend(arguments(rest).iter().filter_map(|argument| field(argument)));
            }
        }
        found
    }

    /// The arguments of a call, up to the parenthesis that ends it.
    fn arguments(rest: &str) -> Vec<String> {
        let (mut depth, mut quoted, mut escaped) = (0_u32, false, false);
        let mut arguments = vec![String::new()];
        for letter in rest.chars() {
            match letter {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                _ if quoted => {}
                ')' if depth == 0 => break,
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth -= 1,
                ',' if depth == 0 => {
                    arguments.push(String::new());
                    continue;
                }
                _ => {}
            }
            arguments.last_mut().unwrap().push(letter);
        }
        arguments
    }

    /// `name = value`, `%name`, `?name` or `name`; none for a text and for a target.
    fn field(argument: &str) -> Option<String> {
        let argument = argument.trim().trim_start_matches(['%', '?']);
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let end = argument.find(|letter| !is_name(letter)).unwrap_or(argument.len());
        let (name, rest) = argument.split_at(end);
        let is_field = rest.is_empty() || rest.trim_start().starts_with('=');
        (is_field && !name.is_empty()).then(|| name.to_owned())
    }

    #[test]
    fn every_field_that_the_program_names_is_written_or_kept_back_for_a_reason() {
        let mut folders: Vec<_> = ["core", "fetch", "issuer", "lanyard", "oid4vci", "oid4vp"]
            .into_iter()
            .chain(["service", "store", "verifier", "wallet"])
            .map(|name| format!("{}/../{name}/src", env!("CARGO_MANIFEST_DIR")).into())
            .collect::<Vec<std::path::PathBuf>>();
        let mut named = std::collections::BTreeSet::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let text = std::fs::read_to_string(&path).unwrap();
                    let product = text.split("#[cfg(test)]").next().unwrap();
                    named.extend(fields(product));
                }
            }
        }
        for name in ["block", "tenant", "session", "panic", "did"] {
            assert!(named.contains(name), "{name} is not found in {named:?}");
        }
        let is_decided = |name: &&String| {
            ALLOWED.contains(&name.as_str()) || KEPT_BACK.iter().any(|(kept, _)| kept == name)
        };
        let undecided: Vec<_> = named.iter().filter(|name| !is_decided(name)).collect();
        assert!(undecided.is_empty(), "{undecided:?}");
        for (kept, _) in KEPT_BACK {
            assert!(!ALLOWED.contains(&kept) && named.contains(kept), "{kept}");
        }
    }

    #[test]
    fn a_moment_is_written_to_the_microsecond_whichever_second_came_before() {
        let mut second = Second { number: i64::MIN, text: String::new() };
        let cases = [
            (1_764_475_200_000_001, "2025-11-30T04:00:00.000001Z"),
            (1_764_475_200_999_999, "2025-11-30T04:00:00.999999Z"),
            (1_764_475_201_000_000, "2025-11-30T04:00:01.000000Z"),
            (1_764_475_200_500_000, "2025-11-30T04:00:00.500000Z"),
        ];
        for (microsecond, written) in cases {
            let mut out = String::new();
            second.write(Timestamp::from_microsecond(microsecond).unwrap(), &mut out);
            assert_eq!(out, written);
        }
    }
}
