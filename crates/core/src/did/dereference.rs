//! From a DID URL and the document of its DID to what it names (DID Resolution 1.0 §5).

use serde_json::{Value, json};
use url::Url;

use super::{DidDocument, DidUrl, Relationship, ResolutionError};
use crate::json::Object;

/// What a DID URL names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dereferenced {
    /// The document itself.
    Document(DidDocument),
    /// A verification method or a service of the document.
    Resource(Object),
    /// Where a resource lives, outside the document; whether to go there is for the caller to decide.
    ServiceEndpoints(Vec<Url>),
}

impl Dereferenced {
    /// The whole result as JSON.
    pub fn to_json(&self) -> Value {
        let (content_type, content) = match self {
            Self::Document(document) => ("application/did", document.to_json().into()),
            Self::Resource(resource) => ("application/did", resource.clone().into()),
            Self::ServiceEndpoints(urls) => ("text/uri-list", json!(urls)),
        };
        json!({
            "dereferencingMetadata": {"contentType": content_type},
            "contentStream": content,
            "contentMetadata": {},
        })
    }
}

impl ResolutionError {
    /// The whole result of a dereferencing that failed, as JSON.
    pub fn to_dereferencing_json(&self) -> Value {
        json!({
            "dereferencingMetadata": {"error": self.to_problem()},
            "contentStream": null,
            "contentMetadata": {},
        })
    }
}

impl DidDocument {
    /// What a DID URL of this document's DID names.
    ///
    /// # Errors
    /// [`ResolutionError::NotFound`] when the document has nothing of that name,
    /// [`ResolutionError::InvalidDidUrl`] for the URL of another DID, and for a `relativeRef` that would
    /// lead out of its service's place, [`ResolutionError::InvalidOption`] for a query that cannot be read.
    pub fn dereference(&self, url: &DidUrl) -> Result<Dereferenced, ResolutionError> {
        if url.did() != self.id() {
            return Err(ResolutionError::InvalidDidUrl);
        }
        let parameters = url.parameters()?;
        let parameter = |name: &str| {
            parameters.iter().find(|(of, _)| of == name).map(|(_, value)| value.as_str())
        };
        let (service, kind) = (parameter("service"), parameter("serviceType"));
        if service.is_some() || kind.is_some() {
            let services = self.services().filter(|found| {
                service.is_none_or(|service| self.is_named(found, service))
                    && kind.is_none_or(|kind| is_of_type(found, kind))
            });
            let urls = endpoints(services, parameter("relativeRef"), url.fragment())?;
            return Ok(Dereferenced::ServiceEndpoints(urls));
        }
        let versions = ["versionId", "versionTime", "versionNumber"];
        if parameters.iter().any(|(name, _)| !versions.contains(&name.as_str())) {
            return Err(ResolutionError::NotFound);
        }
        if !url.path().is_empty() {
            return self.path(url).map(Dereferenced::ServiceEndpoints);
        }
        match url.fragment() {
            None => Ok(Dereferenced::Document(self.clone())),
            Some(fragment) => self.resource(fragment).map(Dereferenced::Resource),
        }
    }

    /// DID Resolution 1.0 §5.4.1(6): did:webvh alone says what a path leads to.
    fn path(&self, url: &DidUrl) -> Result<Vec<Url>, ResolutionError> {
        if self.id().method() != "webvh" {
            return Err(ResolutionError::NotFound);
        }
        let named = |name: &'static str| {
            self.services().filter(move |service| self.is_named(service, name))
        };
        match url.path() {
            // did:webvh 1.0, WHOIS Resolution
            "/whois" => endpoints(named("whois"), None, url.fragment()),
            // did:webvh 1.0, DID URL Path Resolution: relative to the service #files
            path => {
                let relative = path.trim_start_matches('/');
                endpoints(named("files"), Some(relative), url.fragment())
            }
        }
    }

    /// DID Resolution 1.0 §5.4.2: the part of the document with this id.
    fn resource(&self, fragment: &str) -> Result<Object, ResolutionError> {
        let json = self.to_json();
        let relationships = Relationship::ALL.iter().map(|relationship| relationship.name());
        let lists = ["verificationMethod", "service"].into_iter().chain(relationships);
        lists
            .filter_map(|list| json.get(list).and_then(Value::as_array))
            .flatten()
            .filter_map(Value::as_object)
            .find(|part| self.is_named(part, &format!("#{fragment}")))
            .cloned()
            .ok_or(ResolutionError::NotFound)
    }

    /// Whether a part of the document has this id; each may leave the document's DID out.
    fn is_named(&self, part: &Object, name: &str) -> bool {
        let Some(id) = part.get("id").and_then(Value::as_str) else { return false };
        let fragment = |text: &str| {
            let relative = text.strip_prefix(self.id().as_str()).unwrap_or(text);
            relative.strip_prefix('#').map(str::to_owned)
        };
        match fragment(name) {
            Some(name) => fragment(id).as_deref() == Some(&name),
            // `service=files` and `service=#files` are written for one service
            None => fragment(id).as_deref() == Some(name) || id == name,
        }
    }
}

fn is_of_type(service: &Object, kind: &str) -> bool {
    match service.get("type") {
        Some(Value::String(of)) => of == kind,
        Some(Value::Array(of)) => of.iter().any(|of| of == kind),
        _ => false,
    }
}

/// DID Resolution 1.0 §5.4.1(5): the endpoints that are URLs, with the reference resolved against them.
fn endpoints<'d>(
    services: impl Iterator<Item = &'d Object>,
    reference: Option<&str>,
    fragment: Option<&str>,
) -> Result<Vec<Url>, ResolutionError> {
    let mut urls = Vec::new();
    for service in services {
        let endpoints = match service.get("serviceEndpoint") {
            Some(Value::Array(endpoints)) => endpoints.as_slice(),
            Some(endpoint) => std::slice::from_ref(endpoint),
            None => &[],
        };
        // an endpoint that is a map has no URL of its own
        for endpoint in endpoints.iter().filter_map(Value::as_str) {
            let base = Url::parse(endpoint).map_err(|_| ResolutionError::NotFound)?;
            let mut url = match reference {
                Some(reference) => within(&base, reference)?,
                None => base,
            };
            if fragment.is_some() {
                // DID Resolution 1.0 §5.4.2: the fragment is inherited, and there is room for one
                if url.fragment().is_some() {
                    return Err(ResolutionError::InvalidDidUrl);
                }
                url.set_fragment(fragment);
            }
            urls.push(url);
        }
    }
    if urls.is_empty() { Err(ResolutionError::NotFound) } else { Ok(urls) }
}

/// DID Resolution 1.0, Path Traversal via `relativeRef`: a reference stays in its service's place.
fn within(base: &Url, reference: &str) -> Result<Url, ResolutionError> {
    let joined = base.join(reference).map_err(|_| ResolutionError::InvalidDidUrl)?;
    let authority = |url: &Url| {
        let host = url.host_str().map(str::to_owned);
        (url.scheme().to_owned(), host, url.port(), url.username().to_owned())
    };
    let folder = base.path().rfind('/').and_then(|end| base.path().get(..=end)).unwrap_or("/");
    let reference = reference.to_ascii_lowercase();
    // a second decoding, by whoever serves the resource, must not make another path of it
    let encoded = ["\\", "%2e", "%2f", "%5c", "%25"].iter().any(|twice| reference.contains(twice));
    if authority(&joined) != authority(base) || !joined.path().starts_with(folder) || encoded {
        return Err(ResolutionError::InvalidDidUrl);
    }
    Ok(joined)
}
