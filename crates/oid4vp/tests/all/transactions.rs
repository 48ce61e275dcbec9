//! Transaction data: read strictly, signed by the holder, checked by the verifier.

use async_trait::async_trait;
use lanyard_core::{
    credential::{Format, HeldCredential},
    crypto::HashAlgorithm,
    json::{self, Object},
    sd_jwt::KeyBindingRequest,
};
use lanyard_oid4vp::{
    ErrorCode,
    dcql::DcqlQuery,
    request::{RequestError, ResponseMode},
    transaction::{Transaction, TransactionData, TransactionError},
    verifier::{Ask, CheckOutcome, Conclusion, Recording, Requested, Verdict, VerdictState},
    wallet::{Approved, Binding, NothingFits, PresentError, Presenter, Selection, SelectionError},
};
use lanyard_testkit::{Mint, SeededRandom};
use serde_json::{Value, json};
use url::Url;

use crate::world::{Honest, RESPONSE_URI, World, badge_query, parameters, view};

const PAYMENT: &str = "urn:lanyard:transaction-data:payment:1";
const SIGNING: &str = "urn:lanyard:transaction-data:document-signing:1";

fn payment() -> Value {
    json!({
        "type": PAYMENT, "credential_ids": ["badge"],
        "payee": "Alder & Finch", "amount": "23.58", "currency": "EUR", "reference": "Order 7",
    })
}

fn signing() -> Value {
    json!({
        "type": SIGNING, "credential_ids": ["badge"],
        "documents": [{ "label": "Contract", "sha256": json::base64url([7; 32]) }],
    })
}

fn query() -> DcqlQuery {
    DcqlQuery::from_value(&badge_query(&["name"])).expect("a query")
}

fn read(value: &Value) -> Result<TransactionData, TransactionError> {
    TransactionData::from_value(value, &query())
}

fn ask_with(world: &World, query: Value, transactions: &[Value]) -> Requested {
    let query = DcqlQuery::from_value(&query).expect("a query");
    let transactions =
        transactions.iter().map(|one| TransactionData::from_value(one, &query).expect("good"));
    let ask = Ask {
        client_id: world.client_id(),
        response_uri: Url::parse(RESPONSE_URI).expect("a URL"),
        response_mode: ResponseMode::DirectPostJwt,
        transactions: transactions.collect(),
        verifier_info: Vec::new(),
        query,
        expires_at: world.now + jiff::SignedDuration::from_mins(5),
    };
    Requested::new(ask, world.provider.as_ref()).expect("a key can be made")
}

fn ask(world: &World, transactions: &[Value]) -> Requested {
    ask_with(world, badge_query(&["name"]), transactions)
}

async fn answered(world: &World, requested: Requested, presenter: &dyn Presenter) -> Verdict {
    let held = world.badge().await;
    let reviewed = world.review(&requested).await;
    let choices = reviewed.choices(&[view(&held)]).expect("the badge fits");
    let selection = choices.smallest();
    let consent = choices.approve(&selection).expect("a selection");
    let provider = world.provider.as_ref();
    let answer = reviewed.answer(consent, presenter, provider).await.expect("an answer");
    let verifier = world.presentations();
    match requested.open(answer.body.as_bytes(), &verifier, world.now, provider).await {
        Ok(Conclusion::Answered(verdict)) => verdict,
        other => unreachable!("presentations came: {other:?}"),
    }
}

#[test]
fn both_types_are_read_and_said_in_words() {
    let read_payment = read(&payment()).unwrap();
    assert!(matches!(read_payment.transaction(), Transaction::Payment(_)));
    assert_eq!(
        read_payment.transaction().to_string(),
        "a payment of 23.58 EUR to Alder & Finch (Order 7)"
    );
    assert_eq!(read(&signing()).unwrap().transaction().to_string(), "your signature on Contract");
    let written = serde_json::to_value(read_payment.transaction()).unwrap();
    assert_eq!((&written["type"], &written["amount"]), (&json!(PAYMENT), &json!("23.58")));
}

