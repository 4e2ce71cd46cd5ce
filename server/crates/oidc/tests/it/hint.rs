//! Hints for the mistakes that people make.

use bytes::Bytes;
use cloakroom_oidc::hint::for_error;
use cloakroom_oidc::pushed_authorization;
use cloakroom_oidc::{AuthorizationResponse, PushedAuthorizationError, TokenResponse};
use http::Response;
use serde_json::json;

use crate::support::json_answer;

/// Okta's error table: the status (302 for the callback), the error, its description, and words of the hint.
const OKTA: &[(u16, &str, &str, &str)] = &[
    (
        302,
        "access_denied",
        "User is not assigned to the client application.",
        "Assignments",
    ),
    (
        302,
        "access_denied",
        "Policy evaluation failed for this request, please check the policy configurations.",
        "access policy",
    ),
    (
        302,
        "access_denied",
        "The resource owner or authorization server denied the request.",
        "declined",
    ),
    (
        302,
        "login_required",
        "The client specified not to prompt, but the user is not logged in.",
        "prompt=none",
    ),
    (
        302,
        "consent_required",
        "The client specified not to prompt.",
        "consented",
    ),
    (
        302,
        "interaction_required",
        "The client specified not to prompt.",
        "must show a page",
    ),
    (
        302,
        "invalid_scope",
        "One or more scopes are not configured for the authorization server resource.",
        "scope is not configured",
    ),
    (302, "no_default_scopes", "", "default ones"),
    (302, "openid_scope_required", "", "openid"),
    (
        302,
        "unmet_authentication_requirements",
        "",
        "authenticator",
    ),
    (
        400,
        "invalid_request",
        "The 'redirect_uri' parameter must be a Login redirect URI in the client app settings.",
        "/auth/callback",
    ),
    (
        400,
        "invalid_grant",
        "The authorization code is invalid or has expired.",
        "code was used",
    ),
    (
        400,
        "invalid_grant",
        "PKCE verification failed.",
        "key ring",
    ),
    (
        400,
        "invalid_grant",
        "The refresh token is invalid or expired.",
        "session ends",
    ),
    (
        400,
        "invalid_grant",
        "The 'redirect_uri' does not match the one in the authorization request.",
        "redirect URI differs",
    ),
    (
        400,
        "invalid_grant",
        "The authorization code was issued to another client.",
        "another client",
    ),
    (
        429,
        "invalid_grant",
        "API call exceeded rate limit due to too many requests.",
        "rate limits",
    ),
    (
        401,
        "invalid_client",
        "No client credentials found.",
        "no credentials",
    ),
    (
        401,
        "invalid_client",
        "Client authentication failed. Either the client or the client credentials are invalid.",
        "Check client id",
    ),
    (
        401,
        "invalid_client",
        "The client secret supplied for a confidential client is invalid.",
        "secret is wrong",
    ),
    (
        401,
        "invalid_client",
        "The client secret is too short to verify a JWT HMAC.",
        "too short",
    ),
    (
        401,
        "invalid_client",
        "The client_assertion token is expired.",
        "clock",
    ),
    (
        401,
        "invalid_client",
        "The client_assertion token has already been used.",
        "sent twice",
    ),
    (
        401,
        "invalid_client",
        "The client_assertion token has an expiration too far into the future.",
        "too late",
    ),
    (
        401,
        "invalid_client",
        "The audience claim for client_assertion must be the endpoint invoked for the request.",
        "assertion audience",
    ),
    (
        401,
        "invalid_client",
        "The client_assertion signature is invalid.",
        "public key set",
    ),
    (
        401,
        "invalid_client",
        "The kid is not in the JWKS of the client.",
        "public key set",
    ),
    (400, "unauthorized_client", "", "Authorization Code"),
    (
        400,
        "unsupported_grant_type",
        "",
        "does not offer this grant",
    ),
    (
        400,
        "use_dpop_nonce",
        "Authorization server requires nonce in DPoP proof.",
        "DPoP",
    ),
    (
        400,
        "invalid_dpop_proof",
        "The DPoP proof JWT header is missing.",
        "DPoP",
    ),
    (
        429,
        "E0000047",
        "API call exceeded rate limit due to too many requests.",
        "rate limits",
    ),
    (404, "E0000007", "Not found: Resource not found", "/oauth2/"),
    (
        400,
        "server_error",
        "There are too many groups in the groups claim.",
        "more than 100 groups",
    ),
    (500, "server_error", "", "status page"),
    (503, "temporarily_unavailable", "", "overloaded"),
];

fn callback(error: &str, description: &str) -> Option<&'static str> {
    let query: String = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("error", error),
            ("error_description", description),
            ("state", "s"),
        ])
        .finish();
    AuthorizationResponse::parse(&query).unwrap().hint()
}

/// In OAuth's shape, or in Okta's own where the code is one of its own.
fn refusal(status: u16, error: &str, description: &str) -> Response<Bytes> {
    let body = if error.starts_with("E0") {
        json!({"errorCode": error, "errorSummary": description})
    } else {
        json!({"error": error, "error_description": description})
    };
    json_answer(status, &body)
}

#[test]
fn every_row_of_oktas_table_leads_to_what_to_do() {
    for (status, error, description, words) in OKTA {
        let hints = if *status == 302 {
            vec![callback(error, description)]
        } else {
            let answer = refusal(*status, error, description);
            let pushed: PushedAuthorizationError =
                pushed_authorization::parse(&answer).unwrap_err();
            vec![
                TokenResponse::parse(&answer).unwrap_err().hint(),
                pushed.hint(),
            ]
        };
        for hint in hints {
            let hint = hint.unwrap_or_else(|| panic!("{status} {error} {description}"));
            assert!(
                hint.contains(words),
                "{status} {error} {description}: {hint}"
            );
        }
    }
}

#[test]
fn words_decide_only_where_they_are_known() {
    assert_eq!(for_error("something_new", Some("x")), None);
    assert!(for_error("invalid_grant", None).is_some());
    assert_eq!(
        for_error("invalid_client", Some("Whatever else.")),
        for_error("invalid_client", None)
    );
}

#[test]
fn pushed_requests_and_assertions_have_hints_of_their_own() {
    for (error, description, words) in [
        ("invalid_request_uri", "", "pushed request was used"),
        ("invalid_request_object", "", "request objects"),
        (
            "invalid_request",
            "Pushed authorization request is required.",
            "to always",
        ),
        (
            "invalid_request",
            "Cannot supply multiple client credentials.",
            "two kinds",
        ),
        (
            "invalid_client",
            "The token_endpoint_auth_method is wrong.",
            "another authentication method",
        ),
        (
            "invalid_client",
            "The algorithm is not allowed.",
            "another algorithm",
        ),
        ("account_selection_required", "", "several sessions"),
        ("invalid_target", "", "resource"),
    ] {
        let hint = for_error(error, Some(description)).unwrap();
        assert!(hint.contains(words), "{error}, {description}: {hint}");
    }
}

#[test]
fn an_authorization_error_has_one_too() {
    let answer = AuthorizationResponse::parse(
        "error=access_denied&error_description=User+is+not+assigned+to+the+client+application.&state=s",
    )
    .unwrap();
    assert!(answer.hint().unwrap().contains("Assignments"));
    assert_eq!(
        AuthorizationResponse::parse("code=c&state=s")
            .unwrap()
            .hint(),
        None
    );
}
