//! SD-JWT VC beside its floor: the signatures, digests and random bytes that nobody can avoid.
//!
//! The workload is `sdjwt.json` in `LANYARD_BENCH` (else `../shared/bench` beside the repository). First
//! the two are measured in turns, so that a busy machine slows both alike, and the ratio is printed; then
//! criterion measures each alone.

use std::{hint::black_box, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    claims::{Claims, ClaimsPath},
    credential::Validity,
    crypto::{
        AwsLc, CryptoProvider, HashAlgorithm, PublicKey, RustCrypto, SignatureAlgorithm,
        SigningKey, SoftwareSigner,
    },
    jose::{Jwk, PrivateJwk, UnverifiedJws},
    json::{self, Object},
    sd_jwt::{Audience, KeyBindingRequest, RequestNonce},
    sd_jwt_vc::{HeldSdJwtVc, KeyBinding, SdJwtVcDraft, UnverifiedSdJwtVc, Vct},
    status::{StatusListUri, StatusReference},
    trust::{IssuerIdentifier, IssuerKeySource, IssuerTrust},
    verify::{Expected, KeyBindingRule, Policy, PresentationVerifier, StatusPolicy},
};
use mimalloc::MiMalloc;
use serde_json::Value;

use beside::{Operations, ready};
use workload::workload;

mod beside;
mod workload;

/// The allocator of the binary.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() {
    let workload = Workload::load();
    let providers: [Arc<dyn CryptoProvider>; 2] = [Arc::new(AwsLc), Arc::new(RustCrypto)];
    let setups: Vec<_> =
        providers.into_iter().map(|provider| Setup::new(&workload, provider)).collect();
    let group = |setup: &Setup| format!("sd_jwt_vc/{}", setup.provider.name());
    let groups: Vec<_> = setups.iter().map(|setup| (group(setup), setup.operations())).collect();
    beside::run("floor", &groups);
}

/// `sdjwt.json`, as far as it is used.
struct Workload(Value);

impl Workload {
    fn load() -> Self {
        Self(workload("sdjwt.json"))
    }

    fn text(&self, name: &str) -> &str {
        self.0[name].as_str().expect("the workload is complete")
    }

    fn key(&self, name: &str) -> PrivateJwk {
        PrivateJwk::from_value(&self.0[name]).expect("the workload's keys are P-256")
    }

    fn paths(&self, name: &str) -> Vec<ClaimsPath> {
        let names = self.0[name].as_array().expect("the workload is complete");
        names.iter().map(|name| ClaimsPath::key(name.as_str().expect("names are text"))).collect()
    }

    /// The payload without what the draft writes itself.
    fn claims(&self) -> Object {
        let mut claims = self.0["payload"].as_object().expect("a payload is an object").clone();
        for name in ["iss", "vct", "iat", "exp", "cnf", "status"] {
            claims.shift_remove(name);
        }
        claims
    }
}

/// Everything that exists before the first operation.
struct Setup<'w> {
    workload: &'w Workload,
    provider: Arc<dyn CryptoProvider>,
    issuer_key: PublicKey,
    issuer: SoftwareSigner,
    raw_issuer: Box<dyn SigningKey>,
    holder_key: PublicKey,
    holder: SoftwareSigner,
    raw_holder: Box<dyn SigningKey>,
    verifier: PresentationVerifier,
    held: HeldSdJwtVc,
    draft: Draft,
    request: Request,
    presentation: Received,
    credential: Received,
}

/// What an issuer knows about one credential.
struct Draft {
    vct: Vct,
    iss: IssuerIdentifier,
    claims: Object,
    selective: Vec<ClaimsPath>,
    binding: KeyBinding,
    validity: Validity,
    status: StatusReference,
}

/// What a holder is asked for.
struct Request {
    audience: Audience,
    nonce: RequestNonce,
    disclose: Vec<ClaimsPath>,
    now: Timestamp,
}

/// A token and the parts of it that have to be hashed or verified.
struct Received {
    text: String,
    issuer_jwt: (String, Vec<u8>),
    disclosures: Vec<String>,
    key_binding: Option<(String, Vec<u8>)>,
}

impl Received {
    fn new(text: &str) -> Self {
        let mut parts: Vec<_> = text.split('~').map(str::to_owned).collect();
        let last = parts.pop().expect("there is a tilde");
        let issuer_jwt = signed(&parts.remove(0));
        let key_binding = (!last.is_empty()).then(|| signed(&last));
        Self { text: text.to_owned(), issuer_jwt, disclosures: parts, key_binding }
    }

    /// What `sd_hash` covers.
    fn bound(&self) -> &str {
        &self.text[..=self.text.rfind('~').expect("there is a tilde")]
    }
}

fn signed(jws: &str) -> (String, Vec<u8>) {
    let (input, signature) = jws.rsplit_once('.').expect("a JWS has a signature");
    (input.to_owned(), json::base64url_decode(signature).expect("it is base64url"))
}

