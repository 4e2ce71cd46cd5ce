//! `/v1/token`: the authorization code grant (RFC 6749, section 4.1.3) with PKCE (RFC 7636, section 4.6),
//! refreshing (RFC 6749, section 6), and this endpoint's faults.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Fault;
use super::client_auth::{Refusal, authenticate};
use super::http::{Received, cut_off, json_text, no_store_json, oauth_error, page, redirect};
use super::keys::{pkce_matches, random_token};
use super::mint;
use super::state::{Access, Grant, Shared, State as Memory};

/// [`Fault::TokenHuge`], in bytes.
const HUGE: usize = 10_000_000;

/// What a request may have, once it is found to be right.
enum Allowed {
    Code { code: String, grant: Grant },
    Refresh { token: String, grant: Grant },
}

pub(super) async fn token(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let received = Received::read(request).await;
    record(&shared, &received);
    // Subscribe before looking, so that a change in between is not missed.
    let mut changes = shared.changed.subscribe();
    while shared.state().fault == Some(Fault::TokenHang) {
        if changes.changed().await.is_err() {
            break;
        }
    }
    let mut state = shared.state();
    let allowed = match check(&shared, &mut state, &received) {
        Ok(allowed) => allowed,
        Err((status, error, description)) => {
            state.object(format!("token request: {error}: {description}"));
            return oauth_error(status, error, description);
        }
    };
    let fault = state.fault.clone();
    if let Some(answer) = fault
        .as_ref()
        .and_then(|fault| refusal(&shared, fault, state.now()))
    {
        return answer;
    }
    let body = issue(&shared, &mut state, allowed);
    drop(state);
    spoiled(body, fault.as_ref())
}

/// Where [`Fault::TokenRedirect`] leads: a relying party that comes here would have taken these tokens.
pub(super) async fn elsewhere(State(shared): State<Arc<Shared>>) -> Response {
    let mut state = shared.state();
    state.counts.redirect_followed += 1;
    state.object("token request: a redirect of the token endpoint was followed");
    let answer =
        json!({"access_token": "from-elsewhere", "token_type": "Bearer", "expires_in": 3_600});
    no_store_json(StatusCode::OK, &answer)
}

/// Counts and writes down, and objects to how the request was sent.
fn record(shared: &Shared, received: &Received) {
    let mut state = shared.state();
    state.counts.token += 1;
    state
        .received
        .token_requests
        .push(received.params.by_name());
    state
        .received
        .token_request_headers
        .push(received.headers_by_name());
    if let Some(verifier) = received.params.get("code_verifier") {
        state.received.verifiers.push(verifier.to_owned());
    }
    for problem in &received.problems {
        state.object(format!("token request: {problem}"));
    }
    // These are a browser's: with `Origin`, Okta takes the request for one from a single-page application.
    for name in [header::ORIGIN, header::COOKIE, header::REFERER] {
        if received.headers.contains_key(&name) {
            state.object(format!(
                "token request: the browser's header {name} was passed on"
            ));
        }
    }
}

fn check(shared: &Shared, state: &mut Memory, received: &Received) -> Result<Allowed, Refusal> {
    let params = &received.params;
    let bad = |error, description| (StatusCode::BAD_REQUEST, error, description);
    let client_id = authenticate(shared, state, received)?;
    match params.get("grant_type") {
        Some("authorization_code") => {
            let code = params
                .get("code")
                .ok_or(bad("invalid_request", "There is no code."))?
                .to_owned();
            let unknown = bad(
                "invalid_grant",
                "The authorization code is invalid or has expired.",
            );
            let known = state.codes.get(&code).ok_or(unknown)?.clone();
            if known.spent {
                // RFC 6749, section 4.1.2: what came of it may be in a thief's hands.
                state.revoke_grant(&known.grant.sid);
                return Err(bad(
                    "invalid_grant",
                    "The authorization code was used before.",
                ));
            }
            if state.now() > known.expires_at {
                return Err(unknown);
            }
            if known.grant.client_id != client_id {
                return Err(bad(
                    "invalid_grant",
                    "The authorization code belongs to another client.",
                ));
            }
            if params.get("redirect_uri") != Some(&known.redirect_uri) {
                return Err(bad(
                    "invalid_grant",
                    "redirect_uri is not that of the authorization request.",
                ));
            }
            let verifier = params.get("code_verifier").unwrap_or_default();
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(allowed) {
                return Err(bad(
                    "invalid_request",
                    "code_verifier is missing or not in the form of RFC 7636.",
                ));
            }
            if !pkce_matches(verifier, &known.challenge) {
                return Err(bad("invalid_grant", "PKCE verification failed."));
            }
            Ok(Allowed::Code {
                code,
                grant: known.grant,
            })
        }
        Some("refresh_token") => {
            let token = params
                .get("refresh_token")
                .ok_or(bad("invalid_request", "There is no refresh_token."))?;
            if let Some(sid) = state.spent_refresh.get(token).cloned() {
                // RFC 9700, section 4.14.2: one of the two who hold it is a thief, and nobody knows which.
                state.revoke_grant(&sid);
                return Err(bad("invalid_grant", "The refresh token was used before."));
            }
            let unknown = bad("invalid_grant", "The refresh token is invalid or expired.");
            let mut grant = state.refresh.get(token).cloned().ok_or(unknown)?;
            if grant.client_id != client_id {
                return Err(bad(
                    "invalid_grant",
                    "The refresh token belongs to another client.",
                ));
            }
            let scope = params.words("scope");
            if !scope.iter().all(|word| grant.scope.contains(word)) {
                return Err(bad(
                    "invalid_scope",
                    "The scope is wider than what was granted.",
                ));
            }
            if !scope.is_empty() {
                grant.scope = scope;
            }
            Ok(Allowed::Refresh {
                token: token.to_owned(),
                grant,
            })
        }
        _ => Err(bad(
            "unsupported_grant_type",
            "grant_type is neither authorization_code nor refresh_token.",
        )),
    }
}

