//! `GET /.well-known/openid-credential-issuer/{tenant}` and its authorization server's sibling
//! (OID4VCI 1.0 §12.2, §12.3, RFC 8414 §3).

use axum::{
    extract::State,
    http::{
        HeaderMap,
        header::{ACCEPT, ACCEPT_LANGUAGE},
    },
    response::Response,
};
use lanyard_oid4vci::{
    CredentialConfigurationId, configuration::PictureUse, metadata::SIGNED_METADATA,
};

use super::{
    Failure,
    paths::{AtTenant, TypeName},
    replies,
};
use crate::{IssuerError, IssuerService, localized::InLanguage, tenant::Tenant};

pub(crate) async fn issuer(
    State(service): State<IssuerService>,
    AtTenant(tenant): AtTenant,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    // OID4VCI 1.0 §12.2.2: in the languages of the wallet
    let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    // OID4VCI 1.0 §12.2.2: JSON, unless the wallet asks for the signed form
    if prefers_signed(&headers) {
        let metadata = tenant.issuer.metadata();
        let (metadata, language) = metadata.in_language(accepted.unwrap_or_default());
        let signed = tenant.issuer.sign_metadata(&metadata, service.now()).await;
        let signed = signed.map_err(|_| IssuerError::SigningKeyUnavailable)?;
        if let Some(signed) = signed {
            return Ok(replies::signed_metadata(signed, language.as_deref()));
        }
    }
    let Some(accepted) = accepted else {
        return Ok(replies::issuer_metadata(&tenant.issuer_metadata, &headers, None));
    };
    let localized = service.localized().of(&tenant, accepted, service.provider());
    let InLanguage { document, language } = &*localized;
    Ok(replies::issuer_metadata(document, &headers, language.as_deref()))
}

/// `GET /{tenant}/types/{id}`: the type metadata of an SD-JWT VC (SD-JWT VC §5.3.1).
pub(crate) async fn type_metadata(
    AtTenant(tenant): AtTenant,
    TypeName(id): TypeName,
) -> Result<Response, Failure> {
    let document = tenant.issuer.type_metadata(&id).ok_or(Failure::NotFound)?;
    Ok(replies::public_document(document.to_vec().into()))
}

/// `GET /{tenant}/types/{id}/logo`: a logo that is too long to stand in the metadata.
pub(crate) async fn logo(
    AtTenant(tenant): AtTenant,
    TypeName(id): TypeName,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    picture(&tenant, (id, PictureUse::Logo), &headers)
}

/// `GET /{tenant}/types/{id}/background_image`: what is behind a credential's text, likewise.
pub(crate) async fn background_image(
    AtTenant(tenant): AtTenant,
    TypeName(id): TypeName,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    picture(&tenant, (id, PictureUse::BackgroundImage), &headers)
}

fn picture(
    tenant: &Tenant,
    place: (CredentialConfigurationId, PictureUse),
    headers: &HeaderMap,
) -> Result<Response, Failure> {
    let (document, media_type) = tenant.pictures.get(&place).ok_or(Failure::NotFound)?;
    Ok(replies::picture(document, media_type, headers))
}

/// RFC 9110 §12.5.1, as far as two media types need it: the heavier one, JSON where both weigh the same.
fn prefers_signed(headers: &HeaderMap) -> bool {
    let (mut signed, mut plain) = (0.0_f32, 0.0_f32);
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    for range in values.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight = parts.find_map(|part| part.strip_prefix("q="));
        let weight = weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
        match essence.as_str() {
            SIGNED_METADATA => signed = weight,
            "application/json" | "application/*" | "*/*" => plain = f32::max(plain, weight),
            _ => {}
        }
    }
    signed > plain
}

pub(crate) async fn server(AtTenant(tenant): AtTenant, headers: HeaderMap) -> Response {
    replies::cached_document(&tenant.server_metadata, &headers)
}
