//! COSE headers: what is protected, what is not, and what is critical (RFC 9052 §3).

use std::fmt;

use super::{CoseError, algorithm_from_identifier};
use crate::{
    cbor::{Encoder, Item, Label, Value},
    crypto::SignatureAlgorithm,
};

/// The labels of header parameters.
pub mod label {
    /// `alg` (RFC 9052 §3.1).
    pub const ALGORITHM: i64 = 1;
    /// `crit` (RFC 9052 §3.1).
    pub const CRITICAL: i64 = 2;
    /// `content type` (RFC 9052 §3.1).
    pub const CONTENT_TYPE: i64 = 3;
    /// `kid` (RFC 9052 §3.1).
    pub const KEY_ID: i64 = 4;
    /// `typ` (RFC 9596 §2).
    pub const TYPE: i64 = 16;
    /// `x5chain` (RFC 9360 §2).
    pub const X5CHAIN: i64 = 33;
}

/// Parameters that are understood, so that they may be critical.
const UNDERSTOOD: [i64; 6] = [
    label::ALGORITHM,
    label::CRITICAL,
    label::CONTENT_TYPE,
    label::KEY_ID,
    label::TYPE,
    label::X5CHAIN,
];

/// The two headers of a COSE object as they were received; nothing in them is trusted.
#[derive(Clone, Debug)]
pub struct Headers<'b> {
    /// The byte string that the signature covers.
    pub(super) signed: &'b [u8],
    /// None when it is a byte string of no bytes, which says the same as an empty map.
    protected: Option<Item<'b>>,
    unprotected: Item<'b>,
}

impl<'b> Headers<'b> {
    /// Reads both, and holds them to the rules about labels and `crit`.
    pub(super) fn read(protected: &Item<'b>, unprotected: &Item<'b>) -> Result<Self, CoseError> {
        let signed = protected.as_bytes().ok_or(CoseError::Malformed)?;
        let protected = if signed.is_empty() { None } else { Some(Item::parse(signed)?) };
        let is_map = |item: &Item<'_>| item.as_map().is_some();
        if !is_map(unprotected) || !protected.as_ref().is_none_or(is_map) {
            return Err(CoseError::Malformed);
        }
        let headers = Self { signed, protected, unprotected: unprotected.clone() };
        headers.check_labels()?;
        headers.check_critical()?;
        Ok(headers)
    }

    fn check_labels(&self) -> Result<(), CoseError> {
        let members = self.protected.as_ref().and_then(Item::as_map).unwrap_or_default();
        for (key, _) in members {
            let label = key.as_label().ok_or(CoseError::Malformed)?;
            // RFC 9052 §3: a label occurs once, in both headers together
            if self.unprotected.get(label).is_some() {
                return Err(CoseError::DuplicateLabel);
            }
        }
        Ok(())
    }

    fn check_critical(&self) -> Result<(), CoseError> {
        // RFC 9052 §3.1: crit is protected, a list of at least one label, each of them protected too
        if self.unprotected(label::CRITICAL).is_some() {
            return Err(CoseError::CriticalMalformed);
        }
        let Some(critical) = self.protected(label::CRITICAL) else { return Ok(()) };
        let labels = critical.as_array().filter(|labels| !labels.is_empty());
        for label in labels.ok_or(CoseError::CriticalMalformed)? {
            let label = label.as_label().ok_or(CoseError::CriticalMalformed)?;
            if self.protected(label).is_none() {
                return Err(CoseError::CriticalMalformed);
            }
            // RFC 9052 §3.1: who does not understand it refuses the object
            if !UNDERSTOOD.iter().any(|known| Label::from(*known) == label) {
                return Err(CoseError::CriticalUnknown);
            }
        }
        Ok(())
    }

