//! Trust lists as JSON.

use base64::Engine as _;
use serde_json::{Map, Value, json};

use super::{TrustEntry, TrustList, TrustedTypes};
use crate::trust::{CertificateIss, IssuerKeySource};

pub(super) fn write(list: &TrustList) -> Value {
    let mut written = Map::new();
    written.insert("version".to_owned(), 1.into());
    if let Some(name) = &list.name {
        written.insert("name".to_owned(), name.as_str().into());
    }
    written.insert("revocation".to_owned(), json!(list.revocation));
    let issuers = list.issuers.iter().map(entry).collect();
    written.insert("issuers".to_owned(), Value::Array(issuers));
    Value::Object(written)
}

fn entry(entry: &TrustEntry) -> Value {
    let mut written = Map::new();
    if let Some(name) = &entry.name {
        written.insert("name".to_owned(), name.as_str().into());
    }
    let (member, value) = match &entry.source {
        IssuerKeySource::Certificates { anchors, iss } => {
            let anchors: Vec<_> = anchors.certificates().map(pem).collect();
            let iss = match iss {
                CertificateIss::MatchesCertificate => "matches_certificate",
                CertificateIss::NotReported => "not_reported",
            };
            ("certificates", json!({"anchors": anchors, "iss": iss}))
        }
        IssuerKeySource::Did(did) => ("did", did.as_str().into()),
        IssuerKeySource::Metadata(issuer) => ("metadata", issuer.as_str().into()),
        IssuerKeySource::Keys { issuer, keys } => {
            ("keys", json!({"issuer": issuer, "jwks": {"keys": keys}}))
        }
    };
    written.insert(member.to_owned(), value);
    if let Some(types) = &entry.types {
        written.insert("types".to_owned(), self::types(types));
    }
    Value::Object(written)
}

fn types(types: &TrustedTypes) -> Value {
    let mut written = Map::new();
    if !types.vct.is_empty() {
        written.insert("vct".to_owned(), json!(types.vct));
    }
    for (member, names) in [("doctype", &types.doctype), ("w3c", &types.w3c)] {
        if !names.is_empty() {
            written.insert(member.to_owned(), json!(names));
        }
    }
    Value::Object(written)
}

/// RFC 7468 §5: lines of 64 characters.
fn pem(der: &[u8]) -> String {
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    let mut text = "-----BEGIN CERTIFICATE-----\n".to_owned();
    for (index, character) in body.chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text.push_str("\n-----END CERTIFICATE-----\n");
    text
}
