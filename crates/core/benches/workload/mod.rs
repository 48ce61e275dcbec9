//! The workloads that peers are measured with too.

use std::{env, fs, path::Path};

use lanyard_core::json;
use serde_json::Value;

/// A workload in `LANYARD_BENCH` (else `../shared/bench` beside the repository).
pub(crate) fn workload(name: &str) -> Value {
    let folder = env::var("LANYARD_BENCH")
        .unwrap_or_else(|_| format!("{}/../../../shared/bench", env!("CARGO_MANIFEST_DIR")));
    let text = fs::read(Path::new(&folder).join(name));
    let text = text.expect("the workload is in LANYARD_BENCH or ../shared/bench");
    json::parse(&text).expect("the workload is JSON")
}
