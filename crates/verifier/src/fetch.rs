//! A wallet fetches the request object, as often as it likes (OpenID4VP 1.0 §5.7, §5.10).

use lanyard_oid4vp::{TextError, WalletNonce, verifier::WalletMetadata};
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

/// What a wallet sends along when it fetches by POST (§5.10); nothing it points to is fetched.
#[derive(Debug, Default)]
pub(crate) struct WalletPost {
    metadata: WalletMetadata,
    nonce: Option<WalletNonce>,
}

/// Reads what a wallet sends along.
pub(crate) fn wallet_post(body: &[u8]) -> Result<WalletPost, WalletPostFault> {
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
    let metadata = match one("wallet_metadata")? {
        Some(text) => WalletMetadata::parse(text).map_err(|_| WalletPostFault::Metadata)?,
        None => WalletMetadata::default(),
    };
    let nonce = one("wallet_nonce")?.map(|nonce| nonce.parse()).transpose();
    Ok(WalletPost { metadata, nonce: nonce.map_err(WalletPostFault::Nonce)? })
}

impl VerifierService {
    /// Signs the request object; it is signed at each fetch, since most are fetched once.
    pub(crate) async fn request_object(
        &self,
        tenant: &Tenant,
        path: &str,
        wallet: &WalletPost,
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
        let signer = tenant.names.signer_of(waiting.requested.client_id());
        if let Err(cannot) = waiting.requested.suits(&wallet.metadata, signer) {
            self.trace_refusal(tenant, held.session.id, now, cannot.reason()).await;
            return Err(VerifierError::WalletCannot(cannot));
        }
        let nonce = wallet.nonce.as_ref();
        let object = waiting.requested.request_object(signer, nonce, now).await?;
        if self.live().note_fetch(&tenant.id, held.session.id, now) {
            self.announce(tenant, held.session.id, &NewEvent::done(now, step::REQUEST_FETCHED));
        }
        Ok(object)
    }
}
