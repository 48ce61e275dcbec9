use jiff::SignedDuration;
use lanyard_oid4vci::{
    CredentialConfigurationId, IssuerUrlError, Transport, TxCode,
    configuration::{ConfigurationError, IssuancePolicy, IssuerConfiguration, SubjectClaimsError},
    issuer::{NewOffer, NewTxCode, OfferRefused, Offered},
    metadata::ContradictoryClaims,
    offer::{CredentialOffer, Grants, OfferError, OfferLink, TxCodeDescription, TxCodeInput},
};
use lanyard_testkit::vectors;
use serde_json::{Value, json};
use url::Url;

use crate::fixture::{
    ISSUER, World, badge, badge_claims, badge_definition, diploma, diploma_claims, issuer_url,
};

fn read(offer: Value) -> Result<CredentialOffer, OfferError> {
    CredentialOffer::parse(offer.to_string().as_bytes(), Transport::Https)
}

fn link(text: &str) -> Result<OfferLink, OfferError> {
    OfferLink::parse(text, Transport::Https)
}

fn small_offer() -> Value {
    json!({ "credential_issuer": ISSUER, "credential_configuration_ids": ["a"] })
}

fn offered(world: &World, change: impl FnOnce(&mut NewOffer)) -> Result<Offered, OfferRefused> {
    let mut offer = NewOffer {
        credentials: vec![(badge(), badge_claims())],
        tx_code: None,
        life: None,
        login: None,
    };
    change(&mut offer);
    Offered::new(offer, &world.issuer, world.now, &world.random)
}

#[test]
fn an_offer_by_value_reads_back_as_it_was_written() {
    let world = World::new();
    let offer = world.offered(Some("0123")).offer(&world.issuer);
    let written = OfferLink::ByValue(offer);
    assert_eq!(link(&written.to_link()), Ok(written));
}

#[test]
fn an_offer_by_reference_reads_back_as_it_was_written() {
    let place = Url::parse("https://issuer.example/demo/offers/a?b=c&d").unwrap();
    let written = OfferLink::ByReference(place);
    assert!(written.to_link().starts_with("openid-credential-offer://?credential_offer_uri="));
    assert_eq!(link(&written.to_link()), Ok(written));
}

#[test]
fn a_link_carries_exactly_one_offer() {
    let place = "credential_offer_uri=https%3A%2F%2Fa.example";
    let both = format!("openid-credential-offer://?credential_offer={{}}&{place}");
    let twice = format!("openid-credential-offer://?{place}&{place}");
    for text in [both.as_str(), &twice, "openid-credential-offer://?other=1"] {
        assert_eq!(link(text), Err(OfferError::NotExactlyOne), "{text}");
    }
    for text in ["mailto:a@b?credential_offer={}", "no link", "https://a.example/"] {
        assert_eq!(link(text), Err(OfferError::NotAnOfferLink), "{text}");
    }
    assert!(link(&format!("haip-vci://?{place}")).is_ok());
    assert!(link(&format!("https://wallet.example/offer?{place}")).is_ok());
}

#[test]
fn a_reference_is_fetched_over_https_alone() {
    for place in ["http://a.example/o", "http://127.0.0.1/o", "file:///etc/passwd", "o"] {
        let text = format!("openid-credential-offer://?credential_offer_uri={place}");
        assert_eq!(link(&text), Err(OfferError::ReferenceNotHttps), "{place}");
    }
    let text = "openid-credential-offer://?credential_offer_uri=http://localhost:7077/o";
    assert!(OfferLink::parse(text, Transport::DevelopmentLoopback).is_ok());
}

#[test]
fn refuses_an_offer_that_breaks_one_rule() {
    let with = |name: &str, value: Value| {
        let mut offer = small_offer();
        offer[name] = value;
        read(offer)
    };
    let ids = "credential_configuration_ids";
    assert_eq!(with(ids, json!([])), Err(OfferError::Empty));
    assert_eq!(with(ids, json!(["a", "a"])), Err(OfferError::Repeated));
    assert_eq!(with(ids, json!("a")), Err(OfferError::Malformed));
    assert_eq!(
        with("credential_issuer", json!("http://issuer.example")),
        Err(OfferError::Issuer(IssuerUrlError::NotHttps))
    );
    assert_eq!(with("grants", json!({ "authorization_code": 1 })), Err(OfferError::Malformed));
    let long = "a".repeat(301);
    let grants = json!({ "urn:ietf:params:oauth:grant-type:pre-authorized_code": {
        "pre-authorized_code": "a", "tx_code": { "description": long },
    }});
    assert_eq!(with("grants", grants), Err(OfferError::DescriptionTooLong));
    let twice = br#"{"credential_issuer":"https://a.example","credential_issuer":"https://b.example","credential_configuration_ids":["a"]}"#;
    assert_eq!(CredentialOffer::parse(twice, Transport::Https), Err(OfferError::Malformed));
}

