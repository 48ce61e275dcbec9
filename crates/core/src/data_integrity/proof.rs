//! One proof: what it says, and whether its signature covers a document (VC Data Integrity §2.1).

use std::fmt;

use serde_json::Value;

#[cfg(feature = "bbs")]
use super::bbs::{self, BbsProof};
use super::{
    Cryptosuite, DataIntegrityError,
    cryptosuite::Canonicalization,
    ecdsa_sd::{self, Revealed, SelectiveProof},
    hash::Transformation,
    json_ld::Contexts,
    selective::{JsonPointer, Tools},
};
use crate::{
    Timestamp,
    crypto::{CryptoProvider, Curve, PublicKey},
    did::Relationship,
    json::Object,
    w3c::date_time_stamp,
};

/// The longest text of a signature that is decoded: base58 takes quadratic time, and the 96 bytes of
/// P-384 need 132 characters.
const MAX_PROOF_VALUE: usize = 256;

/// A proof as it was read; whether it proves anything is found out by verifying it.
#[derive(Clone, PartialEq)]
pub struct DataIntegrityProof {
    /// The members as they were read: all of them are signed, known or not.
    members: Object,
    cryptosuite: Cryptosuite,
    purpose: Relationship,
    verification_method: String,
    created: Option<Timestamp>,
    expires: Option<Timestamp>,
    domain: Vec<String>,
    previous: Vec<String>,
    value: ProofValue,
}

/// What is in `proofValue`.
#[derive(Clone, PartialEq)]
enum ProofValue {
    Signature(Vec<u8>),
    Selective(SelectiveProof),
    #[cfg(feature = "bbs")]
    Bbs(BbsProof),
}

impl DataIntegrityProof {
    /// The value of `type`.
    pub const TYPE: &'static str = "DataIntegrityProof";

    /// Reads a proof.
    ///
    /// # Errors
    /// [`DataIntegrityError::ProofType`], [`DataIntegrityError::Cryptosuite`],
    /// [`DataIntegrityError::ProofMember`] or [`DataIntegrityError::ProofValue`].
    pub fn parse(value: &Value) -> Result<Self, DataIntegrityError> {
        let members = value.as_object().ok_or(DataIntegrityError::ProofMember("proof"))?;
        // VC Data Integrity §2.1: the type is DataIntegrityProof; older proof types are not read
        if text(members, "type")? != Some(Self::TYPE) {
            return Err(DataIntegrityError::ProofType);
        }
        let required = |name| text(members, name)?.ok_or(DataIntegrityError::ProofMember(name));
        let cryptosuite = Cryptosuite::from_name(required("cryptosuite")?)
            .ok_or(DataIntegrityError::Cryptosuite)?;
        let purpose = required("proofPurpose")?;
        let purpose = Relationship::SIGNATURES
            .iter()
            .copied()
            .find(|known| known.name() == purpose)
            .ok_or(DataIntegrityError::ProofMember("proofPurpose"))?;
        // VC Data Integrity §2.1: these are text where they are there, whatever they are used for later
        for name in ["id", "challenge", "nonce"] {
            text(members, name)?;
        }
        let time = |name| match text(members, name)? {
            None => Ok(None),
            Some(time) => {
                date_time_stamp(time).map(Some).ok_or(DataIntegrityError::ProofMember(name))
            }
        };
        Ok(Self {
            cryptosuite,
            purpose,
            verification_method: required("verificationMethod")?.to_owned(),
            created: time("created")?,
            expires: time("expires")?,
            domain: texts(members, "domain")?,
            previous: texts(members, "previousProof")?,
            value: match cryptosuite {
                Cryptosuite::EcdsaSd2023 => {
                    SelectiveProof::parse(required("proofValue")?).map(ProofValue::Selective)
                }
                #[cfg(feature = "bbs")]
                Cryptosuite::Bbs2023 => {
                    BbsProof::parse(required("proofValue")?).map(ProofValue::Bbs)
                }
                _ => decode_proof_value(required("proofValue")?).map(ProofValue::Signature),
            }?,
            members: members.clone(),
        })
    }

    /// `cryptosuite`.
    pub const fn cryptosuite(&self) -> Cryptosuite {
        self.cryptosuite
    }

    /// `proofPurpose`: what the key must be listed for.
    pub const fn purpose(&self) -> Relationship {
        self.purpose
    }

    /// `verificationMethod`: the URL of the key.
    pub fn verification_method(&self) -> &str {
        &self.verification_method
    }

