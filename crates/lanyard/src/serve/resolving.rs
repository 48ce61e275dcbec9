//! `/1.0/identifiers/…`: DIDs resolved for others (DID Resolution 1.0, HTTP(S) Binding).

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use lanyard_core::{
    crypto::CryptoProvider,
    did::{Dereferenced, Did, DidMethods, DidUrl, ResolutionError, ResolutionOptions, Resolved},
};
use lanyard_fetch::{CachedDids, HttpClient};
use serde_json::Value;
use tokio::sync::Semaphore;

const ENDPOINT: &str = "/1.0/identifiers/";

/// The options besides `Accept`, and the parameters of a DID URL that still name the whole document.
const VERSIONS: [&str; 3] = ["versionId", "versionTime", "versionNumber"];

/// How many resolutions run at once; each may hold a connection to somebody else's host.
const AT_ONCE: usize = 32;

#[derive(Clone)]
struct Resolver {
    dids: CachedDids,
    slots: Arc<Semaphore>,
}

pub(super) fn routes(http: Arc<dyn HttpClient>, provider: Arc<dyn CryptoProvider>) -> Router {
    let dids = CachedDids::over(http, DidMethods::new(provider));
    let resolver = Resolver { dids, slots: Arc::new(Semaphore::new(AT_ONCE)) };
    Router::new().route("/1.0/identifiers/{*identifier}", get(identifier)).with_state(resolver)
}

async fn identifier(
    State(resolver): State<Resolver>,
    Path(decoded): Path<String>,
    Query(options): Query<Vec<(String, String)>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let Some(form) = Form::asked_for(&headers) else {
        return refuse(&ResolutionError::RepresentationNotSupported, Form::Resolution);
    };
    let Ok(_slot) = resolver.slots.try_acquire() else {
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")]).into_response();
    };
    let asked = match as_written(&uri) {
        Some(written) => parse(&written).map(|url| (url, Vec::new())),
        None => parse(&decoded).map(|url| (url, options)),
    };
    let answer = async {
        let (url, options) = asked?;
        resolver.answer(&url, options, form).await
    };
    match answer.await {
        Ok(response) => response,
        Err(error) => refuse(&error, form),
    }
}

impl Resolver {
    async fn answer(
        &self,
        url: &DidUrl,
        stated: Vec<(String, String)>,
        form: Form,
    ) -> Result<Response, ResolutionError> {
        let mut options = ResolutionOptions::of(url)?;
        for (name, value) in stated {
            match VERSIONS.contains(&name.as_str()) {
                true => options.add(&name, &value)?,
                // DID Resolution 1.0 §4.4(3): an option that is not supported is refused, not ignored
                false => return Err(ResolutionError::OptionNotSupported),
            }
        }
        let resolved = self.dids.resolve_with(url.did(), &options).await?;
        if form != Form::Dereferencing && names_the_document(url)? {
            return Ok(resolution(&resolved, form));
        }
        match &resolved.document {
            Some(document) => dereferencing(&document.dereference(url)?, form),
            None => Ok(reply(StatusCode::GONE, form, Value::Null)),
        }
    }
}

/// DID Resolution 1.0, HTTP(S) Binding: without options the DID URL stands there as it is, its query included;
/// what looks encoded is its own then, as the port of a did:web. None when the whole of it is encoded.
fn as_written(uri: &Uri) -> Option<String> {
    let written = uri.path().strip_prefix(ENDPOINT).filter(|path| path.starts_with("did:"))?;
    Some(match uri.query() {
        Some(query) => format!("{written}?{query}"),
        None => written.to_owned(),
    })
}

fn parse(text: &str) -> Result<DidUrl, ResolutionError> {
    match text.contains(['/', '?', '#']) {
        true => DidUrl::parse(text),
        false => DidUrl::parse(Did::parse(text)?.as_str()),
    }
}

/// Whether nothing but a version is asked for.
fn names_the_document(url: &DidUrl) -> Result<bool, ResolutionError> {
    let plain = url.path().is_empty() && url.fragment().is_none();
    Ok(plain && url.parameters()?.iter().all(|(name, _)| VERSIONS.contains(&name.as_str())))
}

/// What the caller wants to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// The whole result of a resolution.
    Resolution,
    /// The whole result of a dereferencing.
    Dereferencing,
    /// The document or resource alone, in this media type.
    Content(&'static str),
}

impl Form {
    const DOCUMENTS: [&'static str; 5] = [
        "application/did",
        "application/did+json",
        "application/did+ld+json",
        "application/json",
        "application/ld+json",
    ];

    /// The first media type of `Accept` that there is; the whole result for those who do not say.
    fn asked_for(headers: &HeaderMap) -> Option<Self> {
        let accept = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let mut ranges = accept.flat_map(|value| value.split(',')).peekable();
        if ranges.peek().is_none() {
            return Some(Self::Resolution);
        }
        ranges.find_map(|range| {
            let media_type = range.split(';').next().unwrap_or_default().trim();
            match media_type.to_ascii_lowercase().as_str() {
                "application/did-resolution" | "*/*" | "application/*" => Some(Self::Resolution),
                "application/did-url-dereferencing" => Some(Self::Dereferencing),
                // the profile by which resolvers before 1.0 name the whole result
                "application/ld+json" if range.contains("did-resolution") => Some(Self::Resolution),
                other => {
                    Self::DOCUMENTS.iter().find(|of| **of == other).map(|of| Self::Content(of))
                }
            }
        })
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Resolution => "application/did-resolution",
            Self::Dereferencing => "application/did-url-dereferencing",
            Self::Content(media_type) => media_type,
        }
    }
}