#[test]
fn an_empty_tx_code_object_means_that_a_code_is_required() {
    let mut offer = small_offer();
    offer["grants"] = json!({ "urn:ietf:params:oauth:grant-type:pre-authorized_code": {
        "pre-authorized_code": "a", "tx_code": {},
    }});
    let offer = read(offer).unwrap();
    assert_eq!(offer.pre_authorized().unwrap().tx_code, Some(TxCodeDescription::default()));
}

#[test]
fn missing_empty_and_unknown_grants_are_none() {
    let mut offer = small_offer();
    assert_eq!(read(offer.clone()).unwrap().grants, Grants::None);
    offer["grants"] = json!({});
    assert_eq!(read(offer.clone()).unwrap().grants, Grants::None);
    offer["grants"] = json!({ "urn:example": { "a": 1 } });
    assert_eq!(read(offer).unwrap().grants, Grants::None);
}

#[test]
fn reads_every_example_of_the_specification() {
    if !vectors::available("oid4vci") {
        return;
    }
    for name in ["by_reference.json", "multiple_credentials.json", "pre-authz_code.json"] {
        let text = vectors::text(format!("oid4vci/examples-1.0/credential_offer_{name}"));
        let offer = CredentialOffer::parse(text.as_bytes(), Transport::Https).unwrap();
        assert!(offer.pre_authorized().unwrap().tx_code.is_some(), "{name}");
    }
    let text = vectors::text("oid4vci/examples-1.0/credential_offer_authz_code.txt");
    let (_, body) = text.split_once("\n\n").unwrap();
    let offer = CredentialOffer::parse(body.as_bytes(), Transport::Https).unwrap();
    assert!(matches!(offer.grants, Grants::AuthorizationCode(_)));
}

#[test]
fn our_offers_satisfy_the_schema_of_the_conformance_suite() {
    if !vectors::available("oidf-schemas") {
        return;
    }
    let schema = vectors::json("oidf-schemas/oid4vci-credential_offer-1_0.json");
    let schema = jsonschema::validator_for(&schema).unwrap();
    let world = World::new();
    for tx_code in [None, Some("0123")] {
        let offer = world.offered(tx_code).offer(&world.issuer).to_json();
        let offer: Value = serde_json::from_str(&offer).unwrap();
        assert!(schema.is_valid(&offer), "{offer}");
    }
}

#[test]
fn an_offer_is_made_of_configured_credentials_once_each() {
    let world = World::new();
    let refused = |change: fn(&mut NewOffer)| offered(&world, change).unwrap_err();
    assert_eq!(refused(|offer| offer.credentials.clear()), OfferRefused::Empty);
    assert_eq!(
        refused(|offer| offer.credentials.push((badge(), badge_claims()))),
        OfferRefused::Repeated(badge())
    );
    let unknown = CredentialConfigurationId::new("unknown");
    assert_eq!(
        refused(|offer| {
            offer.credentials.push((CredentialConfigurationId::new("unknown"), badge_claims()));
        }),
        OfferRefused::UnknownConfiguration(unknown)
    );
    assert_eq!(
        refused(|offer| offer.life = Some(SignedDuration::from_mins(11))),
        OfferRefused::Life
    );
    assert!(offered(&world, |offer| offer.credentials.push((diploma(), diploma_claims()))).is_ok());
}

