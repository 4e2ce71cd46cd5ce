//! The raw query of a protocol endpoint (RFC 6749 section 3.1).

use std::collections::HashSet;

use cloakroom_oidc::AuthorizationResponse;
use cloakroom_oidc::form::MAX_BYTES;

use crate::code::Code;
use crate::query::{check, get, holds, only};

/// Checks the form of a query. What passes has each parameter once, and means what an ordinary form decoder reads.
pub fn query(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else {
        return false;
    };
    let form: Vec<(String, String)> = form_urlencoded::parse(data).into_owned().collect();
    let names: HashSet<&str> = form.iter().map(|(name, _)| name.as_str()).collect();
    if let Some(state) = only(text, "state") {
        let states: Vec<_> = form.iter().filter(|(name, _)| name == "state").collect();
        assert_eq!(states, [&("state".to_owned(), state)]);
    }
    match check(text) {
        Ok(()) => {
            assert!(text.len() <= MAX_BYTES);
            assert_eq!(names.len(), form.len(), "a parameter stands there twice");
            for (name, value) in &form {
                assert_eq!(get(text, name).as_ref(), Some(value));
                assert_eq!(only(text, name).as_ref(), Some(value));
                assert!(holds(text, name));
            }
            if let Err(error) = AuthorizationResponse::parse(text) {
                assert_ne!(error.code(), "authorization_response_repeated_parameter");
            }
            true
        }
        Err(code) => {
            match code {
                Code::ParameterRepeated => assert!(names.len() < form.len()),
                Code::ParameterTooLong => assert!(text.len() > 8 * 1024),
                other => assert_eq!(other, Code::ParameterMalformed),
            }
            false
        }
    }
}
