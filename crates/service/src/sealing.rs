//! What a session waits with is encrypted before it reaches the store.

use std::fmt;

use lanyard_core::crypto::{CryptoProvider, MacKey, open_at_rest, seal_at_rest};
use lanyard_store::{Session, SessionId, SubjectRef, TenantId};
use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;
use zeroize::Zeroizing;

const VERSION: u8 = 1;

/// What a sealed state is; one that is opened as another does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealed {
    /// The state of an issuance.
    Issuance,
    /// The state of a presentation.
    Presentation,
    /// What an integrator was answered.
    Answer,
    /// A presentation request that was saved; its place is its name.
    SavedRequest,
}

impl Sealed {
    /// Bound to the ciphertext. Released texts never change.
    const fn purpose(self) -> &'static [u8] {
        match self {
            Self::Issuance => b"lanyard issuance state 1\0",
            Self::Presentation => b"lanyard presentation state 1\0",
            Self::Answer => b"lanyard answer 1\0",
            Self::SavedRequest => b"lanyard saved request 1\0",
        }
    }
}

/// The key that a tenant's waiting sessions are sealed under; all replicas share it.
#[derive(Clone)]
pub struct DataKey(MacKey);

/// Sealed bytes that this key does not open: another tenant's, another session's, or damaged.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the sealed state does not open under this tenant's data key")]
pub struct SealBroken;

impl DataKey {
    /// Takes 256 random bits.
    pub const fn new(key: [u8; 32]) -> Self {
        Self(MacKey::new(key))
    }

    /// A code over a message under this key; every purpose begins its messages with a text of its own.
    pub(crate) fn authenticate(&self, message: &[u8], provider: &dyn CryptoProvider) -> [u8; 32] {
        self.0.code(message, provider)
    }

    /// Seals the state of one session with AES-256-GCM; tenant and session are bound to it.
    ///
    /// Every session has a key of its own, derived from this one: random nonces would otherwise begin to
    /// collide after some billion states (NIST SP 800-38D §8.3).
    pub fn seal(
        &self,
        what: Sealed,
        tenant: &TenantId,
        session: SessionId,
        state: &[u8],
        provider: &dyn CryptoProvider,
    ) -> Vec<u8> {
        let bound = bound_to(what, tenant, session);
        let key = Zeroizing::new(self.0.code(&bound, provider));
        let sealed = seal_at_rest(&key, &bound, state, provider)
            .expect("an HMAC-SHA256 has the length of an AES-256 key");
        [&[VERSION], sealed.as_slice()].concat()
    }

    /// Seals the state of a session as JSON.
    pub fn seal_state(
        &self,
        what: Sealed,
        tenant: &TenantId,
        session: SessionId,
        state: &impl Serialize,
        provider: &dyn CryptoProvider,
    ) -> Vec<u8> {
        let plain = serde_json::to_vec(state).expect("a state is text, numbers, lists and maps");
        self.seal(what, tenant, session, &Zeroizing::new(plain), provider)
    }

    /// Opens the state of a session as it came out of the store.
    ///
    /// # Errors
    /// [`SealBroken`], also for what is no such state.
    pub fn open_state<T: DeserializeOwned>(
        &self,
        what: Sealed,
        tenant: &TenantId,
        session: &Session,
        provider: &dyn CryptoProvider,
    ) -> Result<T, SealBroken> {
        let plain = self.open(what, tenant, session.id, &session.state, provider)?;
        serde_json::from_slice(&plain).map_err(|_| SealBroken)
    }

    /// Vouches for a text in the tenant's name: an HMAC that nobody else can make.
    pub fn prove(&self, tenant: &TenantId, text: &[u8], provider: &dyn CryptoProvider) -> [u8; 32] {
        let bound = [b"lanyard proof 1\0".as_slice(), tenant.as_str().as_bytes(), b"\0", text];
        self.0.code(&bound.concat(), provider)
    }

    /// What is kept of an integrator's reference to a subject: an HMAC that only this tenant can make.
    pub fn subject(
        &self,
        tenant: &TenantId,
        reference: &str,
        provider: &dyn CryptoProvider,
    ) -> SubjectRef {
        let text = [b"lanyard subject 1\0".as_slice(), tenant.as_str().as_bytes(), b"\0"].concat();
        SubjectRef::new(self.0.code(&[text.as_slice(), reference.as_bytes()].concat(), provider))
    }

    /// Opens what [`DataKey::seal`] made for the same purpose, tenant and session.
    ///
    /// # Errors
    /// [`SealBroken`], for whatever else.
    pub fn open(
        &self,
        what: Sealed,
        tenant: &TenantId,
        session: SessionId,
        sealed: &[u8],
        provider: &dyn CryptoProvider,
    ) -> Result<Zeroizing<Vec<u8>>, SealBroken> {
        let sealed = sealed.strip_prefix(&[VERSION]).ok_or(SealBroken)?;
        let bound = bound_to(what, tenant, session);
        let key = Zeroizing::new(self.0.code(&bound, provider));
        open_at_rest(&key, &bound, sealed, provider).map_err(|_| SealBroken)
    }
}

