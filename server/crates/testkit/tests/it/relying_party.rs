//! A relying party by hand: just enough to ask the provider for everything it has. It checks nothing.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use cloakroom_testkit::provider::Builder;
use cloakroom_testkit::{Browser, Provider, Response};
use serde_json::Value;

pub(crate) const REDIRECT_URI: &str = "http://localhost:3000/auth/callback";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const STATE: &str = "k1.0123456789abcdefghij.ABCDEFGHIJ_-";
pub(crate) const NONCE: &str = "n-0S6_WzA2Mj-of-128-bits-or-more";
pub(crate) const SCOPE: &str = "openid profile email groups offline_access";

/// A provider that knows [`REDIRECT_URI`], and a browser for it.
pub(crate) async fn provider() -> (Provider, Browser) {
    let provider = Provider::start().await;
    provider.register_app("http://localhost:3000");
    let browser = Browser::with_base(format!("{}/", provider.issuer()));
    (provider, browser)
}

/// A provider with choices of its own that knows [`REDIRECT_URI`], and a browser for it.
pub(crate) async fn started(builder: Builder) -> (Provider, Browser) {
    let provider = builder.start().await;
    provider.register_app("http://localhost:3000");
    let browser = Browser::with_base(format!("{}/", provider.issuer()));
    (provider, browser)
}

/// The parameters of a right authorization request.
pub(crate) fn authorization_request() -> Vec<(&'static str, String)> {
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes()));
    [
        ("client_id", Provider::CLIENT_ID),
        ("redirect_uri", REDIRECT_URI),
        ("response_type", "code"),
        ("scope", SCOPE),
        ("state", STATE),
        ("nonce", NONCE),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
}

/// The same, with one parameter replaced, added, or (where empty) left out.
pub(crate) fn authorization_request_with(
    name: &'static str,
    value: &str,
) -> Vec<(&'static str, String)> {
    let mut params = authorization_request();
    params.retain(|(known, _)| *known != name);
    if !value.is_empty() {
        params.push((name, value.to_owned()));
    }
    params
}

pub(crate) async fn authorize(browser: &Browser, params: &[(&'static str, String)]) -> Response {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(params)
        .finish();
    browser
        .get(format!("v1/authorize?{query}"))
        .navigate()
        .await
}

/// A code for a right request.
pub(crate) async fn code(browser: &Browser) -> String {
    authorize(browser, &authorization_request())
        .await
        .location_param("code")
        .unwrap()
}

/// The default client's Basic header.
pub(crate) fn basic() -> String {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!(
        "{}:{}",
        encode(Provider::CLIENT_ID),
        encode(Provider::CLIENT_SECRET)
    );
    format!("Basic {}", BASE64_STANDARD.encode(pair))
}

/// A token request with the default client's Basic header.
pub(crate) async fn token(browser: &Browser, fields: &[(&str, &str)]) -> Response {
    browser
        .post_form("v1/token", fields)
        .bare()
        .header("authorization", &basic())
        .await
}

/// The token request for `code`.
pub(crate) async fn exchange(browser: &Browser, code: &str) -> Response {
    token(browser, &exchange_fields(code)).await
}

pub(crate) fn exchange_fields(code: &str) -> [(&str, &str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ]
}

pub(crate) async fn refresh(browser: &Browser, token_value: &str) -> Response {
    token(
        browser,
        &[
            ("grant_type", "refresh_token"),
            ("refresh_token", token_value),
        ],
    )
    .await
}

/// A whole sign-in: the token answer's JSON.
pub(crate) async fn tokens(browser: &Browser) -> Value {
    exchange(browser, &code(browser).await).await.json()
}

pub(crate) fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer[name]
        .as_str()
        .unwrap_or_else(|| panic!("there is no {name} in {answer}"))
}

/// Header and claims of a compact JWS, unverified.
pub(crate) fn decoded(jwt: &str) -> (Value, Value) {
    let mut parts = jwt
        .split('.')
        .map(|part| BASE64_URL_SAFE_NO_PAD.decode(part).unwrap());
    let mut json = || serde_json::from_slice(&parts.next().unwrap()).unwrap();
    (json(), json())
}

/// The same, where they are what they should be.
pub(crate) fn try_decoded(jwt: &str) -> Option<(Value, Value)> {
    let mut parts = jwt
        .split('.')
        .map(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok());
    let mut json = || serde_json::from_slice(&parts.next()??).ok();
    Some((json()?, json()?))
}
