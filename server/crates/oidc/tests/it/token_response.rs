//! The token endpoint's answer.

use bytes::Bytes;
use cloakroom_oidc::{JsonError, TokenError, TokenResponse};
use http::Response;
use serde_json::{Value, json};

use crate::support::{answer, json_answer, merge};

fn body(more: Value) -> Value {
    let mut body = json!({"access_token": "at", "token_type": "Bearer"});
    merge(&mut body, more);
    body
}

fn parse(more: Value) -> Result<TokenResponse, TokenError> {
    TokenResponse::parse(&json_answer(200, &body(more)))
}

fn refusal(response: &Response<Bytes>) -> TokenError {
    TokenResponse::parse(response).unwrap_err()
}

#[test]
fn a_full_answer() {
    let tokens = parse(json!({
        "refresh_token": "rt", "id_token": "a.b.c", "expires_in": 3600, "scope": "openid email", "device_secret": [1]
    }))
    .unwrap();
    assert_eq!(tokens.access_token.expose(), "at");
    assert_eq!(tokens.refresh_token.unwrap().expose(), "rt");
    assert_eq!(tokens.id_token.unwrap().expose(), "a.b.c");
    assert_eq!(tokens.expires_in, Some(3600));
    assert_eq!(tokens.scope.as_deref(), Some("openid email"));
}

#[test]
fn fapi2_token_endpoint_response_without_expires_in() {
    let tokens = parse(json!({})).unwrap();
    assert!(tokens.expires_in.is_none() && tokens.scope.is_none());
    assert!(tokens.refresh_token.is_none() && tokens.id_token.is_none());
}

#[test]
fn after_a_code_exchange_there_is_an_id_token() {
    let without = parse(json!({})).unwrap();
    assert_eq!(
        without.require_id_token().unwrap_err(),
        TokenError::MissingMember("id_token")
    );
    let with = parse(json!({"id_token": "a.b.c"})).unwrap();
    assert_eq!(with.require_id_token().unwrap().expose(), "a.b.c");
}

#[test]
fn null_counts_as_absent() {
    let text = r#"{"access_token":"at","token_type":"bearer","refresh_token":null,"id_token":null,"expires_in":null,"scope":null}"#;
    let tokens = TokenResponse::parse(&answer(200, "application/json", text)).unwrap();
    assert!(tokens.refresh_token.is_none() && tokens.expires_in.is_none());
}

#[test]
fn fapi2_token_type_case_insensitivity() {
    for token_type in ["bearer", "Bearer", "BEARER", "bEARER"] {
        assert!(parse(json!({ "token_type": token_type })).is_ok());
    }
}

#[test]
fn other_token_types_are_refused() {
    let dpop = parse(json!({"token_type": "DPoP"})).unwrap_err();
    assert_eq!(
        dpop,
        TokenError::UnsupportedTokenType {
            token_type: "DPoP".to_owned()
        }
    );
    assert!(dpop.hint().unwrap().contains("DPoP"));
    assert_eq!(
        parse(json!({"token_type": null})).unwrap_err(),
        TokenError::MissingMember("token_type")
    );
    assert_eq!(
        parse(json!({"token_type": 1})).unwrap_err(),
        TokenError::WrongType("token_type")
    );
}

#[test]
fn wrong_types_and_forms_are_refused() {
    for (member, name) in [
        (json!({"expires_in": "3600"}), "expires_in"),
        (json!({"expires_in": -1}), "expires_in"),
        (json!({"expires_in": [3600]}), "expires_in"),
        (json!({"access_token": 1}), "access_token"),
        (json!({"access_token": ""}), "access_token"),
        (json!({"access_token": "a\r\nX: y"}), "access_token"),
        (json!({"access_token": "a b"}), "access_token"),
        (json!({"access_token": "\u{e9}"}), "access_token"),
        (json!({"refresh_token": {}}), "refresh_token"),
        (json!({"refresh_token": ""}), "refresh_token"),
        (json!({"id_token": false}), "id_token"),
        (json!({"scope": ["openid"]}), "scope"),
    ] {
        assert_eq!(
            parse(member.clone()).unwrap_err(),
            TokenError::WrongType(name),
            "{member}"
        );
    }
    assert_eq!(
        parse(json!({"access_token": null})).unwrap_err(),
        TokenError::MissingMember("access_token")
    );
    assert_eq!(
        parse(json!({"expires_in": 3599.5})).unwrap().expires_in,
        Some(3599)
    );
}

#[test]
fn a_body_that_could_be_read_two_ways_is_refused() {
    for (text, error) in [
        (
            r#"{"access_token":"a","access_token":"b","token_type":"bearer"}"#,
            JsonError::DuplicateMember,
        ),
        (
            r#"{"access_token":"a","token_type":"bearer","expires_in":1e400}"#,
            JsonError::Syntax,
        ),
        ("access_token=a&token_type=bearer", JsonError::Syntax),
        ("[]", JsonError::NotAnObject),
        ("", JsonError::Syntax),
    ] {
        assert_eq!(
            refusal(&answer(200, "application/json", text)),
            TokenError::MalformedJson(error),
            "{text}"
        );
    }
    let huge = format!("{{\"access_token\":\"{}\"}}", "a".repeat(1024 * 1024));
    assert_eq!(
        refusal(&answer(200, "application/json", huge)),
        TokenError::MalformedJson(JsonError::TooLarge)
    );
}

#[test]
fn the_content_type_is_json_or_missing() {
    let text = body(json!({})).to_string();
    for good in [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/vnd.x+json",
    ] {
        assert!(
            TokenResponse::parse(&answer(200, good, text.clone())).is_ok(),
            "{good}"
        );
    }
    for bad in [
        "text/html",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "",
    ] {
        assert_eq!(
            refusal(&answer(200, bad, text.clone())),
            TokenError::MalformedContentType {
                content_type: bad.to_owned()
            }
        );
    }
    assert!(TokenResponse::parse(&Response::new(Bytes::from(text))).is_ok());
}

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
