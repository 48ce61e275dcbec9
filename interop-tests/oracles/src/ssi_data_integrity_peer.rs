//! Credentials that `ssi` (SpruceID) secures by Data Integrity proofs. Keys are private JWKs, and named by their
//! did:key.

use serde_json::{Value, json};
use ssi::claims::VerificationParameters;
use ssi::claims::data_integrity::{AnySuite, CryptographicSuite as _, DataIntegrity, ProofOptions};
use ssi::claims::vc::v2::JsonCredential;
use ssi::dids::{AnyDidMethod, DIDResolver as _};
use ssi::json_ld::{ContextLoader, Expandable as _};
use ssi::rdf::{AnyLdEnvironment as _, LdEnvironment};
use ssi::verification_methods::{AnyMethod, ReferenceOrOwned, SingleSecretSigner};

use crate::ssi_w3c_peer::{jwk, method, read};
use crate::{Answer, text, words};

/// `issue`: `document`, `cryptosuite`, `private_jwk`.
pub async fn issue(request: &Value) -> Answer<Value> {
    let key = jwk(&request["private_jwk"])?;
    let suite = match text(request, "cryptosuite")? {
        "eddsa-rdfc-2022" => AnySuite::EdDsaRdfc2022,
        "ecdsa-rdfc-2019" => AnySuite::EcdsaRdfc2019,
        other => return Err(format!("no cryptosuite `{other}`")),
    };
    let method = ReferenceOrOwned::Reference(method(&key)?.into_iri());
    let options = ProofOptions::from_method_and_options(method, Default::default());
    let resolver = AnyDidMethod::default().into_vm_resolver::<AnyMethod>();
    let signer = SingleSecretSigner::new(key).into_local();
    let document: JsonCredential = read(&request["document"])?;
    let document = suite.sign(document, &resolver, &signer, options).await.map_err(words)?;
    Ok(json!({ "document": document }))
}

/// `verify`: `document`.
pub async fn verify(request: &Value) -> Answer<Value> {
    let document: DataIntegrity<JsonCredential, AnySuite> = read(&request["document"])?;
    let resolver = AnyDidMethod::default().into_vm_resolver::<AnyMethod>();
    let parameters = VerificationParameters::from_resolver(resolver);
    document.verify(&parameters).await.map_err(words)?.map_err(words)?;
    let method = request["document"]["proof"]["verificationMethod"].as_str();
    let controller = method.and_then(|method| method.split('#').next());
    Ok(json!({ "controller": controller }))
}

/// `n-quads`: `document`, without a proof.
pub async fn n_quads(request: &Value) -> Answer<Value> {
    let document: JsonCredential = read(&request["document"])?;
    let mut environment = LdEnvironment::default();
    let loader = ContextLoader::default();
    let expanded = document.expand_with(&mut environment, &loader).await.map_err(words)?;
    let lines = environment.canonical_form_of(&expanded).map_err(words)?;
    Ok(json!({ "n_quads": lines.concat() }))
}
