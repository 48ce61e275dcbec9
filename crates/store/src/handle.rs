//! What a peer shows to reach its session: a code, a token, a path, kept as a digest only.

use std::fmt;

use subtle::ConstantTimeEq as _;

use crate::{SessionId, StoreError};

/// What somebody shows to reach a session: which one, and the digest of the secret that proves it.
///
/// The session is found by its time-ordered name, and the digest is compared with what it holds: no index
/// is over digests. The caller hides the name in the value that peers see, and hashes: the store holds the
/// SHA-256 of a code or token, so that a copy of the database opens nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle {
    session: SessionId,
    kind: HandleKind,
    digest: [u8; 32],
}

impl Handle {
    /// Names the secret of a session whose SHA-256 is `digest`.
    #[must_use]
    pub const fn new(session: SessionId, kind: HandleKind, digest: [u8; 32]) -> Self {
        Self { session, kind, digest }
    }

    /// Where it leads, if the session knows it.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.session
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
    /// The last segment of a `credential_offer_uri` (OID4VCI 1.0 §4.1.3).
    Offer,
    /// `pre-authorized_code` (OID4VCI 1.0 §4.1.1).
    PreAuthorizedCode,
    /// An authorization code (RFC 6749 §4.1).
    AuthorizationCode,
    /// An access token (OID4VCI 1.0 §6.2).
    AccessToken,
    /// A refresh token (RFC 6749 §6).
    RefreshToken,
    /// A `request_uri` of a pushed authorization request (RFC 9126 §2.2).
    PushedRequest,
    /// `issuer_state` of an offer (OID4VCI 1.0 §4.1.1).
    IssuerState,
    /// `notification_id` (OID4VCI 1.0 §11).
    NotificationId,
    /// The last segment of a `request_uri` (OID4VP 1.0 §5.7).
    RequestUri,
    /// The last segment of a `response_uri` (OID4VP 1.0 §8.2).
    ResponseUri,
    /// `state` of an authorization or presentation request (OID4VP 1.0 §5.3).
    State,
    /// `response_code` (OID4VP 1.0 §8.2).
    ResponseCode,
    /// The integrator's `transaction_id` (OID4VP 1.0 §13.3, OID4VCI 1.0 §9).
    TransactionId,
    /// The cookie of the browser that began the session (OID4VP 1.0 §13.3).
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

impl HandleKind {
    /// The byte under which the kind is stored in the row of a session. Released bytes never change.
    const fn code(self) -> u8 {
        match self {
            Self::Offer => 1,
            Self::PreAuthorizedCode => 2,
            Self::AuthorizationCode => 3,
            Self::AccessToken => 4,
            Self::RefreshToken => 5,
            Self::PushedRequest => 6,
            Self::IssuerState => 7,
            Self::NotificationId => 8,
            Self::RequestUri => 9,
            Self::ResponseUri => 10,
            Self::State => 11,
            Self::ResponseCode => 12,
            Self::TransactionId => 13,
            Self::BrowserSession => 14,
        }
    }
}

/// What leads to one session, and what did until a step used it up.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Handles(Vec<Known>);

#[derive(Clone, Copy, PartialEq, Eq)]
struct Known {
    kind: HandleKind,
    digest: [u8; 32],
    is_used: bool,
}

/// What a session says about a handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Led {
    /// It leads here.
    Here,
    /// It did, until a step used it up.
    UsedUp,
    /// It does not.
    Nowhere,
}

impl Handles {
    /// How many used handles a session remembers; of a token that is renewed for years the first are
    /// forgotten, and refused as unknown instead of as used.
    pub const MOST_USED: usize = 64;

    /// Bytes of one handle in a column: kind, whether it is used, digest.
    const WIDTH: usize = 34;

    /// The handles that a session begins with.
    pub(crate) fn of(session: SessionId, handles: &[Handle]) -> Result<Self, StoreError> {
        Self::default().stepped(session, &[], handles)
    }

    /// Compares with every handle of that kind, each in constant time.
    pub(crate) fn lead(&self, handle: &Handle) -> Led {
        let of_kind = self.0.iter().filter(|known| known.kind == handle.kind);
        let mut led = Led::Nowhere;
        for known in of_kind {
            if known.digest.ct_eq(&handle.digest).into() {
                led = if known.is_used { Led::UsedUp } else { Led::Here };
            }
        }
        led
    }

