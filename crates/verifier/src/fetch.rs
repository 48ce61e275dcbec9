//! A wallet fetches the request object, as often as it likes (OpenID4VP 1.0 §5.7, §5.10).

use lanyard_core::json;
use lanyard_oid4vp::{TextError, WalletNonce};
use lanyard_store::{HandleKind, NewEvent};
use thiserror::Error;

use crate::{VerifierError, VerifierService, sessions::Phase, step, tenant::Tenant};

/// Why the form of a POST to a `request_uri` is none.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum WalletPostFault {
    /// Not a form.
    #[error("the body is not a form")]
    Form,
    /// RFC 6749 §3.2: a parameter twice.
    #[error("a parameter is there twice")]
    Twice,
    /// `wallet_metadata` is not a JSON object.
    #[error("wallet_metadata is not a JSON object")]
    Metadata,
    /// `wallet_nonce` is not one.
    #[error("wallet_nonce cannot be used: {0}")]
    Nonce(TextError),
}

/// Reads what a wallet sends along when it fetches by POST (§5.10).
///
/// Nothing we ask depends on the wallet's metadata, and nothing it points to is fetched.
pub(crate) fn wallet_nonce(body: &[u8]) -> Result<Option<WalletNonce>, WalletPostFault> {
    let form: Vec<(String, String)> =
        serde_urlencoded::from_bytes(body).map_err(|_| WalletPostFault::Form)?;
    let one = |name: &str| {
        let mut values = form.iter().filter(|(own, _)| own == name).map(|(_, value)| value);
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            // RFC 6749 §3.2: parameters MUST NOT be included more than once
            (_, Some(_)) => Err(WalletPostFault::Twice),
        }
    };
    // OpenID4VP §5.10: a JSON object
    if let Some(metadata) = one("wallet_metadata")? {
        json::parse_object(metadata.as_bytes()).map_err(|_| WalletPostFault::Metadata)?;
    }
    one("wallet_nonce")?.map(|nonce| nonce.parse()).transpose().map_err(WalletPostFault::Nonce)
}

impl VerifierService {
    /// Signs the request object; it is signed at each fetch, since most are fetched once.
    pub(crate) async fn request_object(
        &self,
        tenant: &Tenant,
        path: &str,
        wallet_nonce: Option<&WalletNonce>,
    ) -> Result<String, VerifierError> {
        let now = self.now();
        let handle = self.handle(HandleKind::RequestUri, path);
        let held = self.sessions().take(tenant, &handle, now).await?;
        let Phase::Waiting(waiting) = &held.state.phase else {
            return Err(VerifierError::UnknownRequest);
        };
        if now >= waiting.requested.expires_at() {
            return Err(VerifierError::UnknownRequest);
        }
        let object = waiting.requested.request_object(&tenant.signer, wallet_nonce, now).await?;
        if self.live().note_fetch(&tenant.id, held.session.id, now) {
            self.announce(tenant, held.session.id, &NewEvent::done(now, step::REQUEST_FETCHED));
        }
        Ok(object)
    }
}
