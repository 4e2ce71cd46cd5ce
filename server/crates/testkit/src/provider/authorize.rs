//! `/v1/authorize`: the authorization endpoint (RFC 6749, section 4.1.1; OpenID Connect Core 1.0, section
//! 3.1.2; PKCE, RFC 7636; `iss`, RFC 9207). It approves at once, as the current user.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use super::Fault;
use super::http::{Params, Received, escape, page, redirect};
use super::keys::random_token;
use super::record::User;
use super::state::{Code, Grant, Shared};

/// [`Fault::HugeCode`], in characters.
const HUGE: usize = 64 * 1024;

pub(super) async fn authorize(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let Received {
        params,
        mut problems,
        ..
    } = Received::read(request).await;
    let mut state = shared.state();
    state.counts.authorize += 1;
    state.received.authorize_requests.push(params.by_name());
    problems.extend(check(&params, &shared, &state));
    if !problems.is_empty() {
        let text = format!("authorization request: {}", problems.join("; "));
        state.object(text.clone());
        return page(StatusCode::BAD_REQUEST, &text);
    }
    let redirect_uri = params.get("redirect_uri").unwrap_or_default();
    let fault = state.fault.clone();
    let mut answer: Vec<(&str, String)> = Vec::new();
    let code = match &fault {
        Some(Fault::AccessDenied { description }) => Err(("access_denied", description.clone())),
        _ => match &state.user {
            None if params.words("prompt").iter().any(|prompt| prompt == "none") => {
                let description =
                    "The client specified not to prompt, but the user is not logged in.";
                Err(("login_required", description.to_owned()))
            }
            None => {
                return page(
                    StatusCode::OK,
                    "Nobody is signed in at the provider: this is where the form would be.",
                );
            }
            Some(user) => Ok(grant(&params, user.clone(), state.now())),
        },
    };
    match code {
        Err((error, description)) => {
            answer.push(("error", error.to_owned()));
            answer.push(("error_description", description));
        }
        Ok(grant) => {
            let code = random_token();
            let expires_at = state.now() + shared.settings.code_lifetime;
            state.issued.codes.push(code.clone());
            state.codes.insert(
                code.clone(),
                Code {
                    grant,
                    redirect_uri: redirect_uri.to_owned(),
                    challenge: params.get("code_challenge").unwrap_or_default().to_owned(),
                    expires_at,
                    spent: false,
                },
            );
            answer.push(("code", code));
        }
    }
    drop(state);
    answer.push(("state", params.get("state").unwrap_or_default().to_owned()));
    if shared.announces_iss(fault.as_ref()) {
        answer.push(("iss", shared.issuer.clone()));
    }
    spoil(&mut answer, fault.as_ref());
    if params.get("response_mode") == Some("form_post") {
        return form_post(redirect_uri, &answer);
    }
    redirect(StatusCode::FOUND, &with_query(redirect_uri, &answer))
}

/// Everything that is wrong with the request.
fn check(params: &Params, shared: &Shared, state: &super::state::State) -> Vec<String> {
    let mut problems = Vec::new();
    let mut need = |holds: bool, problem: &str| {
        if !holds {
            problems.push(problem.to_owned());
        }
    };
    let value = |name| params.get(name).unwrap_or_default();
    match state.client(value("client_id")) {
        None => need(false, "client_id is missing or unknown"),
        Some(client) => need(
            client
                .redirect_uris
                .iter()
                .any(|uri| uri == value("redirect_uri")),
            "redirect_uri is not exactly one that is registered",
        ),
    }
    need(params.repeated().is_none(), "a parameter is repeated");
    need(
        value("response_type") == "code",
        "response_type is not code",
    );
    need(
        value("code_challenge_method") == "S256",
        "code_challenge_method is not S256",
    );
    let challenge = value("code_challenge");
    let base64url = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    need(
        challenge.len() == 43 && challenge.bytes().all(base64url),
        "code_challenge is not a SHA-256 hash in base64url",
    );
    let scope = params.words("scope");
    need(
        scope.iter().any(|word| word == "openid"),
        "scope is without openid",
    );
    need(
        scope
            .iter()
            .all(|word| shared.settings.scopes.contains(word)),
        "invalid_scope: one is not in the metadata",
    );
    let state = value("state");
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    need(
        (22..=1024).contains(&state.len()),
        "state is shorter than 128 bits or longer than 1,024 characters",
    );
    need(
        state.bytes().all(allowed),
        "state has characters beyond A-Z a-z 0-9 . _ -",
    );
    need(
        value("nonce").len() >= 22,
        "nonce is missing or shorter than 128 bits",
    );
    let mode = params.get("response_mode").unwrap_or("query");
    need(
        ["query", "form_post"].contains(&mode),
        "response_mode is neither query nor form_post",
    );
    need(
        params
            .get("max_age")
            .is_none_or(|age| age.parse::<u32>().is_ok()),
        "max_age is not a number of seconds",
    );
    need(
        params.get("client_secret").is_none(),
        "client_secret is in an authorization request",
    );
    need(
        params.get("code_verifier").is_none(),
        "code_verifier is in an authorization request",
    );
    problems
}

fn grant(params: &Params, user: User, now: u64) -> Grant {
    Grant {
        client_id: params.get("client_id").unwrap_or_default().to_owned(),
        scope: params.words("scope"),
        user,
        sid: random_token(),
        auth_time: now,
        acr: params.words("acr_values").into_iter().next(),
        nonce: params.get("nonce").map(str::to_owned),
    }
}

/// What the fault makes of an honest answer.
fn spoil(answer: &mut Vec<(&str, String)>, fault: Option<&Fault>) {
    let find =
        |answer: &[(&str, String)], name| answer.iter().position(|(known, _)| *known == name);
    match fault {
        Some(Fault::DropState) => answer.retain(|(name, _)| *name != "state"),
        Some(Fault::AlterState) => {
            if let Some(at) = find(answer, "state") {
                answer[at].1 = altered(&answer[at].1);
            }
        }
        Some(Fault::ResponseWrongIss) => {
            answer.retain(|(name, _)| *name != "iss");
            answer.push(("iss", "https://attacker.example/oauth2/default".to_owned()));
        }
        Some(Fault::ResponseMissingIss) => answer.retain(|(name, _)| *name != "iss"),
        Some(Fault::RepeatCode) => {
            if let Some(at) = find(answer, "code") {
                answer.push(answer[at].clone());
            }
        }
        Some(Fault::CodeAndError) => {
            answer.push(("error", "access_denied".to_owned()));
            answer.push(("error_description", "both a code and an error".to_owned()));
        }
        Some(Fault::EmptyCode) => {
            if let Some(at) = find(answer, "code") {
                answer[at].1.clear();
            }
        }
        Some(Fault::HugeCode) => {
            if let Some(at) = find(answer, "code") {
                answer[at].1 = "A".repeat(HUGE);
            }
        }
        _ => {}
    }
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
fn form_post(redirect_uri: &str, params: &[(&str, String)]) -> Response {
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
    Html(html).into_response()
}
