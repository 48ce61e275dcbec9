//! mdoc beside its floor: the signatures, digests and random bytes that nobody can avoid.
//!
//! The workload is `mdoc.json`. First the two are measured in turns, so that a busy machine slows both
//! alike, and the ratio is printed; then criterion measures each alone.

use std::{hint::black_box, sync::Arc};

use base64::Engine as _;
use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    cbor::Value as Cbor,
    credential::{Validity, ValidityPolicy},
    crypto::{
        AwsLc, CryptoProvider, Curve, HashAlgorithm, PrivateKey, PublicKey, RustCrypto,
        SignatureAlgorithm, SigningKey, SoftwareSigner,
    },
    jose::{Jwk, PrivateJwk},
    json,
    mdoc::{
        DeviceProof, DocType, ElementName, ExpectedDeviceAuth, ExpectedMdoc, HeldMdoc,
        IssuerNameSpaces, MdocDraft, OpenId4VpHandover, SessionTranscript,
        UnverifiedDeviceResponse, UnverifiedMdoc, verify_presentation,
    },
    sd_jwt::{Audience, RequestNonce},
    trust::{IssuerKey, IssuerKeys, IssuerTrust, x509::TrustAnchors},
};
use mimalloc::MiMalloc;
use serde_json::Value;

use beside::{Operation, Operations, ready};
use workload::workload;

mod beside;
mod workload;

/// The allocator of the binary.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// A moment at which everything in the workload is valid.
const NOW: Timestamp = Timestamp::constant(1_796_000_000, 0);

fn main() {
    let workload = workload("mdoc.json");
    let providers: [Arc<dyn CryptoProvider>; 2] = [Arc::new(AwsLc), Arc::new(RustCrypto)];
    let setups = providers.map(|provider| Setup::new(&workload, provider));
    let group = |setup: &Setup| format!("mdoc/{}", setup.provider.name());
    let groups: Vec<_> = setups.iter().map(|setup| (group(setup), setup.operations())).collect();
    beside::run("floor", &groups);
}

/// Everything that exists before the first operation.
struct Setup {
    provider: Arc<dyn CryptoProvider>,
    keys: IssuerKeys,
    issuer: SoftwareSigner,
    device: SoftwareSigner,
    x5chain: [Vec<u8>; 1],
    doc_type: DocType,
    elements: IssuerNameSpaces,
    disclose: Vec<ElementName>,
    request: Request,
    issuer_signed: Vec<u8>,
    device_response: String,
    held: HeldMdoc,
    issuer_key: IssuerKey,
    floor: Floor,
}

struct Request {
    audience: Audience,
    nonce: RequestNonce,
    response_uri: String,
    encryption_key: Jwk,
}

/// One signature over as many bytes as are signed, and one digest over as many as are hashed.
struct Floor {
    signing: Box<dyn SigningKey>,
    key: PublicKey,
    message: Vec<u8>,
    signature: Vec<u8>,
    item: [u8; 110],
}

impl Floor {
    fn new(key: &PrivateKey, provider: &dyn CryptoProvider) -> Self {
        let message = vec![7; 1000];
        let signing = provider.signing_key(key).expect("a good key");
        let signature = signing.sign(&message).expect("it is signed");
        Self { signing, key: *key.public(), message, signature, item: [7; 110] }
    }
}

