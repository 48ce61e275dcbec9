//! Credentials and presentations of the formats that are no SD-JWT VC.

use jiff::Timestamp;
use lanyard_core::{
    cbor::Item,
    credential::{Format, HeldCredential, ValidityPolicy},
    crypto::AwsLc,
    json,
};

use super::{Report, token};
use crate::offline::Recognised;

/// The claims are read as a wallet reads back its own storage: whoever signed them is not looked at.
pub(super) fn inspect(text: &str, recognised: Recognised, now: Timestamp) -> Report {
    let mut report = Report::new(kind(recognised));
    if recognised.presented {
        show(text, recognised.format, &mut report);
        let what =
            "whether it answers a request is told by `lanyard verify` with its audience and nonce";
        report.doubtful(what, None);
        return report;
    }
    if matches!(recognised.format, Format::JwtVcJson | Format::VcJwt | Format::VcSdJwt) {
        let jwt = text.split('~').next().unwrap_or(text);
        token::show(jwt, "", &mut report);
    }
    match HeldCredential::danger_hold_unverified(recognised.format, text, &AwsLc) {
        Ok(held) => {
            let types: Vec<_> = held.types().iter().map(ToString::to_string).collect();
            report.part("Types", types.join(", "));
            report.part("Claims", held.claims().as_value().clone());
            report.fine(
                "it keeps every rule of its format that needs no key",
                rule(recognised.format),
            );
            match ValidityPolicy::default().judge(&held.validity(), now) {
                Ok(()) => report.fine("it is valid now", None),
                Err(error) => report.wrong(error.to_string(), None),
            }
            let what = "the issuer's signature was not checked: `lanyard verify` does, and asks whom to trust";
            report.doubtful(what, None);
        }
        Err(error) => {
            show(text, recognised.format, &mut report);
            report.wrong(format!("{error} ({})", error.code()), rule(recognised.format));
        }
    }
    report
}

fn kind(recognised: Recognised) -> &'static str {
    match (recognised.format, recognised.presented) {
        (Format::SdJwtVc, _) => "an SD-JWT VC",
        (Format::MsoMdoc, false) => "an mdoc as its issuer handed it out",
        (Format::MsoMdoc, true) => "a DeviceResponse: a presentation of an mdoc",
        (Format::JwtVcJson, false) => "a W3C credential of VCDM 1.1 as a JWT",
        (Format::JwtVcJson, true) => "a W3C presentation of VCDM 1.1 as a JWT",
        (Format::LdpVc, false) => "a W3C credential of VCDM 2.0 with Data Integrity proofs",
        (Format::LdpVc, true) => "a W3C presentation of VCDM 2.0 with Data Integrity proofs",
        (Format::VcJwt, false) => "a W3C credential of VCDM 2.0 as a JWT",
        (Format::VcJwt, true) => "a W3C presentation of VCDM 2.0 as a JWT",
        (Format::VcSdJwt, _) => "a W3C credential of VCDM 2.0 as an SD-JWT",
    }
}

const fn rule(format: Format) -> &'static str {
    match format {
        Format::SdJwtVc => "SD-JWT VC §2.4",
        Format::MsoMdoc => "ISO/IEC 18013-5 §9.3.1",
        Format::JwtVcJson => "VCDM 1.1 §6.3.1",
        Format::LdpVc => "VCDM 2.0 §4",
        Format::VcJwt | Format::VcSdJwt => "VC-JOSE-COSE §5",
    }
}

/// Shows what is in it even when no rule accepts it: that is when one looks.
fn show(text: &str, format: Format, report: &mut Report) {
    match format {
        Format::MsoMdoc => {
            let bytes = json::base64url_decode(text).unwrap_or_default();
            if let Ok(Ok(value)) = Item::parse(&bytes).map(|item| item.to_json()) {
                report.part("Content", value);
            }
        }
        Format::LdpVc => {
            if let Ok(value) = json::parse(text.as_bytes()) {
                report.part("Document", value);
            }
        }
        Format::SdJwtVc | Format::JwtVcJson | Format::VcJwt | Format::VcSdJwt => {
            if report.parts.is_empty() {
                token::show(text, "", report);
            }
        }
    }
}
