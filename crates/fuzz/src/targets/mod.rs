//! The list of targets.

mod core;
mod data_integrity;
mod did;
mod mdoc;
mod protocols;
mod status;
mod trust;
mod w3c;

/// One parser with something to start from.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, in kebab case.
    pub name: &'static str,
    /// Inputs that it accepts, to be mutated.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Takes anything and comes back.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: &[Target] = &[
    core::JSON,
    core::BASE64URL,
    core::JOSE_HEADER,
    core::JWS,
    core::JWE,
    core::JWK,
    core::SD_JWT,
    core::SD_JWT_JSON,
    core::DISCLOSURE,
    core::SD_JWT_VC,
    core::CLAIMS_PATH,
    core::CERTIFICATE_CHAIN,
    core::TRUST_ANCHORS,
    core::DID_URL,
    core::DID,
    core::DID_DOCUMENT,
    did::DID_PEER,
    did::DEREFERENCE,
    did::WEBVH_DID,
    did::WEBVH_LOG,
    did::WEBVH_WITNESS_PROOFS,
    trust::TYPE_METADATA,
    trust::INTEGRITY,
    trust::SVG,
    trust::JWT_VC_ISSUER,
    trust::JWT_VC_ISSUER_URL,
    trust::REVOCATION_LIST,
    trust::TRUST_LIST,
    trust::POLICIES,
    data_integrity::JCS,
    data_integrity::JSON_LD,
    data_integrity::PROOF,
    data_integrity::POINTER,
    w3c::CREDENTIAL,
    w3c::PRESENTATION,
    w3c::ENVELOPE,
    w3c::DATE_TIME,
    w3c::JWT_VC_JSON,
    w3c::JWT_VC_JSON_CLAIMS,
    w3c::VC_JWT,
    w3c::VC_SD_JWT,
    w3c::VC_COSE,
    status::COMPRESSED,
    status::TOKEN,
    status::TOKEN_CLAIMS,
    status::AGGREGATION,
    status::BITSTRING,
    status::BITSTRING_LIST,
    status::BITSTRING_ENTRY,
    mdoc::CBOR,
    mdoc::COSE_SIGN1,
    mdoc::COSE_MAC0,
    mdoc::COSE_KEY,
    mdoc::DEVICE_RESPONSE,
    mdoc::ISSUER_SIGNED,
    mdoc::SESSION_TRANSCRIPT,
    protocols::CREDENTIAL_OFFER,
    protocols::CREDENTIAL_OFFER_LINK,
    protocols::ISSUER_METADATA,
    protocols::SERVER_METADATA,
    protocols::AUTHORIZATION_FORM,
    protocols::AUTHORIZATION_ANSWER,
    protocols::TOKEN_REQUEST,
    protocols::CREDENTIAL_REQUEST,
    protocols::DCQL_QUERY,
    protocols::REQUEST_LINK,
    protocols::CLIENT_METADATA,
];
