//! `WWW-Authenticate` to the letter: RFC 6750 section 3, RFC 9470 section 3, RFC 9728 section 5.1.

use bytes::Bytes;
use cloakroom_oidc::{JsonError, JwtError};
use cloakroom_resource::{Denied, TokenRefusal};

fn challenge(denied: &Denied, metadata: Option<&str>) -> String {
    let answer = denied.response::<Bytes>(metadata);
    let value = answer.headers().get("www-authenticate");
    value.map_or("", |value| value.to_str().unwrap()).to_owned()
}

#[test]
fn each_refusal_has_its_words() {
    let invalid = |refusal: TokenRefusal| Denied::InvalidToken(refusal);
    for (denied, expected) in [
        (Denied::NoCredentials, "Bearer"),
        (
            Denied::SeveralCredentials,
            r#"Bearer error="invalid_request", error_description="the request has several Authorization headers; send one""#,
        ),
        (
            Denied::TokenInQuery,
            r#"Bearer error="invalid_request", error_description="the access token came in the query, where logs and histories keep it; send it in the Authorization header""#,
        ),
        (
            invalid(TokenRefusal::Expired),
            r#"Bearer error="invalid_token", error_description="the access token has expired""#,
        ),
        (
            invalid(TokenRefusal::Jwt(JwtError::InvalidSignature)),
            r#"Bearer error="invalid_token", error_description="the access token cannot be trusted: the token's signature is not good""#,
        ),
        (
            invalid(TokenRefusal::Jwt(JwtError::Json(
                JsonError::DuplicateMember,
            ))),
            r#"Bearer error="invalid_token", error_description="the access token cannot be trusted: the token cannot be read: the document has the same member twice in one object""#,
        ),
        (
            invalid(TokenRefusal::ForeignClaims {
                expected: "secret::Type",
            }),
            r#"Bearer error="invalid_token", error_description="the access token's claims are not what this API expects""#,
        ),
        (
            Denied::InsufficientScope {
                scopes: vec!["messages:read".into(), "messages:write".into()],
            },
            r#"Bearer error="insufficient_scope", error_description="the access token lacks scopes; this route needs messages:read messages:write", scope="messages:read messages:write""#,
        ),
        (
            Denied::InsufficientClaim {
                name: "secret_level".into(),
            },
            r#"Bearer error="insufficient_scope", error_description="a claim of the access token is not as this route needs it""#,
        ),
        (
            Denied::InsufficientUserAuthentication {
                acr_values: vec!["urn:two".into(), "urn:one".into()],
                max_age: Some(5),
            },
            r#"Bearer error="insufficient_user_authentication", error_description="this route needs a more recent or a stronger sign-in", acr_values="urn:two urn:one", max_age="5""#,
        ),
        (
            Denied::InsufficientUserAuthentication {
                acr_values: vec![],
                max_age: Some(0),
            },
            r#"Bearer error="insufficient_user_authentication", error_description="this route needs a more recent or a stronger sign-in", max_age="0""#,
        ),
        (
            Denied::InsufficientUserAuthentication {
                acr_values: vec!["urn:two".into()],
                max_age: None,
            },
            r#"Bearer error="insufficient_user_authentication", error_description="this route needs a more recent or a stronger sign-in", acr_values="urn:two""#,
        ),
        (Denied::NoLayer, ""),
    ] {
        assert_eq!(challenge(&denied, None), expected);
    }
}

#[test]
fn the_metadata_are_named_with_and_without_an_error() {
    let address = "https://api.example.com/.well-known/oauth-protected-resource";
    assert_eq!(
        challenge(&Denied::NoCredentials, Some(address)),
        format!("Bearer resource_metadata=\"{address}\"")
    );
    assert_eq!(
        challenge(&TokenRefusal::Inactive.into(), Some(address)),
        format!(
            "Bearer error=\"invalid_token\", error_description=\"the provider says that the access token is not active\", resource_metadata=\"{address}\""
        )
    );
}

#[test]
fn nothing_that_is_said_ends_its_string_or_the_header() {
    let odd = "a\"b\\c\r\nSet-Cookie: x=1; \u{e9}\u{1F600}\t\u{7f}";
    let quoted = r#"a\"b\\c??Set-Cookie: x=1; ????"#;
    let denied = Denied::InsufficientUserAuthentication {
        acr_values: vec![odd.to_owned()],
        max_age: None,
    };
    assert!(challenge(&denied, None).ends_with(&format!("acr_values=\"{quoted}\"")));
    // A description has neither quotes nor backslashes, not even escaped ones (RFC 6750 section 3).
    let plain = "a'b/c??Set-Cookie: x=1; ????";
    let refused = TokenRefusal::Jwt(JwtError::AlgorithmNotAllowed {
        alg: odd.to_owned(),
    });
    let said = challenge(&refused.into(), None);
    assert!(said.contains(plain), "{said}");
    assert_eq!(said.matches('"').count(), 4, "{said}");
}

#[test]
fn descriptions_keep_to_the_characters_that_they_may_have() {
    for refusal in [
        TokenRefusal::TooLarge,
        TokenRefusal::Opaque,
        TokenRefusal::OktaOrg,
        TokenRefusal::UnknownIssuer,
        TokenRefusal::Inactive,
        TokenRefusal::Claim("aud"),
        TokenRefusal::IssuerMismatch,
        TokenRefusal::AudienceMismatch,
        TokenRefusal::Expired,
        TokenRefusal::NotYetValid,
        TokenRefusal::NotAnAccessToken,
        TokenRefusal::SenderConstrained,
    ] {
        let denied = Denied::from(refusal);
        let description = denied.description().unwrap();
        let allowed = |c: char| matches!(c, ' '..='!' | '#'..='[' | ']'..='~');
        assert!(description.chars().all(allowed), "{description}");
        assert!(challenge(&denied, None).contains(&description));
        assert_eq!(
            (denied.status().as_u16(), denied.error()),
            (401, Some("invalid_token"))
        );
    }
}
