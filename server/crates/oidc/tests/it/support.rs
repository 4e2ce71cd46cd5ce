//! What several modules need: metadata, answers, and a client.

use bytes::Bytes;
use cloakroom_oidc::{ClientAuth, Freshness, Issuer, ProviderMetadata, RelyingParty};
use http::{Request, Response};
use serde_json::{Value, json};

pub(crate) const ISSUER: &str = "https://id.example.com/oauth2/default";
pub(crate) const CLIENT_ID: &str = "client-1";
pub(crate) const REDIRECT_URI: &str = "https://app.example.com/auth/callback";

pub(crate) fn document() -> Value {
    json!({
        "issuer": ISSUER,
        "authorization_endpoint": format!("{ISSUER}/v1/authorize"),
        "token_endpoint": format!("{ISSUER}/v1/token"),
        "jwks_uri": format!("{ISSUER}/v1/keys"),
        "userinfo_endpoint": format!("{ISSUER}/v1/userinfo"),
        "end_session_endpoint": format!("{ISSUER}/v1/logout"),
        "revocation_endpoint": format!("{ISSUER}/v1/revoke"),
        "introspection_endpoint": format!("{ISSUER}/v1/introspect"),
        "response_types_supported": ["code", "id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "offline_access"],
        "code_challenge_methods_supported": ["S256"],
    })
}

/// The usual metadata with some members replaced; `null` removes one.
pub(crate) fn document_with(members: Value) -> Value {
    let mut document = document();
    merge(&mut document, members);
    document
}

pub(crate) fn merge(into: &mut Value, members: Value) {
    let object = into.as_object_mut().unwrap();
    let Value::Object(members) = members else {
        panic!("members must be an object")
    };
    for (name, value) in members {
        if value.is_null() {
            object.remove(&name);
        } else {
            object.insert(name, value);
        }
    }
}

pub(crate) fn metadata() -> ProviderMetadata {
    metadata_with(json!({}))
}

pub(crate) fn metadata_with(members: Value) -> ProviderMetadata {
    let issuer = Issuer::parse(ISSUER).unwrap();
    ProviderMetadata::parse(&issuer, document_with(members).to_string().as_bytes()).unwrap()
}

pub(crate) fn client(auth: ClientAuth) -> RelyingParty {
    RelyingParty::new(CLIENT_ID, auth, REDIRECT_URI)
}

/// The time in requests that are built in tests.
pub(crate) const NOW: u64 = 1_700_000_000;

pub(crate) fn fresh() -> Freshness {
    Freshness::new(NOW, [7; 16])
}

pub(crate) fn answer(status: u16, content_type: &str, body: impl Into<Bytes>) -> Response<Bytes> {
    Response::builder()
        .status(status)
        .header("content-type", content_type)
        .body(body.into())
        .unwrap()
}

pub(crate) fn json_answer(status: u16, body: &Value) -> Response<Bytes> {
    answer(status, "application/json", body.to_string())
}

/// The form of a request, decoded.
pub(crate) fn form(request: &Request<Bytes>) -> Vec<(String, String)> {
    form_urlencoded::parse(request.body())
        .into_owned()
        .collect()
}

pub(crate) fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}
