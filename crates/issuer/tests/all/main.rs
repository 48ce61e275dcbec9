//! The issuer service over its own routes.

mod api;
mod bitstring_lists;
mod client;
mod code_flow;
mod code_flow_tokens;
mod code_wallet;
mod credential;
mod deferred;
mod dpop;
mod encryption;
mod fixture;
mod idempotency;
mod issuance;
mod lifecycle;
mod live;
mod login_provider;
mod offers;
mod race;
mod secrecy;
mod statuses;
mod token;
mod transport;
mod trouble;
mod upstream;
mod vc_api;
mod webhooks;