    /// What leads to the session after a step that uses up some and adds others.
    ///
    /// # Errors
    /// [`StoreError::HandleElsewhere`], [`StoreError::HandleNotHeld`], [`StoreError::DuplicateHandle`].
    pub(crate) fn stepped(
        &self,
        session: SessionId,
        retire: &[Handle],
        add: &[Handle],
    ) -> Result<Self, StoreError> {
        let mut after = self.0.clone();
        for handle in retire {
            let known = after.iter_mut().find(|known| known.is(handle) && !known.is_used);
            match known {
                Some(known) if handle.session == session => known.is_used = true,
                _ => return Err(StoreError::HandleNotHeld),
            }
        }
        for handle in add {
            if handle.session != session {
                return Err(StoreError::HandleElsewhere);
            }
            if after.iter().any(|known| known.is(handle)) {
                return Err(StoreError::DuplicateHandle);
            }
            after.push(Known { kind: handle.kind, digest: handle.digest, is_used: false });
        }
        let used = after.iter().filter(|known| known.is_used).count();
        let mut too_many = used.saturating_sub(Self::MOST_USED);
        after.retain(|known| {
            let forgotten = known.is_used && too_many > 0;
            too_many -= usize::from(forgotten);
            !forgotten
        });
        Ok(Self(after))
    }

    /// As a column.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * Self::WIDTH);
        for known in &self.0 {
            bytes.extend([known.kind.code(), u8::from(known.is_used)]);
            bytes.extend(known.digest);
        }
        bytes
    }

    /// Reads a column.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, StoreError> {
        let corrupt = StoreError::Corrupt { what: "the handles of a session" };
        let (all, rest) = bytes.as_chunks::<{ Self::WIDTH }>();
        if !rest.is_empty() {
            return Err(corrupt);
        }
        let known = |[code, used, digest @ ..]: &[u8; Self::WIDTH]| {
            let kind = HandleKind::ALL.into_iter().find(|kind| kind.code() == *code)?;
            Some(Known { kind, digest: *digest, is_used: *used != 0 })
        };
        all.iter().map(known).collect::<Option<_>>().map(Self).ok_or(corrupt)
    }
}

impl Known {
    fn is(&self, handle: &Handle) -> bool {
        self.kind == handle.kind && self.digest == handle.digest
    }
}

/// Prints kinds alone: nobody needs the digests in a log.
impl fmt::Debug for Handles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = |known: &Known| (known.kind, if known.is_used { "used" } else { "live" });
        f.debug_list().entries(self.0.iter().map(told)).finish()
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

    use super::{Handle, HandleKind, Handles, Led};
    use crate::{SessionId, StoreError};

    const SESSION: SessionId = SessionId::from_bytes([7; 16]);

    fn token(n: u8) -> Handle {
        Handle::new(SESSION, HandleKind::RefreshToken, [n; 32])
    }

    #[test]
    fn no_two_kinds_share_a_stored_text_or_byte() {
        let texts: BTreeSet<_> = HandleKind::ALL.iter().map(|kind| kind.as_str()).collect();
        let bytes: BTreeSet<_> = HandleKind::ALL.iter().map(|kind| kind.code()).collect();
        assert_eq!((texts.len(), bytes.len()), (HandleKind::ALL.len(), HandleKind::ALL.len()));
    }

    #[test]
    fn a_handle_prints_its_kind_and_not_its_digest() {
        let handle = Handle::new(SESSION, HandleKind::AccessToken, [0xab; 32]);
        assert_eq!(format!("{handle:?}"), "Handle(access)");
        let handles = Handles::of(SESSION, &[handle]).unwrap();
        assert_eq!(format!("{handles:?}"), r#"[(AccessToken, "live")]"#);
    }

    #[test]
    fn a_column_holds_every_kind_live_and_used() {
        let all: Vec<_> =
            HandleKind::ALL.iter().map(|kind| Handle::new(SESSION, *kind, [9; 32])).collect();
        let handles =
            Handles::of(SESSION, &all).unwrap().stepped(SESSION, &all[3..5], &[]).unwrap();
        let read = Handles::from_bytes(&handles.to_bytes()).unwrap();
        assert_eq!(read, handles);
        for (place, handle) in all.iter().enumerate() {
            let led = if (3..5).contains(&place) { Led::UsedUp } else { Led::Here };
            assert_eq!(read.lead(handle), led, "{handle:?}");
        }
    }

    #[test]
    fn a_column_that_was_cut_or_has_an_unknown_kind_is_corrupt() {
        let bytes = Handles::of(SESSION, &[token(1)]).unwrap().to_bytes();
        let corrupt = Err(StoreError::Corrupt { what: "the handles of a session" });
        assert_eq!(Handles::from_bytes(&bytes[1..]), corrupt);
        assert_eq!(Handles::from_bytes(&[&[0xff], &bytes[1..]].concat()), corrupt);
    }

    #[test]
    fn of_a_token_that_is_renewed_for_long_the_last_ones_are_known_as_used() {
        let mut handles = Handles::of(SESSION, &[token(0)]).unwrap();
        let last = u8::try_from(Handles::MOST_USED).unwrap() + 1;
        for n in 0..last {
            handles = handles.stepped(SESSION, &[token(n)], &[token(n + 1)]).unwrap();
        }
        assert_eq!(handles.lead(&token(0)), Led::Nowhere);
        for n in 1..last {
            assert_eq!(handles.lead(&token(n)), Led::UsedUp, "{n}");
        }
        assert_eq!(handles.lead(&token(last)), Led::Here);
    }
}
