//! The verifier service, exercised over its routes by a small wallet of the protocol crate's own.

mod access;
mod creation;
mod flows;
mod refusals;
mod same_device;
mod secrecy;
mod trail;
mod world;
