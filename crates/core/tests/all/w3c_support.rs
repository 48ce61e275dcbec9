//! Issuers and holders of W3C credentials that sign whatever a test wants, right or wrong.

use std::sync::Arc;

use lanyard_core::{
    credential::ValidityPolicy,
    crypto::{AwsLc, CryptoProvider, RustCrypto},
    did::{Did, DidUrl},
    jose::Jwk,
    sd_jwt::{Audience, KeyBindingWindow, RequestNonce},
    trust::{IssuerIdentifier, IssuerKeySource, IssuerKeys, IssuerTrust},
    w3c::{ExpectedPresentation, vc_jose_cose::PresentationRequest},
};
use lanyard_testkit::test_now;
use serde_json::{Value, json};

use crate::sd_jwt_support::{AUDIENCE, NONCE, Party};

/// Someone with a key and a DID for it.
pub(crate) struct Person {
    pub(crate) party: Party,
    pub(crate) did: Did,
    pub(crate) key_id: DidUrl,
}

impl Person {
    pub(crate) fn new() -> Self {
        let party = Party::new();
        let did = Did::from_jwk(&party.jwk);
        let key_id = did.with_fragment("0").expect("a digit is a fragment");
        Self { party, did, key_id }
    }

    pub(crate) fn identifier(&self) -> IssuerIdentifier {
        IssuerIdentifier::parse(self.did.as_str()).expect("a DID is one")
    }

    pub(crate) fn jwk(&self) -> &Jwk {
        &self.party.jwk
    }

    /// A JWT with this header and these claims, by the key that `kid` names unless it is changed.
    pub(crate) fn sign(&self, typ: &str, header: &Value, claims: &Value) -> String {
        let whole = json!({"typ": typ, "kid": self.key_id.to_string()});
        self.party.sign(&changed(&whole, header), claims)
    }
}

/// A document with some members replaced (by null: removed); members of `vc` and `vp` one level below.
pub(crate) fn changed(document: &Value, changes: &Value) -> Value {
    let mut document = document.clone();
    let members = document.as_object_mut().expect("a document is an object");
    for (name, value) in changes.as_object().expect("changes are an object") {
        match (members.get(name), value) {
            (_, Value::Null) => {
                members.shift_remove(name);
            }
            (Some(inner @ Value::Object(_)), Value::Object(_)) if name == "vc" || name == "vp" => {
                let inner = changed(inner, value);
                members.insert(name.clone(), inner);
            }
            _ => {
                members.insert(name.clone(), value.clone());
            }
        }
    }
    document
}

pub(crate) fn providers() -> [Arc<dyn CryptoProvider>; 2] {
    [Arc::new(RustCrypto), Arc::new(AwsLc)]
}

/// The keys of issuers who are believed, each by its DID.
pub(crate) fn issuers_by_did(trusted: &[&Person], provider: Arc<dyn CryptoProvider>) -> IssuerKeys {
    let believe =
        |trust: IssuerTrust, person: &&Person| trust.with(IssuerKeySource::Did(person.did.clone()));
    IssuerKeys::new(trusted.iter().fold(IssuerTrust::new(), believe), provider)
}

/// What the tests' verifier asked for.
pub(crate) struct Asked {
    audience: Audience,
    nonce: RequestNonce,
}

impl Asked {
    pub(crate) fn new() -> Self {
        Self { audience: AUDIENCE.into(), nonce: NONCE.into() }
    }

    pub(crate) fn expected(&self) -> ExpectedPresentation<'_> {
        ExpectedPresentation {
            audience: &self.audience,
            nonce: &self.nonce,
            now: test_now(),
            window: KeyBindingWindow::default(),
            validity: ValidityPolicy::default(),
        }
    }

    pub(crate) fn request<'r>(&'r self, holder: &'r Person) -> PresentationRequest<'r> {
        PresentationRequest {
            audience: &self.audience,
            nonce: &self.nonce,
            now: test_now(),
            signer: &holder.party.signer,
            key_id: Some(&holder.key_id),
        }
    }
}
