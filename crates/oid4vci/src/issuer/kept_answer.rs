//! The last answer to a deferred request, for a wallet that it may not have reached (OID4VCI 1.0 §9).

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    crypto::{CryptoProvider, open_at_rest, seal_at_rest},
    json,
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{NotificationId, TransactionId, credential::CredentialResponse};

/// For how long an answer is given again: longer than a phone is without a network.
const REPEATED_FOR: SignedDuration = SignedDuration::from_hours(1);

const PURPOSE: &[u8] = b"lanyard kept answer 1\0";

/// Credentials that were given out, sealed under a key that only the wallet's transaction makes.
///
/// The server keeps neither the transaction nor the key: what is at rest opens for nobody, and giving it
/// again signs nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptAnswer {
    /// A nonce and the ciphertext, in base64url.
    sealed: String,
    notification: Option<NotificationId>,
    ends_at: Timestamp,
}

impl KeptAnswer {
    pub(super) fn new(
        transaction: &TransactionId,
        response: &CredentialResponse,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Self {
        let plain = serde_json::to_vec(response).expect("a response is text, lists and maps");
        let plain = Zeroizing::new(plain);
        let sealed = seal_at_rest(&key(transaction, provider), PURPOSE, &plain, provider)
            .expect("an HMAC-SHA256 has the length of an AES-256 key");
        Self {
            sealed: json::base64url(sealed),
            notification: response.notification_id.clone(),
            ends_at: now.checked_add(REPEATED_FOR).unwrap_or(Timestamp::MAX),
        }
    }

    /// The answer, to whoever has the transaction that it was given for.
    pub(super) fn open(
        &self,
        transaction: &TransactionId,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Option<CredentialResponse> {
        if now >= self.ends_at {
            return None;
        }
        let sealed = json::base64url_decode(&self.sealed).ok()?;
        let plain = open_at_rest(&key(transaction, provider), PURPOSE, &sealed, provider).ok()?;
        serde_json::from_slice(&plain).ok()
    }

    /// From this moment on it opens for nobody.
    pub(super) const fn ends_at(&self) -> Timestamp {
        self.ends_at
    }

    /// Whether a notification is about what is in it.
    pub(super) fn is_told_of_by(&self, notification: &NotificationId) -> bool {
        self.notification.as_ref() == Some(notification)
    }
}

/// A transaction has 256 random bits, and a key seals one answer.
fn key(transaction: &TransactionId, provider: &dyn CryptoProvider) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(provider.hmac_sha256(transaction.reveal().as_bytes(), PURPOSE))
}

impl fmt::Debug for KeptAnswer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("KeptAnswer")
    }
}

#[cfg(test)]
mod tests {
    use lanyard_core::crypto::RustCrypto;

    use super::*;
    use crate::credential::CredentialInResponse;

    const NOW: Timestamp = Timestamp::constant(1_768_478_400, 0);

    fn response() -> CredentialResponse {
        let credential = "canary-credential".into();
        let notification_id = Some(NotificationId::new("told"));
        CredentialResponse {
            credentials: vec![CredentialInResponse { credential }],
            notification_id,
        }
    }

    #[test]
    fn opens_what_an_earlier_version_sealed() {
        let at_rest = serde_json::json!({
            "sealed": "AAECAwQFBgcICQoLhNwB3DHdJFb9hUmJouWsdP6Df3uwPMLuyjU25ZKGFzP_KvkE5-KCMxP0fBoLp0iRCBHOQw0GqkO4LQ420FazC8cZ5RHcJls6JizcAKH6y8FQrK4Xf9NPrOfH49C5",
            "notification": "told",
            "ends_at": "2026-01-15T13:00:00Z",
        });
        let kept: KeptAnswer = serde_json::from_value(at_rest).unwrap();
        let transaction = TransactionId::new("transaction");
        assert_eq!(kept.open(&transaction, NOW, &RustCrypto), Some(response()));
    }

    #[test]
    fn opens_for_its_transaction_for_an_hour_and_for_nothing_else() {
        let transaction = TransactionId::generate(&RustCrypto);
        let kept = KeptAnswer::new(&transaction, &response(), NOW, &RustCrypto);
        let last = NOW + SignedDuration::from_secs(3599);
        assert_eq!(kept.open(&transaction, last, &RustCrypto), Some(response()));
        let over = NOW + SignedDuration::from_secs(3600);
        assert_eq!(kept.open(&transaction, over, &RustCrypto), None);
        let other = TransactionId::generate(&RustCrypto);
        assert_eq!(kept.open(&other, NOW, &RustCrypto), None);
    }

    #[test]
    fn holds_neither_the_credential_nor_what_opens_it() {
        let transaction = TransactionId::generate(&RustCrypto);
        let kept = KeptAnswer::new(&transaction, &response(), NOW, &RustCrypto);
        let at_rest = serde_json::to_string(&kept).unwrap();
        assert!(!at_rest.contains("canary") && !at_rest.contains(transaction.reveal()));
        let sealed = json::base64url_decode(&kept.sealed).unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"canary"));
        let read: KeptAnswer = serde_json::from_str(&at_rest).unwrap();
        assert_eq!(read.open(&transaction, NOW, &RustCrypto), Some(response()));
    }
}
