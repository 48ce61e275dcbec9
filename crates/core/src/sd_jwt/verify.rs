//! Parsing and verifying (RFC 9901 §4, §7.1, §7.3).

use std::fmt;

use memchr::memchr_iter;

use super::{
    Disclosure, ExpectedKeyBinding, HeldSdJwt, MAX_DISCLOSURES, MAX_LENGTH, SdJwtError,
    VerifiedKeyBinding,
    key_binding::{self, KeyBindingError},
    unfold::{Unfolded, Withheld, unfold},
};
use crate::{
    claims::{ClaimsPath, DisclosedClaims},
    crypto::{CryptoProvider, HashAlgorithm, PublicKey},
    jose::{JoseHeader, JwsError, Slot, UnverifiedJws, VerifiedJws},
    json::Object,
};

/// How many disclosures there is room for at once.
const USUAL_DISCLOSURES: usize = 16;

/// An SD-JWT, perhaps with a key binding, that was taken apart; nothing in it is trusted.
///
/// It borrows the text it was parsed from: digests and signatures are over the characters as received.
pub struct UnverifiedSdJwt<'t> {
    /// Everything up to and including the last tilde.
    text: &'t str,
    issuer_jwt: UnverifiedJws<'t>,
    payload: Object,
    disclosures: Vec<&'t str>,
    key_binding: Option<UnverifiedJws<'t>>,
}

impl<'t> UnverifiedSdJwt<'t> {
    /// Takes the compact serialization apart (RFC 9901 §4).
    ///
    /// # Errors
    /// [`SdJwtError`]: the rules of the form, of the issuer-signed JWT's header and of strict JSON.
    pub fn parse(compact: &'t str) -> Result<Self, SdJwtError> {
        if compact.len() > MAX_LENGTH {
            return Err(SdJwtError::TooLong);
        }
        // RFC 9901 §4: <JWT>~<D.1>~...~<D.N>~ and then a KB-JWT or nothing
        let mut tildes = memchr_iter(b'~', compact.as_bytes());
        let end_of_jwt = tildes.next().ok_or(SdJwtError::NotAnSdJwt)?;
        let mut start = end_of_jwt + 1;
        let mut disclosures = Vec::with_capacity(USUAL_DISCLOSURES);
        for tilde in tildes {
            if disclosures.len() == MAX_DISCLOSURES {
                return Err(SdJwtError::TooManyDisclosures);
            }
            // RFC 9901 §4: between two tildes there is a disclosure
            if tilde == start {
                return Err(SdJwtError::EmptyDisclosure);
            }
            disclosures.push(&compact[start..tilde]);
            start = tilde + 1;
        }
        let (text, last) = compact.split_at(start);
        let key_binding = match last {
            "" => None,
            last if !last.contains('.') => return Err(SdJwtError::FinalTildeMissing),
            last => Some(UnverifiedJws::parse(last).map_err(KeyBindingError::from)?),
        };
        let issuer_jwt = UnverifiedJws::parse(&compact[..end_of_jwt])?;
        let payload = issuer_jwt.danger_unverified_claims()?;
        Ok(Self { text, issuer_jwt, payload, disclosures, key_binding })
    }

    /// The header of the issuer-signed JWT, to choose a key by; it is not trusted.
    pub const fn header(&self) -> &JoseHeader {
        self.issuer_jwt.header()
    }

    /// Whether the holder bound it to a transaction; what that is worth is found out by
    /// [`UnverifiedSdJwt::verify`].
    pub const fn has_key_binding(&self) -> bool {
        self.key_binding.is_some()
    }

    /// The payload as it came, with digests in it, to find out whose key is needed; never to act upon.
    pub const fn danger_unverified_payload(&self) -> &Object {
        &self.payload
    }

    /// The payload with every disclosure in its place, to find out whose key is needed where that may lie
    /// in a disclosure; never to act upon.
    ///
    /// # Errors
    /// The rules for disclosures, one [`SdJwtError`] each.
    pub(crate) fn danger_unverified_processed(
        &self,
        provider: &dyn CryptoProvider,
    ) -> Result<Object, SdJwtError> {
        Ok(unfold(self.payload.clone(), &self.disclosures, provider)?.claims)
    }

    /// The disclosures in the order received, to show them to a person; never to act upon.
    ///
    /// # Errors
    /// As [`Disclosure::decode`], for the first that cannot be read.
    pub fn danger_unverified_disclosures(&self) -> Result<Vec<Disclosure>, SdJwtError> {
        self.disclosures.iter().map(|encoded| Disclosure::decode(encoded)).collect()
    }

    /// Checks `typ`, `alg` and header keys, before a key is even looked for.
    ///
    /// # Errors
    /// [`SdJwtError::IssuerJwt`].
    pub fn check_slot(&self, slot: &Slot) -> Result<(), SdJwtError> {
        self.issuer_jwt.check_slot(slot)?;
        Ok(())
    }

