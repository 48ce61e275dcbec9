//! What an issuer offers, as data.
//!
//! The steps that enforce and the metadata that advertises read the same [`IssuerConfiguration`], so that
//! nothing can be advertised that is not enforced.

pub(crate) mod element;
mod format;
mod pictures;
mod type_metadata;

use std::collections::HashSet;

use jiff::{SignedDuration, civil::Date};
use lanyard_core::{
    claims::{ClaimsPath, PathSegment},
    crypto::SignatureAlgorithm,
    json::Object,
    picture::{Picture, PictureRefused},
    status::bitstring_status_list::StatusPurpose,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

pub use format::CredentialFormat;
pub use lanyard_core::picture::PictureUse;

use self::pictures::Pictures;

use crate::{
    CredentialConfigurationId, IssuerUrl,
    key_proof::AttestationRequirement,
    metadata::{
        ClaimDescription, ClaimDisplay, ContradictoryClaims, CredentialDisplay, IssuerDisplay,
    },
};

/// How many copies one request can get: each costs a signature.
const MOST_COPIES: u8 = 20;

/// Everything one credential issuer offers and how it behaves.
#[derive(Clone, Debug)]
pub struct IssuerConfiguration {
    issuer: IssuerUrl,
    display: Vec<IssuerDisplay>,
    credentials: Vec<CredentialConfiguration>,
    policy: IssuancePolicy,
    authorization_server: Option<IssuerUrl>,
    pictures: Pictures,
}

/// One kind of credential.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CredentialConfiguration {
    /// Its name in the metadata.
    pub id: CredentialConfigurationId,
    /// Its format with what the format needs.
    #[serde(flatten)]
    pub format: CredentialFormat,
    /// The OAuth scope that asks for it.
    pub scope: String,
    /// How a wallet shows it, by language.
    #[serde(default)]
    pub display: Vec<CredentialDisplay>,
    /// Its claims, in the order they are shown.
    pub claims: Vec<ClaimDefinition>,
    /// How many days it is valid, from the start of the day it is issued on.
    pub valid_days: u16,
    /// Whether it is bound to a key of the holder.
    #[serde(default)]
    pub binding: Binding,
    /// The key proofs that are taken.
    #[serde(default = "jwt_alone")]
    pub proof_types: Vec<ProofType>,
    /// What keys must be attested to be; none when no attestation is demanded.
    #[serde(default)]
    pub key_attestation: Option<AttestationRequirement>,
    /// Whether its copies have a status, where the issuer keeps status lists at all, and for what.
    #[serde(default)]
    pub status: StatusChoice,
    /// How many copies one request gets at most, each for a key of its own; none is as many as the policy
    /// says.
    #[serde(default)]
    pub batch_size: Option<u8>,
}

/// The key proofs of a configuration that says nothing about them.
pub fn jwt_alone() -> Vec<ProofType> {
    vec![ProofType::Jwt]
}

/// Whether copies have a status, and what a W3C credential can be asked about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "\"status\" is true, false, or a list such as [\"revocation\"] or [\"revocation\", \"suspension\"]"
)]
pub enum StatusChoice {
    /// One that says whether it is revoked and whether it is suspended, or none.
    Kept(bool),
    /// A W3C credential has an entry for each of these alone (Bitstring Status List §2.1).
    For(Vec<StatusUse>),
}

/// What a status says: of the purposes that there are, those that an issuer keeps here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusUse {
    /// Whether it was taken back, for good.
    Revocation,
    /// Whether it is not valid for the time being.
    Suspension,
}

impl Default for StatusChoice {
    fn default() -> Self {
        Self::Kept(true)
    }
}

impl StatusChoice {
    /// What a copy can be asked about; nothing when it has no status.
    pub fn purposes(&self) -> &'static [StatusPurpose] {
        match self {
            Self::Kept(false) => &[],
            Self::For(uses) if !uses.contains(&StatusUse::Suspension) => {
                &[StatusPurpose::Revocation]
            }
            Self::Kept(true) | Self::For(_) => {
                &[StatusPurpose::Revocation, StatusPurpose::Suspension]
            }
        }
    }

    /// Every credential with a status can be revoked; only a W3C credential says the two apart.
    fn fits(&self, format: &CredentialFormat) -> bool {
        let Self::For(uses) = self else { return true };
        let is_w3c =
            matches!(format, CredentialFormat::JwtVcJson { .. } | CredentialFormat::LdpVc { .. });
        is_w3c
            && matches!(
                uses[..],
                [StatusUse::Revocation] | [StatusUse::Revocation, StatusUse::Suspension]
            )
    }
}

