//! Pushed authorization requests.

use std::sync::Arc;

use bytes::Bytes;
use cloakroom_oidc::pushed_authorization::{MAX_REQUEST_URI, parse, request};
use cloakroom_oidc::{
    AuthorizationRequest, ClientAuth, ClientKeyOptions, ClientKeys, ClientSecret, JsonError, Nonce,
    ProviderMetadata, PushedAuthorization, PushedAuthorizationError as Error,
};
use http::{Request, Response};
use serde_json::{Value, json};

use crate::support::{
    CLIENT_ID, ISSUER, REDIRECT_URI, answer, client, form, fresh, json_answer, merge,
    metadata_with, pairs,
};

fn metadata() -> ProviderMetadata {
    metadata_with(json!({"pushed_authorization_request_endpoint": format!("{ISSUER}/v1/par")}))
}

fn authorization<'a>(nonce: &'a Nonce, extra: &'a [(String, String)]) -> AuthorizationRequest<'a> {
    AuthorizationRequest {
        client_id: CLIENT_ID,
        redirect_uri: REDIRECT_URI,
        scope: Some("openid profile"),
        state: "state-1",
        nonce,
        code_challenge: "challenge-1",
        prompt: Some("login"),
        login_hint: None,
        max_age: Some(60),
        acr_values: None,
        ui_locales: None,
        extra,
    }
}

fn push(auth: ClientAuth, extra: &[(String, String)]) -> Request<Bytes> {
    let nonce = Nonce::new("nonce-1");
    request(
        &metadata(),
        &client(auth),
        &authorization(&nonce, extra),
        fresh(),
    )
    .unwrap()
    .unwrap()
}

fn basic() -> ClientAuth {
    ClientAuth::SecretBasic(ClientSecret::new("hush"))
}

#[test]
fn the_body_is_what_the_address_would_have_carried() {
    let extra = pairs(&[("idp", "0oa1"), ("resource", "https://a.example")]);
    let nonce = Nonce::new("nonce-1");
    let address = authorization(&nonce, &extra).url(&metadata());
    let pushed = push(basic(), &extra);
    assert_eq!(pushed.method(), "POST");
    assert_eq!(pushed.uri(), "https://id.example.com/oauth2/default/v1/par");
    let carried: Vec<_> = address.query_pairs().into_owned().collect();
    assert_eq!(form(&pushed), carried);
}

#[test]
fn the_client_says_who_it_is_once_and_proves_it() {
    let key = ClientKeys::parse(
        include_bytes!("../keys/rfc7515-a3.jwk.json"),
        &ClientKeyOptions::default(),
    )
    .unwrap();
    for (auth, proof) in [
        (basic(), None),
        (
            ClientAuth::SecretPost(ClientSecret::new("hush")),
            Some("client_secret"),
        ),
        (
            ClientAuth::PrivateKeyJwt(Arc::new(key)),
            Some("client_assertion"),
        ),
        (ClientAuth::None, None),
    ] {
        let is_basic = matches!(auth, ClientAuth::SecretBasic(_));
        let pushed = push(auth, &[]);
        let form = form(&pushed);
        let count = |wanted: &str| form.iter().filter(|(name, _)| name == wanted).count();
        assert_eq!(pushed.headers().contains_key("authorization"), is_basic);
        assert_eq!(count("client_id"), 1, "{proof:?}");
        for name in ["client_secret", "client_assertion"] {
            assert_eq!(count(name), usize::from(proof == Some(name)), "{name}");
        }
    }
}

#[test]
fn the_client_that_authenticates_is_the_one_that_asks() {
    let nonce = Nonce::new("n");
    let other = AuthorizationRequest {
        client_id: "somebody-else",
        ..authorization(&nonce, &[])
    };
    let pushed = request(&metadata(), &client(basic()), &other, fresh()).unwrap();
    assert!(form(&pushed.unwrap()).contains(&("client_id".to_owned(), CLIENT_ID.to_owned())));
}

#[test]
fn fapi2_par_body_has_no_request_uri() {
    let extra = pairs(&[
        ("request_uri", "urn:evil"),
        ("request", "e.y.J"),
        ("client_assertion", "evil"),
    ]);
    let pushed = push(basic(), &extra);
    assert!(!std::str::from_utf8(pushed.body()).unwrap().contains("evil"));
    assert!(!form(&pushed).iter().any(|(name, _)| name == "request"));
}

