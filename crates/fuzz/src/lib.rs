//! Fuzz targets for every parser that bytes from outside reach.
//!
//! A target takes any bytes and must come back: no panic, no endless work. Where a parser also writes,
//! the target checks that what it accepted survives being written and read again. The tests run every
//! target shortly over [mutations](mutate) of its seeds; `libfuzzer/` runs the same targets for as long as
//! one likes (`README.md` there).

pub mod mutate;
mod targets;

pub use targets::{TARGETS, Target};
