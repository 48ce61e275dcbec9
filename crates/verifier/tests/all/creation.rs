//! What can be asked, and what cannot.

use http::Method;
use lanyard_oid4vp::request::object::RequestSigner;
use serde_json::{Value, json};

use crate::world::{World, badge_query};

async fn refused(world: &World, body: Value) -> String {
    let answer = world.api(Method::POST, "requests", Some(body)).await;
    let (status, code) = answer.refusal();
    assert_eq!(status, 400, "{code}");
    code
}

#[tokio::test]
async fn names_what_cannot_be_asked() {
    let world = World::new();
    let query = badge_query(&["name"]);
    let with = |name: &str, value: Value| {
        let mut body = json!({ "dcql_query": query });
        body[name] = value;
        body
    };
    let mut foreign_format = query.clone();
    foreign_format["credentials"][0] = json!({ "id": "a", "format": "ac_vp", "meta": {} });
    let mut foreign_authority = query.clone();
    foreign_authority["credentials"][0]["trusted_authorities"] =
        json!([{ "type": "etsi_tl", "values": ["https://tl.example"] }]);
    let payment = json!({
        "type": "urn:lanyard:transaction-data:payment:1", "credential_ids": ["badge"],
        "payee": "Alder & Finch", "amount": "23.58", "currency": "EUR",
    });
    let cases = [
        (json!({}), "question_missing"),
        (with("preset", json!("badge")), "question_missing"),
        (json!({ "preset": "unheard of" }), "unknown_preset"),
        (json!({ "dcql_query": { "credentials": [] } }), "invalid_query"),
        (json!({ "dcql_query": foreign_format }), "query_never_satisfied"),
        (json!({ "dcql_query": foreign_authority }), "query_never_satisfied"),
        (with("purpose", json!("a".repeat(501))), "invalid_purpose"),
        (with("link_scheme", json!({ "endpoint": "javascript:alert(1)" })), "invalid_link_scheme"),
        (with("trust_anchors", json!(["no certificate"])), "invalid_trust_anchors"),
        (with("trust_anchors", json!(vec![""; 17])), "invalid_trust_anchors"),
        (with("expires_in", json!(9)), "invalid_expires_in"),
        (with("expires_in", json!(3601)), "invalid_expires_in"),
        (with("browser_session", json!("short")), "invalid_browser_session"),
        (with("same_device", json!({})), "invalid_browser_session"),
        (with("transaction_data", json!([{ "type": "unheard of" }])), "invalid_transaction_data"),
        (with("transaction_data", json!(vec![payment.clone(); 17])), "invalid_transaction_data"),
        (with("transaction_data", json!([payment, payment])), "invalid_transaction_data"),
        (with("verifier_info", json!([{ "format": "jwt" }])), "invalid_verifier_info"),
        (with("response_mode", json!("fragment")), "invalid_request"),
        (with("client_id_prefix", json!("did")), "invalid_request"),
        (with("a_typo", json!(1)), "invalid_request"),
        (
            json!({ "dcql_query": query, "client_id_prefix": "redirect_uri", "request_uri_method": "get" }),
            "invalid_request_uri_method",
        ),
    ];
    for (body, code) in cases {
        assert_eq!(refused(&world, body.clone()).await, code, "{body}");
    }
}

#[tokio::test]
async fn sends_a_browser_to_allowed_pages_only() {
    // security.md 140
    let world = World::new();
    let body =
        |redirect: &str| json!({ "preset": "badge", "same_device": { "redirect_uri": redirect } });
    let bad = [
        "javascript:alert(1)",
        "data:text/html,a",
        "https://evil.example/back",
        "https://shop.example@evil.example/back",
        "https://user@shop.example/back",
        "http://shop.example/back",
        "https://shop.example:8443/back",
        "https://shop.example/back#fragment",
        "//shop.example/back",
        "back",
        "",
    ];
    for redirect in bad {
        assert_eq!(refused(&world, body(redirect)).await, "invalid_redirect_uri", "{redirect}");
    }
    for good in ["https://shop.example/back?a=b", "https://verifier.example/a/page"] {
        world.ask(body(good)).await;
    }
}

#[tokio::test]
async fn the_link_is_for_the_wallets_that_were_wanted() {
    let world = World::new();
    let link = |scheme: Value| {
        let body = json!({ "preset": "badge", "link_scheme": scheme });
        let world = &world;
        async move { world.ask(body).await.link.to_string() }
    };
    assert!(link(json!("openid4vp")).await.starts_with("openid4vp://?"));
    assert!(link(json!("haip-vp")).await.starts_with("haip-vp://?"));
    let endpoint = json!({ "endpoint": "https://wallet.example/authorize" });
    assert!(link(endpoint).await.starts_with("https://wallet.example/authorize?"));
    let asked = world.ask(json!({ "preset": "badge", "request_uri_method": "post" })).await;
    assert_eq!(asked.parameter("request_uri_method"), "post");
}

