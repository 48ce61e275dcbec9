//! What holds for every query and every wallet.

use std::collections::BTreeMap;

use lanyard_core::{
    claims::{ClaimsPath, PathSegment},
    json::Object,
};
use lanyard_oid4vp::dcql::{DcqlQuery, PresentedView, evaluate, select};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::dcql_select::Held;

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![(0..3i64).prop_map(Value::from), any::<bool>().prop_map(Value::from)]
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&NAMES[..])
}

fn claims() -> impl Strategy<Value = Object> {
    let value = leaf().prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((name(), inner), 0..4).prop_map(object),
        ]
    });
    prop::collection::vec((name(), value), 1..5).prop_map(|members| match object(members) {
        Value::Object(claims) => claims,
        _ => Object::new(),
    })
}

fn object(members: Vec<(&'static str, Value)>) -> Value {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn path() -> impl Strategy<Value = Value> {
    let rest = prop_oneof![
        name().prop_map(Value::from),
        (0..3u64).prop_map(Value::from),
        Just(Value::Null),
    ];
    (name(), prop::collection::vec(rest, 0..3)).prop_map(|(first, mut rest)| {
        rest.insert(0, json!(first));
        Value::Array(rest)
    })
}

fn credential_query(id: usize) -> impl Strategy<Value = Value> {
    let claim = (path(), prop::option::of(prop::collection::vec(leaf(), 1..3)));
    let claims = prop::collection::vec(claim, 0..4);
    (claims, any::<bool>(), any::<bool>(), 0..2usize).prop_map(move |(claims, sets, bound, vct)| {
        let mut query = json!({
            "id": format!("q{id}"),
            "format": "dc+sd-jwt",
            "meta": { "vct_values": [format!("urn:{vct}")] },
            "require_cryptographic_holder_binding": bound,
        });
        if !claims.is_empty() {
            let claim = |(index, (path, values)): (usize, &(Value, Option<Vec<Value>>))| {
                let mut claim = json!({ "id": format!("c{index}"), "path": path });
                if let Some(values) = values {
                    claim["values"] = json!(values);
                }
                claim
            };
            query["claims"] = claims.iter().enumerate().map(claim).collect();
            if sets {
                query["claim_sets"] =
                    (0..claims.len()).map(|index| json!([format!("c{index}")])).collect();
            }
        }
        query
    })
}

fn query() -> impl Strategy<Value = DcqlQuery> {
    let sets = prop::collection::vec(
        (prop::collection::vec(prop::collection::vec(0..3usize, 1..3), 1..3), any::<bool>()),
        0..3,
    );
    (credential_query(0), credential_query(1), credential_query(2), sets).prop_map(
        |(one, two, three, sets)| {
            let mut query = json!({ "credentials": [one, two, three] });
            let ids = |option: &Vec<usize>| -> Value {
                option.iter().map(|index| json!(format!("q{index}"))).collect()
            };
            if !sets.is_empty() {
                query["credential_sets"] = sets
                    .iter()
                    .map(|(options, required)| {
                        let options: Value = options.iter().map(ids).collect();
                        json!({ "options": options, "required": required })
                    })
                    .collect();
            }
            DcqlQuery::from_value(&query).expect("the generator keeps the rules")
        },
    )
}

fn wallet() -> impl Strategy<Value = Vec<Held>> {
    let withheld = prop::option::of(prop::collection::vec(any::<bool>(), 1..8));
    let credential = (claims(), 0..2usize, any::<bool>(), withheld);
    let credential = credential.prop_map(|(claims, vct, bound, withheld)| Held {
        vct: format!("urn:{vct}"),
        aka: Vec::new(),
        akis: Vec::new(),
        bound,
        disclosable: withheld.map(|withheld| some(places(&claims), &withheld)),
        claims,
    });
    prop::collection::vec(credential, 0..4)
}

/// Some of the places; of an array all elements or none, as an index means nothing where others are left out.
fn some(places: Vec<ClaimsPath>, wanted: &[bool]) -> Vec<ClaimsPath> {
    let mut some: Vec<ClaimsPath> = Vec::new();
    for (place, wanted) in places.into_iter().zip(wanted.iter().cycle()) {
        let is_wanted = match place.segments() {
            [array @ .., PathSegment::Index(1..)] => {
                let first = [array, &[PathSegment::Index(0)]].concat();
                some.iter().any(|other| other.segments() == first)
            }
            _ => *wanted,
        };
        some.extend(is_wanted.then_some(place));
    }
    some
}

/// Every place in the claims.
fn places(claims: &Object) -> Vec<ClaimsPath> {
    fn inside(above: &[PathSegment], value: &Value, places: &mut Vec<ClaimsPath>) {
        let members: Vec<_> = match value {
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| (PathSegment::Key(name.clone()), value))
                .collect(),
            Value::Array(elements) => elements
                .iter()
                .zip(0..)
                .map(|(value, at)| (PathSegment::Index(at), value))
                .collect(),
            _ => Vec::new(),
        };
        for (segment, value) in members {
            let place = [above, &[segment]].concat();
            places.push(ClaimsPath::from_segments(place.clone()).expect("not empty"));
            inside(&place, value, places);
        }
    }
    let mut places = Vec::new();
    inside(&[], &Value::Object(claims.clone()), &mut places);
    places
}

