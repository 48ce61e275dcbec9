//! A wallet goes on at a server that was killed between two of its requests.

use lanyard_core::{
    crypto::{AwsLc, CryptoProvider as _, Curve, Signer, SoftwareSigner},
    jose::{self, Jwk},
    json::Object,
};
use serde_json::{Value, json};
use url::Url;

use crate::circle::{Demo, STARTED, text};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";

/// A wallet in a few requests, without any memory of its own.
struct Bare {
    client: reqwest::Client,
    issuer: String,
    key: SoftwareSigner,
}

impl Bare {
    fn new(demo: &Demo) -> Self {
        let key = AwsLc.generate_key(Curve::P256).expect("a key");
        let key = SoftwareSigner::new(&AwsLc, &key).expect("a signer");
        Self { client: reqwest::Client::new(), issuer: format!("{}/demo", demo.base()), key }
    }

    async fn json(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or_default())
    }

    /// An offer of a badge, with what else is wanted of it.
    async fn offer(&self, demo: &Demo, more: Value) -> Value {
        let api_key = std::fs::read_to_string(demo.file("api-key")).expect("a key");
        let mut wanted: Object = serde_json::from_value(more).expect("an object");
        wanted.insert("configuration".to_owned(), json!("employee_badge"));
        let claims = json!({ "given_name": "Ada", "family_name": "Moreau", "department": "Research",
            "employee_id": "AF-1", "employed_since": "2019-03-01" });
        wanted.insert("claims".to_owned(), claims);
        let made = self.client.post(format!("{}/api/demo/offers", demo.base()));
        let (status, made) = self.json(made.bearer_auth(api_key.trim()).json(&wanted)).await;
        assert_eq!(status, 201, "{made}");
        self.json(self.client.get(text(&made["offer_uri"]))).await.1
    }

    async fn token(&self, offer: &Value) -> String {
        let code = text(&offer["grants"][GRANT]["pre-authorized_code"]);
        let form = [("grant_type", GRANT), ("pre-authorized_code", &code)];
        let asked = self.client.post(format!("{}/token", self.issuer)).form(&form);
        let (status, token) = self.json(asked).await;
        assert_eq!(status, 200, "{token}");
        text(&token["access_token"])
    }

    async fn post(&self, endpoint: &str, token: &str, body: &Value) -> (u16, Value) {
        let asked = self.client.post(format!("{}/{endpoint}", self.issuer));
        self.json(asked.bearer_auth(token).json(body)).await
    }

    async fn credential(&self, token: &str) -> (u16, Value) {
        let nonce = self.json(self.client.post(format!("{}/nonce", self.issuer))).await.1;
        let object = |value| serde_json::from_value::<Object>(value).expect("an object");
        let jwk = Jwk::new(*self.key.public_key()).to_value();
        let header = object(json!({ "typ": "openid4vci-proof+jwt", "jwk": jwk }));
        let now = jiff::Timestamp::now().as_second();
        let claims = json!({ "aud": self.issuer, "iat": now, "nonce": nonce["c_nonce"] });
        let proof = jose::sign(header, &object(claims), &self.key).await.expect("a signature");
        let asked = json!({
            "credential_configuration_id": "employee_badge", "proofs": { "jwt": [proof] },
        });
        self.post("credential", token, &asked).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_between_token_and_credential_gives_the_credential_once_it_is_back() {
    let mut demo = Demo::start();
    let wallet = Bare::new(&demo);
    let token = wallet.token(&wallet.offer(&demo, json!({})).await).await;
    demo.kill_and_restart();
    let (status, answer) = wallet.credential(&token).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["credentials"].as_array().map(Vec::len), Some(1));
    demo.kill_and_restart();
    let (status, answer) = wallet.credential(&token).await;
    assert_eq!(status, 400, "it was issued once, and that survives as well: {answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deferred_credential_whose_answer_was_lost_with_the_server_is_given_again_the_same() {
    let mut demo = Demo::start();
    let wallet = Bare::new(&demo);
    let offer = wallet.offer(&demo, json!({ "deferral": 1 })).await;
    let token = wallet.token(&offer).await;
    let (status, waits) = wallet.credential(&token).await;
    assert_eq!(status, 202, "{waits}");
    demo.kill_and_restart();
    let asked = json!({ "transaction_id": waits["transaction_id"] });
    let begun = std::time::Instant::now();
    let first = loop {
        let (status, answer) = wallet.post("deferred", &token, &asked).await;
        if status == 200 {
            break answer;
        }
        assert_eq!(status, 202, "{answer}");
        assert!(begun.elapsed() < STARTED, "it is ready after a second");
    };
    demo.kill_and_restart();
    let (status, again) = wallet.post("deferred", &token, &asked).await;
    assert_eq!((status, &again), (200, &first));
    let told =
        json!({ "notification_id": first["notification_id"], "event": "credential_accepted" });
    assert_eq!(wallet.post("notification", &token, &told).await.0, 204);
    let (status, used) = wallet.post("deferred", &token, &asked).await;
    assert_eq!((status, text(&used["error"])), (400, "invalid_transaction_id".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_awkward_demo_gives_the_wallet_in_the_terminal_its_credential() {
    let demo = Demo::start_with(&["--awkward"]);
    let wallet = Bare::new(&demo);
    let metadata = format!("{}/.well-known/openid-credential-issuer/demo", demo.base());
    let metadata = wallet.json(wallet.client.get(metadata.parse::<Url>().expect("a URL"))).await.1;
    assert!(metadata.get("awkward_member").is_some(), "{metadata}");
    let home = demo.folder.path().join("wallet");
    for _ in 0..5 {
        let offer = demo.integrator(&["offer", "--type", "employee_badge"]);
        let link = text(&crate::circle::json(&offer)["link"]);
        let accepted = demo.wallet(&home, &["accept", &link]);
        assert_eq!(accepted.status.code(), Some(0), "{accepted:?}");
    }
}
