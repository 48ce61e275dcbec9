//! did:webvh: the witnesses of a log, and its files through their source.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use lanyard_core::{
    crypto::{Curve, RustCrypto, SoftwareSigner},
    did::{
        DidMethods, DidWebvhSource, Fetched, ResolutionError, ResolutionOptions,
        webvh::{LogError, WebvhDid, WebvhFault, approve_version},
    },
};
use lanyard_testkit::test_now;
use serde_json::{Value, json};

use crate::{
    did_support::now,
    did_webvh_support::{Draft, Sealed, fault, multibase, refusal, signer, signer_on},
};

/// A log of two entries with these witnesses from the first on.
fn witnessed(threshold: Value, witnesses: &[&SoftwareSigner]) -> Sealed {
    let mut draft = Draft::good();
    let ids: Vec<_> = witnesses
        .iter()
        .map(|witness| json!({"id": format!("did:key:{}", multibase(witness))}))
        .collect();
    draft.entries[0]["parameters"]["witness"] = json!({"threshold": threshold, "witnesses": ids});
    draft.sealed()
}

fn approval(version_id: &Value, witness: &SoftwareSigner) -> Value {
    let version_id = version_id.as_str().expect("a versionId is text");
    now(approve_version(version_id, witness, test_now(), &RustCrypto)).expect("a good witness")
}

fn judge(sealed: &Sealed, approvals: &[Value]) -> Result<(), LogError> {
    let file = Value::from(approvals.to_vec()).to_string();
    sealed.verify_with(Some(file.as_bytes())).map(drop)
}

#[test]
fn enough_witnesses_approve_an_entry_or_a_later_one() {
    let (one, two, three) = (signer(), signer(), signer());
    let sealed = witnessed(json!(2), &[&one, &two, &three]);
    let id = |at: usize| sealed.entries[at]["versionId"].clone();
    let good = [approval(&id(1), &one), approval(&id(1), &three)];
    assert_eq!(judge(&sealed, &good), Ok(()));
    // of one witness more than one approval, and approvals of others, count for nothing
    let twice = [approval(&id(1), &one), approval(&id(1), &one), approval(&id(1), &signer())];
    assert_eq!(judge(&sealed, &twice), Err(fault(1, WebvhFault::WitnessThreshold)));
    let earlier = [approval(&id(0), &one), approval(&id(0), &two), approval(&id(1), &one)];
    assert_eq!(judge(&sealed, &earlier), Err(fault(2, WebvhFault::WitnessThreshold)));
}

#[test]
fn an_approval_of_what_is_not_published_counts_for_nothing() {
    let one = signer();
    let sealed = witnessed(json!(1), &[&one]);
    let ahead = json!("3-QmfGEUAcMpzo25kF2Rhn8L6FAXysfGnkzjwdKoNPi615XQ");
    let outcome = judge(&sealed, &[approval(&ahead, &one)]);
    assert_eq!(outcome, Err(fault(1, WebvhFault::WitnessThreshold)));
    let also = [approval(&ahead, &one), approval(&sealed.entries[1]["versionId"], &one)];
    assert_eq!(judge(&sealed, &also), Ok(()));
}

#[test]
fn an_approval_whose_proof_is_of_another_version_counts_for_nothing() {
    let one = signer();
    let sealed = witnessed(json!(1), &[&one]);
    let mut replayed = approval(&sealed.entries[0]["versionId"], &one);
    replayed["versionId"] = sealed.entries[1]["versionId"].clone();
    assert_eq!(judge(&sealed, &[replayed]), Err(fault(1, WebvhFault::WitnessThreshold)));
}

#[test]
fn refuses_a_log_without_its_witnesses_file() {
    let sealed = witnessed(json!(1), &[&signer()]);
    assert_eq!(sealed.refusal(), fault(0, WebvhFault::WitnessFile));
    for file in ["", "{}", "[1]", r#"[{"versionId":1}]"#] {
        let outcome = sealed.verify_with(Some(file.as_bytes()));
        assert_eq!(outcome.err(), Some(fault(0, WebvhFault::WitnessFile)), "{file}");
    }
}

