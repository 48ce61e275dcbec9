//! One issuer that issues the same credential in every format of OpenID4VC.

use std::sync::Arc;

use jiff::SignedDuration;
use lanyard_core::{
    claims::Claims,
    credential::{Format, HeldCredential, Validity},
    crypto::{CryptoProvider, Curve, PublicKey, Signer as _, SoftwareSigner},
    data_integrity::{Cryptosuite, ProofDraft},
    did::{Did, DidUrl},
    jose::Jwk,
    mdoc::{DocType, IssuerNameSpaces, MdocDraft, NameSpace},
    sd_jwt_vc::{KeyBinding, SdJwtVcDraft, Vct},
    trust::{IssuerIdentifier, IssuerKeySource, IssuerTrust, x509::TrustAnchors},
    w3c::{CredentialDraft, CredentialV1Draft, jwt_vc_json, ldp_vc, vc_jose_cose::SigningOptions},
};
use serde_json::{Value, json};

use crate::{Leaf, LeafOptions, TestCa, test_now};

/// Issues a badge that says `name`, `department` and `level`, in every format of OpenID4VC.
pub struct Mint {
    provider: Arc<dyn CryptoProvider>,
    ca: TestCa,
    iaca: TestCa,
    leaf: Leaf,
    mdoc_leaf: Leaf,
    signer: SoftwareSigner,
    did: Did,
    key_id: DidUrl,
}

/// How a badge may differ from a good one; one fault at a time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flaws {
    /// Whether it has expired.
    pub expired: bool,
    /// Whether nobody could prove that it is theirs; an mdoc is always bound.
    pub unbound: bool,
}

impl Mint {
    /// The `vct` of the badge.
    pub const VCT: &str = "urn:example:mint:badge";
    /// The `type` of the badge, as it is written.
    pub const TYPE: &str = "Badge";
    /// The same type by its IRI, where the context defines it.
    pub const TYPE_IRI: &str = "https://www.w3.org/ns/credentials/examples#Badge";
    /// The context that defines the badge for `ldp_vc`.
    const CONTEXT: &str = "https://www.w3.org/ns/credentials/examples/v2";

    /// An issuer with a certificate, a document signer's certificate and a DID.
    ///
    /// # Panics
    /// When no key can be made.
    pub fn new(provider: Arc<dyn CryptoProvider>) -> Self {
        let (ca, iaca) = (TestCa::new("Mint authority"), TestCa::iaca("Utopia IACA", "UT"));
        let key = provider.generate_key(Curve::P256).expect("a key can be made");
        let signer = SoftwareSigner::new(provider.as_ref(), &key).expect("a whole key");
        let did = Did::from_key(signer.public_key());
        let key_id = did.with_fragment(did.method_specific_id()).expect("base58 is a fragment");
        Self {
            leaf: ca.leaf(&LeafOptions::named("The Mint").dns("mint.example")),
            mdoc_leaf: iaca.leaf(&LeafOptions::mdoc_signer("The Mint", "UT")),
            ca,
            iaca,
            provider,
            signer,
            did,
            key_id,
        }
    }

    /// Believes this issuer in every format.
    ///
    /// # Panics
    /// Never: its authorities are anchors.
    pub fn trust(&self) -> IssuerTrust {
        let anchor = |ca: &TestCa| TrustAnchors::from_der([ca.anchor_der()]).expect("an anchor");
        IssuerTrust::certificates(anchor(&self.ca))
            .and(IssuerTrust::certificates(anchor(&self.iaca)))
            .with(IssuerKeySource::Did(self.did.clone()))
    }

    /// A good badge for the owner of a key.
    pub async fn badge(&self, format: Format, holder: &PublicKey) -> HeldCredential {
        self.flawed(format, holder, Flaws::default()).await
    }

    /// A badge that may have a flaw.
    ///
    /// # Panics
    /// When it cannot be issued.
    pub async fn flawed(&self, format: Format, holder: &PublicKey, flaws: Flaws) -> HeldCredential {
        let text = self.issue(format, holder, flaws).await;
        HeldCredential::danger_hold_unverified(format, &text, self.provider.as_ref())
            .expect("what was issued can be held")
    }

