//! What one request demands beyond its tenant, and trying that on responses that came.

use http::{Method, StatusCode};
use lanyard_core::{
    credential::{Format, Validity},
    json,
};
use lanyard_testkit::Mint;
use lanyard_verifier::{Expression, ExpressionFault, Unanswered};
use serde_json::{Value, json};

use crate::world::{BADGE, Holder, World, badge_query, steps};

/// Presents the badge to a request with this policy.
async fn presented(world: &World, policy: Value) -> (u16, Value) {
    let body = json!({ "dcql_query": badge_query(&["name"]), "policy": policy });
    let asked = world.ask(body).await;
    let answer = world.post(&world.answer(&asked).await).await;
    (answer.status.as_u16(), world.status(&asked).await)
}

/// The reason that the presentation was refused for, and the one check that failed.
async fn refusal(world: &World, policy: Value) -> (String, String) {
    let (status, request) = presented(world, policy).await;
    assert_eq!(status, 400);
    let verdict = &request["verdict"];
    assert!(verdict["credentials"][0].get("claims").is_none(), "a refusal shows no claims");
    let checks = verdict["credentials"][0]["checks"].as_array().expect("checks");
    let bad = |check: &&Value| check["outcome"] == "failed" || check["outcome"] == "undetermined";
    let bad: Vec<_> = checks.iter().filter(bad).collect();
    assert_eq!(bad.len(), 1, "{checks:?}");
    assert!(bad[0]["detail"].is_string());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&verdict["reason"]), text(&bad[0]["id"]))
}

fn rule(expression: &str) -> Value {
    json!({ "rules": [{ "id": "it", "credential": "badge", "expression": expression }] })
}

fn pair(reason: &str, check: &str) -> (String, String) {
    (reason.to_owned(), check.to_owned())
}

#[tokio::test]
async fn a_policy_that_holds_is_listed_check_by_check() {
    let world = World::new();
    let policy = json!({
        "checks": [{ "policy": "required_claims", "paths": [["name"]] }],
        "credentials": { "badge": [{ "policy": "max_age", "seconds": 172800 }] },
        "rules": [{
            "id": "ada", "title": "Is Ada", "credential": "badge",
            "expression": "claims.name.startsWith('Ada') && credential.format == 'dc+sd-jwt' \
                           && today >= '2000-01-01'",
        }, {
            "id": "one", "expression": "size(credentials) == 1 && has(credentials.badge.claims.name)",
        }],
    });
    let (status, request) = presented(&world, policy).await;
    assert_eq!((status, &request["state"]), (200, &json!("verified")));
    let checks = request["verdict"]["credentials"][0]["checks"].as_array().expect("checks");
    for id in ["required_claims", "max_age", "rule:ada", "rule:one"] {
        let check = checks.iter().find(|check| check["id"] == id).expect(id);
        assert_eq!(check["outcome"], "passed", "{id}");
    }
    let ada = checks.iter().find(|check| check["id"] == "rule:ada").expect("the rule");
    assert_eq!((&ada["title"], &ada["rule"]), (&json!("Is Ada"), &json!("Policy")));
}

#[tokio::test]
async fn each_policy_of_a_request_refuses_by_its_own_check() {
    let world = World::new();
    let checks = |rule: Value| json!({ "checks": [rule] });
    let cases = [
        (
            checks(json!({ "policy": "allowed_issuer", "issuers": ["https://other.example"] })),
            pair("policy_issuer_not_allowed", "allowed_issuer"),
        ),
        (
            json!({ "credentials": { "badge": [
                { "policy": "claim_value", "path": ["name"], "one_of": ["Grace"] },
            ] } }),
            pair("policy_claim_value", "claim_value"),
        ),
        (
            checks(json!({ "policy": "max_age", "seconds": 0 })),
            pair("policy_credential_too_old", "max_age"),
        ),
        (
            json!({ "trust_list": { "version": 1, "issuers": [{ "did": "did:web:club.example" }] } }),
            pair("issuer_not_trusted", "issuer_trusted"),
        ),
        (rule("claims.name == 'Grace'"), pair("policy_rule_failed", "rule:it")),
    ];
    for (policy, expected) in cases {
        assert_eq!(refusal(&world, policy.clone()).await, expected, "{policy}");
    }
}