#[test]
fn fapi2_authorize_url_holds_only_client_id_and_request_uri() {
    let extra = pairs(&[("idp", "0oa1")]);
    let nonce = Nonce::new("nonce-1");
    let pushed = accepted(json!({"request_uri": "urn:okta:a+b&c=d", "expires_in": 60}));
    let url = authorization(&nonce, &extra).url_with(&metadata(), &pushed);
    let query: Vec<_> = url.query_pairs().into_owned().collect();
    assert_eq!(
        query,
        pairs(&[
            ("client_id", CLIENT_ID),
            ("request_uri", "urn:okta:a+b&c=d")
        ])
    );
    assert!(
        url.as_str()
            .starts_with("https://id.example.com/oauth2/default/v1/authorize?")
    );
}

#[test]
fn without_an_endpoint_there_is_nothing_to_send() {
    let nonce = Nonce::new("n");
    let nothing = request(
        &crate::support::metadata(),
        &client(basic()),
        &authorization(&nonce, &[]),
        fresh(),
    );
    assert!(nothing.unwrap().is_none());
}

fn body(members: Value) -> Value {
    let mut body = json!({"request_uri": "urn:ietf:params:oauth:request_uri:x", "expires_in": 60});
    merge(&mut body, members);
    body
}

fn accepted(members: Value) -> PushedAuthorization {
    parse(&json_answer(201, &body(members))).unwrap()
}

fn refused(response: &Response<Bytes>) -> Error {
    parse(response).unwrap_err()
}

#[test]
fn an_answer_of_201_or_200_is_a_reference() {
    for status in [200, 201] {
        let pushed = parse(&json_answer(status, &body(json!({"more": 1})))).unwrap();
        assert_eq!(pushed.request_uri, "urn:ietf:params:oauth:request_uri:x");
        assert_eq!(pushed.expires_in, 60);
        assert!(!format!("{pushed:?}").contains("urn:"));
    }
    let undeclared = Response::builder()
        .status(201)
        .body(Bytes::from(body(json!({})).to_string()))
        .unwrap();
    assert!(parse(&undeclared).is_ok());
    assert_eq!(accepted(json!({"expires_in": 59.9})).expires_in, 59);
}

#[test]
fn members_are_there_and_of_the_right_form() {
    let refused = |members: Value| refused(&json_answer(201, &body(members)));
    for name in ["request_uri", "expires_in"] {
        assert_eq!(refused(json!({ name: null })), Error::MissingMember(name));
    }
    let long = format!("urn:{}", "x".repeat(MAX_REQUEST_URI));
    for value in [
        json!(""),
        json!(1),
        json!(["urn:x"]),
        json!("urn:a b"),
        json!("urn:\r\n"),
        json!(long),
    ] {
        assert_eq!(
            refused(json!({ "request_uri": value })),
            Error::WrongType("request_uri")
        );
    }
    for value in [
        json!(0),
        json!(0.5),
        json!(-1),
        json!("60"),
        json!([60]),
        json!(true),
    ] {
        assert_eq!(
            refused(json!({ "expires_in": value })),
            Error::WrongType("expires_in")
        );
    }
}

#[test]
fn successes_that_are_none() {
    assert_eq!(
        refused(&answer(201, "text/html", "<html>")),
        Error::MalformedContentType {
            content_type: "text/html".to_owned()
        }
    );
    for (text, error) in [
        ("", JsonError::Syntax),
        ("[]", JsonError::NotAnObject),
        (
            r#"{"request_uri":"a","request_uri":"b","expires_in":1}"#,
            JsonError::DuplicateMember,
        ),
    ] {
        assert_eq!(
            refused(&answer(201, "application/json", text)),
            Error::MalformedJson(error)
        );
    }
    let no = json_answer(200, &json!({"error": "invalid_request"}));
    assert!(matches!(refused(&no), Error::Refused { status: 200, .. }));
    for status in [202, 204] {
        assert_eq!(
            refused(&json_answer(status, &body(json!({})))),
            Error::UnexpectedAnswer { status }
        );
    }
}

