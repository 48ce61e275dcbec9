//! `lanyard issue`: a credential of any format, from claims and a key.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    claims::{Claims, ClaimsError, ClaimsPath},
    credential::{Format, Validity},
    crypto::{AwsLc, CryptoError, PrivateKey, Signer, SignerError, SoftwareSigner},
    data_integrity::{Cryptosuite, ProofDraft},
    did::{Did, DidMethods, DidResolver as _, DidUrl, Relationship},
    jose::Jwk,
    json::Object,
    mdoc::{DocType, IssuerNameSpaces, MdocDraft, MdocDraftError},
    sd_jwt_vc::{DraftError, KeyBinding, SdJwtVcDraft, Vct},
    trust::{IssuerIdentifier, NameError},
    w3c::{
        CredentialDraft, CredentialError, CredentialV1Draft, CredentialV1Error, jwt_vc_json,
        ldp_vc::{self, LdpVcError},
        vc_jose_cose::{self, IssueSdJwtError, SigningOptions},
    },
};
use serde_json::Value;
use thiserror::Error;

/// What to issue.
#[derive(Debug)]
pub struct Order {
    /// The format.
    pub format: Format,
    /// The type: a `vct`, a docType, or what stands beside `VerifiableCredential`.
    pub kind: String,
    /// The claims; of an mdoc by namespace; of a W3C credential those about its subject.
    pub claims: Object,
    /// The issuer's key.
    pub key: PrivateKey,
    /// The issuer's certificates, leaf first, the anchor left out.
    pub certificates: Vec<Vec<u8>>,
    /// The issuer; without, the subject of the certificate, or the key's own did:key.
    pub issuer: Option<IssuerIdentifier>,
    /// The DID URL of the issuer's key, where the issuer is a DID that somebody publishes.
    pub key_id: Option<DidUrl>,
    /// The holder's public key.
    pub holder: Option<Jwk>,
    /// Further contexts of a W3C credential, which define its terms.
    pub contexts: Vec<Value>,
    /// For how long it is valid.
    pub lasting: SignedDuration,
}