/// How a wallet shows that it has a key (App. F).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProofType {
    /// A JWT signed with each key, with or without a key attestation in it.
    Jwt,
    /// A key attestation alone.
    Attestation,
    /// A presentation with a Data Integrity proof.
    DiVp,
}

impl ProofType {
    /// The name in requests and metadata.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::Attestation => "attestation",
            Self::DiVp => "di_vp",
        }
    }
}

/// Whether a credential is bound to a key of its holder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    /// A key proof is required.
    #[default]
    HolderKey,
    /// Whoever has it can show it; no proofs are taken.
    Bearer,
}

/// One claim of a credential.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimDefinition {
    /// Where it is.
    pub path: ClaimsPath,
    /// Whether every credential has it.
    #[serde(default)]
    pub mandatory: bool,
    /// Whether the holder may withhold it, where the format lets holders withhold claims at all: the W3C
    /// formats show everything.
    #[serde(default)]
    pub disclosure: Visibility,
    /// What its value must look like.
    #[serde(default)]
    pub value: ClaimValue,
    /// How a wallet names it, by language.
    #[serde(default)]
    pub display: Vec<ClaimDisplay>,
}

/// Who sees a claim.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// The holder chooses.
    #[default]
    Selective,
    /// Every verifier sees it.
    Always,
}

/// What the value of a claim must look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimValue {
    /// Any JSON.
    #[default]
    Any,
    /// A string.
    Text,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A full date, `2026-01-15`.
    Date,
    /// A picture as a `data:` URL.
    Image,
}

/// How long things live and how often they may fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IssuancePolicy {
    /// How long an offer and its pre-authorized code live.
    pub offer_life: SignedDuration,
    /// How long an access token lives that is bound to no key; five minutes at most (§13.10).
    pub token_life: SignedDuration,
    /// How long an access token lives that is bound to a key.
    pub bound_token_life: SignedDuration,
    /// How long a pushed authorization request waits for a browser; a minute at most.
    pub pushed_life: SignedDuration,
    /// How long an authorization code lives; a minute at most.
    pub code_life: SignedDuration,
    /// How long a refresh token lives, from its last use.
    pub refresh_life: SignedDuration,
    /// How long a nonce lives.
    pub nonce_life: SignedDuration,
    /// How far `iat` of a key proof may be from now.
    pub proof_window: SignedDuration,
    /// How many wrong tx codes kill a code.
    pub tx_code_tries: u8,
    /// How many copies one request gets at most, where the credential does not say it; 1 means no batches.
    pub batch_size: u8,
}

impl Default for IssuancePolicy {
    fn default() -> Self {
        Self {
            offer_life: SignedDuration::from_mins(10),
            token_life: SignedDuration::from_mins(5),
            bound_token_life: SignedDuration::from_mins(10),
            pushed_life: SignedDuration::from_secs(60),
            code_life: SignedDuration::from_secs(60),
            refresh_life: SignedDuration::from_hours(30 * 24),
            nonce_life: SignedDuration::from_mins(5),
            proof_window: SignedDuration::from_secs(60),
            tx_code_tries: 5,
            batch_size: 20,
        }
    }
}

