use jiff::SignedDuration;
use lanyard_oid4vci::{
    PreAuthorizedCode,
    configuration::IssuancePolicy,
    issuer::{Ended, Left, Offered, Refused, Sender},
    offer::PRE_AUTHORIZED_GRANT,
    token::{PreAuthorizedTokenRequest, TokenError, TokenRequest},
};
use serde_json::json;

use crate::fixture::{World, token_request};

fn form(pairs: &[(&str, &str)]) -> Result<TokenRequest, TokenError> {
    TokenRequest::parse(
        serde_urlencoded::to_string(pairs).expect("pairs of text always encode").as_bytes(),
    )
}

fn refusal(world: &World, offered: Offered, tx_code: Option<&str>) -> Refused<TokenError, Offered> {
    let request = token_request(offered.code(), tx_code);
    offered
        .exchange(request, &Sender::anonymous(), &world.issuer, world.now, &world.random)
        .expect_err("this request is refused")
}

/// The state after a refusal that must not have cost anything.
fn unchanged(refused: Refused<TokenError, Offered>) -> (TokenError, Option<Offered>) {
    match *refused.left {
        Left::Unchanged(offered) => (refused.error, Some(offered)),
        Left::Changed(_) | Left::Ended(_) => (refused.error, None),
    }
}

#[test]
fn a_code_becomes_a_bearer_token_of_five_minutes() {
    let world = World::new();
    let offered = world.offered(None);
    let request = token_request(offered.code(), None);
    let (response, authorized) = offered
        .exchange(request, &Sender::anonymous(), &world.issuer, world.now, &world.random)
        .unwrap();
    assert_eq!((response.token_type.as_str(), response.expires_in), ("Bearer", Some(300)));
    assert_eq!(response.access_token.reveal().len(), 43);
    assert_eq!(authorized.session_ends_at(), world.now + SignedDuration::from_mins(5));
    assert!(response.authorization_details.is_none());
}

#[test]
fn a_request_with_authorization_details_is_answered_with_identifiers() {
    let (response, _) = World::new().authorized_by_name();
    let body = serde_json::to_value(&response).unwrap();
    assert_eq!(
        body["authorization_details"],
        json!([{
            "type": "openid_credential",
            "credential_configuration_id": "employee_badge",
            "credential_identifiers": ["employee_badge.1"],
        }])
    );
}

#[test]
fn refuses_another_code_and_leaves_the_offer() {
    let world = World::new();
    let offered = world.offered(None);
    let request = token_request(&PreAuthorizedCode::new("guess"), None);
    let refused = offered
        .exchange(request, &Sender::anonymous(), &world.issuer, world.now, &world.random)
        .unwrap_err();
    let (error, left) = unchanged(refused);
    assert_eq!((error, error.code()), (TokenError::CodeUnknown, "invalid_grant"));
    assert!(left.is_some());
}

#[test]
fn refuses_a_code_after_its_life_and_before_its_making() {
    let world = World::new();
    for at in [SignedDuration::from_mins(10), SignedDuration::from_secs(-121)] {
        let offered = world.offered(None);
        let request = token_request(offered.code(), None);
        let refused = offered
            .exchange(request, &Sender::anonymous(), &world.issuer, world.now + at, &world.random)
            .unwrap_err();
        let (error, left) = unchanged(refused);
        assert_eq!((error, error.code()), (TokenError::CodeExpired, "invalid_grant"));
        assert!(left.is_some());
    }
}

#[test]
fn takes_a_code_that_a_replica_made_whose_clock_is_two_minutes_ahead() {
    let world = World::new();
    let offered = world.offered(None);
    let (request, now) =
        (token_request(offered.code(), None), world.now - SignedDuration::from_secs(120));
    let sender = Sender::anonymous();
    assert!(offered.exchange(request, &sender, &world.issuer, now, &world.random).is_ok());
}

#[test]
fn refuses_a_missing_tx_code_without_costing_a_try() {
    let world = World::with_policy(IssuancePolicy { tx_code_tries: 1, ..Default::default() });
    let (error, left) = unchanged(refusal(&world, world.offered(Some("0123")), None));
    assert_eq!((error, error.code()), (TokenError::TxCodeMissing, "invalid_request"));
    let offered = left.unwrap();
    let request = token_request(offered.code(), Some("0123"));
    assert!(
        offered
            .exchange(request, &Sender::anonymous(), &world.issuer, world.now, &world.random)
            .is_ok()
    );
}

#[test]
fn refuses_a_tx_code_that_nobody_asked_for() {
    let world = World::new();
    let (error, left) = unchanged(refusal(&world, world.offered(None), Some("0123")));
    assert_eq!((error, error.code()), (TokenError::TxCodeUnexpected, "invalid_request"));
    assert!(left.is_some());
}

#[test]
fn a_wrong_tx_code_costs_one_try_and_the_last_one_ends_the_offer() {
    let world = World::with_policy(IssuancePolicy { tx_code_tries: 4, ..Default::default() });
    let mut offered = world.offered(Some("0123"));
    // leading zero dropped, full-width digits, white space: all of them are just wrong
    for wrong in ["123", "\u{ff10}\u{ff11}\u{ff12}\u{ff13}", " 0123"] {
        let refused = refusal(&world, offered, Some(wrong));
        assert_eq!(refused.error, TokenError::TxCodeWrong);
        assert_eq!(refused.error.code(), "invalid_grant");
        let Left::Changed(left) = *refused.left else { panic!("the try must be counted") };
        offered = left;
    }
    let refused = refusal(&world, offered, Some("9999"));
    assert_eq!(
        (refused.error, refused.error.code()),
        (TokenError::TxCodeExhausted, "invalid_grant")
    );
    assert!(matches!(*refused.left, Left::Ended(Ended::TxCodeExhausted)));
}