/// Why nothing was issued.
#[derive(Debug, Error)]
pub enum IssueError {
    /// The key cannot sign.
    #[error("the key cannot sign: {0}")]
    Key(#[from] CryptoError),
    /// The key gave no signature.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// The type is none.
    #[error("the type is malformed: {0}")]
    Kind(#[from] NameError),
    /// The claims cannot be issued as SD-JWT.
    #[error(transparent)]
    Claims(#[from] ClaimsError),
    /// The claims cannot be issued as SD-JWT VC.
    #[error(transparent)]
    SdJwtVc(#[from] DraftError),
    /// The elements cannot be issued as mdoc.
    #[error(transparent)]
    Mdoc(#[from] MdocDraftError),
    /// An mdoc needs what nobody gave.
    #[error("an mdoc needs {0}")]
    MdocNeeds(&'static str),
    /// What would be issued is no credential of VCDM 2.0.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// What would be issued is no credential of VCDM 1.1.
    #[error(transparent)]
    CredentialV1(#[from] CredentialV1Error),
    /// It cannot be secured with a proof.
    #[error("{0}; every term must be defined by a context (--context)")]
    Proof(#[from] LdpVcError),
    /// It cannot be secured as SD-JWT.
    #[error(transparent)]
    SdJwt(#[from] IssueSdJwtError),
    /// Keys of this curve have no Data Integrity cryptosuite.
    #[error("keys of this curve make no Data Integrity proof; take P-256, P-384 or Ed25519")]
    NoCryptosuite,
}

/// Issues a credential and gives it as its format is written.
///
/// # Errors
/// One [`IssueError`] per rule.
pub async fn issue(order: Order, now: Timestamp) -> Result<String, IssueError> {
    let signer = SoftwareSigner::new(&AwsLc, &order.key)?;
    let validity = Validity::rounded_to_days(now, order.lasting);
    match order.format {
        Format::SdJwtVc => sd_jwt_vc(order, &signer, &validity).await,
        Format::MsoMdoc => mdoc(order, &signer, &validity, now).await,
        Format::JwtVcJson | Format::LdpVc | Format::VcJwt | Format::VcSdJwt => {
            w3c(order, &signer, &validity).await
        }
    }
}

async fn sd_jwt_vc(
    order: Order,
    signer: &SoftwareSigner,
    validity: &Validity,
) -> Result<String, IssueError> {
    let named = Named::by(&order, signer).await;
    // every claim can be withheld; what decides about the credential is written by the draft
    let claims = order
        .claims
        .into_iter()
        .fold(Claims::new(), |all, (name, value)| all.selective(&name, value));
    let binding = order.holder.map_or(KeyBinding::None, KeyBinding::To);
    let vct = Vct::parse(order.kind)?;
    let mut draft = SdJwtVcDraft::new(&vct, named.issuer.as_ref(), claims, &binding, validity)?;
    if let Some(key_id) = &named.key_id {
        draft = draft.with_key_id(&key_id.to_string());
    }
    if !order.certificates.is_empty() {
        draft = draft.with_x5c(&order.certificates);
    }
    Ok(draft.sign(signer, &AwsLc).await?.into_string())
}

async fn mdoc(
    order: Order,
    signer: &SoftwareSigner,
    validity: &Validity,
    now: Timestamp,
) -> Result<String, IssueError> {
    let needed = IssueError::MdocNeeds("its issuer's certificate (--certificate)");
    let certificate = order.certificates.first().ok_or(needed)?;
    let holder = order.holder.ok_or(IssueError::MdocNeeds("its device's key (--holder)"))?;
    let elements = IssuerNameSpaces::from_json(&order.claims)?;
    let doc_type = DocType::parse(order.kind)?;
    let draft = MdocDraft::new(&doc_type, elements, &holder.key, validity)?;
    let draft = draft.under(certificate, now)?;
    Ok(draft.sign(signer, &order.certificates, &AwsLc).await?.to_base64url())
}

async fn w3c(
    order: Order,
    signer: &SoftwareSigner,
    validity: &Validity,
) -> Result<String, IssueError> {
    let named = Named::by(&order, signer).await;
    let issuer = named.issuer.clone().unwrap_or_else(|| own(signer).1);
    let mut options = SigningOptions::new();
    if let Some(key_id) = &named.key_id {
        options = options.with_key_id(&key_id.to_string());
    }
    if !order.certificates.is_empty() {
        options = options.with_x5c(&order.certificates);
    }
    let mut subject = order.claims;
    if let Some(holder) = &order.holder {
        let id = Did::from_jwk(&Jwk::new(holder.key));
        subject.entry("id").or_insert_with(|| id.as_str().into());
    }
    if order.format == Format::JwtVcJson {
        let from = validity.not_before.unwrap_or_default();
        let mut draft = CredentialV1Draft::new(&issuer, from).of_type(&order.kind).about(subject);
        for context in order.contexts {
            draft = draft.in_context(context);
        }
        if let Some(end) = validity.expires_at {
            draft = draft.expires(end);
        }
        let issued = jwt_vc_json::issue(&draft.finish()?, &options, signer).await?;
        return Ok(issued.into_string());
    }
    let names: Vec<String> = subject.keys().filter(|name| *name != "id").cloned().collect();
    let mut draft = CredentialDraft::new(&issuer).of_type(&order.kind).about(subject);
    for context in order.contexts {
        draft = draft.in_context(context);
    }
    if let (Some(from), Some(until)) = (validity.not_before, validity.expires_at) {
        draft = draft.valid_from(from).valid_until(until);
    }
    let credential = draft.finish()?;
    match order.format {
        Format::LdpVc => {
            let key_id = named.key_id.unwrap_or_else(|| own(signer).0);
            let suite = Cryptosuite::ALL
                .iter()
                .copied()
                .filter(|suite| suite.name().contains("-rdfc-"))
                .find(|suite| suite.algorithm(signer.public_key()).is_some())
                .ok_or(IssueError::NoCryptosuite)?;
            let draft = ProofDraft::assertion(suite, &key_id);
            let secured = ldp_vc::issue(&credential, draft, signer, &AwsLc).await?;
            Ok(Value::Object(secured).to_string())
        }
        Format::VcSdJwt => {
            let selective: Vec<_> = names
                .iter()
                .map(|name| ClaimsPath::key("credentialSubject").then_key(name.as_str()))
                .collect();
            let issued =
                vc_jose_cose::issue_sd_jwt(&credential, &selective, &options, signer, &AwsLc);
            Ok(issued.await?.into_string())
        }
        _ => Ok(vc_jose_cose::issue_jwt(&credential, &options, signer).await?.into_string()),
    }
}

/// By what names an issuer and its key go.
struct Named {
    issuer: Option<IssuerIdentifier>,
    key_id: Option<DidUrl>,
}

impl Named {
    async fn by(order: &Order, signer: &SoftwareSigner) -> Self {
        let (issuer, key_id) = (order.issuer.clone(), order.key_id.clone());
        match (issuer, key_id, order.certificates.is_empty()) {
            (issuer, None, false) => Self { issuer, key_id: None },
            (Some(issuer), None, true) => {
                // a DID that says its key itself names it, too; of any other issuer the key has no name
                let key_id = key_of(&issuer).await;
                Self { issuer: Some(issuer), key_id }
            }
            (None, Some(key_id), _) => {
                let issuer = IssuerIdentifier::parse(key_id.did().as_str()).ok();
                Self { issuer, key_id: Some(key_id) }
            }
            (Some(issuer), Some(key_id), _) => Self { issuer: Some(issuer), key_id: Some(key_id) },
            (None, None, true) => {
                let (key_id, issuer) = own(signer);
                Self { issuer: Some(issuer), key_id: Some(key_id) }
            }
        }
    }
}

async fn key_of(issuer: &IssuerIdentifier) -> Option<DidUrl> {
    let did = Did::parse(issuer.as_str()).ok()?;
    let document = DidMethods::new(Arc::new(AwsLc)).resolve(&did).await.ok()?;
    document.methods_for(Relationship::AssertionMethod).next().map(|method| method.id.clone())
}

/// The key's own did:key, and its name there.
fn own(signer: &SoftwareSigner) -> (DidUrl, IssuerIdentifier) {
    let did = Did::from_key(signer.public_key());
    let url = did.with_fragment(did.method_specific_id()).expect("a multibase key is a fragment");
    (url, IssuerIdentifier::parse(did.as_str()).expect("a DID is an issuer"))
}
