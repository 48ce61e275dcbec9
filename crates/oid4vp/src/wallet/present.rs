//! Making a presentation of a credential, in the way of its format (OID4VP 1.0 App. B).

use lanyard_core::{
    Timestamp,
    claims::{ClaimsPath, PathSegment},
    credential::HeldCredential,
    crypto::{CryptoProvider, PublicKey, Signer},
    data_integrity::JsonPointer,
    did::{Did, DidUrl},
    mdoc::{DeviceProof, ElementName, HeldMdoc, MdocPresentError},
    sd_jwt::{self, KeyBindingRequest},
    sd_jwt_vc::HeldSdJwtVc,
    w3c::{
        jwt_vc_json::{self, HeldJwtVc},
        ldp_vc::{self, HeldLdpVc, PresentLdpError, Shown},
        vc_jose_cose::{PresentVpError, PresentationRequest},
    },
};
use serde_json::Value;

use super::{Approved, Binding, PresentError};
use crate::transaction::hashes;

/// By what a presentation is made.
#[derive(Clone, Copy)]
pub struct PresentWith<'p> {
    /// The key that the credential is bound to; none when it is bound to none.
    pub signer: Option<&'p dyn Signer>,
    /// The moment of signing.
    pub now: Timestamp,
    /// Cryptography.
    pub provider: &'p dyn CryptoProvider,
}

/// Presents a credential for one request: what was approved of it and nothing else.
///
/// # Errors
/// [`PresentError::Credential`] when it cannot be presented as approved, [`PresentError::Key`] when its key
/// gave no signature.
pub async fn present(
    held: &HeldCredential,
    approved: &Approved,
    binding: &Binding,
    with: PresentWith<'_>,
) -> Result<Value, PresentError> {
    match held {
        HeldCredential::SdJwtVc(held) => sd_jwt_vc(held, approved, binding, with).await,
        HeldCredential::MsoMdoc(held) => mso_mdoc(held, approved, binding, with).await,
        HeldCredential::JwtVcJson(held) => jwt_vc(held, approved, binding, with).await,
        HeldCredential::LdpVc(held) => ldp_vc(held, approved, binding, with).await,
        // OpenID4VP has no identifier for these, so no query asks for them
        HeldCredential::VcJwt(_) | HeldCredential::VcSdJwt(_) => Err(PresentError::Credential),
    }
}

async fn sd_jwt_vc(
    held: &HeldSdJwtVc,
    approved: &Approved,
    binding: &Binding,
    with: PresentWith<'_>,
) -> Result<Value, PresentError> {
    let request = match (approved.holder_binding, with.signer) {
        (false, _) => None,
        (true, None) => return Err(PresentError::Credential),
        (true, Some(signer)) => Some(KeyBindingRequest {
            audience: &binding.audience,
            nonce: &binding.nonce,
            now: with.now,
            signer,
        }),
    };
    // OID4VP 1.0 App. B.3.3: the key binding is over the transactions too
    let further = hashes(&approved.transactions, with.provider);
    let further = further.map_err(|_| PresentError::Transaction)?;
    let presented = match &request {
        Some(request) => {
            let disclose = &approved.disclose;
            held.present_with_claims(disclose, request, &further, with.provider).await
        }
        None => held.present(&approved.disclose, None, with.provider).await,
    };
    presented.map(Value::String).map_err(|error| match error {
        sd_jwt::PresentError::Signer(error) => PresentError::Key(error),
        _ => PresentError::Credential,
    })
}

async fn mso_mdoc(
    held: &HeldMdoc,
    approved: &Approved,
    binding: &Binding,
    with: PresentWith<'_>,
) -> Result<Value, PresentError> {
    let signer = with.signer.ok_or(PresentError::Credential)?;
    let elements = approved.disclose.iter().map(ElementName::from_claims_path);
    let elements = elements.collect::<Option<Vec<_>>>().ok_or(PresentError::Credential)?;
    let proof = DeviceProof::Signature(signer);
    let presented = held.present(&elements, &binding.transcript, proof, with.provider).await;
    let response = presented.map_err(|error| match error {
        MdocPresentError::Signer(error) => PresentError::Key(error),
        MdocPresentError::NotHeld | MdocPresentError::WrongKey => PresentError::Credential,
    })?;
    // OID4VP 1.0 App. B.2.5: the DeviceResponse in base64url
    Ok(Value::String(response.to_base64url()))
}

async fn jwt_vc(
    held: &HeldJwtVc,
    approved: &Approved,
    binding: &Binding,
    with: PresentWith<'_>,
) -> Result<Value, PresentError> {
    // OID4VP 1.0 App. B.1: without holder binding the credential itself is returned
    if !approved.holder_binding {
        return Ok(Value::String(held.as_str().to_owned()));
    }
    let signer = with.signer.ok_or(PresentError::Credential)?;
    let key_id = held.binding().key_id_of(signer.public_key(), with.provider);
    let request = request(binding, signer, key_id.as_ref(), with);
    jwt_vc_json::present(&[held], &request).await.map(Value::String).map_err(|error| match error {
        PresentVpError::Signer(error) => PresentError::Key(error),
        PresentVpError::NotBound | PresentVpError::WrongHolder => PresentError::Credential,
    })
}

async fn ldp_vc(
    held: &HeldLdpVc,
    approved: &Approved,
    binding: &Binding,
    with: PresentWith<'_>,
) -> Result<Value, PresentError> {
    let pointers = match held.is_selective() {
        false => Vec::new(),
        true => approved
            .disclose
            .iter()
            .map(|path| JsonPointer::parse(&pointer(path)).map_err(|_| PresentError::Credential))
            .collect::<Result<_, _>>()?,
    };
    let shown = match held.is_selective() {
        false => Shown::Whole(held),
        true => Shown::Parts(held, &pointers),
    };
    let impossible = |_: PresentLdpError| PresentError::Credential;
    // OID4VP 1.0 App. B.1: without holder binding the credential itself is returned
    if !approved.holder_binding {
        return ldp_vc::show(&shown, with.provider).map(Value::Object).map_err(impossible);
    }
    let signer = with.signer.ok_or(PresentError::Credential)?;
    // a proof names its key by a DID URL; the did:key of the key that the credential has is one
    let key_id = held
        .binding()
        .key_id_of(signer.public_key(), with.provider)
        .or_else(|| did_key(signer.public_key()))
        .ok_or(PresentError::Credential)?;
    let request = request(binding, signer, Some(&key_id), with);
    let presented = ldp_vc::present(&[shown], &request, with.provider).await;
    presented.map(Value::Object).map_err(impossible)
}

fn request<'r>(
    binding: &'r Binding,
    signer: &'r dyn Signer,
    key_id: Option<&'r DidUrl>,
    with: PresentWith<'_>,
) -> PresentationRequest<'r> {
    PresentationRequest {
        audience: &binding.audience,
        nonce: &binding.nonce,
        now: with.now,
        signer,
        key_id,
    }
}

/// The did:key of a key, with the fragment that names the key in it.
fn did_key(key: &PublicKey) -> Option<DidUrl> {
    let did = Did::from_key(key);
    did.with_fragment(did.method_specific_id()).ok()
}

/// A path of keys and indices as a JSON pointer (RFC 6901 §3).
fn pointer(path: &ClaimsPath) -> String {
    let segment = |segment: &PathSegment| match segment {
        PathSegment::Key(key) => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        PathSegment::Index(index) => format!("/{index}"),
        // what was approved are keys and indices
        PathSegment::All => "/".to_owned(),
    };
    path.segments().iter().map(segment).collect()
}
