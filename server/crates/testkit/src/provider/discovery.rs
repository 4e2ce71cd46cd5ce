//! What relying parties fetch before anything else: metadata (OpenID Connect Discovery 1.0, section 3; RFC 8414) and
//! key set (RFC 7517), with `ETag` and 304 (RFC 9110, section 13), and the faults of both.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Fault;
use super::decoy::Decoy;
use super::http::{json_text, page, redirect};
use super::keys::{Alg, SigningKey, Which};
use super::settings::OAuthMetadata;
use super::state::Shared;

/// More than any relying party should read, in bytes.
const HUGE: usize = 2_000_000;

/// How long Okta lets metadata be kept.
const METADATA_CACHE: &str = "max-age=3600, must-revalidate";

pub(super) async fn openid(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let fault = {
        let mut state = shared.state();
        state.counts.discovery += 1;
        state.fault.clone()
    };
    if !shared.settings.openid_metadata || fault == Some(Fault::MetadataUnknown) {
        return unknown_server();
    }
    let mut metadata = metadata(&shared, fault.as_ref());
    if let Some(members) = metadata.as_object_mut() {
        let without = &shared.settings.openid_metadata_without;
        members.retain(|name, _| !without.contains(name));
    }
    answer_metadata(&shared, fault.as_ref(), &headers, metadata)
}

pub(super) async fn oauth_path_inserted(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
) -> Response {
    oauth(&shared, &headers, OAuthMetadata::PathInserted)
}

pub(super) async fn oauth_appended(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
) -> Response {
    oauth(&shared, &headers, OAuthMetadata::Appended)
}

fn oauth(shared: &Shared, headers: &HeaderMap, here: OAuthMetadata) -> Response {
    let fault = {
        let mut state = shared.state();
        state.counts.oauth_metadata += 1;
        state.fault.clone()
    };
    // Asking is right, also where there is nothing.
    if shared.settings.oauth_metadata != here || fault == Some(Fault::MetadataUnknown) {
        return unknown_server();
    }
    let metadata = metadata(shared, fault.as_ref());
    answer_metadata(shared, fault.as_ref(), headers, metadata)
}

fn answer_metadata(
    shared: &Shared,
    fault: Option<&Fault>,
    headers: &HeaderMap,
    mut metadata: Value,
) -> Response {
    match fault {
        Some(Fault::DiscoveryDown) => {
            let text = "The provider is being upgraded.";
            return page(StatusCode::SERVICE_UNAVAILABLE, text);
        }
        Some(Fault::DiscoveryIssuerMismatch) => {
            metadata["issuer"] = json!("https://attacker.example/oauth2/default");
        }
        Some(Fault::MetadataTrailingSlash) => {
            metadata["issuer"] = json!(format!("{}/", shared.issuer));
        }
        Some(Fault::MetadataHttpEndpoint) => {
            metadata["token_endpoint"] = json!("http://attacker.example/oauth2/default/v1/token");
        }
        Some(Fault::MetadataWithout(member)) => {
            if let Some(members) = metadata.as_object_mut() {
                members.remove(member);
            }
        }
        Some(Fault::MetadataHuge) => metadata["padding"] = json!("A".repeat(HUGE)),
        Some(Fault::MetadataArray) => metadata = json!([metadata]),
        Some(Fault::MetadataHtml) => {
            let content_type = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
            return (content_type, metadata.to_string()).into_response();
        }
        Some(Fault::MetadataNotJson) => {
            let text = "<!doctype html><p>A page of the company's proxy.</p>";
            return json_text(StatusCode::OK, text.to_owned());
        }
        Some(Fault::MetadataRedirect) => {
            let elsewhere = "https://attacker.example/.well-known/openid-configuration";
            return redirect(StatusCode::FOUND, elsewhere);
        }
        Some(Fault::MetadataDuplicate) => {
            let twice = metadata.to_string().replacen(
                '{',
                "{\"issuer\":\"https://attacker.example/oauth2/default\",",
                1,
            );
            return json_text(StatusCode::OK, twice);
        }
        _ => {}
    }
    cacheable_json(shared, headers, METADATA_CACHE, &metadata)
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
        "token_endpoint_auth_signing_alg_values_supported": settings.assertion_algs,
        "introspection_endpoint_auth_methods_supported": settings.auth_methods,
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": ["iss", "sub", "aud", "iat", "exp", "auth_time", "nonce", "at_hash", "sid", "amr", "acr",
            "name", "given_name", "family_name", "preferred_username", "email", "email_verified", "groups"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "request_parameter_supported": false,
    });
    if settings.userinfo {
        metadata["userinfo_endpoint"] = at("userinfo");
    }
    if let Some(alg) = settings.userinfo_alg {
        metadata["userinfo_signing_alg_values_supported"] = json!([alg.name()]);
    }
    if settings.end_session {
        metadata["end_session_endpoint"] = at("logout");
    }
    if settings.revocation {
        metadata["revocation_endpoint"] = at("revoke");
        metadata["revocation_endpoint_auth_methods_supported"] = json!(settings.auth_methods);
    }
    if settings.par {
        metadata["pushed_authorization_request_endpoint"] = at("par");
    }
    if settings.require_par {
        metadata["require_pushed_authorization_requests"] = json!(true);
    }
    if !settings.acr_values.is_empty() {
        metadata["acr_values_supported"] = json!(settings.acr_values);
    }
    if shared.announces_iss(fault) {
        metadata["authorization_response_iss_parameter_supported"] = json!(true);
    }
    metadata
}

