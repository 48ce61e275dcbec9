//! JSON: queries, offers, metadata and JSON-serialized SD-JWTs.

use jiff::Timestamp;
use lanyard_core::json;
use lanyard_oid4vci::{
    IssuerUrl, Transport,
    metadata::{AuthorizationServerMetadata, CredentialIssuerMetadata},
    offer::CredentialOffer,
};
use lanyard_oid4vp::dcql::DcqlQuery;
use serde_json::Value;

use super::{Report, link, token};

pub(super) fn inspect(text: &str, now: Timestamp) -> Report {
    let value = match json::parse(text.as_bytes()) {
        Ok(value) => value,
        Err(error) => {
            let mut report = Report::new("JSON, or meant to be");
            report.wrong(error.to_string(), "RFC 8259 §2");
            return report;
        }
    };
    let has = |name: &str| value.get(name).is_some();
    let mut report = Report::new("JSON that this program does not know");
    if has("credential_configurations_supported") || has("credential_endpoint") {
        issuer_metadata(text, &value, &mut report);
    } else if has("credential_configuration_ids") || has("credential_issuer") {
        report.kind = "a credential offer";
        match CredentialOffer::parse(text.as_bytes(), Transport::DevelopmentLoopback) {
            Ok(offer) => link::offer_itself(&offer, &mut report),
            Err(error) => report.wrong(error.to_string(), "OID4VCI 1.0 §4.1.1"),
        }
    } else if has("token_endpoint") || has("issuer") {
        server_metadata(text, &value, &mut report);
    } else if has("credentials") || has("credential_sets") {
        report.kind = "a DCQL query";
        query(&value, &mut report);
    } else if let Some(query_value) = value.get("dcql_query") {
        report.kind = "the parameters of a presentation request";
        query(query_value, &mut report);
    } else if has("payload") && (has("signature") || has("signatures")) {
        json_jws(&value, now, &mut report);
    } else {
        report.wrong("it is neither a query, an offer, metadata nor a JSON-serialized token", None);
    }
    report
}

pub(super) fn query(value: &Value, report: &mut Report) {
    report.part("Query", value.clone());
    match DcqlQuery::from_value(value) {
        Ok(query) => {
            let count = query.credentials().len();
            let noun = if count == 1 { "credential" } else { "credentials" };
            report.fine(
                format!("it asks for {count} {noun}, and every member is as it should be"),
                "OID4VP 1.0 §6",
            );
        }
        Err(error) => report.wrong(error.to_string(), "OID4VP 1.0 §6"),
    }
}

fn issuer_metadata(text: &str, value: &Value, report: &mut Report) {
    report.kind = "credential issuer metadata";
    let named = value.get("credential_issuer").and_then(Value::as_str).unwrap_or_default();
    let issuer = match IssuerUrl::parse(named, Transport::DevelopmentLoopback) {
        Ok(issuer) => issuer,
        Err(error) => {
            return report.wrong(format!("credential_issuer: {error}"), "OID4VCI 1.0 §12.2.1");
        }
    };
    report.part("Issuer", issuer.as_str());
    match CredentialIssuerMetadata::parse(text.as_bytes(), &issuer) {
        Ok(metadata) => {
            let ids = metadata
                .credential_configurations_supported
                .keys()
                .map(|id| Value::from(id.as_str()));
            report.part("Credentials", ids.collect::<Value>());
            report.fine("a wallet can work with it", "OID4VCI 1.0 §12.2.4");
        }
        Err(error) => report.wrong(error.to_string(), "OID4VCI 1.0 §12.2.4"),
    }
}

fn server_metadata(text: &str, value: &Value, report: &mut Report) {
    report.kind = "authorization server metadata";
    let named = value.get("issuer").and_then(Value::as_str).unwrap_or_default();
    let issuer = match IssuerUrl::parse(named, Transport::DevelopmentLoopback) {
        Ok(issuer) => issuer,
        Err(error) => return report.wrong(format!("issuer: {error}"), "RFC 8414 §2"),
    };
    report.part("Issuer", issuer.as_str());
    match AuthorizationServerMetadata::parse(text.as_bytes(), &issuer) {
        Ok(_) => report.fine("a wallet can work with it", "RFC 8414 §2"),
        Err(error) => report.wrong(error.to_string(), "RFC 8414 §2"),
    }
}

fn json_jws(value: &Value, now: Timestamp, report: &mut Report) {
    let part = |name: &str| value.get(name).and_then(Value::as_str);
    match (part("protected"), part("payload"), part("signature")) {
        (Some(protected), Some(payload), Some(signature)) => {
            *report = token::inspect(&format!("{protected}.{payload}.{signature}"), now);
            report.kind = "a token in JSON serialization";
        }
        _ => report.wrong("several signatures, or parts that are not text", "RFC 7515 §7.2"),
    }
}
