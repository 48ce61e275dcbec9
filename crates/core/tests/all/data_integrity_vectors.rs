//! The official vectors of the cryptosuites: every intermediate step, every signature.

use std::sync::Arc;

use lanyard_core::{
    Timestamp,
    crypto::{HashAlgorithm, PrivateKey, PublicKey, RustCrypto, SoftwareSigner},
    data_integrity::{
        Cryptosuite, DataIntegrityError, ExpectedProof, ProofDraft, ProofVerifier,
        UnverifiedDocument,
        json_ld::{self, Contexts, JsonLdError},
    },
    did::{Did, DidMethods, DidResolver, DidUrl},
    json::{self, Object, canonicalize},
};
use lanyard_testkit::vectors;
use serde_json::json;

use crate::data_integrity::{PROVIDERS, now, providers};

/// A folder of vectors of a JCS suite, and what its files' names end with.
const JCS: [(&str, &str, HashAlgorithm); 3] = [
    ("eddsa/eddsa-jcs-2022", "JCS", HashAlgorithm::Sha256),
    ("ecdsa/ecdsa-jcs-2019-p256", "JCSECDSAP256", HashAlgorithm::Sha256),
    ("ecdsa/ecdsa-jcs-2019-p384", "JCSECDSAP384", HashAlgorithm::Sha384),
];

/// A folder of vectors of an RDFC suite, what its files' names end with, and the document.
const RDFC: [(&str, &str, &str, HashAlgorithm); 6] = [
    ("eddsa/eddsa-rdfc-2022", "DataInt", "eddsa/unsigned.json", HashAlgorithm::Sha256),
    ("eddsa/eddsa-rdfc-2022/employ", "DataInt", "eddsa/employmentAuth.json", HashAlgorithm::Sha256),
    ("ecdsa/ecdsa-rdfc-2019-p256", "ECDSAP256", "ecdsa/unsigned.json", HashAlgorithm::Sha256),
    (
        "ecdsa/ecdsa-rdfc-2019-p256/employ",
        "ECDSAP256",
        "ecdsa/employmentAuth.json",
        HashAlgorithm::Sha256,
    ),
    ("ecdsa/ecdsa-rdfc-2019-p384", "ECDSAP384", "ecdsa/unsigned.json", HashAlgorithm::Sha384),
    (
        "ecdsa/ecdsa-rdfc-2019-p384/employ",
        "ECDSAP384",
        "ecdsa/employmentAuth.json",
        HashAlgorithm::Sha384,
    ),
];

fn available() -> bool {
    ["eddsa", "ecdsa", "json-ld-contexts"].into_iter().all(vectors::available)
}

