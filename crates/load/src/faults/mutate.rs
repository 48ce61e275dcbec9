//! Requests that are almost good: one that was, with something in it replaced, left out, doubled, cut or bent,
//! by what it is made of: a path, header fields, forms, JSON, and the JSON within tokens.

use lanyard_core::{crypto::Random as _, json};
use lanyard_testkit::SeededRandom;
use serde_json::{Map, Value, json};

use crate::client::Recorded;

/// Chance that repeats.
pub(super) struct Dice(SeededRandom);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(SeededRandom::new(seed))
    }

    /// A number below `bound`, which is not 0.
    pub(super) fn below(&self, bound: usize) -> usize {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        usize::try_from(u64::from_le_bytes(bytes) % bound.max(1) as u64).unwrap_or_default()
    }

    fn one<'o, T>(&self, of: &'o [T]) -> Option<&'o T> {
        of.get(self.below(of.len()))
    }
}

/// What nobody should send.
const JUNK: &[&str] = &[
    "",
    "0",
    "-1",
    "null",
    "true",
    "\u{feff}",
    "\0",
    "%00",
    "%zz",
    "../..",
    "//",
    "'\"<>;--",
    "e\u{301}",
    "\u{202e}",
    "18446744073709551616",
    "1e999",
    "NaN",
    "a.b.c",
    "..",
    "....",
    "e30.e30.",
    "did:web:",
    "http://",
    "urn:ietf:params:oauth:grant-type:pre-authorized_code",
    "client_credentials",
    "none",
    "\r\n",
    "\t",
    "🪪",
];

/// A request with one to three things wrong with it.
pub(super) fn mutated(good: &Recorded, dice: &Dice) -> Recorded {
    let mut request = good.clone();
    for _ in 0..=dice.below(3) {
        match dice.below(10) {
            0 => target(&mut request, dice),
            1 => method(&mut request, dice),
            2 | 3 => header(&mut request, dice),
            _ => body(&mut request, dice),
        }
    }
    request
}

fn junk(dice: &Dice) -> String {
    match dice.below(12) {
        0 => "a".repeat(1 << dice.below(13)),
        1 => "ÿ".repeat(1 + dice.below(300)),
        _ => (*dice.one(JUNK).unwrap_or(&"")).to_owned(),
    }
}

fn method(request: &mut Recorded, dice: &Dice) {
    let methods = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "BREW"];
    request.method = (*dice.one(&methods).unwrap_or(&"GET")).to_owned();
}

fn target(request: &mut Recorded, dice: &Dice) {
    let (path, query) = match request.target.split_once('?') {
        Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
        None => (request.target.clone(), None),
    };
    let mut segments: Vec<_> = path.split('/').map(str::to_owned).collect();
    let at = dice.below(segments.len());
    match dice.below(5) {
        0 => drop(segments.remove(at)),
        1 => segments.insert(at, segments[at].clone()),
        2 => segments[at] = bent(&segments[at], dice),
        _ => segments[at] = escaped(&junk(dice)),
    }
    let query = match (query, dice.below(4)) {
        (query, 0) => Some(format!(
            "{}={}&{}",
            escaped(&junk(dice)),
            escaped(&junk(dice)),
            query.unwrap_or_default()
        )),
        (Some(query), 1) => Some(bent(&query, dice)),
        (query, _) => query,
    };
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let target = format!("/{}{query}", segments.join("/").trim_start_matches('/'));
    // what would end the request line ends nothing
    request.target = target.replace([' ', '\r', '\n', '\0'], "%20");
}