#[tokio::test]
async fn a_rule_over_a_claim_that_was_not_disclosed_fails_unless_it_asks_for_that() {
    let world = World::new();
    let failed = pair("policy_rule_failed", "rule:it");
    assert_eq!(refusal(&world, rule("claims.age > 17")).await, failed);
    assert_eq!(refusal(&world, rule("claims.name")).await, failed, "a text is not a truth");
    let (status, _) = presented(&world, rule("!has(claims.age)")).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn a_rule_sees_claims_that_were_not_asked_for_and_nothing_tells_them() {
    let world = World::new();
    let cases = [
        (badge_query(&["name"]), world.badge().await, "claims.site.startsWith('Slo')", "Street"),
        (
            Mint::query(Format::JwtVcJson),
            world.mint.badge(Format::JwtVcJson, world.holder.public()).await,
            "claims.credentialSubject.department.startsWith('Eng')",
            "Engines",
        ),
    ];
    for (query, held, expression, unasked) in cases {
        for (expression, state) in
            [(expression.to_owned(), "verified"), (format!("!{expression}"), "refused")]
        {
            let policy = rule(&expression);
            let body = json!({ "dcql_query": query, "policy": policy, "record": true });
            let asked = world.ask(body).await;
            world.post(&Holder::of(&world, held.clone()).answer(&asked).await).await;
            let status = world.status(&asked).await;
            assert_eq!(status["state"], state, "{expression}: {status}");
            assert!(!status.to_string().contains(unasked), "{status}");

            let place = format!("requests/{}/receipt?claims=included", asked.id);
            let receipt = world.api(Method::GET, &place, None).await.text();
            let payload = receipt.split('.').nth(1).expect("a JWS has a payload");
            let payload = json::base64url_decode(payload).expect("base64url");
            let payload = String::from_utf8(payload).expect("JSON is text");
            assert!(payload.contains(state) && !payload.contains(unasked), "{payload}");

            let tried = json!({ "policy": policy, "request": asked.id });
            let verdict = world.api(Method::POST, "policies/test", Some(tried)).await.json();
            assert_eq!(verdict["state"], state, "{expression}: {verdict}");
            assert!(!verdict.to_string().contains(unasked), "{verdict}");
        }
    }
}

#[tokio::test]
async fn the_detail_of_a_failed_rule_is_the_rule_and_never_a_claim() {
    let world = World::new();
    let (_, request) = presented(&world, rule("claims.name == 'Grace'")).await;
    let text = request.to_string();
    assert!(text.contains("not so: claims.name == 'Grace'"));
    assert!(!text.contains("Lovelace"));
    assert_eq!(steps(&request).last().expect("a step"), "refused: policy_rule_failed");
}

#[tokio::test]
async fn a_policy_that_cannot_be_used_is_refused_when_the_request_is_made() {
    let world = World::new();
    let cases = [
        (json!({ "credentials": { "passport": ["holder_binding"] } }), "invalid_policy"),
        (rule("nothing.is.known"), "invalid_policy"),
        (json!({ "rules": [{ "id": "a b", "expression": "true" }] }), "invalid_policy"),
        (
            json!({ "rules": [
                { "id": "a", "expression": "true" }, { "id": "a", "expression": "true" },
            ] }),
            "invalid_policy",
        ),
        (json!({ "trust_list": { "version": 1 } }), "invalid_policy"),
        (
            json!({ "rules": (0..17)
                .map(|id| json!({ "id": id.to_string(), "expression": "true" }))
                .collect::<Vec<_>>() }),
            "invalid_policy",
        ),
        (json!({ "checks": ["holder_bindng"] }), "invalid_request"),
        (rule("1 +"), "invalid_request"),
    ];
    for (policy, code) in cases {
        let body = json!({ "dcql_query": badge_query(&["name"]), "policy": policy });
        let answer = world.api(Method::POST, "requests", Some(body)).await;
        assert_eq!(answer.refusal(), (400, code.to_owned()), "{policy}: {}", answer.text());
    }
}

#[test]
fn an_expression_is_bounded_before_it_is_read_and_before_it_runs() {
    let read = |text: &str| Expression::read(text).map(drop);
    assert_eq!(read(&format!("'{}' == ''", "a".repeat(1000))), Err(ExpressionFault::TooLong));
    assert_eq!(
        read(&format!("{}1{} == 1", "(".repeat(17), ")".repeat(17))),
        Err(ExpressionFault::TooDeep)
    );
    assert!(matches!(read("claims.a =="), Err(ExpressionFault::Syntax(_))));
    let long = vec!["1"; 450].join(",");
    assert_eq!(read(&format!("1 in [{long}]")), Err(ExpressionFault::TooManyParts));

    let all_pairs = Expression::read("claims.a.all(x, claims.a.exists(y, y == x))").expect("short");
    let with = |length: usize| json!({ "claims": { "a": (0..length).collect::<Vec<_>>() } });
    assert_eq!(all_pairs.holds(&with(10)), Ok(true));
    assert_eq!(all_pairs.holds(&with(10_000)), Err(Unanswered::Budget));
    assert_eq!(all_pairs.holds(&json!({ "claims": {} })), Err(Unanswered::Claims));
    let text = Expression::read("claims.a").expect("short");
    assert_eq!(text.holds(&json!({ "claims": { "a": "yes" } })), Err(Unanswered::NotBoolean));
}

#[test]
fn no_expression_stops_the_process() {
    let variables = json!({ "claims": {
        "text": "z\u{df}\u{1f600}", "list": [1, -1, 1.5, "a", null, [1]], "map": { "a": 1 },
        "big": u64::MAX, "small": i64::MIN,
    } });
    let cases = [
        "1 / 0 == 1",
        "claims.small / -1 == 1",
        "-claims.small == 1",
        "claims.big + 1u == 0u",
        "9223372036854775807 + 1 == 0",
        "claims.list[99] == 1",
        "claims.list[-1] == 1",
        "claims.text.size() == 3",
        "claims.map == claims.list",
        "claims.list.all(x, x == x)",
        "claims.list.map(x, claims.list.map(y, [x, y])).size() == 6",
        "!!!!!!!!!!!!!!!!!true",
        "------------------1 == 1",
        "int(claims.text) == 1",
        "string(claims.list) == ''",
        "claims.text < 1",
        "{1: 2, 1: 3} == {}",
        "[] + claims.text == []",
        "dyn(1) == 1.0",
        "true ? true ? true ? true : false : false : false : false",
        "'\\u0000' == claims.text",
    ];
    let read: Vec<_> = cases.iter().filter_map(|text| Expression::read(text).ok()).collect();
    assert!(read.len() > 12, "most of them are of the language");
    let truths = read.iter().filter(|expression| expression.holds(&variables) == Ok(true)).count();
    assert!(truths < read.len(), "and most make no sense");
}

#[tokio::test]
async fn a_policy_is_tried_on_a_response_that_was_recorded_without_anybody_noticing() {
    let world = World::new();
    for mode in ["direct_post", "direct_post.jwt"] {
        let body = json!({
            "dcql_query": badge_query(&["name"]), "record": true, "response_mode": mode,
        });
        let asked = world.ask(body).await;
        assert_eq!(world.post(&world.answer(&asked).await).await.status, StatusCode::OK);
        let place = format!("requests/{}/recording", asked.id);
        let recording = world.api(Method::GET, &place, None).await.json();
        let before = world.status(&asked).await;

        // much later, by the request and by the recording itself
        world.clock.forward(jiff::SignedDuration::from_mins(10));
        for (name, value) in [("request", json!(asked.id)), ("recording", recording)] {
            let good = json!({ "policy": rule("claims.name.startsWith('Ada')"), name: value });
            let verdict = world.api(Method::POST, "policies/test", Some(good)).await.json();
            assert_eq!(verdict["state"], "verified", "{verdict}");
            let bad = json!({ "policy": rule("claims.name == 'Grace'"), name: value });
            let verdict = world.api(Method::POST, "policies/test", Some(bad)).await.json();
            assert_eq!(
                (&verdict["state"], &verdict["reason"]),
                (&json!("refused"), &json!("policy_rule_failed"))
            );
        }
        assert_eq!(world.status(&asked).await, before);
        world.clock.forward(jiff::SignedDuration::from_mins(-10));
    }
}

#[tokio::test]
async fn nothing_is_recorded_unless_it_was_asked_for() {
    let world = World::new();
    let asked = world.ask_for_name().await;
    let place = format!("requests/{}/recording", asked.id);
    world.post(&world.answer(&asked).await).await;
    let answer = world.api(Method::GET, &place, None).await;
    assert_eq!(answer.refusal(), (409, "request_not_recorded".to_owned()));
    let trial = json!({ "request": asked.id });
    let answer = world.api(Method::POST, "policies/test", Some(trial)).await;
    assert_eq!(answer.refusal(), (409, "request_not_recorded".to_owned()));
}

#[tokio::test]
async fn a_preset_is_asked_by_its_newest_version_or_by_the_one_that_is_named() {
    let world = World::new();
    let newest = world.status(&world.ask(json!({ "preset": "badge" })).await).await;
    assert_eq!(newest["preset"], "badge");
    assert_eq!(
        world.status(&world.ask(json!({ "preset": "badge@1" })).await).await["preset"],
        "badge"
    );
    for unknown in ["badge@2", "badge@", "badge@x"] {
        let body = json!({ "preset": unknown });
        let answer = world.api(Method::POST, "requests", Some(body)).await;
        assert_eq!(answer.refusal(), (400, "unknown_preset".to_owned()), "{unknown}");
    }
    let listed = world.api(Method::GET, "presets", None).await.json();
    assert_eq!(
        (&listed["presets"][0]["id"], &listed["presets"][0]["version"]),
        (&json!("badge"), &json!(1))
    );
}

#[tokio::test]
async fn a_request_is_saved_in_versions_that_never_change() {
    let world = World::new();
    let save = |claim: &str| {
        let body = json!({
            "id": "desk", "title": "A colleague", "purpose": "To let you in",
            "dcql_query": badge_query(&[claim]),
            "policy": { "rules": [{ "id": "ada", "credential": "badge", "expression": "has(claims.name)" }] },
        });
        world.api(Method::POST, "presets", Some(body))
    };
    let first = save("birthdate").await;
    assert_eq!(first.status, StatusCode::CREATED);
    assert_eq!(
        (&first.json()["version"], &first.json()["warnings"][0]["code"]),
        (&json!(1), &json!("birth_date"))
    );
    assert_eq!(save("name").await.json(), json!({ "id": "desk", "version": 2 }));

    let asked = world.ask(json!({ "preset": "desk" })).await;
    assert_eq!(world.post(&world.answer(&asked).await).await.status, StatusCode::OK);
    let status = world.status(&asked).await;
    assert_eq!((&status["state"], &status["preset"]), (&json!("verified"), &json!("desk")));
    let earlier = world.status(&world.ask(json!({ "preset": "desk@1" })).await).await;
    assert_eq!(earlier["dcql_query"], badge_query(&["birthdate"]));
    let listed = world.api(Method::GET, "presets", None).await.json();
    let names: Vec<_> = listed["presets"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| (&one["id"], &one["version"]))
        .collect();
    assert_eq!(
        names,
        [(&json!("badge"), &json!(1)), (&json!("desk"), &json!(1)), (&json!("desk"), &json!(2))]
    );

    let deleted = world.api(Method::DELETE, "presets/desk", None).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    let again = world.api(Method::DELETE, "presets/desk", None).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    let answer = world.api(Method::POST, "requests", Some(json!({ "preset": "desk" }))).await;
    assert_eq!(answer.refusal(), (400, "unknown_preset".to_owned()));
}

#[tokio::test]
async fn a_request_that_cannot_be_asked_is_not_saved() {
    let world = World::new();
    let good = json!({
        "id": "desk", "title": "", "purpose": "", "dcql_query": badge_query(&["name"]),
    });
    for (name, value, code) in [
        ("id", json!("badge"), "preset_configured"),
        ("id", json!("The Desk"), "invalid_id"),
        ("id", json!(""), "invalid_id"),
        ("purpose", json!("p".repeat(501)), "invalid_purpose"),
        ("dcql_query", json!({ "credentials": [] }), "invalid_request"),
        ("policy", json!({ "credentials": { "passport": ["holder_binding"] } }), "invalid_policy"),
    ] {
        let mut body = good.clone();
        body[name] = value;
        let answer = world.api(Method::POST, "presets", Some(body)).await;
        assert_eq!(answer.refusal(), (400, code.to_owned()), "{name}");
    }
}

#[tokio::test]
async fn a_rule_about_all_credentials_sees_each_of_several_for_one_query() {
    let world = World::new();
    let mut query = badge_query(&["name"]);
    query["credentials"][0]["multiple"] = json!(true);
    let policy = json!({
        "rules": [{ "id": "ends", "expression": "credentials.badge.valid_until != null" }],
    });
    let body = json!({ "dcql_query": query, "policy": policy, "response_mode": "direct_post" });
    let asked = world.ask(body).await;
    let reviewed = world.review(&asked).await;
    let endless = world.issue(world.trusted_issuer(), BADGE, Validity::UNLIMITED).await;
    let mut presented = Vec::new();
    for held in [world.badge().await, endless] {
        let answer = Holder::of(&world, held).answer_to(&reviewed).await;
        let form: Vec<(String, String)> = serde_urlencoded::from_str(&answer.body).unwrap();
        let (_, token) = form.iter().find(|(name, _)| name == "vp_token").unwrap();
        let token: Value = serde_json::from_str(token).unwrap();
        presented.push(token["badge"][0].clone());
    }
    let state = reviewed.request().state.as_ref().unwrap();
    for (presented, status, outcome) in
        [(&presented[..], 400, "refused"), (&presented[..1], 200, "verified")]
    {
        let token = json!({ "badge": presented }).to_string();
        let form = [("vp_token", token.as_str()), ("state", state.as_str())];
        let path = reviewed.request().response_uri.url().path();
        let answer = world.post_form(path, serde_urlencoded::to_string(form).unwrap()).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert_eq!(world.status(&asked).await["state"], outcome);
    }
}
