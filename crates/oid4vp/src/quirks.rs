//! Deviations of peers, each a function with its reason and its end.

use std::borrow::Cow;

use lanyard_core::credential::CredentialType;

/// Takes the request URI as the audience of the request object fetched from it.
///
/// `@openid4vc/openid4vp` 0.4 writes it there unless told otherwise, and Credo 0.6 does not tell it; the
/// specification has `https://self-issued.me/v2` (OID4VP 1.0 §5.8). Nothing is lost: the wallet knows
/// where it fetched the object. Ends when both write the symbolic audience, to be looked at 2027-06-01.
pub(crate) fn request_uri_as_audience(audience: &str, request_uri: Option<&str>) -> bool {
    request_uri == Some(audience)
}

/// Takes the types of a W3C credential by the names that its author wrote, beside those its contexts expand
/// them to.
///
/// Verifiers ask with `type_values` as they know them from the credential, `VerifiableCredential` first of all
/// (Credo 0.6, `@openid4vc/openid4vp` 0.4); the specification has expanded IRIs (OID4VP 1.0 App. B.1.1).
/// Nothing is lost: the issuer wrote both. Ends when none of them does, to be looked at 2027-06-01.
pub(crate) fn types_as_written(
    types: &[CredentialType],
) -> impl Iterator<Item = Cow<'static, str>> {
    types.iter().map(|kind| Cow::Owned(kind.name().to_owned()))
}
