//! Everything about the core that is judged from outside.

mod claims;
mod crypto;
mod data_integrity;
mod data_integrity_vectors;
mod did;
mod jose;
mod json_ld;
mod jwe;
mod rdf_canon;
mod refusals;
mod rfc9901;
mod rfc9901_generator;
mod sd_jwt;
mod sd_jwt_key_binding;
mod sd_jwt_support;
mod sd_jwt_vc;
mod sd_jwt_vc_vectors;
mod tamper;
mod wycheproof;
mod x509;
