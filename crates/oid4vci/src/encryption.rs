//! Encrypted credential requests and responses (OID4VCI 1.0 §10).
//!
//! JWE in compact form, ECDH-ES to a P-256 key, AES-GCM. Errors are never encrypted.

use std::fmt;

use lanyard_core::{
    crypto::{ContentEncryption, CryptoProvider, Curve, PrivateKey, PublicKey},
    jose::{EncryptionRecipient, Jwk, UnopenedJwe},
    json::Object,
};
use serde_json::{Value, json};

use crate::{
    credential::CredentialError,
    metadata::{RequestEncryption, ResponseEncryption},
};

/// The one way of agreeing on a key.
pub(crate) const ALGORITHM: &str = "ECDH-ES";

/// The one way of compressing.
const DEFLATE: &str = "DEF";

/// The media type of encrypted messages (§10).
pub const MEDIA_TYPE: &str = "application/jwt";

/// A body as it came: plain JSON, or a compact JWE.
#[derive(Clone, Copy)]
pub enum RequestBody<'b> {
    /// `application/json`.
    Plain(&'b [u8]),
    /// `application/jwt`.
    Encrypted(&'b [u8]),
}

/// Whether plain messages are taken and given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EncryptionRule {
    /// The wallet chooses.
    #[default]
    Offered,
    /// Only encrypted requests are taken, and only encrypted responses are given.
    Required,
}

/// The key that wallets encrypt their requests to, and whether they have to.
pub struct IssuerEncryption {
    key: PrivateKey,
    kid: String,
    rule: EncryptionRule,
}

impl IssuerEncryption {
    /// Takes a P-256 key; its name is its thumbprint.
    pub fn new(key: PrivateKey, rule: EncryptionRule, provider: &dyn CryptoProvider) -> Self {
        let kid = Jwk::new(*key.public()).thumbprint(provider);
        let kid = kid.to_base64url();
        Self { key, kid, rule }
    }

    /// Whether plain messages are taken and given.
    pub const fn rule(&self) -> EncryptionRule {
        self.rule
    }

    /// What the metadata say about requests (§12.2.4).
    pub(crate) fn request_metadata(&self) -> RequestEncryption {
        let jwk = Jwk {
            kid: Some(self.kid.clone()),
            alg: Some(ALGORITHM.to_owned()),
            key_use: Some("enc".to_owned()),
            ..Jwk::new(*self.key.public())
        };
        RequestEncryption {
            jwks: json!({ "keys": [jwk.to_value()] }),
            enc_values_supported: enc_names(),
            zip_values_supported: vec![DEFLATE.to_owned()],
            encryption_required: self.rule == EncryptionRule::Required,
        }
    }

    /// What the metadata say about responses (§12.2.4).
    pub(crate) fn response_metadata(&self) -> ResponseEncryption {
        ResponseEncryption {
            alg_values_supported: vec![ALGORITHM.to_owned()],
            enc_values_supported: enc_names(),
            zip_values_supported: vec![DEFLATE.to_owned()],
            encryption_required: self.rule == EncryptionRule::Required,
        }
    }

    fn open(
        &self,
        compact: &[u8],
        provider: &dyn CryptoProvider,
    ) -> Result<Vec<u8>, CredentialError> {
        let refused = |_| CredentialError::RequestNotDecrypted;
        let compact = str::from_utf8(compact).map_err(|_| CredentialError::RequestNotDecrypted)?;
        let jwe = UnopenedJwe::parse_compressed(compact.trim()).map_err(refused)?;
        // §10: kid is that of the key that was used
        if jwe.header().kid.as_ref().is_some_and(|kid| *kid != self.kid) {
            return Err(CredentialError::RequestNotDecrypted);
        }
        jwe.open(&self.key, ContentEncryption::ALL, provider).map_err(refused)
    }
}

impl fmt::Debug for IssuerEncryption {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "IssuerEncryption({}, {:?})", self.kid, self.rule)
    }
}

fn enc_names() -> Vec<String> {
    ContentEncryption::ALL.iter().map(|enc| enc.name().to_owned()).collect()
}

/// A request that was read, and whether it came encrypted.
pub(crate) struct OpenedBody {
    pub(crate) json: Vec<u8>,
    pub(crate) encrypted: bool,
}

