//! Userinfo.

mod signed;

use cloakroom_oidc::userinfo::{parse, request};
use cloakroom_oidc::{AccessToken, JsonError, UserinfoError};
use serde_json::json;

use crate::support::{answer, json_answer, metadata, metadata_with};

#[test]
fn oidcc_client_test_userinfo_bearer_header() {
    let request = request(&metadata(), &AccessToken::new("at-1")).unwrap();
    assert_eq!(request.method(), "GET");
    assert_eq!(
        request.uri(),
        "https://id.example.com/oauth2/default/v1/userinfo"
    );
    assert_eq!(request.headers()["authorization"], "Bearer at-1");
    assert!(request.headers()["authorization"].is_sensitive());
    assert!(request.body().is_empty());
    assert_eq!(
        request.headers()["accept"],
        "application/json, application/jwt"
    );
}

#[test]
fn what_cannot_be_asked() {
    let none = metadata_with(json!({"userinfo_endpoint": null}));
    assert_eq!(
        request(&none, &AccessToken::new("a")).unwrap_err(),
        UserinfoError::NoEndpoint
    );
    assert_eq!(
        request(&metadata(), &AccessToken::new("a\r\nx: y")).unwrap_err(),
        UserinfoError::UnusableAccessToken
    );
}

#[test]
fn oidcc_client_test_scope_userinfo_claims() {
    let claims = parse(&json_answer(200, &json!({"sub": "u", "email": "e"})), "u").unwrap();
    assert_eq!(claims["email"], "e");
}

#[test]
fn oidcc_client_test_userinfo_invalid_sub() {
    for sub in ["v", "U", "u ", ""] {
        let error = parse(&json_answer(200, &json!({ "sub": sub })), "u").unwrap_err();
        assert_eq!(error, UserinfoError::SubjectMismatch);
    }
    for body in [json!({}), json!({"sub": 1}), json!({"sub": null})] {
        assert_eq!(
            parse(&json_answer(200, &body), "u").unwrap_err(),
            UserinfoError::MissingSubject
        );
    }
}

#[test]
fn a_signed_answer_is_not_read_as_a_plain_one() {
    let error = parse(&answer(200, "application/jwt; charset=x", "a.b.c"), "u").unwrap_err();
    assert_eq!(error, UserinfoError::SignedResponse);
}

#[test]
fn bodies_that_are_not_one_json_object() {
    let error = parse(&answer(200, "text/html", "{\"sub\":\"u\"}"), "u").unwrap_err();
    assert_eq!(
        error,
        UserinfoError::MalformedContentType {
            content_type: "text/html".to_owned()
        }
    );
    let error = parse(
        &answer(200, "application/json", "{\"sub\":\"u\",\"sub\":\"v\"}"),
        "u",
    )
    .unwrap_err();
    assert_eq!(
        error,
        UserinfoError::MalformedJson(JsonError::DuplicateMember)
    );
}

#[test]
fn refusals() {
    let mut unauthorized = answer(401, "text/plain", "");
    unauthorized.headers_mut().insert(
        "www-authenticate",
        "Bearer error=\"invalid_token\", error_description=\"x\""
            .parse()
            .unwrap(),
    );
    let error = parse(&unauthorized, "u").unwrap_err();
    assert_eq!(
        error,
        UserinfoError::Unauthorized {
            status: 401,
            error: Some("invalid_token".to_owned())
        }
    );
    assert!(
        error.to_string().contains("status 401, invalid_token"),
        "{error}"
    );
    assert_eq!(
        parse(&answer(403, "text/html", "<html>"), "u").unwrap_err(),
        UserinfoError::Unauthorized {
            status: 403,
            error: None
        }
    );
    assert_eq!(
        parse(&answer(429, "", ""), "u").unwrap_err(),
        UserinfoError::RateLimited { retry_after: None }
    );
    assert_eq!(
        parse(&answer(502, "", ""), "u").unwrap_err(),
        UserinfoError::Unavailable { status: 502 }
    );
    for status in [201, 204, 302, 400, 404] {
        assert_eq!(
            parse(&answer(status, "", ""), "u").unwrap_err(),
            UserinfoError::UnexpectedAnswer { status }
        );
    }
}
