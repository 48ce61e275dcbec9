//! Status lists: what a verifier must not believe, and what a list does not answer (Token Status List,
//! Bitstring Status List 1.0).
//!
//! An input is what a credential says about its status, and what is published under the address that it
//! names.

mod bitstring;
mod token;

use std::sync::Arc;

use async_trait::async_trait;
use lanyard_core::{
    Timestamp,
    credential::CredentialType,
    crypto::{AwsLc, CryptoProvider, RustCrypto, SoftwareSigner},
    did::Did,
    jose::Jwk,
    json,
    status::{
        PublishedStatusList, Status, StatusCheck as _, StatusChecker, StatusListSource,
        StatusListUnavailable, StatusListUri, StatusMechanism, StatusQuestion, StatusReference,
        token_status_list::StatusListAggregation,
    },
    trust::{IssuerIdentifier, IssuerIdentity, IssuerKeySource, IssuerKeys, IssuerTrust},
};
use lanyard_testkit::test_now;
use serde_json::{Value, json};

use super::{Accepted, Suite, keys::Known};
use crate::sd_jwt_support::ready;

const ISS: &str = "https://issuer.example";
const URI: &str = "https://issuer.example/status-lists/1";
const TYPE: &str = "Badge";

#[test]
fn status_lists_are_refused_for_the_published_reasons() {
    let suite = suite().published("status");
    for provider in [Arc::new(RustCrypto) as Arc<dyn CryptoProvider>, Arc::new(AwsLc)] {
        let verifier = Verifier::read(&suite.setting, provider);
        suite.run(|input| verifier.verify(input));
    }
}

fn suite() -> Suite {
    let mut suite = Suite {
        subject:
            "status of a credential: what the credential refers to, and what is published there"
                .into(),
        specifications: vec![
            "draft-ietf-oauth-status-list-20".into(),
            "Bitstring Status List 1.0".into(),
            "VC-JOSE-COSE".into(),
            "VC Data Integrity 1.0".into(),
        ],
        setting: json!({
            "now": test_now().as_second(),
            "trusted_issuers": [
                {"issuer": ISS, "types": [TYPE], "jwks": {"keys": [Known::issuer().jwk().to_value()]}},
                {"did": did().as_str(), "types": [TYPE]},
            ],
            "credential": {"issuer": ISS, "types": ["VerifiableCredential", TYPE]},
        }),
        accepted: Vec::new(),
        refused: Vec::new(),
    };
    token::cases(&mut suite);
    bitstring::cases(&mut suite);
    suite
}

/// The issuer, where a list is secured by a proof.
fn did() -> Did {
    Did::from_jwk(&Known::issuer().jwk())
}

fn signer(known: &Known) -> SoftwareSigner {
    SoftwareSigner::new(&RustCrypto, &known.private).expect("its halves belong together")
}

/// A compact JWS over any header and any payload.
fn jwt(by: &Known, header: &Value, payload: &Value) -> String {
    let encode = |value: &Value| json::base64url(value.to_string());
    let input = format!("{}.{}", encode(header), encode(payload));
    let signature = json::base64url(by.sign(input.as_bytes()));
    format!("{input}.{signature}")
}

/// What a credential says, and what is published.
fn input(status: &Value, media_type: &str, body: &str) -> String {
    json!({"status": status, "published": {"media_type": media_type, "text": body}}).to_string()
}

fn binary_input(status: &Value, media_type: &str, body: &[u8]) -> String {
    let bytes = json::base64url(body);
    json!({"status": status, "published": {"media_type": media_type, "base64url": bytes}})
        .to_string()
}

fn accept(suite: &mut Suite, id: &str, input: String) {
    suite.accepted.push(Accepted { id: id.into(), format: None, input });
}

/// A document with some members replaced (by null: removed).
fn changed(document: &Value, changes: &Value) -> Value {
    let mut document = document.clone();
    for (name, value) in changes.as_object().expect("changes are an object") {
        document[name] = value.clone();
    }
    document.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    document
}

