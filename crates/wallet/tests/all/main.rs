//! The wallet library, from the outside.

mod awkward;
mod crash;
mod deferred;
mod every_format;
mod issuance;
mod journal;
mod life;
mod login;
mod presentation;
mod storage;
mod world;
