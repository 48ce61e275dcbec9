//! The one binary of Lanyard, as a library so that its tests can hold it: composition, configuration, pages and commands.

pub mod audit_head;
pub mod cli;
pub mod config;
pub mod credential_type;
pub mod demo;
pub mod did_files;
pub mod directory;
pub mod files;
pub mod inspect;
pub mod integrator;
pub mod keys;
pub mod live_types;
pub mod network;
pub mod offline;
pub mod pages;
mod presets;
pub mod serve;
pub mod trust_list;
pub mod wallet_home;
pub mod web;
