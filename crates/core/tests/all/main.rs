//! Everything about the core that is judged from outside.

mod claims;
mod crypto;
mod did;
mod jose;
mod jwe;
mod rfc9901;
mod rfc9901_generator;
mod sd_jwt;
mod sd_jwt_key_binding;
mod sd_jwt_support;
mod sd_jwt_vc;
mod sd_jwt_vc_vectors;
mod tamper;
mod w3c_data_model;
mod wycheproof;
mod x509;
