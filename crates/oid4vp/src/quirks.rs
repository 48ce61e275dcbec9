//! Deviations of peers, each a function with its reason and its end.

/// Takes the request URI as the audience of the request object fetched from it.
///
/// `@openid4vc/openid4vp` 0.4 writes it there unless told otherwise, and Credo 0.6 does not tell it; the
/// specification has `https://self-issued.me/v2` (OID4VP 1.0 §5.8). Nothing is lost: the wallet knows
/// where it fetched the object. Ends when both write the symbolic audience, to be looked at 2027-06-01.
pub(crate) fn request_uri_as_audience(audience: &str, request_uri: Option<&str>) -> bool {
    request_uri == Some(audience)
}
