//! Claims path pointers and claim trees.

use lanyard_core::claims::{Claims, ClaimsError, ClaimsPath, PathError, PathSegment};
use serde_json::{Value, json};

/// The credential of OID4VP 1.0 §7.3.
fn example() -> Value {
    json!({
        "name": "Arthur Dent",
        "address": {
            "street_address": "42 Market Street",
            "locality": "Milliways",
            "postal_code": "12345"
        },
        "degrees": [
            {"type": "Bachelor of Science", "university": "University of Betelgeuse"},
            {"type": "Master of Science", "university": "University of Betelgeuse"}
        ],
        "nationalities": ["British", "Betelgeusian"]
    })
}

fn select(pointer: Value) -> Result<Value, PathError> {
    let example = example();
    let selected = ClaimsPath::from_value(&pointer)?.select(&example)?;
    Ok(selected.into_iter().cloned().collect())
}

#[test]
fn selects_what_the_specification_says_it_selects() {
    for (pointer, selected) in [
        (json!(["name"]), json!(["Arthur Dent"])),
        (json!(["address"]), json!([example()["address"]])),
        (json!(["address", "street_address"]), json!(["42 Market Street"])),
        (json!(["degrees", null, "type"]), json!(["Bachelor of Science", "Master of Science"])),
        (json!(["nationalities", null]), json!(["British", "Betelgeusian"])),
        (json!(["nationalities", 1]), json!(["Betelgeusian"])),
    ] {
        assert_eq!(select(pointer.clone()), Ok(selected), "{pointer}");
    }
}

#[test]
fn refuses_a_pointer_that_is_not_an_array_of_strings_nulls_and_indices() {
    for (pointer, expected) in [
        (json!("name"), PathError::NotAnArray),
        (json!({"0": "name"}), PathError::NotAnArray),
        (json!([]), PathError::Empty),
        (json!(["name", -1]), PathError::BadSegment),
        (json!(["name", 1.5]), PathError::BadSegment),
        (json!(["name", true]), PathError::BadSegment),
        (json!(["name", ["nested"]]), PathError::BadSegment),
        (json!(vec!["a"; 33]), PathError::TooLong),
    ] {
        assert_eq!(ClaimsPath::from_value(&pointer), Err(expected), "{pointer}");
    }
    assert!(serde_json::from_value::<ClaimsPath>(json!([])).is_err());
}

#[test]
fn refuses_a_key_outside_an_object() {
    for pointer in [
        json!(["name", "first"]),
        json!(["degrees", "type"]),
        json!(["degrees", null, "type", "x"]),
    ] {
        assert_eq!(select(pointer), Err(PathError::KeyOutsideObject));
    }
}

#[test]
fn refuses_an_index_or_a_wildcard_outside_an_array() {
    for pointer in [
        json!(["address", 0]),
        json!(["address", null]),
        json!(["name", 0]),
        json!([null]),
        json!([0]),
    ] {
        assert_eq!(select(pointer), Err(PathError::IndexOutsideArray));
    }
}

#[test]
fn refuses_to_select_nothing() {
    for pointer in [
        json!(["family_name"]),
        json!(["nationalities", 2]),
        json!(["nationalities", u64::MAX]),
        json!(["degrees", null, "year"]),
    ] {
        assert_eq!(select(pointer), Err(PathError::NothingSelected));
    }
    assert_eq!(
        ClaimsPath::key("empty").then_all().select(&json!({"empty": []})),
        Err(PathError::NothingSelected)
    );
}

#[test]
fn what_lacks_a_key_or_an_index_drops_out_and_the_others_stay() {
    let credential = json!({"list": [{"a": 1}, {"b": 2}, {"a": 3}], "lists": [[1], [2, 3]]});
    let path = ClaimsPath::key("list").then_all().then_key("a");
    assert_eq!(path.select(&credential).unwrap(), [1, 3]);
    let path = ClaimsPath::key("lists").then_all().then_index(1);
    assert_eq!(path.select(&credential).unwrap(), [3]);
}

