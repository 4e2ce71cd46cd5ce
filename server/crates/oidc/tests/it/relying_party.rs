//! How the client proves itself.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use cloakroom_oidc::token_request::refresh_token;
use cloakroom_oidc::{ClientAuth, ClientSecret, RefreshToken, RelyingParty};
use http::Request;
use proptest::prelude::*;

use crate::support::{CLIENT_ID, client, form, fresh, metadata, pairs};

fn request(client: &RelyingParty) -> Request<Bytes> {
    refresh_token(&metadata(), client, &RefreshToken::new("r"), None, fresh()).unwrap()
}

/// What the header holds, once base64 is off.
fn basic(id: &str, secret: &str) -> String {
    let client = RelyingParty::new(id, ClientAuth::SecretBasic(ClientSecret::new(secret)), "");
    let request = request(&client);
    let value = request.headers()["authorization"].to_str().unwrap();
    String::from_utf8(
        STANDARD
            .decode(value.strip_prefix("Basic ").unwrap())
            .unwrap(),
    )
    .unwrap()
}

#[test]
fn oidcc_client_test_client_secret_basic() {
    assert_eq!(basic("0oa1-X_y.z~", "s3cret"), "0oa1-X_y.z~:s3cret");
    let request = request(&client(ClientAuth::SecretBasic(ClientSecret::new("hush"))));
    assert_eq!(
        form(&request),
        pairs(&[("grant_type", "refresh_token"), ("refresh_token", "r")])
    );
    assert!(request.headers()["authorization"].is_sensitive());
}

#[test]
fn id_and_secret_are_form_encoded_first_and_only_what_must_be() {
    assert_eq!(basic("a:b", "+ %:é"), "a%3Ab:%2B+%25%3A%C3%A9");
    assert_eq!(basic("*'()!", "/=&\"\n"), "%2A%27%28%29%21:%2F%3D%26%22%0A");
}

#[test]
fn client_secret_post_puts_both_into_the_form_and_nothing_into_the_header() {
    let request = request(&client(ClientAuth::SecretPost(ClientSecret::new("+ %:é&"))));
    assert!(!request.headers().contains_key("authorization"));
    assert_eq!(
        form(&request)[2..],
        pairs(&[("client_id", CLIENT_ID), ("client_secret", "+ %:é&")])
    );
}

#[test]
fn a_public_client_only_says_who_it_is() {
    let request = request(&client(ClientAuth::None));
    assert!(!request.headers().contains_key("authorization"));
    assert_eq!(form(&request)[2..], pairs(&[("client_id", CLIENT_ID)]));
}

#[test]
fn methods_have_their_registered_names() {
    let secret = || ClientSecret::new("x");
    assert_eq!(
        ClientAuth::SecretBasic(secret()).method(),
        "client_secret_basic"
    );
    assert_eq!(
        ClientAuth::SecretPost(secret()).method(),
        "client_secret_post"
    );
    assert_eq!(ClientAuth::None.method(), "none");
    assert!(
        ClientAuth::None.secret().is_none() && ClientAuth::SecretPost(secret()).secret().is_some()
    );
}

proptest! {
    #[test]
    fn whatever_the_secret_a_server_that_decodes_gets_it_back(id in ".{0,40}", secret in ".{0,40}") {
        let header = basic(&id, &secret);
        let (left, right) = header.split_once(':').unwrap();
        prop_assert!(!right.contains(':'), "the colon between the two is the only one");
        let decode = |text: &str| -> String {
            let decoded = form_urlencoded::parse(text.as_bytes()).next();
            decoded.map(|(name, _)| name.into_owned()).unwrap_or_default()
        };
        prop_assert_eq!(decode(left), id);
        prop_assert_eq!(decode(right), secret);
        prop_assert!(header.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%+:".contains(&b)));
    }
}
