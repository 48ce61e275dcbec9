//! Trust lists as data: every entry, every fault with its place, and a list that is replaced.

use lanyard_core::{
    sd_jwt_vc::Vct,
    trust::{IssuerTrust, LiveTrust, TrustList, TrustListFaultKind},
    verify::{Expected, KeyBindingRule, PresentationVerifier},
};
use lanyard_testkit::{LeafOptions, TestCa, test_now};
use serde_json::{Value, json};

use crate::{
    sd_jwt_support::{AUDIENCE, NONCE, Party, ready},
    sd_jwt_vc::{World, providers},
};

const ISS: &str = "https://issuer.example";
const VCT: &str = "urn:example:badge:1";
const DID: &str = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";

fn pem(der: &[u8]) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let body = STANDARD.encode(der);
    let lines: Vec<_> = body.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

fn list(issuers: Value) -> Value {
    json!({"version": 1, "issuers": issuers})
}

fn read(value: &Value) -> TrustList {
    TrustList::parse(value.to_string().as_bytes()).expect("the list is good")
}

fn faults(value: &Value) -> Vec<(String, String)> {
    let faults = TrustList::parse(value.to_string().as_bytes()).expect_err("it is refused").0;
    faults.into_iter().map(|fault| (fault.at, fault.kind.to_string())).collect()
}

fn places(value: &Value) -> Vec<String> {
    faults(value).into_iter().map(|(at, _)| at).collect()
}

fn believes(trust: impl Into<LiveTrust>, credential: &str) -> Result<(), &'static str> {
    let expected = Expected::new(AUDIENCE, NONCE, KeyBindingRule::NotRequired).at(test_now());
    let [_, provider] = providers();
    let verifier = PresentationVerifier::new(trust, provider);
    ready(verifier.verify(credential, &expected)).map(|_| ()).map_err(|error| error.code())
}

#[test]
fn every_kind_of_entry_goes_to_json_and_back() {
    let anchor = TestCa::new("Root");
    let second = TestCa::new("Other");
    let both = pem(anchor.anchor_der()) + &pem(second.anchor_der());
    let written = json!({
        "version": 1,
        "name": "Issuers of a test",
        "revocation": "where_published",
        "issuers": [
            {
                "name": "All under two roots",
                "certificates": {"anchors": [both], "iss": "not_reported"},
                "types": {"vct": [VCT], "doctype": ["org.iso.18013.5.1.mDL"], "w3c": ["Club"]},
            },
            {"metadata": "https://university.example/a"},
            {"did": DID, "types": {"w3c": ["Club"]}},
            {"keys": {"issuer": ISS, "jwks": {"keys": [Party::new().jwk.to_value()]}}},
        ],
    });
    let once = read(&written).to_value();
    assert_eq!(read(&once).to_value(), once);
    // the two anchors of one text become two, and everything else is as it was
    assert_eq!(once["issuers"][0]["certificates"]["anchors"].as_array().unwrap().len(), 2);
    for at in ["/name", "/revocation", "/issuers/0/types", "/issuers/1", "/issuers/2", "/issuers/3"]
    {
        assert_eq!(once.pointer(at), written.pointer(at), "{at}");
    }
    assert_eq!(read(&list(json!([]))).to_value()["revocation"], "ignored");
}

#[test]
fn who_is_on_the_list_is_believed_and_nobody_else() {
    let world = World::new();
    let credential = world.present(&json!({}));
    let key = world.issuer_jwk();
    let good = json!([{"keys": {"issuer": ISS, "jwks": {"keys": [key]}}}]);
    assert_eq!(believes(read(&list(good)).to_trust(), &credential), Ok(()));
    assert_eq!(believes(read(&list(json!([]))).to_trust(), &credential), Err("issuer_not_trusted"));
    let other = json!([{"keys": {"issuer": ISS, "jwks": {"keys": [Party::new().jwk.to_value()]}}}]);
    let refused = believes(read(&list(other)).to_trust(), &credential);
    assert_eq!(refused, Err("issuer_signature_invalid"));
}

#[test]
fn an_issuer_is_believed_for_its_types_only() {
    let world = World::new();
    let credential = world.present(&json!({}));
    let for_types = |types: Value| {
        let keys = json!({"issuer": ISS, "jwks": {"keys": [world.issuer_jwk()]}});
        read(&list(json!([{"keys": keys, "types": types}]))).to_trust()
    };
    assert_eq!(believes(for_types(json!({"vct": ["urn:a", VCT]})), &credential), Ok(()));
    let refused = Err("issuer_not_trusted_for_type");
    assert_eq!(believes(for_types(json!({"vct": ["urn:a"]})), &credential), refused);
    // the same name in another format's words is another type
    assert_eq!(believes(for_types(json!({"doctype": [VCT], "w3c": [VCT]})), &credential), refused);
}

#[test]
fn an_authority_is_believed_for_whom_it_certified() {
    let ca = TestCa::new("Root");
    let leaf = ca.leaf(&LeafOptions::named("Issuer").dns("issuer.example"));
    let x5c: Vec<_> = {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        leaf.chain.iter().map(|der| STANDARD.encode(der)).collect()
    };
    let header = json!({"typ": "dc+sd-jwt", "x5c": x5c});
    let credential = Party::of(&leaf.key).sign(&header, &json!({"iss": ISS, "vct": VCT})) + "~";
    let under = |ca: &TestCa| {
        let anchors = json!([pem(ca.anchor_der())]);
        read(&list(json!([{"certificates": {"anchors": anchors}}]))).to_trust()
    };
    assert_eq!(believes(under(&ca), &credential), Ok(()));
    assert_eq!(believes(under(&TestCa::new("Other")), &credential), Err("issuer_not_trusted"));
}

