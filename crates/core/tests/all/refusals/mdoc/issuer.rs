//! The issuer: its certificate, its signature, and the MSO that it is over.

use lanyard_core::{
    cbor::{Item, Value},
    cose,
};
use lanyard_testkit::test_now;

use super::{Suite, der};
use crate::mdoc_support::{Part, World, date_time, moment};

pub(super) fn cases(world: &World, suite: &mut Suite) {
    certificates(world, suite);
    signature(world, suite);
    mso(world, suite);
    times(world, suite);
    about(world, suite);
}

macro_rules! certificate {
    ($name:literal) => {
        ($name, include_str!(concat!("certificates/", $name, ".pem")))
    };
}

fn certificates(world: &World, suite: &mut Suite) {
    let with_chain = |chain: Vec<Vec<u8>>| {
        let mut forged = world.forge();
        forged.chain = chain;
        forged.present()
    };
    let rule = ("ISO/IEC 18013-5 Annex B.1.4", "issuer_certificate_refused");
    for (name, pem) in [
        certificate!("tls-server"),
        certificate!("without-purpose"),
        certificate!("authority"),
        certificate!("other-country"),
        certificate!("expired"),
        certificate!("forged"),
        certificate!("self-signed"),
    ] {
        suite.refuse(format!("certificate-{name}"), rule, with_chain(vec![der(pem)]));
    }
    let own = der(super::SIGNER);
    let anchored = with_chain(vec![own.clone(), der(super::IACA)]);
    suite.refuse("chain-with-its-anchor", ("HAIP 1.0 §6.1.1", rule.1), anchored);
    let long = with_chain(vec![own.clone(); 100]);
    suite.refuse("chain-of-a-hundred", ("a limit of Lanyard's own", rule.1), long);

    let untrusted = ("ISO/IEC 18013-5 §9.3.3", "issuer_not_trusted");
    let (_, stranger) = certificate!("other-authority");
    suite.refuse("certificate-of-another-authority", untrusted, with_chain(vec![der(stranger)]));
    suite.refuse("without-certificate", untrusted, with_chain(Vec::new()));
}

fn signature(world: &World, suite: &mut Suite) {
    let issued = world.forge().issue();
    let issued = Item::parse(&issued).expect("it is CBOR");
    let good = issued.get("issuerAuth").expect("it is signed");
    let parts: Vec<_> = good
        .as_array()
        .expect("a COSE_Sign1 has parts")
        .iter()
        .map(|part| Value::Encoded(part.encoded().to_vec()))
        .collect();
    let with = |at: usize, part: Value| {
        let mut parts = parts.clone();
        parts[at] = part;
        let value = Value::Array(parts);
        world.forge().set(Part::IssuerSigned, &["issuerAuth"], value).present()
    };

    let invalid = ("RFC 9052 §4.4", "issuer_signature_invalid");
    suite.refuse("signature-of-nobody", invalid, with(3, vec![1; 64].into()));
    suite.refuse("signature-cut-short", invalid, with(3, vec![1; 63].into()));
    suite.refuse(
        "alg-not-protected",
        ("RFC 9052 §3.1", invalid.1),
        with(0, Value::Bytes(Vec::new())),
    );
    let protected = |bytes: &[u8]| with(0, bytes.into());
    suite.refuse("alg-of-another-curve", invalid, protected(&[0xa1, 1, 0x38, 0x22]));
    suite.refuse("alg-unknown", invalid, protected(&[0xa1, 1, 0x38, 0x24]));
    suite.refuse("alg-of-a-mac", invalid, protected(&[0xa1, 1, 5]));

    let form = ("ISO/IEC 18013-5 §9.1.2.4", "mdoc_issuer_auth");
    let tagged = Value::Encoded(cose::tagged_sign1(good.encoded()));
    let tagged = world.forge().set(Part::IssuerSigned, &["issuerAuth"], tagged);
    suite.refuse("issuer-auth-tagged", form, tagged.present());
    let text = world.forge().set(Part::IssuerSigned, &["issuerAuth"], "signed");
    suite.refuse("issuer-auth-not-a-sign1", form, text.present());
    let critical = [0xa3, 1, 0x26, 2, 0x81, 0x18, 99, 0x18, 99, 0];
    suite.refuse("critical-unknown", ("RFC 9052 §3.1", form.1), protected(&critical));
    let twice = Value::Map(vec![(1_u64.into(), (-7_i64).into())]);
    suite.refuse("label-in-both-headers", ("RFC 9052 §3", form.1), with(1, twice));
    let chain = Value::Map(vec![(33_u64.into(), "certificate".into())]);
    suite.refuse("x5chain-of-text", ("RFC 9360 §2", form.1), with(1, chain));
    let without = world.forge().remove(Part::IssuerSigned, &["issuerAuth"]);
    let missing = ("ISO/IEC 18013-5 §9.1.2.4", "mdoc_issuer_signed_malformed");
    suite.refuse("without-issuer-auth", missing, without.present());

    let mso = ("ISO/IEC 18013-5 §9.1.2.4", "mso_malformed");
    suite.refuse("payload-detached", mso, with(2, Value::Null));
    suite.refuse("payload-without-tag-24", mso, with(2, vec![0xa0].into()));
}