pub(crate) fn object(path: &str) -> Object {
    json::parse_object(&vectors::bytes(path)).expect("a vector is strict JSON")
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bundled contexts, and one that only the vectors use.
pub(crate) fn contexts() -> Arc<Contexts> {
    let citizenship = vectors::bytes("json-ld-contexts/citizenship-v4rc1.jsonld");
    let contexts = Contexts::new().with("https://w3id.org/citizenship/v4rc1", &citizenship);
    Arc::new(contexts.expect("it is a context"))
}

/// After every proof in the vectors was made.
pub(crate) fn moment() -> Timestamp {
    "2025-01-01T00:00:00Z".parse().expect("it is a moment")
}

fn verify(document: Object) -> Result<usize, DataIntegrityError> {
    let [one, other] = providers().map(|provider| {
        let document = UnverifiedDocument::from_object(document.clone())?;
        let verifier = ProofVerifier::new(provider).with_contexts(contexts());
        let verified = now(verifier.verify(document, &ExpectedProof::assertion(moment())))?;
        Ok(verified.proofs().len())
    });
    assert_eq!(one, other, "the providers agree");
    one
}

/// The key that a proof of the vectors names.
pub(crate) fn key(method: &str) -> PublicKey {
    let url = DidUrl::parse(method).expect("it is a DID URL");
    let document = now(DidMethods::new(Arc::new(RustCrypto)).resolve(url.did()));
    *document.expect("it is a did:key").assertion_method(&url).expect("it has one key")
}

/// A private key in the multibase form of the vectors.
fn private_key(multibase: &str, public: PublicKey) -> PrivateKey {
    let bytes = bs58::decode(&multibase[1..]).into_vec().expect("it is base58");
    PrivateKey::from_parts(bytes[2..].to_vec(), public).expect("the halves fit")
}

#[test]
fn every_step_of_the_jcs_suites_is_the_printed_one() {
    if !available() {
        return;
    }
    for (folder, suffix, algorithm) in JCS {
        let text = |name: &str| vectors::text(format!("{folder}/{name}{suffix}.txt"));
        let document = vectors::json(format!("{}/unsigned.json", &folder[..5]));
        let options = vectors::json(format!("{folder}/proofConfig{suffix}.json"));
        assert_eq!(canonicalize(&document).unwrap(), text("canonDoc"), "{folder}");
        assert_eq!(canonicalize(&options).unwrap(), text("proofCanon"), "{folder}");
        check_hashes(folder, suffix, algorithm, "");
    }
}

#[test]
fn every_step_of_the_rdfc_suites_is_the_printed_one() {
    if !available() {
        return;
    }
    for (folder, suffix, document, algorithm) in RDFC {
        let text = |name: &str| vectors::text(format!("{folder}/{name}{suffix}.txt"));
        for provider in PROVIDERS {
            let canonical = |document: &Object| {
                let dataset = json_ld::to_rdf(document, &contexts()).unwrap();
                dataset.canonicalize(algorithm, provider).unwrap().to_n_quads()
            };
            let options = object(&format!("{folder}/proofConfig{suffix}.json"));
            assert_eq!(canonical(&object(document)).trim_end(), text("canonDoc"), "{folder}");
            assert_eq!(canonical(&options).trim_end(), text("proofCanon"), "{folder}");
        }
        check_hashes(folder, suffix, algorithm, "\n");
    }
}

/// From the canonical forms, which end as given, to the signature.
fn check_hashes(folder: &str, suffix: &str, algorithm: HashAlgorithm, end: &str) {
    let text = |name: &str| vectors::text(format!("{folder}/{name}{suffix}.txt"));
    let secured = object(&format!("{folder}/signed{suffix}.json"));
    let unverified = UnverifiedDocument::from_object(secured.clone()).expect("it has a proof");
    let [proof] = unverified.proofs() else { unreachable!("the vectors have one proof each") };
    let key = key(proof.verification_method());
    for provider in PROVIDERS {
        let hash = |name: &str| {
            hex(provider.hash(algorithm, format!("{}{end}", text(name)).as_bytes()).as_ref())
        };
        assert_eq!(hash("canonDoc"), text("docHash"), "{folder}");
        assert_eq!(hash("proofCanon"), text("proofHash"), "{folder}");
        assert_eq!([text("proofHash"), text("docHash")].concat(), text("combinedHash"), "{folder}");
        let document = unverified.danger_unverified_document();
        let data = proof.hash_data(document, &key, &contexts(), provider);
        assert_eq!(data.map(|data| hex(&data)), Ok(text("combinedHash")), "{folder}");
    }
    assert_eq!(secured["proof"]["proofValue"], text("sigBTC58"), "{folder}");
    let signature = bs58::decode(&text("sigBTC58")[1..]).into_vec().expect("it is base58");
    assert_eq!(hex(&signature), text("sigHex"), "{folder}");
    assert_eq!(verify(secured.clone()), Ok(1), "{folder}");
    let mut changed = secured;
    changed["validFrom"] = "2024-01-01T00:00:00Z".into();
    assert_eq!(verify(changed), Err(DataIntegrityError::Signature), "{folder}");
}

#[test]
fn signing_with_the_printed_key_gives_the_printed_document() {
    if !available() {
        return;
    }
    // Ed25519 signatures are reproducible, those of ECDSA are not
    let pair = vectors::json("eddsa/keyPair.json");
    let public = pair["publicKeyMultibase"].as_str().unwrap();
    let did = Did::parse(&format!("did:key:{public}")).unwrap();
    let method = did.with_fragment(public).unwrap();
    let key = private_key(pair["privateKeyMultibase"].as_str().unwrap(), key(&method.to_string()));
    let created = "2023-02-24T23:36:38Z".parse().unwrap();
    for (suite, signed) in [
        (Cryptosuite::EddsaJcs2022, "eddsa/eddsa-jcs-2022/signedJCS.json"),
        (Cryptosuite::EddsaRdfc2022, "eddsa/eddsa-rdfc-2022/signedDataInt.json"),
    ] {
        for provider in PROVIDERS {
            let signer = SoftwareSigner::new(provider, &key).unwrap();
            let draft = ProofDraft::assertion(suite, &method).created(created);
            let secured = now(draft.secure(object("eddsa/unsigned.json"), &signer, provider));
            assert_eq!(secured.unwrap(), object(signed), "{suite}");
        }
    }
}

#[test]
fn the_proof_set_and_the_proof_chain_verify_and_can_be_made_again() {
    if !available() {
        return;
    }
    let file = |name: &str| object(&format!("eddsa/proof-set-chain/{name}.json"));
    for (name, proofs) in [
        ("signedProofSet1", 1),
        ("signedProofSet2", 2),
        ("signedProofChain1", 3),
        ("signedProofChain2", 4),
    ] {
        assert_eq!(verify(file(name)), Ok(proofs), "{name}");
    }
    let pairs = file("multiKeyPairs");
    let mut document = file("unsigned");
    for (pair, config, after) in [
        ("keyPair1", "proofSetConfig1", "signedProofSet1"),
        ("keyPair2", "proofSetConfig2", "signedProofSet2"),
        ("keyPair3", "proofChainConfig1", "signedProofChain1"),
        ("keyPair4", "proofChainConfig2", "signedProofChain2"),
    ] {
        let config = file(config);
        let text = |name: &str| config[name].as_str().unwrap();
        let method = DidUrl::parse(text("verificationMethod")).unwrap();
        let secret = pairs[pair]["privateKeyMultibase"].as_str().unwrap();
        let key = private_key(secret, key(text("verificationMethod")));
        let signer = SoftwareSigner::new(&RustCrypto, &key).unwrap();
        let mut draft = ProofDraft::assertion(Cryptosuite::EddsaRdfc2022, &method)
            .created(text("created").parse().unwrap());
        if config.contains_key("id") {
            draft = draft.with_id(text("id"));
        }
        let previous = match config.get("previousProof") {
            Some(serde_json::Value::Array(ids)) => {
                ids.iter().filter_map(|id| id.as_str()).collect()
            }
            Some(id) => vec![id.as_str().unwrap()],
            None => Vec::new(),
        };
        document = now(draft.after(&previous).secure(document, &signer, &RustCrypto)).unwrap();
        assert_eq!(document, file(after), "{after}");
    }
}

#[test]
fn a_proof_of_a_deprecated_type_is_refused_by_its_type() {
    if !available() {
        return;
    }
    let document = object("eddsa/Ed25519Signature2020/signedEdSig.json");
    assert_eq!(verify(document), Err(DataIntegrityError::ProofType));
}

#[test]
fn the_bundled_contexts_are_the_official_ones() {
    if !available() {
        return;
    }
    let official = |url: &str| match url {
        "https://www.w3.org/ns/credentials/v2" => "credentials-v2",
        "https://www.w3.org/ns/credentials/examples/v2" => "credentials-examples-v2",
        "https://www.w3.org/2018/credentials/v1" => "credentials-v1",
        "https://www.w3.org/2018/credentials/examples/v1" => "credentials-examples-v1",
        "https://w3id.org/security/data-integrity/v2" => "security-data-integrity-v2",
        "https://w3id.org/security/data-integrity/v1" => "security-data-integrity-v1",
        "https://w3id.org/security/suites/jws-2020/v1" => "security-jws-2020-v1",
        "https://www.w3.org/ns/did/v1" => "did-v1",
        "https://w3id.org/vc/status-list/2021/v1" => "status-list-2021-v1",
        "https://w3id.org/vdl/v1" => "vdl-v1",
        _ => "",
    };
    // the two digests that the Recommendations print, over the bytes of the official files
    let published = [
        ("credentials-v2", "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734"),
        (
            "security-data-integrity-v2",
            "67f21e6e33a6c14e5ccfd2fc7865f7474fb71a04af7e94136cb399dfac8ae8f4",
        ),
    ];
    for (name, digest) in published {
        let bytes = vectors::bytes(format!("json-ld-contexts/{name}.jsonld"));
        assert_eq!(hex(PROVIDERS[0].hash(HashAlgorithm::Sha256, &bytes).as_ref()), digest);
    }
    for (url, document) in Contexts::bundled_documents() {
        let theirs = vectors::json(format!("json-ld-contexts/{}.jsonld", official(url)));
        let ours = json::parse(document.as_bytes()).unwrap();
        // the copies differ in white space, so they are compared by their canonical form
        assert_eq!(canonicalize(&ours).unwrap(), canonicalize(&theirs).unwrap(), "{url}");
    }
    assert_eq!(Contexts::bundled().urls().count(), 10);
}

#[test]
fn a_context_that_is_not_bundled_is_unknown_until_an_integrator_adds_it() {
    if !available() {
        return;
    }
    for (name, url, subject) in [
        (
            "security-ed25519-2020-v1",
            "https://w3id.org/security/suites/ed25519-2020/v1",
            json!({"type": "Ed25519VerificationKey2020", "publicKeyMultibase": "z6Mk"}),
        ),
        (
            "security-jwk-v1",
            "https://w3id.org/security/jwk/v1",
            json!({"type": "JsonWebKey", "publicKeyJwk": {"kty": "OKP"}}),
        ),
        (
            "security-multikey-v1",
            "https://w3id.org/security/multikey/v1",
            json!({"type": "Multikey", "publicKeyMultibase": "z6Mk"}),
        ),
        (
            "status-bitstring-v1",
            "https://www.w3.org/ns/credentials/status/v1",
            json!({"type": "BitstringStatusList", "statusPurpose": "revocation"}),
        ),
        ("vdl-aamva-v1", "https://w3id.org/vdl/aamva/v1", json!({"aamva_aka_suffix": "III"})),
    ] {
        let document = json!({"@context": url, "@id": "https://subject.example/1"});
        let mut document = document.as_object().expect("an object").clone();
        document.extend(subject.as_object().expect("an object").clone());
        let unknown = json_ld::to_rdf(&document, &Contexts::new()).map(drop);
        assert_eq!(unknown, Err(JsonLdError::UnknownContext(url.to_owned())), "{name}");
        let context = vectors::bytes(format!("json-ld-contexts/{name}.jsonld"));
        let contexts = Contexts::new().with(url, &context).unwrap();
        assert_eq!(json_ld::to_rdf(&document, &contexts).map(drop), Ok(()), "{name}");
        // and it says what is in it, not anything else
        document.insert("made_up".to_owned(), json!(1));
        assert!(json_ld::to_rdf(&document, &contexts).is_err(), "{name}");
    }
}

#[test]
fn what_only_json_ld_refuses_of_the_w3c_suite_is_refused_and_what_is_good_is_read() {
    if !available() || !vectors::available("vc-data-model") {
        return;
    }
    let undefined = vectors::bytes("json-ld-contexts/credentials-undefined-terms-v2.jsonld");
    let contexts = Contexts::new()
        .with("https://www.w3.org/ns/credentials/undefined-terms/v2", &undefined)
        .unwrap();
    let outcome = |file: &std::path::Path| {
        let mut document = json::parse_object(&vectors::bytes(file)).unwrap();
        // an input's own proof is taken away before a cryptosuite looks at the document
        document.shift_remove("proof");
        json_ld::to_rdf(&document, &contexts).map(drop)
    };
    let mut good = 0;
    for folder in ["vc-data-model/inputs", "vc-data-model/inputs/names-and-descriptions"] {
        for file in vectors::files(folder, "json") {
            let name = file.file_stem().unwrap().to_string_lossy().into_owned();
            if name.ends_with("-ok") {
                assert_eq!(outcome(&file), Ok(()), "{name}");
                good += 1;
            }
        }
    }
    assert!(good > 45, "{good}");
    for (name, code) in [
        ("credential-redef-type-fail", "context_term_protected"),
        ("credential-redef-type2-fail", "context_term_protected"),
        ("credential-type-mapped-nonurl-fail", "rdf_iri_malformed"),
        ("credential-type-unmapped-fail", "json_ld_relative_iri"),
    ] {
        let file = vectors::folder().join(format!("vc-data-model/inputs/{name}.json"));
        assert_eq!(outcome(&file).map_err(|error| error.code()), Err(code), "{name}");
    }
}