/// Opens a request as the issuer's rule has it.
pub(crate) fn open(
    body: RequestBody<'_>,
    encryption: Option<&IssuerEncryption>,
    provider: &dyn CryptoProvider,
) -> Result<OpenedBody, CredentialError> {
    match (body, encryption) {
        (RequestBody::Plain(_), Some(IssuerEncryption { rule: EncryptionRule::Required, .. })) => {
            Err(CredentialError::EncryptionRequired)
        }
        (RequestBody::Plain(json), _) => Ok(OpenedBody { json: json.to_vec(), encrypted: false }),
        (RequestBody::Encrypted(_), None) => Err(CredentialError::EncryptionUnsupported),
        (RequestBody::Encrypted(compact), Some(encryption)) => {
            let json = encryption.open(compact, provider)?;
            Ok(OpenedBody { json, encrypted: true })
        }
    }
}

/// `credential_response_encryption` of a request: how the wallet wants its answer (§8.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedEncryption {
    recipient: EncryptionRecipient,
    compressed: bool,
}

impl WantedEncryption {
    /// Reads what a request says; unknown members are ignored.
    pub(crate) fn read(members: &Object) -> Result<Option<Self>, CredentialError> {
        let Some(wanted) = members.get("credential_response_encryption") else { return Ok(None) };
        let refused = || CredentialError::EncryptionParameters;
        let wanted = wanted.as_object().ok_or_else(refused)?;
        let jwk = wanted.get("jwk").ok_or_else(refused)?;
        let jwk = Jwk::from_value(jwk).map_err(|_| refused())?;
        // §10: the alg of the JWE is that of the JWK, which must be there
        let usable = jwk.alg.as_deref() == Some(ALGORITHM)
            && jwk.key_use.as_deref().is_none_or(|key_use| key_use == "enc")
            && matches!(jwk.key, PublicKey::P256(_));
        let enc = wanted.get("enc").and_then(Value::as_str).and_then(ContentEncryption::from_name);
        let compressed = match wanted.get("zip") {
            None => false,
            Some(zip) if zip == DEFLATE => true,
            Some(_) => return Err(refused()),
        };
        match enc {
            Some(enc) if usable => {
                Ok(Some(Self { recipient: EncryptionRecipient { jwk, enc }, compressed }))
            }
            _ => Err(refused()),
        }
    }

    /// Holds a request against the issuer's rule; a key that cannot be encrypted to is refused before
    /// anything is issued.
    pub(crate) fn accept(
        wanted: Option<&Self>,
        encrypted: bool,
        encryption: Option<&IssuerEncryption>,
        provider: &dyn CryptoProvider,
    ) -> Result<(), CredentialError> {
        match (wanted, encryption) {
            (None, None | Some(IssuerEncryption { rule: EncryptionRule::Offered, .. })) => Ok(()),
            (None, Some(_)) => Err(CredentialError::EncryptionRequired),
            (Some(_), None) => Err(CredentialError::EncryptionUnsupported),
            // §8.2: asking for an encrypted response demands an encrypted request
            (Some(_), Some(_)) if !encrypted => Err(CredentialError::RequestNotEncrypted),
            (Some(wanted), Some(_)) => wanted.seal(b"", provider).map(|_| ()),
        }
    }

    /// The response as the wallet wants it.
    ///
    /// # Errors
    /// [`CredentialError::EncryptionParameters`] when the key is no key.
    pub fn seal(
        &self,
        json: &[u8],
        provider: &dyn CryptoProvider,
    ) -> Result<String, CredentialError> {
        let sealed = if self.compressed {
            self.recipient.encrypt_compressed(json, provider)
        } else {
            self.recipient.encrypt(json, None, provider)
        };
        sealed.map_err(|_| CredentialError::EncryptionParameters)
    }

    fn to_value(&self) -> Value {
        json!({ "jwk": self.recipient.jwk.to_value(), "enc": self.recipient.enc.name() })
    }
}

/// How a wallet encrypts its request and opens the answer, made anew for each request.
pub(crate) struct WalletEncryption {
    request: EncryptionRecipient,
    /// The key of the answer, where the issuer encrypts answers.
    response: Option<(PrivateKey, WantedEncryption)>,
}

/// What an issuer demands that a wallet here cannot do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EncryptionImpossible;