#[test]
fn every_fault_is_told_with_its_place() {
    let key = Party::new().jwk.to_value();
    let mut private = key.clone();
    private["d"] = "AAAA".into();
    let leaf = TestCa::new("Root").leaf(&LeafOptions::named("Leaf"));
    let bad = json!({
        "version": 2,
        "name": 7,
        "revocation": "sometimes",
        "isuers": [],
        "issuers": [
            "https://issuer.example",
            {},
            {"did": DID, "metadata": ISS},
            {"did": "issuer"},
            {"metadata": "http://issuer.example"},
            {"metadata": "https://issuer.example?a=b"},
            {"certificates": {}},
            {"certificates": {"anchors": []}},
            {"certificates": {"anchors": ["none", 7, pem(&leaf.chain[0])], "iss": "any"}},
            {"keys": {"issuer": "", "jwks": {"keys": [key, private, {}]}}},
            {"keys": {"issuer": ISS, "jwks": {"keys": []}}},
            {"did": DID, "types": {}},
            {"did": "did:web:a.example", "types": {"vct": ["", "a b"], "doctpye": []}},
            {"did": "did:web:b.example", "typs": {}},
        ],
    });
    let found = faults(&bad);
    let places: Vec<_> = found.iter().map(|(at, _)| at.as_str()).collect();
    assert_eq!(
        places,
        [
            "list",
            "version",
            "name",
            "revocation",
            "issuers[0]",
            "issuers[1]",
            "issuers[2]",
            "issuers[3].did",
            "issuers[4].metadata",
            "issuers[5].metadata",
            "issuers[6].certificates.anchors",
            "issuers[7].certificates.anchors",
            "issuers[8].certificates.iss",
            "issuers[8].certificates.anchors[0]",
            "issuers[8].certificates.anchors[1]",
            "issuers[8].certificates.anchors[2]",
            "issuers[9].keys.issuer",
            "issuers[9].keys.jwks.keys[1]",
            "issuers[9].keys.jwks.keys[2]",
            "issuers[10].keys.jwks.keys",
            "issuers[11].types",
            "issuers[12].types",
            "issuers[12].types.vct[0]",
            "issuers[12].types.vct[1]",
            "issuers[12].types",
            "issuers[13]",
        ]
    );
    let told: Vec<_> = found.iter().map(|(_, what)| what.as_str()).collect();
    assert_eq!(told[0], "there is no member isuers; did you mean issuers?");
    assert!(told[17].contains("private key"), "{}", told[17]);
    assert!(told[15].contains("authority"), "{}", told[15]);
}

#[test]
fn what_is_no_list_is_refused_with_where_it_breaks() {
    let unreadable =
        TrustList::parse(b"{\n  \"version\": 1,\n  oops\n}").expect_err("it is refused");
    assert!(unreadable.to_string().contains("line 3"), "{unreadable}");
    let twice = TrustList::parse(br#"{"version": 1, "issuers": [], "issuers": []}"#);
    assert!(twice.expect_err("it is refused").to_string().contains("duplicate member"));
    for none in [json!([]), json!(null), json!("list")] {
        assert_eq!(places(&none), ["list"]);
    }
    let long = TrustList::parse(&vec![b' '; 4 * 1024 * 1024 + 1]).expect_err("it is refused");
    assert_eq!(long.0[0].kind, TrustListFaultKind::TooLong);
    let many: Vec<_> = (0..1001).map(|n| json!({"did": format!("did:web:{n}.example")})).collect();
    assert_eq!(faults(&list(json!(many)))[0].1, "more than 1000 entries");
}

#[test]
fn an_issuer_is_trusted_once_for_a_type() {
    let keys = json!({"issuer": ISS, "jwks": {"keys": [Party::new().jwk.to_value()]}});
    let twice = |one: Value, other: Value| list(json!([one, {"did": DID}, other]));
    let by_keys = |types: Option<Value>| match types {
        Some(types) => json!({"keys": keys.clone(), "types": types}),
        None => json!({"keys": keys.clone()}),
    };
    let by_metadata = |types: Option<Value>| match types {
        Some(types) => json!({"metadata": ISS, "types": types}),
        None => json!({"metadata": ISS}),
    };
    let (a, b) = (json!({"vct": ["urn:a"]}), json!({"vct": ["urn:b", "urn:a"]}));
    for bad in [
        twice(by_keys(None), by_metadata(None)),
        twice(by_keys(Some(a.clone())), by_metadata(None)),
        twice(by_metadata(None), by_keys(Some(a.clone()))),
        twice(by_keys(Some(a.clone())), by_metadata(Some(b))),
        twice(by_keys(None), by_keys(None)),
    ] {
        let told = "the issuer is trusted by issuers[0] already, for the same type";
        assert_eq!(faults(&bad), [("issuers[2]".to_owned(), told.to_owned())]);
    }
    let apart = twice(by_keys(Some(a)), by_metadata(Some(json!({"w3c": ["urn:a"]}))));
    assert_eq!(read(&apart).issuers.len(), 3);
}

#[test]
fn a_replaced_list_counts_from_then_on_for_everyone_who_shares_it() {
    let world = World::new();
    let credential = world.present(&json!({}));
    let live = LiveTrust::new(IssuerTrust::new());
    let [_, provider] = providers();
    let verifier = PresentationVerifier::new(live.clone(), provider);
    let expected = Expected::new(AUDIENCE, NONCE, KeyBindingRule::NotRequired)
        .of_type(Vct::parse(VCT).unwrap())
        .at(test_now());
    let verdict = || ready(verifier.verify(&credential, &expected)).is_ok();
    assert!(!verdict());
    live.replace(world.trust());
    assert!(verdict());
    live.replace(IssuerTrust::new());
    assert!(!verdict());
}
