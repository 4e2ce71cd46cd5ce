//! The answer that the browser brings back.

use cloakroom_oidc::authorization_response::{MAX_CODE, MAX_QUERY, MAX_STATE};
use cloakroom_oidc::{AuthorizationResponse, AuthorizationResponseErrorKind as Kind};
use proptest::prelude::*;
use serde_json::json;

use crate::support::{ISSUER, metadata, metadata_with};

fn refusal(query: &str) -> (Kind, Option<String>) {
    let error = AuthorizationResponse::parse(query).unwrap_err();
    (error.kind(), error.state().map(str::to_owned))
}

fn refused(query: &str, kind: Kind, state: Option<&str>) {
    assert_eq!(
        refusal(query),
        (kind, state.map(str::to_owned)),
        "{query:.80}"
    );
}

#[test]
fn a_code_with_state_and_issuer() {
    let query = "code=a%2Bb+c&state=s.1-_&iss=https%3A%2F%2Fid.example.com&session_state=x&unknown=1&unknown=2&flag";
    let AuthorizationResponse::Code { code, state, iss } =
        AuthorizationResponse::parse(query).unwrap()
    else {
        panic!("expected a code")
    };
    assert_eq!(
        (code.expose(), state.as_str(), iss.as_deref()),
        ("a+b c", "s.1-_", Some("https://id.example.com"))
    );
}

#[test]
fn an_error_with_its_description_kept_in_bounds() {
    let query = format!(
        "error=access_denied&error_description=no%0D%0Aforged%3A+line+%E2%80%AE{}&error_uri=https%3A%2F%2Fe.example&state=s",
        "x".repeat(2000)
    );
    let AuthorizationResponse::Error {
        error,
        description,
        uri,
        state,
        iss,
    } = AuthorizationResponse::parse(&query).unwrap()
    else {
        panic!("expected an error")
    };
    let description = description.unwrap();
    assert_eq!(error, "access_denied");
    assert!(
        description.starts_with("no\u{FFFD}\u{FFFD}forged: line \u{FFFD}xxx"),
        "{description}"
    );
    assert!(description.ends_with('\u{2026}'));
    assert_eq!(description.chars().count(), 512);
    assert_eq!(
        (uri.as_deref(), state.as_str(), iss),
        (Some("https://e.example"), "s", None)
    );
}

#[test]
fn the_body_of_a_form_post_answer_is_read_by_the_same_rules() {
    let body = "state=s.1-_&code=a%2Bb+c&iss=https%3A%2F%2Fid.example.com%2Foauth2%2Fdefault";
    let answer = AuthorizationResponse::parse(body).unwrap();
    assert!(
        matches!(&answer, AuthorizationResponse::Code { code, .. } if code.expose() == "a+b c")
    );
    assert!(answer.check_issuer(&metadata()).is_ok());
    refused(
        "state=s&code=a&code=b",
        Kind::RepeatedParameter("code"),
        Some("s"),
    );
    // As a browser submits a form with line breaks in it.
    refused("state=s&code=a%0D%0A", Kind::Malformed, Some("s"));
}

#[test]
fn oidcc_client_test_form_post_error() {
    let answer = AuthorizationResponse::parse("error=access_denied&state=s").unwrap();
    assert!(
        matches!(answer, AuthorizationResponse::Error { ref error, .. } if error == "access_denied")
    );
}

#[test]
fn unknown_error_codes_are_errors_like_any_other() {
    let answer = AuthorizationResponse::parse("error=made_up&state=s").unwrap();
    assert!(matches!(answer, AuthorizationResponse::Error { ref error, .. } if error == "made_up"));
    assert_eq!(answer.hint(), None);
}

#[test]
fn repeated_parameters_are_refused() {
    refused(
        "code=a&code=a&state=s",
        Kind::RepeatedParameter("code"),
        Some("s"),
    );
    refused(
        "code=a&state=s&iss=x&iss=x",
        Kind::RepeatedParameter("iss"),
        Some("s"),
    );
    refused(
        "error=a&error=b&state=s",
        Kind::RepeatedParameter("error"),
        Some("s"),
    );
    refused(
        "error=a&error_description=b&error_description=c&state=s",
        Kind::RepeatedParameter("error_description"),
        Some("s"),
    );
    // Also where one of them is spelt with escapes; and a state that is there twice is no way back.
    refused(
        "code=a&state=s&%73tate=s",
        Kind::RepeatedParameter("state"),
        None,
    );
}

#[test]
fn code_and_error_exclude_each_other() {
    refused("code=a&error=b&state=s", Kind::BothCodeAndError, Some("s"));
    refused("state=s", Kind::NeitherCodeNorError, Some("s"));
    refused("error=&state=s", Kind::NeitherCodeNorError, Some("s"));
    refused("code=&state=s", Kind::EmptyCode, Some("s"));
    refused("code&state=s", Kind::EmptyCode, Some("s"));
    // Empty or not, both are there.
    refused("code=&error=b&state=s", Kind::BothCodeAndError, Some("s"));
}

#[test]
fn fapi2_ensure_authorization_response_with_missing_state_fails() {
    for query in [
        "",
        "&&",
        "code=a",
        "code=a&state=",
        "code=a&state",
        "error=access_denied",
    ] {
        refused(query, Kind::MissingState, None);
    }
}

