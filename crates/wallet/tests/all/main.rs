//! The wallet library, from the outside.

mod awkward;
mod catch_up;
mod consent;
mod crash;
mod deferred;
mod every_format;
mod interrupted;
mod issuance;
mod journal;
mod life;
mod login;
mod notices;
mod pictures;
mod pins;
mod presentation;
mod storage;
mod wire;
mod world;
