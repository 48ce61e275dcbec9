//! base64url without padding (RFC 7515 §2).

use thiserror::Error;

/// Text that is not base64url: padding, another alphabet, white space or stray trailing bits.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not base64url without padding")]
pub struct Base64UrlError;

/// Encodes without padding.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes.as_ref())
}

/// Encodes without padding onto the end of a text.
pub fn append(bytes: &[u8], text: &mut String) {
    base64_simd::URL_SAFE_NO_PAD.encode_append(bytes, text);
}

/// Decodes, and refuses every spelling but the canonical one.
///
/// # Errors
/// [`Base64UrlError`] for padding, the `+/` alphabet, white space and non-zero trailing bits.
pub fn decode(text: &str) -> Result<Vec<u8>, Base64UrlError> {
    base64_simd::URL_SAFE_NO_PAD.decode_to_vec(text).map_err(|_| Base64UrlError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_every_spelling_but_the_canonical_one() {
        for text in ["QQ==", "QR", "+/+/", "Q Q", "QUI\n", "A"] {
            assert_eq!(decode(text), Err(Base64UrlError), "{text:?}");
        }
        assert_eq!(decode("QQ"), Ok(b"A".to_vec()));
        assert_eq!(decode(""), Ok(Vec::new()));
    }
}
