//! SD-JWTs, SD-JWT VCs and presentations of them.

use std::collections::HashSet;

use jiff::Timestamp;
use lanyard_core::{
    crypto::{AwsLc, HashAlgorithm, SignatureAlgorithm},
    jose::{HeaderKey, Jwk, Slot, UnverifiedJws},
    json::Object,
    sd_jwt::{Disclosure, UnverifiedSdJwt},
};
use serde_json::{Value, json};

use super::{Report, token};

pub(super) fn inspect(text: &str, now: Timestamp) -> Report {
    let mut report = Report::new("an SD-JWT");
    let (issuer_jwt, rest) = text.split_once('~').unwrap_or((text, ""));
    token::show(issuer_jwt, "", &mut report);
    disclosures(rest, &mut report);
    let parsed = match UnverifiedSdJwt::parse(text) {
        Ok(parsed) => parsed,
        Err(error) => {
            report.wrong(error.to_string(), "RFC 9901 §4");
            return report;
        }
    };
    report.kind = match (parsed.header().typ.as_deref(), parsed.has_key_binding()) {
        (Some("dc+sd-jwt" | "vc+sd-jwt"), true) => {
            "a presentation of an SD-JWT VC, bound to a transaction"
        }
        (Some("dc+sd-jwt" | "vc+sd-jwt"), false) => {
            "an SD-JWT VC without key binding: as issued, or a bare presentation"
        }
        (_, true) => "an SD-JWT with key binding",
        (_, false) => "an SD-JWT",
    };
    token::header(parsed.header(), &mut report);
    token::moments(parsed.danger_unverified_payload(), now, &mut report);
    credential(&parsed, &mut report);
    digests(&parsed, rest, &mut report);
    if parsed.has_key_binding() {
        key_binding(text, parsed.danger_unverified_payload(), now, &mut report);
    }
    report.doubtful(
        "the issuer's signature was not checked: that needs its trust anchor, which a verifier has",
        "RFC 9901 §7.1",
    );
    report
}

fn disclosures(rest: &str, report: &mut Report) {
    for encoded in rest.split('~').filter(|part| !part.is_empty() && !part.contains('.')) {
        match Disclosure::decode(encoded) {
            Ok(disclosure) => {
                let title = disclosure
                    .name
                    .as_deref()
                    .map_or("Disclosure of an array element".to_owned(), |name| {
                        format!("Disclosure of {name}")
                    });
                report.part(title, disclosure.value);
            }
            Err(error) => {
                report.wrong(format!("a disclosure cannot be read: {error}"), "RFC 9901 §4.2")
            }
        }
    }
}

fn credential(parsed: &UnverifiedSdJwt<'_>, report: &mut Report) {
    let payload = parsed.danger_unverified_payload();
    match parsed.header().typ.as_deref() {
        Some("dc+sd-jwt") => {}
        Some("vc+sd-jwt") => {
            return report
                .wrong("typ vc+sd-jwt is the old name; it must be dc+sd-jwt", "SD-JWT VC §3.2.1");
        }
        _ => return,
    }
    if !payload.get("vct").is_some_and(Value::is_string) {
        report.wrong(
            "vct is missing: nobody can tell what kind of credential this is",
            "SD-JWT VC §3.2.2.2",
        );
    }
    if !payload.contains_key("cnf") {
        report.doubtful(
            "it has no cnf: it is bound to nobody's key, whoever copies it can show it",
            "SD-JWT VC §3.2.2.2",
        );
    }
    if parsed.header().x5c.is_none() && !payload.get("iss").is_some_and(Value::is_string) {
        report.wrong(
            "it has neither x5c nor iss: nobody can find the issuer's key",
            "SD-JWT VC §3.5",
        );
    }
}

