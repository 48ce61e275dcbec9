//! The status of key attestations, in lists that are signed under the same authority (Token Status List §8.3).

use std::sync::Arc;

use async_trait::async_trait;
use lanyard_core::{
    jose,
    json::{self, Object},
    status::{
        PublishedStatusList, Status, StatusChecker, StatusListSource, StatusListUnavailable,
        StatusListUri, StatusMechanism,
        token_status_list::{
            MEDIA_TYPE_JWT, StatusBits, StatusList, StatusListAggregation, StatusListDraft,
        },
    },
    trust::{IssuerKeys, IssuerTrust, x509::TrustAnchors},
};
use lanyard_oid4vci::{
    attestation_status::{AttestationStatusError, AttestationStatuses, UnreadableStatus},
    credential::CredentialError,
    key_proof::{AttestationError, KeyProofError},
};
use lanyard_testkit::{LeafOptions, TestCa};
use serde_json::{Value, json};

use crate::key_attestation::Attested;

const LIST: &str = "https://wallets.example/status-lists/1";

/// What is published, if anything is.
struct Host(Option<String>);

#[async_trait]
impl StatusListSource for Host {
    async fn list(
        &self,
        uri: &StatusListUri,
        mechanism: StatusMechanism,
    ) -> Result<PublishedStatusList, StatusListUnavailable> {
        assert_eq!((uri.as_str(), mechanism), (LIST, StatusMechanism::TokenStatusList));
        let bytes = self.0.clone().ok_or(StatusListUnavailable)?.into_bytes();
        Ok(PublishedStatusList { media_type: MEDIA_TYPE_JWT.to_owned(), bytes })
    }

    async fn aggregation(
        &self,
        _: &StatusListUri,
    ) -> Result<StatusListAggregation, StatusListUnavailable> {
        Err(StatusListUnavailable)
    }
}

/// Eight statuses, number 7 as given, signed by this provider.
async fn list(attested: &Attested, status: Status) -> String {
    let mut list = StatusList::new(StatusBits::Eight, 8).expect("it is not empty");
    list.set(7, status).expect("it is in the list");
    let uri = StatusListUri::parse(LIST).expect("it is a URI");
    let draft = StatusListDraft::new(&uri, &list, attested.world.now);
    let signed = draft.with_x5c(&attested.chain).sign_jwt(&attested.provider_key).await;
    signed.expect("a software key signs")
}

/// An issuer that gets this list and believes who is believed about keys.
fn looking(attested: Attested, list: Option<String>, unreadable: UnreadableStatus) -> Attested {
    let anchors = TrustAnchors::from_der([attested.authority.anchor_der()]).expect("an anchor");
    let trust = IssuerTrust::certificates(anchors);
    let keys = IssuerKeys::new(trust, attested.world.provider.clone());
    let check = Arc::new(StatusChecker::new(keys, Arc::new(Host(list))));
    attested.knowing(AttestationStatuses::new(check, unreadable))
}

fn referring_to(index: u64) -> Value {
    json!({ "status_list": { "idx": index, "uri": LIST } })
}

/// Why attested keys with this status get no credential, if they get none.
async fn refusal(attested: &Attested, kind: &str, status: &Value) -> Option<KeyProofError> {
    let keys = attested.keys(1);
    let good = attested.attest(attested.draft(&keys)).await;
    let part = |place: usize| -> Object {
        let part = good.split('.').nth(place).expect("a JWS has three parts");
        let bytes = json::base64url_decode(part).expect("base64url");
        serde_json::from_slice(&bytes).expect("an object")
    };
    let (mut header, mut claims) = (part(0), part(1));
    header.remove("alg");
    claims.insert("status".to_owned(), status.clone());
    let signed = jose::sign(header, &claims, &attested.provider_key).await;
    let attestation = signed.expect("a software key signs");
    let proofs = match kind {
        "jwt" => attested.jwt(&keys, &attestation).await,
        _ => json!({ "attestation": [attestation] }),
    };
    match attested.ask(proofs).await {
        Ok(_) => None,
        Err(CredentialError::Proof(error)) => Some(error),
        Err(other) => unreachable!("it is refused for its proof: {other}"),
    }
}

fn because(error: AttestationStatusError) -> Option<KeyProofError> {
    Some(KeyProofError::Attestation(AttestationError::Status(error)))
}

// OID4VCI 1.0 App. D.1
#[tokio::test]
async fn only_an_attestation_that_its_list_calls_valid_gets_a_credential() {
    for kind in ["jwt", "attestation"] {
        for (status, expected) in [
            (Status::Valid, None),
            (Status::Invalid, because(AttestationStatusError::Revoked)),
            (Status::Suspended, because(AttestationStatusError::Suspended)),
            (Status::ApplicationSpecific(3), because(AttestationStatusError::Unknown)),
        ] {
            for unreadable in [UnreadableStatus::Refused, UnreadableStatus::Taken] {
                let attested = Attested::new(&[kind]);
                let list = list(&attested, status).await;
                let attested = looking(attested, Some(list), unreadable);
                let found = refusal(&attested, kind, &referring_to(7)).await;
                assert_eq!(found, expected, "{kind} {status:?} {unreadable:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_status_that_cannot_be_read_is_refused_unless_the_issuer_says_otherwise() {
    let unreadable = because(AttestationStatusError::Unreadable);
    for (rule, expected) in
        [(UnreadableStatus::Refused, unreadable.clone()), (UnreadableStatus::Taken, None)]
    {
        let attested = looking(Attested::new(&["jwt"]), None, rule);
        assert_eq!(refusal(&attested, "jwt", &referring_to(7)).await, expected, "{rule:?}");
        // by a mechanism that nothing here can evaluate
        let elsewhere = json!({ "identifier_list": { "id": "AQ", "uri": LIST } });
        assert_eq!(refusal(&attested, "jwt", &elsewhere).await, expected, "{rule:?}");
    }
    // nobody is there who could tell
    let attested = Attested::new(&["jwt"]);
    assert_eq!(refusal(&attested, "jwt", &referring_to(7)).await, unreadable);
    assert_eq!(unreadable.map(|error| error.code()), Some("invalid_proof"));
}

#[tokio::test]
async fn a_list_by_somebody_who_is_not_believed_about_keys_says_nothing() {
    let attested = Attested::new(&["jwt"]);
    let stranger = Attested::new(&["jwt"]);
    let leaf = TestCa::new("Somebody else").leaf(&LeafOptions::named("Wallet provider"));
    let stranger = stranger.signed_by(&leaf);
    let list = list(&stranger, Status::Valid).await;
    let attested = looking(attested, Some(list), UnreadableStatus::Refused);
    let found = refusal(&attested, "jwt", &referring_to(7)).await;
    assert_eq!(found, because(AttestationStatusError::Unreadable));
}

#[tokio::test]
async fn a_reference_that_leads_nowhere_is_refused_whatever_the_issuer_says() {
    let attested = Attested::new(&["jwt"]);
    let list = list(&attested, Status::Valid).await;
    let attested = looking(attested, Some(list), UnreadableStatus::Taken);
    let beyond = refusal(&attested, "jwt", &referring_to(8)).await;
    assert_eq!(beyond, because(AttestationStatusError::Unknown));
    let malformed = json!({ "status_list": { "idx": "7", "uri": LIST } });
    let found = refusal(&attested, "jwt", &malformed).await;
    assert_eq!(found, because(AttestationStatusError::Malformed));
}