/// Why a configuration cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ConfigurationError {
    /// Nothing to issue.
    #[error("no credential configuration")]
    Empty,
    /// Two configurations have one name or one scope.
    #[error("credential configuration {0}: its id or scope is taken")]
    Repeated(CredentialConfigurationId),
    /// The claims contradict each other.
    #[error("credential configuration {0}: {1}")]
    Claims(CredentialConfigurationId, ContradictoryClaims),
    /// A claim has a name that the format itself uses.
    #[error("credential configuration {0}: the claim {1} has a name that the format uses itself")]
    ReservedClaim(CredentialConfigurationId, ClaimsPath),
    /// The type is neither a URN nor the address at which its type metadata are served here.
    #[error("credential configuration {0}: vct is a URN, or the address of its metadata here: {1}")]
    VctElsewhere(CredentialConfigurationId, String),
    /// A W3C credential without `VerifiableCredential`, or without a type that says more.
    #[error(
        "credential configuration {0}: a W3C credential has VerifiableCredential and a type of its own"
    )]
    Types(CredentialConfigurationId),
    /// The contexts do not start with the base context, or one of them is not known here.
    #[error(
        "credential configuration {0}: @context starts with that of VCDM 2.0, and others are known ones"
    )]
    Contexts(CredentialConfigurationId),
    /// No proof type, one of them twice, or one that cannot carry the attestation that is demanded.
    #[error(
        "credential configuration {0}: proof_types names each type once, and di_vp carries no attestation"
    )]
    ProofTypes(CredentialConfigurationId),
    /// An mdoc that is to be bound to no key.
    #[error("credential configuration {0}: an mdoc is always bound to a key")]
    BearerMdoc(CredentialConfigurationId),
    /// A claim is where the format has none.
    #[error("credential configuration {0}: the format has no claims at {1}")]
    ClaimPlace(CredentialConfigurationId, ClaimsPath),
    /// A claim is to be shown always, in a format in which the holder may withhold each.
    #[error("credential configuration {0}: in this format the holder may always withhold {1}")]
    AlwaysShown(CredentialConfigurationId, ClaimsPath),
    /// The scope has characters that a scope must not have.
    #[error("credential configuration {0}: the scope is malformed")]
    Scope(CredentialConfigurationId),
    /// A status for something that it cannot be asked about, or in a format that says all at once.
    #[error(
        "credential configuration {0}: status names \"revocation\", or \"revocation\" and \"suspension\", and only in a W3C format; elsewhere it is true or false"
    )]
    Status(CredentialConfigurationId),
    /// The credential would be expired when it is issued.
    #[error("credential configuration {0}: valid_days is 0")]
    NeverValid(CredentialConfigurationId),
    /// Copies without keys of their own, none at all, or too many of them.
    #[error("credential configuration {0}: batch_size is 1 to 20, and 1 without a key")]
    BatchSize(CredentialConfigurationId),
    /// A picture that is too long for the metadata, and that no wallet would show.
    #[error("credential configuration {0}: {1}")]
    Picture(CredentialConfigurationId, PictureRefused),
    /// The policy allows what must not be.
    #[error("the policy is out of bounds: {0}")]
    Policy(&'static str),
}

/// Why the claims about a subject cannot be issued; names a claim, never its value.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SubjectClaimsError {
    /// A mandatory claim is missing.
    #[error("the claim {0} is missing")]
    Missing(ClaimsPath),
    /// A value does not look as configured.
    #[error("the claim {0} has a value of another kind")]
    WrongValue(ClaimsPath),
    /// A claim that the configuration does not have.
    #[error("the claim {0} is not configured for this credential")]
    NotConfigured(ClaimsPath),
    /// Something in the claims is defined by none of the credential's contexts.
    #[error("the credential's contexts do not define every claim")]
    NotDefined,
}

impl IssuerConfiguration {
    /// Puts a configuration together.
    ///
    /// # Errors
    /// One [`ConfigurationError`] per rule.
    pub fn new(
        issuer: IssuerUrl,
        display: Vec<IssuerDisplay>,
        mut credentials: Vec<CredentialConfiguration>,
        policy: IssuancePolicy,
    ) -> Result<Self, ConfigurationError> {
        if credentials.is_empty() {
            return Err(ConfigurationError::Empty);
        }
        let (mut ids, mut scopes) = (HashSet::new(), HashSet::new());
        for credential in &credentials {
            if !ids.insert(&credential.id) || !scopes.insert(&credential.scope) {
                return Err(ConfigurationError::Repeated(credential.id.clone()));
            }
            credential.accept_itself()?;
            credential.accept_vct(&issuer)?;
        }
        policy.accept_itself()?;
        let mut pictures = Pictures::new();
        for credential in &mut credentials {
            credential.refer_to_pictures(&issuer, &mut pictures)?;
        }
        Ok(Self { issuer, display, credentials, policy, authorization_server: None, pictures })
    }

