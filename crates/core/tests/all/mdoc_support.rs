//! An issuer, a device and a verifier of mdocs; the issuer and the device sign whatever a test wants.

use std::sync::Arc;

use jiff::SignedDuration;
use lanyard_core::{
    Timestamp,
    cbor::{Encoder, Value},
    cose::{self, Header, Payload},
    credential::{Validity, ValidityPolicy},
    crypto::{
        AwsLc, CryptoProvider, Curve, HashAlgorithm, PrivateKey, RustCrypto, Signer as _,
        SoftwareSigner,
    },
    json,
    mdoc::{
        DeviceProof, DocType, ElementName, ExpectedDeviceAuth, ExpectedMdoc, HeldMdoc,
        IssuerNameSpaces, MdocDraft, MdocError, MdocPresentationError, NameSpace,
        OpenId4VpHandover, SessionTranscript, UnverifiedMdoc, VerifiedMdoc, verify_presentation,
    },
    sd_jwt::{Audience, RequestNonce},
    trust::{IssuerKeys, IssuerTrust, x509::TrustAnchors},
};
use lanyard_testkit::{Leaf, LeafOptions, TestCa, test_now};

use crate::{
    sd_jwt_support::{PROVIDERS, ready},
    sd_jwt_vc::providers,
};

pub(crate) const COUNTRY: &str = "UT";
pub(crate) const CLIENT_ID: &str = "x509_san_dns:verifier.example";
pub(crate) const NONCE: &str = "nonce-1";
pub(crate) const RESPONSE_URI: &str = "https://verifier.example/response";

