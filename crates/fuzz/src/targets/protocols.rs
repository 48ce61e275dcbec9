//! The parsers of the two protocols.

use lanyard_core::json;
use lanyard_oid4vci::{
    IssuerUrl, Transport,
    authorization::{AuthorizationAnswer, AuthorizationForm},
    credential::CredentialRequest,
    metadata::{AuthorizationServerMetadata, CredentialIssuerMetadata},
    offer::{CredentialOffer, OfferLink},
    token::TokenRequest,
};
use lanyard_oid4vp::{
    dcql::DcqlQuery,
    request::{ClientMetadata, RequestLink},
};

use super::Target;

const OFFER: &str = r#"{"credential_issuer":"https://issuer.example","credential_configuration_ids":["badge"],"grants":{"urn:ietf:params:oauth:grant-type:pre-authorized_code":{"pre-authorized_code":"adhjhdjajkdkhjhdj","tx_code":{"length":4,"input_mode":"numeric","description":"sent by post"}}}}"#;

pub(super) const CREDENTIAL_OFFER: Target = Target {
    name: "credential-offer",
    seeds: || vec![OFFER.as_bytes().to_vec()],
    run: |bytes| {
        if let Ok(offer) = CredentialOffer::parse(bytes, Transport::Https) {
            let again = CredentialOffer::parse(offer.to_json().as_bytes(), Transport::Https);
            assert_eq!(again.ok(), Some(offer), "an offer reads itself");
        }
    },
};

pub(super) const CREDENTIAL_OFFER_LINK: Target = Target {
    name: "credential-offer-link",
    seeds: || {
        let links = [
            "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fissuer.example%2Foffers%2F1",
            "haip-vci://?credential_offer=%7B%22credential_issuer%22%3A%22https%3A%2F%2Fissuer.example%22%2C%22credential_configuration_ids%22%3A%5B%22badge%22%5D%7D",
        ];
        links.iter().map(|link| link.as_bytes().to_vec()).collect()
    },
    run: |bytes| {
        let Ok(text) = str::from_utf8(bytes) else { return };
        if let Ok(link) = OfferLink::parse(text, Transport::Https) {
            let again = OfferLink::parse(&link.to_link(), Transport::Https);
            assert_eq!(again.ok(), Some(link), "a link reads itself");
        }
    },
};

pub(super) const ISSUER_METADATA: Target = Target {
    name: "issuer-metadata",
    seeds: || {
        vec![
            br#"{"credential_issuer":"https://issuer.example","credential_endpoint":"https://issuer.example/credential","nonce_endpoint":"https://issuer.example/nonce","display":[{"name":"Issuer","locale":"en"}],"credential_configurations_supported":{"badge":{"format":"dc+sd-jwt","vct":"urn:example:badge:1","cryptographic_binding_methods_supported":["jwk"],"credential_signing_alg_values_supported":["ES256"],"proof_types_supported":{"jwt":{"proof_signing_alg_values_supported":["ES256"]}},"credential_metadata":{"display":[{"name":"Badge"}],"claims":[{"path":["given_name"],"mandatory":true}]}}}}"#.to_vec(),
        ]
    },
    run: |bytes| {
        if let Ok(issuer) = IssuerUrl::parse("https://issuer.example", Transport::Https) {
            drop(CredentialIssuerMetadata::parse(bytes, &issuer));
        }
    },
};

pub(super) const SERVER_METADATA: Target = Target {
    name: "authorization-server-metadata",
    seeds: || {
        vec![
            br#"{"issuer":"https://issuer.example","token_endpoint":"https://issuer.example/token","authorization_endpoint":"https://issuer.example/authorize","pushed_authorization_request_endpoint":"https://issuer.example/par","require_pushed_authorization_requests":true,"response_types_supported":["code"],"code_challenge_methods_supported":["S256"],"dpop_signing_alg_values_supported":["ES256"],"authorization_response_iss_parameter_supported":true}"#.to_vec(),
        ]
    },
    run: |bytes| {
        if let Ok(issuer) = IssuerUrl::parse("https://issuer.example", Transport::Https) {
            drop(AuthorizationServerMetadata::parse(bytes, &issuer));
        }
    },
};

