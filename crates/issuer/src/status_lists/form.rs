//! The forms in which one list is published, and which of them a caller gets.

use lanyard_core::{
    crypto::{Curve, PublicKey},
    data_integrity::Cryptosuite,
    did::DidUrl,
    status::{
        bitstring_status_list::{MEDIA_TYPE_VC, MEDIA_TYPE_VC_JWT, StatusPurpose},
        token_status_list::{MEDIA_TYPE_CWT, MEDIA_TYPE_JWT},
    },
};
use lanyard_oid4vci::issuer::{IssuerName, IssuingKey};

/// A form of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ListForm {
    /// A Status List Token that is a JWT.
    TokenJwt,
    /// A Status List Token that is a CWT.
    TokenCwt,
    /// A Bitstring Status List in a JWT.
    BitstringJwt(StatusPurpose),
    /// A Bitstring Status List with a proof inside.
    BitstringProof(StatusPurpose),
}

/// What a URL leads to, whatever the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListKind {
    /// A Token Status List.
    Token,
    /// A Bitstring Status List.
    Bitstring(StatusPurpose),
}

impl ListForm {
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::TokenJwt => MEDIA_TYPE_JWT,
            Self::TokenCwt => MEDIA_TYPE_CWT,
            Self::BitstringJwt(_) => MEDIA_TYPE_VC_JWT,
            Self::BitstringProof(_) => MEDIA_TYPE_VC,
        }
    }

    /// The form that `Accept` asks for; the first where it says nothing, or nothing that there is.
    pub(super) fn asked_for(kind: ListKind, accept: &str, key: &IssuingKey) -> Self {
        let forms: &[Self] = match kind {
            ListKind::Token => &[Self::TokenJwt, Self::TokenCwt],
            ListKind::Bitstring(purpose) if proof_method(key).is_some() => {
                &[Self::BitstringJwt(purpose), Self::BitstringProof(purpose)]
            }
            ListKind::Bitstring(purpose) => &[Self::BitstringJwt(purpose)],
        };
        let [first, ..] = forms else { return Self::TokenJwt };
        let mut best = (*first, quality(accept, first.media_type()));
        for form in forms {
            let wanted = quality(accept, form.media_type());
            if wanted > best.1 {
                best = (*form, wanted);
            }
        }
        best.0
    }
}

/// The key as Data Integrity names it, and the suite for it; none where the issuer is no DID, as a proof
/// could not be by it then.
pub(super) fn proof_method(key: &IssuingKey) -> Option<(DidUrl, Cryptosuite)> {
    let IssuerName::Identifier { iss, key_id: Some(key_id) } = &key.name else { return None };
    let method = DidUrl::parse(key_id).ok()?;
    (method.did().as_str() == iss.as_str()).then(|| (method, suite(key.signer.public_key())))
}

fn suite(key: &PublicKey) -> Cryptosuite {
    match key.curve() {
        Curve::Ed25519 => Cryptosuite::EddsaRdfc2022,
        _ => Cryptosuite::EcdsaRdfc2019,
    }
}

/// How much a header wants a media type, in thousandths (RFC 9110 §12.5.1): the most specific range counts.
fn quality(accept: &str, media_type: &str) -> u16 {
    let kind = media_type.split('/').next().unwrap_or_default();
    let mut found = (0, 0);
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let specificity = match name.strip_suffix("/*") {
            _ if name == media_type => 3,
            Some("*") => 1,
            Some(all) if all == kind => 2,
            _ => continue,
        };
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(1000, thousandths);
        if specificity > found.0 {
            found = (specificity, weight);
        }
    }
    found.1
}

fn thousandths(weight: &str) -> u16 {
    // RFC 9110 §12.4.2: from 0 to 1, with three digits at most
    let weight: f32 = weight.trim().parse().unwrap_or(0.0);
    // a cast from a float stops at the ends of the range
    (weight.clamp(0.0, 1.0) * 1000.0) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_range_says_how_much_a_type_is_wanted() {
        let jwt = |accept: &str| quality(accept, MEDIA_TYPE_JWT);
        assert_eq!(jwt(""), 0);
        assert_eq!(jwt("text/html"), 0);
        assert_eq!(jwt("*/*"), 1000);
        assert_eq!(jwt("*/*;q=0.8, application/*;q=0.5"), 500);
        assert_eq!(jwt("application/*, application/statuslist+jwt;q=0"), 0);
        assert_eq!(jwt("Application/StatusList+JWT ; q=0.25"), 250);
        assert_eq!(jwt("application/statuslist+jwt;q=many"), 0);
        assert_eq!(jwt("application/statuslist+jwt;q=7"), 1000);
    }
}