impl Setup {
    fn new(workload: &Value, provider: Arc<dyn CryptoProvider>) -> Self {
        let text = |name: &str| workload[name].as_str().expect("the workload is complete");
        let der = |name| {
            let standard = base64::engine::general_purpose::STANDARD;
            standard.decode(text(name)).expect("certificates are base64")
        };
        let key = |name: &str| {
            PrivateJwk::from_value(&workload[name]).expect("the workload's keys are P-256").key
        };
        let request = &workload["request"];
        let requested = |name: &str| request[name].as_str().expect("the workload is complete");
        let request = Request {
            audience: requested("clientId").into(),
            nonce: requested("nonce").into(),
            response_uri: requested("responseUri").to_owned(),
            encryption_key: Jwk::from_value(&request["encJwk"]).expect("it is a key"),
        };
        let signer = |key| SoftwareSigner::new(&*provider, key).expect("a good key");
        let anchors = TrustAnchors::from_der([der("iaca_cert")]).expect("it is an anchor");
        let keys = IssuerKeys::new(IssuerTrust::certificates(anchors), Arc::clone(&provider));
        let issuer_signed = json::base64url_decode(text("issuer_signed")).expect("base64url");
        let mdoc = UnverifiedMdoc::parse(&issuer_signed).expect("the mdoc is good");
        let issuer_key = ready(keys.find(&mdoc.claimed_issuer(), NOW)).expect("it is trusted");
        let held = mdoc.verify_for_holding(issuer_key.clone(), NOW, &*provider);
        let held = held.expect("the mdoc is good");
        let device_response = text("device_response").to_owned();
        let disclose = disclosed(&device_response);
        Self {
            issuer: signer(&key("ds_jwk")),
            device: signer(&key("device_jwk")),
            x5chain: [der("ds_cert")],
            doc_type: DocType::parse(text("doctype")).expect("it is a type"),
            elements: elements(&workload["namespaces"]),
            floor: Floor::new(&provider.generate_key(Curve::P256).expect("a key"), &*provider),
            disclose,
            request,
            issuer_signed,
            device_response,
            held,
            issuer_key,
            keys,
            provider,
        }
    }

    /// Each operation with its floor.
    fn operations(&self) -> Operations<'_> {
        let floor = |signatures: usize, digests: usize| -> Operation<'_> {
            Box::new(move || {
                self.check(signatures);
                self.hash(digests);
            })
        };
        vec![
            ("issue_12", Box::new(|| self.issue()), Box::new(|| self.issue_floor())),
            // certificate, MSO, and a digest for each element
            ("verify_issuer_signed_12", Box::new(|| self.hold()), floor(2, 12)),
            ("present_5_of_12", Box::new(|| self.present()), Box::new(|| self.sign())),
            // certificate, MSO, device, and digests for each element and for the handover
            ("verify_presentation_5", Box::new(|| self.verify()), floor(3, 7)),
            (
                "verify_presentation_5, issuer known",
                Box::new(|| self.verify_with_known_issuer()),
                floor(2, 7),
            ),
        ]
    }

    fn issue(&self) {
        let validity = Validity::rounded_to_days(NOW, SignedDuration::from_hours(24));
        let elements = self.elements.clone();
        let key = self.held.device_key();
        let draft = MdocDraft::new(&self.doc_type, elements, key, &validity).expect("it is good");
        black_box(ready(draft.sign(&self.issuer, &self.x5chain, &*self.provider)))
            .expect("it is signed");
    }

    fn issue_floor(&self) {
        // issuing consumes the elements, so each side takes a copy
        black_box(self.elements.clone());
        let mut randoms = [0; 12 * 16];
        self.provider.fill(&mut randoms);
        black_box(randoms);
        self.hash(12);
        self.sign();
    }

    fn hold(&self) {
        let mdoc = UnverifiedMdoc::parse(&self.issuer_signed).expect("the mdoc is good");
        let key = ready(self.keys.find(&mdoc.claimed_issuer(), NOW)).expect("it is trusted");
        let held = mdoc.verify_for_holding(key, NOW, &*self.provider);
        black_box(held).expect("the mdoc is good");
    }

    fn present(&self) {
        let proof = DeviceProof::Signature(&self.device);
        let transcript = self.transcript();
        black_box(ready(self.held.present(&self.disclose, &transcript, proof, &*self.provider)))
            .expect("it is presented");
    }

    fn transcript(&self) -> SessionTranscript {
        let Request { audience, nonce, response_uri, encryption_key } = &self.request;
        let handover = OpenId4VpHandover {
            client_id: audience,
            nonce,
            encryption_key: Some(encryption_key.thumbprint(&*self.provider)),
            response_uri,
        };
        SessionTranscript::openid4vp(&handover, &*self.provider)
    }

    fn verify(&self) {
        let transcript = self.transcript();
        let expected = ExpectedMdoc {
            doc_type: Some(&self.doc_type),
            device_auth: ExpectedDeviceAuth { transcript: &transcript, reader_key: None },
            validity: ValidityPolicy::default(),
            now: NOW,
        };
        black_box(ready(verify_presentation(&self.device_response, &expected, &self.keys)))
            .expect("the presentation is good");
    }

    fn verify_with_known_issuer(&self) {
        let transcript = self.transcript();
        let expected = ExpectedDeviceAuth { transcript: &transcript, reader_key: None };
        let response = json::base64url_decode(&self.device_response).expect("base64url");
        let mdoc = UnverifiedDeviceResponse::parse(&response)
            .and_then(UnverifiedDeviceResponse::into_only_document)
            .expect("the response is good");
        black_box(mdoc.verify(self.issuer_key.clone(), &expected, &*self.provider))
            .expect("the presentation is good");
    }

    fn check(&self, signatures: usize) {
        let Floor { key, message, signature, .. } = &self.floor;
        for _ in 0..signatures {
            self.provider
                .verify(SignatureAlgorithm::Es256, key, message, signature)
                .expect("the signature is good");
        }
    }

    fn hash(&self, digests: usize) {
        for _ in 0..digests {
            black_box(self.provider.hash(HashAlgorithm::Sha256, &self.floor.item));
        }
    }

    fn sign(&self) {
        black_box(self.floor.signing.sign(&self.floor.message)).expect("it is signed");
    }
}

