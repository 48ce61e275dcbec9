//! What a verifier says of itself: what of it reaches the holder.

use lanyard_oid4vp::request::{Contact, VerifierInfo, VerifierStatement};
use serde_json::{Value, json};

fn said(data: Value) -> VerifierStatement {
    let format = "registrar_dataset".to_owned();
    VerifierStatement::of_signed(&[VerifierInfo { format, data, credential_ids: None }])
}

fn contact(text: &str) -> Option<String> {
    Contact::parse(text).map(|contact| contact.uri().to_owned())
}

#[test]
fn purposes_are_read_in_both_spellings() {
    let statement = said(json!({ "purpose": [
        { "lang": "en", "content": "To sell you wine" }, { "lang": "de", "value": "Um dir Wein zu verkaufen" },
    ]}));
    let texts: Vec<_> = statement.purposes.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(texts, ["To sell you wine", "Um dir Wein zu verkaufen"]);
    assert_eq!(statement.purposes[1].language.as_deref(), Some("de"));
}

#[test]
fn a_purpose_loses_the_characters_that_could_disguise_it() {
    let statement = said(json!({ "purpose": { "content": "To\u{202e} check\nyour\u{200b} age" } }));
    assert_eq!(statement.purposes[0].text, "To checkyour age");
}

#[test]
fn a_purpose_is_no_longer_than_a_screen_has_room_for() {
    let statement = said(json!({ "purpose": { "content": "é".repeat(5_000) } }));
    assert_eq!(statement.purposes[0].text.chars().count(), 500);
}

#[test]
fn links_that_are_not_https_are_left_out() {
    for link in [
        "http://verifier.example/privacy",
        "javascript:alert(1)",
        "https://a:b@verifier.example/",
        "file:///etc/passwd",
    ] {
        assert_eq!(said(json!({ "policyURI": link })).privacy_policy, None, "{link}");
        assert_eq!(contact(link), None, "{link}");
    }
    let policy = said(json!({ "policyURI": "https://verifier.example/privacy" })).privacy_policy;
    assert_eq!(policy.expect("a policy").uri(), "https://verifier.example/privacy");
}

#[test]
fn a_privacy_policy_is_a_page() {
    assert_eq!(said(json!({ "policyURI": "privacy@verifier.example" })).privacy_policy, None);
}

#[test]
fn mail_addresses_and_telephone_numbers_become_links() {
    assert_eq!(
        contact("privacy@verifier.example").as_deref(),
        Some("mailto:privacy@verifier.example")
    );
    assert_eq!(
        contact("mailto:privacy@verifier.example").as_deref(),
        Some("mailto:privacy@verifier.example")
    );
    assert_eq!(contact("+49 30 123-456").as_deref(), Some("tel:+4930123456"));
    assert_eq!(Contact::parse("tel:110").expect("a number").to_string(), "110");
}

#[test]
fn a_mail_address_brings_no_text_and_no_copies_with_it() {
    assert_eq!(contact("privacy@verifier.example?bcc=other@evil.example"), None);
    assert_eq!(contact("privacy@verifier.example,other@evil.example"), None);
    assert_eq!(contact("privacy%0a@verifier.example"), None);
}

#[test]
fn whatever_is_taken_is_taken_again_as_it_is_kept() {
    let long = format!("https://verifier.example/{}", "é".repeat(900));
    assert_eq!(contact(&long), None, "it would be longer than what is read");
    for text in [
        "https://verifier.example",
        "https://VERIFIER.example/a b?q=é#part",
        "https://bücher.example/",
        "privacy@verifier.example",
        "+49 30 123-456",
    ] {
        let kept = Contact::parse(text).expect("a contact");
        let json = serde_json::to_string(&kept).expect("JSON");
        assert_eq!(serde_json::from_str::<Contact>(&json).expect(text), kept);
    }
}

#[test]
fn other_formats_say_nothing_to_a_holder() {
    let data = json!({ "purpose": { "content": "Trust me" } });
    let other = VerifierInfo { format: "unheard_of".to_owned(), data, credential_ids: None };
    assert_eq!(VerifierStatement::of_signed(&[other]), VerifierStatement::default());
}

#[test]
fn a_registration_goes_before_what_the_request_says() {
    let statement = said(
        json!({ "policyURI": "https://verifier.example/theirs", "supportURI": "help@verifier.example" }),
    );
    let statement = statement.with_registered(&json!({
        "policy_uri": "https://verifier.example/ours", "tos_uri": "https://verifier.example/terms",
        "contacts": ["privacy@verifier.example", 7],
    }));
    assert_eq!(statement.privacy_policy.expect("a policy").uri(), "https://verifier.example/ours");
    assert_eq!(statement.terms.expect("terms").uri(), "https://verifier.example/terms");
    let contacts: Vec<_> = statement.contacts.iter().map(ToString::to_string).collect();
    assert_eq!(contacts, ["privacy@verifier.example", "help@verifier.example"]);
}

#[test]
fn of_ways_to_reach_somebody_eight_are_kept() {
    let many: Vec<_> = (0..40).map(|number| format!("help{number}@verifier.example")).collect();
    assert_eq!(said(json!({ "supportURI": many })).contacts.len(), 8);
}

#[test]
fn who_watches_over_it_is_told_apart_from_itself() {
    let statement = said(
        json!({ "supervisoryAuthority": { "email": ["report@authority.example"], "uri": "https://authority.example/" } }),
    );
    let shown: Vec<_> = statement.authorities.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["https://authority.example/", "report@authority.example"]);
    assert_eq!(statement.contacts, []);
}
