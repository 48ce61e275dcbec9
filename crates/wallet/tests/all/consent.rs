//! What the holder is told before they consent, and finds again afterwards.

use lanyard_issuer::Deferral;
use lanyard_oid4vp::request::Contact;
use lanyard_wallet::{
    Request,
    history::{EventKind, HistoryFilter},
    protocol::OverAsking,
};
use serde_json::{Value, json};

use crate::world::{World, query};

fn telling(mut asked: Value) -> Value {
    asked["verifier_info"] = json!([{ "format": "registrar_dataset", "data": {
        "purpose": [
            { "lang": "de", "content": "Um dich hereinzulassen" },
            { "lang": "en", "content": "To let you in" },
        ],
        "policyURI": "https://desk.example/privacy",
        "supportURI": "privacy@desk.example",
        "supervisoryAuthority": { "email": "report@authority.example" },
    }}]);
    asked
}

async fn read(world: &World, asked: Value) -> Request {
    let asked = world.ask(asked).await;
    world.wallet.read_request(asked.link.as_str()).await.expect("a request")
}

async fn share(request: Request) {
    let choices = request.choices().expect("a card fits");
    let smallest = choices.smallest();
    request.answer(choices.approve(&smallest).expect("consent")).await.expect("taken");
}

fn contact(text: &str) -> Contact {
    Contact::parse(text).expect("a contact")
}

#[tokio::test]
async fn each_claim_that_most_purposes_do_not_need_is_flagged_and_no_other() {
    let world = World::new().await;
    let claims = json!({ "given_name": "Ada", "sex": "F" });
    let offer = world.offer_of(claims, false, Deferral::None).await;
    world.read(&offer).await.accept(None).await.unwrap();
    let request = read(&world, query(&[&["given_name"], &["sex"]])).await;
    let choices = request.choices().unwrap();
    let flags: Vec<_> = choices.over_asked().into_iter().map(|(_, flag)| flag.what).collect();
    assert_eq!(flags, [OverAsking::Sex]);
    let found = &choices.queries()[0];
    let candidate = &found.candidates[0];
    let content = &request.cards()[candidate.credential].content;
    let rows = content.asked_rows(found, &candidate.choices[0]);
    let flagged: Vec<_> = rows.iter().filter(|row| row.over_asked.is_some()).collect();
    assert_eq!((rows.len(), flagged.len()), (2, 1));
    assert_eq!(flagged[0].over_asked, Some(OverAsking::Sex));
    assert_eq!(flagged[0].claim.value, "F");
    let request = read(&world, query(&[&["given_name"]])).await;
    assert!(request.choices().unwrap().over_asked().is_empty());
}

#[tokio::test]
async fn why_a_verifier_asks_and_whom_to_ask_back_is_told_at_consent_and_kept() {
    let world = World::with_card().await;
    let request = read(&world, telling(query(&[&["given_name"]]))).await;
    let told = request.told();
    assert_eq!(told.purpose.as_deref(), Some("To let you in"), "in the holder's language");
    assert_eq!(told.for_deletion(), [contact("privacy@desk.example")]);
    assert_eq!(told.authorities, [contact("report@authority.example")]);
    share(request).await;
    let (_, entry) = world.wallet.history().unwrap().remove(0);
    assert_eq!(entry.told, Some(told.clone()));
    assert!(world.wallet.export_history().unwrap().contains("mailto:privacy@desk.example"));
    assert_eq!(world.wallet.search_history("let you in").unwrap().len(), 1);
}

#[tokio::test]
async fn the_verifiers_that_got_something_are_listed_with_whom_to_ask_for_its_deletion() {
    let world = World::with_card().await;
    share(read(&world, telling(query(&[&["given_name"]]))).await).await;
    // it says nothing of itself this time
    share(read(&world, query(&[&["family_name"]])).await).await;
    read(&world, telling(query(&[&["given_name"]]))).await.decline().await.unwrap();
    let [desk] = &world.wallet.shared_with().unwrap()[..] else { panic!("one verifier") };
    assert_eq!((desk.times, desk.party_name.as_deref()), (2, Some("Front desk")));
    assert_eq!(desk.claims.len(), 2, "{:?}", desk.claims);
    assert_eq!(desk.told.for_deletion(), [contact("privacy@desk.example")]);
}

#[tokio::test]
async fn what_nobody_signed_says_nothing_to_the_holder() {
    let world = World::with_card().await;
    let mut asked = telling(query(&[&["given_name"]]));
    asked["client_id_prefix"] = json!("redirect_uri");
    let request = read(&world, asked).await;
    assert!(request.told().is_empty());
    share(request).await;
    assert_eq!(world.wallet.history().unwrap()[0].1.told, None);
}

#[tokio::test]
async fn the_history_is_looked_through_by_kind_by_party_and_by_time() {
    let world = World::with_card().await;
    share(read(&world, query(&[&["given_name"]])).await).await;
    let found = |wanted: HistoryFilter| {
        let found = world.wallet.find_in_history(&wanted).unwrap();
        found.into_iter().map(|(_, entry)| entry.event.kind()).collect::<Vec<_>>()
    };
    let all = found(HistoryFilter::default());
    assert!(all.contains(&EventKind::Presented) && all.len() > 1, "{all:?}");
    let kinds = vec![EventKind::Presented];
    assert_eq!(found(HistoryFilter { kinds, ..HistoryFilter::default() }), [EventKind::Presented]);
    let party = world.wallet.shared_with().unwrap()[0].party.clone();
    assert_eq!(
        found(HistoryFilter { party: Some(party), ..HistoryFilter::default() }),
        [EventKind::Presented]
    );
    let now = world.wallet.now();
    let until = HistoryFilter { until: Some(now), ..HistoryFilter::default() };
    assert_eq!(found(until), [], "what happened now did not happen before now");
    let from = HistoryFilter { from: Some(now), ..HistoryFilter::default() };
    assert_eq!(found(from), all);
}
