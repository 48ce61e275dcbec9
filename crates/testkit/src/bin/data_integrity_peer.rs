//! Data Integrity by Lanyard's core, for `interop-tests`: one JSON object on stdin, one on stdout. Keys are
//! private JWKs, and named by their did:key.
//!
//! ```text
//! issue   { document, cryptosuite, private_jwk, mandatory? }            -> { document }
//! derive  { document, pointers }                                        -> { document }
//! present { credential, cryptosuite, private_jwk, challenge, domain }   -> { document }
//! verify  { document, challenge?, domain? }                             -> { controller }
//! n-quads { document }                                                  -> { n_quads }
//! ```

use std::{error::Error, process::ExitCode, sync::Arc};

use jiff::Timestamp;
use lanyard_core::{
    crypto::{BbsSecretKey, HashAlgorithm, RustCrypto, SoftwareSigner},
    data_integrity::{
        Challenge, Cryptosuite, Domain, ExpectedProof, JsonPointer, ProofDraft, ProofVerifier,
        UnverifiedDocument,
        json_ld::{self, Contexts},
    },
    did::{Did, DidUrl},
    jose::PrivateJwk,
    json::{self, Object},
    w3c::{Credential, Presentation, PresentedCredential, Uri},
};
use serde::Deserialize;
use serde_json::{Value, json};

use exchange::{Answer, read};

mod exchange;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let answer = match exchange::verb().as_str() {
        "issue" => issue().await,
        "derive" => derive().await,
        "present" => present().await,
        "verify" => verify().await,
        "n-quads" => n_quads(),
        _ => Err("say one of: issue, derive, present, verify, n-quads".into()),
    };
    exchange::write(&answer)
}

/// The scenarios' document has terms of its own.
fn contexts() -> Arc<Contexts> {
    Arc::new(Contexts::new().danger_with_inline_contexts())
}

/// A key and its name.
fn signer(private_jwk: &Value) -> Result<(SoftwareSigner, DidUrl), Box<dyn Error>> {
    let key = PrivateJwk::from_value(private_jwk)?.key;
    let did = Did::from_key(key.public());
    let method = did.with_fragment(did.method_specific_id())?;
    Ok((SoftwareSigner::new(&RustCrypto, &key)?, method))
}

/// A key for `bbs-2023` and its name; such keys have no private JWK that Lanyard reads.
fn bbs_key(private_jwk: &Value) -> Result<(BbsSecretKey, DidUrl), Box<dyn Error>> {
    let scalar = private_jwk.get("d").and_then(Value::as_str).ok_or("the key has no d")?;
    let scalar = json::base64url_decode(scalar)?;
    let key = BbsSecretKey::from_bytes(&scalar).ok_or("the key is no scalar")?;
    let did = Did::from_key(&key.public_key());
    let method = did.with_fragment(did.method_specific_id())?;
    Ok((key, method))
}

fn cryptosuite(name: &str) -> Result<Cryptosuite, Box<dyn Error>> {
    Cryptosuite::from_name(name).ok_or_else(|| "an unknown cryptosuite".into())
}

fn pointers(texts: &[String]) -> Result<Vec<JsonPointer>, Box<dyn Error>> {
    Ok(texts.iter().map(|text| JsonPointer::parse(text)).collect::<Result<_, _>>()?)
}

#[derive(Deserialize)]
struct IssueRequest {
    document: Object,
    cryptosuite: String,
    private_jwk: Value,
    #[serde(default)]
    mandatory: Vec<String>,
}

async fn issue() -> Answer {
    let request: IssueRequest = read()?;
    let suite = cryptosuite(&request.cryptosuite)?;
    let mandatory = pointers(&request.mandatory)?;
    let draft = |method: &DidUrl| {
        ProofDraft::assertion(suite, method)
            .created(Timestamp::now())
            .with_contexts(contexts())
            .with_mandatory(mandatory)
    };
    let secured = if suite == Cryptosuite::Bbs2023 {
        let (key, method) = bbs_key(&request.private_jwk)?;
        draft(&method).secure_with_bbs(request.document, &key, &RustCrypto)?
    } else {
        let (signer, method) = signer(&request.private_jwk)?;
        draft(&method).secure(request.document, &signer, &RustCrypto).await?
    };
    Ok(json!({"document": secured}))
}

