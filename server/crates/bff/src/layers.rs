//! What is around every route, in the one right order. A router is wrapped by one call, so that no check can be left
//! out or put in the wrong place.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use tower::ServiceBuilder;
use tower_http::csrf::{CsrfLayer, ProtectionError};
use tower_sessions::cookie::SameSite;
use tower_sessions::{Expiry, SessionManagerLayer};
use tracing::Instrument as _;

use crate::address::client_address;
use crate::bff::Bff;
use crate::code::Code;
use crate::guard;
use crate::problem;
use crate::proxy;
use crate::reference;
use crate::tickets::TicketStore;
use crate::visit::Visit;

/// Carries the correlation id back, so that a program's author can name it too.
const REFERENCE_HEADER: HeaderName = HeaderName::from_static("cloakroom-ref");

impl Bff {
    /// Wraps a router: every route in it gets a [`Visit`], cross-site writes are refused, cookies are read and written,
    /// and what depends on a session is not stored by anybody.
    ///
    /// From outside in: the visit and its log line; host and form; cross-site writes (tower-http's CSRF layer); the
    /// session cookie (tower-sessions); the answer a server function left.
    pub fn install(&self, router: Router) -> Router {
        let cookies = self.cookies();
        let sessions = SessionManagerLayer::new(TicketStore::new(
            self.vault().clone(),
            self.clock(),
            self.settings().idle_seconds,
        ))
        .with_name(cookies.session_name().to_owned())
        .with_path("/")
        .with_http_only(true)
        .with_secure(cookies.is_secure())
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnSessionEnd)
        .with_always_save(false);
        // One layer made of four: each one put on by itself would box every route anew, and every request would
        // clone the boxes inside each box.
        router.layer(
            ServiceBuilder::new()
                .layer(from_fn_with_state(self.clone(), arrive))
                .layer(self.cross_site_writes())
                .layer(sessions)
                .layer(from_fn(attach)),
        )
    }

    /// As [`Self::install`], for routes that only read the session: the session layer is left out, which makes sessions
    /// and writes their cookie.
    pub(crate) fn install_reading(&self, router: Router) -> Router {
        router.layer(
            ServiceBuilder::new()
                .layer(from_fn_with_state(self.clone(), arrive))
                .layer(self.cross_site_writes()),
        )
    }

    fn cross_site_writes(&self) -> CsrfLayer {
        let response_mode = self.settings().response_mode;
        CsrfLayer::new().with_insecure_bypass(move |method, uri| {
            guard::takes_forms(response_mode, method, uri.path())
        })
    }
}

/// Innermost: gives the visit the handle that tower-sessions made, and sends what a handler left to be sent.
async fn attach(request: Request, next: Next) -> Response {
    let visit = request.extensions().get::<Visit>().cloned();
    if let (Some(visit), Some(handle)) = (
        &visit,
        request.extensions().get::<tower_sessions::Session>(),
    ) {
        visit.attach(handle.clone());
    }
    let response = next.run(request).await;
    match visit.and_then(|visit| visit.take_answer()) {
        Some(answer) => answer.into_response(),
        None => response,
    }
}

/// Outermost: makes the visit, refuses what must go no further, and finishes the answer.
async fn arrive(State(bff): State<Bff>, mut request: Request, next: Next) -> Response {
    let reference = reference::new(bff.random());
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map(|ConnectInfo(address)| address.ip());
    let address = client_address(peer, request.headers(), &bff.settings().trusted_proxies);
    let visit = Visit::new(
        bff.clone(),
        request.method().clone(),
        request.uri().clone(),
        request.headers().clone(),
        address,
        reference,
    );
    // The path is logged without its query: codes and states stand there.
    let span = tracing::info_span!("request", r#ref = visit.reference(), method = %visit.method(), path = visit.path());
    async move {
        let refused = match guard::refuse(&visit) {
            Some(answer) => Some(answer),
            None => guard::take_form(&visit, &mut request).await,
        };
        let mut response = if let Some(answer) = refused {
            answer.into_response()
        } else {
            request.extensions_mut().insert(visit.clone());
            if !proxy::is_api(visit.path()) {
                // For the session layer, which is not around the proxy.
                let cookies = bff.cookies().without_impostors(request.headers());
                request.headers_mut().remove(header::COOKIE);
                for line in cookies {
                    request.headers_mut().append(header::COOKIE, line);
                }
            }
            next.run(request).await
        };
        if response.extensions().get::<ProtectionError>().is_some() {
            tracing::warn!("a write from another site was refused");
            response = problem::refusal_for(visit.caller(), Code::CrossSite, visit.reference())
                .into_response();
        }
        finish(&bff, &visit, &mut response);
        log(response.status());
        response
    }
    .instrument(span)
    .await
}

/// Writes the cookies, and keeps answers that set or read a session out of every cache.
fn finish(bff: &Bff, visit: &Visit, response: &mut Response) {
    let ours = visit.take_cookies();
    let headers = response.headers_mut();
    let written: Vec<HeaderValue> = headers
        .get_all(header::SET_COOKIE)
        .iter()
        .cloned()
        .collect();
    let makes_session = written.iter().any(|value| is_new_session(bff, value));
    if !written.is_empty() || !ours.is_empty() {
        headers.remove(header::SET_COOKIE);
        for value in written {
            // tower-sessions removes without Secure, which a browser ignores for a __Host- cookie: ours stands in.
            if !bff.cookies().is_session_removal(&value) {
                headers.append(header::SET_COOKIE, value);
            }
        }
        for value in ours {
            // A browser that was just given a new ticket must not be told to drop it.
            if !(makes_session && bff.cookies().is_session_removal(&value)) {
                headers.append(header::SET_COOKIE, value);
            }
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if visit.was_read() {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.append(header::VARY, HeaderValue::from_static("cookie"));
    }
    if let Ok(value) = HeaderValue::from_str(visit.reference()) {
        headers.insert(REFERENCE_HEADER, value);
    }
}

fn is_new_session(bff: &Bff, value: &HeaderValue) -> bool {
    let names_it = value.to_str().is_ok_and(|text| {
        text.strip_prefix(bff.cookies().session_name())
            .is_some_and(|rest| rest.starts_with('='))
    });
    names_it && !bff.cookies().is_session_removal(value)
}

/// What goes well is not news: a line for every call would cost more than the call.
fn log(status: StatusCode) {
    if status.is_server_error() {
        tracing::warn!(status = status.as_u16(), "answered");
    } else if status.is_client_error() {
        tracing::info!(status = status.as_u16(), "answered");
    } else {
        tracing::debug!(status = status.as_u16(), "answered");
    }
}
