//! What a peer shows to reach its session: a code, a token, a path, kept as a digest only.

use std::fmt;

/// The digest of something secret that leads to a session.
///
/// The caller hashes: the store holds the SHA-256 of a code or token, so that a copy of the
/// database opens nothing. A handle is unique per tenant and kind.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle {
    kind: HandleKind,
    digest: [u8; 32],
}

impl Handle {
    /// Names the secret whose SHA-256 is `digest`.
    #[must_use]
    pub const fn new(kind: HandleKind, digest: [u8; 32]) -> Self {
        Self { kind, digest }
    }

    /// What the secret is used for.
    #[must_use]
    pub const fn kind(&self) -> HandleKind {
        self.kind
    }

    /// The SHA-256 of the secret.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}

/// Prints the kind alone: nobody needs the digest in a log.
impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({})", self.kind)
    }
}

/// What a handle is used for; a secret of one kind never opens a session as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum HandleKind {
    /// The last segment of a `credential_offer_uri` (OID4VCI §4.1.3).
    Offer,
    /// `pre-authorized_code` (OID4VCI §4.1.1).
    PreAuthorizedCode,
    /// An authorization code (RFC 6749 §4.1).
    AuthorizationCode,
    /// An access token (OID4VCI §6.2).
    AccessToken,
    /// A refresh token (RFC 6749 §6).
    RefreshToken,
    /// A `request_uri` of a pushed authorization request (RFC 9126 §2.2).
    PushedRequest,
    /// `issuer_state` of an offer (OID4VCI §4.1.1).
    IssuerState,
    /// `notification_id` (OID4VCI §11).
    NotificationId,
    /// The last segment of a `request_uri` (OID4VP §5.7).
    RequestUri,
    /// The last segment of a `response_uri` (OID4VP §8.2).
    ResponseUri,
    /// `state` of an authorization or presentation request (OID4VP §5.3).
    State,
    /// `response_code` (OID4VP §8.2).
    ResponseCode,
    /// The integrator's `transaction_id` (OID4VP §13.3, OID4VCI §9).
    TransactionId,
    /// The cookie of the browser that began the session (OID4VP §13.3).
    BrowserSession,
}

impl HandleKind {
    /// Every kind there is.
    pub const ALL: [Self; 14] = [
        Self::Offer,
        Self::PreAuthorizedCode,
        Self::AuthorizationCode,
        Self::AccessToken,
        Self::RefreshToken,
        Self::PushedRequest,
        Self::IssuerState,
        Self::NotificationId,
        Self::RequestUri,
        Self::ResponseUri,
        Self::State,
        Self::ResponseCode,
        Self::TransactionId,
        Self::BrowserSession,
    ];

    /// The short text under which the kind is stored. Released texts never change.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Offer => "offer",
            Self::PreAuthorizedCode => "pre_code",
            Self::AuthorizationCode => "auth_code",
            Self::AccessToken => "access",
            Self::RefreshToken => "refresh",
            Self::PushedRequest => "pushed",
            Self::IssuerState => "issuer_state",
            Self::NotificationId => "notification",
            Self::RequestUri => "request_uri",
            Self::ResponseUri => "response_uri",
            Self::State => "state",
            Self::ResponseCode => "response_code",
            Self::TransactionId => "transaction",
            Self::BrowserSession => "browser",
        }
    }
}

impl fmt::Display for HandleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Handle, HandleKind};

    #[test]
    fn no_two_kinds_share_a_stored_text() {
        let texts: BTreeSet<_> = HandleKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(texts.len(), HandleKind::ALL.len());
    }

    #[test]
    fn a_handle_prints_its_kind_and_not_its_digest() {
        let handle = Handle::new(HandleKind::AccessToken, [0xab; 32]);
        assert_eq!(format!("{handle:?}"), "Handle(access)");
    }
}
