//! A login provider and an attribute provider that can be told to do wrong.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use lanyard_core::{
    crypto::{CryptoProvider, Curve, PrivateKey, RustCrypto, Signer, SoftwareSigner},
    jose::{self, Jwk},
};
use lanyard_fetch::{
    Authorization, Body, FetchError, HttpClient, Request, Response, ResponseHeaders,
};
use lanyard_issuer::{OidcProvider, OidcSettings, login_callback};
use lanyard_oid4vci::authorization::CodeVerifier;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use url::Url;

use crate::fixture::{BASE, object, tenant, text};

pub(crate) const UPSTREAM: &str = "https://login.acme.example";

/// What the provider does; each test breaks one thing.
pub(crate) struct Provider {
    key: PrivateKey,
    pub(crate) told: Mutex<Told>,
}

#[derive(Clone)]
pub(crate) struct Told {
    /// What `issuer` its description has, and what else is in it.
    pub(crate) metadata: Value,
    /// The claims of its ID tokens beside the nonce.
    pub(crate) claims: Value,
    pub(crate) nonce: String,
    pub(crate) challenge: String,
    pub(crate) kid: &'static str,
    pub(crate) signed_by_another: bool,
    pub(crate) user_info: Value,
    pub(crate) is_down: bool,
    /// What the attribute provider answers.
    pub(crate) answer: (u16, Value),
    /// The paths that were asked for.
    pub(crate) asked: Vec<String>,
    /// The last request to the attribute provider.
    pub(crate) request: String,
}

impl Provider {
    pub(crate) fn new(now: Timestamp) -> Arc<Self> {
        let now = now.as_second();
        let told = Told {
            metadata: json!({
                "issuer": UPSTREAM,
                "authorization_endpoint": format!("{UPSTREAM}/auth?tenant=acme"),
                "token_endpoint": format!("{UPSTREAM}/token"),
                "userinfo_endpoint": format!("{UPSTREAM}/me"),
                "jwks_uri": format!("{UPSTREAM}/jwks"),
                "response_types_supported": ["code", "id_token"],
            }),
            claims: json!({
                "iss": UPSTREAM, "aud": "lanyard", "sub": "0042", "iat": now, "exp": now + 300,
                "given_name": "Ada", "name": "Ada Moreau",
            }),
            nonce: String::new(),
            challenge: String::new(),
            kid: "one",
            signed_by_another: false,
            user_info: json!({ "sub": "0042", "employee_id": "AF-1", "given_name": "Mallory" }),
            is_down: false,
            answer: (200, json!({ "claims": { "employee_id": "AF-1" } })),
            asked: Vec::new(),
            request: String::new(),
        };
        let key = RustCrypto.generate_key(Curve::P256).expect("the provider makes keys");
        Arc::new(Self { key, told: Mutex::new(told) })
    }

    pub(crate) fn tell(&self, change: impl FnOnce(&mut Told)) {
        change(&mut self.told.lock().expect("no test panics while it tells"));
    }

    pub(crate) fn told(&self) -> Told {
        self.told.lock().expect("no test panics while it tells").clone()
    }

    pub(crate) fn as_seen_by(self: &Arc<Self>, holder: &str) -> Arc<OidcProvider> {
        Arc::new(OidcProvider::new(OidcSettings {
            issuer: UPSTREAM.to_owned(),
            name: "Acme account".to_owned(),
            client_id: "lanyard".to_owned(),
            client_secret: Some("s3cret&".to_owned().into()),
            scopes: vec!["profile".to_owned()],
            holder: holder.to_owned(),
            kept: vec!["given_name".to_owned(), "employee_id".to_owned()],
            redirect_uri: login_callback(&BASE.parse().expect("a URL"), &tenant("demo")),
            http: self.clone(),
            provider: Arc::new(RustCrypto),
        }))
    }

