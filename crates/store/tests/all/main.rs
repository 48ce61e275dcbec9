//! The storage contract, held by every backend, and what only a durable one can promise.

#![expect(clippy::unwrap_used, reason = "in a test an unwrap is an assertion")]

mod audit;
mod backup;
mod contract;
mod durability;
mod integration;
mod limits;
mod once;
mod opening;
#[cfg(feature = "postgres")]
mod plans;
#[cfg(feature = "postgres")]
mod postgres;
mod random_commands;
#[cfg(feature = "postgres")]
mod schema;
mod sessions;
mod statuses;
mod support;
