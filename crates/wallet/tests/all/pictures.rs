//! Pictures of cards: what comes with a card and what does not, who learns of it, and what is left when it is deleted.

use std::{
    collections::HashMap,
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::SignedDuration;
use lanyard_fetch::{FetchError, HttpClient, Purpose, Request, Response, ResponseHeaders};
use lanyard_oid4vci::{client_authentication::ClientMethod, issuer::Profile};
use lanyard_wallet::{
    PictureType, PictureUse, Wallet,
    ports::Ports,
    storage::{CardId, Form},
};
use serde_json::{Value, json};

use crate::{
    wire::Wire,
    world::{Setting, World, rules},
};

const LOGO: &str = "https://pictures.example/logo";
const BACKGROUND: &str = "https://pictures.example/background";

/// What a host of pictures answers.
#[derive(Clone)]
enum Answer {
    Bytes(Vec<u8>),
    Status(u16),
    Fails(FetchError),
}

/// A host of pictures beside the issuer; it keeps what it was asked for.
struct Host {
    wire: Arc<Wire>,
    answers: HashMap<&'static str, Answer>,
    asked: Mutex<Vec<String>>,
}

impl Host {
    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no test panics while it holds this lock").clone()
    }
}

#[async_trait]
impl HttpClient for Host {
    async fn send(&self, request: Request) -> Result<Response, FetchError> {
        if request.url.host_str() == Some("localhost") {
            return self.wire.send(request).await;
        }
        assert_eq!(request.purpose, Purpose::Picture);
        assert!(request.authorization.is_none() && request.headers.is_empty());
        let url = request.url.to_string();
        self.asked.lock().expect("no lock is poisoned").push(url.clone());
        let (status, body) = match self.answers.get(url.as_str()).cloned() {
            Some(Answer::Bytes(bytes)) => (200, bytes),
            Some(Answer::Status(status)) => (status, png(8, 8)),
            Some(Answer::Fails(error)) => return Err(error),
            None => (404, Vec::new()),
        };
        // whatever it is, it is said to be PNG
        let content_type = Some("image/png".to_owned());
        let headers = ResponseHeaders::default();
        Ok(Response { status, content_type, headers, body: body.into(), final_url: request.url })
    }
}

