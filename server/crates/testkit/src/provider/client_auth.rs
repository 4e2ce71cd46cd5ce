//! Client authentication (RFC 6749, section 2.3; OpenID Connect Core 1.0, section 9) for every endpoint that
//! has it: `client_secret_basic`, `client_secret_post` and `none`.

use axum::http::{HeaderMap, StatusCode, header};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::http::Received;
use super::state::{Shared, State};

/// Why not: status, `error`, `error_description`.
pub(super) type Refusal = (StatusCode, &'static str, &'static str);

/// Who asks: `client_secret_basic`, `client_secret_post` or `none`, and exactly one of them (RFC 6749, section 2.3).
pub(super) fn authenticate(
    shared: &Shared,
    state: &mut State,
    received: &Received,
) -> Result<String, Refusal> {
    let params = &received.params;
    if params.repeated().is_some() {
        return Err((
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "A parameter is repeated.",
        ));
    }
    let unknown = |description| (StatusCode::UNAUTHORIZED, "invalid_client", description);
    let basic = basic_credentials(&received.headers).transpose();
    let basic =
        basic.map_err(|()| unknown("The Authorization header is not Basic credentials."))?;
    let (method, id, secret) = match (basic, params.get("client_secret")) {
        (Some(_), Some(_)) => return Err(unknown("There are two kinds of client credentials.")),
        (Some((id, secret)), None) => ("client_secret_basic", id, Some(secret)),
        (None, secret) => {
            let id = params
                .get("client_id")
                .ok_or(unknown("No client credentials found."))?;
            let method = if secret.is_some() {
                "client_secret_post"
            } else {
                "none"
            };
            (method, id.to_owned(), secret.map(str::to_owned))
        }
    };
    state.received.client_secrets.extend(secret.clone());
    if params.get("client_id").is_some_and(|also| also != id) {
        return Err(unknown("client_id is not that of the credentials."));
    }
    if !shared
        .settings
        .auth_methods
        .iter()
        .any(|known| known == method)
    {
        return Err(unknown("This way to authenticate is not in the metadata."));
    }
    let client = state.client(&id).ok_or(unknown("The client is unknown."))?;
    if client.secret != secret {
        return Err(unknown(
            "The client secret supplied for a confidential client is invalid.",
        ));
    }
    Ok(id)
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
