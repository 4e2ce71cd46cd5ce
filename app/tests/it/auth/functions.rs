//! Where the server functions are, and what their typed calls read.

use app::auth::{Callback, CallbackFormPost, Destination, Done, Empty, Login, Logout, MyClaims};
use leptos::server_fn::{Bytes, Decodes, Encodes, ServerFn};

#[test]
fn server_functions_are_at_the_addresses_of_the_contract() {
    assert_eq!(Login::PATH, "/auth/login");
    assert_eq!(Callback::PATH, "/auth/callback");
    assert_eq!(CallbackFormPost::PATH, "/auth/callback");
    assert_eq!(Logout::PATH, "/auth/logout");
    assert_eq!(MyClaims::PATH, "/_fn/profile");
}

#[test]
fn every_server_function_is_found_with_its_method() {
    let mut found: Vec<_> = leptos::server_fn::axum::server_fn_paths()
        .map(|(path, method)| format!("{method} {path}"))
        // Those of these tests.
        .filter(|function| !function.contains("/_fn/test/"))
        .collect();
    found.sort();
    assert_eq!(
        found,
        [
            "GET /_fn/messages",
            "GET /_fn/profile",
            "GET /auth/callback",
            "GET /auth/login",
            "POST /_fn/messages/clear",
            "POST /_fn/messages/send",
            "POST /auth/callback",
            "POST /auth/logout"
        ]
    );
}

#[test]
fn the_typed_sign_in_reads_the_address_that_the_counter_answers() {
    let answer: Destination =
        serde_json::from_str(r#"{"location":"https://op.example/authorize?a=b"}"#)
            .expect("a destination");
    assert_eq!(answer.location, "https://op.example/authorize?a=b");
}

#[test]
fn the_typed_sign_out_is_done_by_an_answer_without_a_body() {
    assert_eq!(Empty::decode(Bytes::new()), Ok(Done));
    assert_eq!(Empty::encode(&Done), Ok(Bytes::new()));
}
