//! What an answer other than success says (RFC 6749 section 5.2, RFC 6585 section 4, RFC 9110 sections 10.2.3 and 11.6.1, and Okta's own error shape).

use bytes::Bytes;
use http::header::{HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
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
    /// 401 that says no more than that: the client's credentials were not accepted (RFC 6749 section 5.2).
    Unauthorized,
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
        .and_then(|body| error_object(&body))
        .or_else(|| challenge(response.headers()));
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
        None if status.as_u16() == 401 => Refusal::Unauthorized,
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

/// What a challenge says, for answers without a body: `error` and `error_description` (RFC 6750 section 3, whose
/// attributes token endpoints use too).
fn challenge(headers: &HeaderMap) -> Option<(String, Option<String>)> {
    headers
        .get_all(WWW_AUTHENTICATE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .find_map(|value| {
            let error = attribute(value, "error").filter(|error| !error.is_empty())?;
            let description = attribute(value, "error_description");
            Some((
                text::bounded(&error, text::NAME),
                description.map(|words| text::bounded(&words, text::DESCRIPTION)),
            ))
        })
}

/// One attribute of a challenge, a token or a quoted string (RFC 9110 sections 5.6.4 and 11.2).
fn attribute(challenge: &str, name: &str) -> Option<String> {
    let mut rest = challenge;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',', '=', '"']);
        let end = rest.find([' ', '\t', ',', '=']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if word.is_empty() {
            return None;
        }
        // A scheme is a word without a value.
        let Some(after) = after.strip_prefix('=') else {
            rest = after;
            continue;
        };
        let (value, after) = value(after);
        if word.eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = after;
    }
}

fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([' ', '\t', ',']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut escaped = false;
    for (at, c) in quoted.char_indices() {
        match c {
            _ if escaped => {
                value.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return (value, &quoted[at + 1..]),
            _ => value.push(c),
        }
    }
    (value, "")
}

/// Seconds to wait: `Retry-After` (RFC 9110 section 10.2.3), else Okta's `X-Rate-Limit-Reset`, an epoch second. Times
/// are measured against the answer's own `Date`, so that no two clocks have to agree; one that has passed says nothing.
fn retry_after(headers: &HeaderMap) -> Option<u64> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let until = |time: u64| time.checked_sub(imf_fixdate(text(http::header::DATE)?)?);
    let stated = || {
        let value = text(RETRY_AFTER)?;
        value
            .parse::<u64>()
            .ok()
            .or_else(|| until(imf_fixdate(value)?))
    };
    let reset = || {
        let value = text(HeaderName::from_static("x-rate-limit-reset"))?;
        until(value.parse::<u64>().ok()?)
    };
    stated()
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