impl WalletEncryption {
    /// Encryption as the metadata offer it; none where they do not.
    pub(crate) fn prepare(
        request: Option<&RequestEncryption>,
        response: Option<&ResponseEncryption>,
        provider: &dyn CryptoProvider,
    ) -> Result<Option<Self>, EncryptionImpossible> {
        let required = request.is_some_and(|offered| offered.encryption_required)
            || response.is_some_and(|offered| offered.encryption_required);
        let recipient = request.and_then(recipient);
        let Some(recipient) = recipient else {
            return if required { Err(EncryptionImpossible) } else { Ok(None) };
        };
        let enc = response.filter(|offered| offered.takes_ecdh_es());
        let enc = enc.and_then(|offered| best_enc(&offered.enc_values_supported));
        let response = match enc {
            Some(enc) => {
                let key = provider.generate_key(Curve::P256).map_err(|_| EncryptionImpossible)?;
                let jwk = Jwk {
                    alg: Some(ALGORITHM.to_owned()),
                    key_use: Some("enc".to_owned()),
                    ..Jwk::new(*key.public())
                };
                let recipient = EncryptionRecipient { jwk, enc };
                Some((key, WantedEncryption { recipient, compressed: false }))
            }
            None if response.is_some_and(|offered| offered.encryption_required) => {
                return Err(EncryptionImpossible);
            }
            None => None,
        };
        Ok(Some(Self { request: recipient, response }))
    }

    /// Whether a wallet here can speak with such an issuer at all.
    pub(crate) fn is_possible(
        request: Option<&RequestEncryption>,
        response: Option<&ResponseEncryption>,
    ) -> bool {
        let required = request.is_some_and(|offered| offered.encryption_required)
            || response.is_some_and(|offered| offered.encryption_required);
        let answers =
            response.filter(|offered| offered.encryption_required).is_none_or(|offered| {
                offered.takes_ecdh_es() && best_enc(&offered.enc_values_supported).is_some()
            });
        !required || (request.and_then(recipient).is_some() && answers)
    }

    /// The request, with what it says about the answer added, encrypted.
    pub(crate) fn seal(
        &self,
        mut request: Object,
        provider: &dyn CryptoProvider,
    ) -> Result<String, EncryptionImpossible> {
        if let Some((_, wanted)) = &self.response {
            request.insert("credential_response_encryption".to_owned(), wanted.to_value());
        }
        let json = Value::Object(request).to_string();
        self.request.encrypt(json.as_bytes(), None, provider).map_err(|_| EncryptionImpossible)
    }

    /// The key that the answer is encrypted to.
    pub(crate) fn into_response_key(self) -> Option<ResponseKey> {
        let (key, wanted) = self.response?;
        Some(ResponseKey { key, enc: wanted.recipient.enc })
    }
}

/// The key that one answer is encrypted to.
#[derive(Clone)]
pub(crate) struct ResponseKey {
    key: PrivateKey,
    enc: ContentEncryption,
}

impl ResponseKey {
    /// Opens an answer; it is encrypted as was asked for, or not taken.
    pub(crate) fn open(&self, compact: &[u8], provider: &dyn CryptoProvider) -> Option<Vec<u8>> {
        let compact = str::from_utf8(compact).ok()?;
        let jwe = UnopenedJwe::parse_compressed(compact.trim()).ok()?;
        jwe.open(&self.key, &[self.enc], provider).ok()
    }
}

/// The key among those of the metadata that a request can be encrypted to.
fn recipient(offered: &RequestEncryption) -> Option<EncryptionRecipient> {
    let enc = best_enc(&offered.enc_values_supported)?;
    let keys = offered.jwks.get("keys")?.as_array()?;
    let usable = |value: &Value| {
        let jwk = Jwk::from_value(value).ok()?;
        let fits = jwk.alg.as_deref() == Some(ALGORITHM)
            && jwk.key_use.as_deref().is_none_or(|key_use| key_use == "enc")
            && matches!(jwk.key, PublicKey::P256(_));
        fits.then_some(jwk)
    };
    let jwk = keys.iter().find_map(usable)?;
    Some(EncryptionRecipient { jwk, enc })
}

/// HAIP §5: A256GCM where there is a choice.
fn best_enc(offered: &[String]) -> Option<ContentEncryption> {
    [ContentEncryption::A256Gcm, ContentEncryption::A128Gcm]
        .into_iter()
        .find(|enc| offered.iter().any(|offered| offered == enc.name()))
}
