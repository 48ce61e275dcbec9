//! A document and a proof of it, made by hand: what is signed need not be what is sent.

use lanyard_core::{
    crypto::{CryptoProvider as _, Curve, HashAlgorithm, PublicKey, RustCrypto},
    data_integrity::{
        Cryptosuite,
        json_ld::{self, Contexts},
    },
    json,
    w3c::BASE_CONTEXT,
};
use serde_json::{Value, json};

use crate::refusals::keys::Known;
pub(super) use crate::refusals::w3c_jwt::moment;

pub(super) const AUDIENCE: &str = "x509_san_dns:verifier.example";
pub(super) const NONCE: &str = "n-0S6_WzA2Mj";
pub(super) const EXAMPLES: &str = "https://www.w3.org/ns/credentials/examples/v2";

/// The document of a good credential, by an issuer.
pub(super) fn credential(issuer: &Known) -> Value {
    json!({
        "@context": [BASE_CONTEXT],
        "id": "urn:uuid:9c9a36f8-518f-4976-a934-6649502d0008",
        "type": ["VerifiableCredential"],
        "issuer": issuer.did().as_str(),
        "validFrom": moment(-60),
        "validUntil": moment(86_400),
        "credentialSubject": {"id": Known::holder().did().as_str(), "name": "Ada"},
    })
}

/// A document, the options of its proof, and who signs.
pub(super) struct Parts {
    pub(super) suite: Cryptosuite,
    pub(super) document: Value,
    pub(super) options: Value,
    pub(super) by: Known,
}

impl Parts {
    pub(super) fn good(suite: Cryptosuite, by: Known) -> Self {
        let options = json!({
            "type": "DataIntegrityProof",
            "cryptosuite": suite.name(),
            "created": moment(-30),
            "verificationMethod": by.key_id(),
            "proofPurpose": "assertionMethod",
        });
        Self { suite, document: credential(&by), options, by }
    }

    /// Of canonical JSON, so that everything in it is signed, whatever it is.
    pub(super) fn jcs() -> Self {
        Self::good(Cryptosuite::EddsaJcs2022, Known::ed25519())
    }

    /// Of canonical RDF.
    pub(super) fn rdfc() -> Self {
        Self::good(Cryptosuite::EcdsaRdfc2019, Known::issuer())
    }

    /// An option of the proof, or none by null; it is signed.
    pub(super) fn option(mut self, name: &str, value: Value) -> Self {
        set(&mut self.options, name, value);
        self
    }

    pub(super) fn document(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change(&mut self.document);
        self
    }

    /// The proof, over the document.
    pub(super) fn proof(&self) -> Value {
        self.proof_over(&self.document)
    }

    /// The proof, over another document than the one it is sent with.
    pub(super) fn proof_over(&self, document: &Value) -> Value {
        let mut proof = self.options.clone();
        if is_jcs(self.suite) {
            proof["@context"] = document["@context"].clone();
        }
        let signature = self.by.sign(&self.data(document, &proof));
        proof["proofValue"] = json!(format!("z{}", bs58::encode(signature).into_string()));
        proof
    }

    fn data(&self, document: &Value, options: &Value) -> Vec<u8> {
        let hash = match self.by.public.curve() {
            Curve::P384 => HashAlgorithm::Sha384,
            _ => HashAlgorithm::Sha256,
        };
        let mut options = options.clone();
        options["@context"] = document["@context"].clone();
        let canonical = |value: &Value| {
            let value = value.as_object().expect("it is an object");
            if is_jcs(self.suite) {
                return json::canonicalize_object(value).expect("it has a canonical form");
            }
            let dataset = json_ld::to_rdf(value, Contexts::bundled()).expect("it is JSON-LD");
            dataset.canonicalize(hash, &RustCrypto).expect("it is small").to_n_quads()
        };
        let digest = |value: &Value| RustCrypto.hash(hash, canonical(value).as_bytes());
        [digest(&options).as_bytes(), digest(document).as_bytes()].concat()
    }

    /// The document with its proof.
    pub(super) fn secured(&self) -> Value {
        self.with_proof(self.proof())
    }

    /// The document with another proof.
    pub(super) fn with_proof(&self, proof: Value) -> Value {
        let mut secured = self.document.clone();
        secured["proof"] = proof;
        secured
    }

    pub(super) fn text(&self) -> String {
        self.secured().to_string()
    }

    /// The document with its proof, changed after it was signed.
    pub(super) fn changed(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut secured = self.secured();
        change(&mut secured);
        secured.to_string()
    }
}

pub(super) const fn is_jcs(suite: Cryptosuite) -> bool {
    matches!(suite, Cryptosuite::EddsaJcs2022 | Cryptosuite::EcdsaJcs2019)
}

/// Sets a member, or removes it by null.
pub(super) fn set(object: &mut Value, name: &str, value: Value) {
    let members = object.as_object_mut().expect("it is an object");
    if value.is_null() {
        members.shift_remove(name);
    } else {
        members.insert(name.to_owned(), value);
    }
}

/// Another signature of the same length, by changing one character.
pub(super) fn flipped(proof_value: &str) -> String {
    let (head, last) = proof_value.split_at(proof_value.len() - 1);
    format!("{head}{}", if last == "2" { "3" } else { "2" })
}

pub(super) fn is_p384(known: &Known) -> bool {
    matches!(known.public, PublicKey::P384(_))
}

impl Parts {
    /// The document with a proof over its canonical JSON, by the same key: for what is no JSON-LD.
    pub(super) fn secured_by_jcs(mut self) -> Value {
        self.suite = Cryptosuite::EcdsaJcs2019;
        self.options["cryptosuite"] = json!(self.suite.name());
        self.secured()
    }
}