#[test]
fn whatever_is_not_of_a_known_type_in_every_respect_is_refused() {
    let with = |mut value: Value, name: &str, member: Value| {
        value[name] = member;
        value
    };
    let without = |mut value: Value, name: &str| {
        value.as_object_mut().expect("an object").remove(name);
        value
    };
    let document = |member: Value| with(signing(), "documents", json!([member]));
    let digest = json::base64url([7; 32]);
    let value = TransactionError::Value;
    let cases = [
        (with(payment(), "type", json!("unheard of")), TransactionError::UnknownType),
        (without(payment(), "type"), TransactionError::Missing("type")),
        (with(payment(), "future", json!(1)), TransactionError::UnknownMember),
        (without(payment(), "payee"), TransactionError::Missing("payee")),
        (with(payment(), "payee", json!("a\nb")), value("payee")),
        (with(payment(), "payee", json!("a".repeat(257))), value("payee")),
        (with(payment(), "amount", json!(23.58)), value("amount")),
        (with(payment(), "amount", json!("-1")), value("amount")),
        (with(payment(), "amount", json!("023")), value("amount")),
        (with(payment(), "amount", json!("1.")), value("amount")),
        (with(payment(), "currency", json!("eur")), value("currency")),
        (with(signing(), "documents", json!([])), value("documents")),
        (document(json!({ "sha256": digest })), TransactionError::Missing("label")),
        (document(json!({ "label": "a", "sha256": "AAAA" })), value("sha256")),
        (
            document(json!({ "label": "a", "sha256": digest, "uri": "x" })),
            TransactionError::UnknownMember,
        ),
        (without(payment(), "credential_ids"), TransactionError::Missing("credential_ids")),
        (with(payment(), "credential_ids", json!([])), value("credential_ids")),
        (with(payment(), "credential_ids", json!(["other"])), TransactionError::UnknownCredential),
        (
            with(payment(), "transaction_data_hashes_alg", json!("sha-256")),
            value("transaction_data_hashes_alg"),
        ),
        (
            with(payment(), "transaction_data_hashes_alg", json!(["sha-1"])),
            TransactionError::HashAlgorithm,
        ),
    ];
    for (transaction, reason) in cases {
        assert_eq!(read(&transaction), Err(reason), "{transaction}");
    }
    let list = |value: Value| TransactionData::list_from_value(&value, &query());
    assert_eq!(list(json!([])), Err(TransactionError::List));
    assert_eq!(list(json!([payment()])), Err(TransactionError::List));
    assert_eq!(list(json!(["%"])), Err(TransactionError::Encoding));
    assert_eq!(list(json!(["AAAA"])), Err(TransactionError::Encoding));
    let refused = RequestError::from(TransactionError::UnknownType);
    assert_eq!(refused.code(), ErrorCode::InvalidTransactionData);
}

// OID4VP 1.0 App. B.3.3: the answer has hashes alone
#[test]
fn two_entries_that_are_the_same_byte_for_byte_are_refused_by_the_place_of_the_second() {
    let all = |values: &[Value]| {
        TransactionData::all_from_values(values, &query()).map(|transactions| transactions.len())
    };
    let twice = [payment(), signing(), payment()];
    assert_eq!(all(&twice), Err(TransactionError::Repeated(2)));
    let mut another = payment();
    another["reference"] = json!("Order 8");
    assert_eq!(all(&[payment(), signing(), another]), Ok(3));
}

#[test]
fn only_a_bound_sd_jwt_vc_can_authorize() {
    for format in [Format::MsoMdoc, Format::JwtVcJson, Format::LdpVc] {
        let query = DcqlQuery::from_value(&Mint::query(format)).unwrap();
        let refused = TransactionData::from_value(&payment(), &query);
        assert_eq!(refused, Err(TransactionError::Format(format)));
    }
    let mut unbound = badge_query(&["name"]);
    unbound["credentials"][0]["require_cryptographic_holder_binding"] = json!(false);
    let unbound = DcqlQuery::from_value(&unbound).unwrap();
    let refused = TransactionData::from_value(&payment(), &unbound);
    assert_eq!(refused, Err(TransactionError::HolderBinding));
}

#[tokio::test]
async fn what_the_holder_signs_is_what_the_verifier_asked_for() {
    let world = World::new();
    let mut with_algorithm = signing();
    with_algorithm["transaction_data_hashes_alg"] = json!(["sha-512", "sha-384"]);
    for transactions in [vec![payment()], vec![payment(), signing()], vec![with_algorithm]] {
        let requested = ask(&world, &transactions);
        let sent = &parameters(&requested)["transaction_data"];
        assert_eq!(sent.as_array().map(Vec::len), Some(transactions.len()));
        // also after the way through the store
        let stored = serde_json::to_vec(&requested).unwrap();
        let requested: Requested = serde_json::from_slice(&stored).unwrap();
        let presenter = Honest::new(&world, world.badge().await);
        let verdict = answered(&world, requested, &presenter).await;
        assert!(verdict.is_verified(), "{verdict:?}");
        let credential = &verdict.credentials[0];
        assert_eq!(credential.transactions.len(), transactions.len());
        assert_eq!(credential.transactions[0]["type"], transactions[0]["type"]);
        let check = credential.checks.last().expect("checks");
        assert_eq!((check.id.as_ref(), check.outcome), ("transaction_data", CheckOutcome::Passed));
    }
}

