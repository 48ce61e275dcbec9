//! The parsers of W3C credentials and presentations.

use lanyard_core::{
    crypto::RustCrypto,
    json::base64url,
    w3c::{
        Credential, EnvelopedCredential, Presentation, date_time_stamp,
        jwt_vc_json::UnverifiedJwtVc,
        vc_jose_cose::{UnverifiedVcCose, UnverifiedVcJwt, UnverifiedVcSdJwt},
        write_date_time_stamp,
    },
};

use super::{Target, core::text};

const CREDENTIAL_TEXT: &str = r#"{"@context":["https://www.w3.org/ns/credentials/v2"],"id":"urn:uuid:1","type":["VerifiableCredential","Badge"],"issuer":{"id":"did:web:issuer.example","name":{"@value":"Issuer","@language":"en"}},"validFrom":"2024-02-29T23:59:59.5+01:00","validUntil":"2030-01-01T00:00:00Z","credentialStatus":{"type":"BitstringStatusListEntry"},"relatedResource":{"id":"https://a.example","digestSRI":"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=","digestMultibase":"uEiDjsMRCmPwcFJr79MiZb7kkJ65B5GSbk0yklZkbeFK4VQ"},"credentialSubject":{"id":"did:example:ada","name":"Ada"}}"#;

const PRESENTATION_TEXT: &str = r#"{"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiablePresentation"],"holder":"did:example:ada","verifiableCredential":[{"@context":"https://www.w3.org/ns/credentials/v2","type":"EnvelopedVerifiableCredential","id":"data:application/vc+jwt,a.b.c"},{"@context":"https://www.w3.org/ns/credentials/v2","type":"EnvelopedVerifiableCredential","id":"data:application/vc+cose;base64,0oQ="}]}"#;

const CLAIMS_TEXT: &str = r#"{"iss":"did:web:issuer.example","sub":"did:example:ada","jti":"urn:uuid:1","nbf":1700000000,"exp":1800000000,"vc":{"@context":["https://www.w3.org/2018/credentials/v1"],"type":["VerifiableCredential"],"issuer":{"name":"Issuer"},"issuanceDate":"2023-11-14T22:13:20Z","credentialSubject":{"name":"Ada"}}}"#;

pub(super) const CREDENTIAL: Target = Target {
    name: "w3c-credential",
    seeds: || vec![CREDENTIAL_TEXT.as_bytes().to_vec()],
    run: |bytes| {
        if let Ok(credential) = Credential::from_json(bytes) {
            let again = Credential::parse(credential.clone().into_document());
            assert_eq!(again, Ok(credential), "what was taken is taken again");
        }
    },
};

pub(super) const PRESENTATION: Target = Target {
    name: "w3c-presentation",
    seeds: || vec![PRESENTATION_TEXT.as_bytes().to_vec()],
    run: |bytes| {
        if let Ok(presentation) = Presentation::from_json(bytes) {
            let again = Presentation::parse(presentation.clone().into_document());
            assert_eq!(again, Ok(presentation), "what was taken is taken again");
        }
    },
};

pub(super) const ENVELOPE: Target = Target {
    name: "w3c-envelope",
    seeds: || {
        ["data:application/vc+jwt,a.b.c", "data:application/vc+cose;base64,0oQ="]
            .map(|url| url.as_bytes().to_vec())
            .to_vec()
    },
    run: |bytes| {
        text(bytes, |url| {
            let mut object = EnvelopedCredential::around_jwt("a.b.c").to_object();
            object.insert("id".to_owned(), url.into());
            let _ = EnvelopedCredential::parse(&object).map(|envelope| envelope.open().is_ok());
        });
    },
};

pub(super) const DATE_TIME: Target = Target {
    name: "w3c-date-time",
    seeds: || {
        ["2024-02-29T23:59:59.5+01:00", "-0001-01-01T24:00:00Z"].map(|text| text.into()).to_vec()
    },
    run: |bytes| {
        text(bytes, |text| {
            if let Some(moment) = date_time_stamp(text) {
                let again = date_time_stamp(&write_date_time_stamp(moment));
                assert_eq!(again, Some(moment), "a moment that is written is the same moment");
            }
        });
    },
};

pub(super) const JWT_VC_JSON: Target = Target {
    name: "jwt-vc-json",
    seeds: || vec![jwt("JWT", CLAIMS_TEXT)],
    run: |bytes| text(bytes, |text| drop(UnverifiedJwtVc::parse(text))),
};

pub(super) const VC_JWT: Target = Target {
    name: "vc-jwt",
    seeds: || vec![jwt("vc+jwt", CREDENTIAL_TEXT)],
    run: |bytes| text(bytes, |text| drop(UnverifiedVcJwt::parse(text))),
};

pub(super) const VC_SD_JWT: Target = Target {
    name: "vc-sd-jwt",
    seeds: || vec![[jwt("vc+sd-jwt", CREDENTIAL_TEXT), b"~".to_vec()].concat()],
    run: |bytes| text(bytes, |text| drop(UnverifiedVcSdJwt::parse(text, &RustCrypto))),
};

pub(super) const VC_COSE: Target = Target {
    name: "vc-cose",
    seeds: || {
        // alg ES256 alone, nothing unprotected, the document, a signature that is none
        let mut bytes = b"\xd2\x84\x43\xa1\x01\x26\xa0\x59".to_vec();
        let length = u16::try_from(CREDENTIAL_TEXT.len()).unwrap_or(u16::MAX);
        bytes.extend(length.to_be_bytes());
        bytes.extend(CREDENTIAL_TEXT.as_bytes());
        bytes.push(0x40);
        vec![bytes]
    },
    run: |bytes| drop(UnverifiedVcCose::parse(bytes, &RustCrypto)),
};

/// What the payload of a JWT is changed in as often as its encoding: each byte of a seed is plain here.
pub(super) const JWT_VC_JSON_CLAIMS: Target = Target {
    name: "jwt-vc-json-claims",
    seeds: || vec![CLAIMS_TEXT.as_bytes().to_vec()],
    run: |bytes| {
        let token = [&*jwt_of("JWT", bytes), b".AA"].concat();
        text(&token, |text| drop(UnverifiedJwtVc::parse(text)));
    },
};

pub(super) fn jwt(typ: &str, payload: &str) -> Vec<u8> {
    [&*jwt_of(typ, payload.as_bytes()), b".AA"].concat()
}

pub(super) fn jwt_of(typ: &str, payload: &[u8]) -> Vec<u8> {
    let header = format!(r#"{{"alg":"ES256","typ":"{typ}"}}"#);
    format!("{}.{}", base64url(header), base64url(payload)).into_bytes()
}