    /// Verifies what a holder presented: issuer's signature, every disclosure, key binding (§7.3).
    ///
    /// Whether key binding is required is decided by the caller before looking: with `None` a key binding
    /// that came along is not even read, and is not in the answer.
    ///
    /// # Errors
    /// One [`SdJwtError`] per rule; [`SdJwtError::KeyBinding`] comes last.
    pub fn verify(
        self,
        slot: &Slot,
        key: &PublicKey,
        binding: Option<&ExpectedKeyBinding<'_>>,
        provider: &dyn CryptoProvider,
    ) -> Result<VerifiedSdJwt, SdJwtError> {
        let Self { text, issuer_jwt, payload, disclosures, key_binding } = self;
        let issuer_jwt = issuer_jwt.verify(slot, key, provider)?;
        let unfolded = unfold(payload, &disclosures, provider)?;
        let key_binding = match binding {
            None => None,
            Some(expected) => {
                // RFC 9901 §7.3(2): a required key binding that is missing refuses the presentation
                let jws = key_binding.ok_or(KeyBindingError::Missing)?;
                // RFC 9901 §4.3.1: sd_hash uses the hash of the disclosures, up to the last tilde
                let sd_hash = Disclosure::digest(text, unfolded.hash, provider);
                Some(key_binding::verify(jws, &unfolded.claims, &sd_hash, expected, provider)?)
            }
        };
        Ok(VerifiedSdJwt::new(issuer_jwt, unfolded, key_binding))
    }

    /// Verifies what an issuer handed out, for the holder to keep (§7.2).
    ///
    /// # Errors
    /// One [`SdJwtError`] per rule.
    pub fn verify_for_holding(
        self,
        slot: &Slot,
        key: &PublicKey,
        provider: &dyn CryptoProvider,
    ) -> Result<HeldSdJwt, SdJwtError> {
        let Self { text, issuer_jwt, payload, disclosures, key_binding } = self;
        // RFC 9901 §7.2(1): an issuer never hands out an SD-JWT+KB
        if key_binding.is_some() {
            return Err(SdJwtError::KeyBindingFromIssuer);
        }
        issuer_jwt.verify(slot, key, provider)?;
        Ok(HeldSdJwt::new(text, &disclosures, unfold(payload, &disclosures, provider)?))
    }

    /// Takes back what was verified when it was received and has been in the holder's own sealed storage
    /// since; the issuer's signature is not checked again.
    ///
    /// # Errors
    /// As [`UnverifiedSdJwt::verify_for_holding`], the signature apart.
    pub fn danger_hold_unverified(
        self,
        provider: &dyn CryptoProvider,
    ) -> Result<HeldSdJwt, SdJwtError> {
        if self.key_binding.is_some() {
            return Err(SdJwtError::KeyBindingFromIssuer);
        }
        let unfolded = unfold(self.payload, &self.disclosures, provider)?;
        Ok(HeldSdJwt::new(self.text, &self.disclosures, unfolded))
    }
}

impl fmt::Debug for UnverifiedSdJwt<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "UnverifiedSdJwt({} disclosures)", self.disclosures.len())
    }
}

/// An SD-JWT of which everything was verified that its verifier asked for.
pub struct VerifiedSdJwt {
    issuer_jwt: VerifiedJws,
    claims: DisclosedClaims,
    disclosed: Vec<ClaimsPath>,
    withheld: Withheld,
    hash: HashAlgorithm,
    key_binding: Option<VerifiedKeyBinding>,
}

impl VerifiedSdJwt {
    fn new(
        issuer_jwt: VerifiedJws,
        unfolded: Unfolded,
        key_binding: Option<VerifiedKeyBinding>,
    ) -> Self {
        Self {
            issuer_jwt,
            claims: DisclosedClaims::new(unfolded.claims),
            disclosed: unfolded.placements.into_iter().map(|placement| placement.path).collect(),
            withheld: unfolded.withheld,
            hash: unfolded.hash,
            key_binding,
        }
    }

    /// The header that the issuer signed.
    pub const fn header(&self) -> &JoseHeader {
        self.issuer_jwt.header()
    }

    /// The processed payload: digests gone, disclosures in their place.
    pub const fn claims(&self) -> &DisclosedClaims {
        &self.claims
    }

    /// Gives the processed payload away.
    pub fn into_claims(self) -> DisclosedClaims {
        self.claims
    }

    /// Which claims came by a disclosure, as places in the processed payload; all others were visible.
    pub fn disclosed(&self) -> &[ClaimsPath] {
        &self.disclosed
    }

    /// Where something was withheld, or seems to have been.
    pub(crate) const fn withheld(&self) -> &Withheld {
        &self.withheld
    }

    /// The hash algorithm of the disclosures.
    pub const fn hash_algorithm(&self) -> HashAlgorithm {
        self.hash
    }

    /// The key binding, when one was asked for.
    pub const fn key_binding(&self) -> Option<&VerifiedKeyBinding> {
        self.key_binding.as_ref()
    }
}

impl fmt::Debug for VerifiedSdJwt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "VerifiedSdJwt({:?}, {} disclosed)", self.claims, self.disclosed.len())
    }
}

impl From<JwsError> for KeyBindingError {
    fn from(error: JwsError) -> Self {
        Self::Jwt(error)
    }
}
