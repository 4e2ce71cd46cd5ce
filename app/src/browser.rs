//! The window, in the browser: the counterpart of `http`. What the server knew of the request comes with the page;
//! these stand in where a page is first drawn here, after a navigation within the application.

use gloo_net::http::{Headers, Request};
use leptos::prelude::{location, window};
use leptos::wasm_bindgen::JsValue;
use web_sys::{
    AbortController, RequestCache, RequestCredentials, RequestInit, RequestMode, RequestRedirect,
};

use crate::api::{ApiError, Call, Reply};
use crate::auth::{SessionView, sign_in_path};
use crate::pages::error::FailureView;
use crate::pages::home::Notice;

/// Nobody, until the page says otherwise.
pub(crate) fn session() -> SessionView {
    SessionView::default()
}

/// Notices come with a page from the server.
pub(crate) fn notice() -> Option<Notice> {
    None
}

/// Only the server can open what the address of the error page says.
pub(crate) fn failure() -> FailureView {
    FailureView::default()
}

/// Forms are sent without leaving the page.
pub(crate) fn failed_form() -> Option<(String, ApiError)> {
    None
}

/// Makes a call through the proxy of this origin. Where this is dropped, the call is broken off.
pub(crate) async fn call(call: &Call) -> Result<Reply, ApiError> {
    let hang_up = HangUp(AbortController::new().ok());
    let request = request(call, hang_up.0.as_ref()).map_err(|_| ApiError::Internal)?;
    let response = request.send().await.map_err(|_| ApiError::Offline)?;
    let headers = response.headers();
    Ok(Reply {
        status: response.status(),
        refused: headers.get("cloakroom-error"),
        challenges: headers.get("www-authenticate"),
        retry_after: headers.get("retry-after"),
        body: response.text().await.map_err(|_| ApiError::Offline)?,
    })
}

fn request(call: &Call, hang_up: Option<&AbortController>) -> Result<Request, JsValue> {
    let headers = Headers::new();
    headers.set("accept", "application/json");
    // What tells a page of ours from one of another site, which cannot send it.
    headers.set("x-csrf", "1");
    let options = RequestInit::new();
    if let Some(body) = call.body() {
        headers.set("content-type", "application/json");
        options.set_body(&JsValue::from_str(body));
    }
    options.set_headers(&headers.into_raw());
    options.set_method(call.method().as_str());
    options.set_mode(RequestMode::SameOrigin);
    options.set_credentials(RequestCredentials::SameOrigin);
    options.set_cache(RequestCache::NoStore);
    // An API is never somewhere else: a redirect is an answer that nobody reads.
    options.set_redirect(RequestRedirect::Manual);
    if let Some(hang_up) = hang_up {
        options.set_signal(Some(&hang_up.signal()));
    }
    web_sys::Request::new_with_str_and_init(call.path(), &options).map(Request::from)
}

/// Breaks off what was begun with it, once dropped; what is complete stays so.
struct HangUp(Option<AbortController>);

impl Drop for HangUp {
    fn drop(&mut self) {
        if let Some(controller) = &self.0 {
            controller.abort();
        }
    }
}

/// The status is the server's to set.
pub(crate) fn not_found() {}

/// Leads to sign in and back to where the window is.
pub(crate) fn lead_to_sign_in() {
    let location = location();
    let here = [location.pathname(), location.search()]
        .map(Result::unwrap_or_default)
        .concat();
    go(&sign_in_path(&here));
}

/// Leaves the application: a full navigation, which the router does not see.
pub(crate) fn go(address: &str) {
    // Fails only for an address that is none; the page then stays as it is.
    let _ = window().location().set_href(address);
}
