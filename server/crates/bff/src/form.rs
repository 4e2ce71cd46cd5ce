//! Forms that other sites post here: the provider's answer (OAuth 2.0 Form Post Response Mode section 2) and
//! third-party-initiated login (OpenID Connect Core section 4). Read before any handler sees the request, bounded, and
//! kept as the text that came.

use axum::body::Body;
use axum::extract::Request;
use futures_util::StreamExt as _;
use http::{HeaderMap, header};

use crate::code::Code;
use crate::query;

/// The largest form, in bytes.
pub(crate) const MAX_BYTES: usize = 32 * 1024;

/// Takes the form out of a request, each of its parameters at most once and in UTF-8. What is left has no body, so that
/// no framework reads it in a way of its own. Where its parameters are not as they should be, the text comes with the
/// code: it may still say where to go back to.
pub(crate) async fn take(request: &mut Request) -> Result<String, (Code, String)> {
    let body = std::mem::replace(request.body_mut(), Body::empty());
    if !is_form(request.headers()) {
        return Err((Code::ParameterMalformed, String::new()));
    }
    let mut chunks = body.into_data_stream();
    let mut form = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| (Code::ParameterMalformed, String::new()))?;
        if form.len() + chunk.len() > MAX_BYTES {
            return Err((Code::BodyTooLarge, String::new()));
        }
        form.extend_from_slice(&chunk);
    }
    let form = String::from_utf8(form).map_err(|_| (Code::ParameterMalformed, String::new()))?;
    match query::check(&form) {
        Ok(()) => Ok(form),
        Err(code) => Err((code, form)),
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(only), None) = (types.next(), types.next()) else {
        return false;
    };
    only.to_str().is_ok_and(|text| {
        text.split(';').next().is_some_and(|essence| {
            essence
                .trim()
                .eq_ignore_ascii_case("application/x-www-form-urlencoded")
        })
    })
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::extract::Request;
    use http::header::CONTENT_TYPE;

    use super::{MAX_BYTES, take};
    use crate::code::Code;

    async fn taken(content_type: &str, body: impl Into<Body>) -> Result<String, Code> {
        let mut request = Request::new(body.into());
        request
            .headers_mut()
            .insert(CONTENT_TYPE, content_type.parse().expect("a header"));
        take(&mut request).await.map_err(|(code, _)| code)
    }

    #[tokio::test]
    async fn a_form_is_taken_as_it_came() {
        let form = "code=a%20b&state=c";
        for content_type in [
            "application/x-www-form-urlencoded",
            "Application/X-WWW-Form-Urlencoded; charset=UTF-8",
        ] {
            assert_eq!(taken(content_type, form).await.as_deref(), Ok(form));
        }
    }

    #[tokio::test]
    async fn what_is_no_form_or_too_much_is_refused() {
        const FORM: &str = "application/x-www-form-urlencoded";
        for (content_type, body, code) in [
            (
                "multipart/form-data; boundary=x",
                "code=a".to_owned(),
                Code::ParameterMalformed,
            ),
            ("text/plain", "code=a".to_owned(), Code::ParameterMalformed),
            (FORM, "code=a&code=b".to_owned(), Code::ParameterRepeated),
            (FORM, "code=%ff".to_owned(), Code::ParameterMalformed),
            (
                FORM,
                format!("code={}", "a".repeat(9_000)),
                Code::ParameterTooLong,
            ),
            (FORM, "a".repeat(MAX_BYTES + 1), Code::BodyTooLarge),
        ] {
            assert_eq!(taken(content_type, body).await, Err(code));
        }
        assert_eq!(
            taken(FORM, b"code=\xff".to_vec()).await,
            Err(Code::ParameterMalformed)
        );
    }

    #[tokio::test]
    async fn nothing_of_it_is_left_for_anybody_else() {
        let mut request = Request::new(Body::from("code=a"));
        request.headers_mut().insert(
            CONTENT_TYPE,
            http::HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        take(&mut request).await.expect("a form");
        let left = axum::body::to_bytes(std::mem::take(request.body_mut()), 100)
            .await
            .expect("a body");
        assert!(left.is_empty());
    }
}
