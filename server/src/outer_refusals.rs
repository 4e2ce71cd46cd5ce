//! Gives the refusals of the outer layers (too large, too slow) the form that every other refusal has.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use cloakroom_bff::{Caller, Code, ERROR_HEADER, refusal_outside};
use http::StatusCode;

/// Replaces a bare 413, 500 or 503 of a layer by a problem document, or by a page for a person.
pub(crate) async fn dress(request: Request, next: Next) -> Response {
    let caller = Caller::of(request.headers());
    let response = next.run(request).await;
    let code = match response.status() {
        _ if response.headers().contains_key(ERROR_HEADER) => return response,
        StatusCode::PAYLOAD_TOO_LARGE => Code::BodyTooLarge,
        StatusCode::GATEWAY_TIMEOUT => Code::TooSlow,
        StatusCode::INTERNAL_SERVER_ERROR => Code::Internal,
        _ => return response,
    };
    refusal_outside(caller, code).into_response()
}
