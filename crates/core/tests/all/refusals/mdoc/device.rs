//! The device: its signature, and what it signs.

use lanyard_core::{
    cbor::Value,
    cose::{self, Header, Payload},
    crypto::RustCrypto,
};

use super::Suite;
use crate::{
    mdoc_support::{CLIENT_ID, NONCE, Part, World, embedded, transcript},
    refusals::keys::Known,
    sd_jwt_support::ready,
};

pub(super) fn cases(world: &World, suite: &mut Suite) {
    form(world, suite);
    signature(world, suite);
    elements(world, suite);
}

fn form(world: &World, suite: &mut Suite) {
    let set =
        |path: &[&str], value: Value| world.forge().set(Part::DeviceSigned, path, value).present();
    let missing = ("ISO/IEC 18013-5 §8.3.2.1.2.2", "device_signed_missing");
    let without = world.forge().remove(Part::Document, &["deviceSigned"]);
    suite.refuse("without-device-signed", missing, without.present());
    let signed = ("ISO/IEC 18013-5 §8.3.2.1.2.2", "device_signed_malformed");
    suite.refuse(
        "device-namespaces-without-tag-24",
        signed,
        set(&["nameSpaces"], Value::Map(Vec::new())),
    );
    suite.refuse("device-namespaces-of-a-list", signed, set(&["nameSpaces"], embedded(&[0x80])));

    let auth = ("ISO/IEC 18013-5 §9.1.3", "device_auth_malformed");
    suite.refuse("device-auth-empty", auth, set(&["deviceAuth"], Value::Map(Vec::new())));
    let mac = Value::Encoded(cose::mac0(Payload::Detached(b""), b"key", b"", &RustCrypto));
    suite.refuse("device-auth-of-both-kinds", auth, set(&["deviceAuth", "deviceMac"], mac.clone()));
    let no_reader = ("OpenID4VP 1.0 App. B.2.2", "device_mac_without_reader_key");
    suite.refuse(
        "mac-without-a-readers-key",
        no_reader,
        set(&["deviceAuth"], Value::map([("deviceMac", mac)])),
    );
    let no_mac = ("RFC 9052 §6.2", "device_mac_invalid");
    suite.refuse(
        "mac-not-a-mac0",
        no_mac,
        set(&["deviceAuth"], Value::map([("deviceMac", 1_u64.into())])),
    );
}

fn signature(world: &World, suite: &mut Suite) {
    let invalid = ("ISO/IEC 18013-5 §9.1.3.4", "device_signature_invalid");
    let key = cose::public_key_value(&Known::stranger().public);
    let stranger = world.forge().set(Part::Mso, &["deviceKeyInfo", "deviceKey"], key);
    suite.refuse("signature-of-another-device", invalid, stranger.present());
    let none = Header::new();
    let payload = Payload::Attached(b"payload");
    let attached = ready(cose::sign1(none.clone(), none, payload, b"", &world.device));
    let attached = Value::Encoded(attached.expect("a key in memory signs"));
    let attached =
        world.forge().set(Part::DeviceSigned, &["deviceAuth", "deviceSignature"], attached);
    suite.refuse("payload-attached", invalid, attached.present());
    for (id, client_id, nonce) in [
        ("another-nonce", CLIENT_ID, "nonce-2"),
        ("another-verifier", "x509_san_dns:other.example", NONCE),
    ] {
        let mut forged = world.forge();
        forged.transcript = transcript(client_id, nonce);
        suite.refuse(id, ("OpenID4VP 1.0 App. B.2.6.1", invalid.1), forged.present());
    }
}

fn elements(world: &World, suite: &mut Suite) {
    let rule = ("ISO/IEC 18013-5 §9.1.2.4", "device_element_not_authorized");
    let own = Value::map([("org.example", Value::map([("balance", 42_u64.into())]))]);
    let mut forged = world.forge();
    forged.device_elements = own.clone();
    suite.refuse("device-element-nobody-authorized", rule, forged.present());
    let other = Value::map([("org.example", Value::Array(vec!["limit".into()]))]);
    let other = Value::map([("dataElements", other)]);
    let mut forged = world.forge().set(Part::Mso, &["deviceKeyInfo", "keyAuthorizations"], other);
    forged.device_elements = own;
    suite.refuse("device-element-beside-those-authorized", rule, forged.present());
}
