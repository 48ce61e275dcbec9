//! An issuer with a badge and a diploma, a wallet with keys, and a clock that stands still.

use std::sync::Arc;

use lanyard_core::{
    Timestamp,
    crypto::{CryptoProvider, Curve, RustCrypto, Signer, SoftwareSigner},
    jose::{self, Jwk},
    json::Object,
    trust::x509::TrustAnchors,
    trust::{IssuerKeys, IssuerTrust},
};
use lanyard_oid4vci::{
    CredentialConfigurationId, IssuerUrl, PreAuthorizedCode, Transport, TxCode,
    configuration::{CredentialConfiguration, IssuancePolicy, IssuerConfiguration},
    credential::{CredentialRequest, Proofs, Wanted},
    issuer::{
        AuthorizationRules, Authorized, Issuer, IssuerName, IssuingKey, NewOffer, NewTxCode,
        Offered, Sender,
    },
    nonce::{NonceKey, ProofNonce},
    token::{PreAuthorizedTokenRequest, TokenRequest, TokenResponse},
    wallet::Showing,
};
use lanyard_testkit::{LeafOptions, SeededRandom, TestCa, test_now};
use serde_json::{Value, json};

pub(crate) const ISSUER: &str = "https://issuer.example/demo";

pub(crate) struct World {
    pub(crate) issuer: Issuer,
    pub(crate) provider: Arc<dyn CryptoProvider>,
    pub(crate) random: SeededRandom,
    pub(crate) now: Timestamp,
    anchor: Vec<u8>,
}

pub(crate) fn badge() -> CredentialConfigurationId {
    CredentialConfigurationId::new("employee_badge")
}

pub(crate) fn diploma() -> CredentialConfigurationId {
    CredentialConfigurationId::new("diploma")
}

pub(crate) fn badge_definition() -> Value {
    json!({
        "id": "employee_badge",
        "format": "dc+sd-jwt",
        "vct": "urn:example:employee-badge:1",
        "scope": "employee_badge",
        "valid_days": 30,
        "display": [{
            "name": "Employee badge", "locale": "en-GB", "background_color": "#0f5c5c",
            "logo": { "uri": "data:image/svg+xml;base64,PHN2Zy8+", "alt_text": "Leaf" },
        }],
        "claims": [
            { "path": ["given_name"], "mandatory": true, "value": "text",
              "display": [{ "name": "Given name", "locale": "en-GB" }] },
            { "path": ["employee_id"], "disclosure": "always", "value": "text" },
            { "path": ["since"], "value": "date" },
            { "path": ["workplace"] },
            { "path": ["workplace", "site"], "value": "text" },
            { "path": ["workplace", "floor"], "value": "number" },
            { "path": ["nationalities", null], "value": "text" },
            { "path": ["manager"], "value": "boolean" },
            { "path": ["portrait"], "value": "image" },
        ],
    })
}

pub(crate) fn badge_claims() -> Object {
    object(json!({
        "given_name": "Ada",
        "employee_id": "AF-1",
        "since": "2019-03-01",
        "workplace": { "site": "Lyon", "floor": 3 },
        "nationalities": ["FR", "GB"],
        "manager": false,
        "portrait": "data:image/png;base64,iVBORw0KGgo=",
    }))
}

pub(crate) fn diploma_claims() -> Object {
    object(json!({ "degree": "MSc" }))
}

pub(crate) fn object(value: Value) -> Object {
    serde_json::from_value(value).expect("the fixture is an object")
}

pub(crate) fn configurations() -> Vec<CredentialConfiguration> {
    let definitions = json!([
        badge_definition(),
        {
            "id": "diploma", "format": "dc+sd-jwt", "vct": "urn:example:diploma:1",
            "scope": "diploma", "valid_days": 3650,
            "claims": [{ "path": ["degree"], "mandatory": true }],
        },
        {
            "id": "voucher", "format": "dc+sd-jwt", "vct": "urn:example:voucher:1",
            "scope": "voucher", "valid_days": 1, "binding": "bearer",
            "claims": [{ "path": ["amount"] }],
        },
    ]);
    serde_json::from_value(definitions).expect("the fixture is a list of configurations")
}

