//! Client authentication (RFC 6749, section 2.3; OpenID Connect Core 1.0, section 9) for every endpoint that has it:
//! `client_secret_basic`, `client_secret_post`, `client_secret_jwt`, `private_key_jwt` and `none`, exactly one of them.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::assertion;
use super::client_keys::{self, Fetched};
use super::http::{Received, oauth_error};
use super::state::{Client, Shared, State};

/// Why not: status, `error`, `error_description`.
pub(super) type Refusal = (StatusCode, &'static str, &'static str);

/// The endpoints at which clients authenticate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Token,
    Revocation,
    Introspection,
    PushedAuthorization,
}

impl Endpoint {
    /// Its path under the issuer.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Token => "/v1/token",
            Self::Revocation => "/v1/revoke",
            Self::Introspection => "/v1/introspect",
            Self::PushedAuthorization => "/v1/par",
        }
    }

    pub(super) fn url(self, shared: &Shared) -> String {
        format!("{}{}", shared.issuer, self.path())
    }

    /// What a request to it is called in a protocol error.
    pub(super) fn request(self) -> &'static str {
        match self {
            Self::Token => "token request",
            Self::Revocation => "revocation request",
            Self::Introspection => "introspection request",
            Self::PushedAuthorization => "pushed authorization request",
        }
    }
}

/// The client that sent this request, or the answer that refuses it. What is wrong is recorded.
pub(super) async fn client(
    shared: &Shared,
    received: &Received,
    endpoint: Endpoint,
) -> Result<String, Response> {
    let fetched = client_keys::fetch(shared, received).await;
    let mut state = shared.state();
    for problem in &received.problems {
        state.object(format!("{}: {problem}", endpoint.request()));
    }
    // These are a browser's: with `Origin`, Okta takes the request for one from a single-page application.
    for name in [header::ORIGIN, header::COOKIE, header::REFERER] {
        if received.headers.contains_key(&name) {
            state.object(format!(
                "{}: the browser's header {name} was passed on",
                endpoint.request()
            ));
        }
    }
    authenticate(shared, &mut state, received, endpoint, fetched.as_ref())
        .map_err(|refusal| refuse(&mut state, endpoint, refusal))
}

/// Records a refusal and makes its answer.
pub(super) fn refuse(
    state: &mut State,
    endpoint: Endpoint,
    (status, error, description): Refusal,
) -> Response {
    state.object(format!("{}: {error}: {description}", endpoint.request()));
    oauth_error(status, error, description)
}

/// 401 `invalid_client` (RFC 6749, section 5.2).
pub(super) fn refused(description: &'static str) -> Refusal {
    (StatusCode::UNAUTHORIZED, "invalid_client", description)
}

fn authenticate(
    shared: &Shared,
    state: &mut State,
    received: &Received,
    endpoint: Endpoint,
    fetched: Option<&Fetched>,
) -> Result<String, Refusal> {
    let params = &received.params;
    if params.repeated().is_some() {
        let description = "A parameter is repeated.";
        return Err((StatusCode::BAD_REQUEST, "invalid_request", description));
    }
    let basic = basic_credentials(&received.headers).transpose();
    let basic =
        basic.map_err(|()| refused("The Authorization header is not Basic credentials."))?;
    let posted = params.get("client_secret");
    let assertion = params.get("client_assertion");
    state
        .received
        .client_secrets
        .extend(basic.as_ref().map(|(_, secret)| secret.clone()));
    state
        .received
        .client_secrets
        .extend(posted.map(str::to_owned));
    let kinds = [basic.is_some(), posted.is_some(), assertion.is_some()];
    if kinds.into_iter().filter(|&there| there).count() > 1 {
        return Err(refused(
            "Cannot supply multiple client credentials. Use one of the following: credentials in the Authorization \
             header, credentials in the post body, or a client_assertion in the post body.",
        ));
    }
    let kind = params.get("client_assertion_type");
    if kind != assertion.map(|_| assertion::TYPE) {
        return Err(refused("The client_assertion_type is not that of a JWT."));
    }
    let (id, method) = if let Some(raw) = assertion {
        assertion::authenticate(shared, state, endpoint, raw, fetched)?
    } else {
        let (id, secret, method) = match (basic, posted) {
            (Some((id, secret)), _) => (Some(id), Some(secret), "client_secret_basic"),
            (None, secret) => (
                params.get("client_id").map(str::to_owned),
                secret.map(str::to_owned),
                if secret.is_some() {
                    "client_secret_post"
                } else {
                    "none"
                },
            ),
        };
        let id = id.ok_or(refused("No client credentials found."))?;
        let client = state.client(&id).ok_or(refused("The client is unknown."))?;
        // A client with keys has nothing that a secret could be compared with.
        if client.secret != secret || (secret.is_none() && client.has_keys()) {
            return Err(refused(
                "The client secret supplied for a confidential client is invalid.",
            ));
        }
        (id, method)
    };
    if params.get("client_id").is_some_and(|also| also != id) {
        return Err(refused("client_id is not that of the credentials."));
    }
    if !shared
        .settings
        .auth_methods
        .iter()
        .any(|known| known == method)
    {
        return Err(refused("This way to authenticate is not in the metadata."));
    }
    let registered = state
        .client(&id)
        .and_then(|client| client.auth_method.as_deref());
    if registered.is_some_and(|registered| registered != method) {
        return Err(refused(
            "This way to authenticate is not the client's registered one.",
        ));
    }
    Ok(id)
}

impl Client {
    pub(super) fn has_keys(&self) -> bool {
        self.jwks.is_some() || self.jwks_uri.is_some()
    }
}

/// Id and secret of a Basic header, form-decoded (RFC 6749, section 2.3.1; RFC 7617).
fn basic_credentials(headers: &HeaderMap) -> Option<Result<(String, String), ()>> {
    let value = headers.get(header::AUTHORIZATION)?;
    let parse = || {
        let (scheme, encoded) = value.to_str().ok()?.split_once(' ')?;
        let text = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
        let (id, secret) = text.split_once(':')?;
        scheme
            .eq_ignore_ascii_case("basic")
            .then(|| (form_decoded(id), form_decoded(secret)))
    };
    Some(parse().ok_or(()))
}

/// One value of a form. `&` and `=` must have been encoded, and stay as they are where they were not.
fn form_decoded(text: &str) -> String {
    let plain = text.replace('+', " ");
    percent_encoding::percent_decode_str(&plain)
        .decode_utf8_lossy()
        .into_owned()
}