#[test]
fn lengths_are_bounded() {
    let code = |length: usize| format!("state=s&code={}", "c".repeat(length));
    assert!(AuthorizationResponse::parse(&code(MAX_CODE)).is_ok());
    refused(&code(MAX_CODE + 1), Kind::TooLong, Some("s"));
    refused(&code(64 * 1024), Kind::TooLong, Some("s"));
    let state = |length: usize| format!("code=c&state={}", "s".repeat(length));
    assert!(AuthorizationResponse::parse(&state(MAX_STATE)).is_ok());
    refused(&state(MAX_STATE + 1), Kind::TooLong, None);
    refused(
        &format!("code=c&state=s&x={}", "x".repeat(MAX_QUERY)),
        Kind::TooLong,
        Some("s"),
    );
}

#[test]
fn encoding_is_not_repaired() {
    for broken in [
        "code=%",
        "code=%2",
        "code=%zz",
        "code=%FF",
        "x=%C3%28",
        "%FF=1",
        "code=%00",
        "code=a%0Ab",
        "code=%C3%A9",
    ] {
        refused(&format!("{broken}&state=s"), Kind::Malformed, Some("s"));
    }
    refused("code=a&state=%E9", Kind::Malformed, None);
    refused("code=a&state=a%0D%0Ab", Kind::Malformed, None);
}

#[test]
fn neither_code_nor_state_shows_in_debug() {
    let answer = AuthorizationResponse::parse("code=hush-1&state=hush-2").unwrap();
    let error = AuthorizationResponse::parse("code=hush-1&code=hush-1&state=hush-2").unwrap_err();
    let shown = format!("{answer:?} {error:?} {error}");
    assert!(!shown.contains("hush"), "{shown}");
    assert_eq!(error.code(), "authorization_response_repeated_parameter");
}

mod issuer {
    use super::*;

    fn check(query: &str, announced: bool) -> Option<Kind> {
        let metadata =
            metadata_with(json!({"authorization_response_iss_parameter_supported": announced}));
        let answer = AuthorizationResponse::parse(query).unwrap();
        let error = answer.check_issuer(&metadata).err()?;
        assert_eq!(error.state(), Some("s"));
        Some(error.kind())
    }

    #[test]
    fn fapi2_invalid_authorization_response_iss() {
        for announced in [true, false] {
            for other in [
                "https%3A%2F%2Fevil.example",
                "",
                "https%3A%2F%2Fid.example.com%2Foauth2%2Fdefault%2F",
            ] {
                assert_eq!(
                    check(&format!("code=c&state=s&iss={other}"), announced),
                    Some(Kind::IssuerMismatch)
                );
                assert_eq!(
                    check(&format!("error=e&state=s&iss={other}"), announced),
                    Some(Kind::IssuerMismatch)
                );
            }
        }
    }

    #[test]
    fn fapi2_remove_authorization_response_iss() {
        assert_eq!(check("code=c&state=s", true), Some(Kind::IssuerMissing));
        assert_eq!(check("error=e&state=s", true), None);
        assert_eq!(check("code=c&state=s", false), None);
    }

    #[test]
    fn an_error_that_leaves_the_announced_issuer_out_is_what_the_user_hears() {
        let metadata =
            metadata_with(json!({"authorization_response_iss_parameter_supported": true}));
        let answer =
            AuthorizationResponse::parse("error=login_required&error_description=no&state=s")
                .unwrap();
        assert!(answer.check_issuer(&metadata).is_ok());
        assert!(
            matches!(answer, AuthorizationResponse::Error { ref error, iss: None, .. } if error == "login_required")
        );
    }

    #[test]
    fn the_right_issuer_is_accepted_announced_or_not() {
        let query = format!(
            "code=c&state=s&iss={}",
            ISSUER.replace(':', "%3A").replace('/', "%2F")
        );
        assert_eq!(check(&query, true), None);
        assert_eq!(check(&query, false), None);
        assert!(
            AuthorizationResponse::parse(&query)
                .unwrap()
                .check_issuer(&metadata())
                .is_ok()
        );
    }
}

proptest! {
    #[test]
    fn parsing_never_panics(query in ".{0,200}") {
        let _ = AuthorizationResponse::parse(&query);
    }

    #[test]
    fn parsing_never_panics_on_what_looks_like_a_query(
        query in "((code|state|iss|error|%[0-9a-g]{0,2}|é|\\+|=|&){0,3}[=&]?){0,20}"
    ) {
        if let Err(error) = AuthorizationResponse::parse(&query)
            && let Some(state) = error.state() {
            prop_assert!(!state.is_empty() && state.len() <= MAX_STATE);
        }
    }

    #[test]
    fn what_was_encoded_comes_back(code in "[ -~]{1,200}", state in "[ -~]{1,200}") {
        let query: String = form_urlencoded::Serializer::new(String::new())
            .append_pair("code", &code)
            .append_pair("state", &state)
            .finish();
        match AuthorizationResponse::parse(&query) {
            Ok(AuthorizationResponse::Code { code: read, state: found, .. }) => {
                prop_assert_eq!(read.expose(), code.as_str());
                prop_assert_eq!(found, state);
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }
}
