//! A wallet and its holder's browser, which can be told to do wrong.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{
        Method, Request,
        header::{CONTENT_TYPE, COOKIE, HeaderName, LOCATION, SET_COOKIE},
    },
};
use lanyard_core::{
    crypto::{RustCrypto, Signer},
    jose::{self, Jwk},
    json,
};
use lanyard_issuer::Consent;
use lanyard_oid4vci::{
    authorization::CodeVerifier,
    client_authentication::{ClientId, ClientMethod, RedirectUri, RegisteredClient},
    issuer::{AuthorizationRules, HolderId, Profile},
};
use lanyard_store::Store;
use lanyard_testkit::store;
use serde_json::{Value, json};
use url::Url;

use crate::fixture::{Ground, Reply, Server, object, request, text, token_request};

pub(crate) const ISSUER: &str = "https://issuer.example/demo";
pub(crate) const CALLBACK: &str = "https://wallet.example/callback?from=login";
pub(crate) const DPOP: HeaderName = HeaderName::from_static("dpop");
pub(crate) const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// Two public wallets.
pub(crate) fn rules() -> AuthorizationRules {
    let client = |name: &str, place: &str| RegisteredClient {
        id: ClientId::new(name),
        redirect_uris: vec![RedirectUri::parse(place).expect("the fixture is a place")],
        method: ClientMethod::Public,
    };
    AuthorizationRules::new(Profile::Plain).with_code_flow().with_clients(vec![
        client("wallet", CALLBACK),
        client("other", "https://other.example/callback"),
    ])
}

pub(crate) fn server() -> Server {
    server_in(store(), Consent::Ask)
}

pub(crate) fn server_where_ada_agrees() -> Server {
    let agrees = Consent::DangerAlways(HolderId::new("ada"));
    server_in(store(), agrees)
}

pub(crate) fn server_in(store: Arc<dyn Store>, consent: Consent) -> Server {
    Server::on(Ground::where_holders_log_in(store, |_| rules(), consent))
}

/// A wallet in the middle of a flow.
pub(crate) struct Wallet {
    pub(crate) key: Arc<dyn Signer>,
    pub(crate) verifier: CodeVerifier,
    pub(crate) cookie: Option<String>,
    proofs: std::cell::Cell<u32>,
}

impl Wallet {
    pub(crate) fn new(server: &Server) -> Self {
        let verifier = CodeVerifier::generate(&RustCrypto);
        Self { key: server.ground.key(), verifier, cookie: None, proofs: std::cell::Cell::new(0) }
    }

