//! A server is backed up while it issues, killed, and restored: what was good before is not, and the rest is.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lanyard_core::{
    crypto::{AwsLc, CryptoProvider as _, Curve, Signer as _, SoftwareSigner},
    jose::{self, Jwk},
    json::Object,
};
use serde_json::{Value, json};

use crate::circle::{Demo, json, text, until_refused};

fn lanyard(arguments: &[&str], paths: &[&Path]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lanyard"));
    command.args(arguments).arg("--json").args(paths).output().expect("the binary runs")
}

/// Ends with 1 and this reason.
fn refusal(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    text(&json(output)["error"])
}

fn back_up(demo: &Demo, file: &Path) -> Output {
    lanyard(&["backup"], &[file, Path::new("--data"), &demo.file("")])
}

fn restore(file: &Path, data: &Path, more: &[&str]) -> Output {
    let paths = [file, Path::new("--data"), data];
    lanyard(&[&["restore"], more].concat(), &paths)
}

/// What a wallet says to the issuer, by hand.
struct Peer {
    http: reqwest::Client,
    issuer: String,
}

impl Peer {
    fn of(demo: &Demo) -> Self {
        Self { http: reqwest::Client::new(), issuer: format!("{}/demo", demo.base()) }
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or_default())
    }

    async fn token(&self, code: &str) -> (u16, Value) {
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:pre-authorized_code"),
            ("pre-authorized_code", code),
        ];
        self.answer(self.http.post(format!("{}/token", self.issuer)).form(&form)).await
    }

    async fn nonce(&self) -> String {
        let (_, answer) = self.answer(self.http.post(format!("{}/nonce", self.issuer))).await;
        text(&answer["c_nonce"])
    }

    async fn credential(&self, token: &str, nonce: &str) -> (u16, Value) {
        let key = AwsLc.generate_key(Curve::P256).expect("a key");
        let key = SoftwareSigner::new(&AwsLc, &key).expect("a signer");
        let object = |value| serde_json::from_value::<Object>(value).expect("an object");
        let header = object(json!({
            "typ": "openid4vci-proof+jwt", "jwk": Jwk::new(*key.public_key()),
        }));
        let now = jiff::Timestamp::now().as_second();
        let claims = object(json!({ "aud": self.issuer, "iat": now, "nonce": nonce }));
        let proof = jose::sign(header, &claims, &key).await.expect("a proof");
        let wanted = json!({
            "credential_configuration_id": "employee_badge", "proofs": { "jwt": [proof] },
        });
        let place = format!("{}/credential", self.issuer);
        self.answer(self.http.post(place).bearer_auth(token).json(&wanted)).await
    }
}

/// The code in an offer's link.
async fn code(peer: &Peer, offer: &Value) -> String {
    let link: reqwest::Url = text(&offer["link"]).parse().expect("a link");
    let uri = link.query_pairs().find(|(name, _)| name == "credential_offer_uri");
    let uri = uri.expect("an offer by reference").1.into_owned();
    let (_, offer) = peer.answer(peer.http.get(uri)).await;
    let grant = &offer["grants"]["urn:ietf:params:oauth:grant-type:pre-authorized_code"];
    text(&grant["pre-authorized_code"])
}

fn make_offer(demo: &Demo) -> Value {
    json(&demo.integrator(&["offer", "--type", "employee_badge"]))
}

