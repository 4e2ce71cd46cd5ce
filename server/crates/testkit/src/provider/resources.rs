//! The other endpoints: metadata (OpenID Connect Discovery 1.0, section 3), key set (RFC 7517), userinfo
//! (Core 1.0, section 5.3), logout (RP-Initiated Logout 1.0), revocation (RFC 7009), introspection (RFC 7662).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Fault;
use super::authorize::with_query;
use super::client_auth::authenticate;
use super::http::{Received, no_store_json, oauth_error, page, redirect};
use super::keys::{SigningKey, Which};
use super::mint::alternate;
use super::state::Shared;

pub(super) async fn discovery(State(shared): State<Arc<Shared>>) -> Response {
    let mut state = shared.state();
    state.counts.discovery += 1;
    let fault = state.fault.clone();
    if fault == Some(Fault::DiscoveryDown) {
        return page(
            StatusCode::SERVICE_UNAVAILABLE,
            "The provider is being upgraded.",
        );
    }
    let mut metadata = metadata(&shared, fault.as_ref());
    if fault == Some(Fault::DiscoveryIssuerMismatch) {
        metadata["issuer"] = json!("https://attacker.example/oauth2/default");
    }
    cacheable_json(&metadata)
}

fn metadata(shared: &Shared, fault: Option<&Fault>) -> Value {
    let settings = &shared.settings;
    let at = |path: &str| json!(format!("{}/v1/{path}", shared.issuer));
    let mut metadata = json!({
        "issuer": shared.issuer,
        "authorization_endpoint": at("authorize"),
        "token_endpoint": at("token"),
        "jwks_uri": at("keys"),
        "introspection_endpoint": at("introspect"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [settings.alg.name()],
        "scopes_supported": settings.scopes,
        "token_endpoint_auth_methods_supported": settings.auth_methods,
        "introspection_endpoint_auth_methods_supported": settings.auth_methods,
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": ["iss", "sub", "aud", "iat", "exp", "auth_time", "nonce", "at_hash", "sid", "amr", "acr",
            "name", "given_name", "family_name", "preferred_username", "email", "email_verified", "groups"],
        "request_parameter_supported": false,
    });
    if settings.userinfo {
        metadata["userinfo_endpoint"] = at("userinfo");
    }
    if settings.end_session {
        metadata["end_session_endpoint"] = at("logout");
    }
    if settings.revocation {
        metadata["revocation_endpoint"] = at("revoke");
        metadata["revocation_endpoint_auth_methods_supported"] = json!(settings.auth_methods);
    }
    if shared.announces_iss(fault) {
        metadata["authorization_response_iss_parameter_supported"] = json!(true);
    }
    metadata
}

pub(super) async fn keys(State(shared): State<Arc<Shared>>) -> Response {
    let down = {
        let mut state = shared.state();
        state.counts.jwks += 1;
        state.fault == Some(Fault::JwksDown)
    };
    if down {
        return page(StatusCode::SERVICE_UNAVAILABLE, "The keys cannot be had.");
    }
    cacheable_json(&key_set(&shared))
}

/// The signing key, the next one where it is published, a key of an algorithm that the metadata do not list,
/// and one of a type that nobody knows: relying parties pick, and pass over what they cannot use.
pub(super) fn key_set(shared: &Shared) -> Value {
    let alg = shared.settings.alg;
    let mut keys = vec![SigningKey::get(alternate(alg), Which::Current).jwk()];
    if shared.state().next_key_published {
        keys.push(SigningKey::get(alg, Which::Next).jwk());
    }
    keys.push(json!({"kty": "urn:example:unknown", "kid": "from-the-future", "use": "sig"}));
    keys.push(SigningKey::get(alg, Which::Current).jwk());
    json!({ "keys": keys })
}

pub(super) async fn userinfo(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let mut state = shared.state();
    state.counts.userinfo += 1;
    if parts
        .uri
        .query()
        .is_some_and(|query| query.contains("access_token="))
    {
        state.object("userinfo request: the access token is in the query");
    }
    if !shared.settings.userinfo {
        state.object("userinfo request: the metadata name no such endpoint");
        return StatusCode::NOT_FOUND.into_response();
    }
    let now = state.now();
    let access = bearer(&parts.headers).and_then(|token| state.access.get(token));
    let Some(access) = access.filter(|access| access.expires_at > now).cloned() else {
        state.object("userinfo request: the access token is missing, unknown or expired");
        return invalid_token();
    };
    let fault = state.fault.clone();
    drop(state);
    let mut claims = access.grant.user.claims(&access.grant.scope);
    claims.insert("sub".to_owned(), json!(access.grant.user.sub));
    match fault {
        Some(Fault::UserinfoWrongSub) => {
            claims.insert("sub".to_owned(), json!("00u-somebody-else"));
            claims.insert("name".to_owned(), json!("Somebody Else"));
        }
        Some(Fault::Userinfo401) => return invalid_token(),
        Some(Fault::Userinfo500) => {
            return page(
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something went wrong at the provider.",
            );
        }
        Some(Fault::UserinfoHtml) => return page(StatusCode::OK, "A page of the company's proxy."),
        _ => {}
    }
    no_store_json(StatusCode::OK, &Value::Object(claims))
}

/// The token of a Bearer header (RFC 6750, section 2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// RFC 6750, section 3.1.
fn invalid_token() -> Response {
    let challenge =
        "Bearer error=\"invalid_token\", error_description=\"The access token is invalid.\"";
    (
        StatusCode::UNAUTHORIZED,
        [(header::WWW_AUTHENTICATE, challenge)],
    )
        .into_response()
}

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
    let mut state = shared.state();
    state.counts.revoke += 1;
    for problem in &received.problems {
        state.object(format!("revocation request: {problem}"));
    }
    let client_id = match authenticate(&shared, &mut state, &received) {
        Ok(client_id) => client_id,
        Err((status, error, description)) => {
            state.object(format!("revocation request: {error}: {description}"));
            return oauth_error(status, error, description);
        }
    };
    let Some(token) = received.params.get("token") else {
        state.object("revocation request: there is no token");
        return oauth_error(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "There is no token.",
        );
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
    let mut state = shared.state();
    state.counts.introspect += 1;
    if let Err((status, error, description)) = authenticate(&shared, &mut state, &received) {
        state.object(format!("introspection request: {error}: {description}"));
        return oauth_error(status, error, description);
    }
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
    }
    no_store_json(StatusCode::OK, &answer)
}

/// Metadata and keys, with the time that Okta lets them be kept.
fn cacheable_json(body: &Value) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "max-age=3600, must-revalidate"),
    ];
    (headers, body.to_string()).into_response()
}
