//! The values that lead back to a session: codes, tokens, the paths of offers and requests.
//!
//! Each has the session's name in it, hidden, beside a secret of its own: the store finds the row by the
//! name, which sorts by time, and compares the digest of the whole value with what the row holds. ADR 0013.

use lanyard_core::{
    crypto::{CryptoProvider, HashAlgorithm},
    json,
};
use lanyard_store::{Handle, HandleKind, SessionId, TenantId};

use crate::DataKey;

const NAME: usize = 16;
const SECRET: usize = 32;

/// Bound to the mask over a name. Released texts never change.
const PURPOSE: &[u8] = b"lanyard session name 1\0";

impl DataKey {
    /// A fresh value that leads to a session: 256 random bits, and its name under a mask that only this key
    /// makes again.
    ///
    /// Two values of one session have nothing in common, and the name is in none of them for whoever lacks
    /// the key: what a QR code shows does not tell the integrator's name for it (OID4VP 1.0 §14.2).
    pub fn lead_to(
        &self,
        tenant: &TenantId,
        session: SessionId,
        provider: &dyn CryptoProvider,
    ) -> String {
        let mut value = [0; NAME + SECRET];
        let (name, secret) = value.split_at_mut(NAME);
        provider.fill(secret);
        name.copy_from_slice(&self.masked(tenant, *session.as_bytes(), secret, provider));
        json::base64url(value)
    }

    /// The handle that a value is, as somebody shows it.
    ///
    /// Whatever is no value of this key and tenant names a session that does not exist: the answer is the
    /// store's, and the same as for one that is gone.
    pub fn handle(
        &self,
        tenant: &TenantId,
        kind: HandleKind,
        value: &str,
        provider: &dyn CryptoProvider,
    ) -> Handle {
        let bytes: Option<[u8; NAME + SECRET]> =
            json::base64url_decode(value).ok().and_then(|bytes| bytes.try_into().ok());
        let name = bytes.map_or([0; NAME], |bytes| {
            let (name, secret) = bytes.split_at(NAME);
            let name = name.try_into().expect("the first of the two parts has this length");
            self.masked(tenant, name, secret, provider)
        });
        let mut digest = [0; 32];
        let hash = provider.hash(HashAlgorithm::Sha256, value.as_bytes());
        digest.copy_from_slice(hash.as_bytes());
        Handle::new(SessionId::from_bytes(name), kind, digest)
    }

    /// Puts the mask of a secret over a name, or takes it off.
    fn masked(
        &self,
        tenant: &TenantId,
        mut name: [u8; NAME],
        secret: &[u8],
        provider: &dyn CryptoProvider,
    ) -> [u8; NAME] {
        // a tenant name holds no zero byte, so no two tenants share a mask
        let bound = [PURPOSE, tenant.as_str().as_bytes(), b"\0", secret].concat();
        let mask = self.authenticate(&bound, provider);
        name.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
        name
    }
}

#[cfg(test)]
mod tests {
    use lanyard_core::crypto::RustCrypto;

    use super::*;

    fn demo() -> TenantId {
        "demo".parse().unwrap()
    }

    fn session() -> SessionId {
        SessionId::new("2026-11-24T10:00:00Z".parse().unwrap(), [5; 10])
    }

    fn read(key: &DataKey, tenant: &TenantId, value: &str) -> SessionId {
        key.handle(tenant, HandleKind::Offer, value, &RustCrypto).session()
    }

    #[test]
    fn a_value_leads_back_to_its_session() {
        let key = DataKey::new([1; 32]);
        let value = key.lead_to(&demo(), session(), &RustCrypto);
        assert_eq!(value.len(), 64);
        assert_eq!(read(&key, &demo(), &value), session());
    }

    #[test]
    fn a_value_leads_nowhere_under_another_key_and_for_another_tenant() {
        let key = DataKey::new([1; 32]);
        let value = key.lead_to(&demo(), session(), &RustCrypto);
        assert_ne!(read(&DataKey::new([2; 32]), &demo(), &value), session());
        assert_ne!(read(&key, &"demo-2".parse().unwrap(), &value), session());
    }

    #[test]
    fn two_values_of_one_session_have_nothing_in_common_and_show_no_byte_of_its_name_in_place() {
        let key = DataKey::new([1; 32]);
        let values = [0, 1].map(|_| {
            let value = key.lead_to(&demo(), session(), &RustCrypto);
            json::base64url_decode(&value).unwrap()
        });
        assert_ne!(values[0][..NAME], values[1][..NAME]);
        for value in &values {
            assert!(!value.windows(6).any(|window| *window == session().as_bytes()[..6]));
        }
    }

    #[test]
    fn one_value_is_one_handle_of_each_kind() {
        let key = DataKey::new([1; 32]);
        let value = key.lead_to(&demo(), session(), &RustCrypto);
        let handle = |kind| key.handle(&demo(), kind, &value, &RustCrypto);
        assert_eq!(handle(HandleKind::Offer), handle(HandleKind::Offer));
        assert_ne!(handle(HandleKind::Offer), handle(HandleKind::AccessToken));
    }

    #[test]
    fn what_was_never_made_names_no_session() {
        let key = DataKey::new([1; 32]);
        let value = key.lead_to(&demo(), session(), &RustCrypto);
        let cut = &value[1..];
        let no_alphabet = format!("{}=", &value[..value.len() - 1]);
        for value in ["", "x", "ü", cut, &format!("{value}A"), &no_alphabet] {
            assert_ne!(read(&key, &demo(), value), session(), "{value}");
        }
        let nobody = SessionId::from_bytes([0; 16]);
        assert_eq!(read(&key, &demo(), &value[4..]), nobody);
    }
}
