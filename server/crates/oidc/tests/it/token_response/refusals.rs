//! Answers that are no success: errors of every shape, and when to come back.

use bytes::Bytes;
use cloakroom_oidc::TokenError;
use http::Response;
use serde_json::json;

use super::{body, refusal};
use crate::support::{answer, json_answer};

#[test]
fn oauth_errors_are_refusals_with_bounded_words() {
    let error = refusal(&json_answer(
        400,
        &json!({"error": "invalid_grant", "error_description": format!("PKCE verification failed.\n{}", "x".repeat(2000))}),
    ));
    let TokenError::Refused {
        status,
        error: code,
        description,
    } = &error
    else {
        panic!("{error:?}")
    };
    assert_eq!((*status, code.as_str()), (400, "invalid_grant"));
    let description = description.as_ref().unwrap();
    assert!(description.starts_with("PKCE verification failed.\u{FFFD}x"));
    assert_eq!(description.chars().count(), 512);
    assert!(error.is_invalid_grant() && !error.is_transient());
    assert!(error.hint().unwrap().contains("verifier"));
    assert_eq!(error.code(), "token_refused");
}

#[test]
fn an_error_with_status_200_is_an_error() {
    let error = refusal(&json_answer(
        200,
        &json!({"error": "bad_verification_code"}),
    ));
    assert!(
        matches!(error, TokenError::Refused { status: 200, .. }),
        "{error:?}"
    );
}

#[test]
fn invalid_grant_ends_a_session_with_a_4xx_only() {
    let with = |status| refusal(&json_answer(status, &json!({"error": "invalid_grant"})));
    for status in [400, 401, 403, 499] {
        assert!(with(status).is_invalid_grant(), "{status}");
    }
    for status in [100, 200, 201, 302, 429, 500, 503, 600, 999] {
        assert!(!with(status).is_invalid_grant(), "{status}");
    }
}

