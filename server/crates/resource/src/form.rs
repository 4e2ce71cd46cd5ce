//! Tokens in forms (RFC 6750 section 2.2), which this server does not take: whoever sends one is told so.

use std::any::Any;

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use futures_util::stream;
use http::Method;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;

use crate::denied::Denied;

/// The largest form that is looked into, in bytes.
const LARGEST: usize = 16 * 1024;

/// Refuses a form with an `access_token` in it. Looked into are forms of declared length up to 16 KiB whose body is
/// axum's; in any other a token goes unnoticed, and counts for nothing all the same.
pub(crate) async fn refuse_token<B: Send + 'static>(
    parts: &Parts,
    body: &mut B,
) -> Result<(), Denied> {
    if !is_small_form(parts) {
        return Ok(());
    }
    let Some(body) = (body as &mut dyn Any).downcast_mut::<Body>() else {
        return Ok(());
    };
    match to_bytes(std::mem::take(body), LARGEST).await {
        Ok(bytes) => {
            let has_token = form_urlencoded::parse(&bytes).any(|(name, _)| name == "access_token");
            *body = Body::from(bytes);
            if has_token {
                Err(Denied::TokenInBody)
            } else {
                Ok(())
            }
        }
        Err(error) => {
            // The application meets the same error that it would have met without this.
            let broken = stream::once(async { Err::<Bytes, _>(error) });
            *body = Body::from_stream(broken);
            Ok(())
        }
    }
}

fn is_small_form(parts: &Parts) -> bool {
    let header = |name| parts.headers.get(name)?.to_str().ok();
    let media_type = header(CONTENT_TYPE).and_then(|value| value.split(';').next());
    let is_form = media_type.is_some_and(|media_type| {
        let form = "application/x-www-form-urlencoded";
        media_type.trim().eq_ignore_ascii_case(form)
    });
    let length = header(CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
    is_form && parts.method != Method::GET && length.is_some_and(|length| length <= LARGEST)
}