    /// A good request, to be broken one part at a time.
    pub(crate) fn parts(&self) -> Vec<(String, String)> {
        let challenge = self.verifier.challenge(&RustCrypto);
        [
            ("response_type", "code"),
            ("client_id", "wallet"),
            ("redirect_uri", CALLBACK),
            ("state", "what the wallet wants back: a&b"),
            ("scope", "employee_badge"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    pub(crate) fn parts_with(&self, name: &str, value: &str) -> Vec<(String, String)> {
        let mut parts = self.parts();
        parts.retain(|(other, _)| other != name);
        parts.push((name.to_owned(), value.to_owned()));
        parts
    }

    pub(crate) fn parts_without(&self, name: &str) -> Vec<(String, String)> {
        let mut parts = self.parts();
        parts.retain(|(other, _)| other != name);
        parts
    }

    pub(crate) async fn push(&self, server: &Server, parts: &[(String, String)]) -> Reply {
        server.send(token_request("/demo/par", &form(parts))).await
    }

    pub(crate) async fn pushed(&self, server: &Server) -> String {
        let reply = self.push(server, &self.parts()).await;
        assert_eq!(reply.status, 201, "{reply}");
        text(&reply.json()["request_uri"])
    }

    /// The browser opens the authorization endpoint, and keeps its cookie.
    pub(crate) async fn open(&mut self, server: &Server, request_uri: &str) -> Reply {
        self.open_as(server, "wallet", request_uri).await
    }

    pub(crate) async fn open_as(
        &mut self,
        server: &Server,
        client: &str,
        request_uri: &str,
    ) -> Reply {
        let query = form(&[
            ("client_id".to_owned(), client.to_owned()),
            ("request_uri".to_owned(), request_uri.to_owned()),
        ]);
        let mut asked = request(Method::GET, &format!("/demo/authorize?{query}"));
        if let Some(cookie) = &self.cookie {
            asked = asked.header(COOKIE, cookie);
        }
        let reply = server.send(asked.body(Body::empty()).expect("a request")).await;
        if let Some(cookie) = reply.header(SET_COOKIE) {
            self.cookie = cookie.split(';').next().map(str::to_owned);
        }
        reply
    }

    pub(crate) fn form_of(&self, request_uri: &str, fields: &[(&str, &str)]) -> Request<Body> {
        let mut parts = vec![
            ("client_id".to_owned(), "wallet".to_owned()),
            ("request_uri".to_owned(), request_uri.to_owned()),
        ];
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        parts.extend(fields);
        let mut sent = request(Method::POST, "/demo/authorize")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(cookie) = &self.cookie {
            sent = sent.header(COOKIE, cookie);
        }
        sent.body(Body::from(form(&parts))).expect("a request")
    }

    pub(crate) async fn submit(
        &self,
        server: &Server,
        request_uri: &str,
        fields: &[(&str, &str)],
    ) -> Reply {
        server.send(self.form_of(request_uri, fields)).await
    }

    /// From nothing to the answer in the browser: Ada logs in and agrees.
    pub(crate) async fn answer(&mut self, server: &Server, request_uri: &str) -> Answer {
        let login = self.open(server, request_uri).await;
        assert_eq!(login.status, 200, "{login}");
        let fields = [("decision", "log_in"), ("user", "ada"), ("password", "lovelace")];
        let consent = self.submit(server, request_uri, &fields).await;
        assert_eq!(consent.status, 200, "{consent}");
        let answer = self.submit(server, request_uri, &[("decision", "allow")]).await;
        Answer::of(&answer)
    }

    pub(crate) async fn code(&mut self, server: &Server) -> String {
        let request_uri = self.pushed(server).await;
        let answer = match self.open(server, &request_uri).await {
            reply if reply.status == 303 => Answer::of(&reply),
            _ => self.answer(server, &request_uri).await,
        };
        answer.one("code").expect("Ada agreed")
    }

    pub(crate) fn token_parts(&self, code: &str) -> Vec<(String, String)> {
        [
            ("grant_type", "authorization_code"),
            ("client_id", "wallet"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", self.verifier.reveal()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    pub(crate) async fn proof(&self, server: &Server, path: &str, token: Option<&str>) -> String {
        let nonce = request(Method::POST, "/demo/nonce").body(Body::empty()).expect("a request");
        let nonce = server.send(nonce).await;
        let nonce = nonce.header(DPOP_NONCE).expect("a nonce").to_owned();
        self.proofs.set(self.proofs.get() + 1);
        let header =
            json!({ "typ": "dpop+jwt", "jwk": Jwk::new(*self.key.public_key()).to_value() });
        let mut claims = json!({
            "jti": format!("proof {}", self.proofs.get()), "htm": "POST",
            "htu": format!("https://issuer.example{path}"),
            "iat": server.ground.now().as_second(), "nonce": nonce,
        });
        if let Some(token) = token {
            let digest = lanyard_oid4vci::AccessToken::new(token).digest(&RustCrypto);
            claims["ath"] = json!(json::base64url(digest));
        }
        let claims = object(claims);
        jose::sign(object(header), &claims, &*self.key).await.expect("a software key signs")
    }

    /// A form with this wallet's proof.
    pub(crate) async fn proven(
        &self,
        server: &Server,
        path: &str,
        parts: &[(String, String)],
    ) -> Reply {
        let mut sent = token_request(path, &form(parts));
        let proof = self.proof(server, path, None).await;
        sent.headers_mut().insert(DPOP, proof.parse().expect("visible ASCII"));
        server.send(sent).await
    }

    pub(crate) async fn token(&self, server: &Server, code: &str) -> Reply {
        self.proven(server, "/demo/token", &self.token_parts(code)).await
    }

    /// A badge for this token.
    pub(crate) async fn badge(&self, server: &Server, token: &str) -> Reply {
        self.credential(server, token, &server.badge_request().await).await
    }

    pub(crate) async fn credential(&self, server: &Server, token: &str, body: &Value) -> Reply {
        self.at("/demo/credential", server, token, body).await
    }

    /// Something with this token and a proof.
    pub(crate) async fn at(&self, path: &str, server: &Server, token: &str, body: &Value) -> Reply {
        let mut sent = crate::fixture::credential_request(path, token, body);
        let value = format!("DPoP {token}").parse().expect("visible ASCII");
        sent.headers_mut().insert(axum::http::header::AUTHORIZATION, value);
        let proof = self.proof(server, path, Some(token)).await;
        sent.headers_mut().insert(DPOP, proof.parse().expect("visible ASCII"));
        server.send(sent).await
    }
}

/// What came back to the wallet.
pub(crate) struct Answer(pub(crate) Url);

impl Answer {
    pub(crate) fn of(reply: &Reply) -> Self {
        assert_eq!(reply.status, 303, "{reply}");
        let place = reply.header(LOCATION).expect("a redirect has a place");
        assert!(place.starts_with("https://wallet.example/callback?from=login&"), "{place}");
        let answer = Self(place.parse().expect("a URL"));
        assert_eq!(answer.one("iss").as_deref(), Some(ISSUER));
        answer
    }

    pub(crate) fn one(&self, wanted: &str) -> Option<String> {
        let mut found = self.0.query_pairs().filter(|(name, _)| name == wanted);
        let value = found.next().map(|(_, value)| value.into_owned());
        assert!(found.next().is_none(), "{wanted} is there twice");
        value
    }
}

pub(crate) fn form(parts: &[(String, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parts).finish()
}