#[tokio::test]
async fn a_body_is_read_strictly() {
    let world = World::new();
    for body in ["", "[]", "{", r#"{"preset":"badge","preset":"badge"}"#] {
        let request = http::Request::post("/api/demo/requests")
            .header("authorization", format!("Bearer {}", crate::world::KEY))
            .header("content-type", "application/json")
            .body(axum::body::Body::from(body));
        let answer = world.send(request.expect("a request")).await;
        assert_eq!(answer.refusal(), (400, "invalid_request".to_owned()), "{body}");
    }
}

mod settings {
    use std::sync::Arc;

    use jiff::SignedDuration;
    use lanyard_core::{
        crypto::RustCrypto,
        trust::IssuerTrust,
        verify::{Policy, PolicySet},
    };
    use lanyard_oid4vp::dcql::DcqlQuery;
    use lanyard_testkit::{LeafOptions, TestCa, store};
    use lanyard_verifier::{
        DataKey, OtherNames, Preset, Registered, RequestPolicy, SettingsError, Sources,
        SystemClock, TenantSettings, VerifierService, VerifierSettings,
    };

    use super::*;
    use crate::world::{demo, signer};

    fn tenant() -> TenantSettings {
        let leaf = TestCa::new("Verifiers").leaf(&LeafOptions::named("The Shop"));
        TenantSettings {
            tenant: demo(),
            signer: RequestSigner::certified(Arc::new(signer(&leaf.key)), leaf.chain),
            dns_name: None,
            trust: IssuerTrust::new().into(),
            policy: Policy::default(),
            policies: PolicySet::new(),
            sources: Sources::default(),
            data_key: DataKey::new([0; 32]),
            api_keys: Vec::new(),
            presets: Vec::new(),
            return_origins: Vec::new(),
            web_origins: Vec::new(),
            other_names: OtherNames::default(),
            sign_in_clients: Vec::new(),
            vc_api: None,
        }
    }

    fn refusal(base: &str, tenants: Vec<TenantSettings>) -> Option<SettingsError> {
        let settings = VerifierSettings {
            base_url: url::Url::parse(base).expect("a URL"),
            tenants,
            store: store(),
            provider: Arc::new(RustCrypto),
            clock: Arc::new(SystemClock),
            shutdown: tokio::sync::watch::channel(false).1,
            retention: SignedDuration::from_hours(1),
        };
        VerifierService::new(settings).err()
    }

    #[test]
    fn a_service_is_not_put_together_from_settings_that_cannot_work() {
        const BASE: &str = "https://verifier.example";
        assert_eq!(refusal(BASE, vec![tenant()]), None);
        assert_eq!(refusal("http://localhost:7077", vec![tenant()]), None);
        assert_eq!(refusal("https://a.example/b", vec![]), Some(SettingsError::BaseUrl));
        assert_eq!(refusal("http://a.example", vec![]), Some(SettingsError::BaseUrlNotEncrypted));
        let twice = refusal(BASE, vec![tenant(), tenant()]);
        assert_eq!(twice, Some(SettingsError::TenantRepeated(demo())));
        let elsewhere = TenantSettings { dns_name: Some("a.example".to_owned()), ..tenant() };
        assert_eq!(refusal(BASE, vec![elsewhere]), Some(SettingsError::DnsName(demo())));
        let mut bare = tenant();
        bare.signer = RequestSigner::certified(Arc::clone(bare.signer.signer()), Vec::new());
        assert_eq!(refusal(BASE, vec![bare]), Some(SettingsError::CertificateMissing(demo())));
        let mut unread = tenant();
        unread.other_names.attestation = Some("no token".to_owned());
        assert_eq!(refusal(BASE, vec![unread]), Some(SettingsError::Attestation(demo())));
        let mut prefixed = tenant();
        let client_id = "x509_hash:a".to_owned();
        prefixed.other_names.registered = Some(Registered { client_id, key_id: None });
        assert_eq!(refusal(BASE, vec![prefixed]), Some(SettingsError::Registration(demo())));
        let preset = Preset {
            id: "a".to_owned(),
            version: 1,
            title: String::new(),
            purpose: String::new(),
            query: DcqlQuery::from_value(&badge_query(&["name"])).expect("a query"),
            policy: RequestPolicy::default(),
        };
        let repeated = TenantSettings { presets: vec![preset.clone(), preset], ..tenant() };
        let expected = SettingsError::PresetRepeated { tenant: demo(), preset: "a".to_owned() };
        assert_eq!(refusal(BASE, vec![repeated]), Some(expected));
    }
}
