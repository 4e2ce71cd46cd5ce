//! Errors of calls on the wire: what a server function says, a page reads.

use app::api::{ApiError, Problem, StepUp};
use app::auth::AuthError;
use cloakroom_bff::Code;
use leptos::server_fn::Bytes;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};

fn decode(body: &str) -> ApiError {
    ApiError::de(Bytes::from(body.to_owned()))
}

fn step_up() -> ApiError {
    ApiError::StepUp(StepUp {
        acr_values: vec!["urn:okta:loa:2fa:any".to_owned(), "phr".to_owned()],
        max_age: Some(300),
    })
}

fn upstream(status: u16) -> ApiError {
    ApiError::Upstream(Problem {
        status,
        code: Some("text_empty".to_owned()),
        title: Some("Unprocessable Content".to_owned()),
        detail: Some("The text is empty; write something.".to_owned()),
        retry_after: Some(7),
    })
}

#[test]
fn every_error_comes_back_from_the_wire_as_it_went() {
    let all = ApiError::PLAIN.iter().cloned();
    for error in all.chain([step_up(), upstream(422)]) {
        assert_eq!(ApiError::de(error.ser()), error);
    }
}

#[test]
fn codes_are_those_of_the_counter_but_for_what_it_cannot_say() {
    for error in ApiError::PLAIN {
        let is_of_the_page = matches!(error, ApiError::Offline | ApiError::Malformed);
        assert_eq!(
            Code::parse(error.code()).is_none(),
            is_of_the_page,
            "{}",
            error.code()
        );
        assert_eq!(ApiError::from_code(error.code()), *error);
    }
    assert!(Code::parse(step_up().code()).is_some());
    assert!(Code::parse(upstream(500).code()).is_none());
}

#[test]
fn hints_are_those_of_the_counter() {
    for error in ApiError::PLAIN {
        let Some(code) = Code::parse(error.code()) else {
            continue;
        };
        if let Some(seconds) = code.retry_after() {
            assert_eq!(
                error.retry_after().map(|s| s.to_string()).as_deref(),
                Some(seconds)
            );
        }
        assert_eq!(
            error.is_mended_by_signing_in(),
            code.is_mended_by_signing_in()
        );
    }
    assert!(step_up().is_mended_by_signing_in());
    assert_eq!(upstream(503).retry_after(), Some(7));
    assert!(!upstream(401).is_mended_by_signing_in());
}

#[test]
fn a_demand_on_the_wire_is_that_of_a_problem_document() {
    assert_eq!(
        step_up().ser(),
        Bytes::from_static(br#"{"code":"insufficient_user_authentication","acr_values":["urn:okta:loa:2fa:any","phr"],"max_age":300}"#)
    );
    let document = r#"{"type":"about:blank","status":401,"code":"insufficient_user_authentication","acr_values":["urn:okta:loa:2fa:any","phr"],"max_age":300,"sign_in":"/auth/login?.."}"#;
    assert_eq!(decode(document), step_up());
    let odd = r#"{"code":"insufficient_user_authentication","acr_values":["a b"]}"#;
    assert_eq!(
        decode(odd),
        ApiError::Internal,
        "no value has a blank in it"
    );
}

#[test]
fn what_cannot_be_read_is_an_error_of_ours_and_says_nothing_of_itself() {
    for body in [
        "",
        "<html>502 Bad Gateway</html>",
        "{}",
        r#"{"code":7}"#,
        r#"{"code":"of_tomorrow"}"#,
        r#"{"code":"upstream_error"}"#,
        "\"signed_out\"",
    ] {
        assert_eq!(decode(body), ApiError::Internal, "{body}");
    }
}

#[test]
fn the_words_of_an_api_stay_short_and_harmless_over_the_wire() {
    let long = "ab ".repeat(400);
    let body = format!(
        r#"{{"code":"upstream_error","upstream":{{"status":400,"code":"<script>","title":"  a\n\tb\u202e ","detail":"{long}"}}}}"#
    );
    let ApiError::Upstream(problem) = decode(&body) else {
        panic!("an error of the API: {body}")
    };
    assert_eq!(problem.code, None);
    assert_eq!(problem.title.as_deref(), Some("a b"));
    assert_eq!(problem.detail.map(|text| text.chars().count()), Some(301));
}

#[test]
fn leptos_own_failures_keep_their_text_to_themselves() {
    let secret = || "https://host/?code=abc".to_owned();
    for (failure, error) in [
        (ServerFnErrorErr::Request(secret()), ApiError::Offline),
        (ServerFnErrorErr::ServerError(secret()), ApiError::Internal),
        (
            ServerFnErrorErr::Args(secret()),
            ApiError::ParameterMalformed,
        ),
    ] {
        assert_eq!(ApiError::from_server_fn_error(failure), error);
    }
}

#[test]
fn the_two_error_types_of_server_functions_turn_into_each_other() {
    for error in [
        AuthError::SignedOut,
        AuthError::SignInAgain,
        AuthError::SessionEnded,
        AuthError::StepUp,
        AuthError::Forbidden,
        AuthError::ProviderDown,
        AuthError::StoreDown,
        AuthError::Internal,
    ] {
        assert_eq!(AuthError::from(ApiError::from(error)), error);
    }
    assert_eq!(AuthError::from(step_up()), AuthError::StepUp);
    assert_eq!(AuthError::from(upstream(422)), AuthError::Internal);
}

#[test]
fn every_error_says_something_to_a_person() {
    let all = ApiError::PLAIN.iter().cloned();
    let statuses = [400, 401, 403, 404, 409, 418, 422, 429, 500, 503];
    for error in all.chain([step_up()]).chain(statuses.map(upstream)) {
        let text = error.text();
        assert!(text.len() > 20 && text.ends_with('.'), "{error:?}: {text}");
        assert!(!text.contains("text_empty"), "{text}");
    }
}