/// What may stand in a request line.
fn escaped(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'%' | b':' | b'/' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

fn header(request: &mut Recorded, dice: &Dice) {
    const NAMES: &[&str] = &[
        "accept",
        "accept-language",
        "authorization",
        "content-type",
        "dpop",
        "host",
        "if-none-match",
        "origin",
        "oauth-client-attestation",
        "oauth-client-attestation-pop",
        "idempotency-key",
        "cookie",
        "x-forwarded-for",
    ];
    // a line break would make it two fields
    let junk = |dice: &Dice| junk(dice).replace(['\r', '\n', '\0'], " ");
    if request.headers.is_empty() || dice.below(4) == 0 {
        let name = (*dice.one(NAMES).unwrap_or(&"accept")).to_owned();
        request.headers.push((name, junk(dice)));
        return;
    }
    let at = dice.below(request.headers.len());
    match dice.below(5) {
        0 => drop(request.headers.remove(at)),
        1 => request.headers.push(request.headers[at].clone()),
        2 => request.headers[at].1 = junk(dice),
        3 => request.headers[at].1 = within_token(&request.headers[at].1, dice),
        _ => {
            request.headers[at].1 =
                bent(&request.headers[at].1, dice).replace(['\r', '\n', '\0'], " ")
        }
    }
}

fn body(request: &mut Recorded, dice: &Dice) {
    if request.body.is_empty() {
        request.body = junk(dice).into_bytes();
        return;
    }
    let text = String::from_utf8_lossy(&request.body).into_owned();
    if dice.below(6) == 0 {
        bytes(&mut request.body, dice);
    } else if let Ok(mut value) = serde_json::from_str::<Value>(&text) {
        somewhere(&mut value, dice);
        request.body = value.to_string().into_bytes();
    } else {
        request.body = form(&text, dice).into_bytes();
    }
}

fn bytes(body: &mut Vec<u8>, dice: &Dice) {
    let at = dice.below(body.len());
    match dice.below(5) {
        0 => body.truncate(at),
        1 => body[at] ^= 1 << dice.below(8),
        2 => body.insert(at, 0xff),
        3 => body.splice(at..at, std::iter::repeat_n(b'[', 1 << dice.below(14))).for_each(drop),
        _ => body.extend_from_within(at..),
    }
}

/// One of the pairs of a form.
fn form(text: &str, dice: &Dice) -> String {
    let mut pairs: Vec<(String, String)> = serde_urlencoded::from_str(text).unwrap_or_default();
    if pairs.is_empty() {
        return junk(dice);
    }
    let at = dice.below(pairs.len());
    match dice.below(6) {
        0 => drop(pairs.remove(at)),
        1 => pairs.push(pairs[at].clone()),
        2 => pairs[at].1 = junk(dice),
        3 => pairs[at].0 = junk(dice),
        4 => pairs[at].1 = within_token(&pairs[at].1, dice),
        _ => pairs[at].1 = bent(&pairs[at].1, dice),
    }
    serde_urlencoded::to_string(&pairs).unwrap_or_default()
}

/// One value in it becomes another.
fn somewhere(value: &mut Value, dice: &Dice) {
    let deeper = dice.below(4) != 0;
    match value {
        Value::Object(members) if deeper && !members.is_empty() => member(members, dice),
        Value::Array(items) if deeper && !items.is_empty() => {
            let at = dice.below(items.len());
            match dice.below(8) {
                0 => drop(items.remove(at)),
                1 => items.push(items[at].clone()),
                _ => somewhere(&mut items[at], dice),
            }
        }
        Value::String(text) if dice.below(3) != 0 => {
            *text = if dice.below(2) == 0 { within_token(text, dice) } else { bent(text, dice) };
        }
        _ => *value = another(dice),
    }
}

fn member(members: &mut Map<String, Value>, dice: &Dice) {
    let names: Vec<_> = members.keys().cloned().collect();
    let Some(name) = dice.one(&names) else { return };
    match dice.below(8) {
        0 => drop(members.remove(name)),
        1 => drop(members.insert(junk(dice), another(dice))),
        2 => {
            let moved = members.remove(name).unwrap_or_default();
            members.insert(bent(name, dice), moved);
        }
        _ => {
            if let Some(value) = members.get_mut(name) {
                somewhere(value, dice);
            }
        }
    }
}

fn another(dice: &Dice) -> Value {
    match dice.below(9) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(i64::MIN),
        3 => json!(1e300),
        4 => json!([]),
        5 => json!({}),
        6 => json!([[[{ "a": [null] }]]]),
        7 => (0..1 << dice.below(10)).fold(json!(0), |inner, _| json!([inner])),
        _ => json!(junk(dice)),
    }
}

/// What a token says is changed, without signing it anew; a text that is no token is bent.
fn within_token(text: &str, dice: &Dice) -> String {
    let mut parts: Vec<_> = text.split('.').map(str::to_owned).collect();
    let at = dice.below(parts.len().min(2));
    let decoded =
        json::base64url_decode(parts[at].trim_start_matches("DPoP ").trim_start_matches("Bearer "));
    let value = decoded.ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    match value {
        Some(mut value) if parts.len() >= 3 => {
            somewhere(&mut value, dice);
            parts[at] = json::base64url(value.to_string());
            parts.join(".")
        }
        _ => bent(text, dice),
    }
}

/// A character is changed, left out, or doubled; or the text ends early.
fn bent(text: &str, dice: &Dice) -> String {
    let mut characters: Vec<_> = text.chars().collect();
    if characters.is_empty() {
        return junk(dice);
    }
    let at = dice.below(characters.len());
    match dice.below(5) {
        0 => characters.truncate(at),
        1 => drop(characters.remove(at)),
        2 => characters.insert(at, characters[at]),
        3 => characters.swap(at, 0),
        _ => characters[at] = *dice.one(&['A', '0', '.', '/', '%', ' ', 'é', '~']).unwrap_or(&'A'),
    }
    characters.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_requests_and_most_differ_from_the_good_one() {
        let good = Recorded {
            method: "POST".to_owned(),
            target: "/acme/token?x=1".to_owned(),
            headers: vec![("dpop".to_owned(), "e30.eyJhIjoxfQ.AA".to_owned())],
            body: b"grant_type=a&code=eyJhIjoxfQ.eyJhIjoxfQ.AA".to_vec(),
        };
        let many = |seed| {
            let dice = Dice::new(seed);
            (0..1000).map(|_| mutated(&good, &dice)).collect::<Vec<_>>()
        };
        assert_eq!(many(1), many(1));
        assert_ne!(many(1), many(2));
        let different = many(1).iter().filter(|request| **request != good).count();
        assert!(different > 950, "{different}");
        let one_line = |request: &Recorded| {
            !request.target.contains([' ', '\r', '\n'])
                && request.headers.iter().all(|(_, value)| !value.contains(['\r', '\n']))
        };
        assert!(many(1).iter().all(one_line), "each is one request");
    }
}
