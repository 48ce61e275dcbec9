//! What a wallet says it can do when it fetches a request by POST (OID4VP 1.0 §5.10, §10.1).

use lanyard_core::{
    crypto::{ContentEncryption, CryptoProvider, SignatureAlgorithm},
    jose::{EncryptionRecipient, Jwk},
    json::{self, JsonError, Object},
};
use serde_json::Value;
use thiserror::Error;

use super::Requested;
use crate::{
    ClientIdPrefix, ErrorCode, TakenFormats,
    request::{
        client_metadata::{KEY_AGREEMENT, takes_encryption},
        object::RequestSigner,
    },
};

/// A wallet's metadata, as far as a request depends on it; unknown members are ignored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WalletMetadata {
    formats: Option<TakenFormats>,
    prefixes: Option<Vec<String>>,
    signing: Option<Vec<String>>,
    /// To whom the request object is encrypted, where the wallet wants that; nothing inside where it cannot be.
    encryption: Option<Option<EncryptionRecipient>>,
}

/// Why a wallet cannot be asked as it would be; none of it says anything about the holder.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum WalletCannot {
    /// It supports none of the formats that are asked for.
    #[error("the wallet supports none of the formats that are asked for")]
    Formats,
    /// It does not support how the verifier names itself.
    #[error("the wallet does not support this client_id prefix")]
    Prefix,
    /// It does not support the algorithm of the request's signature.
    #[error("the wallet does not support the algorithm that the request is signed with")]
    Algorithm,
    /// It wants the request encrypted, to a key or by an algorithm that is not supported here.
    #[error("the wallet wants the request encrypted in a way that is not supported")]
    Encryption,
}

impl WalletCannot {
    /// What the wallet is told.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Formats => ErrorCode::VpFormatsNotSupported,
            Self::Prefix | Self::Algorithm | Self::Encryption => ErrorCode::InvalidRequest,
        }
    }

    /// The stable reason code, for operators.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Formats => "wallet_formats",
            Self::Prefix => "wallet_client_id_prefix",
            Self::Algorithm => "wallet_signing_algorithm",
            Self::Encryption => "wallet_encryption",
        }
    }
}

impl WalletMetadata {
    /// Reads `wallet_metadata`; a member of another form than the specification gives it says nothing.
    ///
    /// # Errors
    /// [`JsonError`] when it is not a strict JSON object.
    pub fn parse(text: &str) -> Result<Self, JsonError> {
        let members = json::parse_object(text.as_bytes())?;
        Ok(Self {
            formats: members.get("vp_formats_supported").and_then(TakenFormats::from_value),
            prefixes: texts(&members, "client_id_prefixes_supported"),
            signing: texts(&members, "request_object_signing_alg_values_supported"),
            encryption: members.contains_key("jwks").then(|| recipient(&members)),
        })
    }

    /// Encrypts a request object where the wallet wants that (§5.10).
    ///
    /// # Errors
    /// [`WalletCannot::Encryption`] when it cannot be encrypted as the wallet wants it.
    pub fn encrypted(
        &self,
        object: String,
        provider: &dyn CryptoProvider,
    ) -> Result<String, WalletCannot> {
        let Some(recipient) = &self.encryption else { return Ok(object) };
        let recipient = recipient.as_ref().ok_or(WalletCannot::Encryption)?;
        // RFC 9101 §4: a signed, then encrypted request object is a nested JWT (RFC 7519 §5.2)
        let encrypted = recipient.encrypt(object.as_bytes(), Some("JWT"), provider);
        encrypted.map_err(|_| WalletCannot::Encryption)
    }
}

impl Requested {
    /// Whether a wallet can make something of this request, by what it says about itself.
    ///
    /// # Errors
    /// One [`WalletCannot`] per rule.
    pub fn suits(
        &self,
        wallet: &WalletMetadata,
        signer: &RequestSigner,
    ) -> Result<(), WalletCannot> {
        let prefix = match self.client_id().prefix() {
            ClientIdPrefix::PreRegistered => "pre-registered",
            ClientIdPrefix::RedirectUri(_) => "redirect_uri",
            ClientIdPrefix::X509SanDns(_) => "x509_san_dns",
            ClientIdPrefix::X509Hash(_) => "x509_hash",
            ClientIdPrefix::DecentralizedIdentifier(_) => "decentralized_identifier",
            ClientIdPrefix::VerifierAttestation(_) => "verifier_attestation",
        };
        let lists = |list: &Option<Vec<String>>, name: &str| {
            list.as_ref().is_none_or(|list| list.iter().any(|one| one == name))
        };
        if !lists(&wallet.prefixes, prefix) {
            return Err(WalletCannot::Prefix);
        }
        // RFC 9864 §2.2: `Ed25519` is `EdDSA` by its full name
        let algorithm = signer.signer().algorithm();
        let names = wallet.signing.iter().flatten();
        let mut known = names.filter_map(|name| SignatureAlgorithm::from_name(name));
        if wallet.signing.is_some() && !known.any(|one| one == algorithm) {
            return Err(WalletCannot::Algorithm);
        }
        let asked = self.query().credentials().iter();
        let mut asked = asked.map(|credential| credential.format.identifier());
        match &wallet.formats {
            Some(formats) if !asked.any(|format| formats.has(format)) => Err(WalletCannot::Formats),
            _ => Ok(()),
        }
    }
}

/// OID4VP 1.0 §5.10, §10.1: a key of the wallet, and the best content encryption it takes.
fn recipient(members: &Object) -> Option<EncryptionRecipient> {
    let names = |name| texts(members, name);
    let algorithms = names("request_object_encryption_alg_values_supported");
    if algorithms.is_some_and(|all| !all.iter().any(|one| one == KEY_AGREEMENT)) {
        return None;
    }
    // a wallet's key has neither to be named nor to say its algorithm
    let keys = members.get("jwks")?.get("keys")?.as_array()?;
    let mut keys = keys.iter().filter_map(|key| Jwk::from_value(key).ok());
    let jwk = keys.find(takes_encryption)?;
    let enc = match names("request_object_encryption_enc_values_supported") {
        // RFC 9101 leaves it open; every wallet of OpenID4VP has this one (§5.1)
        None => ContentEncryption::A128Gcm,
        Some(names) => {
            let mut supported = ContentEncryption::ALL.iter().copied();
            supported.find(|enc| names.iter().any(|name| name == enc.name()))?
        }
    };
    Some(EncryptionRecipient { jwk, enc })
}

fn texts(members: &Object, name: &str) -> Option<Vec<String>> {
    let list = members.get(name)?.as_array()?;
    list.iter().map(|one| Value::as_str(one).map(str::to_owned)).collect()
}
