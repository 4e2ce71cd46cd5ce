//! JSON is read one way only.

use cloakroom_oidc::JsonError;
use cloakroom_oidc::json::{MAX_BYTES, MAX_DEPTH, numeric_date, parse_object, seconds};
use serde_json::{Value, json};

fn refusal(text: &str) -> JsonError {
    parse_object(text.as_bytes(), MAX_BYTES).unwrap_err()
}

#[test]
fn an_object_comes_back_as_it_is() {
    let text = r#"{"a":[1,-2,2.5,"x",null,true,{"b":{}}],"":"empty name"}"#;
    let read = parse_object(text.as_bytes(), MAX_BYTES).unwrap();
    assert_eq!(
        Value::Object(read),
        serde_json::from_str::<Value>(text).unwrap()
    );
}

#[test]
fn duplicate_members_are_refused_at_every_depth() {
    for text in [
        r#"{"a":1,"a":1}"#,
        r#"{"a":{"b":1,"b":2}}"#,
        r#"{"a":[{"b":1,"c":2,"b":3}]}"#,
        // The same name, written with an escape.
        r#"{"sub":"x","\u0073ub":"y"}"#,
    ] {
        assert_eq!(refusal(text), JsonError::DuplicateMember, "{text}");
    }
    assert!(parse_object(br#"{"a":{"x":1},"b":{"x":1}}"#, MAX_BYTES).is_ok());
}

#[test]
fn what_is_not_one_object_is_refused() {
    for text in ["[]", "1", "null", "\"x\"", "true"] {
        assert_eq!(refusal(text), JsonError::NotAnObject, "{text}");
    }
    for text in [
        "",
        "{",
        "{}{}",
        "{} x",
        "{'a':1}",
        "<html>",
        "{\"a\":1e400}",
        "{\"a\":NaN}",
        "\u{FEFF}{}",
    ] {
        assert_eq!(refusal(text), JsonError::Syntax, "{text}");
    }
    assert_eq!(
        parse_object(b"{\"a\":\"\xFF\"}", MAX_BYTES),
        Err(JsonError::Syntax)
    );
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| format!("{{\"a\":{}1{}}}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse_object(nested(MAX_DEPTH - 1).as_bytes(), MAX_BYTES).is_ok());
    assert_eq!(refusal(&nested(MAX_DEPTH)), JsonError::TooDeep);
    assert_eq!(refusal(&nested(100_000)), JsonError::TooDeep);
}

#[test]
fn size_is_bounded() {
    assert!(parse_object(b"{}", 2).is_ok());
    assert_eq!(parse_object(b"{} ", 2), Err(JsonError::TooLarge));
}

#[test]
fn numeric_dates_are_numbers_of_seconds() {
    for (value, expected) in [
        (json!(0), Some(0)),
        (json!(1_800_000_000), Some(1_800_000_000)),
        (json!(1_800_000_000.75), Some(1_800_000_000)),
        (json!(1.8e9), Some(1_800_000_000)),
        (json!(-1), None),
        (json!(-0.5), None),
        (json!("1800000000"), None),
        (json!(null), None),
        (json!([1]), None),
        (json!(u64::MAX), None),
        (json!(1e300), None),
        (json!(253_402_300_799_u64), Some(253_402_300_799)),
        (json!(253_402_300_800_u64), None),
    ] {
        assert_eq!(numeric_date(&value), expected, "{value}");
    }
    // As they are written, for a JSON reader could tell some of these apart.
    for (text, expected) in [
        ("1e3", Some(1000)),
        ("1E+3", Some(1000)),
        ("1.0", Some(1)),
        ("10e-1", Some(1)),
        ("1800000000.999", Some(1_800_000_000)),
        ("-0", Some(0)),
        ("-0.0", Some(0)),
        ("-1e-9", None),
        ("1e15", None),
        ("1e308", None),
        ("99999999999999999999", None),
        ("18446744073709551616", None),
    ] {
        let object = parse_object(format!("{{\"a\":{text}}}").as_bytes(), MAX_BYTES).unwrap();
        assert_eq!(numeric_date(&object["a"]), expected, "{text}");
    }
    for text in ["+1", "01", "1.", ".5", "0x1", "1e", "Infinity", "-1e400"] {
        assert_eq!(
            refusal(&format!("{{\"a\":{text}}}")),
            JsonError::Syntax,
            "{text}"
        );
    }
    assert_eq!(seconds(&json!(u64::MAX)), Some(u64::MAX));
    assert_eq!(seconds(&json!(3599.9)), Some(3599));
    assert_eq!(seconds(&json!("3600")), None);
}