    /// A badge as its issuer hands it out.
    ///
    /// # Panics
    /// When it cannot be issued.
    pub async fn issue(&self, format: Format, holder: &PublicKey, flaws: Flaws) -> String {
        let day = SignedDuration::from_hours(24);
        let until = if flaws.expired { test_now() - day } else { test_now() + day * 365 };
        let since = test_now() - day * 30;
        let provider = self.provider.as_ref();
        match format {
            Format::SdJwtVc => {
                let claims = Claims::new()
                    .selective("name", "Ada Lovelace")
                    .selective("department", "Engines")
                    .selective("level", 7);
                let vct = Vct::parse(Self::VCT).expect("a URN is a type");
                let binding = match flaws.unbound {
                    true => KeyBinding::None,
                    false => KeyBinding::To(Jwk::new(*holder)),
                };
                let validity =
                    Validity { issued_at: Some(since), not_before: None, expires_at: Some(until) };
                let draft = SdJwtVcDraft::new(&vct, None, claims, &binding, &validity);
                let draft = draft.expect("a good draft").with_x5c(&self.leaf.chain);
                let signer = SoftwareSigner::new(provider, &self.leaf.key).expect("a whole key");
                draft.sign(&signer, provider).await.expect("a signature").into_string()
            }
            Format::MsoMdoc => {
                let elements = json!({ NameSpace::MDL: {
                    "given_name": "Ada", "family_name": "Lovelace", "age_over_18": true,
                }});
                let elements = elements.as_object().expect("an object");
                let elements = IssuerNameSpaces::from_json(elements).expect("good elements");
                let validity =
                    Validity { issued_at: Some(since), not_before: None, expires_at: Some(until) };
                let kind = DocType::parse(DocType::MDL).expect("a document type");
                let draft = MdocDraft::new(&kind, elements, holder, &validity).expect("a draft");
                let signer =
                    SoftwareSigner::new(provider, &self.mdoc_leaf.key).expect("a whole key");
                let issued = draft.sign(&signer, &self.mdoc_leaf.chain, provider).await;
                issued.expect("a signature").to_base64url()
            }
            Format::JwtVcJson => {
                let draft = CredentialV1Draft::new(&self.identifier(), since)
                    .of_type(Self::TYPE)
                    .about(subject(holder, flaws))
                    .expires(until);
                let options = SigningOptions::new().with_key_id(&self.key_id.to_string());
                let credential = draft.finish().expect("a good credential");
                let issued = jwt_vc_json::issue(&credential, &options, &self.signer).await;
                issued.expect("a signature").into_string()
            }
            Format::LdpVc => {
                let credential = CredentialDraft::new(&self.identifier())
                    .in_context(Self::CONTEXT)
                    .of_type(Self::TYPE)
                    .about(subject(holder, flaws))
                    .valid_from(since)
                    .valid_until(until)
                    .finish()
                    .expect("a good credential");
                let draft = ProofDraft::assertion(Cryptosuite::EcdsaRdfc2019, &self.key_id);
                let issued = ldp_vc::issue(&credential, draft, &self.signer, provider).await;
                Value::Object(issued.expect("a proof")).to_string()
            }
            Format::VcJwt | Format::VcSdJwt => {
                unreachable!("OpenID4VC has no identifier for this format")
            }
        }
    }

    fn identifier(&self) -> IssuerIdentifier {
        IssuerIdentifier::parse(self.did.as_str()).expect("a DID is one")
    }

    /// A DCQL query for the badge's name, as it is asked for in this format.
    pub fn query(format: Format) -> Value {
        json!({ "credentials": [Self::credential_query(format)] })
    }

    /// The one credential query of [`Mint::query`].
    pub fn credential_query(format: Format) -> Value {
        let (meta, path) = match format {
            Format::SdJwtVc => (json!({ "vct_values": [Self::VCT] }), json!(["name"])),
            Format::MsoMdoc => {
                (json!({ "doctype_value": DocType::MDL }), json!([NameSpace::MDL, "given_name"]))
            }
            Format::JwtVcJson => {
                (json!({ "type_values": [[Self::TYPE]] }), json!(["credentialSubject", "name"]))
            }
            _ => {
                (json!({ "type_values": [[Self::TYPE_IRI]] }), json!(["credentialSubject", "name"]))
            }
        };
        json!({
            "id": "badge", "format": format.name(), "meta": meta, "claims": [{ "path": path }],
        })
    }

    /// The name that a verdict shows of a badge presented in answer to [`Mint::query`].
    pub fn name_in(format: Format, claims: &Value) -> Option<&str> {
        let pointer = match format {
            Format::SdJwtVc => "/name".to_owned(),
            Format::MsoMdoc => format!("/{}/given_name", NameSpace::MDL),
            _ => "/credentialSubject/name".to_owned(),
        };
        claims.pointer(&pointer)?.as_str()
    }
}

fn subject(holder: &PublicKey, flaws: Flaws) -> Value {
    let mut subject = json!({ "name": "Ada Lovelace", "department": "Engines" });
    if !flaws.unbound {
        subject["id"] = Did::from_key(holder).as_str().into();
    }
    subject
}

impl std::fmt::Debug for Mint {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Mint({})", self.did.as_str())
    }
}
