//! The verifier service, exercised over its routes by a small wallet of the protocol crate's own.

mod access;
mod clients;
mod creation;
mod dc_api;
mod every_format;
mod flows;
mod in_browser;
mod integrators;
mod lint;
mod policies;
mod races;
mod receipts;
mod refusals;
mod same_device;
mod secrecy;
mod sign_in;
mod status_lists;
mod trail;
mod vc_api;
mod world;
