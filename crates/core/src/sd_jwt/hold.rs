//! Holding an SD-JWT and presenting a part of it (RFC 9901 §7.2).

use std::{fmt, ops::Range};

use thiserror::Error;

use super::{
    Disclosure, KeyBindingError, KeyBindingRequest,
    key_binding::{self, is_bound_to},
    unfold::{Placement, Unfolded},
};
use crate::{
    claims::{ClaimsPath, DisclosedClaims, PathError},
    crypto::{CryptoProvider, HashAlgorithm, SignerError},
    json::Object,
};

/// An SD-JWT in its holder's hands, with everything the issuer disclosed to the holder.
#[derive(Clone)]
pub struct HeldSdJwt {
    /// As it was received: the JWT, every disclosure, the last tilde.
    text: String,
    /// Where each disclosure is in the text.
    disclosures: Vec<Range<usize>>,
    placements: Vec<Placement>,
    claims: DisclosedClaims,
    hash: HashAlgorithm,
}

/// Why nothing was presented.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PresentError {
    /// A pointer selects nothing in this credential.
    #[error("a claim to present is not in the credential: {0}")]
    Path(#[from] PathError),
    /// The credential's `cnf` is missing or cannot be used.
    #[error("the credential cannot be bound: {0}")]
    Confirmation(#[from] KeyBindingError),
    /// The signer's key is not the one in the credential.
    #[error("the credential is bound to another key")]
    WrongKey,
    /// A further claim has a name that the key binding itself uses.
    #[error("a further claim has a name that the key binding uses")]
    ReservedClaim,
    /// The holder's key gave no signature.
    #[error("the holder's key gave no signature: {0}")]
    Signer(#[from] SignerError),
}

impl HeldSdJwt {
    pub(super) fn new(text: &str, disclosures: &[&str], unfolded: Unfolded) -> Self {
        // the text ends with the disclosures and a tilde after each
        let mut start = text.len() - disclosures.iter().map(|text| text.len() + 1).sum::<usize>();
        let range = |disclosure: &&str| {
            let range = start..start + disclosure.len();
            start = range.end + 1;
            range
        };
        Self {
            disclosures: disclosures.iter().map(range).collect(),
            text: text.to_owned(),
            placements: unfolded.placements,
            claims: DisclosedClaims::new(unfolded.claims),
            hash: unfolded.hash,
        }
    }

    /// The SD-JWT as it was received, with all disclosures: what a wallet keeps.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Everything that could be presented, in its place.
    pub const fn claims(&self) -> &DisclosedClaims {
        &self.claims
    }

    /// The claims that the holder may withhold; all others every verifier sees.
    pub fn disclosable(&self) -> impl Iterator<Item = &ClaimsPath> {
        self.placements.iter().map(|placement| &placement.path)
    }

    /// Which claims a presentation of these would disclose: what they select, everything inside it, and
    /// what it lies in (RFC 9901 §7.2(2): a disclosure needs the disclosures around it).
    ///
    /// # Errors
    /// [`PathError`] when a pointer selects nothing.
    pub fn disclosed_by(&self, disclose: &[ClaimsPath]) -> Result<Vec<&ClaimsPath>, PathError> {
        let chosen = self.choose(disclose)?;
        let placed = self.placements.iter().filter(|placement| chosen[placement.disclosure]);
        Ok(placed.map(|placement| &placement.path).collect())
    }

    /// Presents these claims, and no others that can be withheld.
    ///
    /// With a [`KeyBindingRequest`] the presentation is bound to its audience and nonce, and is useless
    /// elsewhere (RFC 9901 §4.3).
    ///
    /// # Errors
    /// One [`PresentError`] per rule.
    pub async fn present(
        &self,
        disclose: &[ClaimsPath],
        binding: Option<&KeyBindingRequest<'_>>,
        provider: &dyn CryptoProvider,
    ) -> Result<String, PresentError> {
        self.present_with(disclose, binding, &Object::new(), provider).await
    }

    /// As [`HeldSdJwt::present`], with further claims in the key binding, as `transaction_data_hashes`.
    ///
    /// # Errors
    /// As [`HeldSdJwt::present`], and [`PresentError::ReservedClaim`].
    pub async fn present_with_claims(
        &self,
        disclose: &[ClaimsPath],
        binding: &KeyBindingRequest<'_>,
        further: &Object,
        provider: &dyn CryptoProvider,
    ) -> Result<String, PresentError> {
        // RFC 9901 §4.3: these are what the binding consists of
        if ["iat", "aud", "nonce", "sd_hash"].iter().any(|name| further.contains_key(*name)) {
            return Err(PresentError::ReservedClaim);
        }
        self.present_with(disclose, Some(binding), further, provider).await
    }

    async fn present_with(
        &self,
        disclose: &[ClaimsPath],
        binding: Option<&KeyBindingRequest<'_>>,
        further: &Object,
        provider: &dyn CryptoProvider,
    ) -> Result<String, PresentError> {
        let chosen = self.choose(disclose)?;
        if let Some(request) = binding
            && !is_bound_to(self.claims.as_object(), request.signer.public_key())?
        {
            return Err(PresentError::WrongKey);
        }
        let mut presentation = String::with_capacity(self.text.len() + 512);
        let issuer_jwt = self.disclosures.first().map_or(self.text.len(), |first| first.start);
        presentation.push_str(&self.text[..issuer_jwt]);
        for (disclosure, _) in self.disclosures.iter().zip(chosen).filter(|(_, chosen)| *chosen) {
            // each with the tilde that follows it
            presentation.push_str(&self.text[disclosure.start..=disclosure.end]);
        }
        if let Some(request) = binding {
            // RFC 9901 §4.3.1: over everything presented, up to and including the last tilde
            let sd_hash = Disclosure::digest(&presentation, self.hash, provider);
            presentation.push_str(&key_binding::sign(request, &sd_hash, further).await?);
        }
        Ok(presentation)
    }

    /// Marks each disclosure that is needed, in the order received.
    fn choose(&self, disclose: &[ClaimsPath]) -> Result<Vec<bool>, PathError> {
        let mut chosen = vec![false; self.disclosures.len()];
        for path in disclose {
            for selected in path.locate(self.claims.as_value())? {
                for Placement { disclosure, path } in &self.placements {
                    chosen[*disclosure] |= path.covers(&selected) || selected.covers(path);
                }
            }
        }
        Ok(chosen)
    }
}

impl fmt::Debug for HeldSdJwt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "HeldSdJwt({:?}, {} disclosures)", self.claims, self.disclosures.len())
    }
}
