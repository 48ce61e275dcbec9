//! Recovery: a sealed list of what was held from whom, so that a new phone can have it all issued again.
//!
//! Keys, credentials and claims stay behind; without the recovery code the list says nothing.

use lanyard_core::crypto::ContentEncryption;
use serde::{Deserialize, Serialize};
use serde_json::json;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{
    IssuanceError, Offer, Wallet,
    length::{LONGEST_INVENTORY, LONGEST_TYPED},
    storage::StorageError,
};

/// One credential to have issued again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InventoryItem {
    /// The credential issuer identifier.
    pub issuer: String,
    /// The issuer's name for people.
    pub issuer_name: Option<String>,
    /// The credential configuration.
    pub configuration: String,
    /// The name on the card.
    pub name: String,
}

/// An exported inventory and the code that opens it; the code is shown once and kept apart.
pub struct ExportedInventory {
    /// The sealed list, to be kept anywhere.
    pub sealed: Vec<u8>,
    /// 256 bits in groups of five letters and digits.
    pub recovery_code: Zeroizing<String>,
}

/// Why an inventory does not open.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum InventoryError {
    /// Not a recovery code.
    #[error("this is not a recovery code")]
    Code,
    /// Another code, or the file was changed.
    #[error("the recovery code does not open this file")]
    Closed,
}

/// Crockford's base 32: no letter that looks like a digit.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CODE_LETTERS: usize = 52;
const FORM: &[u8] = b"lanyard inventory 1";

impl Wallet {
    /// Seals the list of everything that is held under a fresh recovery code.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn export_inventory(&self) -> Result<ExportedInventory, StorageError> {
        let crypto = &*self.0.ports.crypto;
        let mut items: Vec<InventoryItem> = Vec::new();
        for card in self.cards()? {
            let content = &card.content;
            let item = InventoryItem {
                issuer: content.issuer.clone(),
                issuer_name: content.issuer_name.clone(),
                configuration: content.configuration.clone(),
                name: content.face.name.clone(),
            };
            if !items.contains(&item) {
                items.push(item);
            }
        }
        let plain = serde_json::to_vec(&items).map_err(|_| StorageError::Damaged)?;
        let (mut key, mut nonce) = (Zeroizing::new([0; 32]), [0; 12]);
        crypto.fill(key.as_mut_slice());
        crypto.fill(&mut nonce);
        let sealed = crypto
            .seal(ContentEncryption::A256Gcm, key.as_slice(), &nonce, FORM, &plain)
            .map_err(|_| StorageError::Damaged)?;
        let sealed = [&nonce[..], &sealed].concat();
        Ok(ExportedInventory { sealed, recovery_code: written(&key) })
    }

    /// Opens an exported inventory; each item can then be [asked for again](Wallet::ask_again).
    ///
    /// # Errors
    /// [`InventoryError`].
    pub fn open_inventory(
        &self,
        sealed: &[u8],
        recovery_code: &str,
    ) -> Result<Vec<InventoryItem>, InventoryError> {
        if recovery_code.len() > LONGEST_TYPED {
            return Err(InventoryError::Code);
        }
        if sealed.len() > LONGEST_INVENTORY {
            return Err(InventoryError::Closed);
        }
        let key = read(recovery_code).ok_or(InventoryError::Code)?;
        let (nonce, sealed) = sealed.split_first_chunk::<12>().ok_or(InventoryError::Closed)?;
        let (crypto, how) = (&*self.0.ports.crypto, ContentEncryption::A256Gcm);
        let plain = crypto.open(how, key.as_slice(), nonce, FORM, sealed);
        let plain = Zeroizing::new(plain.map_err(|_| InventoryError::Closed)?);
        serde_json::from_slice(&plain).map_err(|_| InventoryError::Closed)
    }

    /// Asks an issuer for a credential that was held before, without an offer of its own (OID4VCI 1.0 §4.1 makes
    /// offers optional): the holder logs in there, and fresh keys get fresh credentials.
    ///
    /// # Errors
    /// [`IssuanceError`]; it is in the history too.
    pub async fn ask_again(&self, item: &InventoryItem) -> Result<Offer, IssuanceError> {
        let offer = json!({
            "credential_issuer": item.issuer,
            "credential_configuration_ids": [item.configuration],
            "grants": { "authorization_code": {} },
        });
        let parameter = serde_urlencoded::to_string([("credential_offer", offer.to_string())]);
        let link = parameter.map(|text| format!("openid-credential-offer://?{text}"));
        self.read_offer(&link.unwrap_or_default()).await
    }
}

/// The key in letters, five at a time.
fn written(key: &[u8; 32]) -> Zeroizing<String> {
    let mut code = Zeroizing::new(String::with_capacity(CODE_LETTERS + CODE_LETTERS / 5));
    for place in 0..CODE_LETTERS {
        if place > 0 && place % 5 == 0 {
            code.push('-');
        }
        code.push(char::from(LETTERS[five_bits(key, place * 5)]));
    }
    code
}

/// The key of a code, in any case and with any gaps.
fn read(code: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    let mut places = 0;
    for letter in code.bytes().filter(|letter| !matches!(letter, b'-' | b' ' | b'\n')) {
        let letter = match letter.to_ascii_uppercase() {
            b'O' => b'0',
            b'I' | b'L' => b'1',
            letter => letter,
        };
        let value = LETTERS.iter().position(|known| *known == letter)?;
        for bit in 0..5 {
            let set = value >> (4 - bit) & 1 == 1;
            match key.get_mut((places * 5 + bit) / 8) {
                Some(byte) if set => *byte |= 0x80 >> ((places * 5 + bit) % 8),
                // the last letter has four bits more than the key
                None if set => return None,
                _ => {}
            }
        }
        places += 1;
    }
    (places == CODE_LETTERS).then_some(key)
}

fn five_bits(key: &[u8; 32], from: usize) -> usize {
    (from..from + 5).fold(0, |value, bit| {
        let byte = key.get(bit / 8).copied().unwrap_or_default();
        value << 1 | usize::from(byte >> (7 - bit % 8) & 1)
    })
}

impl std::fmt::Debug for ExportedInventory {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("ExportedInventory")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recovery_code_reads_back_with_the_slips_that_people_make() {
        let key: [u8; 32] = std::array::from_fn(|place| (place * 37 + 11) as u8);
        let code = written(&key);
        assert_eq!(read(&code).as_deref(), Some(&key));
        let slips = code.to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");
        assert_eq!(read(&slips).as_deref(), Some(&key));
    }

    #[test]
    fn a_code_that_is_too_short_or_has_a_strange_letter_is_none() {
        let code = written(&[7; 32]);
        assert_eq!(read(&code[1..]), None);
        assert_eq!(read(&code.replacen(|letter: char| letter != '-', "U", 1)), None);
    }
}
