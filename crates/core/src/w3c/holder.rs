//! Who presents a credential, and that it is theirs: for every presentation signed as a JWT.

use std::fmt;

use serde_json::Value;
use thiserror::Error;

use super::signed::ClaimedKey;
use crate::{
    Timestamp,
    credential::{ExpiryRule, Validity, ValidityError, ValidityPolicy},
    crypto::{Curve, PublicKey},
    did::{Did, DidDocument, DidResolver, DidUrl, Relationship, ResolutionError},
    jose::Jwk,
    json::{Object, numeric_date},
    sd_jwt::{Audience, KeyBindingError, KeyBindingWindow, RequestNonce, confirmation_key},
};

/// Whose a credential is: who else presents it, is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HolderBinding {
    /// That of a key in the credential (`cnf.jwk`, RFC 7800 §3.2).
    Key(Box<Jwk>),
    /// That of a key that the credential names by a DID URL (`cnf.kid`, RFC 7800 §3.4).
    KeyId(DidUrl),
    /// That of the one subject, who is named by a DID (`credentialSubject.id`).
    Subject(Did),
    /// Whoever has it: the credential names nobody who could prove that it is theirs.
    None,
}

/// Who presented something, as far as that was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    key: PublicKey,
    did: Option<Did>,
    key_id: Option<DidUrl>,
}

/// What the verifier demands of a presentation that is signed as a JWT.
#[derive(Clone, Copy, Debug)]
pub struct ExpectedPresentation<'e> {
    /// `aud`: the verifier's full client identifier (OID4VP 1.0 §14.1.2).
    pub audience: &'e Audience,
    /// `nonce`: that of the request.
    pub nonce: &'e RequestNonce,
    /// The moment of verification.
    pub now: Timestamp,
    /// How far an `iat` may be from now.
    pub window: KeyBindingWindow,
    /// How the times of the credentials are judged.
    pub validity: ValidityPolicy,
}

/// Why a presentation is not by the holder, or not for this request.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum HolderError {
    /// Neither `kid` nor `iss` nor the holder is a DID, and the credentials are bound to no one key.
    #[error("nothing leads to the holder's key")]
    NotNamed,
    /// `iss` is another than the presentation's holder.
    #[error("iss is not the holder of the presentation")]
    IssMismatch,
    /// `kid` is not a DID URL of the holder.
    #[error("kid is not a DID URL of the holder")]
    KeyIdNotOfHolder,
    /// The holder's DID led to no key.
    #[error("the holder's DID leads to no key: {0}")]
    Resolution(#[from] ResolutionError),
    /// None of the holder's keys fits, or more than one does and there is no `kid`.
    #[error("kid and alg do not lead to one of the holder's keys")]
    KeyNotFound,
    /// The `cnf` of a credential cannot be used.
    #[error("the credential's cnf is refused: {0}")]
    Confirmation(KeyBindingError),
    /// A credential names nobody who could prove that it is theirs.
    #[error("the credential is not bound to a holder")]
    NotBound,
    /// A credential belongs to somebody else.
    #[error("the credential belongs to another holder")]
    ForeignCredential,
    /// `nonce` is missing or not the request's.
    #[error("the nonce is not that of the request")]
    Nonce,
    /// `aud` is missing, another verifier, or more than one.
    #[error("the audience is another")]
    Audience,
    /// `iat` is too long ago.
    #[error("the presentation is too old")]
    TooOld,
    /// A time of the presentation is malformed, has passed or has not come.
    #[error("the presentation is not valid now: {0}")]
    Validity(#[from] ValidityError),
}

impl HolderError {
    /// The stable reason code, for operators.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotNamed => "holder_not_named",
            Self::IssMismatch => "holder_mismatch",
            Self::KeyIdNotOfHolder => "holder_key_id",
            Self::Resolution(ResolutionError::Unreachable) => "holder_key_unreachable",
            Self::Resolution(_) => "holder_did_refused",
            Self::KeyNotFound => "holder_key_not_found",
            Self::Confirmation(error) => error.code(),
            Self::NotBound => "credential_not_bound",
            Self::ForeignCredential => "credential_of_another_holder",
            Self::Nonce => "nonce_mismatch",
            Self::Audience => "audience_mismatch",
            Self::TooOld => "presentation_too_old",
            Self::Validity(ValidityError::Expired) => "presentation_expired",
            Self::Validity(ValidityError::NotYetValid) => "presentation_not_yet_valid",
            Self::Validity(ValidityError::IssuedInTheFuture) => "presentation_from_the_future",
            Self::Validity(_) => "presentation_time_malformed",
        }
    }

    /// Whether the presentation may turn out to be good once the holder's key can be reached.
    pub const fn is_undetermined(&self) -> bool {
        matches!(self, Self::Resolution(ResolutionError::Unreachable))
    }
}

