//! W3C credentials in JWTs beside their floor: the signatures that nobody can avoid.
//!
//! First the two are measured in turns, so that a busy machine slows both alike, and the ratio is printed;
//! then criterion measures each alone.

use std::{hint::black_box, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    credential::ValidityPolicy,
    crypto::{
        AwsLc, CryptoProvider, Curve, PublicKey, RustCrypto, SignatureAlgorithm, SigningKey,
        SoftwareSigner,
    },
    did::{Did, DidUrl},
    jose::Jwk,
    json,
    sd_jwt::{Audience, KeyBindingWindow, RequestNonce},
    trust::{IssuerIdentifier, IssuerKeySource, IssuerKeys, IssuerTrust},
    w3c::{
        Credential, CredentialDraft, CredentialV1, CredentialV1Draft, ExpectedPresentation,
        jwt_vc_json::{self, UnverifiedJwtVc},
        vc_jose_cose::{
            self, HeldCredential, PresentationRequest, SigningOptions, UnverifiedVcJwt,
        },
    },
};
use mimalloc::MiMalloc;
use serde_json::json;

use beside::{Operations, ready};

mod beside;

/// The allocator of the binary.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() {
    let providers: [Arc<dyn CryptoProvider>; 2] = [Arc::new(AwsLc), Arc::new(RustCrypto)];
    let setups = providers.map(Setup::new);
    let group = |setup: &Setup| format!("w3c/{}", setup.provider.name());
    let groups: Vec<_> = setups.iter().map(|setup| (group(setup), setup.operations())).collect();
    beside::run("floor", &groups);
}

/// Someone with a key and a DID for it.
struct Person {
    key: PublicKey,
    raw: Box<dyn SigningKey>,
    signer: SoftwareSigner,
    did: Did,
    key_id: DidUrl,
}

impl Person {
    fn new(provider: &dyn CryptoProvider) -> Self {
        let private = provider.generate_key(Curve::P256).expect("a key can be made");
        let did = Did::from_jwk(&Jwk::new(*private.public()));
        Self {
            key: *private.public(),
            raw: provider.signing_key(&private).expect("a good key"),
            signer: SoftwareSigner::new(provider, &private).expect("a good key"),
            key_id: did.with_fragment("0").expect("a digit is a fragment"),
            did,
        }
    }
}

/// A JWS and the parts of it that have to be verified.
struct Signed {
    text: String,
    input: String,
    signature: Vec<u8>,
}

impl Signed {
    fn new(text: String) -> Self {
        let (input, signature) = text.rsplit_once('.').expect("a JWS has a signature");
        let signature = json::base64url_decode(signature).expect("it is base64url");
        Self { input: input.to_owned(), signature, text }
    }
}

/// Everything that exists before the first operation.
struct Setup {
    provider: Arc<dyn CryptoProvider>,
    issuer: Person,
    holder: Person,
    issuers: IssuerKeys,
    options: SigningOptions,
    credential: Credential,
    credential_v1: CredentialV1,
    vc_jwt: Signed,
    jwt_vc_json: Signed,
    vp_jwt: Signed,
    vp_jwt_vc_json: Signed,
    audience: Audience,
    nonce: RequestNonce,
    now: Timestamp,
}

impl Setup {
    fn new(provider: Arc<dyn CryptoProvider>) -> Self {
        let (issuer, holder) = (Person::new(&*provider), Person::new(&*provider));
        let now = Timestamp::from_second(1_790_000_000).expect("it is in range");
        let end = now + SignedDuration::from_hours(24);
        let identifier = IssuerIdentifier::parse(issuer.did.as_str()).expect("a DID is one");
        let subject = json!({
            "id": holder.did.as_str(),
            "given_name": "Erika",
            "family_name": "Mustermann",
            "birthdate": "1964-08-12",
            "address": {"street_address": "Heidestraße 17", "locality": "Köln", "country": "DE"},
            "degree": {"type": "BachelorDegree", "name": "Bachelor of Science"},
        });
        let credential = CredentialDraft::new(&identifier)
            .of_type("IdentityCredential")
            .valid_from(now)
            .valid_until(end)
            .about(subject.clone())
            .finish()
            .expect("it keeps the rules");
        let credential_v1 = CredentialV1Draft::new(&identifier, now)
            .of_type("IdentityCredential")
            .expires(end)
            .about(subject)
            .finish()
            .expect("it keeps the rules");
        let options = SigningOptions::new().with_key_id(&issuer.key_id.to_string());
        let vc_jwt = ready(vc_jose_cose::issue_jwt(&credential, &options, &issuer.signer));
        let vc_jwt = vc_jwt.expect("it is signed").into_string();
        let jwt_vc = ready(jwt_vc_json::issue(&credential_v1, &options, &issuer.signer));
        let jwt_vc = jwt_vc.expect("it is signed").into_string();
        let (audience, nonce) = ("x509_san_dns:verifier.example".into(), "n-0S6_WzA2Mj".into());
        let request = PresentationRequest {
            audience: &audience,
            nonce: &nonce,
            now,
            signer: &holder.signer,
            key_id: Some(&holder.key_id),
        };
        let held = UnverifiedVcJwt::parse(&vc_jwt).expect("it is good").danger_hold_unverified();
        let vp_jwt = ready(vc_jose_cose::present_jwt(&[HeldCredential::Jwt(&held)], &request));
        let held = UnverifiedJwtVc::parse(&jwt_vc).expect("it is good").danger_hold_unverified();
        let vp_jwt_vc = ready(jwt_vc_json::present(&[&held], &request));
        let trust = IssuerTrust::new().with(IssuerKeySource::Did(issuer.did.clone()));
        Self {
            issuers: IssuerKeys::new(trust, Arc::clone(&provider)),
            vp_jwt: Signed::new(vp_jwt.expect("it is signed")),
            vp_jwt_vc_json: Signed::new(vp_jwt_vc.expect("it is signed")),
            vc_jwt: Signed::new(vc_jwt),
            jwt_vc_json: Signed::new(jwt_vc),
            provider,
            issuer,
            holder,
            options,
            credential,
            credential_v1,
            audience,
            nonce,
            now,
        }
    }

