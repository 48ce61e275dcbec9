//! The response, its documents, and the CBOR they are made of.

use lanyard_core::{
    cbor::{Encoder, Value},
    json,
    mdoc::DocType,
};

use super::{Suite, der};
use crate::mdoc_support::{Part, World};

pub(super) fn cases(world: &World, suite: &mut Suite) {
    form(world, suite);
    cbor(world, suite);
    documents(world, suite);
}

fn form(world: &World, suite: &mut Suite) {
    let rule = ("ISO/IEC 18013-5 §8.3.2.1.2.2", "mdoc_response_malformed");
    for member in ["version", "status"] {
        let changed = world.forge().remove(Part::Response, &[member]);
        suite.refuse(format!("response-without-{member}"), rule, changed.present());
    }
    let list = world.forge().set(Part::Response, &["documents"], Value::Map(Vec::new()));
    suite.refuse("documents-not-a-list", rule, list.present());
    let errors = world.forge().set(Part::Response, &["documentErrors"], "none");
    suite.refuse("document-errors-not-a-list", rule, errors.present());
    for member in ["docType", "issuerSigned"] {
        let changed = world.forge().remove(Part::Document, &[member]);
        suite.refuse(format!("document-without-{member}"), rule, changed.present());
    }
    suite.refuse("issuer-signed-alone", rule, json::base64url(world.forge().issue()));

    let version = ("ISO/IEC 18013-5 §8.3.2.1.2.2", "mdoc_response_version");
    let other = world.forge().set(Part::Response, &["version"], "9.9");
    suite.refuse("response-of-another-version", version, other.present());
    let status = ("ISO/IEC 18013-5 §8.3.2.1.2.3", "mdoc_response_status");
    let failed = world.forge().set(Part::Response, &["status"], 10_u64);
    suite.refuse("response-with-a-failure", status, failed.present());
}

fn cbor(world: &World, suite: &mut Suite) {
    let good = world.forge().present();
    let base64url = ("OpenID4VP 1.0 App. B.2.5", "mdoc_not_base64url");
    suite.refuse("padded", base64url, format!("{good}="));

    let bytes = json::base64url_decode(&good).expect("it is base64url");
    let malformed = ("RFC 8949 §3", "cbor_malformed");
    suite.refuse("empty", malformed, String::new());
    suite.refuse("cut-short", malformed, json::base64url(&bytes[..bytes.len() - 1]));
    let trailing = ("RFC 8949 §5.1", "cbor_trailing_bytes");
    suite.refuse("trailing-byte", trailing, json::base64url([&bytes[..], &[0]].concat()));
    // one member more, and the same one again
    let again = [&[bytes[0] + 1], &bytes[1..], b"\x66status\x00"].concat();
    let duplicate = ("RFC 8949 §5.6", "cbor_duplicate_key");
    suite.refuse("member-there-twice", duplicate, json::base64url(again));

    let extra = |value: Value| world.forge().set(Part::Response, &["extra"], value).present();
    let encoded = |bytes: &[u8]| extra(Value::Encoded(bytes.to_vec()));
    let indefinite = ("ISO/IEC 18013-5 §8.1", "cbor_indefinite_length");
    suite.refuse("indefinite-array", indefinite, encoded(&[0x9f, 0xff]));
    suite.refuse("indefinite-text", indefinite, encoded(&[0x7f, 0x61, b'a', 0xff]));
    let key = ("a limit of Lanyard's own", "cbor_key_type");
    suite.refuse("key-of-an-unusual-type", key, encoded(&[0xa1, 0xf5, 0x00]));
    let tag = ("RFC 8949 §5.3.2", "cbor_tag_content");
    suite.refuse("date-of-a-number", tag, encoded(&[0xc0, 0x00]));
    let deep = ("a limit of Lanyard's own", "cbor_too_deep");
    suite.refuse("nested-too-deep", deep, encoded(&[&[0x81; 40][..], &[0]].concat()));
    let many = ("a limit of Lanyard's own", "cbor_too_many_items");
    suite.refuse(
        "more-items-than-bytes",
        many,
        encoded(&[0x9b, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
    );
    let mut alike = Encoder::new();
    alike.map(2).integer(1).null().text("1").null();
    let alike = Value::Encoded(alike.into_bytes());
    let mut forged = world.forge();
    forged.items = vec![crate::mdoc_support::item(0, "family_name", alike)];
    suite.refuse("keys-alike-in-json", ("RFC 8949 §6.1", "cbor_not_json"), forged.present());
}

fn documents(world: &World, suite: &mut Suite) {
    let none = ("OpenID4VP 1.0 §8.1", "mdoc_no_document");
    let without = world.forge().remove(Part::Response, &["documents"]);
    suite.refuse("without-documents", none, without.present());
    let errors = Value::Array(vec![Value::map([(DocType::MDL, 0_u64.into())])]);
    let errors = world
        .forge()
        .set(Part::Response, &["documentErrors"], errors)
        .remove(Part::Response, &["documents"]);
    suite.refuse("document-errors-alone", none, errors.present());
    let two = vec![world.forge().document(), world.forge().document()];
    let two = world.forge().set(Part::Response, &["documents"], two);
    suite.refuse("two-documents", ("HAIP 1.0 §5.3.1", "mdoc_many_documents"), two.present());

    let mismatch = ("ISO/IEC 18013-5 §9.3.1", "mdoc_doc_type_mismatch");
    let other = "org.example.other";
    let document = world.forge().set(Part::Document, &["docType"], other);
    suite.refuse("document-of-another-type", mismatch, document.present());
    let mso = world.forge().set(Part::Mso, &["docType"], other);
    suite.refuse("mso-of-another-type", mismatch, mso.present());
    let wrong = ("OpenID4VP 1.0 App. B.2.3", "credential_wrong_type");
    suite.refuse("another-type-than-asked-for", wrong, of_another_type(world));
}

/// Right in itself, and not what was asked for.
fn of_another_type(world: &World) -> String {
    let mut forged = world.forge();
    forged.doc_type = "org.example.other".to_owned();
    forged.chain = vec![der(super::SIGNER)];
    forged.present()
}
