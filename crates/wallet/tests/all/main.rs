//! The wallet library, from the outside.

mod deferred;
mod every_format;
mod issuance;
mod login;
mod presentation;
mod storage;
mod world;