/// The faults that answer without carrying the request out.
fn refusal(shared: &Shared, fault: &Fault, now: u64) -> Option<Response> {
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
        Fault::OktaJsonError => {
            let body = json!({
                "errorCode": "E0000047",
                "errorSummary": "API call exceeded rate limit due to too many requests.",
                "errorLink": "E0000047",
                "errorId": "oaetestkit",
                "errorCauses": [],
            });
            let limits = [
                ("x-rate-limit-limit", "60".to_owned()),
                ("x-rate-limit-remaining", "0".to_owned()),
                ("x-rate-limit-reset", (now + 60).to_string()),
            ];
            (limits, no_store_json(StatusCode::TOO_MANY_REQUESTS, &body)).into_response()
        }
        _ => return None,
    })
}

/// Carries the request out, and gives the honest answer (RFC 6749, section 5.1).
fn issue(shared: &Shared, state: &mut Memory, allowed: Allowed) -> Value {
    let now = state.now();
    let (grant, refresh_token) = match allowed {
        Allowed::Code { code, grant } => {
            if let Some(code) = state.codes.get_mut(&code) {
                code.spent = true;
            }
            let offline = grant.scope.iter().any(|scope| scope == "offline_access");
            let refresh_token = offline.then(|| new_refresh_token(state, &grant));
            (grant, refresh_token)
        }
        Allowed::Refresh { token, grant } => {
            let mut grant = grant;
            let mut whole = state
                .refresh
                .get(&token)
                .cloned()
                .unwrap_or_else(|| grant.clone());
            // OpenID Connect Core 1.0, section 12.2: a refreshed ID token should have no nonce.
            (grant.nonce, whole.nonce) = (None, None);
            let refresh_token = shared.settings.rotate_refresh_tokens.then(|| {
                state.refresh.remove(&token);
                state.spent_refresh.insert(token, grant.sid.clone());
                new_refresh_token(state, &whole)
            });
            (grant, refresh_token)
        }
    };
    let access_token = mint::access_token(shared, &grant, now);
    let expires_at = now + shared.settings.access_token_lifetime;
    state.access.insert(
        access_token.clone(),
        Access {
            grant: grant.clone(),
            expires_at,
        },
    );
    state.issued.access_tokens.push(access_token.clone());
    let mut body = json!({
        "token_type": "Bearer",
        "expires_in": shared.settings.access_token_lifetime,
        "access_token": access_token,
        "scope": grant.scope.join(" "),
    });
    if grant.scope.iter().any(|scope| scope == "openid") {
        let id_token = mint::id_token(shared, state, &grant, &access_token);
        state.issued.id_tokens.push(id_token.clone());
        body["id_token"] = json!(id_token);
    }
    if let Some(refresh_token) = refresh_token {
        body["refresh_token"] = json!(refresh_token);
    }
    body
}

fn new_refresh_token(state: &mut Memory, grant: &Grant) -> String {
    let token = random_token();
    state.issued.refresh_tokens.push(token.clone());
    state.refresh.insert(token.clone(), grant.clone());
    token
}

/// The faults that spoil an honest answer.
fn spoiled(mut body: Value, fault: Option<&Fault>) -> Response {
    let without = |mut body: Value, name: &str| {
        body.as_object_mut().map(|members| members.remove(name));
        body
    };
    match fault {
        Some(Fault::TokenAnswerLost) => return cut_off(body.to_string().into_bytes()),
        Some(Fault::DuplicateMember) => {
            let twice = body
                .to_string()
                .replacen('{', "{\"access_token\":\"the-other-one\",", 1);
            return json_text(StatusCode::OK, twice);
        }
        Some(Fault::TokenHuge) => body["padding"] = json!("A".repeat(HUGE)),
        Some(Fault::TokenTypeMac) => body["token_type"] = json!("mac"),
        Some(Fault::TokenTypeCase) => body["token_type"] = json!("bEARER"),
        Some(Fault::ExpiresInString) => body["expires_in"] = json!("3600"),
        Some(Fault::NoExpiresIn) => body = without(body, "expires_in"),
        Some(Fault::NoAccessToken) => body = without(body, "access_token"),
        Some(Fault::NoIdToken) => body = without(body, "id_token"),
        _ => {}
    }
    no_store_json(StatusCode::OK, &body)
}