pub(crate) fn issuer_url(text: &str) -> IssuerUrl {
    IssuerUrl::parse(text, Transport::Https).expect("the fixture is an identifier")
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_policy(IssuancePolicy::default())
    }

    pub(crate) fn with_policy(policy: IssuancePolicy) -> Self {
        let provider: Arc<dyn CryptoProvider> = Arc::new(RustCrypto);
        let authority = TestCa::new("Example authority");
        let leaf = authority.leaf(&LeafOptions::named("Example issuer").dns("issuer.example"));
        let signer = SoftwareSigner::new(&*provider, &leaf.key).expect("the leaf's key is whole");
        let url = issuer_url(ISSUER);
        let configuration = IssuerConfiguration::new(url, Vec::new(), configurations(), policy)
            .expect("the fixture is consistent");
        let name = IssuerName::Certificate { chain: leaf.chain, iss: None };
        let key = IssuingKey { signer: Arc::new(signer), name };
        let nonces = NonceKey::new([7; 32]);
        Self {
            issuer: Issuer::new(configuration, key, nonces, Arc::clone(&provider)),
            provider,
            random: SeededRandom::new(1),
            now: test_now(),
            anchor: authority.anchor_der().to_vec(),
        }
    }

    /// The same with other rules for those who ask for tokens.
    pub(crate) fn ruled(mut self, rules: AuthorizationRules) -> Self {
        self.issuer = self.issuer.with_authorization(rules);
        self
    }

    /// With the trust of another world, whose issuer it took.
    pub(crate) fn with_anchor_of(mut self, anchor: Vec<u8>) -> Self {
        self.anchor = anchor;
        self
    }

    pub(crate) fn anchor(&self) -> Vec<u8> {
        self.anchor.clone()
    }

    /// A wallet's trust: this issuer's authority.
    pub(crate) fn trust(&self) -> IssuerKeys {
        let anchors = TrustAnchors::from_der([&self.anchor]).expect("the test CA is an anchor");
        IssuerKeys::new(IssuerTrust::certificates(anchors), Arc::clone(&self.provider))
    }

    pub(crate) fn key(&self) -> Arc<dyn Signer> {
        self.key_on(Curve::P256)
    }

    pub(crate) fn key_on(&self, curve: Curve) -> Arc<dyn Signer> {
        let key = self.provider.generate_key(curve).expect("the provider makes keys");
        Arc::new(SoftwareSigner::new(&*self.provider, &key).expect("a fresh key is whole"))
    }

    pub(crate) fn offered(&self, tx_code: Option<&str>) -> Offered {
        let offer = NewOffer {
            credentials: vec![(badge(), badge_claims()), (diploma(), diploma_claims())],
            tx_code: tx_code
                .map(|code| NewTxCode { code: Some(TxCode::new(code)), ..NewTxCode::default() }),
            life: None,
            login: None,
        };
        Offered::new(offer, &self.issuer, self.now, &self.random).expect("the fixture fits")
    }

    pub(crate) fn authorized(&self) -> Authorized {
        let offered = self.offered(None);
        let request = token_request(offered.code(), None);
        let (_, authorized) = offered
            .exchange(request, &Sender::anonymous(), &self.issuer, self.now, &self.random)
            .expect("the request is good");
        authorized
    }

    /// As [`World::authorized`], asked for with authorization details.
    pub(crate) fn authorized_by_name(&self) -> (TokenResponse, Authorized) {
        let offered = self.offered(None);
        let details = serde_json::from_value(json!([
            { "type": "openid_credential", "credential_configuration_id": "employee_badge" },
        ]));
        let request = TokenRequest::PreAuthorized(PreAuthorizedTokenRequest {
            code: offered.code().clone(),
            tx_code: None,
            details: details.expect("the fixture is a list of details"),
        });
        offered
            .exchange(request, &Sender::anonymous(), &self.issuer, self.now, &self.random)
            .expect("the request is good")
    }

    /// What a wallet shows its keys with: no attestation.
    pub(crate) fn showing<'a>(&'a self, nonce: Option<&'a ProofNonce>) -> Showing<'a> {
        Showing {
            nonce,
            attestation: None,
            at_once: None,
            now: self.now,
            provider: &*self.provider,
        }
    }

    pub(crate) fn nonce(&self) -> String {
        self.issuer.nonce(self.now).c_nonce.reveal().to_owned()
    }

    /// The header and claims of a good proof, to be broken one at a time.
    pub(crate) fn proof_parts(&self, key: &dyn Signer) -> (Object, Object) {
        let jwk = Jwk::new(*key.public_key()).to_value();
        (
            object(json!({ "typ": "openid4vci-proof+jwt", "jwk": jwk })),
            object(json!({
                "aud": ISSUER, "iat": self.now.as_second(), "nonce": self.nonce(),
            })),
        )
    }

    pub(crate) async fn proof(&self, key: &dyn Signer) -> String {
        let (header, claims) = self.proof_parts(key);
        sign(header, claims, key).await
    }

    pub(crate) async fn request(&self, id: CredentialConfigurationId) -> CredentialRequest {
        let proof = self.proof(&*self.key()).await;
        CredentialRequest {
            wanted: Wanted::Configuration(id),
            proofs: Some(Proofs::Jwt(vec![proof])),
            encryption: None,
        }
    }
}

pub(crate) async fn sign(header: Object, claims: Object, key: &dyn Signer) -> String {
    jose::sign(header, &claims, key).await.expect("a software key always signs")
}

pub(crate) fn token_request(code: &PreAuthorizedCode, tx_code: Option<&str>) -> TokenRequest {
    TokenRequest::PreAuthorized(PreAuthorizedTokenRequest {
        code: code.clone(),
        tx_code: tx_code.map(TxCode::new),
        details: Vec::new(),
    })
}
