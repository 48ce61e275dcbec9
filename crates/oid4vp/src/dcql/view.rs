//! A credential as a query sees it, on either side.

use std::borrow::Cow;

use lanyard_core::{
    claims::ClaimsPath,
    credential::{CredentialType, Format, HeldCredential},
    json::Object,
    verify::VerifiedCredential,
    w3c::HolderBinding,
};

use super::shown;
use crate::{Algorithms, quirks};

/// A credential as a query sees it, whatever its encoding.
#[derive(Clone, Debug)]
pub struct CredentialView<'c> {
    /// The format.
    pub format: Format,
    /// The names of its types in the words of its format: of an SD-JWT VC the `vct` and what else it says to be
    /// of, of an mdoc the `docType`, of a W3C credential the types as its contexts expand them.
    pub types: Vec<Cow<'c, str>>,
    /// The processed claims; a claims path starts here (§7), for W3C credentials at the credential.
    pub claims: &'c Object,
    /// The authority key identifiers in the certificate chain that came with the credential.
    pub key_identifiers: Cow<'c, [Vec<u8>]>,
    /// In a wallet: whether a key can prove the holder. At a verifier: whether one did.
    pub holder_bound: bool,
    /// Whether claims of it can be withheld; otherwise it is shown whole.
    pub selective: bool,
    /// The claims that can be withheld, where what is in none of them is shown too; `None` where each claim can be
    /// withheld by itself.
    pub disclosable: Option<Vec<&'c ClaimsPath>>,
    /// By which algorithms it was issued and would be presented, as far as that matters to the verifier.
    pub algorithms: Algorithms,
}

/// What a W3C credential says about itself rather than about its subject.
const ABOUT_ITSELF: [&str; 12] = [
    "@context",
    "type",
    "id",
    "issuer",
    "validFrom",
    "validUntil",
    "issuanceDate",
    "expirationDate",
    "credentialStatus",
    "credentialSchema",
    "proof",
    "cnf",
];

impl<'c> CredentialView<'c> {
    /// A view of what is known about a credential, bound to a key and selective unless told otherwise.
    #[must_use]
    pub fn new(format: Format, types: Vec<Cow<'c, str>>, claims: &'c Object) -> Self {
        Self {
            format,
            types,
            claims,
            key_identifiers: Cow::Borrowed(&[]),
            holder_bound: true,
            selective: true,
            disclosable: None,
            algorithms: Algorithms::default(),
        }
    }

    /// A view of a credential in its holder's hands.
    ///
    /// `key_identifiers` are the authority key identifiers of the chain it was received with.
    #[must_use]
    pub fn of_held(held: &'c HeldCredential, key_identifiers: &'c [Vec<u8>]) -> Self {
        Self::of_known(held, Algorithms::of_held(held), key_identifiers)
    }

    /// The same where the algorithms were found out before, which is dearer than all the rest.
    #[must_use]
    pub fn of_known(
        held: &'c HeldCredential,
        algorithms: Algorithms,
        key_identifiers: &'c [Vec<u8>],
    ) -> Self {
        let is_bound = |binding: &HolderBinding| *binding != HolderBinding::None;
        let (holder_bound, selective) = match held {
            HeldCredential::SdJwtVc(held) => (held.holder_key().is_some(), true),
            HeldCredential::MsoMdoc(_) => (true, true),
            HeldCredential::JwtVcJson(held) => (is_bound(held.binding()), false),
            HeldCredential::LdpVc(held) => (is_bound(held.binding()), held.is_selective()),
            HeldCredential::VcJwt(held) => (is_bound(held.binding()), false),
            HeldCredential::VcSdJwt(held) => (is_bound(held.binding()), true),
        };
        let disclosable = match held {
            HeldCredential::SdJwtVc(held) => Some(held.disclosable().collect()),
            _ => None,
        };
        Self {
            key_identifiers: Cow::Borrowed(key_identifiers),
            holder_bound,
            selective,
            disclosable,
            algorithms,
            ..Self::new(
                held.format(),
                names(held.format(), held.types(), held.expanded_types()),
                held.claims().as_object(),
            )
        }
    }

    /// A view of a credential that was presented and verified, to the rule of the query that it answers.
    #[must_use]
    pub fn of_verified(format: Format, verified: &'c VerifiedCredential) -> Self {
        let identifiers = verified.issuer().authority_key_identifiers();
        Self {
            key_identifiers: identifiers.map(<[u8]>::to_vec).collect(),
            ..Self::new(
                format,
                names(format, verified.types(), verified.expanded_types()),
                verified.claims().as_object(),
            )
        }
    }

    pub(super) fn is_of(&self, name: &str) -> bool {
        self.types.iter().any(|own| own == name)
    }

    /// What is shown of it beside what is asked for, as far as a holder needs to see it.
    pub(super) fn shown_beside(&self, asked: &[ClaimsPath]) -> Vec<ClaimsPath> {
        if let Some(disclosable) = &self.disclosable {
            return shown::beside(asked, self.claims, disclosable);
        }
        if self.selective {
            return Vec::new();
        }
        let names = self.claims.keys().filter(|name| !ABOUT_ITSELF.contains(&name.as_str()));
        names.map(|name| ClaimsPath::key(name.as_str())).collect()
    }
}

/// The names by which a query may ask for a credential.
fn names(
    format: Format,
    types: Vec<CredentialType>,
    expanded: Vec<String>,
) -> Vec<Cow<'static, str>> {
    let written = types.iter().map(|kind| Cow::Owned(kind.name().to_owned()));
    match format {
        Format::SdJwtVc | Format::MsoMdoc => written.collect(),
        Format::JwtVcJson | Format::LdpVc | Format::VcJwt | Format::VcSdJwt => {
            let expanded = expanded.into_iter().map(Cow::Owned);
            expanded.chain(quirks::types_as_written(&types)).collect()
        }
    }
}
