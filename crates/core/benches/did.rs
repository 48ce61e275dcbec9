//! DIDs that carry their document, and logs of did:webvh, beside their floor: reading the text that the key
//! is in, and the signatures and digests of a log.

use std::{hint::black_box, sync::Arc};

use lanyard_core::{
    Timestamp,
    crypto::{
        AwsLc, CryptoProvider, Curve, HashAlgorithm, PublicKey, SignatureAlgorithm, Signer as _,
        SoftwareSigner,
    },
    did::{
        Did, DidMethods, DidResolver,
        webvh::{NewDid, UnverifiedLog, WebvhDid},
    },
    jose::Jwk,
    json::{self, Object},
};
use mimalloc::MiMalloc;

use beside::{Operation, Operations, ready};

mod beside;

/// The allocator of the binary.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const ENTRIES: i64 = 10;

fn main() {
    let methods = DidMethods::new(Arc::new(AwsLc));
    let keys = [Curve::Ed25519, Curve::P256]
        .map(|curve| *AwsLc.generate_key(curve).expect("a key can be made").public());
    let [ed25519, p256] = keys;
    let by_key = keys.map(|key| Did::from_key(&key));
    let by_jwk = keys.map(|key| Did::from_jwk(&Jwk::new(key)));
    let log = Log::new();
    let resolve = |did: &Did| {
        black_box(ready(methods.resolve(black_box(did)))).expect("a good DID");
    };
    let operations: Operations<'_> = vec![
        ("did:key of Ed25519", Box::new(|| resolve(&by_key[0])), key_floor(&by_key[0], &ed25519)),
        ("did:key of P-256", Box::new(|| resolve(&by_key[1])), key_floor(&by_key[1], &p256)),
        ("did:jwk of Ed25519", Box::new(|| resolve(&by_jwk[0])), jwk_floor(&by_jwk[0])),
        ("did:jwk of P-256", Box::new(|| resolve(&by_jwk[1])), jwk_floor(&by_jwk[1])),
        ("did:webvh log of 10 entries", Box::new(|| log.verify()), Box::new(|| log.floor())),
    ];
    beside::run("floor", &[("did/aws-lc".to_owned(), operations)]);
}

/// Base58, and the other coordinate of a point: it comes without, and has one or is none.
fn key_floor<'f>(did: &'f Did, key: &'f PublicKey) -> Operation<'f> {
    Box::new(move || {
        let text = did.method_specific_id().trim_start_matches('z');
        let bytes = bs58::decode(black_box(text)).into_vec().expect("it is base58");
        // the name of the curve takes two bytes
        let point = bytes.get(2..).expect("a key follows the name of its curve");
        black_box(AwsLc.decompress(key.curve(), point).expect("it is a point"));
    })
}

/// Base64url and JSON.
fn jwk_floor(did: &Did) -> Operation<'_> {
    Box::new(move || {
        let text = json::base64url_decode(black_box(did.method_specific_id()));
        black_box(json::parse(&text.expect("it is base64url")).expect("it is JSON"));
    })
}

/// A log, and one signature as each of its entries has one.
struct Log {
    did: WebvhDid,
    text: String,
    key: PublicKey,
    signature: Vec<u8>,
}

impl Log {
    fn new() -> Self {
        let key = AwsLc.generate_key(Curve::Ed25519).expect("a key can be made");
        let signer = SoftwareSigner::new(&AwsLc, &key).expect("a good key");
        let draft = NewDid::at("issuer.example", Object::new());
        let first = ready(draft.sign(&signer, at(0), &AwsLc)).expect("a good draft");
        let did = WebvhDid::parse(&first.did).expect("a did:webvh");
        let mut text = first.line;
        for day in 1..ENTRIES {
            let log = UnverifiedLog::parse(text.as_bytes()).expect("a good log");
            let log = log.verify(&did, None, at(day), &AwsLc).expect("a good log");
            let keys = [*signer.public_key()];
            let next = log.next_entry().with_update_keys(&keys).sign(&signer, at(day), &AwsLc);
            text += &ready(next).expect("a good entry").line;
        }
        let raw = AwsLc.signing_key(&key).expect("a good key");
        let signature = raw.sign(&[7; 64]).expect("it is signed");
        Self { did, text, key: *key.public(), signature }
    }

    fn verify(&self) {
        let log = UnverifiedLog::parse(black_box(self.text.as_bytes())).expect("a good log");
        black_box(log.verify(&self.did, None, at(ENTRIES), &AwsLc).expect("a good log"));
    }

    /// Each entry has a hash, a proof over two hashes, and a signature.
    fn floor(&self) {
        for line in self.text.lines() {
            for _ in 0..2 {
                black_box(AwsLc.hash(HashAlgorithm::Sha256, line.as_bytes()));
            }
            AwsLc
                .verify(SignatureAlgorithm::EdDsa, &self.key, &[7; 64], &self.signature)
                .expect("the signature is good");
        }
    }
}

fn at(day: i64) -> Timestamp {
    Timestamp::from_second(1_735_689_600 + day * 86_400).expect("a time")
}