#[test]
fn claims_are_judged_when_they_are_offered() {
    let world = World::new();
    let refused = |path: &str, value: Option<Value>| {
        let refusal = offered(&world, |offer| {
            let claims = &mut offer.credentials[0].1;
            match value {
                Some(value) => claims.insert(path.to_owned(), value),
                None => claims.shift_remove(path),
            };
        });
        match refusal {
            Err(OfferRefused::Claims(_, error)) => Some(error.to_string()),
            _ => None,
        }
    };
    let is = |text: &str| Some(text.to_owned());
    assert_eq!(refused("given_name", None), is(r#"the claim ["given_name"] is missing"#));
    let wrong = |name: &str| is(&format!("the claim {name} has a value of another kind"));
    assert_eq!(refused("given_name", Some(json!(1))), wrong(r#"["given_name"]"#));
    assert_eq!(refused("since", Some(json!("2019-02-30"))), wrong(r#"["since"]"#));
    assert_eq!(refused("manager", Some(json!("no"))), wrong(r#"["manager"]"#));
    assert_eq!(refused("portrait", Some(json!("javascript:1"))), wrong(r#"["portrait"]"#));
    assert_eq!(
        refused("workplace", Some(json!({ "floor": "third" }))),
        wrong(r#"["workplace","floor"]"#)
    );
    assert_eq!(
        refused("nationalities", Some(json!(["FR", 1]))),
        wrong(r#"["nationalities",null]"#)
    );
    let unknown =
        |name: &str| is(&format!("the claim {name} is not configured for this credential"));
    assert_eq!(refused("shoe_size", Some(json!(43))), unknown(r#"["shoe_size"]"#));
    assert_eq!(
        refused("workplace", Some(json!({ "room": 1 }))),
        unknown(r#"["workplace","room"]"#)
    );
    // every claim that is not mandatory may be left out
    assert_eq!(refused("workplace", None), None);
}

#[test]
fn a_tx_code_fits_its_own_description() {
    let world = World::new();
    let with = |code: Option<&str>, length: Option<u8>, input_mode: TxCodeInput| {
        offered(&world, |offer| {
            offer.tx_code = Some(NewTxCode {
                description: TxCodeDescription { input_mode, length, description: None },
                code: code.map(TxCode::new),
            });
        })
    };
    let generated = with(None, None, TxCodeInput::Numeric).unwrap();
    let code = generated.tx_code().unwrap().reveal().to_owned();
    assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
    let described = generated.offer(&world.issuer).pre_authorized().unwrap().tx_code.clone();
    assert_eq!(described.unwrap().length, Some(6));

    for (code, length, input_mode) in [
        (Some("12a4"), None, TxCodeInput::Numeric),
        (Some("123"), None, TxCodeInput::Numeric),
        (Some("12345"), Some(4), TxCodeInput::Numeric),
        (None, Some(3), TxCodeInput::Numeric),
        (None, Some(33), TxCodeInput::Numeric),
    ] {
        let refused = with(code, length, input_mode).unwrap_err();
        assert_eq!(refused, OfferRefused::TxCode, "{code:?} {length:?}");
    }
    assert!(with(Some("caf\u{e9}"), Some(4), TxCodeInput::Text).is_ok());
}

#[test]
fn a_configuration_is_judged_before_it_is_used() {
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut definition = badge_definition();
        change(&mut definition);
        let credentials = vec![serde_json::from_value(definition).unwrap()];
        let policy = IssuancePolicy::default();
        IssuerConfiguration::new(issuer_url(ISSUER), Vec::new(), credentials, policy).err()
    };
    assert_eq!(refused(&|_| {}), None);
    // an address is that of the type metadata which this issuer serves
    let own = format!("{ISSUER}/types/{}", badge());
    assert_eq!(refused(&|definition| definition["vct"] = json!(own)), None);
    assert_eq!(
        refused(&|definition| definition["vct"] = json!("https://a.example/badge")),
        Some(ConfigurationError::VctElsewhere(badge(), own.clone()))
    );
    for scope in ["", "a b", "a\"b", "\u{e9}"] {
        let error = refused(&|definition| definition["scope"] = json!(scope));
        assert_eq!(error, Some(ConfigurationError::Scope(badge())), "{scope}");
    }
    assert_eq!(
        refused(&|definition| definition["valid_days"] = json!(0)),
        Some(ConfigurationError::NeverValid(badge()))
    );
    for name in ["iss", "cnf", "vct", "exp", "_sd", "status"] {
        let error = refused(&|definition| definition["claims"] = json!([{ "path": [name] }]));
        assert!(matches!(error, Some(ConfigurationError::ReservedClaim(_, _))), "{name}");
    }
    assert_eq!(
        refused(&|definition| definition["claims"] = json!([{ "path": ["a"] }, { "path": ["a"] }])),
        Some(ConfigurationError::Claims(badge(), ContradictoryClaims::Repeated))
    );
    let long = IssuancePolicy { token_life: SignedDuration::from_mins(6), ..Default::default() };
    let credentials = vec![serde_json::from_value(badge_definition()).unwrap()];
    let refused = IssuerConfiguration::new(issuer_url(ISSUER), Vec::new(), credentials, long);
    assert!(matches!(refused, Err(ConfigurationError::Policy(_))));
}

#[test]
fn a_refused_claim_is_named_and_its_value_is_not() {
    let error = SubjectClaimsError::WrongValue(serde_json::from_value(json!(["since"])).unwrap());
    assert_eq!(error.to_string(), r#"the claim ["since"] has a value of another kind"#);
}