#[test]
fn locates_each_place_that_it_selects() {
    let places = ClaimsPath::key("degrees").then_all().then_key("type").locate(&example()).unwrap();
    let expected = [0, 1].map(|n| ClaimsPath::key("degrees").then_index(n).then_key("type"));
    assert_eq!(places, expected);
}

#[test]
fn covers_what_lies_at_or_below_it() {
    let covers = |one: Value, other: Value| {
        let read = |pointer| ClaimsPath::from_value(&pointer).unwrap();
        read(one).covers(&read(other))
    };
    assert!(covers(json!(["a"]), json!(["a"])));
    assert!(covers(json!(["a"]), json!(["a", 1, "b"])));
    assert!(covers(json!(["a", null]), json!(["a", 7])));
    assert!(!covers(json!(["a", 7]), json!(["a", null])));
    assert!(!covers(json!(["a", 7]), json!(["a", 8])));
    assert!(!covers(json!(["a", "b"]), json!(["a"])));
}

#[test]
fn is_written_as_the_array_it_was_read_from() {
    let pointer = json!(["degrees", null, "type", 0]);
    let path = ClaimsPath::from_value(&pointer).unwrap();
    assert_eq!(path.to_string(), r#"["degrees",null,"type",0]"#);
    assert_eq!(serde_json::to_value(&path).unwrap(), pointer);
    assert_eq!(path.segments()[1], PathSegment::All);
    assert_eq!(ClaimsPath::from_segments(Vec::new()), Err(PathError::Empty));
}

#[test]
fn keeps_what_is_selected_and_what_holds_it_alone() {
    let credential = json!({
        "name": "Ada",
        "address": { "locality": "Utopia", "region": "North" },
        "degrees": [{ "type": "BA", "year": 1 }, { "type": "MA", "year": 2 }],
        "nationalities": ["DE", "FR"],
    });
    let only = |pointers: Value| {
        let pointers: Vec<_> = pointers.as_array().expect("pointers").iter().map(path).collect();
        Value::Object(ClaimsPath::only(&pointers, credential.as_object().expect("an object")))
    };
    assert_eq!(
        only(json!([["address", "region"], ["degrees", null, "type"], ["nationalities", 1]])),
        json!({
            "address": { "region": "North" },
            "degrees": [{ "type": "BA" }, { "type": "MA" }],
            "nationalities": ["FR"],
        })
    );
    assert_eq!(only(json!([["address"], ["address", "region"]]))["address"], credential["address"]);
    assert_eq!(only(json!([["nobody"], ["name", "first"], ["name", 0]])), json!({}));
}

fn path(pointer: &Value) -> ClaimsPath {
    ClaimsPath::from_value(pointer).expect("a pointer")
}

fn from_json(claims: Value, selective: Value) -> Result<Claims, ClaimsError> {
    let Value::Object(claims) = claims else { unreachable!("the tests give objects") };
    let paths: Vec<ClaimsPath> =
        serde_json::from_value(selective).expect("the tests point rightly");
    Claims::from_json(claims, &paths)
}

#[test]
fn refuses_selective_paths_that_go_through_something_else() {
    for (selective, expected) in [
        (json!([["name", "first"]]), PathError::KeyOutsideObject),
        (json!([["degrees", "type"]]), PathError::KeyOutsideObject),
        (json!([["name", 0]]), PathError::IndexOutsideArray),
        (json!([["address", null]]), PathError::IndexOutsideArray),
        (json!([[null]]), PathError::IndexOutsideArray),
    ] {
        let refused = from_json(example(), selective).unwrap_err();
        assert_eq!(refused, ClaimsError::Path(expected));
    }
}

#[test]
fn takes_selective_paths_to_claims_that_this_subject_does_not_have() {
    let claims =
        from_json(example(), json!([["email"], ["address", "country"], ["nationalities", 9]]));
    assert_eq!(claims.unwrap().names().count(), 4);
}
