//! The storage contract, held by both backends, and what only a durable one can promise.

#![expect(clippy::unwrap_used, reason = "in a test an unwrap is an assertion")]

mod contract;
mod durability;
mod integration;
mod limits;
mod once;
mod opening;
mod random_commands;
mod statuses;
mod support;
