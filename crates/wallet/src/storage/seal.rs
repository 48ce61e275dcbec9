//! Sealing one record.

use std::sync::Arc;

use lanyard_core::crypto::{ContentEncryption, CryptoError, CryptoProvider};
use zeroize::Zeroizing;

use super::StorageError;

/// The key of the database, and how it is used.
pub(super) struct Seal {
    key: Zeroizing<[u8; 32]>,
    crypto: Arc<dyn CryptoProvider>,
}

impl Seal {
    pub(super) const fn new(key: Zeroizing<[u8; 32]>, crypto: Arc<dyn CryptoProvider>) -> Self {
        Self { key, crypto }
    }

    /// `nonce || ciphertext || tag`, bound to the table and the row.
    pub(super) fn seal(&self, table: &str, row: i64, plain: &[u8]) -> Vec<u8> {
        let mut nonce = [0; 12];
        self.crypto.fill(&mut nonce);
        let sealed = self
            .crypto
            .seal(ContentEncryption::A256Gcm, self.key.as_ref(), &nonce, &place(table, row), plain)
            .expect("a key of 256 bits fits A256GCM");
        [&nonce[..], &sealed].concat()
    }

    /// What a new database keeps, to know its key by.
    pub(super) fn check(&self) -> Vec<u8> {
        self.seal("check", 0, b"lanyard wallet")
    }

    /// Whether this is the key that a database was made with.
    pub(super) fn opens(&self, check: &[u8]) -> Result<(), StorageError> {
        self.open("check", 0, check).map(drop).map_err(|_| StorageError::WrongKey)
    }

    /// What [`Seal::seal`] sealed for the same place.
    pub(super) fn open(
        &self,
        table: &str,
        row: i64,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let (nonce, ciphertext) =
            sealed.split_first_chunk::<12>().ok_or(CryptoError::InvalidCiphertext)?;
        self.crypto
            .open(
                ContentEncryption::A256Gcm,
                self.key.as_ref(),
                nonce,
                &place(table, row),
                ciphertext,
            )
            .map(Zeroizing::new)
    }
}

fn place(table: &str, row: i64) -> Vec<u8> {
    format!("lanyard wallet 1 {table} {row}").into_bytes()
}
