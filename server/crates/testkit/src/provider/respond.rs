//! How the authorization endpoint answers: the parameters of RFC 6749, section 4.1.2, and RFC 9207, in the query or by
//! form (OAuth 2.0 Form Post Response Mode 1.0), and what the faults make of them.

use std::fmt::Write as _;

use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::Fault;
use super::http::{escape, redirect};
use super::state::Shared;

/// [`Fault::HugeCode`], in characters.
const HUGE: usize = 64 * 1024;

/// The parameters of one answer, in order.
type Answer = Vec<(&'static str, String)>;

/// Sends the browser back with a code or an error.
pub(super) fn back(
    shared: &Shared,
    fault: Option<&Fault>,
    request: &super::http::Params,
    mut answer: Answer,
) -> Response {
    answer.push(("state", request.get("state").unwrap_or_default().to_owned()));
    if shared.announces_iss(fault) {
        answer.push(("iss", shared.issuer.clone()));
    }
    spoil(&mut answer, fault);
    let redirect_uri = request.get("redirect_uri").unwrap_or_default();
    let by_form = request.get("response_mode") == Some("form_post");
    match fault {
        Some(Fault::FormPostUnasked) => form_post(shared, redirect_uri, &answer),
        Some(Fault::QueryUnasked) => by_query(redirect_uri, &answer),
        Some(Fault::FragmentResponse) => {
            let location = with_query(redirect_uri, &answer).replacen('?', "#", 1);
            redirect(StatusCode::FOUND, &location)
        }
        Some(Fault::NonUtf8Code) => {
            let location = with_query(redirect_uri, &answer).replacen("code=", "code=%FF%FE", 1);
            redirect(StatusCode::FOUND, &location)
        }
        _ if by_form => form_post(shared, redirect_uri, &answer),
        _ => by_query(redirect_uri, &answer),
    }
}

fn by_query(redirect_uri: &str, answer: &[(&str, String)]) -> Response {
    redirect(StatusCode::FOUND, &with_query(redirect_uri, answer))
}

/// What the fault makes of an honest answer.
fn spoil(answer: &mut Answer, fault: Option<&Fault>) {
    let find = |answer: &Answer, name| answer.iter().position(|(known, _)| *known == name);
    let is_error = find(answer, "error").is_some();
    let wrong_iss = "https://attacker.example/oauth2/default";
    let code = find(answer, "code");
    match (fault, code) {
        (Some(Fault::DropState), _) => answer.retain(|(name, _)| *name != "state"),
        (Some(Fault::AlterState), _) => {
            if let Some(at) = find(answer, "state") {
                answer[at].1 = altered(&answer[at].1);
            }
        }
        (Some(Fault::ResponseMissingIss | Fault::ErrorWithoutIss), _) => {
            answer.retain(|(name, _)| *name != "iss");
        }
        (Some(Fault::ResponseWrongIss), _) => set(answer, "iss", wrong_iss),
        (Some(Fault::ErrorWrongIss), _) if is_error => set(answer, "iss", wrong_iss),
        (Some(Fault::RepeatState), _) => {
            if let Some(at) = find(answer, "state") {
                answer.push(answer[at].clone());
            }
        }
        (Some(Fault::RepeatIss), _) => {
            answer.extend([("iss", wrong_iss.to_owned()), ("iss", wrong_iss.to_owned())]);
        }
        (Some(Fault::ExtraParameters), _) => {
            answer.push(("session_state", "9f8e.7d6c".to_owned()));
            answer.push(("urn:example:later", "something new".to_owned()));
        }
        (Some(Fault::RepeatCode), Some(at)) => answer.push(answer[at].clone()),
        (Some(Fault::CodeAndError), Some(_)) => {
            answer.push(("error", "access_denied".to_owned()));
            answer.push(("error_description", "both a code and an error".to_owned()));
        }
        (Some(Fault::EmptyCode), Some(at)) => answer[at].1.clear(),
        (Some(Fault::NoCode), Some(at)) => drop(answer.remove(at)),
        (Some(Fault::HugeCode), Some(at)) => answer[at].1 = "A".repeat(HUGE),
        _ => {}
    }
}

fn set(answer: &mut Answer, name: &'static str, value: &str) {
    answer.retain(|(known, _)| *known != name);
    answer.push((name, value.to_owned()));
}

/// `text` with one letter or digit near its middle changed. Not the last one: base64 may not care for its low bits.
fn altered(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let middle = bytes.len() / 2;
    if let Some(byte) = bytes[middle..]
        .iter_mut()
        .find(|byte| byte.is_ascii_alphanumeric())
    {
        *byte = if *byte == b'A' { b'B' } else { b'A' };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `uri` with more in its query, if it has one.
pub(super) fn with_query(uri: &str, params: &[(&str, String)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(params)
        .finish();
    let join = if uri.contains('?') { '&' } else { '?' };
    if query.is_empty() {
        uri.to_owned()
    } else {
        format!("{uri}{join}{query}")
    }
}

/// A page that posts the answer (OAuth 2.0 Form Post Response Mode). A browser with scripts sends it by itself.
fn form_post(shared: &Shared, redirect_uri: &str, params: &[(&str, String)]) -> Response {
    let mut inputs = String::new();
    for (name, value) in params {
        let _ = write!(
            inputs,
            "<input type=\"hidden\" name=\"{name}\" value=\"{}\">",
            escape(value)
        );
    }
    let html = format!(
        "<!doctype html><html lang=\"en\"><title>Test provider</title><body onload=\"document.forms[0].submit()\">\
         <form method=\"post\" action=\"{}\">{inputs}<button>Continue</button></form></body></html>",
        escape(redirect_uri)
    );
    let mut answer = ([(header::CACHE_CONTROL, "no-store")], Html(html)).into_response();
    if shared.settings.form_post_no_referrer {
        let policy = axum::http::HeaderValue::from_static("no-referrer");
        answer.headers_mut().insert(header::REFERRER_POLICY, policy);
    }
    answer
}
