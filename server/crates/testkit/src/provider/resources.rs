//! The other endpoints: logout (OpenID Connect RP-Initiated Logout 1.0), revocation (RFC 7009), introspection (RFC 7662).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::client_auth::{self, Endpoint, refuse};
use super::http::{Received, no_store_json, page, redirect};
use super::mint;
use super::respond::with_query;
use super::state::Shared;

/// Okta's: the hint is required, an expired one is good, nobody is asked.
pub(super) async fn logout(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let Received {
        params,
        mut problems,
        ..
    } = Received::read(request).await;
    let mut state = shared.state();
    state.counts.logout += 1;
    state.received.logout_requests.push(params.by_name());
    if !shared.settings.end_session {
        problems.push("the metadata name no such endpoint".to_owned());
    }
    if params.repeated().is_some() {
        problems.push("a parameter is repeated".to_owned());
    }
    let hint = params.get("id_token_hint").unwrap_or_default();
    if !state.issued.id_tokens.iter().any(|token| token == hint) {
        problems.push("id_token_hint is missing or was not issued here".to_owned());
    }
    let uri = params.get("post_logout_redirect_uri");
    let registered = |uri: &str| {
        state.clients.iter().any(|client| {
            client
                .post_logout_redirect_uris
                .iter()
                .any(|known| known == uri)
        })
    };
    if uri.is_some_and(|uri| !registered(uri)) {
        problems.push("post_logout_redirect_uri is not exactly one that is registered".to_owned());
    }
    if !problems.is_empty() {
        let text = format!("logout request: {}", problems.join("; "));
        state.object(text.clone());
        return page(StatusCode::BAD_REQUEST, &text);
    }
    let Some(uri) = uri else {
        return page(StatusCode::OK, "You are signed out at the provider.");
    };
    let back: Vec<_> = params
        .get("state")
        .map(|state| ("state", state.to_owned()))
        .into_iter()
        .collect();
    redirect(StatusCode::FOUND, &with_query(uri, &back))
}

pub(super) async fn revoke(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let received = Received::read(request).await;
    shared.state().counts.revoke += 1;
    let client_id = match client_auth::client(&shared, &received, Endpoint::Revocation).await {
        Ok(client_id) => client_id,
        Err(answer) => return answer,
    };
    let mut state = shared.state();
    let Some(token) = received.params.get("token") else {
        let refusal = (
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "There is no token.",
        );
        return refuse(&mut state, Endpoint::Revocation, refusal);
    };
    state.received.revoked.push(token.to_owned());
    // Own tokens only; anything else is already as dead as was asked for (RFC 7009, section 2.2).
    if state
        .access
        .get(token)
        .is_some_and(|access| access.grant.client_id == client_id)
    {
        state.access.remove(token);
    }
    if let Some(grant) = state
        .refresh
        .get(token)
        .filter(|grant| grant.client_id == client_id)
        .cloned()
    {
        state.revoke_grant(&grant.sid);
    }
    StatusCode::OK.into_response()
}

pub(super) async fn introspect(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let received = Received::read(request).await;
    shared.state().counts.introspect += 1;
    if let Err(answer) = client_auth::client(&shared, &received, Endpoint::Introspection).await {
        return answer;
    }
    let state = shared.state();
    let token = received.params.get("token").unwrap_or_default();
    let now = state.now();
    let access = state
        .access
        .get(token)
        .filter(|access| access.expires_at > now);
    let (grant, expires_at) = match access {
        Some(access) => (&access.grant, Some(access.expires_at)),
        None => match state.refresh.get(token) {
            Some(grant) => (grant, None),
            None => return no_store_json(StatusCode::OK, &json!({"active": false})),
        },
    };
    let mut answer = json!({
        "active": true,
        "iss": shared.issuer,
        "aud": "api://default",
        "client_id": grant.client_id,
        "uid": grant.user.sub,
        "sub": grant.user.email,
        "username": grant.user.email,
        "scope": grant.scope.join(" "),
        "token_type": if expires_at.is_some() { "Bearer" } else { "refresh_token" },
    });
    if let Some(expires_at) = expires_at {
        answer["exp"] = json!(expires_at);
        answer["auth_time"] = json!(grant.auth_time);
        for (name, value) in mint::about_the_user(grant) {
            answer[name] = value;
        }
    }
    no_store_json(StatusCode::OK, &answer)
}
