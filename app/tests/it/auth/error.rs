//! Errors on the wire: server functions and problem documents (RFC 9457) read alike.

use app::auth::AuthError;
use cloakroom_bff::Code;
use leptos::server_fn::Bytes;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};

fn decode(body: &str) -> AuthError {
    AuthError::de(Bytes::from(body.to_owned()))
}

#[test]
fn every_error_comes_back_from_the_wire_as_it_went() {
    for error in AuthError::ALL {
        assert_eq!(AuthError::de(error.ser()), *error);
        assert_eq!(AuthError::from_code(error.code()), *error);
    }
}

#[test]
fn codes_are_those_of_the_counter() {
    for error in AuthError::ALL
        .iter()
        .filter(|error| **error != AuthError::Unreachable)
    {
        assert!(
            Code::parse(error.code()).is_some(),
            "{} is not a code of the counter",
            error.code()
        );
    }
    assert!(
        Code::parse(AuthError::Unreachable.code()).is_none(),
        "only a browser can say this"
    );
}

#[test]
fn a_problem_document_is_read_by_its_code() {
    let problem = r#"{"type":"about:blank","title":"The sign-in service does not answer","status":503,"detail":"..","code":"provider_down","ref":"r1"}"#;
    assert_eq!(decode(problem), AuthError::ProviderDown);
    assert_eq!(
        decode(r#"{"status":401,"code":"signed_out","sign_in":"/auth/login"}"#),
        AuthError::SignedOut
    );
}

#[test]
fn what_cannot_be_read_is_an_error_of_ours_and_says_nothing_of_itself() {
    for body in [
        "",
        "<html>502 Bad Gateway</html>",
        "{}",
        r#"{"code":7}"#,
        r#"{"code":"of_tomorrow"}"#,
        "\"signed_out\"",
    ] {
        assert_eq!(decode(body), AuthError::Internal, "{body}");
    }
}

#[test]
fn a_request_that_never_arrived_is_told_from_one_that_failed() {
    let secret = || "https://host/?code=abc".to_owned();
    assert_eq!(
        AuthError::from_server_fn_error(ServerFnErrorErr::Request(secret())),
        AuthError::Unreachable
    );
    assert_eq!(
        AuthError::from_server_fn_error(ServerFnErrorErr::ServerError(secret())),
        AuthError::Internal
    );
    assert_eq!(
        AuthError::from_server_fn_error(ServerFnErrorErr::Args(secret())),
        AuthError::ParameterMalformed
    );
}

#[test]
fn the_wire_holds_the_code_and_nothing_else() {
    assert_eq!(
        AuthError::StoreDown.ser(),
        Bytes::from_static(br#"{"code":"store_down"}"#)
    );
}
