//! What tests need and the product must not have: a fixed clock, seeded randomness, a test CA,
//! loopback HTTP, free ports, a stopwatch of work, a PostgreSQL server, empty stores and the official vectors.
//!
//! A dev-dependency, used from `tests/`, `benches/` and `examples/`, and by the load tool.

mod certificates;
mod effort;
mod loopback;
mod mint;
mod missing;
mod ports;
mod postgres;
mod random;
#[cfg(feature = "stores")]
mod stores;
pub mod vectors;

pub use certificates::{Leaf, LeafFiles, LeafOptions, TestCa};
pub use effort::Effort;
pub use loopback::{Loopback, serve};
pub use mint::{Flaws, Mint};
pub use missing::not_exercised;
pub use ports::free_port;
pub use postgres::PostgresServer;
pub use random::SeededRandom;
#[cfg(feature = "stores")]
pub use stores::{store, store_heralded_by};

/// The moment at which tests happen: 2026-01-15T12:00:00Z.
pub fn test_now() -> jiff::Timestamp {
    jiff::Timestamp::constant(1_768_478_400, 0)
}
