//! Sign in with a wallet: an OpenID Connect provider in front of the verifier, for applications that speak
//! OpenID Connect and nothing else (OpenID Connect Core 1.0, authorization code flow with PKCE).
//!
//! 1. `authorize` an application sends a browser; a scope or `acr_values` names the preset that is asked
//! 2. `page` the browser shows a QR code and a button, bound to it by a cookie
//! 3. `conclude` a wallet answered: the browser goes back with a code
//! 4. `token` the application trades the code, once, for an ID token with the claims
//!
//! The sign-in lives in the session of its presentation request. Whoever presents has no name that is the
//! same tomorrow: `sub` is new with every sign-in, unless the client names a claim to derive it from, for
//! this client alone.

mod authorize;
mod conclude;
mod error;
mod metadata;
mod page;
mod token;

use lanyard_core::{claims::ClaimsPath, pkce::CodeChallenge};
use lanyard_oid4vp::dcql::CredentialQueryId;
use serde::{Deserialize, Serialize};

pub(crate) use authorize::Begun;
pub(crate) use conclude::Progress;
pub(crate) use error::{SignInFault, SignInRefused};
pub(crate) use page::{SCRIPT, STYLESHEET, SignInPage, StoppedPage};
pub(crate) use token::TokenFault;

/// An application that lets people sign in with their wallets.
#[derive(Clone, Debug)]
pub struct SignInClient {
    /// Its `client_id`.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// The SHA-256 of its secret; a client without one is public, and PKCE alone binds its codes.
    pub secret_sha256: Option<[u8; 32]>,
    /// Where browsers may be sent back to; compared character by character.
    pub redirect_uris: Vec<String>,
    /// The presets that it may ask, as scopes or `acr_values`; the first is asked when it names none.
    pub presets: Vec<String>,
    /// The claim that `sub` is derived from.
    pub subject: Option<SubjectClaim>,
}

/// The claim that says whether two sign-ins are by one person.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubjectClaim {
    /// The credential query.
    pub credential: CredentialQueryId,
    /// The claim.
    pub path: ClaimsPath,
}

/// A sign-in that waits for a wallet; kept in the session of its request.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SignIn {
    pub(crate) client: String,
    pub(crate) redirect_uri: String,
    pub(crate) state: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) challenge: CodeChallenge,
    pub(crate) preset: String,
    /// When the code was given out.
    pub(crate) code_at: Option<jiff::Timestamp>,
}

/// The last segment of the path under which all of this is, below the tenant's.
pub(crate) const ROOT: &str = "sign-in";
