//! The elements and their digests.

use lanyard_core::{cbor::Value, mdoc::NameSpace};

use super::Suite;
use crate::mdoc_support::{Part, World, embedded, item};

pub(super) fn cases(world: &World, suite: &mut Suite) {
    digests(world, suite);
    form(world, suite);
    repeated(world, suite);
}

/// A presentation of these elements, whatever was digested.
fn sent(world: &World, elements: Vec<Value>) -> String {
    let name_spaces = Value::map([(NameSpace::MDL, Value::Array(elements))]);
    world.forge().set(Part::IssuerSigned, &["nameSpaces"], name_spaces).present()
}

fn digests(world: &World, suite: &mut Suite) {
    let mismatch = ("ISO/IEC 18013-5 §9.1.2.5", "mdoc_digest_mismatch");
    let changed = embedded(&item(0, "family_name", "Mallory".into()).encode());
    suite.refuse("element-changed", mismatch, sent(world, vec![changed]));
    // the same element, its byte string with a length in eight bytes
    let same = item(0, "family_name", "Example".into()).encode();
    let mut spelled = vec![0xd8, 24, 0x5b];
    spelled.extend((same.len() as u64).to_be_bytes());
    spelled.extend(same);
    suite.refuse("element-encoded-again", mismatch, sent(world, vec![Value::Encoded(spelled)]));
    let missing = ("ISO/IEC 18013-5 §9.1.2.5", "mdoc_digest_missing");
    let unknown = embedded(&item(9, "given_name", "Ada".into()).encode());
    suite.refuse("element-without-digest", missing, sent(world, vec![unknown]));

    let form = ("ISO/IEC 18013-5 §9.1.2.4", "mso_value_digests");
    let digests =
        |id: Value, digest: Value| Value::map([(NameSpace::MDL, Value::Map(vec![(id, digest)]))]);
    for (id, value) in [
        ("digests-of-six-bytes", digests(0_u64.into(), vec![0; 6].into())),
        ("digests-of-text", digests(0_u64.into(), "digest".into())),
        ("digest-with-a-negative-identifier", digests((-1_i64).into(), vec![0; 32].into())),
        ("digests-not-a-map", Value::Array(Vec::new())),
    ] {
        suite.refuse(id, form, world.forge().set(Part::Mso, &["valueDigests"], value).present());
    }
}

fn form(world: &World, suite: &mut Suite) {
    let name_space = ("ISO/IEC 18013-5 §8.3.2.1.2.2", "mdoc_namespace_malformed");
    suite.refuse("namespace-without-elements", name_space, sent(world, Vec::new()));
    let named = Value::Map(vec![(1_u64.into(), Value::Array(vec![1_u64.into()]))]);
    let named = world.forge().set(Part::IssuerSigned, &["nameSpaces"], named);
    suite.refuse("namespace-not-named-by-text", name_space, named.present());

    let element = ("ISO/IEC 18013-5 §8.3.2.1.2.2", "mdoc_element_malformed");
    let bare = item(0, "family_name", "Example".into());
    suite.refuse("element-without-tag-24", element, sent(world, vec![bare]));
    let list = embedded(&Value::Array(Vec::new()).encode());
    suite.refuse("element-not-a-map", element, sent(world, vec![list]));
    let mut nameless = world.forge();
    nameless.items = vec![item(0, "", "Example".into())];
    suite.refuse("element-without-name", element, nameless.present());
    let mut short = world.forge();
    short.items.push(Value::map([
        ("digestID", 5_u64.into()),
        ("random", vec![1; 15].into()),
        ("elementIdentifier", "given_name".into()),
        ("elementValue", "Ada".into()),
    ]));
    let random = ("ISO/IEC 18013-5 §9.1.2.5", "mdoc_random_too_short");
    suite.refuse("random-of-fifteen-bytes", random, short.present());
}

fn repeated(world: &World, suite: &mut Suite) {
    let twice = world.forge().item(item(7, "family_name", "Mallory".into()));
    let element = ("a limit of Lanyard's own", "mdoc_element_repeated");
    suite.refuse("element-there-twice", element, twice.present());
    let one = embedded(&item(0, "family_name", "Example".into()).encode());
    let other = embedded(&item(0, "given_name", "Ada".into()).encode());
    let id = ("ISO/IEC 18013-5 §9.1.2.4", "mdoc_digest_id_repeated");
    suite.refuse("digest-identifier-there-twice", id, sent(world, vec![one, other]));
}