#[tokio::test]
async fn without_transactions_nothing_is_said_of_them() {
    let world = World::new();
    let requested = ask(&world, &[]);
    assert!(!parameters(&requested).contains_key("transaction_data"));
    let presenter = Honest::new(&world, world.badge().await);
    let verdict = answered(&world, requested, &presenter).await;
    assert!(!verdict.credentials[0].checks.iter().any(|check| check.id == "transaction_data"));
}

/// Signs these claims in place of the hashes.
struct Dishonest<'w> {
    world: &'w World,
    claims: Value,
}

#[async_trait]
impl Presenter for Dishonest<'_> {
    async fn present(&self, approved: &Approved, binding: &Binding) -> Result<Value, PresentError> {
        let HeldCredential::SdJwtVc(held) = self.world.badge().await else {
            return Err(PresentError::Credential);
        };
        let signer = self.world.signer(&self.world.holder);
        let request = KeyBindingRequest {
            audience: &binding.audience,
            nonce: &binding.nonce,
            now: self.world.now,
            signer: &signer,
        };
        let claims: Object = self.claims.as_object().expect("claims").clone();
        let provider = self.world.provider.as_ref();
        let presented =
            held.present_with_claims(&approved.disclose, &request, &claims, provider).await;
        presented.map(Value::String).map_err(|_| PresentError::Credential)
    }
}

#[tokio::test]
async fn refuses_hashes_that_are_absent_of_other_data_or_of_another_algorithm() {
    // security.md 135
    let world = World::new();
    let hash = |requested: &Requested, algorithm| {
        let one = requested.transactions().expect("they can be read").remove(0);
        json::base64url(world.provider.hash(algorithm, one.encoded().as_bytes()))
    };
    let mut choosy = payment();
    choosy["transaction_data_hashes_alg"] = json!(["sha-384"]);
    let (plain, choosy) = (ask(&world, &[payment()]), ask(&world, &[choosy]));
    let (sha256, sha384) =
        (hash(&plain, HashAlgorithm::Sha256), hash(&choosy, HashAlgorithm::Sha384));
    let other = json::base64url([1; 32]);
    let cases = [
        (&plain, json!({}), "transaction_not_authorized"),
        (&plain, json!({ "transaction_data_hashes": [] }), "transaction_hashes_malformed"),
        (&plain, json!({ "transaction_data_hashes": sha256 }), "transaction_hashes_malformed"),
        (&plain, json!({ "transaction_data_hashes": [1] }), "transaction_hashes_malformed"),
        (&plain, json!({ "transaction_data_hashes": [other] }), "transaction_not_asked_for"),
        (
            &plain,
            json!({ "transaction_data_hashes": [sha256, sha256] }),
            "transaction_authorized_twice",
        ),
        (
            &plain,
            json!({ "transaction_data_hashes": [sha256, other] }),
            "transaction_not_asked_for",
        ),
        (
            &plain,
            json!({
                "transaction_data_hashes": [hash(&plain, HashAlgorithm::Sha384)],
                "transaction_data_hashes_alg": "sha-384",
            }),
            "transaction_hash_algorithm",
        ),
        (
            &plain,
            json!({ "transaction_data_hashes": [sha256], "transaction_data_hashes_alg": "md5" }),
            "transaction_hash_algorithm",
        ),
        (
            &choosy,
            json!({ "transaction_data_hashes": [hash(&choosy, HashAlgorithm::Sha256)] }),
            "transaction_hash_algorithm",
        ),
        (&choosy, json!({ "transaction_data_hashes": [sha384] }), "transaction_not_asked_for"),
    ];
    for (requested, claims, reason) in cases {
        let presenter = Dishonest { world: &world, claims };
        let verdict = answered(&world, requested.clone(), &presenter).await;
        assert_eq!(verdict.state, VerdictState::Refused, "{reason}");
        assert_eq!(verdict.reason.as_deref(), Some(reason));
        let credential = &verdict.credentials[0];
        assert!(credential.claims.is_none() && credential.transactions.is_empty());
        let failed = credential.checks.iter().filter(|check| check.outcome == CheckOutcome::Failed);
        assert_eq!(failed.map(|check| check.id.as_ref()).collect::<Vec<_>>(), ["transaction_data"]);
    }
    let good = json!({
        "transaction_data_hashes": [sha384], "transaction_data_hashes_alg": "sha-384",
    });
    let presenter = Dishonest { world: &world, claims: good };
    assert!(answered(&world, choosy, &presenter).await.is_verified());
}

