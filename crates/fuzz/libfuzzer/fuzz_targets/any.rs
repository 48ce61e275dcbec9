//! libFuzzer over the target that `LANYARD_FUZZ_TARGET` names.

#![no_main]

use std::sync::LazyLock;

use lanyard_fuzz::{TARGETS, Target};

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("LANYARD_FUZZ_TARGET").expect("LANYARD_FUZZ_TARGET names a target");
    TARGETS.iter().find(|target| target.name == name).expect("there is a target of that name")
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (TARGET.run)(bytes));
