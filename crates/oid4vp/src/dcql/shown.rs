//! What is shown beside what was asked for: a disclosure is sent whole, and what is in none every verifier sees.

use std::collections::HashSet;

use lanyard_core::{
    claims::{ClaimsPath, PathSegment},
    json::Object,
};
use serde_json::Value;

/// What an SD-JWT VC says about itself rather than about its subject.
const ABOUT_ITSELF: [&str; 10] =
    ["iss", "iat", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status", "_sd_alg"];

/// What a presentation of these claims shows beside them, as far as a holder needs to see it.
///
/// `disclosable` are the claims that can be withheld, each with what is in it and in no other one. To present what
/// this gives as well discloses nothing more.
pub(super) fn beside(
    asked: &[ClaimsPath],
    claims: &Object,
    disclosable: &[&ClaimsPath],
) -> Vec<ClaimsPath> {
    let asked: HashSet<_> = asked.iter().map(ClaimsPath::segments).collect();
    let above_asked: HashSet<_> = asked.iter().flat_map(|path| above(path)).collect();
    // RFC 9901 §7.2(2): what is asked for brings the disclosures around it, and what is in it
    let comes = |place: &[PathSegment]| {
        asked.contains(place)
            || above_asked.contains(place)
            || above(place).any(|outer| asked.contains(outer))
    };
    let withheld: HashSet<_> =
        disclosable.iter().map(|path| path.segments()).filter(|place| !comes(place)).collect();
    let above_withheld = withheld.iter().flat_map(|path| above(path)).collect();
    let mut walk = Walk { asked, above_asked, withheld, above_withheld, shown: Vec::new() };
    for (name, value) in claims {
        if !ABOUT_ITSELF.contains(&name.as_str()) {
            walk.visit(&mut vec![PathSegment::Key(name.clone())], value);
        }
    }
    walk.shown
}

/// The places that a place lies in.
fn above(place: &[PathSegment]) -> impl Iterator<Item = &[PathSegment]> {
    (1..place.len()).map(|length| &place[..length])
}

struct Walk<'p> {
    asked: HashSet<&'p [PathSegment]>,
    above_asked: HashSet<&'p [PathSegment]>,
    withheld: HashSet<&'p [PathSegment]>,
    above_withheld: HashSet<&'p [PathSegment]>,
    shown: Vec<ClaimsPath>,
}

impl Walk<'_> {
    fn visit(&mut self, place: &mut Vec<PathSegment>, value: &Value) {
        let here = place.as_slice();
        if self.withheld.contains(here) || self.asked.contains(here) {
            return;
        }
        if !self.above_withheld.contains(here) && !self.above_asked.contains(here) {
            self.shown.extend(ClaimsPath::from_segments(here.to_vec()));
            return;
        }
        let mut inside = |segment, value| {
            place.push(segment);
            self.visit(place, value);
            place.pop();
        };
        match value {
            Value::Object(members) => members
                .iter()
                .for_each(|(name, value)| inside(PathSegment::Key(name.clone()), value)),
            Value::Array(elements) => elements
                .iter()
                .zip(0..)
                .for_each(|(value, index)| inside(PathSegment::Index(index), value)),
            _ => {}
        }
    }
}