    /// A protected parameter.
    pub fn protected<'l>(&self, label: impl Into<Label<'l>>) -> Option<&Item<'b>> {
        self.protected.as_ref().and_then(|header| header.get(label))
    }

    /// A parameter that anybody could have changed on the way.
    pub fn unprotected<'l>(&self, label: impl Into<Label<'l>>) -> Option<&Item<'b>> {
        self.unprotected.get(label)
    }

    /// The identifier in `alg`.
    pub(super) fn algorithm_identifier(&self) -> Result<i128, CoseError> {
        // RFC 9052 §3.1: alg is authenticated, or else anybody chooses it
        let algorithm = self.protected(label::ALGORITHM).ok_or(CoseError::AlgorithmNotProtected)?;
        algorithm.as_integer().ok_or(CoseError::AlgorithmNotAllowed)
    }

    /// The signature algorithm.
    ///
    /// # Errors
    /// [`CoseError::AlgorithmNotProtected`] and [`CoseError::AlgorithmNotAllowed`].
    pub fn algorithm(&self) -> Result<SignatureAlgorithm, CoseError> {
        algorithm_from_identifier(self.algorithm_identifier()?)
            .ok_or(CoseError::AlgorithmNotAllowed)
    }

    /// The text of `typ`, protected (RFC 9596 §2); a number stands for none that is used here.
    pub fn typ(&self) -> Option<&'b str> {
        self.protected(label::TYPE).and_then(Item::as_text)
    }

    /// `kid`, protected or not: a hint which key to take.
    pub fn key_id(&self) -> Option<&'b [u8]> {
        let name = label::KEY_ID;
        self.protected(name).or_else(|| self.unprotected(name)).and_then(Item::as_bytes)
    }

    /// The certificates in `x5chain`, leaf first, protected or not: they are judged by themselves.
    ///
    /// # Errors
    /// [`CoseError::ParameterType`] when it is neither a byte string nor an array of some.
    pub fn x5chain(&self) -> Result<Option<Vec<Vec<u8>>>, CoseError> {
        let name = label::X5CHAIN;
        let Some(chain) = self.protected(name).or_else(|| self.unprotected(name)) else {
            return Ok(None);
        };
        // RFC 9360 §2: one certificate is a byte string; some write an array of one, which says the same
        if let Some(certificate) = chain.as_bytes() {
            return Ok(Some(vec![certificate.to_vec()]));
        }
        let certificate = |item: &Item<'_>| item.as_bytes().map(<[u8]>::to_vec);
        let chain = chain.as_array().filter(|chain| !chain.is_empty());
        let chain = chain.and_then(|chain| chain.iter().map(certificate).collect());
        chain.map(Some).ok_or(CoseError::ParameterType)
    }
}

/// A header that will be sent.
#[derive(Clone, Default)]
pub struct Header {
    parameters: Vec<(Value, Value)>,
}

impl Header {
    /// Without parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a parameter; one of the same label is replaced.
    #[must_use]
    pub fn with(mut self, label: i64, value: impl Into<Value>) -> Self {
        let label = Value::from(label);
        self.parameters.retain(|(other, _)| *other != label);
        self.parameters.push((label, value.into()));
        self
    }

    /// With a certificate chain, leaf first, the anchor left out.
    #[must_use]
    pub fn with_x5chain<D: AsRef<[u8]>>(self, chain: impl IntoIterator<Item = D>) -> Self {
        let mut chain: Vec<_> = chain.into_iter().map(|der| Value::from(der.as_ref())).collect();
        // RFC 9360 §2: one certificate is a byte string, more are an array
        match (chain.pop(), chain.is_empty()) {
            (None, _) => self,
            (Some(only), true) => self.with(label::X5CHAIN, only),
            (Some(last), false) => {
                chain.push(last);
                self.with(label::X5CHAIN, chain)
            }
        }
    }

    pub(super) fn encode(self) -> Vec<u8> {
        let mut out = Encoder::new();
        out.value(&Value::Map(self.parameters));
        out.into_bytes()
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Header({} parameters)", self.parameters.len())
    }
}
