//! The wallet library, from the outside.

mod issuance;
mod presentation;
mod storage;
mod world;
