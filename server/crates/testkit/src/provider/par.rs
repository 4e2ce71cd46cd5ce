//! `/v1/par`: pushed authorization requests (RFC 9126), and what comes of them at the authorization endpoint (section 4).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::authorize_check::{self, Problem};
use super::client_auth::{self, Endpoint, refuse};
use super::fault::Fault;
use super::http::{Params, Received, json_text, no_store_json, oauth_error, page};
use super::keys::random_token;
use super::state::{Pushed, Shared, State as Memory};

/// The parameters that authenticate the client and are no part of the authorization request.
const CREDENTIALS: [&str; 3] = ["client_secret", "client_assertion", "client_assertion_type"];

pub(super) async fn push(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let received = Received::read(request).await;
    {
        let mut state = shared.state();
        state.counts.par += 1;
        state
            .received
            .pushed_requests
            .push(received.params.by_name());
        if !shared.settings.par {
            state.object("pushed authorization request: the metadata name no such endpoint");
            return StatusCode::NOT_FOUND.into_response();
        }
    }
    let client_id =
        match client_auth::client(&shared, &received, Endpoint::PushedAuthorization).await {
            Ok(client_id) => client_id,
            Err(answer) => return answer,
        };
    shared.wait_while(&Fault::ParHang).await;
    let mut state = shared.state();
    if received.params.get("request_uri").is_some() {
        // Okta: pushed_authorization_request_uri_present.
        let description = "A pushed authorization request must not have a request_uri.";
        let refusal = (StatusCode::BAD_REQUEST, "invalid_request", description);
        return refuse(&mut state, Endpoint::PushedAuthorization, refusal);
    }
    // Basic and assertions say who it is; the parameters are the same as at the authorization endpoint all the same.
    let params = received
        .params
        .without(&CREDENTIALS)
        .with("client_id", client_id.clone());
    let problems = authorize_check::problems(&params, &shared, &state);
    if let Some(problem) = problems.first() {
        let texts: Vec<_> = problems.iter().map(Problem::to_string).collect();
        let text = texts.join("; ");
        state.object(format!("pushed authorization request: {text}"));
        return oauth_error(StatusCode::BAD_REQUEST, problem.error(), &text);
    }
    let fault = state.fault.clone();
    let now = state.now();
    if let Some(answer) = fault.as_ref().and_then(|fault| refusal(fault, now)) {
        return answer;
    }
    let request_uri = format!("urn:okta:{}", random_token());
    // Under ParExpired the answer is good, and at the authorization endpoint nobody knows of it.
    if fault != Some(Fault::ParExpired) {
        let expires_at = now + shared.settings.par_lifetime;
        state.pushed.insert(
            request_uri.clone(),
            Pushed {
                client_id,
                params,
                expires_at,
                spent: false,
            },
        );
    }
    drop(state);
    let mut body = json!({"request_uri": request_uri, "expires_in": shared.settings.par_lifetime});
    match fault {
        Some(Fault::ParNoRequestUri) => body = json!({"expires_in": 60}),
        Some(Fault::ParEmptyRequestUri) => body["request_uri"] = json!(""),
        Some(Fault::ParExpiresInString) => body["expires_in"] = json!("60"),
        _ => {}
    }
    let status = StatusCode::from_u16(shared.settings.par_status).unwrap_or(StatusCode::CREATED);
    no_store_json(status, &body)
}

/// What was pushed under the `request_uri` of this request, which holds nothing else than that and `client_id`.
pub(super) fn pushed(
    shared: &Shared,
    state: &mut Memory,
    sent: &Params,
    request_uri: &str,
) -> Result<Params, Vec<Problem>> {
    let page = |problem: &str| Problem::Page(problem.to_owned());
    let mut problems = Vec::new();
    if sent.repeated().is_some() {
        problems.push(page("a parameter is repeated"));
    }
    let others: Vec<&str> = sent
        .names()
        .filter(|name| !["client_id", "request_uri"].contains(name))
        .collect();
    if !others.is_empty() {
        // FAPI 2.0 Security Profile, section 5.3.3.2: only these two.
        let text = format!(
            "beside client_id and request_uri there is {}",
            others.join(", ")
        );
        problems.push(Problem::Page(text));
    }
    if !shared.settings.par {
        problems.push(page("request_uri is not supported"));
    }
    let now = state.now();
    let fault = state.fault.clone();
    match state.pushed.get_mut(request_uri) {
        None if fault == Some(Fault::ParExpired) => problems.push(Problem::ProvidersOwn(
            "The request_uri is invalid or has expired.".to_owned(),
        )),
        None => problems.push(page("request_uri is unknown")),
        Some(pushed) => {
            if pushed.spent {
                problems.push(page("request_uri was used before"));
            }
            if now > pushed.expires_at {
                problems.push(page("request_uri has expired"));
            }
            if sent.get("client_id") != Some(&pushed.client_id) {
                problems.push(page("request_uri belongs to another client"));
            }
            if problems.is_empty() {
                pushed.spent = true;
                return Ok(pushed.params.clone());
            }
        }
    }
    Err(problems)
}

/// The faults that answer without keeping the request.
fn refusal(fault: &Fault, now: u64) -> Option<Response> {
    let limits = |reset: u64| {
        [
            ("x-rate-limit-limit", "60".to_owned()),
            ("x-rate-limit-remaining", "0".to_owned()),
            ("x-rate-limit-reset", reset.to_string()),
        ]
    };
    Some(match fault {
        Fault::Par400(error) => oauth_error(
            StatusCode::BAD_REQUEST,
            error,
            "The test asked for this error.",
        ),
        Fault::Par401 => oauth_error(
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            "Client authentication failed. Either the client or the client credentials are invalid.",
        ),
        Fault::Par405 => (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET")]).into_response(),
        Fault::Par413 => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        Fault::Par429 => {
            let description = "API call exceeded rate limit due to too many requests.";
            let answer = oauth_error(
                StatusCode::TOO_MANY_REQUESTS,
                "invalid_request",
                description,
            );
            (limits(now + 60), answer).into_response()
        }
        Fault::Par500 => page(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Something went wrong at the provider.",
        ),
        Fault::ParHtml => page(StatusCode::OK, "A page of the company's proxy."),
        Fault::ParEmpty => StatusCode::BAD_REQUEST.into_response(),
        Fault::ParNotJson => json_text(StatusCode::CREATED, "request_uri=urn:okta:x".to_owned()),
        Fault::ParRedirect => {
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "/")]).into_response()
        }
        _ => return None,
    })
}