/// Every disclosure must be led to by a digest, and only once.
fn digests(parsed: &UnverifiedSdJwt<'_>, rest: &str, report: &mut Report) {
    let payload = parsed.danger_unverified_payload();
    let algorithm = match payload.get("_sd_alg").and_then(Value::as_str).unwrap_or("sha-256") {
        "sha-256" => HashAlgorithm::Sha256,
        "sha-384" => HashAlgorithm::Sha384,
        "sha-512" => HashAlgorithm::Sha512,
        other => {
            return report.wrong(
                format!("_sd_alg {other} is not a hash algorithm that is accepted"),
                "RFC 9901 §4.1.1",
            );
        }
    };
    let mut led_to = HashSet::new();
    collect(&Value::Object(payload.clone()), &mut led_to);
    let Ok(decoded) = parsed.danger_unverified_disclosures() else { return };
    decoded.iter().for_each(|disclosure| collect(&disclosure.value, &mut led_to));
    let attached = rest.split('~').filter(|part| !part.is_empty() && !part.contains('.'));
    let stray = attached
        .filter(|encoded| !led_to.contains(&Disclosure::digest(encoded, algorithm, &AwsLc)))
        .count();
    match (stray, decoded.len()) {
        (0, 0) => {}
        (0, count) => report.fine(format!("each of the {count} disclosures has its digest in what was signed"), "RFC 9901 §7.1"),
        (stray, _) => report.wrong(format!("{stray} of the disclosures have no digest in what was signed: they were added or changed"), "RFC 9901 §7.1"),
    }
}

fn collect(value: &Value, found: &mut HashSet<String>) {
    match value {
        Value::Object(members) => {
            let listed = members.get("_sd").and_then(Value::as_array).into_iter().flatten();
            let element = members.get("...").into_iter();
            found.extend(listed.chain(element).filter_map(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| collect(member, found));
        }
        Value::Array(elements) => elements.iter().for_each(|element| collect(element, found)),
        _ => {}
    }
}

fn key_binding(text: &str, payload: &Object, now: Timestamp, report: &mut Report) {
    let Some((bound, jwt)) = text.rsplit_once('~') else { return };
    token::show(jwt, " of the key binding", report);
    let Ok(jws) = UnverifiedJws::parse(jwt) else { return };
    let Ok(claims) = jws.danger_unverified_claims() else {
        return report.wrong("the key binding's payload is not a JSON object", "RFC 9901 §4.3");
    };
    for name in ["aud", "nonce", "sd_hash", "iat"] {
        if !claims.contains_key(name) {
            report.wrong(format!("the key binding has no {name}"), "RFC 9901 §4.3");
        }
    }
    token::moments(&claims, now, report);
    let algorithm = match payload.get("_sd_alg").and_then(Value::as_str) {
        Some("sha-384") => HashAlgorithm::Sha384,
        Some("sha-512") => HashAlgorithm::Sha512,
        _ => HashAlgorithm::Sha256,
    };
    // RFC 9901 §4.3.1: sd_hash covers everything up to the last tilde, that included
    let expected = Disclosure::digest(&format!("{bound}~"), algorithm, &AwsLc);
    if claims.get("sd_hash") == Some(&json!(expected)) {
        report.fine("sd_hash covers exactly what was sent", "RFC 9901 §4.3.1");
    } else {
        report.wrong(
            "sd_hash does not cover what was sent: disclosures were added or removed after signing",
            "RFC 9901 §4.3.1",
        );
    }
    let jwk = payload.get("cnf").and_then(|cnf| cnf.get("jwk")).map(Jwk::from_value);
    match jwk {
        Some(Ok(jwk)) => match jws.verify(&SLOT, &jwk.key, &AwsLc) {
            Ok(_) => report.fine("the key binding is signed with the key in cnf", "RFC 9901 §7.3"),
            Err(error) => {
                report.wrong(format!("the key binding does not hold: {error}"), "RFC 9901 §7.3")
            }
        },
        Some(Err(error)) => {
            report.wrong(format!("the key in cnf cannot be used: {error}"), "RFC 7800 §3.2")
        }
        None => report
            .wrong("there is a key binding, but no key in cnf to check it with", "RFC 9901 §4.1.2"),
    }
}

const SLOT: Slot = Slot {
    name: "key binding JWT",
    typ: &["kb+jwt"],
    algorithms: SignatureAlgorithm::ALL,
    header_keys: &[HeaderKey::Kid],
};
