//! What the dependencies of others must not change about our own reading: `ssi` switches on `arbitrary_precision` of
//! serde_json, for every crate of a program.

use lanyard_core::json;

#[test]
fn fractions_are_read_as_everywhere_else() {
    let read = json::parse(br#"{"height":1.80,"far":[1e3,-0.5],"age":42}"#).expect("it is JSON");
    assert_eq!(read["height"].as_f64(), Some(1.8));
    assert_eq!(read["far"][0].as_f64(), Some(1000.0));
    assert_eq!(read["far"][1].as_f64(), Some(-0.5));
    assert_eq!(read["age"].as_u64(), Some(42));
    let written = json::canonicalize(&read).expect("it is within RFC 8785");
    assert_eq!(written, r#"{"age":42,"far":[1000,-0.5],"height":1.8}"#);
}

#[test]
fn a_fraction_out_of_range_is_refused() {
    let error = json::parse(b"1e999").expect_err("no double is so large");
    assert!(error.to_string().contains("number out of range"), "{error}");
}