#[test]
fn invalid_grant_with_429_is_a_rate_limit_and_ends_nothing() {
    let error = refusal(&json_answer(
        429,
        &json!({"error": "invalid_grant", "error_description": "API call exceeded rate limit due to too many requests."}),
    ));
    assert!(
        matches!(
            error,
            TokenError::RateLimited {
                retry_after: None,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(error.is_transient() && !error.is_invalid_grant());
}

#[test]
fn oktas_own_error_shape_is_understood() {
    let limited = json!({"errorCode": "E0000047", "errorSummary": "API call exceeded rate limit"});
    for status in [400, 429] {
        let error = refusal(&json_answer(status, &limited));
        assert!(
            matches!(&error, TokenError::RateLimited { description: Some(words), .. } if words.contains("rate limit"))
        );
    }
    let unknown = refusal(&json_answer(
        404,
        &json!({"errorCode": "E0000007", "errorSummary": "Not found"}),
    ));
    assert_eq!(
        unknown,
        TokenError::Refused {
            status: 404,
            error: "E0000007".to_owned(),
            description: Some("Not found".to_owned())
        }
    );
    assert!(unknown.hint().unwrap().contains("/oauth2/"));
}

#[test]
fn the_wait_is_read_from_retry_after_or_oktas_reset() {
    let wait = |headers: &[(&str, &str)]| {
        let mut response = answer(429, "application/json", "{}");
        for (name, value) in headers {
            response.headers_mut().insert(
                http::header::HeaderName::from_bytes(name.as_bytes()).unwrap(),
                value.parse().unwrap(),
            );
        }
        match refusal(&response) {
            TokenError::RateLimited { retry_after, .. } => retry_after,
            other => panic!("{other:?}"),
        }
    };
    let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT"); // 784111777
    assert_eq!(wait(&[]), None);
    assert_eq!(wait(&[("retry-after", "7")]), Some(7));
    assert_eq!(wait(&[("retry-after", "999999999")]), Some(3600));
    assert_eq!(wait(&[("retry-after", "soon")]), None);
    assert_eq!(wait(&[("x-rate-limit-reset", "784111800"), date]), Some(23));
    assert_eq!(
        wait(&[("x-rate-limit-reset", "784111000"), date]),
        None,
        "in the past"
    );
    assert_eq!(
        wait(&[("x-rate-limit-reset", "99784111800"), date]),
        Some(3600),
        "absurdly far"
    );
    assert_eq!(
        wait(&[("x-rate-limit-reset", "784111800")]),
        None,
        "nothing to measure against"
    );
    assert_eq!(
        wait(&[
            ("x-rate-limit-reset", "1709164810"),
            ("date", "Thu, 29 Feb 2024 00:00:00 GMT")
        ]),
        Some(10)
    );
}

#[test]
fn dates_are_measured_against_the_answers_own_clock() {
    let wait = |retry_after: &str, date: &str| {
        let mut response = answer(503, "text/plain", "");
        let headers = response.headers_mut();
        headers.insert("retry-after", retry_after.parse().unwrap());
        headers.insert("date", date.parse().unwrap());
        match refusal(&response) {
            TokenError::Unavailable { retry_after, .. } => retry_after,
            other => panic!("{other:?}"),
        }
    };
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    assert_eq!(wait("Sun, 06 Nov 1994 08:50:07 GMT", date), Some(30));
    assert_eq!(wait("Sun, 06 Nov 1994 08:49:07 GMT", date), None, "past");
    assert_eq!(wait("Mon, 07 Nov 1994 08:49:37 GMT", date), Some(3600));
    assert_eq!(wait("30", "whenever"), Some(30), "seconds need no clock");
    assert_eq!(wait("Sun, 06 Nov 1994 08:50:07 GMT", "whenever"), None);
    assert_eq!(wait("-1", date), None);
}

#[test]
fn answers_without_a_body_are_told_apart_by_their_status() {
    let empty = |status: u16| {
        refusal(
            &Response::builder()
                .status(status)
                .body(Bytes::new())
                .unwrap(),
        )
    };
    assert_eq!(empty(400), TokenError::UnexpectedAnswer { status: 400 });
    assert_eq!(empty(401), TokenError::Unauthorized);
    assert_eq!(empty(403), TokenError::UnexpectedAnswer { status: 403 });
    assert!(matches!(empty(429), TokenError::RateLimited { .. }));
    assert!(matches!(
        empty(502),
        TokenError::Unavailable { status: 502, .. }
    ));
    let unauthorized = empty(401);
    assert!(!unauthorized.is_transient() && !unauthorized.is_invalid_grant());
    assert!(unauthorized.hint().unwrap().contains("client id"));
}

#[test]
fn a_challenge_speaks_where_the_body_does_not() {
    let challenged = |values: &[&str], body: &'static str| {
        let mut response = answer(401, "application/json", body);
        for value in values {
            response
                .headers_mut()
                .append("www-authenticate", value.parse().unwrap());
        }
        refusal(&response)
    };
    let refused = |error: &str, description: Option<&str>| TokenError::Refused {
        status: 401,
        error: error.to_owned(),
        description: description.map(str::to_owned),
    };
    assert_eq!(
        challenged(
            &[
                r#"Basic realm="a, error=\"no\"", error="invalid_client", error_description="The client \"x\" is unknown.""#
            ],
            ""
        ),
        refused("invalid_client", Some("The client \"x\" is unknown."))
    );
    assert_eq!(
        challenged(
            &["Negotiate YWJj==", "bearer  ERROR=invalid_token,x=y"],
            "{}"
        ),
        refused("invalid_token", None)
    );
    for value in [
        "Basic",
        r#"Basic realm="error""#,
        r#"Basic xerror="a""#,
        r#"Basic error="""#,
        r#"Basic realm="unfinished, error=x"#,
        "====,,,\"\"",
    ] {
        assert_eq!(
            challenged(&[value], ""),
            TokenError::Unauthorized,
            "{value}"
        );
    }
    // The body comes first.
    assert_eq!(
        challenged(&[r#"Basic error="a""#], r#"{"error":"invalid_client"}"#),
        refused("invalid_client", None)
    );
}

#[test]
fn oktas_rate_limit_in_its_own_shape_says_when_to_come_back() {
    let body = json!({"errorCode": "E0000047", "errorSummary": "API call exceeded rate limit due to too many requests.", "errorLink": "E0000047", "errorId": "oae", "errorCauses": []});
    let mut response = json_answer(429, &body);
    let headers = response.headers_mut();
    headers.insert("x-rate-limit-limit", "0".parse().unwrap());
    headers.insert("x-rate-limit-remaining", "0".parse().unwrap());
    headers.insert("x-rate-limit-reset", "784111800".parse().unwrap());
    headers.insert("date", "Sun, 06 Nov 1994 08:49:37 GMT".parse().unwrap());
    let error = refusal(&response);
    assert!(
        matches!(
            error,
            TokenError::RateLimited {
                retry_after: Some(23),
                ..
            }
        ),
        "{error:?}"
    );
    assert!(error.hint().unwrap().contains("rate limits"));
}

#[test]
fn server_errors_are_transient_whatever_the_body() {
    for response in [
        answer(500, "text/html", "<h1>oops</h1>"),
        answer(503, "application/json", ""),
        json_answer(500, &json!({"error": "server_error"})),
        json_answer(400, &json!({"error": "temporarily_unavailable"})),
    ] {
        let error = refusal(&response);
        assert!(
            matches!(error, TokenError::Unavailable { .. }) && error.is_transient(),
            "{error:?}"
        );
    }
}

#[test]
fn redirects_and_pages_are_neither_yes_nor_no() {
    assert_eq!(
        refusal(&answer(302, "text/html", "")),
        TokenError::Redirected { status: 302 }
    );
    assert_eq!(
        refusal(&answer(307, "text/html", "")),
        TokenError::Redirected { status: 307 }
    );
    for (status, text) in [
        (400, "<html>"),
        (400, ""),
        (404, "{\"message\":\"no\"}"),
        (400, "{\"error\":{\"code\":1}}"),
        (400, "{\"error\":\"\"}"),
    ] {
        assert_eq!(
            refusal(&answer(status, "text/html", text)),
            TokenError::UnexpectedAnswer { status },
            "{text}"
        );
    }
    let created = json_answer(201, &body(json!({})));
    assert_eq!(
        refusal(&created),
        TokenError::UnexpectedAnswer { status: 201 }
    );
}