    /// With an authorization server of somebody else, where holders log in (§12.2.4).
    #[must_use]
    pub fn with_authorization_server(mut self, server: IssuerUrl) -> Self {
        self.authorization_server = Some(server);
        self
    }

    /// The authorization server of somebody else, where holders log in, if there is one.
    pub const fn authorization_server(&self) -> Option<&IssuerUrl> {
        self.authorization_server.as_ref()
    }

    /// The credential issuer identifier; the authorization server's issuer too.
    pub const fn issuer(&self) -> &IssuerUrl {
        &self.issuer
    }

    /// How wallets show the issuer.
    pub fn display(&self) -> &[IssuerDisplay] {
        &self.display
    }

    /// Every credential configuration.
    pub fn credentials(&self) -> &[CredentialConfiguration] {
        &self.credentials
    }

    /// One credential configuration.
    pub fn credential(&self, id: &CredentialConfigurationId) -> Option<&CredentialConfiguration> {
        self.credentials.iter().find(|credential| credential.id == *id)
    }

    /// The pictures that the metadata refer to, at addresses below the issuer's own.
    pub fn pictures(
        &self,
    ) -> impl Iterator<Item = (&(CredentialConfigurationId, PictureUse), &Picture)> {
        self.pictures.iter()
    }

    /// How long things live and how often they may fail.
    pub const fn policy(&self) -> &IssuancePolicy {
        &self.policy
    }

    /// How many copies of a credential one request gets at most.
    pub fn batch_size_of(&self, credential: &CredentialConfiguration) -> u8 {
        match credential.binding {
            Binding::HolderKey => credential.batch_size.unwrap_or(self.policy.batch_size),
            Binding::Bearer => 1,
        }
    }

    /// How many keys one request may show, whatever it asks for (OID4VCI 1.0 §12.2.4: `batch_size`).
    pub fn batch_size(&self) -> u8 {
        let sizes = self.credentials.iter().map(|credential| self.batch_size_of(credential));
        sizes.max().unwrap_or(1)
    }
}

impl IssuancePolicy {
    fn accept_itself(&self) -> Result<(), ConfigurationError> {
        // OID4VCI 1.0 §13.10: an access token that is bound to no key lives five minutes at most
        if self.token_life > SignedDuration::from_mins(5) {
            return Err(ConfigurationError::Policy("an unbound access token lives five minutes"));
        }
        // FAPI 2.0 Security Profile §5.3.2.1: codes live a minute at most
        if self.code_life > SignedDuration::from_mins(1) {
            return Err(ConfigurationError::Policy("an authorization code lives a minute"));
        }
        if self.pushed_life > SignedDuration::from_mins(1) {
            return Err(ConfigurationError::Policy("a pushed request waits a minute"));
        }
        if self.tx_code_tries == 0 {
            return Err(ConfigurationError::Policy("a tx code needs at least one try"));
        }
        if !(1..=MOST_COPIES).contains(&self.batch_size) {
            return Err(ConfigurationError::Policy("batch_size is 1 to 20"));
        }
        Ok(())
    }
}

impl CredentialConfiguration {
    fn accept_itself(&self) -> Result<(), ConfigurationError> {
        self.format.accept_itself(&self.id)?;
        // ISO/IEC 18013-5 §9.1.2.4: deviceKeyInfo is not optional
        let is_mdoc = matches!(self.format, CredentialFormat::MsoMdoc { .. });
        if is_mdoc && self.binding == Binding::Bearer {
            return Err(ConfigurationError::BearerMdoc(self.id.clone()));
        }
        let mut kinds = HashSet::new();
        let repeated = !self.proof_types.iter().all(|kind| kinds.insert(*kind));
        // App. F.2: a presentation has no place for a key attestation
        let bare = self.key_attestation.is_some() && kinds.contains(&ProofType::DiVp);
        if kinds.is_empty() || repeated || bare {
            return Err(ConfigurationError::ProofTypes(self.id.clone()));
        }
        // RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
        let in_scope = |byte: u8| matches!(byte, b'!'..=b'~') && byte != b'"' && byte != b'\\';
        if self.scope.is_empty() || !self.scope.bytes().all(in_scope) {
            return Err(ConfigurationError::Scope(self.id.clone()));
        }
        let most = if self.binding == Binding::Bearer { 1 } else { MOST_COPIES };
        if self.batch_size.is_some_and(|size| !(1..=most).contains(&size)) {
            return Err(ConfigurationError::BatchSize(self.id.clone()));
        }
        if !self.status.fits(&self.format) {
            return Err(ConfigurationError::Status(self.id.clone()));
        }
        if self.valid_days == 0 {
            return Err(ConfigurationError::NeverValid(self.id.clone()));
        }
        ClaimDescription::accept_paths(self.claims.iter().map(|claim| &claim.path))
            .map_err(|error| ConfigurationError::Claims(self.id.clone(), error))?;
        self.claims.iter().try_for_each(|claim| self.format.accept_claim(claim, &self.id))
    }

