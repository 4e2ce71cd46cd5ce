//! The `Cookie` headers of a request (RFC 6265bis section 5, draft-ietf-oauth-browser-based-apps section 6.1.3.2).

use cloakroom_vault::Ticket;
use http::{HeaderMap, HeaderValue, header};
use percent_encoding::percent_decode;
use tower_sessions::cookie::Cookie;

use crate::cookies::Cookies;
use crate::public_url::PublicUrl;
use crate::settings::ResponseMode;
use crate::transaction::Binding;

/// Each line is one header. Whether a session's ticket was believed, over https or on loopback.
pub fn cookies(data: &[u8]) -> bool {
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n').take(64) {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(header::COOKIE, value);
        }
    }
    let believed =
        ["https://app.example.com", "http://localhost:3000"].map(|url| check(url, &headers));
    believed.contains(&true)
}

fn check(url: &str, headers: &HeaderMap) -> bool {
    let public_url = PublicUrl::parse(url).expect("a public URL");
    let cookies = Cookies::new(&public_url, ResponseMode::Query);
    let name = cookies.session_name();
    check_once(name, cookies.session(headers), headers);
    let presented = cookies.presented(headers);
    assert!(presented.len() <= 8);
    let ticket = cookies
        .session(headers)
        .filter(|value| Ticket::parse(value).is_ok());
    assert!(ticket.is_none() || presented.len() == 1);
    assert!(cookies.session(headers).is_none() || cookies.has_session(headers));

    let kept = cookies.without_impostors(headers);
    check_session_layer(name, &kept, ticket);
    check_others(name, headers, &kept, ticket);
    // Once cleaned, nothing is left to clean.
    let mut cleaned = HeaderMap::new();
    for line in &kept {
        cleaned.append(header::COOKIE, line.clone());
    }
    assert_eq!(cookies.without_impostors(&cleaned), kept);
    assert_eq!(cookies.session(&cleaned), ticket);
    check_binding(&cookies, headers);
    ticket.is_some()
}

/// What tower-sessions' cookie reader finds under our name, read as it reads: our ticket once, or nothing.
fn check_session_layer(name: &str, lines: &[HeaderValue], ticket: Option<&str>) {
    let found: Vec<String> = lines
        .iter()
        .filter_map(|line| std::str::from_utf8(line.as_bytes()).ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| Cookie::parse_encoded(pair).ok())
        .filter(|cookie| cookie.name().trim() == name)
        .map(|cookie| cookie.value().to_owned())
        .collect();
    let expected: Vec<&str> = ticket.into_iter().collect();
    assert_eq!(found, expected, "what the session layer sees under {name}");
}

/// What nobody could take for ours passes, to the byte and in its order.
fn check_others(name: &str, headers: &HeaderMap, kept: &[HeaderValue], ticket: Option<&str>) {
    let ours = ticket.map(|value| format!("{name}={value}").into_bytes());
    let passed: Vec<Vec<u8>> = kept
        .iter()
        .flat_map(pairs)
        .filter(|pair| ours.as_ref() != Some(pair))
        .collect();
    let others: Vec<Vec<u8>> = headers
        .get_all(header::COOKIE)
        .iter()
        .flat_map(pairs)
        .filter(|pair| !could_be(name, pair))
        .collect();
    assert_eq!(passed, others);
}

fn pairs(line: &HeaderValue) -> Vec<Vec<u8>> {
    line.as_bytes()
        .split(|byte| *byte == b';')
        .map(|pair| pair.trim_ascii().to_vec())
        .filter(|pair| !pair.is_empty())
        .collect()
}

/// Under some reading: decoded or not, with white space of any alphabet around it or not.
fn could_be(name: &str, pair: &[u8]) -> bool {
    let key = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
    let decoded: Vec<u8> = percent_decode(key).collect();
    String::from_utf8_lossy(&decoded).trim() == name
}

/// Believed only where the name stands there once, in its one spelling.
fn check_once(name: &str, believed: Option<&str>, headers: &HeaderMap) {
    let values: Vec<Vec<u8>> = headers
        .get_all(header::COOKIE)
        .iter()
        .flat_map(pairs)
        .filter_map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=')?;
            let (key, value) = (pair[..at].trim_ascii(), pair[at + 1..].trim_ascii());
            (key == name.as_bytes()).then(|| value.to_vec())
        })
        .collect();
    match believed {
        Some(value) => assert_eq!(values, [value.as_bytes()]),
        None => assert!(
            values.len() != 1 || values[0].is_empty() || std::str::from_utf8(&values[0]).is_err()
        ),
    }
}

/// The binding has one spelling, and goes back into a header as it came.
fn check_binding(cookies: &Cookies, headers: &HeaderMap) {
    let Some(binding) = cookies.binding(headers).and_then(Binding::parse) else {
        return;
    };
    assert_eq!(Some(binding.as_str()), cookies.binding(headers));
    assert_eq!(binding.as_str().len(), 43);
    assert!(cookies.set_binding(binding.as_str()).is_some());
}