#[test]
fn refuses_witnesses_that_could_not_witness() {
    let one = signer();
    for threshold in [json!(0), json!(3), json!("1"), json!(1.5), json!(null)] {
        let refused = witnessed(threshold.clone(), &[&one, &signer()]).refusal();
        assert_eq!(refused, fault(1, WebvhFault::Witnesses), "{threshold}");
    }
    let refused = witnessed(json!(1), &[&one, &one]).refusal();
    assert_eq!(refused, fault(1, WebvhFault::Witnesses));
    let refused = witnessed(json!(1), &[&signer_on(Curve::P256)]).refusal();
    assert_eq!(refused, fault(1, WebvhFault::Witnesses));
    for witness in [json!([]), json!({"witnesses": []}), json!({"threshold": 1, "witnesses": [{}]})]
    {
        let refused = refusal(|draft| draft.entries[1]["parameters"]["witness"] = witness.clone());
        assert_eq!(refused, fault(2, WebvhFault::Witnesses), "{witness}");
    }
}

#[test]
fn the_former_witnesses_approve_the_entry_that_replaces_them() {
    let (former, next) = (signer(), signer());
    let replaced = |witness: Value| {
        let mut draft = Draft::good().and(json!({}));
        let id = format!("did:key:{}", multibase(&former));
        draft.entries[0]["parameters"]["witness"] =
            json!({"threshold": 1, "witnesses": [{"id": id}]});
        draft.entries[1]["parameters"]["witness"] = witness;
        draft.sealed()
    };
    let id = format!("did:key:{}", multibase(&next));
    let sealed = replaced(json!({"threshold": 1, "witnesses": [{"id": id}]}));
    let id = |at: usize| sealed.entries[at]["versionId"].clone();
    let good = [approval(&id(1), &former), approval(&id(2), &next)];
    assert_eq!(judge(&sealed, &good), Ok(()));
    let by_next = [approval(&id(0), &former), approval(&id(2), &next)];
    assert_eq!(judge(&sealed, &by_next), Err(fault(2, WebvhFault::WitnessThreshold)));
    // ended, the entry that ends them is witnessed still, and the next one is not
    let sealed = replaced(json!({}));
    let id = |at: usize| sealed.entries[at]["versionId"].clone();
    assert_eq!(judge(&sealed, &[approval(&id(1), &former)]), Ok(()));
    let outcome = judge(&sealed, &[approval(&id(0), &former)]);
    assert_eq!(outcome, Err(fault(2, WebvhFault::WitnessThreshold)));
}

/// Gives the files it has.
struct Files(String, Option<String>);

#[async_trait]
impl DidWebvhSource for Files {
    async fn log(&self, _: &WebvhDid) -> Result<Fetched, ResolutionError> {
        Ok(fetched(&self.0))
    }

    async fn witness_proofs(&self, _: &WebvhDid) -> Result<Option<Fetched>, ResolutionError> {
        Ok(self.1.as_deref().map(fetched))
    }
}

fn fetched(text: &str) -> Fetched {
    Fetched { bytes: text.as_bytes().to_vec(), at: test_now(), fresh_for: Duration::ZERO }
}

#[test]
fn resolves_did_webvh_through_its_source() {
    let one = signer();
    let sealed = witnessed(json!(1), &[&one]);
    let proofs = Value::from(vec![approval(&sealed.entries[1]["versionId"], &one)]).to_string();
    let resolve = |proofs| {
        let source = Arc::new(Files(sealed.text(), proofs));
        let methods = DidMethods::new(Arc::new(RustCrypto)).with_webvh(source);
        now(methods.resolve_with(sealed.did().did(), &ResolutionOptions::default()))
    };
    assert_eq!(resolve(Some(proofs)).unwrap().document.unwrap().id(), sealed.did().did());
    assert_eq!(resolve(None), Err(fault(0, WebvhFault::WitnessFile).into()));
    let without = DidMethods::new(Arc::new(RustCrypto));
    let outcome = now(without.resolve_with(sealed.did().did(), &ResolutionOptions::default()));
    assert_eq!(outcome, Err(ResolutionError::MethodNotSupported));
    assert_eq!(ResolutionError::from(fault(1, WebvhFault::ScidHash)).code(), "INVALID_DID");
}