/// One issuer, one device, one verifier and one exchange.
pub(crate) struct World {
    /// The issuing authority; none when its key is not at hand.
    pub(crate) iaca: Option<TestCa>,
    pub(crate) anchor: Vec<u8>,
    pub(crate) leaf: Leaf,
    pub(crate) issuer: SoftwareSigner,
    pub(crate) device_key: PrivateKey,
    pub(crate) device: SoftwareSigner,
    pub(crate) transcript: SessionTranscript,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_device_on(Curve::P256)
    }

    pub(crate) fn with_device_on(curve: Curve) -> Self {
        let iaca = TestCa::iaca("Utopia IACA", COUNTRY);
        let leaf = iaca.leaf(&LeafOptions::mdoc_signer("Utopia DS", COUNTRY));
        let issuer = SoftwareSigner::new(&AwsLc, &leaf.key).expect("a leaf's key is whole");
        let device_key = AwsLc.generate_key(curve).expect("a key can be made");
        let device = SoftwareSigner::new(&AwsLc, &device_key).expect("its halves belong together");
        let transcript = transcript(CLIENT_ID, NONCE);
        let anchor = iaca.anchor_der().to_vec();
        Self { iaca: Some(iaca), anchor, leaf, issuer, device_key, device, transcript }
    }

    /// A world of keys that everybody knows, whose signatures come out the same every time.
    pub(crate) fn known(anchor: Vec<u8>, leaf: Leaf, device_key: PrivateKey) -> Self {
        let signer =
            |key| SoftwareSigner::new(&RustCrypto, key).expect("its halves belong together");
        let (issuer, device) = (signer(&leaf.key), signer(&device_key));
        let transcript = transcript(CLIENT_ID, NONCE);
        Self { iaca: None, anchor, leaf, issuer, device_key, device, transcript }
    }

    pub(crate) const fn iaca(&self) -> &TestCa {
        self.iaca.as_ref().expect("only a known world has none")
    }

    pub(crate) fn trust(&self) -> IssuerTrust {
        let anchors = TrustAnchors::from_der([&self.anchor]);
        IssuerTrust::certificates(anchors.expect("an IACA is an anchor"))
    }

    pub(crate) fn keys(&self) -> [IssuerKeys; 2] {
        providers().map(|provider| IssuerKeys::new(self.trust(), provider))
    }

    /// A driving licence, issued by our own code.
    pub(crate) fn draft(&self) -> MdocDraft {
        let draft = MdocDraft::new(&mdl(), licence(), self.device.public_key(), &validity());
        draft.expect("it is a good draft")
    }

    pub(crate) fn issue(&self) -> Vec<u8> {
        self.issue_draft(self.draft())
    }

    pub(crate) fn issue_draft(&self, draft: MdocDraft) -> Vec<u8> {
        let issued = ready(draft.sign(&self.issuer, &self.leaf.chain, &AwsLc));
        issued.expect("a key in memory signs").as_bytes().to_vec()
    }

    pub(crate) fn hold(&self, issuer_signed: &[u8]) -> Result<HeldMdoc, MdocPresentationError> {
        let held = self.keys().map(|keys| {
            let mdoc = UnverifiedMdoc::parse(issuer_signed)?;
            let key = ready(keys.find(&mdoc.claimed_issuer(), test_now()))?;
            Ok(mdoc.verify_for_holding(key, test_now(), keys.provider())?)
        });
        agree(held)
    }

    /// Presents in the world's own exchange, with a signature.
    pub(crate) fn present(&self, held: &HeldMdoc, disclose: &[ElementName]) -> String {
        let proof = DeviceProof::Signature(&self.device);
        let response = ready(held.present(disclose, &self.transcript, proof, &AwsLc));
        response.expect("a key in memory signs").to_base64url()
    }

    /// A good presentation of two elements of a good mdoc.
    pub(crate) fn presented(&self) -> String {
        let held = self.hold(&self.issue()).expect("it is a good mdoc");
        self.present(&held, &[name("family_name"), name("issuing_country")])
    }

    /// Verifies a base64url DeviceResponse in the world's own exchange.
    pub(crate) fn verify(&self, response: &str) -> Result<VerifiedMdoc, MdocPresentationError> {
        self.verify_as(response, &self.transcript, None)
    }

    pub(crate) fn verify_as(
        &self,
        response: &str,
        transcript: &SessionTranscript,
        reader_key: Option<&PrivateKey>,
    ) -> Result<VerifiedMdoc, MdocPresentationError> {
        let expected = ExpectedMdoc {
            doc_type: Some(&mdl()),
            device_auth: ExpectedDeviceAuth { transcript, reader_key },
            validity: ValidityPolicy::default(),
            now: test_now(),
        };
        agree(self.keys().map(|keys| ready(verify_presentation(response, &expected, &keys))))
    }

    pub(crate) fn forge(&self) -> Forge<'_> {
        Forge {
            world: self,
            doc_type: DocType::MDL.to_owned(),
            transcript: self.transcript.clone(),
            items: vec![
                item(0, "family_name", "Example".into()),
                item(1, "issuing_country", COUNTRY.into()),
            ],
            chain: self.leaf.chain.clone(),
            edits: Vec::new(),
            device_elements: Value::Map(Vec::new()),
        }
    }
}

/// Both providers come to the same end.
fn agree<T>(ends: [Result<T, MdocPresentationError>; 2]) -> Result<T, MdocPresentationError> {
    let [one, other] = ends;
    assert_eq!(one.as_ref().err(), other.as_ref().err());
    one
}

pub(crate) fn mdl() -> DocType {
    DocType::parse(DocType::MDL).expect("a good type")
}

pub(crate) fn name(identifier: &str) -> ElementName {
    ElementName::parse(NameSpace::MDL, identifier).expect("a good name")
}

pub(crate) fn licence() -> IssuerNameSpaces {
    IssuerNameSpaces::new()
        .with(&name("family_name"), "Example")
        .with(&name("given_name"), "Ada")
        .with(&name("birth_date"), Value::full_date("1990-12-10"))
        .with(&name("portrait"), vec![7; 40])
        .with(&name("issuing_country"), COUNTRY)
        .with(&name("age_over_18"), true)
}

