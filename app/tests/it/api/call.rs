//! Calls: what is sent and where it may go.

use std::collections::HashMap;

use app::api::{ApiError, Call, Method, get};
use serde::Serialize;

#[derive(Serialize)]
struct Order {
    number: u64,
}

#[test]
fn a_body_is_json() {
    let body = Order { number: 7 };
    let call = Call::with_body(Method::Post, "/api/orders?draft=1", &body).expect("JSON");
    assert_eq!(call.method().as_str(), "POST");
    assert_eq!(call.path(), "/api/orders?draft=1");
    assert_eq!(call.body(), Some(r#"{"number":7}"#));
    let of_bytes = HashMap::from([(vec![1_u8], 1)]);
    assert_eq!(
        Call::with_body(Method::Post, "/api/orders", &of_bytes),
        Err(ApiError::ParameterMalformed),
        "JSON has no such names"
    );
}

#[test]
fn what_people_wrote_stays_out_of_logs() {
    let call = Call::with_body(Method::Put, "/api/notes?q=private", "my secret").expect("JSON");
    let text = format!("{call:?}");
    assert!(
        !text.contains("secret") && !text.contains("private"),
        "{text}"
    );
    assert!(text.contains("/api/notes"), "{text}");
}

/// Waits for what does not wait.
fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(value) => Some(value),
        std::task::Poll::Pending => None,
    }
}

#[test]
fn only_what_is_under_api_is_called() {
    for path in [
        "",
        "/",
        "/messages",
        "/api",
        "/api/",
        "/api//messages",
        "/api/?x=1",
        "/api/orders?x=1",
        "api/orders/1",
        "https://evil.example/api/orders/1",
        "//evil.example/api/orders/1",
        "/auth/logout",
    ] {
        let call = Call::new(Method::Delete, path);
        assert_eq!(
            at_once(call.send::<()>()),
            Some(Err(ApiError::RouteNotAllowed)),
            "{path}"
        );
    }
}

#[test]
fn outside_of_a_request_there_is_nobody_to_call_for() {
    for path in ["/api/orders", "/api/orders/", "/api/orders/1?x=/2"] {
        assert_eq!(
            at_once(get::<()>(path)),
            Some(Err(ApiError::Internal)),
            "{path}"
        );
    }
}
