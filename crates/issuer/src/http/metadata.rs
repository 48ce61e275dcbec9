//! `GET /.well-known/openid-credential-issuer/{tenant}` and its authorization server's sibling
//! (OID4VCI §12.2, §12.3, RFC 8414 §3).

use axum::response::Response;

use super::{paths::AtTenant, replies};

pub(crate) async fn issuer(AtTenant(tenant): AtTenant) -> Response {
    replies::public_document(tenant.issuer_metadata.clone())
}

pub(crate) async fn server(AtTenant(tenant): AtTenant) -> Response {
    replies::public_document(tenant.server_metadata.clone())
}
