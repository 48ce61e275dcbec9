//! The stylesheet, the scripts and the icon, inside the binary.

use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};

const ASSETS: [(&str, &str, &str); 6] = [
    ("lanyard.css", "text/css; charset=utf-8", include_str!("../../assets/lanyard.css")),
    ("live.js", "text/javascript; charset=utf-8", include_str!("../../assets/live.js")),
    ("ask.js", "text/javascript; charset=utf-8", include_str!("../../assets/ask.js")),
    ("issue.js", "text/javascript; charset=utf-8", include_str!("../../assets/issue.js")),
    ("copy.js", "text/javascript; charset=utf-8", include_str!("../../assets/copy.js")),
    ("favicon.svg", "image/svg+xml", include_str!("../../assets/favicon.svg")),
];

pub(super) async fn asset(Path(wanted): Path<String>) -> Response {
    match ASSETS.iter().find(|(name, ..)| *name == wanted) {
        Some((_, media_type, body)) => {
            let headers =
                [(header::CONTENT_TYPE, *media_type), (header::CACHE_CONTROL, "max-age=300")];
            (headers, *body).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