impl<'w> Setup<'w> {
    fn new(workload: &'w Workload, provider: Arc<dyn CryptoProvider>) -> Self {
        let (issuer, holder) = (workload.key("issuer_jwk"), workload.key("holder_jwk"));
        let payload = &workload.0["payload"];
        let iss = payload["iss"].as_str().expect("the payload has an iss");
        let iss = IssuerIdentifier::parse(iss).expect("it is a URL");
        let vct = Vct::parse(payload["vct"].as_str().expect("the payload has a vct"));
        let keys = vec![Jwk::new(*issuer.key.public())];
        let trust = IssuerTrust::new().with(IssuerKeySource::Keys { issuer: iss.clone(), keys });
        let policy = Policy { status: StatusPolicy::Accept, ..Policy::default() };
        let presentation = workload.text("presentation");
        let key_binding = presentation.rsplit_once('~').expect("it has a key binding").1;
        let key_binding = UnverifiedJws::parse(key_binding).expect("it is a JWS");
        let claims = key_binding.danger_unverified_claims().expect("it has claims");
        let now = claims["iat"].as_i64().expect("it has a time");
        let now = Timestamp::from_second(now).expect("it is in range");
        let held = UnverifiedSdJwtVc::parse(workload.text("credential"))
            .and_then(|credential| credential.danger_hold_unverified(&*provider))
            .expect("the credential is good");
        let signer =
            |key: &PrivateJwk| SoftwareSigner::new(&*provider, &key.key).expect("a good key");
        let raw = |key: &PrivateJwk| provider.signing_key(&key.key).expect("a good key");
        Self {
            workload,
            issuer_key: *issuer.key.public(),
            issuer: signer(&issuer),
            raw_issuer: raw(&issuer),
            holder_key: *holder.key.public(),
            holder: signer(&holder),
            raw_holder: raw(&holder),
            verifier: PresentationVerifier::new(trust, Arc::clone(&provider)).with_policy(policy),
            held,
            draft: Draft {
                vct: vct.expect("it is a type"),
                iss,
                claims: workload.claims(),
                selective: workload.paths("disclosable"),
                binding: KeyBinding::To(Jwk::new(*holder.key.public())),
                validity: Validity::rounded_to_days(now, SignedDuration::from_hours(24)),
                status: StatusReference::TokenStatusList {
                    index: 412,
                    uri: StatusListUri::parse("https://issuer.example/status/1")
                        .expect("it is a URI"),
                },
            },
            request: Request {
                audience: workload.text("aud").into(),
                nonce: workload.text("nonce").into(),
                disclose: workload.paths("disclose"),
                now,
            },
            presentation: Received::new(presentation),
            credential: Received::new(workload.text("credential")),
            provider,
        }
    }

    /// Each operation with its floor.
    fn operations(&self) -> Operations<'_> {
        vec![
            ("issue_10", Box::new(|| self.issue()), Box::new(|| self.issue_floor())),
            ("verify_10", Box::new(|| self.verify()), Box::new(|| self.verify_floor())),
            ("present_5_of_10", Box::new(|| self.present()), Box::new(|| self.present_floor())),
            (
                "verify_presentation_5",
                Box::new(|| self.verify_presentation()),
                Box::new(|| self.verify_presentation_floor()),
            ),
        ]
    }

    fn issue(&self) {
        let Draft { vct, iss, claims, selective, binding, validity, status } = &self.draft;
        let claims = Claims::from_json(claims.clone(), selective).expect("the paths fit");
        let draft = SdJwtVcDraft::new(vct, Some(iss), claims, binding, validity)
            .and_then(|draft| draft.with_status(status))
            .expect("the draft is good")
            .with_key_id("issuer-1");
        black_box(ready(draft.sign(&self.issuer, &*self.provider)).expect("it is signed"));
    }

    fn issue_floor(&self) {
        // issuing consumes the claims, so each side takes a copy
        black_box(self.draft.claims.clone());
        let mut salts = [0; 160];
        self.provider.fill(&mut salts);
        black_box(salts);
        self.hash_each(&self.credential.disclosures);
        let input = self.credential.issuer_jwt.0.as_bytes();
        black_box(self.raw_issuer.sign(input).expect("it is signed"));
    }

    fn verify(&self) {
        let expected = Expected::new(
            self.workload.text("aud"),
            self.workload.text("nonce"),
            KeyBindingRule::NotRequired,
        );
        let expected = expected.of_type(&self.draft.vct).at(self.request.now);
        black_box(ready(self.verifier.verify(&self.credential.text, &expected)))
            .expect("the credential is good");
    }

    fn verify_floor(&self) {
        self.check(&self.issuer_key, &self.credential.issuer_jwt);
        self.hash_each(&self.credential.disclosures);
    }

    fn present(&self) {
        let Request { audience, nonce, disclose, now } = &self.request;
        let request = KeyBindingRequest { audience, nonce, now: *now, signer: &self.holder };
        black_box(ready(self.held.present(disclose, Some(&request), &*self.provider)))
            .expect("it is presented");
    }

    fn present_floor(&self) {
        black_box(self.provider.hash(HashAlgorithm::Sha256, self.presentation.bound().as_bytes()));
        let (input, _) = self.presentation.key_binding.as_ref().expect("it is bound");
        black_box(self.raw_holder.sign(input.as_bytes()).expect("it is signed"));
    }

    fn verify_presentation(&self) {
        let expected = Expected::new(
            self.workload.text("aud"),
            self.workload.text("nonce"),
            KeyBindingRule::Required,
        );
        let expected = expected.of_type(&self.draft.vct).at(self.request.now);
        black_box(ready(self.verifier.verify(&self.presentation.text, &expected)))
            .expect("the presentation is good");
    }

    fn verify_presentation_floor(&self) {
        self.check(&self.issuer_key, &self.presentation.issuer_jwt);
        self.hash_each(&self.presentation.disclosures);
        black_box(self.provider.hash(HashAlgorithm::Sha256, self.presentation.bound().as_bytes()));
        let key_binding = self.presentation.key_binding.as_ref().expect("it is bound");
        self.check(&self.holder_key, key_binding);
    }

    fn hash_each(&self, disclosures: &[String]) {
        for disclosure in disclosures {
            black_box(self.provider.hash(HashAlgorithm::Sha256, disclosure.as_bytes()));
        }
    }

    fn check(&self, key: &PublicKey, (input, signature): &(String, Vec<u8>)) {
        self.provider
            .verify(SignatureAlgorithm::Es256, key, input.as_bytes(), signature)
            .expect("the signature is good");
    }
}
