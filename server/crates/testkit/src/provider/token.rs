//! `/v1/token`: the authorization code grant (RFC 6749, section 4.1.3) with PKCE (RFC 7636, section 4.6), and
//! refreshing (RFC 6749, section 6).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::Fault;
use super::client_auth::{self, Endpoint, Refusal, refuse};
use super::http::{Received, no_store_json};
use super::keys::{pkce_matches, random_token};
use super::mint;
use super::state::{Access, Grant, Shared, State as Memory};
use super::token_faults::{refusal, spoiled};

/// What a request may have, once it is found to be right.
enum Allowed {
    Code { code: String, grant: Grant },
    Refresh { token: String, grant: Grant },
}

pub(super) async fn token(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let received = Received::read(request).await;
    record(&shared, &received);
    let client_id = match client_auth::client(&shared, &received, Endpoint::Token).await {
        Ok(client_id) => client_id,
        Err(answer) => return answer,
    };
    shared.wait_while(&Fault::TokenHang).await;
    let mut state = shared.state();
    let allowed = match check(&mut state, &received, &client_id) {
        Ok(allowed) => allowed,
        Err(refusal) => return refuse(&mut state, Endpoint::Token, refusal),
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
    spoiled(&shared, body, fault.as_ref())
}

/// Where [`Fault::TokenRedirect`] leads: a relying party that comes here would have taken these tokens.
pub(super) async fn elsewhere(State(shared): State<Arc<Shared>>) -> Response {
    let mut state = shared.state();
    state.counts.redirect_followed += 1;
    state.object("a redirect of the token or userinfo endpoint was followed");
    let answer =
        json!({"access_token": "from-elsewhere", "token_type": "Bearer", "expires_in": 3_600});
    no_store_json(StatusCode::OK, &answer)
}

/// Counts and writes down.
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
}

fn check(state: &mut Memory, received: &Received, client_id: &str) -> Result<Allowed, Refusal> {
    let params = &received.params;
    let bad = |error, description| (StatusCode::BAD_REQUEST, error, description);
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

/// Carries the request out, and gives the honest answer (RFC 6749, section 5.1).
fn issue(shared: &Shared, state: &mut Memory, allowed: Allowed) -> Value {
    let now = state.now();
    let (grant, code, refresh_token) = match allowed {
        Allowed::Code { code, grant } => {
            if let Some(code) = state.codes.get_mut(&code) {
                code.spent = true;
            }
            let offline = grant.scope.iter().any(|scope| scope == "offline_access");
            let refresh_token = offline.then(|| new_refresh_token(state, &grant));
            (grant, Some(code), refresh_token)
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
            (grant, None, refresh_token)
        }
    };
    let access_token = mint::access_token(shared, state, &grant, now);
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
        let id_token = mint::id_token(shared, state, &grant, &access_token, code.as_deref());
        if !id_token.is_empty() {
            state.issued.id_tokens.push(id_token.clone());
        }
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
