//! The token endpoint's answer.

mod refusals;

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
fn a_narrower_scope_says_what_was_withheld() {
    let asked = "openid profile offline_access";
    let withheld = |scope: Value| {
        parse(json!({ "scope": scope }))
            .unwrap()
            .withheld_scopes(asked)
            .join(" ")
    };
    assert_eq!(withheld(json!("openid")), "profile offline_access");
    assert_eq!(withheld(json!("profile openid  offline_access more")), "");
    assert_eq!(withheld(json!("")), asked);
    // A name that only contains another is another.
    assert_eq!(withheld(json!("openid profiles offline_access")), "profile");
    assert_eq!(
        withheld(json!(null)),
        "",
        "left out, it is what was asked for"
    );
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
