//! A wallet fetches the request object, as often as it likes (OID4VP 1.0 §5.7, §5.10).

use lanyard_oid4vp::{ClientIdPrefix, TextError, WalletNonce, verifier::WalletMetadata};
use lanyard_store::{HandleKind, NewEvent, SessionId, TenantId};
use thiserror::Error;

use crate::{
    BrowserSession, VerifierError, VerifierService, rotation, sessions::Phase, step, tenant::Tenant,
};

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
    // OID4VP 1.0 §5.10: a JSON object
    let metadata = match one("wallet_metadata")? {
        Some(text) => WalletMetadata::parse(text).map_err(|_| WalletPostFault::Metadata)?,
        None => WalletMetadata::default(),
    };
    let nonce = one("wallet_nonce")?.map(|nonce| nonce.parse()).transpose();
    Ok(WalletPost { metadata, nonce: nonce.map_err(WalletPostFault::Nonce)? })
}

impl VerifierService {
    /// The request object as a wallet would get it now, for the browser in which the request began; nothing where it
    /// is not signed, or takes no response any more.
    ///
    /// # Errors
    /// [`VerifierError::UnknownRequest`] for every other browser.
    pub async fn request_in_browser(
        &self,
        tenant: &TenantId,
        id: SessionId,
        browser: &BrowserSession,
    ) -> Result<Option<String>, VerifierError> {
        let tenant = self.known_tenant(tenant)?;
        let now = self.now();
        let held = self.held_in_browser(tenant, id, browser, now).await?;
        let Phase::Waiting(waiting) = &held.state.phase else { return Ok(None) };
        let requested = &waiting.requested;
        let by_value = matches!(requested.client_id().prefix(), ClientIdPrefix::RedirectUri(_));
        if by_value || now >= requested.expires_at() {
            return Ok(None);
        }
        let signer = tenant.names.signer_of(requested.client_id());
        Ok(Some(requested.request_object(signer, None, now).await?))
    }

    /// Signs the request object; it is signed at each fetch, since most are fetched once.
    pub(crate) async fn request_object(
        &self,
        tenant: &Tenant,
        path: &str,
        wallet: &WalletPost,
    ) -> Result<String, VerifierError> {
        let now = self.now();
        let (path, stamp) = rotation::split(path);
        let handle = self.sessions().handle(tenant, HandleKind::RequestUri, path);
        let held = self.sessions().take(tenant, &handle, now).await?;
        let Phase::Waiting(waiting) = &held.state.phase else {
            return Err(VerifierError::UnknownRequest);
        };
        // OID4VP 1.0 §13.3: a code that was photographed and sent on dies within the minute
        if !rotation::admits(waiting.rotation.as_ref(), stamp, now, self.provider()) {
            self.trace_refusal(tenant, held.session.id, now, "link_outdated").await;
            return Err(VerifierError::UnknownRequest);
        }
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
        let object = match wallet.metadata.encrypted(object, self.provider()) {
            Ok(object) => object,
            Err(cannot) => {
                self.trace_refusal(tenant, held.session.id, now, cannot.reason()).await;
                return Err(VerifierError::WalletCannot(cannot));
            }
        };
        if self.environment().live.note_fetch(&tenant.id, held.session.id, now) {
            self.announce(tenant, held.session.id, &NewEvent::done(now, step::REQUEST_FETCHED));
        }
        self.sessions().keep_at_hand(held);
        Ok(object)
    }
}
