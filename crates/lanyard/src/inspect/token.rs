//! JWTs and JWEs.

use std::sync::Arc;

use futures_util::FutureExt as _;
use jiff::Timestamp;
use lanyard_core::{
    crypto::{AwsLc, SignatureAlgorithm},
    did::{Did, DidMethods, DidResolver as _, DidUrl},
    jose::{HeaderKey, JoseHeader, Slot, UnopenedJwe, UnverifiedJws},
    json::{self, Object},
};
use serde_json::Value;

use super::Report;

/// The kinds of JWT that the protocols know, by `typ`.
const KINDS: [(&str, &str); 8] = [
    ("dc+sd-jwt", "the issuer-signed JWT of an SD-JWT VC, without the '~' that ends it"),
    ("kb+jwt", "a key binding JWT"),
    ("openid4vci-proof+jwt", "a key proof"),
    ("oauth-authz-req+jwt", "a request object"),
    ("openidvci-issuer-metadata+jwt", "signed credential issuer metadata"),
    ("statuslist+jwt", "a status list token"),
    ("keyattestation+jwt", "a key attestation"),
    ("at+jwt", "an access token"),
];

pub(super) fn inspect(text: &str, now: Timestamp) -> Report {
    let mut report = Report::new("a JWT");
    show(text, "", &mut report);
    let jws = match UnverifiedJws::parse(text) {
        Ok(jws) => jws,
        Err(error) => {
            report.wrong(error.to_string(), "RFC 7515 §5.2");
            return report;
        }
    };
    report.kind = jws.header().typ.as_deref().and_then(kind).unwrap_or("a JWT");
    header(jws.header(), &mut report);
    match jws.danger_unverified_claims() {
        Ok(claims) => moments(&claims, now, &mut report),
        Err(error) => report.wrong(error.to_string(), "RFC 7519 §7.2"),
    }
    signature(jws, &mut report);
    report
}

pub(super) fn inspect_jwe(text: &str) -> Report {
    let mut report =
        Report::new("an encrypted token (JWE); what is inside stays closed without its key");
    show(text, "", &mut report);
    match UnopenedJwe::parse(text) {
        Ok(jwe) => {
            report.fine(format!("ECDH-ES with {}", jwe.encryption().name()), "RFC 7518 §4.6")
        }
        Err(error) => report.wrong(error.to_string(), "RFC 7516 §5.2"),
    }
    report
}

fn kind(typ: &str) -> Option<&'static str> {
    let found = KINDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(typ));
    found.map(|(_, kind)| *kind)
}

/// Shows header and payload of even a token that no rule accepts: that is when one looks.
pub(super) fn show(compact: &str, of: &str, report: &mut Report) {
    for (part, title) in compact.split('.').zip(["Header", "Payload"]) {
        let decoded = json::base64url_decode(part).ok();
        if let Some(Ok(value)) = decoded.map(|bytes| serde_json::from_slice::<Value>(&bytes)) {
            report.part(format!("{title}{of}"), value);
        }
    }
}

pub(super) fn header(header: &JoseHeader, report: &mut Report) {
    match SignatureAlgorithm::from_name(&header.alg) {
        Some(algorithm) => report.fine(format!("signed with {algorithm}"), None),
        None if header.alg == "none" => {
            report.wrong("it is not signed at all (alg none)", "RFC 8725 §3.1")
        }
        None => report.wrong(
            format!("alg {} is not one of ES256, ES384 and EdDSA", header.alg),
            "RFC 8725 §3.1",
        ),
    }
    if header.typ.is_none() {
        report.doubtful(
            "it has no typ, so it could be taken for another kind of token",
            "RFC 8725 §3.11",
        );
    }
    match header.header_keys().count() {
        0 => report.doubtful("the header names no key (jwk, kid or x5c)", "RFC 7515 §4.1"),
        1 => {}
        _ => {
            report.doubtful("the header names its key in more than one way", "OID4VCI 1.0 App. F.1")
        }
    }
}

/// What the registered moments say today.
pub(super) fn moments(claims: &Object, now: Timestamp, report: &mut Report) {
    for (name, rule) in
        [("iat", "RFC 7519 §4.1.6"), ("nbf", "RFC 7519 §4.1.5"), ("exp", "RFC 7519 §4.1.4")]
    {
        let Some(value) = claims.get(name) else { continue };
        let Some(at) = json::numeric_date(value) else {
            report.wrong(format!("{name} is not a number of seconds since 1970"), rule);
            continue;
        };
        let distance = now.as_second() - at.as_second();
        match name {
            "exp" if distance >= 0 => report.wrong(format!("it expired at {at}"), rule),
            "exp" => report.fine(format!("it expires at {at}"), rule),
            "nbf" if distance < 0 => report.wrong(format!("it is not valid before {at}"), rule),
            "iat" if distance < -60 => {
                report.wrong(format!("it says it was made in the future, at {at}"), rule)
            }
            _ => {}
        }
    }
}

fn signature(jws: UnverifiedJws<'_>, report: &mut Report) {
    let typ: &'static [&'static str] = match jws.header().typ.as_deref().and_then(slot_type) {
        Some(typ) => typ,
        None => {
            return report.doubtful(
                "the signature was not checked: the typ is not one this program knows",
                None,
            );
        }
    };
    let key = match (&jws.header().jwk, jws.header().kid.as_deref()) {
        (Some(jwk), _) => Some((jwk.key, "the jwk in the header")),
        (None, Some(kid)) => did_key(kid).map(|key| (key, "the DID in kid")),
        (None, None) => None,
    };
    if key.is_none() && jws.header().x5c.is_some() {
        let what = "the signature was not checked: that needs the trust anchor of its certificate";
        return report.doubtful(what, "RFC 7515 §4.1.6");
    }
    let Some((key, whose)) = key else {
        return report.doubtful("the signature was not checked: the key is not in the token", None);
    };
    let slot = Slot {
        name: "inspected token",
        typ,
        algorithms: SignatureAlgorithm::ALL,
        header_keys: &[HeaderKey::Jwk, HeaderKey::Kid, HeaderKey::X5c],
    };
    match jws.verify(&slot, &key, &AwsLc) {
        Ok(_) => report.fine(
            format!("the signature holds with {whose}; who that is, it does not say"),
            "RFC 7515 §5.2",
        ),
        Err(error) => report.wrong(format!("with {whose}: {error}"), "RFC 7515 §5.2"),
    }
}

fn slot_type(typ: &str) -> Option<&'static [&'static str]> {
    KINDS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(typ))
        .map(|(name, _)| std::slice::from_ref(name))
}

/// The key of a DID that says it itself.
fn did_key(kid: &str) -> Option<lanyard_core::crypto::PublicKey> {
    let url = DidUrl::parse(kid).ok()?;
    let did = Did::parse(kid.split('#').next()?).ok()?;
    // did:key and did:jwk say their key themselves: nothing is waited for, and did:web is not fetched here
    let document = DidMethods::new(Arc::new(AwsLc)).resolve(&did).now_or_never()?.ok()?;
    document.authentication(&url).ok().copied()
}