    /// The curve that its key must be on, as far as the proof tells.
    pub fn curve(&self) -> Option<Curve> {
        match (self.cryptosuite, &self.value) {
            (Cryptosuite::EddsaJcs2022 | Cryptosuite::EddsaRdfc2022, _) => Some(Curve::Ed25519),
            (Cryptosuite::EcdsaSd2023, _) => Some(Curve::P256),
            #[cfg(feature = "bbs")]
            (Cryptosuite::Bbs2023, _) => Some(Curve::Bls12381G2),
            (_, ProofValue::Signature(signature)) => match signature.len() {
                64 => Some(Curve::P256),
                96 => Some(Curve::P384),
                _ => None,
            },
            _ => None,
        }
    }

    /// `id`, by which another proof may refer to this one.
    pub fn id(&self) -> Option<&str> {
        self.member("id")
    }

    /// `created`: when it was made, as its maker says.
    pub const fn created(&self) -> Option<Timestamp> {
        self.created
    }

    /// `expires`: from when on it proves nothing.
    pub const fn expires(&self) -> Option<Timestamp> {
        self.expires
    }

    /// `challenge`: what the verifier gave to prevent replay.
    pub fn challenge(&self) -> Option<&str> {
        self.member("challenge")
    }

    /// `domain`: for whom it was made, none, one or several.
    pub fn domain(&self) -> &[String] {
        &self.domain
    }

    /// `previousProof`: the proofs that it also covers, by their `id`.
    pub fn previous(&self) -> &[String] {
        &self.previous
    }

    /// Every member, as it was read.
    pub const fn as_object(&self) -> &Object {
        &self.members
    }

    /// The context that the proof was made under, where the proof itself says so.
    pub(super) fn signed_context(&self) -> Option<&Value> {
        match self.cryptosuite.canonicalization() {
            Canonicalization::Jcs => self.members.get("@context"),
            // the document's own context is what it was expanded by
            Canonicalization::Rdfc => None,
        }
    }

    /// Checks the signature over a document with a key that is known to be the right one.
    ///
    /// The document comes without the proofs it was signed without. Whether the key may be used for this
    /// purpose, the times, the challenge and the domain are not looked at. Contexts are the
    /// [bundled](Contexts::bundled) ones.
    ///
    /// # Errors
    /// [`DataIntegrityError::KeyMismatch`], [`DataIntegrityError::Context`],
    /// [`DataIntegrityError::Canonicalize`], [`DataIntegrityError::JsonLd`] or
    /// [`DataIntegrityError::Signature`].
    pub fn verify_with_key(
        &self,
        document: &Object,
        key: &PublicKey,
        provider: &dyn CryptoProvider,
    ) -> Result<(), DataIntegrityError> {
        self.verify_under(Contexts::bundled(), document, key, provider)
    }

    pub(crate) fn verify_under(
        &self,
        contexts: &Contexts,
        document: &Object,
        key: &PublicKey,
        provider: &dyn CryptoProvider,
    ) -> Result<(), DataIntegrityError> {
        if !self.cryptosuite.takes(key) {
            return Err(DataIntegrityError::KeyMismatch);
        }
        let tools = Tools { contexts, provider };
        match &self.value {
            ProofValue::Signature(signature) => {
                let algorithm =
                    self.cryptosuite.algorithm(key).ok_or(DataIntegrityError::KeyMismatch)?;
                let data = self.hash_data(document, key, contexts, provider)?;
                provider
                    .verify(algorithm, key, &data, signature)
                    .map_err(|_| DataIntegrityError::Signature)
            }
            ProofValue::Selective(SelectiveProof::Derived(proof)) => {
                Revealed::new(document, self.options(), proof, tools)?.verify(key, tools)
            }
            #[cfg(feature = "bbs")]
            ProofValue::Bbs(BbsProof::Derived(proof)) => {
                bbs::Revealed::new(document, self.options(), proof, tools)?.verify(key, tools)
            }
            // VC-DI-ECDSA §3.5.3, VC-DI-BBS §3.3.3: whoever has a base proof can disclose everything, so it
            // is never presented
            ProofValue::Selective(SelectiveProof::Base(_)) => Err(DataIntegrityError::BaseProof),
            #[cfg(feature = "bbs")]
            ProofValue::Bbs(BbsProof::Base(_)) => Err(DataIntegrityError::BaseProof),
        }
    }

    /// Checks a base proof for its holder, by what it discloses when it discloses everything; any other
    /// proof as it is.
    pub(crate) fn verify_for_holding(
        &self,
        contexts: &Contexts,
        document: &Object,
        key: &PublicKey,
        provider: &dyn CryptoProvider,
    ) -> Result<(), DataIntegrityError> {
        if !self.is_base() {
            return self.verify_under(contexts, document, key, provider);
        }
        let everything = [JsonPointer::parse("")?];
        let tools = Tools { contexts, provider };
        let (revealed, proof) = self.derive(document, &everything, b"", tools)?;
        proof.verify_under(contexts, &revealed, key, provider)
    }