/// A host that has one thing to show.
struct Host(PublishedStatusList);

#[async_trait]
impl StatusListSource for Host {
    async fn list(
        &self,
        _: &StatusListUri,
        _: StatusMechanism,
    ) -> Result<PublishedStatusList, StatusListUnavailable> {
        Ok(self.0.clone())
    }

    async fn aggregation(
        &self,
        _: &StatusListUri,
    ) -> Result<StatusListAggregation, StatusListUnavailable> {
        Err(StatusListUnavailable)
    }
}

/// A verifier as the published setting describes it.
struct Verifier {
    trust: IssuerTrust,
    provider: Arc<dyn CryptoProvider>,
    issuer: IssuerIdentity,
    types: Vec<CredentialType>,
    now: Timestamp,
}

impl Verifier {
    fn read(setting: &Value, provider: Arc<dyn CryptoProvider>) -> Self {
        let types = |of: &Value| -> Vec<_> {
            let types = of["types"].as_array().expect("a list").iter();
            types.map(|name| CredentialType::w3c(text(name))).collect()
        };
        let mut trust = IssuerTrust::new();
        for trusted in setting["trusted_issuers"].as_array().expect("a list") {
            let source = match trusted.get("did") {
                Some(did) => IssuerKeySource::Did(Did::parse(text(did)).expect("a DID")),
                None => {
                    let issuer = IssuerIdentifier::parse(text(&trusted["issuer"]));
                    let keys = trusted["jwks"]["keys"].as_array().expect("a list").iter();
                    let keys = keys.map(|key| Jwk::from_value(key).expect("a key")).collect();
                    IssuerKeySource::Keys { issuer: issuer.expect("an issuer"), keys }
                }
            };
            trust = trust.with_types(source, types(trusted));
        }
        let credential = &setting["credential"];
        let issuer = IssuerIdentifier::parse(text(&credential["issuer"])).expect("an issuer");
        let general = CredentialType::w3c("VerifiableCredential");
        Self {
            trust,
            provider,
            issuer: IssuerIdentity::Identifier(issuer),
            types: types(credential).into_iter().filter(|kind| *kind != general).collect(),
            now: Timestamp::from_second(setting["now"].as_i64().expect("a NumericDate"))
                .expect("a time"),
        }
    }

    fn verify(&self, input: &str) -> Result<(), String> {
        let input: Value = serde_json::from_str(input).expect("an input is JSON");
        let published = &input["published"];
        let bytes = match published.get("text") {
            Some(body) => text(body).as_bytes().to_vec(),
            None => json::base64url_decode(text(&published["base64url"])).expect("base64url"),
        };
        let media_type = text(&published["media_type"]).to_owned();
        let host = Arc::new(Host(PublishedStatusList { media_type, bytes }));
        let keys = IssuerKeys::new(self.trust.clone(), Arc::clone(&self.provider));
        let checker = StatusChecker::new(keys, host);
        for reference in references(&input["status"]).map_err(str::to_owned)? {
            let question = StatusQuestion {
                reference: &reference,
                issuer: &self.issuer,
                types: &self.types,
                now: self.now,
                not_before: None,
            };
            let reading =
                ready(checker.status(&question)).map_err(|error| error.code().to_owned())?;
            assert_eq!(reading.status, Status::Valid, "the suite is about lists");
        }
        Ok(())
    }
}

/// What a credential says about its status: a `status_list`, or an entry of a `credentialStatus`.
fn references(status: &Value) -> Result<Vec<StatusReference>, &'static str> {
    match status.get("status_list") {
        Some(list) => {
            let uri = StatusListUri::parse(text(&list["uri"])).expect("a URI");
            let index = list["idx"].as_u64().expect("a number");
            Ok(vec![StatusReference::TokenStatusList { index, uri }])
        }
        None => {
            let entries = status.as_object().into_iter();
            StatusReference::of_entries(entries).map_err(|error| error.code())
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}
