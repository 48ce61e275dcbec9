//! What every did:webvh document has without saying so (did:webvh 1.0, DID URL Resolution), and its
//! did:web beside it.

use serde_json::{Value, json};

use super::WebvhDid;
use crate::{
    did::{Did, DidDocument},
    json::{self, Object},
};

/// The services `#files` and `#whois`, by their names.
fn implicit(subject: &WebvhDid) -> [(&'static str, Value); 2] {
    let did = subject.did();
    [
        (
            "files",
            json!({
                "id": format!("{did}#files"),
                "type": "relativeRef",
                "serviceEndpoint": subject.files_url(),
            }),
        ),
        (
            "whois",
            json!({
                "@context": "https://identity.foundation/linked-vp/contexts/v1",
                "id": format!("{did}#whois"),
                "type": "LinkedVerifiablePresentation",
                "serviceEndpoint": format!("{}whois.vp", subject.files_url()),
            }),
        ),
    ]
}

/// Adds the services `#files` and `#whois`, unless the document has its own.
pub(super) fn add_implicit(state: &mut Object, subject: &WebvhDid) {
    let did = subject.did();
    let services = state.entry("service").or_insert_with(|| json!([]));
    // a member of another type is for the document's reader to refuse
    let Value::Array(services) = services else { return };
    for (name, service) in implicit(subject) {
        let names = [format!("#{name}"), format!("{did}#{name}")];
        let is_there = |service: &Value| names.iter().any(|name| service["id"] == name.as_str());
        if !services.iter().any(is_there) {
            services.push(service);
        }
    }
}

/// Takes out what [`add_implicit`] adds.
pub(super) fn remove_implicit(members: &mut Object, subject: &WebvhDid) {
    let implicit = implicit(subject);
    if let Some(Value::Array(services)) = members.get_mut("service") {
        services.retain(|service| !implicit.iter().any(|(_, one)| one == service));
        if services.is_empty() {
            members.shift_remove("service");
        }
    }
}

/// The did:web of the same place, with its document, for those who do not know did:webvh.
///
/// did:webvh 1.0, Publishing a Parallel did:web DID. None for the document of another method.
pub fn parallel_did_web(document: &DidDocument) -> Option<(Did, Object)> {
    let subject = WebvhDid::parse(document.id()).ok()?;
    let web = subject.parallel_did_web();
    let mut members = document.to_json();
    add_implicit(&mut members, &subject);
    let text = Value::Object(members).to_string();
    let text = text.replace(&format!("did:webvh:{}:", subject.scid()), "did:web:");
    let mut members = json::parse_object(text.as_bytes()).ok()?;
    let mut names = match members.shift_remove("alsoKnownAs") {
        Some(Value::Array(names)) => names,
        _ => Vec::new(),
    };
    names.push(json!(subject.did()));
    let mut distinct: Vec<Value> = Vec::new();
    for name in names {
        if name != web.as_str() && !distinct.contains(&name) {
            distinct.push(name);
        }
    }
    members.insert("alsoKnownAs".to_owned(), distinct.into());
    Some((web, members))
}