#[tokio::test]
async fn nothing_is_authorized_where_what_was_to_be_authorized_cannot_be_read() {
    let world = World::new();
    let verifier = world.presentations();
    let provider = world.provider.as_ref();
    let requested = ask(&world, &[payment()]);
    // a wallet that signs no transaction answers a request whose list was too long, or is of no known type
    let presenter = Dishonest { world: &world, claims: json!({}) };
    let held = world.badge().await;
    let reviewed = world.review(&requested).await;
    let choices = reviewed.choices(&[view(&held)]).unwrap();
    let selection = choices.smallest();
    let consent = choices.approve(&selection).unwrap();
    let answer = reviewed.answer(consent, &presenter, provider).await.unwrap();
    let body = answer.body.as_bytes();
    let one = parameters(&requested)["transaction_data"][0].clone();
    for list in [json!(vec![one; 17]), json!(["e30"])] {
        let mut kept = serde_json::to_value(&requested).unwrap();
        kept["transaction_data"] = list.clone();
        let kept: Requested = serde_json::from_value(kept).unwrap();
        let mut recording =
            serde_json::to_value(requested.record(body, world.now, provider).unwrap()).unwrap();
        recording["transaction_data"] = list;
        let recording: Recording = serde_json::from_value(recording).unwrap();
        let again = recording.conclude(&verifier, provider).await;
        let Ok(Conclusion::Answered(verdict)) =
            kept.open(body, &verifier, world.now, provider).await
        else {
            unreachable!("presentations came")
        };
        for verdict in [verdict, again] {
            assert_eq!(verdict.reason.as_deref(), Some("transactions_unreadable"));
            assert_eq!(verdict.state, VerdictState::Refused);
            assert!(verdict.credentials[0].claims.is_none());
        }
    }
}

#[tokio::test]
async fn refuses_a_transaction_that_was_bound_in_the_wrong_credential() {
    // security.md 135
    let world = World::new();
    let mut query = badge_query(&["name"]);
    let mut second = query["credentials"][0].clone();
    second["id"] = json!("second");
    query["credentials"].as_array_mut().unwrap().push(second);
    let requested = ask_with(&world, query, &[payment()]);
    let one = requested.transactions().expect("they can be read").remove(0);
    let hash =
        json::base64url(world.provider.hash(HashAlgorithm::Sha256, one.encoded().as_bytes()));
    // the same claims in both, though only the first may authorize
    let presenter =
        Dishonest { world: &world, claims: json!({ "transaction_data_hashes": [hash] }) };
    let verdict = answered(&world, requested, &presenter).await;
    assert_eq!(verdict.reason.as_deref(), Some("transaction_not_asked_for"));
}

#[tokio::test]
async fn refuses_a_transaction_that_two_credentials_authorized() {
    let world = World::new();
    let mut query = badge_query(&["name"]);
    let mut second = query["credentials"][0].clone();
    second["id"] = json!("second");
    query["credentials"].as_array_mut().unwrap().push(second);
    let mut either = payment();
    either["credential_ids"] = json!(["badge", "second"]);
    let requested = ask_with(&world, query, &[either]);
    let one = requested.transactions().unwrap().remove(0);
    let hash =
        json::base64url(world.provider.hash(HashAlgorithm::Sha256, one.encoded().as_bytes()));
    // the same claims in both
    let presenter =
        Dishonest { world: &world, claims: json!({ "transaction_data_hashes": [hash] }) };
    let verdict = answered(&world, requested, &presenter).await;
    assert_eq!(verdict.state, VerdictState::Refused);
    assert_eq!(verdict.reason.as_deref(), Some("transaction_authorized_twice"));
}