#[test]
fn the_right_tx_code_works_on_the_last_try() {
    let world = World::with_policy(IssuancePolicy { tx_code_tries: 2, ..Default::default() });
    let refused = refusal(&world, world.offered(Some("0123")), Some("9999"));
    let Left::Changed(offered) = *refused.left else { panic!("the try must be counted") };
    // a session is stored between two requests
    let offered: Offered = serde_json::from_slice(&serde_json::to_vec(&offered).unwrap()).unwrap();
    let request = token_request(offered.code(), Some("0123"));
    assert!(
        offered
            .exchange(request, &Sender::anonymous(), &world.issuer, world.now, &world.random)
            .is_ok()
    );
}

#[test]
fn refuses_details_of_what_was_not_offered_before_it_looks_at_the_tx_code() {
    let world = World::new();
    for names in [vec!["voucher"], vec!["employee_badge", "employee_badge"]] {
        let offered = world.offered(Some("0123"));
        let details: Vec<_> = names
            .iter()
            .map(|name| json!({ "type": "openid_credential", "credential_configuration_id": name }))
            .collect();
        let request = TokenRequest::PreAuthorized(PreAuthorizedTokenRequest {
            code: offered.code().clone(),
            tx_code: None,
            details: serde_json::from_value(details.into()).unwrap(),
        });
        let refused = offered
            .exchange(request, &Sender::anonymous(), &world.issuer, world.now, &world.random)
            .unwrap_err();
        let (error, left) = unchanged(refused);
        assert_eq!(error, TokenError::AuthorizationDetails);
        assert_eq!(error.code(), "invalid_authorization_details");
        assert!(left.is_some());
    }
}

#[test]
fn reads_a_request_and_ignores_what_it_does_not_know() {
    let request = form(&[
        ("grant_type", PRE_AUTHORIZED_GRANT),
        ("pre-authorized_code", "abc"),
        ("client_id", "wallet"),
        ("extra", "1"),
        ("tx_code", ""),
    ]);
    assert_eq!(request, Ok(token_request(&PreAuthorizedCode::new("abc"), None)));
}

#[test]
fn a_request_reads_back_as_it_was_written() {
    let request = token_request(&PreAuthorizedCode::new("a b&c"), Some("\u{e9}+1"));
    let TokenRequest::PreAuthorized(inner) = &request else { unreachable!("it was made so") };
    assert_eq!(TokenRequest::parse(inner.to_form().as_bytes()), Ok(request));
}

#[test]
fn refuses_a_repeated_parameter() {
    let code = ("pre-authorized_code", "abc");
    let grant = ("grant_type", PRE_AUTHORIZED_GRANT);
    for pairs in [[grant, code, code], [grant, grant, code]] {
        let error = form(&pairs).unwrap_err();
        assert_eq!((error, error.code()), (TokenError::ParameterRepeated, "invalid_request"));
    }
}

#[test]
fn refuses_a_missing_grant_type_and_a_missing_code() {
    let error = form(&[("pre-authorized_code", "abc")]).unwrap_err();
    assert_eq!((error, error.code()), (TokenError::GrantTypeMissing, "invalid_request"));
    let error = form(&[("grant_type", PRE_AUTHORIZED_GRANT)]).unwrap_err();
    assert_eq!((error, error.code()), (TokenError::CodeMissing, "invalid_request"));
}

#[test]
fn refuses_an_unknown_grant() {
    let error = form(&[("grant_type", "password"), ("pre-authorized_code", "a")]).unwrap_err();
    assert_eq!((error, error.code()), (TokenError::GrantTypeUnsupported, "unsupported_grant_type"));
}

#[test]
fn refuses_a_client_authentication_that_nobody_checks() {
    let error = form(&[
        ("grant_type", PRE_AUTHORIZED_GRANT),
        ("pre-authorized_code", "abc"),
        ("client_secret", "x"),
    ])
    .unwrap_err();
    assert_eq!(error, TokenError::ClientAuthenticationUnsupported);
    assert_eq!(error.code(), "invalid_client");
}

#[test]
fn refuses_details_that_are_no_list_of_openid_credentials() {
    let unknown = r#"[{"type":"other","credential_configuration_id":"a"}]"#;
    for details in ["", "{}", "[]", "x", "[1]", unknown] {
        let request = form(&[
            ("grant_type", PRE_AUTHORIZED_GRANT),
            ("pre-authorized_code", "abc"),
            ("authorization_details", details),
        ]);
        // a parameter without a value is as good as left out (RFC 6749 §3.2)
        let expected = if details.is_empty() {
            Ok(token_request(&PreAuthorizedCode::new("abc"), None))
        } else {
            Err(TokenError::AuthorizationDetails)
        };
        assert_eq!(request, expected, "{details}");
    }
}

#[test]
fn nothing_secret_is_printed() {
    let world = World::new();
    let offered = world.offered(Some("0123"));
    let text = format!("{offered:?} {:?}", token_request(offered.code(), Some("0123")));
    for secret in [offered.code().reveal(), "0123", "Ada", "Lyon"] {
        assert!(!text.contains(secret), "{text}");
    }
}