impl HolderBinding {
    /// Reads to whom a credential is bound: by its `cnf`, else by its only subject.
    pub(super) fn read<'s>(
        claims: &Object,
        mut subjects: impl Iterator<Item = &'s Object>,
    ) -> Result<Self, HolderError> {
        if let Some(url) = confirmed_key_id(claims) {
            return Ok(Self::KeyId(url));
        }
        if let Some(key) = confirmation_key(claims).map_err(HolderError::Confirmation)? {
            return Ok(Self::Key(Box::new(key)));
        }
        // of several subjects nobody can tell which one is the holder
        let (Some(subject), None) = (subjects.next(), subjects.next()) else {
            return Ok(Self::None);
        };
        let id = subject.get("id").and_then(Value::as_str);
        Ok(id.and_then(|id| Did::parse(id).ok()).map_or(Self::None, Self::Subject))
    }

    /// Checks that a credential is that of whoever presented it.
    pub(super) fn check(&self, holder: &Holder) -> Result<(), HolderError> {
        let is_theirs = match self {
            Self::Key(jwk) => jwk.key == holder.key,
            Self::KeyId(url) => Some(url) == holder.key_id.as_ref(),
            Self::Subject(did) => Some(did) == holder.did.as_ref(),
            Self::None => return Err(HolderError::NotBound),
        };
        if is_theirs { Ok(()) } else { Err(HolderError::ForeignCredential) }
    }
}

/// The DID URL in a `cnf` that has no key in it.
fn confirmed_key_id(claims: &Object) -> Option<DidUrl> {
    let confirmation = claims.get("cnf")?.as_object()?;
    let key_id = confirmation.get("kid").filter(|_| !confirmation.contains_key("jwk"))?;
    DidUrl::parse(key_id.as_str()?).ok().filter(DidUrl::names_a_key)
}

impl Holder {
    /// The owner of a key that its DID lists for authentication.
    pub(super) fn new(key: PublicKey, key_id: DidUrl) -> Self {
        Self { key, did: Some(key_id.did().clone()), key_id: Some(key_id) }
    }

    /// The key that signed the presentation.
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The DID that the key belongs to; none when the key came from the credential.
    pub const fn did(&self) -> Option<&Did> {
        self.did.as_ref()
    }
}

/// Finds the key of whoever claims to present these credentials.
pub(super) async fn find(
    claimed: ClaimedKey<'_>,
    iss: Option<&str>,
    bindings: &[&HolderBinding],
    resolver: &dyn DidResolver,
) -> Result<Holder, HolderError> {
    let key_id = claimed.key_id;
    let did_url = key_id.and_then(|kid| DidUrl::parse(kid).ok());
    let named = iss.and_then(|iss| Did::parse(iss).ok());
    let did = match (named, &did_url) {
        // VC-JOSE-COSE §4.1.1: where the key belongs to a DID, kid is a DID URL of that DID
        (Some(did), Some(url)) if url.did() == &did => did,
        (Some(did), None) if key_id.is_none() => did,
        (Some(_), _) => return Err(HolderError::KeyIdNotOfHolder),
        (None, Some(url)) if iss.is_none() => url.did().clone(),
        (None, _) => return by_confirmation(bindings),
    };
    let document = resolver.resolve(&did).await?;
    let key = match &did_url {
        // DID 1.1 §5.3.1: a presentation is signed to authenticate
        Some(url) => *document.authentication(url)?,
        None => only_fitting(&document, claimed.curve)?,
    };
    Ok(Holder { key, did: Some(did), key_id: did_url })
}

/// Without a DID: the one key that every credential is bound to.
fn by_confirmation(bindings: &[&HolderBinding]) -> Result<Holder, HolderError> {
    let key = match bindings.first() {
        Some(HolderBinding::Key(jwk)) => jwk.key,
        _ => return Err(HolderError::NotNamed),
    };
    Ok(Holder { key, did: None, key_id: None })
}

/// Without a `kid`: the one key for authentication that the algorithm fits.
fn only_fitting(document: &DidDocument, curve: Option<Curve>) -> Result<PublicKey, HolderError> {
    let mut fitting = document
        .methods_for(Relationship::Authentication)
        .filter(|method| method.key.is_some_and(|key| Some(key.curve()) == curve));
    match (fitting.next(), fitting.next()) {
        // the document decides about the rest: whose the method is, and whether it is for signatures
        (Some(method), None) => Ok(*document.authentication(&method.id)?),
        _ => Err(HolderError::KeyNotFound),
    }
}

/// Checks that what a holder signed answers this request, now (OID4VP 1.0 App. B.1.3.1).
pub(super) fn check_request(
    claims: &Object,
    expected: &ExpectedPresentation<'_>,
) -> Result<(), HolderError> {
    let text = |name| claims.get(name).and_then(Value::as_str);
    // OID4VP 1.0 §14.1.2: nonce and aud are the request's
    if text("nonce") != Some(expected.nonce.as_str()) {
        return Err(HolderError::Nonce);
    }
    // RFC 7519 §4.1.3: aud may be an array; with more than this verifier in it others could use it too
    let audience = match claims.get("aud") {
        Some(Value::Array(audiences)) if audiences.len() == 1 => audiences.first(),
        aud => aud,
    };
    if audience.and_then(Value::as_str) != Some(expected.audience.as_str()) {
        return Err(HolderError::Audience);
    }
    let policy = ValidityPolicy { leeway: expected.window.future, expiry: ExpiryRule::Optional };
    policy.judge(&Validity::read(claims)?, expected.now)?;
    let issued_at = claims.get("iat").and_then(numeric_date);
    let is_old = |at: Timestamp| at.duration_until(expected.now) > expected.window.past;
    // OID4VP 1.0 §14.1: the nonce makes it fresh; an older iat would say that it was prepared
    if issued_at.is_some_and(is_old) { Err(HolderError::TooOld) } else { Ok(()) }
}

impl fmt::Display for HolderBinding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Key(_) | Self::KeyId(_) => "bound to a key",
            Self::Subject(_) => "bound to its subject",
            Self::None => "not bound",
        })
    }
}
