//! What an answer other than success says (RFC 6749 section 5.2, RFC 6585 section 4, and Okta's own error shape).

use bytes::Bytes;
use http::header::{HeaderName, RETRY_AFTER};
use http::{HeaderMap, Response};
use serde_json::{Map, Value};

use crate::{json, text};

/// The longest wait that is believed, in seconds.
const LONGEST_WAIT: u64 = 3600;

/// The kinds of refusal that callers treat differently.
pub(crate) enum Refusal {
    /// 429, whatever the body says: Okta sends `invalid_grant` with it, and the grant is still good.
    RateLimited {
        retry_after: Option<u64>,
        description: Option<String>,
    },
    /// A server error, or an OAuth error that says so.
    Unavailable {
        retry_after: Option<u64>,
        description: Option<String>,
    },
    /// An error object of RFC 6749, or of Okta's, in which case `error` is Okta's own code.
    Oauth {
        error: String,
        description: Option<String>,
    },
    /// 3xx: never followed, for it would carry credentials elsewhere.
    Redirect,
    /// Nothing of these: HTML, empty, or JSON of another shape.
    Unreadable,
}

/// Sorts an answer that is not a success. The content type is not asked: no text out of it is trusted.
pub(crate) fn classify(response: &Response<Bytes>) -> Refusal {
    let status = response.status();
    if status.is_redirection() {
        return Refusal::Redirect;
    }
    let error = json::parse_object(response.body(), json::MAX_BYTES)
        .ok()
        .and_then(|body| error_object(&body));
    let description = || {
        error
            .as_ref()
            .and_then(|(_, description)| description.clone())
    };
    // E0000047 is Okta's rate limit, also where a gateway changed the status.
    let limited = error.as_ref().is_some_and(|(code, _)| code == "E0000047");
    if status.as_u16() == 429 || limited {
        return Refusal::RateLimited {
            retry_after: retry_after(response.headers()),
            description: description(),
        };
    }
    let down = error.as_ref().is_some_and(|(code, _)| {
        matches!(code.as_str(), "server_error" | "temporarily_unavailable")
    });
    if status.is_server_error() || down {
        return Refusal::Unavailable {
            retry_after: retry_after(response.headers()),
            description: description(),
        };
    }
    match error {
        Some((error, description)) => Refusal::Oauth { error, description },
        None => Refusal::Unreadable,
    }
}

/// The code and description of an error object, in either shape.
pub(crate) fn error_object(body: &Map<String, Value>) -> Option<(String, Option<String>)> {
    let of = |code: &str, description: &str| {
        let code = body.get(code)?.as_str().filter(|code| !code.is_empty())?;
        let description = body.get(description).and_then(Value::as_str);
        Some((
            text::bounded(code, text::NAME),
            description.map(|words| text::bounded(words, text::DESCRIPTION)),
        ))
    };
    of("error", "error_description").or_else(|| of("errorCode", "errorSummary"))
}

/// Seconds to wait: `Retry-After` in seconds (RFC 9110 section 10.2.3), else Okta's `X-Rate-Limit-Reset`,
/// an epoch second, measured against the answer's own `Date` so that no two clocks have to agree.
fn retry_after(headers: &HeaderMap) -> Option<u64> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok();
    let stated = text(RETRY_AFTER).and_then(|value| value.trim().parse::<u64>().ok());
    let reset = || {
        let reset = text(HeaderName::from_static("x-rate-limit-reset"))?
            .trim()
            .parse::<u64>()
            .ok()?;
        let date = imf_fixdate(text(http::header::DATE)?)?;
        reset.checked_sub(date)
    };
    stated
        .or_else(reset)
        .map(|seconds| seconds.min(LONGEST_WAIT))
}

/// An HTTP date in its one current form, `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7), as Unix seconds.
fn imf_fixdate(value: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let mut words = value.split_once(", ")?.1.split(' ');
    let day: u64 = words.next()?.parse().ok()?;
    let name = words.next()?;
    let month = MONTHS.iter().position(|month| *month == name)? as u64 + 1;
    let year: u64 = words.next()?.parse().ok()?;
    let mut clock = words
        .next()?
        .split(':')
        .map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if words.next() != Some("GMT") || !(1970..=9999).contains(&year) || !(1..=31).contains(&day) {
        return None;
    }
    // Days since 1970 in the proleptic Gregorian calendar, with the year begun in March so that the leap
    // day is the last one.
    let (y, m) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1;
    let since_epoch = days.checked_sub(719_468)?;
    Some(since_epoch * 86_400 + hour.min(23) * 3600 + minute.min(59) * 60 + second.min(60))
}
