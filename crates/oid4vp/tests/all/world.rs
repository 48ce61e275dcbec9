//! An issuer, a holder and a verifier for tests.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    claims::Claims,
    credential::{Format, HeldCredential, Validity},
    crypto::{CryptoProvider, Curve, PrivateKey, RustCrypto, SoftwareSigner},
    jose::Jwk,
    json::Object,
    mdoc::SessionTranscript,
    sd_jwt_vc::{KeyBinding, SdJwtVcDraft, Vct},
    status::StatusReference,
    trust::IssuerTrust,
    trust::x509::{CertificateChain, CertificatePurpose, TrustAnchors},
    verify::PresentationVerifier,
};
use lanyard_oid4vp::{
    ClientId, State,
    dcql::{CredentialView, DcqlQuery},
    request::{RequestLink, RequestUriMethod, ResponseMode, Transport, object::RequestSigner},
    verifier::{Ask, Requested},
    wallet::{
        Approved, Binding, KnownVerifiers, PresentError, PresentWith, Presenter, Read,
        ReviewedRequest, WalletSide, present,
    },
};
use lanyard_testkit::{Leaf, LeafOptions, Mint, SeededRandom, TestCa, test_now};
use serde_json::{Value, json};
use url::Url;

pub(crate) const HOST: &str = "verifier.example";
pub(crate) const RESPONSE_URI: &str = "https://verifier.example/demo/responses/r1";
pub(crate) const REQUEST_URI: &str = "https://verifier.example/demo/requests/r1";
pub(crate) const BADGE: &str = "urn:example:badge";

pub(crate) struct World {
    pub(crate) provider: Arc<dyn CryptoProvider>,
    issuer_ca: TestCa,
    issuer: Leaf,
    /// Issues in every format.
    pub(crate) mint: Mint,
    verifier_ca: TestCa,
    pub(crate) verifier: Leaf,
    pub(crate) holder: PrivateKey,
    pub(crate) now: Timestamp,
    /// Where the status of credentials issued from now on is kept.
    pub(crate) status: Option<StatusReference>,
}

impl World {
    pub(crate) fn new() -> Self {
        let issuer_ca = TestCa::new("Issuers");
        let verifier_ca = TestCa::new("Verifiers");
        Self {
            provider: Arc::new(RustCrypto),
            issuer: issuer_ca.leaf(&LeafOptions::named("Acme").dns("issuer.example")),
            verifier: verifier_ca.leaf(&LeafOptions::named("The Shop").dns(HOST)),
            issuer_ca,
            mint: Mint::new(Arc::new(RustCrypto)),
            verifier_ca,
            holder: RustCrypto.generate_key(Curve::P256).expect("a key"),
            now: test_now(),
            status: None,
        }
    }

    pub(crate) fn signer(&self, key: &PrivateKey) -> SoftwareSigner {
        SoftwareSigner::new(self.provider.as_ref(), key).expect("a whole key")
    }

    pub(crate) fn request_signer(&self) -> RequestSigner {
        let signer = Arc::new(self.signer(&self.verifier.key));
        RequestSigner::certified(signer, self.verifier.chain.clone())
    }

    pub(crate) fn client_id(&self) -> ClientId {
        ClientId::x509_hash(&self.verifier.chain[0], self.provider.as_ref())
    }

    pub(crate) fn wallet(&self) -> WalletSide {
        WalletSide {
            transport: Transport::HttpsOnly,
            anchors: TrustAnchors::from_der([self.verifier_ca.anchor_der()]).expect("an anchor"),
            provider: Arc::clone(&self.provider),
            known: KnownVerifiers::new(),
        }
    }

    pub(crate) fn presentations(&self) -> PresentationVerifier {
        let anchors = TrustAnchors::from_der([self.issuer_ca.anchor_der()]).expect("an anchor");
        let trust = IssuerTrust::certificates(anchors).and(self.mint.trust());
        PresentationVerifier::new(trust, Arc::clone(&self.provider))
    }

    pub(crate) fn ask(&self, query: Value, mode: ResponseMode) -> Requested {
        self.ask_as(self.client_id(), query, mode)
    }

    pub(crate) fn ask_as(&self, client: ClientId, query: Value, mode: ResponseMode) -> Requested {
        let ask = Ask {
            client_id: client,
            response_uri: Url::parse(RESPONSE_URI).expect("a URL"),
            response_mode: mode,
            query: DcqlQuery::from_value(&query).expect("a query"),
            expires_at: self.now + SignedDuration::from_mins(5),
            transactions: Vec::new(),
            verifier_info: Vec::new(),
        };
        Requested::new(ask, self.provider.as_ref()).expect("a key can be made")
    }

    /// A wallet reads the request by reference.
    pub(crate) async fn review(&self, requested: &Requested) -> ReviewedRequest {
        let link = RequestLink::ByReference {
            client_id: requested.client_id().clone(),
            request_uri: Url::parse(REQUEST_URI).expect("a URL"),
            method: RequestUriMethod::Get,
        };
        let link = link.to_url(&Default::default());
        let wallet = self.wallet();
        let read = wallet.read(link.as_str(), self.now, &SeededRandom::new(1)).await;
        let read = read.expect("a request");
        let Read::Fetch(fetch) = read else { unreachable!("the link is by reference") };
        let signer = self.request_signer();
        let object = requested.request_object(&signer, None, self.now).await.expect("a signature");
        let reviewed = fetch.review(&object, &wallet, self.now).await;
        reviewed.expect("a request that keeps every rule")
    }