#[test]
fn refusals_are_told_apart() {
    let oauth = |status: u16, error: &str| json_answer(status, &json!({ "error": error }));
    let empty = |status: u16| answer(status, "text/plain", "");
    let page = |status: u16| answer(status, "text/html", "<html>");
    for (response, code, transient) in [
        (
            oauth(400, "invalid_request"),
            "pushed_authorization_refused",
            false,
        ),
        (
            oauth(401, "invalid_client"),
            "pushed_authorization_refused",
            false,
        ),
        (
            oauth(403, "unauthorized_client"),
            "pushed_authorization_refused",
            false,
        ),
        (empty(401), "pushed_authorization_unauthorized", false),
        (page(401), "pushed_authorization_unauthorized", false),
        (empty(405), "pushed_authorization_method_not_allowed", false),
        (
            oauth(405, "invalid_request"),
            "pushed_authorization_method_not_allowed",
            false,
        ),
        (page(413), "pushed_authorization_too_large", false),
        (empty(429), "pushed_authorization_rate_limited", true),
        (
            oauth(429, "invalid_request"),
            "pushed_authorization_rate_limited",
            true,
        ),
        (page(500), "pushed_authorization_unavailable", true),
        (empty(503), "pushed_authorization_unavailable", true),
        (
            oauth(400, "temporarily_unavailable"),
            "pushed_authorization_unavailable",
            true,
        ),
        (empty(302), "pushed_authorization_redirected", false),
        (page(307), "pushed_authorization_redirected", false),
        (empty(400), "pushed_authorization_unexpected_answer", false),
        (page(404), "pushed_authorization_unexpected_answer", false),
    ] {
        let error = refused(&response);
        assert_eq!(error.code(), code, "{response:?}");
        assert_eq!(error.is_transient(), transient, "{response:?}");
    }
}

#[test]
fn the_wait_is_read_where_the_provider_says_it() {
    let mut limited = answer(429, "text/plain", "");
    let headers = limited.headers_mut();
    headers.insert("x-rate-limit-reset", "784111800".parse().unwrap());
    headers.insert("date", "Sun, 06 Nov 1994 08:49:37 GMT".parse().unwrap());
    assert_eq!(
        refused(&limited),
        Error::RateLimited {
            retry_after: Some(23),
            description: None
        }
    );
    let mut down = answer(503, "text/plain", "");
    down.headers_mut()
        .insert("retry-after", "9".parse().unwrap());
    assert_eq!(
        refused(&down),
        Error::Unavailable {
            status: 503,
            retry_after: Some(9),
            description: None
        }
    );
}

#[test]
fn an_operator_is_told_what_to_look_at() {
    let hint = |status: u16, error: &str, description: &str| {
        let body = json!({"error": error, "error_description": description});
        refused(&json_answer(status, &body)).hint().unwrap()
    };
    assert!(
        hint(400, "invalid_request", "The 'redirect_uri' is wrong.").contains("/auth/callback")
    );
    assert!(
        hint(
            400,
            "invalid_request",
            "The request_uri parameter must not be present."
        )
        .contains("pushed")
    );
    assert!(
        hint(
            401,
            "invalid_client",
            "The audience claim for client_assertion must be the endpoint invoked for the request."
        )
        .contains("audience")
    );
    assert!(hint(429, "x", "").contains("rate limits"));
    assert!(hint(503, "x", "").contains("later"));
    for status in [404, 405] {
        let error = refused(&answer(status, "text/html", ""));
        assert!(error.hint().unwrap().contains("pushed"));
    }
    let unauthorized = refused(&answer(401, "text/plain", "")).hint().unwrap();
    assert!(unauthorized.contains("client id"));
}

#[test]
fn a_provider_that_quotes_what_it_was_sent_is_not_repeated() {
    let pushed = push(ClientAuth::SecretPost(ClientSecret::new("hush hush")), &[]);
    let sent = cloakroom_oidc::redact::secrets_in(&pushed);
    for status in [400, 429, 503] {
        let body = json!({"error": "hush+hush", "error_description": "bad hush hush, hush%20hush, state-1 and nonce-1"});
        let error = refused(&json_answer(status, &body)).without(&sent);
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("hush"), "{shown}");
        assert!(
            !shown.contains("state-1") && !shown.contains("nonce-1"),
            "{shown}"
        );
    }
}
