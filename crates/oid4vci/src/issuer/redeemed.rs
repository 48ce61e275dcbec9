//! The answer to an authorization code, for a wallet that it may not have reached (RFC 6749 §4.1.2).

use std::fmt;

use jiff::Timestamp;
use lanyard_core::{crypto::HashAlgorithm, json};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Authorized, Issuer, Profile, Sender};
use crate::token::{CodeTokenRequest, TokenResponse};

/// A token response, and which request it answers.
///
/// It is kept beside tokens that the session holds anyway, and no longer than the code would have lived.
#[derive(Serialize, Deserialize)]
pub(super) struct Redeemed {
    /// A digest of the request and of what its sender proved, in base64url.
    request: String,
    response: TokenResponse,
    ends_at: Timestamp,
}

impl Redeemed {
    /// None where the token is bound to no key: whoever repeats such a request may be anybody. None either under
    /// HAIP: FAPI 2.0 §5.3.2.1, which it demands, has a code refused that was used, whoever shows it.
    pub(super) fn new(
        request: &CodeTokenRequest,
        sender: &Sender,
        response: &TokenResponse,
        ends_at: Timestamp,
        issuer: &Issuer,
    ) -> Option<Self> {
        if issuer.rules().profile() == Profile::Haip {
            return None;
        }
        let request = digest(request, sender, issuer)?;
        Some(Self { request, response: response.clone(), ends_at })
    }
}

impl Authorized {
    /// The answer that a code got, again: to the same request by the holder of the same key, while the code would
    /// have lived and the token that it got has got nothing.
    ///
    /// RFC 6749 §4.1.2 has a code used once. This gives out nothing new: the same token, to the only key that it is
    /// good for. Whatever else shows the code again is a replay.
    pub fn answer_again(
        &self,
        request: &CodeTokenRequest,
        sender: &Sender,
        issuer: &Issuer,
        now: Timestamp,
    ) -> Option<TokenResponse> {
        let given = self.redeemed.as_ref()?;
        if now >= given.ends_at || digest(request, sender, issuer)? != given.request {
            return None;
        }
        let life = self.token_expires_at().duration_since(now).as_secs();
        let expires_in = u64::try_from(life).ok();
        Some(TokenResponse { expires_in, ..given.response.clone() })
    }
}

/// Everything that a token request is judged by; none where its sender has no key.
fn digest(request: &CodeTokenRequest, sender: &Sender, issuer: &Issuer) -> Option<String> {
    let key = sender.key()?;
    let CodeTokenRequest { code, redirect_uri, verifier, details } = request;
    let verifier = verifier.as_ref().map(|verifier| verifier.reveal());
    let (client, instance) = (sender.client.id(), sender.client.instance());
    let all = json!([code, redirect_uri, verifier, details, client, instance, key]).to_string();
    Some(json::base64url(issuer.provider.hash(HashAlgorithm::Sha256, all.as_bytes())))
}

impl fmt::Debug for Redeemed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Redeemed")
    }
}
