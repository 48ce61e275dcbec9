//! DIDs that carry their document, documents of did:web, and logs of did:webvh.

mod carried;
mod document;
mod log;

use std::sync::Arc;

use lanyard_core::{
    Timestamp,
    crypto::{AwsLc, CryptoProvider, RustCrypto},
    did::{
        Did, DidDocument, DidMethods, DidResolver as _, DidUrl, ResolutionError,
        webvh::{UnverifiedLog, WebvhDid},
    },
};
use lanyard_testkit::test_now;
use serde_json::{Value, json};

use super::Suite;
use crate::did_support::now;

pub(super) const DID: &str = "did";
pub(super) const DOCUMENT: &str = "did:web document";
pub(super) const LOG: &str = "did:webvh log";

/// Whose documents are read, and the key that is looked for in them.
pub(super) const WEB: &str = "did:web:issuer.example";
pub(super) const KEY: &str = "did:web:issuer.example#key";

#[test]
fn dids_are_refused_for_the_published_reasons() {
    let suite = suite().published("did");
    for provider in [Arc::new(RustCrypto) as Arc<dyn CryptoProvider>, Arc::new(AwsLc)] {
        let resolver = Resolver::read(&suite.setting, provider);
        suite.run_each(|format, input| {
            resolver.resolve(format, input).map_err(|error| error.reason().to_owned())
        });
    }
}

fn suite() -> Suite {
    let mut suite = Suite {
        subject:
            "DIDs: a `did` that carries its document (did:key, did:jwk, did:peer); a `did:web \
                  document` in which a key for statements is looked for; a `did:webvh log`, as an \
                  object with `did`, `log` and `witnesses`"
                .into(),
        specifications: vec![
            "DID 1.1".into(),
            "Controlled Identifiers 1.0".into(),
            "did:key v0.9".into(),
            "did:jwk".into(),
            "Peer DID Method 1.0, did:peer:4 1.0".into(),
            "did:web".into(),
            "did:webvh 1.0".into(),
        ],
        setting: json!({
            "now": test_now().as_second(),
            "web": {"did": WEB, "assertion_method": KEY},
        }),
        accepted: Vec::new(),
        refused: Vec::new(),
    };
    carried::cases(&mut suite);
    document::cases(&mut suite);
    log::cases(&mut suite);
    suite
}

/// A resolver as the published setting describes it.
struct Resolver {
    methods: DidMethods,
    web: Did,
    key: DidUrl,
    now: Timestamp,
    provider: Arc<dyn CryptoProvider>,
}

impl Resolver {
    fn read(setting: &Value, provider: Arc<dyn CryptoProvider>) -> Self {
        let text = |name: &str| setting["web"][name].as_str().expect("it is text");
        let now = setting["now"].as_i64().expect("a NumericDate");
        Self {
            methods: DidMethods::new(Arc::clone(&provider)),
            web: Did::parse(text("did")).expect("a DID"),
            key: DidUrl::parse(text("assertion_method")).expect("a DID URL"),
            now: Timestamp::from_second(now).expect("a moment"),
            provider,
        }
    }

    fn resolve(&self, format: &str, input: &str) -> Result<(), ResolutionError> {
        match format {
            DID => now(self.methods.resolve(&Did::parse(input)?)).map(drop),
            DOCUMENT => {
                let document = DidDocument::parse(&self.web, input.as_bytes(), &*self.provider)?;
                document.assertion_method(&self.key).map(|_| ())
            }
            _ => {
                let input: Value = serde_json::from_str(input).expect("it was written so");
                let text = |name: &str| input[name].as_str();
                let did = Did::parse(text("did").expect("there is one"))?;
                let did = WebvhDid::parse(&did)?;
                let log = UnverifiedLog::parse(text("log").expect("there is one").as_bytes())?;
                let witnesses = text("witnesses").map(str::as_bytes);
                log.verify(&did, witnesses, self.now, &*self.provider)?;
                Ok(())
            }
        }
    }
}