#[tokio::test]
async fn a_transaction_is_authorized_by_one_of_the_credentials_that_may() {
    let world = World::new();
    let credential = |id: &str| {
        let mut credential = badge_query(&["name"])["credentials"][0].clone();
        credential["id"] = json!(id);
        credential
    };
    let mut either = payment();
    either["credential_ids"] = json!(["b", "a"]);
    let query = json!({ "credentials": [credential("a"), credential("b")] });
    let requested = ask_with(&world, query, &[either]);
    let held = world.badge().await;
    let reviewed = world.review(&requested).await;
    let choices = reviewed.choices(&[view(&held)]).unwrap();
    assert_eq!(choices.transactions().len(), 1);
    let selection = choices.smallest();
    let consent = choices.approve(&selection).unwrap();
    let authorizing = consent.approved().iter().filter(|one| !one.transactions.is_empty()).count();
    assert_eq!((consent.approved().len(), authorizing), (2, 1));
    let presenter = Honest::new(&world, held);
    assert!(answered(&world, requested, &presenter).await.is_verified());
}

#[tokio::test]
async fn a_transaction_that_no_selected_credential_may_authorize_is_not_answered() {
    let world = World::new();
    let held = world.badge().await;
    let credential = |id: &str| {
        let mut credential = badge_query(&["name"])["credentials"][0].clone();
        credential["id"] = json!(id);
        credential
    };
    let query = json!({
        "credentials": [credential("badge"), credential("other")],
        "credential_sets": [
            { "options": [["other"]] },
            { "options": [["badge"]], "required": false },
        ],
    });
    let requested = ask_with(&world, query, &[payment()]);
    let choices = world.review(&requested).await.choices(&[view(&held)]).unwrap();
    let left_out = Selection { options: vec![Some(0), None], picks: Vec::new() };
    assert_eq!(choices.approve(&left_out).unwrap_err(), SelectionError::TransactionLeftOut);
    // and a wallet without such a credential has nothing that fits
    let mut missing = credential("badge");
    missing["meta"]["vct_values"] = json!(["urn:another"]);
    let query = json!({
        "credentials": [missing, credential("other")],
        "credential_sets": [
            { "options": [["other"]] },
            { "options": [["badge"]], "required": false },
        ],
    });
    let requested = ask_with(&world, query, &[payment()]);
    let refused = world.review(&requested).await.choices(&[view(&held)]);
    assert_eq!(refused.unwrap_err(), NothingFits);
}

#[tokio::test]
async fn a_verifier_is_told_that_its_transaction_is_not_understood() {
    let world = World::new();
    let requested = ask(&world, &[payment()]);
    let mut parameters = parameters(&requested);
    let unheard = json::base64url(r#"{"type":"unheard of","credential_ids":["badge"]}"#);
    parameters.insert("transaction_data".to_owned(), json!([unheard]));
    let ends = world.now + jiff::SignedDuration::from_mins(5);
    let signed = world.request_signer().sign(parameters, None, world.now, ends).await.unwrap();
    let link = |object: &str| {
        let mut link = Url::parse("openid4vp://").unwrap();
        let client_id = requested.client_id().as_str();
        link.query_pairs_mut().append_pair("client_id", client_id).append_pair("request", object);
        link
    };
    let (wallet, random) = (world.wallet(), SeededRandom::new(1));
    let reason = wallet.read(link(&signed).as_str(), world.now, &random).await.unwrap_err();
    assert_eq!(reason, RequestError::TransactionData(TransactionError::UnknownType));
    let refusable =
        async |object: &str, now| wallet.refusable(link(object).as_str(), &reason, now).await;
    let told = refusable(&signed, world.now).await.expect("it proved who it is");
    assert_eq!(told.code(), ErrorCode::InvalidTransactionData);
    let provider = world.provider.as_ref();
    let answer = told.refuse(provider).unwrap();
    assert_eq!(answer.response_uri.as_str(), RESPONSE_URI);
    let verifier = world.presentations();
    let opened =
        requested.clone().open(answer.body.as_bytes(), &verifier, world.now, provider).await;
    let declined = Conclusion::Declined(ErrorCode::InvalidTransactionData);
    assert_eq!(opened.unwrap(), declined);
    // who did not sign it, or not for now, is told nothing
    let (unsigned, _) = signed.rsplit_once('.').unwrap();
    assert_eq!(refusable(&format!("{unsigned}.AAAA"), world.now).await, None);
    assert_eq!(refusable(&signed, ends + jiff::SignedDuration::from_hours(1)).await, None);
}