    /// The browser comes: the provider remembers what it has to say again, and to check.
    pub(crate) fn visit(&self, place: &str) -> Visit {
        let url: Url = place.parse().expect("a URL");
        let one = |wanted: &str| {
            let found = url.query_pairs().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.into_owned()).unwrap_or_default()
        };
        self.tell(|told| {
            told.nonce = one("nonce");
            told.challenge = one("code_challenge");
        });
        assert_eq!(one("code_challenge_method"), "S256");
        assert_eq!(one("scope"), "openid profile");
        assert_eq!(one("tenant"), "acme", "what the endpoint has already is kept");
        assert_eq!(one("redirect_uri"), format!("{BASE}demo/login/callback"));
        Visit { state: one("state") }
    }

    async fn id_token(&self, told: &Told) -> String {
        let own = SoftwareSigner::new(&RustCrypto, &self.key).expect("a fresh key is whole");
        let other = RustCrypto.generate_key(Curve::P256).expect("the provider makes keys");
        let other = SoftwareSigner::new(&RustCrypto, &other).expect("a fresh key is whole");
        let signer: &dyn Signer = if told.signed_by_another { &other } else { &own };
        let mut claims = told.claims.clone();
        if claims.get("nonce").is_none() {
            claims["nonce"] = json!(told.nonce);
        }
        let header = object(json!({ "kid": told.kid, "typ": "JWT", "x5t": "thumb" }));
        jose::sign(header, &claims, signer).await.expect("a software key signs")
    }

    async fn token(&self, told: &Told, request: &Request) -> (u16, Value) {
        let Some(Authorization::Basic { user, password }) = &request.authorization else {
            return (401, json!({ "error": "invalid_client" }));
        };
        assert_eq!((user.as_str(), password.expose_secret()), ("lanyard", "s3cret&"));
        let Body::Form(form) = &request.body else { return (415, json!({})) };
        let one = |wanted: &str| {
            let found = form.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let verifier = CodeVerifier::parse(one("code_verifier")).expect("a verifier");
        let challenge = verifier.challenge(&RustCrypto);
        if one("code") != "good" || challenge.as_str() != told.challenge {
            return (400, json!({ "error": "invalid_grant" }));
        }
        let id_token = self.id_token(told).await;
        (200, json!({ "id_token": id_token, "access_token": "upstream", "token_type": "Bearer" }))
    }
}

/// What the browser brings back.
pub(crate) struct Visit {
    pub(crate) state: String,
}

#[async_trait]
impl HttpClient for Provider {
    async fn send(&self, request: Request) -> Result<Response, FetchError> {
        let path = request.url.path().to_owned();
        self.tell(|told| told.asked.push(path.clone()));
        let told = self.told();
        if told.is_down {
            return Err(FetchError::TimedOut { host: "login.acme.example".to_owned() });
        }
        let (status, body) = match path.as_str() {
            "/.well-known/openid-configuration" => (200, told.metadata.clone()),
            "/jwks" => {
                let mut key = Jwk::new(*self.key.public()).to_value();
                key["kid"] = json!("one");
                let rsa = json!({ "kty": "RSA", "kid": "short", "n": "AQAB", "e": "AQAB" });
                (200, json!({ "keys": [rsa, { "kty": "oct", "k": "AA" }, key] }))
            }
            "/token" => self.token(&told, &request).await,
            "/me" => (200, told.user_info.clone()),
            "/people" => {
                let Body::Other { bytes, content_type } = &request.body else {
                    return Err(FetchError::TimedOut { host: "a JWT was expected".to_owned() });
                };
                assert_eq!(content_type, "application/jwt");
                let sent = String::from_utf8(bytes.to_vec()).expect("a JWT is text");
                self.tell(|told| told.request = sent);
                told.answer
            }
            _ => (404, Value::Null),
        };
        Ok(Response {
            status,
            content_type: Some("application/json".to_owned()),
            headers: ResponseHeaders::default(),
            body: body.to_string().into(),
            final_url: request.url,
        })
    }
}

/// The link to the provider on a login page.
pub(crate) fn link_on(page: &str) -> String {
    let (_, rest) = page.split_once("href=\"/demo/login?").expect("a link to the provider");
    let (query, _) = rest.split_once('"').expect("a whole attribute");
    format!("/demo/login?{}", query.replace("&#38;", "&").replace("&amp;", "&"))
}

/// The payload of a compact JWS, as anybody can read it.
pub(crate) fn payload_of(token: &str) -> (Value, Value) {
    let part = |place: usize| {
        let encoded = token.split('.').nth(place).expect("three parts");
        let bytes = lanyard_core::json::base64url_decode(encoded).expect("base64url");
        serde_json::from_slice(&bytes).expect("JSON")
    };
    let (header, payload): (Value, Value) = (part(0), part(1));
    assert_eq!(text(&header["alg"]), "ES256");
    (header, payload)
}
