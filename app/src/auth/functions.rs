//! The server functions. Login, callback and logout are one call on the `Bff` each, whose answer goes out as it is;
//! `my_claims` is the pattern for functions of the application's own.
//!
//! The protocol functions declare no arguments and always return `Ok`: Leptos answers arguments that do not
//! parse, and errors to a navigation, by a redirect to the Referer, which there is the provider.

use leptos::prelude::*;
use leptos::server_fn::codec::{GetUrl, Post};
use leptos::server_fn::{ContentType, Decodes, Encodes, Format, FormatType};
use serde::{Deserialize, Serialize};

use crate::auth::AuthError;
use crate::claims::Shown;
#[cfg(feature = "ssr")]
use crate::claims::in_order;

/// Where the browser goes next, as a typed call from WebAssembly gets it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// The address, absolute or a path.
    pub location: String,
}

/// Begins a sign-in. Takes the parameters of `GET /auth/login` from the raw query. A navigation gets 303 to the
/// provider's authorization endpoint (RFC 6749 section 4.1.1); the typed call gets its address.
#[server(prefix = "/auth", endpoint = "login", input = GetUrl)]
pub async fn login() -> Result<Destination, AuthError> {
    if let Some(visit) = crate::http::visit() {
        let answer = Box::pin(visit.bff().login(&visit)).await;
        visit.send(answer);
    }
    Ok(Destination::default())
}

/// Ends a sign-in at the redirect URI (RFC 6749 section 4.1.2): exchanges the code for tokens, checks them, makes the
/// session, and leads to the return path.
#[server(prefix = "/auth", endpoint = "callback", input = GetUrl)]
pub async fn callback() -> Result<Destination, AuthError> {
    if let Some(visit) = crate::http::visit() {
        let answer = Box::pin(visit.bff().callback(&visit)).await;
        visit.send(answer);
    }
    Ok(Destination::default())
}

/// Ends a sign-in whose answer the provider's page posts (OAuth 2.0 Form Post Response Mode): the same call, for the
/// same address. Refused with 405 before it gets here, unless the counter is set to `form_post`.
#[server(prefix = "/auth", endpoint = "callback")]
pub async fn callback_form_post() -> Result<Destination, AuthError> {
    if let Some(visit) = crate::http::visit() {
        let answer = Box::pin(visit.bff().callback(&visit)).await;
        visit.send(answer);
    }
    Ok(Destination::default())
}

/// Signs out. A form's navigation gets 303 to the provider's end-session endpoint (OpenID Connect RP-Initiated
/// Logout 1.0 section 2); the typed call gets 204 and ends the session here only.
#[server(prefix = "/auth", endpoint = "logout", output = Post<Empty>)]
pub async fn logout() -> Result<Done, AuthError> {
    if let Some(visit) = crate::http::visit() {
        let answer = Box::pin(visit.bff().logout(&visit)).await;
        visit.send(answer);
    }
    Ok(Done)
}

/// The claims of whoever is signed in, in the order and words in which to show them: a function answers with what its
/// page needs, and the work stays out of the WebAssembly. [`AuthError::SignedOut`] without a session: the guard comes first, because a
/// server function is a public endpoint, whichever page calls it.
#[server(prefix = "/_fn", endpoint = "profile", input = GetUrl)]
pub async fn my_claims() -> Result<Vec<(String, Shown)>, AuthError> {
    let session = crate::auth::require_session().await?;
    Ok(in_order(session.claims()))
}

/// It is done, and there is nothing to say about it (204 No Content, RFC 9110 section 15.3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done;

/// The encoding of [`Done`]: no bytes, of which JSON would make an error.
#[derive(Debug, Clone, Copy)]
pub struct Empty;

impl ContentType for Empty {
    const CONTENT_TYPE: &'static str = "application/json";
}

impl FormatType for Empty {
    const FORMAT_TYPE: Format = Format::Text;
}

impl Encodes<Done> for Empty {
    type Error = std::convert::Infallible;

    fn encode(_: &Done) -> Result<leptos::server_fn::Bytes, Self::Error> {
        Ok(leptos::server_fn::Bytes::new())
    }
}

impl Decodes<Done> for Empty {
    type Error = std::convert::Infallible;

    fn decode(_: leptos::server_fn::Bytes) -> Result<Done, Self::Error> {
        Ok(Done)
    }
}
