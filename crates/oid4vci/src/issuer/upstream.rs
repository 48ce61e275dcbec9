//! The holder logs in elsewhere, at a login provider: what goes there has to come back (OpenID Connect Core §3.1).

use lanyard_core::crypto::Random;
use serde::{Deserialize, Serialize};

use crate::{LoginNonce, LoginState, authorization::CodeVerifier};

/// What a browser took to a login provider, and what has to come back with it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UpstreamLogin {
    state: LoginState,
    nonce: LoginNonce,
    verifier: CodeVerifier,
}

impl UpstreamLogin {
    /// Everything fresh, of 256 bits each.
    pub fn generate(random: &dyn Random) -> Self {
        Self {
            state: LoginState::generate(random),
            nonce: LoginNonce::generate(random),
            verifier: CodeVerifier::generate(random),
        }
    }

    /// What the browser brings back (RFC 6749 §10.12).
    pub const fn state(&self) -> &LoginState {
        &self.state
    }

    /// What the ID token says again (OpenID Connect Core §3.1.2.1).
    pub const fn nonce(&self) -> &LoginNonce {
        &self.nonce
    }

    /// What the code is redeemed with (RFC 7636).
    pub const fn verifier(&self) -> &CodeVerifier {
        &self.verifier
    }
}