fn mso(world: &World, suite: &mut Suite) {
    let set = |path: &[&str], value: Value| world.forge().set(Part::Mso, path, value).present();
    let remove = |path: &[&str]| world.forge().remove(Part::Mso, path).present();
    let form = ("ISO/IEC 18013-5 §9.1.2.4", "mso_malformed");
    suite.refuse("mso-without-type", form, remove(&["docType"]));
    suite.refuse("mso-type-not-text", form, set(&["docType"], 1_u64.into()));
    let version = ("ISO/IEC 18013-5 §9.1.2.4", "mso_version");
    suite.refuse("mso-of-another-version", version, set(&["version"], "2.0".into()));
    let digest = ("ISO/IEC 18013-5 §9.1.2.5", "mso_digest_algorithm");
    for name in ["SHA-1", "sha-256", "MD5"] {
        suite.refuse(
            format!("digest-algorithm-{name}"),
            digest,
            set(&["digestAlgorithm"], name.into()),
        );
    }
    let key = ("ISO/IEC 18013-5 §9.1.2.4", "mso_device_key");
    suite.refuse("mso-without-device-key", key, remove(&["deviceKeyInfo", "deviceKey"]));
    let key = ("RFC 9053 §7", "mso_device_key");
    let symmetric = Value::Map(vec![(1_u64.into(), 4_u64.into())]);
    suite.refuse("device-key-symmetric", key, set(&["deviceKeyInfo", "deviceKey"], symmetric));
    let rsa = Value::Map(vec![(1_u64.into(), 3_u64.into()), ((-1_i64).into(), vec![1].into())]);
    suite.refuse("device-key-of-an-unknown-kind", key, set(&["deviceKeyInfo", "deviceKey"], rsa));
    let authorizations = ("ISO/IEC 18013-5 §9.1.2.4", "mso_key_authorizations");
    let text = Value::map([("nameSpaces", "org.example".into())]);
    let path = ["deviceKeyInfo", "keyAuthorizations"];
    suite.refuse("key-authorizations-of-text", authorizations, set(&path, text));
    let status = ("Token Status List §6.3", "credential_status_malformed");
    let list = Value::map([("idx", (-1_i64).into()), ("uri", "https://a.example".into())]);
    let list = Value::map([("status_list", list)]);
    suite.refuse("status-with-a-negative-index", status, set(&["status"], list));
}

fn times(world: &World, suite: &mut Suite) {
    let set = |name: &str, value: Value| {
        world.forge().set(Part::Mso, &["validityInfo", name], value).present()
    };
    let form = ("ISO/IEC 18013-5 §9.1.2.4", "mso_validity_info");
    for (id, value) in [
        ("fraction", date_time("2026-01-15T00:00:00.5Z")),
        ("offset", date_time("2026-01-15T00:00:00+00:00")),
        ("leap-second", date_time("2025-12-31T23:59:60Z")),
        ("without-tag", "2026-01-15T00:00:00Z".into()),
        ("full-date", Value::full_date("2026-01-15")),
    ] {
        suite.refuse(format!("signed-{id}"), form, set("signed", value));
    }
    suite.refuse("valid-before-signed", form, set("validFrom", moment(test_now(), -7200)));
    suite.refuse("never-valid", form, set("validUntil", moment(test_now(), -3600)));
    let without = world.forge().remove(Part::Mso, &["validityInfo", "validUntil"]);
    suite.refuse("without-valid-until", form, without.present());
    let expired = ("ISO/IEC 18013-5 §9.3.1", "credential_expired");
    suite.refuse("expired", expired, set("validUntil", moment(test_now(), -3599)));
    let early = ("ISO/IEC 18013-5 §9.3.1", "credential_not_yet_valid");
    suite.refuse("not-yet-valid", early, set("validFrom", moment(test_now(), 3600)));
    let outside = ("ISO/IEC 18013-5 §9.3.1", "mso_signed_outside_certificate");
    suite.refuse(
        "signed-before-its-certificate",
        outside,
        set("signed", date_time("2024-12-31T23:59:59Z")),
    );
}

/// What the mdoc says about its issuer, against what the certificate says.
fn about(world: &World, suite: &mut Suite) {
    for (name, code) in [
        ("issuing_country", "mdoc_issuing_country"),
        ("issuing_jurisdiction", "mdoc_issuing_jurisdiction"),
    ] {
        let mut forged = world.forge();
        forged.items = vec![crate::mdoc_support::item(0, name, "XX".into())];
        let id = format!("another-{}", name.replace('_', "-"));
        suite.refuse(id, ("ISO/IEC 18013-5 §9.3.1", code), forged.present());
    }
}