    /// The authority key identifiers in the issuer's chain.
    pub(crate) fn issuer_key_identifiers(&self) -> Vec<Vec<u8>> {
        let anchors = TrustAnchors::from_der([self.issuer_ca.anchor_der()]).expect("an anchor");
        let chain = CertificateChain::from_x5c(&self.issuer.chain).expect("a chain");
        let purpose = CertificatePurpose::CredentialSigning;
        let chain = chain.verify(&anchors, purpose, self.now, self.provider.as_ref());
        let chain = chain.expect("a good chain");
        chain.authority_key_identifiers().map(<[u8]>::to_vec).collect()
    }

    pub(crate) async fn badge(&self) -> HeldCredential {
        self.issue(KeyBinding::To(Jwk::new(*self.holder.public())), Self::year()).await
    }

    pub(crate) fn year() -> Validity {
        Validity::rounded_to_days(test_now(), SignedDuration::from_hours(24 * 365))
    }

    pub(crate) async fn issue(&self, binding: KeyBinding, validity: Validity) -> HeldCredential {
        self.issue_by(&self.issuer, binding, validity).await
    }

    /// A badge with these claims for the holder, for a year.
    pub(crate) async fn badge_of(&self, claims: Claims) -> HeldCredential {
        let binding = KeyBinding::To(Jwk::new(*self.holder.public()));
        self.issue_claims(&self.issuer, claims, binding, Self::year()).await
    }

    pub(crate) async fn issue_by(
        &self,
        issuer: &Leaf,
        binding: KeyBinding,
        validity: Validity,
    ) -> HeldCredential {
        let claims = Claims::new()
            .selective("name", "Ada Lovelace")
            .selective("department", "Engines")
            .selective("level", 7);
        self.issue_claims(issuer, claims, binding, validity).await
    }

    /// A badge with these claims.
    pub(crate) async fn issue_claims(
        &self,
        issuer: &Leaf,
        claims: Claims,
        binding: KeyBinding,
        validity: Validity,
    ) -> HeldCredential {
        let vct = Vct::parse(BADGE).expect("a type");
        let draft = SdJwtVcDraft::new(&vct, None, claims, &binding, &validity).expect("a draft");
        let signer = self.signer(&issuer.key);
        let draft = match &self.status {
            Some(status) => draft.with_status(status).expect("a status that can be written"),
            None => draft,
        };
        let issued = draft.with_x5c(&issuer.chain).sign(&signer, self.provider.as_ref()).await;
        let issued = issued.expect("a credential");
        let provider = self.provider.as_ref();
        HeldCredential::danger_hold_unverified(Format::SdJwtVc, issued.as_str(), provider)
            .expect("what was issued can be held")
    }
}

pub(crate) fn badge_query(claims: &[&str]) -> Value {
    let mut credential =
        json!({ "id": "badge", "format": "dc+sd-jwt", "meta": { "vct_values": [BADGE] } });
    if !claims.is_empty() {
        credential["claims"] = claims.iter().map(|name| json!({ "path": [name] })).collect();
    }
    json!({ "credentials": [credential] })
}

pub(crate) fn view(held: &HeldCredential) -> CredentialView<'_> {
    CredentialView::of_held(held, &[])
}

/// Presents honestly, unless told otherwise.
pub(crate) struct Honest<'w> {
    pub(crate) world: &'w World,
    pub(crate) held: HeldCredential,
    pub(crate) key: PrivateKey,
    pub(crate) at: Timestamp,
    pub(crate) audience: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) transcript: Option<SessionTranscript>,
}

impl<'w> Honest<'w> {
    pub(crate) fn new(world: &'w World, held: HeldCredential) -> Self {
        Self {
            world,
            held,
            key: world.holder.clone(),
            at: world.now,
            audience: None,
            nonce: None,
            transcript: None,
        }
    }
}

#[async_trait]
impl Presenter for Honest<'_> {
    async fn present(&self, approved: &Approved, binding: &Binding) -> Result<Value, PresentError> {
        let mut binding = binding.clone();
        if let Some(audience) = &self.audience {
            binding.audience = audience.as_str().into();
        }
        if let Some(nonce) = &self.nonce {
            binding.nonce = nonce.as_str().into();
        }
        if let Some(transcript) = &self.transcript {
            binding.transcript = transcript.clone();
        }
        let signer = self.world.signer(&self.key);
        let provider = self.world.provider.as_ref();
        let with = PresentWith { signer: Some(&signer), now: self.at, provider };
        present(&self.held, approved, &binding, with).await
    }
}

/// A response form, put together by hand.
pub(crate) fn form(state: Option<&State>, members: &[(&str, String)]) -> Vec<u8> {
    let mut form: Vec<(&str, String)> = members.to_vec();
    if let Some(state) = state {
        form.push(("state", state.as_str().to_owned()));
    }
    serde_urlencoded::to_string(form).expect("pairs make a form").into_bytes()
}

pub(crate) fn parameters(requested: &Requested) -> Object {
    requested.parameters()
}
