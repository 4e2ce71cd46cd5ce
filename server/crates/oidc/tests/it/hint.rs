//! Hints for the mistakes that people make.

use cloakroom_oidc::AuthorizationResponse;
use cloakroom_oidc::hint::for_error;

#[test]
fn oktas_words_lead_to_what_to_do() {
    for (error, description, part) in [
        (
            "access_denied",
            "User is not assigned to the client application.",
            "Assignments",
        ),
        (
            "access_denied",
            "Policy evaluation failed for this request, please check the policy configurations.",
            "access policy",
        ),
        (
            "access_denied",
            "The resource owner or authorization server denied the request.",
            "declined",
        ),
        (
            "invalid_scope",
            "One or more scopes are not configured for the authorization server resource.",
            "scope",
        ),
        (
            "invalid_grant",
            "The authorization code is invalid or has expired.",
            "code was used",
        ),
        ("invalid_grant", "PKCE verification failed.", "key ring"),
        (
            "invalid_grant",
            "The refresh token is invalid or expired.",
            "session ends",
        ),
        (
            "invalid_client",
            "The client secret supplied for a confidential client is invalid.",
            "secret is wrong",
        ),
        (
            "invalid_client",
            "No client credentials found.",
            "no credentials",
        ),
        (
            "invalid_client",
            "The client_assertion token is expired.",
            "clock",
        ),
        (
            "invalid_client",
            "The audience claim for client_assertion must be the endpoint invoked for the request.",
            "endpoint",
        ),
        ("unauthorized_client", "", "Authorization Code"),
    ] {
        let hint = for_error(error, Some(description)).unwrap();
        assert!(hint.contains(part), "{error}, {description}: {hint}");
    }
    assert_eq!(for_error("something_new", Some("x")), None);
    assert!(for_error("invalid_grant", None).is_some());
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
