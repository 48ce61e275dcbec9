//! A list as it is published: a credential that something secures (§3.2(4), §4).

use thiserror::Error;

use super::{BitstringError, BitstringStatusList};
use crate::{
    Timestamp,
    credential::CredentialType,
    data_integrity::{DataIntegrityError, json_ld::Contexts},
    jose::JwsError,
    status::{MAX_TOKEN, StatusListUri},
    trust::{IssuerError, IssuerKeys},
    w3c::{
        ldp_vc::{LdpVcError, UnverifiedLdpVc},
        vc_jose_cose::{UnverifiedVcJwt, VcJoseCoseError},
    },
};

/// The media type of a list that is signed as a JWT (VC-JOSE-COSE §6.1.1).
pub const MEDIA_TYPE_VC_JWT: &str = "application/vc+jwt";

/// The media type of a list with proofs inside (VCDM 2.0 §C.1).
pub const MEDIA_TYPE_VC: &str = "application/vc";

/// The less specific types that some publishers say for a list with proofs inside (§4), and the one that
/// drafts of VCDM 2.0 had.
const LESS_SPECIFIC: [&str; 3] =
    ["application/vc+ld+json", "application/ld+json", "application/json"];

/// A list credential that was taken apart; nothing in it is trusted.
#[derive(Debug)]
pub struct UnverifiedListCredential<'t>(Secured<'t>);

/// The two mechanisms that secure lists here.
#[derive(Debug)]
enum Secured<'t> {
    Jwt(Box<UnverifiedVcJwt<'t>>),
    Proofs(Box<UnverifiedLdpVc>),
}

/// Why a list credential is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ListCredentialError {
    /// It came as something else than a secured credential.
    #[error("the status list is of no media type for a secured credential")]
    MediaType,
    /// It is longer than any list that is read.
    #[error("the status list credential is too long")]
    TooLong,
    /// The JWT that it is in breaks a rule.
    #[error("the status list credential is refused: {0}")]
    Jwt(VcJoseCoseError),
    /// It, or a proof in it, breaks a rule.
    #[error("the status list credential is refused: {0}")]
    Proofs(LdpVcError),
    /// Whoever signed it is not trusted for the credentials that refer to it.
    #[error("the status list is by an issuer that is refused: {0}")]
    Issuer(IssuerError),
    /// It is a credential, and no list that answers the question.
    #[error(transparent)]
    List(#[from] BitstringError),
}

impl ListCredentialError {
    /// The stable reason code, for operators.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MediaType => "status_list_media_type",
            Self::Jwt(VcJoseCoseError::Jwt(JwsError::Signature(_)))
            | Self::Proofs(LdpVcError::Proof(DataIntegrityError::Signature)) => {
                "status_list_signature"
            }
            Self::TooLong | Self::Jwt(_) | Self::Proofs(_) => "status_list_credential_refused",
            Self::Issuer(_) => "status_list_issuer_refused",
            Self::List(error) => error.code(),
        }
    }

    /// The error that the specification names (§3.5).
    pub const fn problem(&self) -> &'static str {
        match self {
            Self::List(error) => error.problem(),
            Self::Issuer(error) if error.is_undetermined() => "STATUS_RETRIEVAL_ERROR",
            _ => "STATUS_VERIFICATION_ERROR",
        }
    }
}

impl From<VcJoseCoseError> for ListCredentialError {
    fn from(error: VcJoseCoseError) -> Self {
        match error {
            VcJoseCoseError::Validity(error) => Self::List(error.into()),
            error => Self::Jwt(error),
        }
    }
}

impl From<LdpVcError> for ListCredentialError {
    fn from(error: LdpVcError) -> Self {
        match error {
            LdpVcError::Issuer(error) => Self::Issuer(error),
            LdpVcError::Validity(error) => Self::List(error.into()),
            error => Self::Proofs(error),
        }
    }
}

impl<'t> UnverifiedListCredential<'t> {
    /// Takes apart what came with this media type, which is without parameters.
    ///
    /// # Errors
    /// [`ListCredentialError::MediaType`], [`ListCredentialError::TooLong`],
    /// [`ListCredentialError::Jwt`] and [`ListCredentialError::Proofs`].
    pub fn parse(media_type: &str, bytes: &'t [u8]) -> Result<Self, ListCredentialError> {
        if bytes.len() > MAX_TOKEN {
            return Err(ListCredentialError::TooLong);
        }
        // §4: any type that is registered for a credential that is secured
        match media_type {
            MEDIA_TYPE_VC_JWT => {
                let compact = str::from_utf8(bytes).map_err(|_| JwsError::Malformed);
                let compact = compact.map_err(VcJoseCoseError::from)?.trim_ascii_end();
                let jwt = UnverifiedVcJwt::parse_within(compact, MAX_TOKEN)?;
                Ok(Self(Secured::Jwt(Box::new(jwt))))
            }
            MEDIA_TYPE_VC => Ok(Self(Secured::Proofs(Box::new(UnverifiedLdpVc::parse(bytes)?)))),
            other if LESS_SPECIFIC.contains(&other) => Self::parse(MEDIA_TYPE_VC, bytes),
            _ => Err(ListCredentialError::MediaType),
        }
    }

    /// Verifies the list that credentials of these types refer to by this URL.
    ///
    /// The issuers of a list and of a credential may differ (§3.2); whoever signs the list must be trusted
    /// for the credential's types like whoever signs the credential.
    ///
    /// # Errors
    /// One [`ListCredentialError`] per rule.
    pub async fn verify(
        self,
        uri: &StatusListUri,
        types: &[CredentialType],
        keys: &IssuerKeys,
        now: Timestamp,
    ) -> Result<BitstringStatusList, ListCredentialError> {
        // the type that every credential has gives nobody authority
        let general = CredentialType::w3c("VerifiableCredential");
        let types: Vec<_> = types.iter().filter(|kind| **kind != general).cloned().collect();
        match self.0 {
            Secured::Jwt(jwt) => {
                let mut claimed = jwt.claimed_issuer();
                claimed.types = types;
                let key = keys.find(&claimed, now).await.map_err(ListCredentialError::Issuer)?;
                drop(claimed);
                let verified = jwt.verify(key, keys.provider())?;
                // VC-JOSE-COSE §3.1.3: it is good only while its signature is, too
                let validity = verified.validity();
                Ok(BitstringStatusList::valid_for(verified.credential(), validity, uri, now)?)
            }
            Secured::Proofs(document) => {
                let verified = document.verify_for(types, keys, Contexts::bundled(), now).await?;
                Ok(BitstringStatusList::of_verified(verified.credential(), uri, now)?)
            }
        }
    }
}