#[derive(Deserialize)]
struct DeriveRequest {
    document: Object,
    pointers: Vec<String>,
}

async fn derive() -> Answer {
    let request: DeriveRequest = read()?;
    let verifier = ProofVerifier::new(Arc::new(RustCrypto)).with_contexts(contexts());
    let document = UnverifiedDocument::from_object(request.document)?;
    let expected = ExpectedProof::assertion(Timestamp::now());
    let held = verifier.verify_for_holding(document, &expected).await?;
    let revealed = held.disclose(&pointers(&request.pointers)?, &RustCrypto)?;
    Ok(json!({"document": revealed}))
}

#[derive(Deserialize)]
struct PresentRequest {
    credential: Object,
    cryptosuite: String,
    private_jwk: Value,
    challenge: String,
    domain: String,
}

async fn present() -> Answer {
    let request: PresentRequest = read()?;
    let (signer, method) = signer(&request.private_jwk)?;
    let credential = Credential::parse(request.credential)?;
    let holder = Uri::parse(method.did().as_str())?;
    let credentials = vec![PresentedCredential::WithProof(Box::new(credential))];
    let presentation = Presentation::of(credentials, Some(&holder)).into_document();
    let (challenge, domain) = (Challenge::from(request.challenge), Domain::from(request.domain));
    let suite = cryptosuite(&request.cryptosuite)?;
    let draft = ProofDraft::authentication(suite, &method, &challenge, &domain);
    let draft = draft.created(Timestamp::now()).with_contexts(contexts());
    let secured = draft.secure(presentation, &signer, &RustCrypto).await?;
    Ok(json!({"document": secured}))
}

#[derive(Deserialize)]
struct VerifyRequest {
    document: Object,
    challenge: Option<String>,
    domain: Option<String>,
}

async fn verify() -> Answer {
    let request: VerifyRequest = read()?;
    let verifier = ProofVerifier::new(Arc::new(RustCrypto)).with_contexts(contexts());
    let now = Timestamp::now();
    let expected = match (request.challenge, request.domain) {
        (Some(challenge), Some(domain)) => ExpectedProof::authentication(challenge, domain, now),
        _ => ExpectedProof::assertion(now),
    };
    let controller = verify_one(&verifier, request.document.clone(), &expected).await?;
    // the credentials in a presentation, too
    for credential in request.document.get("verifiableCredential").into_iter().flat_map(list) {
        let credential = credential.as_object().ok_or("a credential is an object")?.clone();
        verify_one(&verifier, credential, &ExpectedProof::assertion(now)).await?;
    }
    Ok(json!({"controller": controller}))
}

async fn verify_one(
    verifier: &ProofVerifier,
    document: Object,
    expected: &ExpectedProof,
) -> Result<String, Box<dyn Error>> {
    let coded = |error: lanyard_core::data_integrity::DataIntegrityError| {
        format!("{}: {error}", error.code())
    };
    let document = UnverifiedDocument::from_object(document).map_err(coded)?;
    let verified = verifier.verify(document, expected).await.map_err(coded)?;
    let first = verified.proofs().first().ok_or("there is no proof")?;
    Ok(first.controller().to_string())
}

fn list(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) => values,
        one => std::slice::from_ref(one),
    }
}

#[derive(Deserialize)]
struct DocumentRequest {
    document: Object,
}

fn n_quads() -> Answer {
    let request: DocumentRequest = read()?;
    let dataset = json_ld::to_rdf(&request.document, Contexts::bundled())?;
    let canonical = dataset.canonicalize(HashAlgorithm::Sha256, &RustCrypto)?;
    Ok(json!({"n_quads": canonical.to_n_quads()}))
}