pub(super) async fn keys(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let (fault, cache) = {
        let mut state = shared.state();
        state.counts.jwks += 1;
        (state.fault.clone(), state.keys_cache_control.clone())
    };
    let mut set = key_set(&shared);
    match fault {
        Some(Fault::JwksDown) => {
            return page(StatusCode::SERVICE_UNAVAILABLE, "The keys cannot be had.");
        }
        Some(Fault::JwksHtml) => {
            return page(StatusCode::OK, "A page of the company's proxy.");
        }
        Some(Fault::JwksRedirect) => {
            return redirect(StatusCode::FOUND, "https://attacker.example/keys");
        }
        Some(Fault::JwksHuge) => set["padding"] = json!("A".repeat(HUGE)),
        _ => {}
    }
    cacheable_json(&shared, &headers, &cache, &set)
}

/// Where a token's own header may lead ([`Fault::EmbeddedJku`]): a relying party that comes here trusts a stranger.
pub(super) async fn embedded_keys(State(shared): State<Arc<Shared>>) -> Response {
    {
        let mut state = shared.state();
        state.counts.embedded_keys_fetched += 1;
        state.object("an address out of a token's own header was fetched");
    }
    let key = SigningKey::get(shared.settings.alg.asymmetric(), Which::Stranger);
    json_text(StatusCode::OK, json!({ "keys": [key.jwk()] }).to_string())
}

/// A key of an algorithm that the metadata do not list, the next key where it is published, one of a type that nobody
/// knows, decoys, and the signing key: relying parties pick, and pass over what they cannot use.
pub(super) fn key_set(shared: &Shared) -> Value {
    let settings = &shared.settings;
    let alg = settings.alg.asymmetric();
    let key = |alg, which| SigningKey::get(alg, which).jwk();
    let (fault, next, current, next_signs) = {
        let state = shared.state();
        (
            state.fault.clone(),
            state.next_key_published,
            state.current_key_published,
            state.next_key_signs,
        )
    };
    if fault == Some(Fault::JwksEmpty) {
        return json!({ "keys": [] });
    }
    let mut decoys = settings.decoys.clone();
    match fault {
        Some(Fault::DecoyKeys | Fault::JwksOnlyDecoys) => decoys = Decoy::all().collect(),
        Some(Fault::DuplicateKid) => decoys.push(Decoy::SameKidOtherType),
        Some(Fault::SmallRsaKey) => decoys.push(Decoy::SmallRsa),
        Some(Fault::EncryptionKey) => decoys.push(Decoy::Encryption),
        Some(Fault::AlgHs256WithPublishedKey) => decoys.push(Decoy::Symmetric),
        _ => {}
    }
    let mut keys: Vec<Value> = decoys.into_iter().map(|decoy| decoy.jwk(alg)).collect();
    if fault == Some(Fault::JwksOnlyDecoys) {
        return json!({ "keys": keys });
    }
    if !settings.only_key {
        keys.push(key(alg.alternate(), Which::Current));
    }
    let next = next || fault == Some(Fault::NoKidSeveralKeys);
    if next && (!settings.only_key || next_signs) {
        keys.push(key(alg, Which::Next));
    }
    if !settings.only_key {
        keys.push(json!({"kty": "urn:example:unknown", "kid": "from-the-future", "use": "sig"}));
    }
    if current && (!settings.only_key || !next_signs) {
        keys.push(key(alg, Which::Current));
    }
    if let Some(userinfo) = settings.userinfo_alg.filter(|alg| !alg.is_symmetric()) {
        let also = key(userinfo, Which::Current);
        if keys.iter().all(|known| known["kid"] != also["kid"]) {
            keys.push(also);
        }
    }
    json!({ "keys": keys })
}

/// Okta's answer for an authorization server that it does not have: not OAuth's shape.
fn unknown_server() -> Response {
    let body = json!({
        "errorCode": "E0000007",
        "errorSummary": "Not found: Resource not found: default (AuthorizationServer)",
        "errorLink": "E0000007",
        "errorId": "oaetestkit",
        "errorCauses": [],
    });
    json_text(StatusCode::NOT_FOUND, body.to_string())
}

/// JSON that may be kept, and asked for again under the condition that it has changed (RFC 9110, section 13.1.2).
fn cacheable_json(shared: &Shared, asked: &HeaderMap, cache: &str, body: &Value) -> Response {
    let body = body.to_string();
    let mut headers = HeaderMap::new();
    if let Ok(cache) = cache.parse() {
        headers.insert(header::CACHE_CONTROL, cache);
    }
    if shared.settings.etags {
        let tag = format!("\"{}\"", Alg::Rs256.half_hash(&body));
        let known = asked.get(header::IF_NONE_MATCH);
        let known = known
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let same = known
            .split(',')
            .any(|one| one.trim().trim_start_matches("W/") == tag || one.trim() == "*");
        if let Ok(tag) = tag.parse() {
            headers.insert(header::ETAG, tag);
        }
        if same {
            shared.state().counts.not_modified += 1;
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
    }
    let json = axum::http::HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, json);
    (headers, body).into_response()
}