fn ask(demo: &Demo) -> Value {
    json(&demo.integrator(&["request", "--preset", "badge"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_server_refuses_what_was_good_before_and_goes_on() {
    let mut demo = Demo::start();
    let peer = Peer::of(&demo);
    let home = demo.folder.path().join("wallet");
    let file = demo.folder.path().join("lanyard.backup");

    // before the backup: a card, offers, a token, nonces, a request
    let accepted = demo.wallet(&home, &["accept", &text(&make_offer(&demo)["link"])]);
    assert_eq!(accepted.status.code(), Some(0), "{accepted:?}");
    let [used_later, never_used, redeemed] =
        [make_offer(&demo), make_offer(&demo), make_offer(&demo)];
    let [used_code, unused_code, redeemed_code] = [
        code(&peer, &used_later).await,
        code(&peer, &never_used).await,
        code(&peer, &redeemed).await,
    ];
    let (status, token) = peer.token(&redeemed_code).await;
    assert_eq!(status, 200, "{token}");
    let (token, nonce, request) = (text(&token["access_token"]), peer.nonce().await, ask(&demo));

    // the backup, while offers are made
    let stop = Arc::new(AtomicBool::new(false));
    let (first, begun) = tokio::sync::oneshot::channel();
    let load = {
        let (stop, api) = (stop.clone(), format!("{}/api/demo/offers", demo.base()));
        let key = std::fs::read_to_string(demo.file("api-key")).expect("a key");
        let types = lanyard_cli::demo::credential_types().expect("the demo has types");
        let badge = types.iter().find(|kind| kind.id == "employee_badge").expect("a badge");
        let body = json!({ "configuration": badge.id, "claims": badge.sample() });
        let http = peer.http.clone();
        tokio::spawn(async move {
            let mut first = Some(first);
            while !stop.load(Ordering::Relaxed) {
                let offer = http.post(&api).bearer_auth(key.trim()).json(&body);
                assert_eq!(offer.send().await.expect("an answer").status(), 201);
                first.take().map(|first| first.send(()));
            }
        })
    };
    begun.await.expect("an offer is made");
    let taken = tokio::task::block_in_place(|| back_up(&demo, &file));
    stop.store(true, Ordering::Relaxed);
    load.await.expect("every offer is made");
    assert_eq!(taken.status.code(), Some(0), "{taken:?}");
    assert_eq!(json(&taken)["credentials"], 1);

    // after the backup: a code is used, a request is answered, another card is issued
    assert_eq!(peer.token(&used_code).await.0, 200);
    let shared = demo.wallet(&home, &["present", &text(&request["link"])]);
    assert_eq!(shared.status.code(), Some(0), "{shared:?}");
    let lost_home = demo.folder.path().join("wallet-2");
    let lost = demo.wallet(&lost_home, &["accept", &text(&make_offer(&demo)["link"])]);
    assert_eq!(lost.status.code(), Some(0), "{lost:?}");

    // killed, and restored
    let data = demo.file("");
    assert_eq!(refusal(&restore(&file, &data, &["--replace"])), "in_use");
    demo.kill();
    assert_eq!(refusal(&restore(&file, &data, &[])), "not_empty");
    let restored = restore(&file, &data, &["--replace"]);
    assert_eq!(restored.status.code(), Some(0), "{restored:?}");
    let restored = json(&restored);
    assert!(restored["epoch"].as_u64() > Some(0), "{restored}");
    assert!(restored["ended_sessions"].as_u64() >= Some(5), "{restored}");
    demo.start_again();

    // what was good before is refused, each with its reason
    for (code, why) in [
        (&used_code, "used after the backup"),
        (&unused_code, "not used, as far as anybody knows"),
        (&redeemed_code, "used before the backup"),
    ] {
        let (status, answer) = peer.token(code).await;
        assert_eq!((status, &answer["error"]), (400, &json!("invalid_grant")), "{why}");
    }
    assert_eq!(peer.credential(&token, &nonce).await.0, 401, "the token is of before");
    let (_, fresh) = peer.token(&code(&peer, &make_offer(&demo)).await).await;
    let fresh = text(&fresh["access_token"]);
    let (status, answer) = peer.credential(&fresh, &nonce).await;
    assert_eq!(
        (status, &answer["error"]),
        (400, &json!("invalid_nonce")),
        "the nonce is of before"
    );
    let (status, answer) = peer.credential(&fresh, &peer.nonce().await).await;
    assert_eq!(status, 200, "{answer}");
    let again = demo.wallet(&home, &["present", &text(&request["link"])]);
    assert_ne!(again.status.code(), Some(0), "the request was answered: {again:?}");

    // what was issued verifies, also where nobody has it on record, and what is on record can be revoked
    for home in [&home, &lost_home] {
        assert_eq!(verdict(&demo, home)["state"], "verified");
    }
    let listed = json(&demo.integrator(&["credentials", "list"]));
    let ids = listed["credentials"].as_array().map(|all| all.iter().map(|one| text(&one["id"])));
    let ids: Vec<_> = ids.expect("a list").collect();
    assert_eq!(ids.len(), 2, "the one of before, and the one of now: {listed}");
    let revoked = demo.integrator(&["credentials", "revoke", &ids[1]]);
    assert_eq!(revoked.status.code(), Some(0), "{revoked:?}");
    // once the verifier's copy of the list is older than its ttl
    until_refused(&demo, &home, "credential_revoked");
    assert_eq!(verdict(&demo, &lost_home)["state"], "verified", "places are not shared");

    // the next cards are in lists that nothing was issued into before
    let lists = peer.answer(peer.http.get(format!("{}/status-lists", peer.issuer))).await.1;
    let last = lists["status_lists"].as_array().and_then(|lists| lists.last()?.as_str());
    let last = last.and_then(|list| list.rsplit('/').next()?.parse::<u64>().ok());
    assert_eq!(last, restored["epoch"].as_u64().map(|epoch| epoch << 12));
}

fn verdict(demo: &Demo, home: &Path) -> Value {
    let request = ask(demo);
    demo.wallet(home, &["present", &text(&request["link"])]);
    json(&demo.integrator(&["result", &text(&request["id"])]))["verdict"].clone()
}

/// A backup of a demo that ended, and the folder of its key.
fn backed_up() -> (Demo, PathBuf) {
    let mut demo = Demo::start();
    let file = demo.folder.path().join("lanyard.backup");
    assert_eq!(back_up(&demo, &file).status.code(), Some(0));
    assert_eq!(refusal(&back_up(&demo, &file)), "file_exists");
    demo.kill();
    (demo, file)
}

#[test]
fn a_backup_is_restored_elsewhere_with_its_sealing_key_and_with_no_other() {
    let (demo, file) = backed_up();
    let elsewhere = demo.folder.path().join("elsewhere");
    assert_eq!(refusal(&restore(&file, &elsewhere, &[])), "sealing_key");
    let other = demo.folder.path().join("other-key");
    std::fs::copy(demo.file("sealing-key"), &other).expect("a copy");
    std::fs::write(&other, [7; 32]).expect("writable");
    let key = |path: &Path| path.display().to_string();
    let wrong = restore(&file, &elsewhere, &["--sealing-key", &key(&other)]);
    assert_eq!(refusal(&wrong), "sealing_key");
    assert!(!elsewhere.exists(), "nothing was made");

    let own = demo.file("sealing-key");
    let restored = restore(&file, &elsewhere, &["--sealing-key", &key(&own)]);
    assert_eq!(restored.status.code(), Some(0), "{restored:?}");
    let elsewhere = Demo::start_in(demo.folder.clone(), "elsewhere", &[]);
    assert_eq!(make_offer(&elsewhere)["state"], Value::Null, "it serves");
    assert!(elsewhere.ask("/readyz").starts_with("HTTP/1.1 200"));
}

#[test]
fn a_server_whose_sealing_key_is_gone_does_not_start_with_a_fresh_one() {
    let (demo, _) = backed_up();
    std::fs::remove_file(demo.file("sealing-key")).expect("it is there");
    let refused = Command::new(env!("CARGO_BIN_EXE_lanyard"))
        .args(["demo", "--port", "0", "--data"])
        .arg(demo.file(""))
        .output()
        .expect("the binary runs");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("sealing-key is gone"), "{said}");
    assert!(!demo.file("sealing-key").exists(), "none was made in its place");
}

#[test]
fn what_is_no_backup_is_refused_with_its_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, data) = (folder.path().join("file"), folder.path().join("data"));
    std::fs::write(&file, b"no database".repeat(1000)).expect("writable");
    assert_eq!(refusal(&restore(&file, &data, &[])), "damaged");
    std::fs::write(&file, []).expect("writable");
    assert_eq!(refusal(&restore(&file, &data, &[])), "empty");
    assert_eq!(refusal(&lanyard(&["backup"], &[&file, Path::new("--data"), &data])), "no_store");
    let neither = lanyard(&["restore"], &[Path::new("--data"), &data]);
    assert_eq!(neither.status.code(), Some(2), "a file, or --epoch-only");
}