impl DataKey {
    /// A name for somebody that is the same for one audience of one tenant, and says nothing to another.
    pub fn pseudonym(
        &self,
        tenant: &TenantId,
        audience: &str,
        who: &str,
        provider: &dyn CryptoProvider,
    ) -> [u8; 32] {
        // each part by its length, so that no two triples share these bytes
        let parts = [tenant.as_str(), audience, who].map(|part| format!("{}:{part}", part.len()));
        self.0.code(format!("lanyard pseudonym 1\0{}", parts.concat()).as_bytes(), provider)
    }
}

fn bound_to(what: Sealed, tenant: &TenantId, session: SessionId) -> Vec<u8> {
    // a tenant name holds no zero byte, so no two pairs share these bytes
    [what.purpose(), tenant.as_str().as_bytes(), b"\0", session.as_bytes()].concat()
}

impl fmt::Debug for DataKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("DataKey")
    }
}

#[cfg(test)]
mod tests {
    use lanyard_core::{crypto::RustCrypto, json};

    use super::*;

    /// What version 1 wrote: a state that waits in a store is opened by every version after it.
    const AT_REST: &str = "AQABAgMEBQYHCAkKCzegfz7R6JN7u_aA-GeSE3F36oKUs9M";

    #[test]
    fn opens_what_an_earlier_version_sealed() {
        let (key, tenant) = (DataKey::new([1; 32]), "demo".parse().unwrap());
        let session = SessionId::from_bytes([1; 16]);
        let sealed = json::base64url_decode(AT_REST).unwrap();
        let opened = key.open(Sealed::Issuance, &tenant, session, &sealed, &RustCrypto);
        assert_eq!(&**opened.unwrap(), b"claims");
    }

    #[test]
    fn opens_for_the_same_purpose_tenant_session_and_key_only() {
        let (key, tenant): (_, TenantId) = (DataKey::new([1; 32]), "demo".parse().unwrap());
        let session = SessionId::from_bytes([1; 16]);
        let sealed = key.seal(Sealed::Issuance, &tenant, session, b"claims", &RustCrypto);
        assert_eq!(
            &**key.open(Sealed::Issuance, &tenant, session, &sealed, &RustCrypto).unwrap(),
            b"claims"
        );
        assert!(!sealed.windows(6).any(|window| window == b"claims"));

        let presented = key.open(Sealed::Presentation, &tenant, session, &sealed, &RustCrypto);
        assert_eq!(presented, Err(SealBroken));
        let other = "other".parse().unwrap();
        assert_eq!(
            key.open(Sealed::Issuance, &other, session, &sealed, &RustCrypto),
            Err(SealBroken)
        );
        let elsewhere = SessionId::from_bytes([2; 16]);
        assert_eq!(
            key.open(Sealed::Issuance, &tenant, elsewhere, &sealed, &RustCrypto),
            Err(SealBroken)
        );
        let stranger = DataKey::new([2; 32]);
        assert_eq!(
            stranger.open(Sealed::Issuance, &tenant, session, &sealed, &RustCrypto),
            Err(SealBroken)
        );
    }

    #[test]
    fn a_subject_is_another_in_another_tenant_and_under_another_key() {
        let (ours, theirs): (TenantId, TenantId) =
            ("acme".parse().unwrap(), "other".parse().unwrap());
        let key = DataKey::new([1; 32]);
        let subject = key.subject(&ours, "4711", &RustCrypto);
        assert_eq!(key.subject(&ours, "4711", &RustCrypto), subject);
        assert_ne!(key.subject(&theirs, "4711", &RustCrypto), subject);
        assert_ne!(key.subject(&ours, "4712", &RustCrypto), subject);
        assert_ne!(DataKey::new([2; 32]).subject(&ours, "4711", &RustCrypto), subject);
    }

    #[test]
    fn opens_nothing_that_was_cut_or_changed() {
        let (key, tenant): (_, TenantId) = (DataKey::new([1; 32]), "demo".parse().unwrap());
        let session = SessionId::from_bytes([1; 16]);
        let sealed = key.seal(Sealed::Issuance, &tenant, session, b"claims", &RustCrypto);
        for length in 0..sealed.len() {
            let cut = key.open(Sealed::Issuance, &tenant, session, &sealed[..length], &RustCrypto);
            assert_eq!(cut, Err(SealBroken), "{length}");
        }
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert_eq!(
                key.open(Sealed::Issuance, &tenant, session, &changed, &RustCrypto),
                Err(SealBroken)
            );
        }
    }
}
