//! Signing out at the provider.

use cloakroom_oidc::{EndSessionRequest, IdToken};
use serde_json::json;

use crate::support::{CLIENT_ID, metadata, metadata_with, pairs};

const HOME: &str = "https://app.example.com/";

#[test]
fn oidcc_client_test_rp_init_logout() {
    let id_token = IdToken::new("a.b.c");
    let url = EndSessionRequest {
        id_token_hint: Some(&id_token),
        client_id: CLIENT_ID,
        post_logout_redirect_uri: HOME,
        state: Some("s&1"),
    }
    .url(&metadata())
    .unwrap();
    assert_eq!(url.path(), "/oauth2/default/v1/logout");
    assert_eq!(
        url.query_pairs().into_owned().collect::<Vec<_>>(),
        pairs(&[
            ("id_token_hint", "a.b.c"),
            ("client_id", CLIENT_ID),
            ("post_logout_redirect_uri", HOME),
            ("state", "s&1"),
        ])
    );
}

#[test]
fn without_hint_and_state_the_endpoints_own_query_stays() {
    let metadata = metadata_with(json!({"end_session_endpoint": "https://id.example.com/out?t=1"}));
    let request = EndSessionRequest {
        id_token_hint: None,
        client_id: CLIENT_ID,
        post_logout_redirect_uri: HOME,
        state: None,
    };
    assert_eq!(
        request.url(&metadata).unwrap().as_str(),
        "https://id.example.com/out?t=1&client_id=client-1&post_logout_redirect_uri=https%3A%2F%2Fapp.example.com%2F"
    );
    let none = metadata_with(json!({"end_session_endpoint": null}));
    assert!(request.url(&none).is_none());
}

#[test]
fn debug_hides_the_hint() {
    let id_token = IdToken::new("hush");
    let request = EndSessionRequest {
        id_token_hint: Some(&id_token),
        client_id: CLIENT_ID,
        post_logout_redirect_uri: HOME,
        state: None,
    };
    assert!(!format!("{request:?}").contains("hush"));
}