fn resolution(resolved: &Resolved, form: Form) -> Response {
    // DID Resolution 1.0, HTTP(S) Binding: 410 for a deactivated DID, with its metadata
    let status = match resolved.metadata.deactivated {
        true => StatusCode::GONE,
        false => StatusCode::OK,
    };
    let body = match (form, &resolved.document) {
        (Form::Content(_), Some(document)) => document.to_json().into(),
        (Form::Content(_), None) => Value::Null,
        _ => resolved.to_json("application/did"),
    };
    let mut response = reply(status, form, body);
    let seconds = resolved.fresh_for.map(|fresh| fresh.as_secs());
    let control = match seconds {
        // what a DID carries itself does not change, but a day is long enough
        None => "public, max-age=86400".to_owned(),
        Some(0) => "no-store".to_owned(),
        Some(seconds) => format!("public, max-age={}", seconds.min(86_400)),
    };
    if let Ok(control) = HeaderValue::from_str(&control) {
        response.headers_mut().insert(header::CACHE_CONTROL, control);
    }
    response
}

fn dereferencing(found: &Dereferenced, form: Form) -> Result<Response, ResolutionError> {
    let body = match (form, found) {
        (Form::Content(_), Dereferenced::Document(document)) => document.to_json().into(),
        (Form::Content(_), Dereferenced::Resource(resource)) => resource.clone().into(),
        (Form::Content(_), Dereferenced::ServiceEndpoints(urls)) => {
            // DID Resolution 1.0, HTTP(S) Binding: 303 to the service; to a web page, and to nothing that runs
            let url = urls.iter().find(|url| matches!(url.scheme(), "https" | "http"));
            let url = url.ok_or(ResolutionError::RepresentationNotSupported)?;
            let location = [(header::LOCATION, url.to_string())];
            return Ok((StatusCode::SEE_OTHER, location).into_response());
        }
        _ => found.to_json(),
    };
    let form = if form == Form::Resolution { Form::Dereferencing } else { form };
    Ok(reply(StatusCode::OK, form, body))
}

fn refuse(error: &ResolutionError, form: Form) -> Response {
    // DID Resolution 1.0, HTTP(S) Binding: the status of each error type
    let status = match error.code() {
        "INVALID_DID" | "INVALID_DID_URL" | "INVALID_OPTIONS" => StatusCode::BAD_REQUEST,
        "NOT_FOUND" => StatusCode::NOT_FOUND,
        "REPRESENTATION_NOT_SUPPORTED" => StatusCode::NOT_ACCEPTABLE,
        "METHOD_NOT_SUPPORTED" | "FEATURE_NOT_SUPPORTED" => StatusCode::NOT_IMPLEMENTED,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let (form, body) = match form {
        Form::Resolution => (form, error.to_json()),
        Form::Dereferencing => (form, error.to_dereferencing_json()),
        Form::Content(_) => (Form::Content("application/problem+json"), error.to_problem()),
    };
    reply(status, form, body)
}

fn reply(status: StatusCode, form: Form, body: Value) -> Response {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let headers = [
        (header::CONTENT_TYPE, form.media_type()),
        (header::CACHE_CONTROL, "no-store"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::VARY, "accept"),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
    ];
    (status, headers, body).into_response()
}

#[cfg(test)]
mod tests {
    use lanyard_core::did::DocumentMetadata;

    use super::*;

    #[test]
    fn a_deactivated_did_is_gone_and_has_metadata_alone() {
        let metadata = DocumentMetadata { deactivated: true, ..DocumentMetadata::default() };
        let resolved = Resolved { document: None, metadata, fresh_for: None };
        for form in [Form::Resolution, Form::Content("application/did")] {
            assert_eq!(resolution(&resolved, form).status(), StatusCode::GONE);
        }
    }

    #[test]
    fn the_first_media_type_that_there_is_decides() {
        let form = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            Form::asked_for(&headers)
        };
        assert_eq!(Form::asked_for(&HeaderMap::new()), Some(Form::Resolution));
        assert_eq!(form("*/*"), Some(Form::Resolution));
        assert_eq!(
            form("text/html, application/did;q=0.9"),
            Some(Form::Content("application/did"))
        );
        assert_eq!(form("application/did-url-dereferencing"), Some(Form::Dereferencing));
        let profile = r#"application/ld+json;profile="https://w3id.org/did-resolution""#;
        assert_eq!(form(profile), Some(Form::Resolution));
        assert_eq!(form("application/ld+json"), Some(Form::Content("application/ld+json")));
        assert_eq!(form("text/html"), None);
    }

    #[test]
    fn a_did_url_stands_in_the_path_as_it_is_or_encoded_whole() {
        let written = |uri: &str| as_written(&uri.parse().unwrap());
        assert_eq!(
            written("/1.0/identifiers/did:web:a.example%3A8443?service=files").as_deref(),
            Some("did:web:a.example%3A8443?service=files")
        );
        assert_eq!(written("/1.0/identifiers/did%3Aweb%3Aa.example%253A8443?versionId=1"), None);
    }
}