/// A world whose issuer shows these pictures, which are at a host of their own.
async fn world_of(
    setting: Setting,
    display: Value,
    answers: &[(&'static str, Answer)],
) -> (World, Wallet, Arc<Host>) {
    let mut world = World::with(setting).await;
    show(&world, display);
    let host = Arc::new(Host {
        wire: world.wire.clone(),
        answers: answers.iter().cloned().collect(),
        asked: Mutex::default(),
    });
    let ports = Ports { http: host.clone(), ..world.ports.clone() };
    let wallet = Wallet::new(world.settings.clone(), ports, world.storage.clone());
    world.wallet = wallet.clone();
    (world, wallet, host)
}

/// The issuer's metadata say this of how its badge looks.
fn show(world: &World, display: Value) {
    world.wire.bend(move |url, _, body| {
        if url.path().contains("openid-credential-issuer") {
            let badge = &mut body["credential_configurations_supported"]["badge"];
            let shown = &mut badge["credential_metadata"]["display"][0];
            for (name, value) in display.as_object().expect("an object") {
                shown[name] = value.clone();
            }
        }
    });
}

fn both() -> Value {
    json!({
        "logo": { "uri": LOGO, "alt_text": "A leaf" },
        "background_image": { "uri": BACKGROUND },
    })
}

fn logo_at(uri: &str) -> Value {
    json!({ "logo": { "uri": uri } })
}

async fn take(world: &World) -> CardId {
    let offer = world.offer(false).await;
    let cards = world.read(&offer).await.accept(None).await.expect("the offer is accepted");
    cards[0]
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let sides = [width.to_be_bytes(), height.to_be_bytes()].concat();
    [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", &sides[..], &[8, 6, 0, 0, 0]].concat()
}

fn jpeg(width: u16, height: u16) -> Vec<u8> {
    let sides = [height.to_be_bytes(), width.to_be_bytes()].concat();
    let tables = [&[0xff, 0xe0, 0, 16][..], &[0; 14], &[0xff, 0xc4, 0, 3, 0]].concat();
    [&[0xff, 0xd8][..], &tables, &[0xff, 0xff, 0xc2, 0, 17, 8], &sides, &[3, 0xff, 0xd9]].concat()
}

fn gif(width: u16, height: u16) -> Vec<u8> {
    [&b"GIF89a"[..], &width.to_le_bytes(), &height.to_le_bytes(), &[0; 3]].concat()
}

fn webp(chunk: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&b"RIFF\0\0\0\0WEBP"[..], chunk, &[0; 4], body].concat()
}

const SVG: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><rect width="9" height="9"/></svg>"#;

fn kinds() -> Vec<(PictureType, Vec<u8>)> {
    vec![
        (PictureType::Png, png(96, 96)),
        (PictureType::Jpeg, jpeg(96, 64)),
        (PictureType::Gif, gif(96, 96)),
        (PictureType::Webp, webp(b"VP8 ", &[0, 0, 0, 0x9d, 0x01, 0x2a, 96, 0, 96, 0])),
        (PictureType::Webp, webp(b"VP8L", &[0x2f, 95, 0, 0, 0])),
        (PictureType::Webp, webp(b"VP8X", &[0, 0, 0, 0, 95, 0, 0, 95, 0, 0])),
        (PictureType::Svg, SVG.as_bytes().to_vec()),
    ]
}

fn too_large() -> Vec<Vec<u8>> {
    vec![
        png(4097, 1),
        png(1, u32::MAX),
        jpeg(1, 4097),
        gif(4097, 1),
        webp(b"VP8 ", &[0, 0, 0, 0x9d, 0x01, 0x2a, 1, 0, 1, 0x10]),
        webp(b"VP8L", &[0x2f, 0xff, 0xff, 0xff, 0x0f]),
        webp(b"VP8X", &[0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0]),
    ]
}

#[tokio::test]
async fn a_logo_of_every_kind_arrives_with_the_card_by_its_bytes() {
    for (kind, bytes) in kinds() {
        let answers = [(LOGO, Answer::Bytes(bytes.clone()))];
        let (world, wallet, _) = world_of(Setting::default(), logo_at(LOGO), &answers).await;
        let card = take(&world).await;
        let logo = wallet.card_picture(card, PictureUse::Logo).unwrap().unwrap();
        assert_eq!((logo.kind(), logo.bytes()), (kind, &bytes[..]));
        assert_eq!(wallet.card_picture(card, PictureUse::BackgroundImage).unwrap(), None);
    }
}

#[tokio::test]
async fn a_picture_in_a_data_url_is_kept_and_nobody_is_asked() {
    let encoded = STANDARD.encode(png(96, 96));
    let percent: String = png(96, 96).iter().map(|byte| format!("%{byte:02x}")).collect();
    for url in [
        format!("data:image/png;base64,{encoded}"),
        format!("data:text/html;charset=utf-8;BASE64,{}", encoded.trim_end_matches('=')),
        format!("DATA:,{percent}"),
    ] {
        let (world, wallet, host) = world_of(Setting::default(), logo_at(&url), &[]).await;
        let card = take(&world).await;
        let logo = wallet.card_picture(card, PictureUse::Logo).unwrap().unwrap();
        assert_eq!(logo.bytes(), png(96, 96), "{url}");
        assert!(host.asked().is_empty());
        let face = &wallet.cards().unwrap()[0].content.face;
        assert_eq!(face.logo, None, "a list of cards is not made longer by it");
        assert!(face.has_picture(PictureUse::Logo));
    }
}

#[tokio::test]
async fn a_picture_that_cannot_be_had_leaves_the_card_whole_and_without() {
    let redirected =
        FetchError::RedirectRefused { host: "pictures.example".to_owned(), status: 302 };
    let bytes = |bytes: &[u8]| Answer::Bytes(bytes.to_vec());
    let entity = br#"<!DOCTYPE svg [<!ENTITY a "a">]><svg xmlns="http://www.w3.org/2000/svg"/>"#;
    let faults = [
        ("too long", bytes(&[png(1, 1), vec![0; 256 * 1024]].concat())),
        ("a page", bytes(b"<html><body>logo</body></html>")),
        ("no picture", bytes(b"PK\x03\x04")),
        ("nothing", bytes(b"")),
        ("a JPEG without a frame", bytes(&[0xff, 0xd8, 0xff, 0xda, 0, 2])),
        ("an SVG with entities", bytes(entity)),
        ("not there", Answer::Status(404)),
        ("no content", Answer::Status(204)),
        ("unreachable", Answer::Fails(FetchError::TlsUnavailable)),
        ("redirected", Answer::Fails(redirected)),
    ];
    let large = too_large().into_iter().map(|bytes| ("too large", Answer::Bytes(bytes)));
    for (fault, answer) in faults.into_iter().chain(large) {
        let answers = [(LOGO, answer), (BACKGROUND, Answer::Bytes(jpeg(300, 200)))];
        let (world, wallet, host) = world_of(Setting::default(), both(), &answers).await;
        let card = take(&world).await;
        assert_eq!(host.asked(), [LOGO, BACKGROUND], "{fault}");
        assert_eq!(wallet.card_picture(card, PictureUse::Logo).unwrap(), None, "{fault}");
        let background = wallet.card_picture(card, PictureUse::BackgroundImage).unwrap();
        assert_eq!(background.unwrap().kind(), PictureType::Jpeg, "{fault}");
        let held = &wallet.cards().unwrap()[0];
        assert_eq!((held.copies, &held.content.claims["given_name"]), (3, &json!("Ada")));
        assert!(!held.content.face.has_picture(PictureUse::Logo));
        assert_eq!(world.last_event()["kind"], "received");
    }
}

#[tokio::test]
async fn a_picture_at_another_scheme_than_https_is_not_asked_for() {
    for url in ["ftp://pictures.example/logo", "javascript:alert(1)", "file:///etc/passwd", "/logo"]
    {
        let (world, wallet, host) = world_of(Setting::default(), logo_at(url), &[]).await;
        let card = take(&world).await;
        assert_eq!(wallet.card_picture(card, PictureUse::Logo).unwrap(), None, "{url}");
        assert!(host.asked().is_empty(), "{url}");
    }
}

#[tokio::test]
async fn a_hostile_svg_is_shown_without_what_could_hurt() {
    let hostile = r#"<svg xmlns="http://www.w3.org/2000/svg" onload="steal()"><script>steal()</script>
        <image href="https://tracker.example/seen.png"/><rect width="9" height="9"/></svg>"#;
    let answers = [(LOGO, Answer::Bytes(hostile.as_bytes().to_vec()))];
    let (world, wallet, _) = world_of(Setting::default(), logo_at(LOGO), &answers).await;
    let card = take(&world).await;
    let logo = wallet.card_picture(card, PictureUse::Logo).unwrap().unwrap();
    let text = String::from_utf8(logo.into_bytes()).unwrap();
    assert!(
        text.contains("<rect") && !text.contains("steal") && !text.contains("tracker"),
        "{text}"
    );
}

#[tokio::test]
async fn a_host_of_pictures_learns_of_the_receipt_and_of_nothing_after() {
    let answers = [(LOGO, Answer::Bytes(png(96, 96))), (BACKGROUND, Answer::Bytes(jpeg(300, 200)))];
    let (world, wallet, host) = world_of(Setting::default(), both(), &answers).await;
    let offer = world.offer(false).await;
    let reviewed = world.read(&offer).await;
    let face = &reviewed.review().credentials[0].face;
    assert_eq!(
        (face.picture_in(PictureUse::Logo), face.logo_alt.as_deref()),
        (None, Some("A leaf"))
    );
    assert!(host.asked().is_empty(), "the holder has not agreed");
    let card = reviewed.accept(None).await.unwrap()[0];
    assert_eq!(host.asked(), [LOGO, BACKGROUND]);
    for _ in 0..3 {
        assert_eq!(wallet.cards().unwrap().len(), 1);
        for kind in PictureUse::ALL {
            assert!(wallet.card_picture(card, kind).unwrap().is_some());
        }
    }
    let reopened = world.reopened().await;
    assert!(reopened.card_picture(card, PictureUse::Logo).unwrap().is_some());
    assert_eq!(reopened.cards().unwrap()[0].content.face.logo_alt.as_deref(), Some("A leaf"));
    assert_eq!(host.asked().len(), 2);
}

#[tokio::test]
async fn a_logo_in_the_metadata_is_shown_before_the_holder_agrees() {
    let url = format!("data:image/png;base64,{}", STANDARD.encode(png(96, 96)));
    let (world, _, host) = world_of(Setting::default(), logo_at(&url), &[]).await;
    let offer = world.offer(false).await;
    let reviewed = world.read(&offer).await;
    let logo = reviewed.review().credentials[0].face.picture_in(PictureUse::Logo);
    assert_eq!(logo.unwrap().bytes(), png(96, 96));
    assert!(host.asked().is_empty());
}

#[tokio::test]
async fn a_card_that_is_issued_again_keeps_its_pictures_and_nobody_is_asked() {
    let setting =
        Setting { rules: Some(rules(Profile::Plain, ClientMethod::Public)), ..Setting::default() };
    let answers = [(LOGO, Answer::Bytes(png(96, 96)))];
    let (world, wallet, host) = world_of(setting, both(), &answers).await;
    let login = world.read_login().await.begin().await.unwrap();
    let back = world.browse(login.url()).await;
    let first = wallet.finish_login(&back).await.unwrap()[0];
    assert_eq!(host.asked(), [LOGO, BACKGROUND]);
    let second = wallet.renew(first).await.unwrap();
    assert_eq!(host.asked(), [LOGO, BACKGROUND, BACKGROUND], "what was not there is tried again");
    let logo = wallet.card_picture(second, PictureUse::Logo).unwrap();
    assert_eq!(logo.unwrap().bytes(), png(96, 96));
    assert_eq!(wallet.card_picture(first, PictureUse::Logo).unwrap(), None);
}

#[tokio::test]
async fn a_deferred_card_gets_its_pictures_when_it_comes() {
    let answers = [(LOGO, Answer::Bytes(png(96, 96)))];
    let (world, wallet, host) = world_of(Setting::default(), logo_at(LOGO), &answers).await;
    let offer = world.offer_with(false, lanyard_issuer::Deferral::Seconds(60)).await;
    assert!(world.read(&offer).await.accept(None).await.unwrap().is_empty());
    let before = host.asked().len();
    world.now.forward(SignedDuration::from_secs(30));
    assert!(wallet.collect().await.unwrap().is_empty());
    assert_eq!(host.asked().len(), before, "who asks whether it is there fetches nothing");
    world.now.forward(SignedDuration::from_hours(1));
    let card = wallet.collect().await.unwrap()[0];
    assert!(wallet.card_picture(card, PictureUse::Logo).unwrap().is_some());
}

#[tokio::test]
async fn a_deleted_card_leaves_no_picture_in_the_file() {
    let mut large = png(96, 96);
    large.resize(200_000, 0x5a);
    for form in [Form::Sqlite, Form::Journal] {
        let setting = Setting { form, ..Setting::default() };
        let answers = [(LOGO, Answer::Bytes(large.clone()))];
        let (world, wallet, _) = world_of(setting, logo_at(LOGO), &answers).await;
        let card = take(&world).await;
        let file = world.folder().join("wallet.db");
        let seen = |file| {
            let bytes = fs::read(file).unwrap();
            bytes.windows(64).any(|window| window == [0x5a; 64])
        };
        assert!(!seen(&file), "{form:?}: it is sealed");
        assert_eq!(rows(form, &file), 1, "{form:?}");
        assert!(wallet.delete(card).await.unwrap());
        assert_eq!(wallet.card_picture(card, PictureUse::Logo).unwrap(), None);
        assert_eq!(rows(form, &file), 0, "{form:?}");
    }
}

/// How many pictures are in the file: rows of SQLite, or what makes a journal that long.
fn rows(form: Form, file: &Path) -> u64 {
    match form {
        Form::Sqlite => {
            let raw = rusqlite::Connection::open(file).expect("a database");
            let count = raw.query_row("SELECT count(*) FROM picture", [], |row| row.get(0));
            count.map(i64::unsigned_abs).expect("a count")
        }
        Form::Journal => fs::metadata(file).expect("a journal").len() / 200_000,
    }
}