    /// Each operation with its floor.
    fn operations(&self) -> Operations<'_> {
        vec![
            (
                "vc_jwt_issue",
                Box::new(|| {
                    let (credential, options) = (&self.credential, &self.options);
                    let signer = &self.issuer.signer;
                    let issued = ready(vc_jose_cose::issue_jwt(credential, options, signer));
                    black_box(issued).expect("it is signed");
                }),
                Box::new(|| self.sign(&self.vc_jwt)),
            ),
            (
                "vc_jwt_verify",
                Box::new(|| self.verify_vc_jwt()),
                Box::new(|| self.check(&self.issuer, &self.vc_jwt)),
            ),
            (
                "vp_jwt_verify",
                Box::new(|| {
                    let (text, expected) = (&self.vp_jwt.text, self.expected());
                    let verified =
                        ready(vc_jose_cose::verify_presentation(text, &expected, &self.issuers));
                    black_box(verified).expect("it is good");
                }),
                Box::new(|| {
                    self.check(&self.holder, &self.vp_jwt);
                    self.check(&self.issuer, &self.vc_jwt);
                }),
            ),
            (
                "jwt_vc_json_issue",
                Box::new(|| {
                    let (credential, options) = (&self.credential_v1, &self.options);
                    let issued =
                        ready(jwt_vc_json::issue(credential, options, &self.issuer.signer));
                    black_box(issued).expect("it is signed");
                }),
                Box::new(|| self.sign(&self.jwt_vc_json)),
            ),
            (
                "jwt_vc_json_vp_verify",
                Box::new(|| {
                    let (text, expected) = (&self.vp_jwt_vc_json.text, self.expected());
                    let verified =
                        ready(jwt_vc_json::verify_presentation(text, &expected, &self.issuers));
                    black_box(verified).expect("it is good");
                }),
                Box::new(|| {
                    self.check(&self.holder, &self.vp_jwt_vc_json);
                    self.check(&self.issuer, &self.jwt_vc_json);
                }),
            ),
        ]
    }

    fn verify_vc_jwt(&self) {
        let parsed = UnverifiedVcJwt::parse(&self.vc_jwt.text).expect("it is well-formed");
        let key = ready(self.issuers.find(&parsed.claimed_issuer(), self.now));
        let verified = parsed.verify(key.expect("it is believed"), &*self.provider);
        let verified = verified.expect("it is good");
        let valid = verified.judge_validity(&ValidityPolicy::default(), self.now);
        black_box(valid).expect("it is valid");
    }

    fn expected(&self) -> ExpectedPresentation<'_> {
        ExpectedPresentation {
            audience: &self.audience,
            nonce: &self.nonce,
            now: self.now,
            window: KeyBindingWindow::default(),
            validity: ValidityPolicy::default(),
        }
    }

    fn sign(&self, signed: &Signed) {
        black_box(self.issuer.raw.sign(signed.input.as_bytes())).expect("it is signed");
    }

    fn check(&self, by: &Person, signed: &Signed) {
        let (input, signature) = (signed.input.as_bytes(), &signed.signature);
        let verified = self.provider.verify(SignatureAlgorithm::Es256, &by.key, input, signature);
        black_box(verified).expect("the signature is good");
    }
}
