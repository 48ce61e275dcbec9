//! Offer links, request links and metadata URLs.

use jiff::Timestamp;
use lanyard_oid4vci::{
    IssuerUrl, Transport, WellKnown,
    offer::{CredentialOffer, Grants, OfferLink},
};
use lanyard_oid4vp::request::{RequestLink, RequestUriMethod, Transport as RequestTransport};
use serde_json::{Value, json};
use url::Url;

use super::{Report, document, token};

pub(super) fn inspect(text: &str, now: Timestamp) -> Report {
    let Ok(url) = Url::parse(text) else {
        let mut report = Report::new("something like a link");
        report.wrong("it is not a URL; check that it was copied whole", "RFC 3986 §3");
        return report;
    };
    let has = |name: &str| url.query_pairs().any(|(key, _)| key == name);
    if has("credential_offer")
        || has("credential_offer_uri")
        || matches!(url.scheme(), "openid-credential-offer" | "haip-vci")
    {
        return offer(text);
    }
    if has("client_id") || matches!(url.scheme(), "openid4vp" | "haip-vp" | "eudi-openid4vp") {
        return request(text, now);
    }
    address(&url)
}

fn offer(text: &str) -> Report {
    let mut report = Report::new("a credential offer link");
    match OfferLink::parse(text, Transport::DevelopmentLoopback) {
        Ok(OfferLink::ByValue(offer)) => offer_itself(&offer, &mut report),
        Ok(OfferLink::ByReference(place)) => {
            report.kind = "a credential offer link that says where the offer is";
            plain_http(&place, &mut report);
            report.part("credential_offer_uri", place.as_str());
            report.leads_to.push(place.into());
        }
        Err(error) => report.wrong(error.to_string(), "OID4VCI 1.0 §4.1"),
    }
    report
}

pub(super) fn offer_itself(offer: &CredentialOffer, report: &mut Report) {
    report.part("Issuer", offer.issuer.as_str());
    report.part(
        "Offered",
        offer.configurations.iter().map(|id| Value::from(id.as_str())).collect::<Value>(),
    );
    match &offer.grants {
        Grants::PreAuthorized(grant) | Grants::Both(_, grant) => {
            let code = if grant.tx_code.is_some() {
                "with a transaction code"
            } else {
                "without a transaction code"
            };
            report.part("How", format!("pre-authorized code, {code}"));
            if grant.tx_code.is_none() {
                report.doubtful("whoever sees this link first can take the credential: no transaction code is asked for", "OID4VCI 1.0 §13.6");
            }
        }
        Grants::AuthorizationCode(_) => report.part("How", "login at the issuer"),
        Grants::None => report.part("How", "the issuer's metadata says"),
    }
    report.leads_to.push(offer.issuer.well_known(WellKnown::CredentialIssuer).into());
}

fn request(text: &str, now: Timestamp) -> Report {
    let mut report = Report::new("a presentation request link");
    match RequestLink::parse(text, RequestTransport::LoopbackToo) {
        Ok(RequestLink::ByReference { client_id, request_uri, method }) => {
            report.part("Asked by (claimed)", client_id.as_str());
            report.part("request_uri", request_uri.as_str());
            let how = if method == RequestUriMethod::Post {
                "POST, with the wallet's nonce"
            } else {
                "GET"
            };
            report.part("To be fetched by", how);
            plain_http(&request_uri, &mut report);
            report.leads_to.push(request_uri.into());
        }
        Ok(RequestLink::Object { client_id, object }) => {
            report = token::inspect(&object, now);
            report.part("Asked by (claimed)", client_id.as_str());
        }
        Ok(RequestLink::ByValue(parameters)) => {
            let query = parameters.get("dcql_query").cloned();
            report.part("Parameters", Value::Object(parameters));
            report.doubtful(
                "it is not signed: all that is known is where the answer goes",
                "OID4VP 1.0 §5.9.3",
            );
            match query {
                Some(query) => document::query(&query, &mut report),
                None => {
                    report.wrong("it asks for nothing: dcql_query is missing", "OID4VP 1.0 §5.1")
                }
            }
        }
        Err(error) => report.wrong(error.to_string(), "OID4VP 1.0 §5"),
    }
    report
}

fn address(url: &Url) -> Report {
    let path = url.path();
    let kind = match path {
        _ if path.contains("/.well-known/openid-credential-issuer") => {
            "the URL of credential issuer metadata"
        }
        _ if path.contains("/.well-known/oauth-authorization-server") => {
            "the URL of authorization server metadata"
        }
        _ => "a URL; if it is a credential issuer, its metadata is below",
    };
    let mut report = Report::new(kind);
    plain_http(url, &mut report);
    if let Some((before, name)) =
        path.split_once("/.well-known/").filter(|(before, _)| !before.is_empty())
    {
        let right = format!("{}/.well-known/{name}{before}", url.origin().ascii_serialization());
        report.wrong(
            format!(
                "/.well-known/ is inserted before the path, not appended; it should be {right}"
            ),
            "OID4VCI 1.0 §12.2.2",
        );
        report.leads_to.push(right);
        return report;
    }
    let lead = match IssuerUrl::parse(
        url.as_str().trim_end_matches('/'),
        Transport::DevelopmentLoopback,
    ) {
        Ok(issuer) if !path.contains("/.well-known/") => {
            issuer.well_known(WellKnown::CredentialIssuer)
        }
        _ => url.clone(),
    };
    report.part("Parts", json!({ "host": url.host_str(), "path": path }));
    report.leads_to.push(lead.into());
    report
}

fn plain_http(url: &Url, report: &mut Report) {
    if url.scheme() != "https" {
        let what = if crate::config::is_loopback(url) {
            "plain http: fine on this machine, refused everywhere else"
        } else {
            "it is not https"
        };
        if crate::config::is_loopback(url) {
            report.doubtful(what, None)
        } else {
            report.wrong(what, "OID4VCI 1.0 §12.2.1")
        }
    }
}
