//! The token endpoint's faults: answers in place of an honest one (RFC 6749, section 5.2; Okta's own shapes), and
//! what spoils an honest one (RFC 6749, section 5.1; RFC 8259).

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Fault;
use super::body::{cut_off, dripping, gzip};
use super::http::{json_text, no_store_json, oauth_error, page, redirect};
use super::id_token_faults::deep;
use super::state::Shared;

/// [`Fault::TokenHuge`], in bytes.
const HUGE: usize = 10_000_000;

/// The faults that answer without carrying the request out.
pub(super) fn refusal(shared: &Shared, fault: &Fault, now: u64) -> Option<Response> {
    Some(match fault {
        Fault::Token400(error) => oauth_error(
            StatusCode::BAD_REQUEST,
            error,
            "The test asked for this error.",
        ),
        Fault::Token401 => oauth_error(
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            "Client authentication failed.",
        ),
        Fault::Token401Empty => StatusCode::UNAUTHORIZED.into_response(),
        Fault::Token400Empty => StatusCode::BAD_REQUEST.into_response(),
        Fault::Token400Array => no_store_json(
            StatusCode::BAD_REQUEST,
            &json!([{"error": "invalid_grant"}]),
        ),
        Fault::Token403 => page(StatusCode::FORBIDDEN, "The gateway does not let you pass."),
        Fault::Token503 => {
            let answer = page(
                StatusCode::SERVICE_UNAVAILABLE,
                "The provider is being upgraded.",
            );
            ([(header::RETRY_AFTER, "7")], answer).into_response()
        }
        Fault::Token200Empty => StatusCode::OK.into_response(),
        Fault::TokenError200 => {
            let body =
                json!({"error": "invalid_grant", "error_description": "With the wrong status."});
            no_store_json(StatusCode::OK, &body)
        }
        Fault::TokenErrorMarkup => {
            let ugly = "<script>alert(1)</script>\r\nSet-Cookie: a=b\u{0}\u{1b}[31m\u{202e}";
            let body = json!({
                "error": format!("invalid_grant{ugly}"),
                "error_description": format!("{ugly}{}", "A".repeat(20_000)),
                "error_uri": "javascript:alert(1)",
            });
            no_store_json(StatusCode::BAD_REQUEST, &body)
        }
        Fault::Token302 => redirect(StatusCode::FOUND, &format!("{}/sign-on", shared.origin)),
        Fault::Token500 => page(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Something went wrong at the provider.",
        ),
        Fault::TokenHtml => page(StatusCode::OK, "A page of the company's proxy."),
        Fault::TokenRedirect => redirect(
            StatusCode::TEMPORARY_REDIRECT,
            &format!("{}/v1/elsewhere", shared.issuer),
        ),
        Fault::TokenNotJson => json_text(
            StatusCode::OK,
            "access_token=not-json&token_type=Bearer".to_owned(),
        ),
        Fault::Token429InvalidGrant => {
            let description = "API call exceeded rate limit due to too many requests.";
            oauth_error(StatusCode::TOO_MANY_REQUESTS, "invalid_grant", description)
        }
        Fault::OktaJsonError => rate_limited(Some(now + 60)),
        Fault::RateLimitedWithoutReset => rate_limited(None),
        Fault::RateLimitedResetInPast => rate_limited(Some(now.saturating_sub(3_600))),
        Fault::RateLimitedResetAbsurd => rate_limited(Some(now + 100 * 365 * 24 * 3_600)),
        _ => return None,
    })
}

/// 429 in Okta's JSON, which is not OAuth's (okta.md A11, A12), with the time of the reset in Unix seconds.
fn rate_limited(reset: Option<u64>) -> Response {
    let body = json!({
        "errorCode": "E0000047",
        "errorSummary": "API call exceeded rate limit due to too many requests.",
        "errorLink": "E0000047",
        "errorId": "oaetestkit",
        "errorCauses": [],
    });
    let answer = no_store_json(StatusCode::TOO_MANY_REQUESTS, &body);
    let Some(reset) = reset else { return answer };
    let limits = [
        ("x-rate-limit-limit", "60".to_owned()),
        ("x-rate-limit-remaining", "0".to_owned()),
        ("x-rate-limit-reset", reset.to_string()),
    ];
    (limits, answer).into_response()
}

/// The faults that spoil an honest answer.
pub(super) fn spoiled(shared: &Shared, mut body: Value, fault: Option<&Fault>) -> Response {
    let Some(fault) = fault else {
        return no_store_json(StatusCode::OK, &body);
    };
    if let Some((name, value)) = changed_member(fault) {
        body[name] = value;
    }
    if let (Some(name), Some(members)) = (missing_member(fault), body.as_object_mut()) {
        members.remove(name);
    }
    if *fault == Fault::ExtraMembers {
        body["device_secret"] = json!("another-secret-for-nobody");
        body["urn:example:later"] = json!({"nested": [1, null]});
    }
    let text = body.to_string();
    match fault {
        Fault::TokenAnswerLost => cut_off(text.into_bytes()),
        Fault::TokenDrip => dripping(shared, text.into_bytes()),
        Fault::TokenGzip => {
            let headers = [
                (header::CONTENT_TYPE, "application/json"),
                (header::CONTENT_ENCODING, "gzip"),
                (header::CACHE_CONTROL, "no-store"),
            ];
            (headers, gzip(text.as_bytes())).into_response()
        }
        Fault::TokenWrongContentType => {
            let content_type = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
            (content_type, text).into_response()
        }
        Fault::TokenArray => json_text(StatusCode::OK, format!("[{text}]")),
        Fault::TokenBom => json_text(StatusCode::OK, format!("\u{feff}{text}")),
        Fault::TokenDeep => {
            let deep = format!("{{\"deep\":{},", deep());
            json_text(StatusCode::OK, text.replacen('{', &deep, 1))
        }
        Fault::DuplicateMember => {
            let twice = text.replacen('{', "{\"access_token\":\"the-other-one\",", 1);
            json_text(StatusCode::OK, twice)
        }
        // No JSON value holds it: written into the text.
        Fault::ExpiresInInfinite => {
            json_text(StatusCode::OK, text.replacen("\"infinite\"", "1e400", 1))
        }
        _ => json_text(StatusCode::OK, text),
    }
}

fn changed_member(fault: &Fault) -> Option<(&'static str, Value)> {
    Some(match fault {
        Fault::TokenHuge => ("padding", json!("A".repeat(HUGE))),
        Fault::TokenTypeMac => ("token_type", json!("mac")),
        Fault::TokenTypeCase => ("token_type", json!("bEARER")),
        Fault::ExpiresInString => ("expires_in", json!("3600")),
        Fault::ExpiresInNegative => ("expires_in", json!(-1)),
        Fault::ExpiresInFraction => ("expires_in", json!(3_599.5)),
        Fault::ExpiresInInfinite => ("expires_in", json!("infinite")),
        Fault::AccessTokenNumber => ("access_token", json!(12_345)),
        Fault::EmptyAccessToken => ("access_token", json!("")),
        Fault::IdTokenNumber => ("id_token", json!(12_345)),
        Fault::RefreshTokenNumber => ("refresh_token", json!(12_345)),
        _ => return None,
    })
}

fn missing_member(fault: &Fault) -> Option<&'static str> {
    Some(match fault {
        Fault::NoTokenType => "token_type",
        Fault::NoExpiresIn => "expires_in",
        Fault::NoAccessToken => "access_token",
        Fault::NoIdToken => "id_token",
        Fault::NoScopeInAnswer => "scope",
        Fault::NoRefreshToken => "refresh_token",
        _ => return None,
    })
}