    /// Whether it cannot be issued unless somebody is believed about keys.
    pub fn needs_attesters(&self) -> bool {
        self.binding == Binding::HolderKey
            && (self.key_attestation.is_some()
                || self.proof_types.contains(&ProofType::Attestation))
    }

    /// The algorithms a key proof may be signed with.
    pub const fn proof_algorithms(&self) -> &'static [SignatureAlgorithm] {
        SignatureAlgorithm::OPENID4VC
    }

    /// The claims that the holder may withhold.
    pub fn selective_paths(&self) -> Vec<ClaimsPath> {
        self.claims
            .iter()
            .filter(|claim| claim.disclosure == Visibility::Selective)
            .map(|claim| claim.path.clone())
            .collect()
    }

    /// Judges the claims about a subject before they are offered.
    ///
    /// # Errors
    /// One [`SubjectClaimsError`] per rule.
    pub fn accept_claims(&self, claims: &Object) -> Result<(), SubjectClaimsError> {
        let subject = Value::Object(claims.clone());
        for definition in &self.claims {
            match definition.path.select(&subject) {
                Ok(values) if values.iter().all(|value| definition.value.fits(value)) => {}
                Ok(_) => return Err(SubjectClaimsError::WrongValue(definition.path.clone())),
                Err(_) if definition.mandatory => {
                    return Err(SubjectClaimsError::Missing(definition.path.clone()));
                }
                Err(_) => {}
            }
        }
        claims.iter().try_for_each(|(name, value)| {
            self.accept_configured(&ClaimsPath::key(name.as_str()), value)
        })?;
        self.format.accept_claims(self, claims)
    }

    /// Every claim is a configured one, or is on the way to one.
    fn accept_configured(
        &self,
        path: &ClaimsPath,
        value: &Value,
    ) -> Result<(), SubjectClaimsError> {
        let depth = path.segments().len();
        let leading = || self.claims.iter().filter(|claim| leads_to(path, &claim.path));
        let ends_here = leading().any(|claim| claim.path.segments().len() == depth);
        let goes_on = leading().any(|claim| claim.path.segments().len() > depth);
        match value {
            Value::Object(members) if goes_on => members.iter().try_for_each(|(name, value)| {
                self.accept_configured(&path.clone().then_key(name.as_str()), value)
            }),
            Value::Array(elements) if goes_on => {
                (0..).zip(elements).try_for_each(|(index, value)| {
                    self.accept_configured(&path.clone().then_index(index), value)
                })
            }
            _ if ends_here && !goes_on => Ok(()),
            _ => Err(SubjectClaimsError::NotConfigured(path.clone())),
        }
    }
}

/// Whether `path` is the beginning of `pattern`, wildcards counted as every index.
fn leads_to(path: &ClaimsPath, pattern: &ClaimsPath) -> bool {
    path.segments().len() <= pattern.segments().len()
        && path.segments().iter().zip(pattern.segments()).all(|(own, wanted)| {
            own == wanted || matches!((own, wanted), (PathSegment::Index(_), PathSegment::All))
        })
}

impl ClaimValue {
    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Any => true,
            Self::Text => value.is_string(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::Date => {
                value.as_str().is_some_and(|text| text.len() == 10 && text.parse::<Date>().is_ok())
            }
            Self::Image => value.as_str().is_some_and(|text| text.starts_with("data:image/")),
        }
    }
}
