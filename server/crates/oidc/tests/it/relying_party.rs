//! How the client proves itself.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use cloakroom_oidc::token_request::refresh_token;
use cloakroom_oidc::{
    ClientAuth, ClientKeyOptions, ClientKeys, ClientSecret, RefreshToken, RelyingParty, SecretJwt,
};
use http::Request;
use proptest::prelude::*;
use serde_json::json;

use crate::support::{CLIENT_ID, client, form, fresh, metadata, metadata_with, pairs};

fn secret_jwt() -> ClientAuth {
    ClientAuth::SecretJwt(SecretJwt::new(ClientSecret::new("x".repeat(32)), None).unwrap())
}

fn private_key_jwt() -> ClientAuth {
    let file = include_bytes!("../keys/rfc7515-a3.jwk.json");
    let keys = ClientKeys::parse(file, &ClientKeyOptions::default()).unwrap();
    ClientAuth::PrivateKeyJwt(Arc::new(keys))
}

fn request(client: &RelyingParty) -> Request<Bytes> {
    refresh_token(
        &metadata(),
        client,
        &RefreshToken::new("r"),
        None,
        None,
        fresh(),
    )
    .unwrap()
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
    assert_eq!(secret_jwt().method(), "client_secret_jwt");
    assert_eq!(private_key_jwt().method(), "private_key_jwt");
}

#[test]
fn the_methods_that_know_a_secret_say_it_for_hs256_id_tokens() {
    let secret = || ClientSecret::new("x");
    for (auth, has_one) in [
        (ClientAuth::SecretBasic(secret()), true),
        (ClientAuth::SecretPost(secret()), true),
        (secret_jwt(), true),
        (private_key_jwt(), false),
        (ClientAuth::None, false),
    ] {
        assert_eq!(auth.secret().is_some(), has_one, "{auth:?}");
    }
}

#[test]
fn whether_the_provider_lists_the_method_can_be_asked() {
    let secret = || ClientSecret::new("x");
    let listing = |names: serde_json::Value| {
        metadata_with(json!({"token_endpoint_auth_methods_supported": names}))
    };
    let basic = ClientAuth::SecretBasic(secret());
    let post = ClientAuth::SecretPost(secret());
    // Left out, the list means client_secret_basic alone.
    assert!(basic.is_method_listed(&metadata()) && !post.is_method_listed(&metadata()));
    assert!(!private_key_jwt().is_method_listed(&metadata()));
    let both = listing(json!(["client_secret_post", "private_key_jwt"]));
    assert!(post.is_method_listed(&both) && private_key_jwt().is_method_listed(&both));
    assert!(!basic.is_method_listed(&both) && !secret_jwt().is_method_listed(&both));
    assert!(ClientAuth::None.is_method_listed(&listing(json!(["none"]))));
}

#[test]
fn a_request_to_another_endpoint_names_the_client_once() {
    for auth in [
        ClientAuth::SecretBasic(ClientSecret::new("x")),
        ClientAuth::SecretPost(ClientSecret::new("x")),
        secret_jwt(),
        private_key_jwt(),
        ClientAuth::None,
    ] {
        let metadata = metadata();
        let endpoint = metadata.introspection_endpoint.as_ref().unwrap();
        let parameters = [("token", "t"), ("client_id", CLIENT_ID)];
        let request = client(auth)
            .post(&metadata, endpoint, &parameters, fresh())
            .unwrap();
        let named = form(&request)
            .iter()
            .filter(|(name, _)| name == "client_id")
            .count();
        assert_eq!(named, 1);
        assert_eq!(form(&request)[..2], pairs(&parameters));
    }
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