/// What a verifier sees when exactly these paths are disclosed, where what was disclosed is then, and where it was.
fn present(held: &Held, disclose: &[ClaimsPath]) -> (Object, Vec<ClaimsPath>, Vec<ClaimsPath>) {
    let Held { claims, disclosable, .. } = held;
    let mut seen =
        Seen { disclosable: disclosable.as_deref(), disclose, now: Vec::new(), then: Vec::new() };
    let kept = seen.keep(&Value::Object(claims.clone()), &mut Vec::new(), &[]);
    match kept {
        Value::Object(claims) => (claims, seen.now, seen.then),
        _ => (Object::new(), seen.now, seen.then),
    }
}

struct Seen<'d> {
    disclosable: Option<&'d [ClaimsPath]>,
    disclose: &'d [ClaimsPath],
    /// What was disclosed, by where it is for the verifier.
    now: Vec<ClaimsPath>,
    /// Everything that is seen, by where it is for the holder.
    then: Vec<ClaimsPath>,
}

impl Seen<'_> {
    fn keep(&mut self, value: &Value, old: &mut Vec<PathSegment>, new: &[PathSegment]) -> Value {
        let mut visit = |segment: PathSegment, moved: PathSegment, value: &Value| {
            old.push(segment);
            let place = [new, &[moved]].concat();
            let is_withheld = match self.disclosable {
                None => true,
                Some(all) => all.iter().any(|path| path.segments() == old.as_slice()),
            };
            let is_wanted = self.disclose.iter().any(|path| {
                let path = path.segments();
                path.starts_with(old) || old.starts_with(path)
            });
            let kept = (!is_withheld || is_wanted).then(|| {
                let path = |place| ClaimsPath::from_segments(place).expect("not empty");
                if is_withheld {
                    self.now.push(path(place.clone()));
                }
                self.then.push(path(old.clone()));
                self.keep(value, old, &place)
            });
            old.pop();
            kept
        };
        match value {
            Value::Object(members) => {
                let mut kept = Object::new();
                for (name, value) in members {
                    let segment = PathSegment::Key(name.clone());
                    if let Some(value) = visit(segment.clone(), segment, value) {
                        kept.insert(name.clone(), value);
                    }
                }
                Value::Object(kept)
            }
            Value::Array(elements) => {
                let mut kept = Vec::new();
                for (index, value) in elements.iter().enumerate() {
                    let moved = PathSegment::Index(kept.len() as u64);
                    kept.extend(visit(PathSegment::Index(index as u64), moved, value));
                }
                Value::Array(kept)
            }
            leaf => leaf.clone(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, max_global_rejects: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_disclosed_that_the_query_does_not_point_to(query in query(), wallet in wallet()) {
        let views: Vec<_> = wallet.iter().map(Held::view).collect();
        for matches in select(&query, &views).queries() {
            for candidate in &matches.candidates {
                for choice in &candidate.choices {
                    let asked = |path: &&ClaimsPath| matches.query.claims.all().iter().any(|claim| {
                        claim.path.covers(path) && claim.path.segments().len() == path.segments().len()
                    });
                    // what is beside that is seen by whoever gets that
                    let asked: Vec<_> = choice.disclose.iter().filter(asked).cloned().collect();
                    let held = &wallet[candidate.credential];
                    prop_assert_eq!(present(held, &asked), present(held, &choice.disclose));
                }
            }
        }
    }

    #[test]
    fn nothing_is_seen_that_the_holder_was_not_told(query in query(), wallet in wallet()) {
        let views: Vec<_> = wallet.iter().map(Held::view).collect();
        for matches in select(&query, &views).queries() {
            for candidate in &matches.candidates {
                for choice in &candidate.choices {
                    let held = &wallet[candidate.credential];
                    let (_, _, seen) = present(held, &choice.disclose);
                    let all = places(&held.claims);
                    for place in &seen {
                        let told = choice.disclose.iter().any(|path| path.covers(place));
                        // an object or array that was emptied is told by nothing
                        let holds_more = all.iter().any(|other| other != place && place.covers(other));
                        prop_assert!(told || holds_more, "{place} of {choice:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_the_wallet_selects_always_satisfies_the_verifier(query in query(), wallet in wallet()) {
        let views: Vec<_> = wallet.iter().map(Held::view).collect();
        let matches = select(&query, &views);
        prop_assume!(matches.can_be_satisfied());
        for option in options(&query) {
            let candidates: Option<Vec<_>> = option.iter().map(|id| {
                let queries = matches.queries().iter();
                let matches = queries.clone().find(|matches| matches.query.id.as_str() == id)?;
                Some((id.clone(), matches.candidates.first()?))
            }).collect();
            // where each could be left out, one has to be there all the same
            let Some(candidates) = candidates.filter(|all| !all.is_empty()) else { continue };
            let presented: Vec<_> = candidates.iter().map(|(id, candidate)| {
                let held = &wallet[candidate.credential];
                let (claims, disclosed, _) = present(held, &candidate.choices[0].disclose);
                let seen = Held { claims, vct: held.vct.clone(), aka: Vec::new(), akis: Vec::new(), bound: held.bound, disclosable: None };
                (id.clone(), seen, disclosed)
            }).collect();
            let views: BTreeMap<_, _> = presented.iter().map(|(id, seen, disclosed)| {
                (id.clone(), vec![PresentedView { credential: seen.view(), disclosed }])
            }).collect();
            prop_assert!(evaluate(&query, &views).is_ok(), "{:?}", evaluate(&query, &views));
        }
    }

    #[test]
    fn the_order_in_which_credentials_are_held_does_not_matter(query in query(), wallet in wallet()) {
        let views: Vec<_> = wallet.iter().map(Held::view).collect();
        let mut reversed = views.clone();
        reversed.reverse();
        let (one, other) = (select(&query, &views), select(&query, &reversed));
        prop_assert_eq!(one.can_be_satisfied(), other.can_be_satisfied());
        for (one, other) in one.queries().iter().zip(other.queries()) {
            let mut back = other.candidates.clone();
            back.reverse();
            for candidate in &mut back {
                candidate.credential = wallet.len() - 1 - candidate.credential;
            }
            prop_assert_eq!(&one.candidates, &back);
        }
    }
}

/// Every smallest complete answer: one option of each required set.
fn options(query: &DcqlQuery) -> Vec<Vec<String>> {
    if query.credential_sets().is_empty() {
        return vec![query.credentials().iter().map(|one| one.id.as_str().to_owned()).collect()];
    }
    let mut answers: Vec<Vec<String>> = vec![Vec::new()];
    for set in query.credential_sets().iter().filter(|set| set.required) {
        let extend = |answer: &Vec<String>| {
            let answer = answer.clone();
            set.options
                .iter()
                .map(move |option| {
                    let mut answer = answer.clone();
                    answer.extend(option.iter().map(|id| id.as_str().to_owned()));
                    answer.sort();
                    answer.dedup();
                    answer
                })
                .collect::<Vec<_>>()
        };
        answers = answers.iter().flat_map(extend).collect();
    }
    answers
}
