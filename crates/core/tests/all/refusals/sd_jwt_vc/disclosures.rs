//! Disclosures and the digests they belong to.

use lanyard_core::json;
use serde_json::{Value, json};

use super::{
    Suite,
    presentation::{Presentation, disclosure},
};
use crate::{refusals::Rule, sd_jwt_support::digest};

const SALT: &str = "Qg_O64zqAxe412a108iroA";

pub(super) fn cases(suite: &mut Suite) {
    encodings(suite);
    shapes(suite);
    names(suite);
    references(suite);
    digests(suite);
    hash_algorithm(suite);
    depth(suite);
}

/// A good presentation with one more disclosure at the top level, spelled like this.
fn with_disclosure(encoded: String) -> String {
    Presentation::with(|p| p.signed_disclosure(encoded)).text()
}

fn encodings(suite: &mut Suite) {
    let good = disclosure(&json!([SALT, "middle_name", "King"]));
    let rule: Rule = ("RFC 9901 §4.2.1", "disclosure_not_base64url");
    for (id, encoded) in [
        ("padded", format!("{good}=")),
        ("with-space", format!("{good} ")),
        ("with-newline", format!("{good}\n")),
        ("of-the-other-alphabet", good.replacen('W', "+", 1)),
        ("with-slash", good.replacen('W', "/", 1)),
        ("with-dot", good.replacen('W', ".", 1)),
        ("with-trailing-bits", format!("{}B", &good[..good.len() / 4 * 4 - 3])),
        ("of-one-character", "W".to_owned()),
    ] {
        suite.refuse(format!("disclosure-{id}"), rule, with_disclosure(encoded));
    }
    let rule: Rule = ("RFC 9901 §4.2.1", "disclosure_not_json");
    for (id, text) in [
        ("not-json", "[salt, middle_name, King]"),
        ("with-trailing-text", r#"["a","middle_name","King"]x"#),
        ("with-trailing-comma", r#"["a","middle_name","King",]"#),
        ("with-repeated-member", r#"["a","middle_name",{"b":1,"b":2}]"#),
        ("with-lone-surrogate", r#"["a","middle_name","\udc00"]"#),
    ] {
        suite.refuse(format!("disclosure-{id}"), rule, with_disclosure(json::base64url(text)));
    }
    let not_utf8 = json::base64url(b"[\"a\",\"middle_name\",\"\xff\"]");
    suite.refuse("disclosure-not-utf8", rule, with_disclosure(not_utf8));
    let deep = format!(r#"["a","middle_name",{}{}]"#, "[".repeat(40), "]".repeat(40));
    suite.refuse("disclosure-too-deep", rule, with_disclosure(json::base64url(deep)));
}

fn shapes(suite: &mut Suite) {
    let rule: Rule = ("RFC 9901 §7.1(3)", "disclosure_shape");
    for (id, value) in [
        ("an-object", json!({"salt": SALT, "middle_name": "King"})),
        ("text", json!("King")),
        ("null", Value::Null),
        ("empty", json!([])),
        ("a-salt-alone", json!([SALT])),
        ("of-four", json!([SALT, "middle_name", "King", 1])),
    ] {
        suite.refuse(format!("disclosure-{id}"), rule, with_disclosure(disclosure(&value)));
    }
    let rule: Rule = ("RFC 9901 §4.2.1", "disclosure_salt_not_text");
    for (id, salt) in [("a-number", json!(1)), ("null", Value::Null), ("an-array", json!([SALT]))] {
        let encoded = disclosure(&json!([salt, "middle_name", "King"]));
        suite.refuse(format!("disclosure-salt-{id}"), rule, with_disclosure(encoded));
    }
    let rule: Rule = ("RFC 9901 §4.2.1", "disclosure_name_not_text");
    for (id, name) in [("a-number", json!(1)), ("null", Value::Null), ("an-object", json!({}))] {
        let encoded = disclosure(&json!([SALT, name, "King"]));
        suite.refuse(format!("disclosure-name-{id}"), rule, with_disclosure(encoded));
    }
    let rule: Rule = ("RFC 9901 §7.1(3.2.2)", "disclosure_member_without_name");
    let element = disclosure(&json!([SALT, "King"]));
    suite.refuse("array-element-as-member", rule, with_disclosure(element));
    let rule: Rule = ("RFC 9901 §7.1(3.3.2)", "disclosure_element_with_name");
    let member = disclosure(&json!([SALT, "middle_name", "King"]));
    let bad = Presentation::with(|p| {
        let nationalities = p.payload["nationalities"].as_array_mut().expect("an array");
        nationalities.push(json!({"...": digest(&member)}));
        p.disclosures.push(member);
    });
    suite.refuse("member-as-array-element", rule, bad.text());
}

fn names(suite: &mut Suite) {
    let rule: Rule = ("RFC 9901 §7.1(3.2.2.2)", "disclosure_reserved_name");
    for (id, name) in [("digests", "_sd"), ("ellipsis", "...")] {
        let encoded = disclosure(&json!([SALT, name, ["x"]]));
        suite.refuse(format!("disclosure-named-{id}"), rule, with_disclosure(encoded));
    }
    let rule: Rule = ("RFC 9901 §7.1(3.2.2.3)", "disclosure_claim_collision");
    let encoded = disclosure(&json!([SALT, "family_name", "Byron"]));
    suite.refuse("disclosure-over-a-visible-claim", rule, with_disclosure(encoded));
    let encoded = disclosure(&json!([SALT, "given_name", "Augusta"]));
    suite.refuse("two-disclosures-of-one-claim", rule, with_disclosure(encoded));
    let country = disclosure(&json!([SALT, "country", "YY"]));
    let address = disclosure(&json!([SALT, "home", {"_sd": [digest(&country)], "country": "XX"}]));
    let bad = Presentation::with(|p| {
        p.signed_disclosure(address);
        p.disclosures.push(country);
    });
    suite.refuse("disclosure-over-a-visible-claim-inside", rule, bad.text());
}

fn references(suite: &mut Suite) {
    let rule: Rule = ("RFC 9901 §7.1(5)", "disclosure_not_referenced");
    let stray =
        |value: Value| Presentation::with(|p| p.disclosures.push(disclosure(&value))).text();
    suite.refuse("disclosure-never-signed", rule, stray(json!([SALT, "admin", true])));
    suite.refuse("array-element-never-signed", rule, stray(json!([SALT, "YY"])));
    let changes = [
        ("value", json!(["6Ij7tM-a5iVPGboS5tmvVA", "given_name", "Eve"])),
        ("name", json!(["6Ij7tM-a5iVPGboS5tmvVA", "nickname", "Ada"])),
        ("salt", json!(["6Ij7tM-a5iVPGboS5tmvVB", "given_name", "Ada"])),
    ];
    for (id, value) in changes {
        let bad = Presentation::with(|p| p.disclosures[0] = disclosure(&value));
        suite.refuse(format!("disclosed-{id}-changed"), rule, bad.text());
    }
    let spelled = r#"["6Ij7tM-a5iVPGboS5tmvVA", "given_name", "Ada"]"#;
    let bad = Presentation::with(|p| p.disclosures[0] = json::base64url(spelled));
    suite.refuse("disclosure-spelled-differently", rule, bad.text());
    let bad = Presentation::with(|p| {
        p.disclosures.remove(1);
    });
    suite.refuse("nested-disclosure-without-its-parent", rule, bad.text());
    let bad = Presentation::with(|p| p.payload["_sd"] = json!([]));
    suite.refuse("digests-of-an-empty-list", rule, bad.text());

    let rule: Rule = ("RFC 9901 §7.1(3)", "disclosure_repeated");
    for at in 0..4 {
        let bad = Presentation::with(|p| p.disclosures.push(p.disclosures[at].clone()));
        suite.refuse(format!("disclosure-{at}-sent-twice"), rule, bad.text());
    }
}

fn digests(suite: &mut Suite) {
    let rule: Rule = ("RFC 9901 §4.2.4.1", "sd_jwt_digests_not_an_array");
    for (id, value) in [
        ("text", json!("digest")),
        ("an-object", json!({})),
        ("null", Value::Null),
        ("a-number", json!(1)),
    ] {
        let bad = Presentation::with(|p| p.payload["address"] = json!({"_sd": value}));
        suite.refuse(format!("digests-{id}"), rule, bad.text());
    }
    let rule: Rule = ("RFC 9901 §4.2.4.1", "sd_jwt_digest_not_text");
    for (id, value) in [("a-number", json!(1)), ("null", Value::Null), ("an-array", json!([]))] {
        let bad = Presentation::with(|p| p.payload["address"] = json!({"_sd": [value]}));
        suite.refuse(format!("digest-{id}"), rule, bad.text());
    }
    for (id, value) in [("a-number", json!(1)), ("null", Value::Null)] {
        let bad = Presentation::with(|p| p.payload["nationalities"][0] = json!({"...": value}));
        suite.refuse(format!("element-digest-{id}"), rule, bad.text());
    }
    let rule: Rule = ("RFC 9901 §7.1(4)", "digest_repeated");
    let absent = digest("not disclosed");
    let mut repeat = |id: &str, change: fn(&mut Value, &str)| {
        let bad = Presentation::with(|p| change(&mut p.payload, &absent));
        suite.refuse(format!("digest-{id}"), rule, bad.text());
    };
    repeat("twice-in-one-list", |payload, absent| {
        payload["_sd"].as_array_mut().expect("digests").extend([json!(absent), json!(absent)]);
    });
    repeat("in-two-objects", |payload, absent| {
        payload["a"] = json!({"b": {"_sd": [absent]}, "_sd": [absent]});
    });
    repeat("in-an-object-and-an-array", |payload, absent| {
        payload["nationalities"][1] = json!({"...": absent});
        payload["home"] = json!({"_sd": [absent]});
    });
    let decoy = "7Cf6JkPudry3lcbwHgeZ8khAv1U1OSlerP0VkBJrWZ0";
    let bad = Presentation::with(|p| p.payload["home"] = json!({"_sd": [decoy, decoy]}));
    suite.refuse("decoy-digest-twice", rule, bad.text());

    let rule: Rule = ("RFC 9901 §4.2.4.2", "sd_jwt_misplaced_ellipsis");
    let bad = Presentation::with(|p| p.payload["..."] = decoy.into());
    suite.refuse("ellipsis-at-the-top", rule, bad.text());
    let bad = Presentation::with(|p| p.payload["address"] = json!({"...": decoy}));
    suite.refuse("ellipsis-in-an-object", rule, bad.text());
    let bad = Presentation::with(|p| p.payload["nationalities"][1] = json!({"...": decoy, "x": 1}));
    suite.refuse("ellipsis-beside-a-member", rule, bad.text());
}

fn hash_algorithm(suite: &mut Suite) {
    let rule: Rule = ("RFC 9901 §7.1(2)", "sd_jwt_hash_algorithm");
    for (id, value) in [
        ("sha-1", json!("sha-1")),
        ("md5", json!("md5")),
        ("truncated", json!("sha-256-128")),
        ("in-capitals", json!("SHA-256")),
        ("of-another-registry", json!("sha256")),
        ("empty", json!("")),
        ("a-number", json!(256)),
        ("null", Value::Null),
        ("an-array", json!(["sha-256"])),
    ] {
        let bad = Presentation::with(|p| p.payload["_sd_alg"] = value);
        suite.refuse(format!("hash-algorithm-{id}"), rule, bad.text());
    }
    let rule: Rule = ("RFC 9901 §4.1.1", "sd_jwt_misplaced_hash_algorithm");
    let bad = Presentation::with(|p| p.payload["address"] = json!({"_sd_alg": "sha-256"}));
    suite.refuse("hash-algorithm-inside", rule, bad.text());
    // the digests were made with SHA-256, so with the right name of another algorithm none fits
    for name in ["sha-384", "sha-512"] {
        let bad = Presentation::with(|p| p.payload["_sd_alg"] = name.into());
        suite.refuse(
            format!("digests-not-of-{name}"),
            ("RFC 9901 §7.1(5)", "disclosure_not_referenced"),
            bad.text(),
        );
    }
}

fn depth(suite: &mut Suite) {
    let mut inner = disclosure(&json!([SALT, "end", 1]));
    let mut chain = vec![inner.clone()];
    for level in 0..40 {
        inner = disclosure(&json!([SALT, format!("level_{level}"), {"_sd": [digest(&inner)]}]));
        chain.push(inner.clone());
    }
    let bad = Presentation::with(|p| {
        let top = chain.pop().expect("a chain");
        p.signed_disclosure(top);
        p.disclosures.append(&mut chain);
    });
    let rule: Rule = ("Lanyard's limit", "disclosure_recursion_too_deep");
    suite.refuse("disclosures-nested-forty-deep", rule, bad.text());

    let nest = |levels: usize, core: Value| (0..levels).fold(core, |value, _| json!({"a": value}));
    let deep = disclosure(&json!([SALT, "deep", nest(28, json!("x"))]));
    let bad = Presentation::with(|p| {
        p.payload["outer"] = nest(10, json!({"_sd": [digest(&deep)]}));
        p.disclosures.push(deep);
    });
    let rule: Rule = ("Lanyard's limit", "claims_nested_too_deep");
    suite.refuse("claims-nested-too-deep-together", rule, bad.text());
}