pub(crate) fn validity() -> Validity {
    Validity::rounded_to_days(test_now(), SignedDuration::from_hours(30 * 24))
}

pub(crate) fn transcript(client_id: &str, nonce: &str) -> SessionTranscript {
    let handover = OpenId4VpHandover {
        client_id: &Audience::from(client_id),
        nonce: &RequestNonce::from(nonce),
        encryption_key: None,
        response_uri: RESPONSE_URI,
    };
    let [one, other] = PROVIDERS.map(|provider| SessionTranscript::openid4vp(&handover, provider));
    assert_eq!(one, other);
    one
}

pub(crate) fn date_time(text: &str) -> Value {
    Value::Tag(0, Box::new(text.into()))
}

/// An IssuerSignedItem, before it is put behind tag 24.
pub(crate) fn item(id: u64, identifier: &str, value: Value) -> Value {
    Value::map([
        ("digestID", id.into()),
        ("random", vec![id as u8; 16].into()),
        ("elementIdentifier", identifier.into()),
        ("elementValue", value),
    ])
}

pub(crate) fn embedded(item: &[u8]) -> Value {
    Value::Tag(24, Box::new(Value::Bytes(item.to_vec())))
}

/// What a forger changes: a member somewhere, by its path; none removes it.
type Edit = (Part, Vec<Value>, Option<Value>);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Mso,
    IssuerSigned,
    DeviceSigned,
    Document,
    Response,
}

/// A good mdoc with some things changed, signed after the change wherever the change is signed at all.
pub(crate) struct Forge<'w> {
    pub(crate) world: &'w World,
    pub(crate) doc_type: String,
    pub(crate) transcript: SessionTranscript,
    pub(crate) items: Vec<Value>,
    pub(crate) chain: Vec<Vec<u8>>,
    pub(crate) device_elements: Value,
    edits: Vec<Edit>,
}