    /// The part of the document that is disclosed, with the proof for it; the cryptosuites that have no
    /// presentation header have no use for it.
    pub(super) fn derive(
        &self,
        document: &Object,
        selective: &[JsonPointer],
        presentation_header: &[u8],
        tools: Tools<'_>,
    ) -> Result<(Object, Self), DataIntegrityError> {
        let (revealed, value) = match &self.value {
            ProofValue::Selective(SelectiveProof::Base(base)) if presentation_header.is_empty() => {
                ecdsa_sd::derive(document, base, selective, tools)?
            }
            #[cfg(feature = "bbs")]
            ProofValue::Bbs(BbsProof::Base(base)) => {
                bbs::derive(document, base, selective, presentation_header, tools)?
            }
            _ => return Err(DataIntegrityError::NotSelective),
        };
        let mut members = self.members.clone();
        members.insert("proofValue".to_owned(), value.into());
        Ok((revealed, Self::parse(&Value::Object(members))?))
    }

    /// Whether it is a base proof, which is for the holder alone.
    pub fn is_base(&self) -> bool {
        #[cfg(feature = "bbs")]
        if matches!(self.value, ProofValue::Bbs(BbsProof::Base(_))) {
            return true;
        }
        matches!(self.value, ProofValue::Selective(SelectiveProof::Base(_)))
    }

    fn options(&self) -> Object {
        let mut options = self.members.clone();
        options.shift_remove("proofValue");
        options
    }

    /// What the signature is made over: the digest of the options, then that of the document
    /// (VC-DI-EDDSA §3.2.4, VC-DI-ECDSA §3.2.4; with the key of the proof between them, and the mandatory
    /// part alone, VC-DI-ECDSA §3.5.1; that part alone as the header of the signature, VC-DI-BBS §3.4.1).
    ///
    /// # Errors
    /// As [`DataIntegrityProof::verify_with_key`], the signature apart.
    pub fn hash_data(
        &self,
        document: &Object,
        key: &PublicKey,
        contexts: &Contexts,
        provider: &dyn CryptoProvider,
    ) -> Result<Vec<u8>, DataIntegrityError> {
        if !self.cryptosuite.takes(key) {
            return Err(DataIntegrityError::KeyMismatch);
        }
        let tools = Tools { contexts, provider };
        match &self.value {
            ProofValue::Signature(_) => {
                let suite = self.cryptosuite;
                let algorithm = suite.algorithm(key).ok_or(DataIntegrityError::KeyMismatch)?;
                Transformation { suite, algorithm, contexts, provider }
                    .verify_data(document, self.options())
            }
            ProofValue::Selective(SelectiveProof::Derived(proof)) => {
                Ok(Revealed::new(document, self.options(), proof, tools)?.into_data())
            }
            #[cfg(feature = "bbs")]
            ProofValue::Bbs(BbsProof::Derived(proof)) => {
                Ok(bbs::Revealed::new(document, self.options(), proof, tools)?.into_header())
            }
            ProofValue::Selective(SelectiveProof::Base(_)) => Err(DataIntegrityError::BaseProof),
            #[cfg(feature = "bbs")]
            ProofValue::Bbs(BbsProof::Base(_)) => Err(DataIntegrityError::BaseProof),
        }
    }

    fn member(&self, name: &str) -> Option<&str> {
        self.members.get(name).and_then(Value::as_str)
    }
}

/// The text of a signature: base58btc in multibase.
pub(super) fn encode_proof_value(signature: &[u8]) -> String {
    format!("z{}", bs58::encode(signature).into_string())
}

fn decode_proof_value(text: &str) -> Result<Vec<u8>, DataIntegrityError> {
    // VC-DI-EDDSA §3.3.1, VC-DI-ECDSA §3.3.1: base58btc, and no other base
    let encoded = text.strip_prefix('z').filter(|encoded| encoded.len() <= MAX_PROOF_VALUE);
    let encoded = encoded.ok_or(DataIntegrityError::ProofValue)?;
    bs58::decode(encoded).into_vec().map_err(|_| DataIntegrityError::ProofValue)
}

fn text<'m>(
    members: &'m Object,
    name: &'static str,
) -> Result<Option<&'m str>, DataIntegrityError> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(DataIntegrityError::ProofMember(name)),
    }
}

/// One text or a set of texts.
fn texts(members: &Object, name: &'static str) -> Result<Vec<String>, DataIntegrityError> {
    let malformed = DataIntegrityError::ProofMember(name);
    match members.get(name) {
        None => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![text.clone()]),
        Some(Value::Array(texts)) if !texts.is_empty() => {
            let text = |text: &Value| text.as_str().map(str::to_owned);
            texts.iter().map(text).collect::<Option<_>>().ok_or(malformed)
        }
        Some(_) => Err(malformed),
    }
}

impl fmt::Debug for DataIntegrityProof {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "DataIntegrityProof({}, {})", self.cryptosuite, self.purpose.name())
    }
}
