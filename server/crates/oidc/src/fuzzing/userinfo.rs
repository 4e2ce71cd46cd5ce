//! The userinfo endpoint's answer (OpenID Connect Core 1.0 section 5.3).

use serde_json::Value;

use super::answer::answer;
use super::{is_code, is_legible};
use crate::userinfo::parse;

/// The `sub` of the ID token.
const SUBJECT: &str = "248289761001";

/// Reads an answer. Claims are those of the ID token's user, or there are none.
pub fn userinfo(data: &[u8]) -> bool {
    let response = answer(data);
    match parse(&response, SUBJECT) {
        Ok(claims) => {
            assert_eq!(response.status(), 200);
            let body: Value = serde_json::from_slice(response.body()).expect("JSON");
            assert_eq!(body["sub"], SUBJECT);
            assert_eq!(Value::Object(claims), body);
            assert!(parse(&response, "248289761002").is_err());
            assert!(parse(&response, "").is_err());
            true
        }
        Err(error) => {
            assert!(is_code(error.code()));
            assert!(is_legible(&error.to_string(), 512));
            false
        }
    }
}