impl Forge<'_> {
    pub(crate) fn set(self, part: Part, path: &[&str], value: impl Into<Value>) -> Self {
        self.edit(part, path.iter().map(|key| (*key).into()).collect(), Some(value.into()))
    }

    pub(crate) fn remove(self, part: Part, path: &[&str]) -> Self {
        self.edit(part, path.iter().map(|key| (*key).into()).collect(), None)
    }

    pub(crate) fn edit(mut self, part: Part, path: Vec<Value>, value: Option<Value>) -> Self {
        self.edits.push((part, path, value));
        self
    }

    pub(crate) fn item(mut self, item: Value) -> Self {
        self.items.push(item);
        self
    }

    fn edited(&self, part: Part, mut value: Value) -> Value {
        for (_, path, replacement) in self.edits.iter().filter(|(of, _, _)| *of == part) {
            replace(&mut value, path, replacement.as_ref());
        }
        value
    }

    fn issuer_signed(&self) -> Value {
        let items: Vec<_> = self.items.iter().map(|item| embedded(&item.encode())).collect();
        let digest = |(item, encoded): (&Value, &Value)| {
            let Value::Map(members) = item else { return (0_u64.into(), encoded.clone()) };
            let id = members.iter().find(|(key, _)| *key == Value::from("digestID"));
            let digest = AwsLc.hash(HashAlgorithm::Sha256, &encoded.encode());
            (id.map_or(0_u64.into(), |(_, id)| id.clone()), digest.as_bytes().into())
        };
        let digests = self.items.iter().zip(&items).map(digest).collect();
        let mso = self.edited(
            Part::Mso,
            Value::map([
                ("version", "1.0".into()),
                ("digestAlgorithm", "SHA-256".into()),
                ("docType", self.doc_type.as_str().into()),
                ("valueDigests", Value::map([(NameSpace::MDL, Value::Map(digests))])),
                (
                    "deviceKeyInfo",
                    Value::map([(
                        "deviceKey",
                        cose::public_key_value(self.world.device.public_key()),
                    )]),
                ),
                (
                    "validityInfo",
                    Value::map([
                        ("signed", moment(test_now(), -3600)),
                        ("validFrom", moment(test_now(), -3600)),
                        ("validUntil", moment(test_now(), 86_400)),
                    ]),
                ),
            ]),
        );
        let payload = embedded(&mso.encode()).encode();
        let unprotected = Header::new().with_x5chain(&self.chain);
        let payload = Payload::Attached(&payload);
        let signed =
            ready(cose::sign1(Header::new(), unprotected, payload, b"", &self.world.issuer));
        let issuer_auth = Value::Encoded(signed.expect("a key in memory signs"));
        let name_spaces = Value::map([(NameSpace::MDL, Value::Array(items))]);
        self.edited(
            Part::IssuerSigned,
            Value::map([("issuerAuth", issuer_auth), ("nameSpaces", name_spaces)]),
        )
    }

    /// What the issuer hands out.
    pub(crate) fn issue(&self) -> Vec<u8> {
        self.issuer_signed().encode()
    }

    fn device_signed(&self) -> Value {
        let name_spaces = embedded(&self.device_elements.encode());
        let mut covered = Encoder::new();
        covered.array(4).text("DeviceAuthentication").raw(self.transcript.as_bytes());
        covered.text(&self.doc_type).value(&name_spaces);
        let covered = embedded(&covered.into_bytes()).encode();
        let payload = Payload::Detached(&covered);
        let none = Header::new();
        let signed = ready(cose::sign1(none.clone(), none, payload, b"", &self.world.device));
        let signature = Value::Encoded(signed.expect("a key in memory signs"));
        self.edited(
            Part::DeviceSigned,
            Value::map([
                ("nameSpaces", name_spaces),
                ("deviceAuth", Value::map([("deviceSignature", signature)])),
            ]),
        )
    }

    pub(crate) fn document(&self) -> Value {
        self.edited(
            Part::Document,
            Value::map([
                ("docType", self.doc_type.as_str().into()),
                ("issuerSigned", self.issuer_signed()),
                ("deviceSigned", self.device_signed()),
            ]),
        )
    }

    /// What the holder sends.
    pub(crate) fn present(&self) -> String {
        let response = self.edited(
            Part::Response,
            Value::map([
                ("version", "1.0".into()),
                ("documents", Value::Array(vec![self.document()])),
                ("status", 0_u64.into()),
            ]),
        );
        json::base64url(response.encode())
    }

    /// The rule that the verifier refuses it by.
    pub(crate) fn refusal(&self) -> MdocError {
        mdoc_error(self.world.verify(&self.present()).map(|_| ()))
    }

    /// The rule that the wallet refuses it by.
    pub(crate) fn wallet_refusal(&self) -> MdocError {
        mdoc_error(self.world.hold(&self.issue()).map(|_| ()))
    }
}

fn mdoc_error(end: Result<(), MdocPresentationError>) -> MdocError {
    match end {
        Err(MdocPresentationError::Mdoc(error)) => error,
        other => unreachable!("it should be refused as an mdoc, and not {other:?}"),
    }
}

pub(crate) fn moment(from: Timestamp, seconds: i64) -> Value {
    let at = Timestamp::from_second(from.as_second() + seconds).expect("it is near");
    date_time(&at.to_string())
}

fn replace(value: &mut Value, path: &[Value], replacement: Option<&Value>) {
    let (key, rest) = path.split_first().expect("a path has a key");
    let Value::Map(members) = value else { unreachable!("a path leads through maps") };
    if rest.is_empty() {
        members.retain(|(other, _)| other != key);
        members.extend(replacement.map(|value| (key.clone(), value.clone())));
        return;
    }
    let inner = members.iter_mut().find(|(other, _)| other == key);
    replace(&mut inner.expect("the path leads somewhere").1, rest, replacement);
}

/// A provider for code that wants to share one.
pub(crate) fn shared() -> Arc<dyn CryptoProvider> {
    Arc::new(AwsLc)
}