fn disclosed(device_response: &str) -> Vec<ElementName> {
    let bytes = json::base64url_decode(device_response).expect("base64url");
    let response = lanyard_core::cbor::Item::parse(&bytes).expect("it is CBOR");
    let document = &response.get("documents").and_then(|all| all.as_array()).expect("documents")[0];
    let name_spaces = document.get("issuerSigned").and_then(|signed| signed.get("nameSpaces"));
    let name_spaces = name_spaces.and_then(|spaces| spaces.as_map()).expect("namespaces");
    let mut names = Vec::new();
    for (space, items) in name_spaces {
        for item in items.as_array().expect("elements") {
            let item = item.embedded().expect("an element is embedded");
            let item = lanyard_core::cbor::Item::parse(item).expect("it is CBOR");
            let identifier = item.get("elementIdentifier").and_then(|name| name.as_text());
            let (space, identifier) =
                (space.as_text().expect("a name"), identifier.expect("a name"));
            names.push(ElementName::parse(space, identifier).expect("a name"));
        }
    }
    names
}

/// `{"$date": x}` is a full-date, `{"$bytes": x}` a byte string.
fn elements(name_spaces: &Value) -> IssuerNameSpaces {
    let mut all = IssuerNameSpaces::new();
    for (space, elements) in name_spaces.as_object().expect("namespaces are an object") {
        for (identifier, value) in elements.as_object().expect("elements are an object") {
            let name = ElementName::parse(space.as_str(), identifier.as_str()).expect("a name");
            all = all.with(&name, cbor(value));
        }
    }
    all
}

fn cbor(value: &Value) -> Cbor {
    match (value.get("$date"), value.get("$bytes")) {
        (Some(date), _) => Cbor::full_date(date.as_str().expect("a date is text")),
        (_, Some(bytes)) => {
            let bytes = bytes.as_str().expect("bytes are text");
            Cbor::Bytes(json::base64url_decode(bytes).expect("they are base64url"))
        }
        (None, None) => Cbor::from(value),
    }
}