/// The form of a pushed authorization request, and what stands in its `authorization_details`.
pub(super) const AUTHORIZATION_FORM: Target = Target {
    name: "pushed-authorization-request",
    seeds: || {
        vec![
            b"response_type=code&client_id=https%3A%2F%2Fwallet.example&redirect_uri=https%3A%2F%2Fwallet.example%2Fcb&state=abc&scope=badge&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&issuer_state=xyz&dpop_jkt=0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=a.b.c&authorization_details=%5B%7B%22type%22%3A%22openid_credential%22%2C%22credential_configuration_id%22%3A%22badge%22%7D%5D".to_vec(),
        ]
    },
    run: |bytes| {
        if let Ok(form) = AuthorizationForm::parse(bytes) {
            let _ = (form.evidence(None), form.issuer_state());
        }
    },
};

/// The address to which a browser comes back.
pub(super) const AUTHORIZATION_ANSWER: Target = Target {
    name: "authorization-answer",
    seeds: || {
        [
            "https://wallet.example/cb?code=abc&state=xyz&iss=https%3A%2F%2Fissuer.example",
            "https://wallet.example/cb?error=access_denied&error_description=no&state=xyz",
        ]
        .map(|url| url.into())
        .to_vec()
    },
    run: |bytes| {
        let url = str::from_utf8(bytes).ok().and_then(|text| text.parse().ok());
        drop(url.map(|url| AuthorizationAnswer::parse(&url)));
    },
};

pub(super) const TOKEN_REQUEST: Target = Target {
    name: "token-request",
    seeds: || {
        vec![
            b"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Apre-authorized_code&pre-authorized_code=abc&tx_code=1234".to_vec(),
        ]
    },
    run: |bytes| drop(TokenRequest::parse(bytes)),
};

pub(super) const CREDENTIAL_REQUEST: Target = Target {
    name: "credential-request",
    seeds: || {
        vec![
            br#"{"credential_configuration_id":"badge","proofs":{"jwt":["a.b.c"]}}"#.to_vec(),
            br#"{"credential_identifier":"badge-1","proofs":{"jwt":["a.b.c","d.e.f"]}}"#.to_vec(),
        ]
    },
    run: |bytes| {
        if let Ok(request) = CredentialRequest::parse(bytes) {
            assert!(CredentialRequest::parse(&request.to_json()).is_ok(), "a request reads itself");
        }
    },
};

pub(super) const DCQL_QUERY: Target = Target {
    name: "dcql-query",
    seeds: || {
        vec![
            br#"{"credentials":[{"id":"a","format":"dc+sd-jwt","meta":{"vct_values":["urn:example:badge:1"]},"claims":[{"id":"n","path":["name"]},{"id":"c","path":["nationalities",null],"values":["XX"]}],"claim_sets":[["n","c"],["n"]],"trusted_authorities":[{"type":"aki","values":["s9tIpPmhxdiuNkHMEWNpYim8S8Y"]}]},{"id":"b","format":"mso_mdoc","multiple":true,"meta":{"doctype_value":"org.iso.18013.5.1.mDL"},"claims":[{"path":["org.iso.18013.5.1","age_over_18"],"intent_to_retain":false}]}],"credential_sets":[{"options":[["a"],["b"]],"required":true}]}"#.to_vec(),
        ]
    },
    run: |bytes| {
        if let Ok(query) = DcqlQuery::parse(bytes) {
            let written = serde_json::to_vec(&query).unwrap_or_default();
            let again = DcqlQuery::parse(&written);
            assert!(again.is_ok_and(|again| again == query), "a query reads itself");
        }
    },
};

pub(super) const REQUEST_LINK: Target = Target {
    name: "request-link",
    seeds: || {
        vec![
            b"openid4vp://?client_id=x509_san_dns%3Averifier.example&request_uri=https%3A%2F%2Fverifier.example%2Frequests%2F1&request_uri_method=post".to_vec(),
        ]
    },
    run: |bytes| {
        let Ok(text) = str::from_utf8(bytes) else { return };
        drop(RequestLink::parse(text, lanyard_oid4vp::request::Transport::HttpsOnly));
    },
};

pub(super) const CLIENT_METADATA: Target = Target {
    name: "client-metadata",
    seeds: || {
        vec![
            br#"{"jwks":{"keys":[{"kty":"EC","crv":"P-256","kid":"1","use":"enc","alg":"ECDH-ES","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]},"encrypted_response_enc_values_supported":["A128GCM"],"vp_formats_supported":{"dc+sd-jwt":{"sd-jwt_alg_values":["ES256"]}}}"#.to_vec(),
        ]
    },
    run: |bytes| {
        if let Ok(value) = json::parse(bytes) {
            drop(ClientMetadata::from_value(&value));
        }
    },
};
