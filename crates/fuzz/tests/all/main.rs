//! Every target over a few thousand mutations: none panics, none takes long.

use std::{panic::catch_unwind, time::Duration};

use lanyard_fuzz::{TARGETS, mutate::mutate};
use lanyard_testkit::Effort;

/// How many inputs each target gets; `LANYARD_FUZZ_INPUTS` asks for more.
const INPUTS: u64 = 20_000;

/// Nothing that fits into 64 KiB may take longer (`security.md` has 100 ms; debug builds are slow).
const LONGEST: Duration = Duration::from_secs(2);

#[test]
fn no_target_panics_or_hangs_on_nearly_right_input() {
    let inputs = std::env::var("LANYARD_FUZZ_INPUTS").ok().and_then(|text| text.parse().ok());
    for target in TARGETS {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{} starts from nothing", target.name);
        for number in 0..inputs.unwrap_or(INPUTS) {
            let input = mutate(&seeds, number);
            let effort = Effort::start();
            let outcome = catch_unwind(|| (target.run)(&input));
            assert!(outcome.is_ok(), "{} panics on its mutation {number}", target.name);
            let took = effort.spent();
            assert!(took < LONGEST, "{} takes {took:?} on its mutation {number}", target.name);
        }
    }
}

#[test]
fn the_same_number_gives_the_same_mutation() {
    for target in TARGETS {
        let seeds = (target.seeds)();
        assert!((0..50).all(|number| mutate(&seeds, number) == mutate(&seeds, number)));
    }
}

#[test]
fn most_mutations_differ_from_their_seed() {
    for target in TARGETS {
        let seeds = (target.seeds)();
        let same = (0..200).filter(|number| seeds.contains(&mutate(&seeds, *number))).count();
        assert!(same < 40, "{}: {same} of 200", target.name);
    }
}
