//! `/api/{name}/..`: pages call APIs with the user's access token attached, and never see it
//! (draft-ietf-oauth-browser-based-apps section 6.1; invariant 7).
//!
//! In this order: the proof that a page of ours calls (`csrf`); the decision on the exact URL (`path`, `segment`); the
//! session and its token; the bound on calls at once; the headers by policy (`request_headers`, `response_headers`); the
//! bodies as they come (`upload`, `download`). A refusal of ours is a problem document with `Cloakroom-Error`; what the
//! upstream answers goes through without it.

mod call;
mod call_api;
mod challenge;
mod client;
mod csrf;
mod download;
mod error;
mod exchange;
mod life;
mod path;
mod request_headers;
mod response_headers;
mod segment;
mod upload;
mod web_socket;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use axum::{Extension, Router};
use http::{HeaderMap, HeaderValue, StatusCode, Version, header};
use http_body::Body as _;
use hyper::upgrade::OnUpgrade;

use crate::bff::Bff;
use crate::code::Code;
use crate::problem;
use crate::settings::Settings;
use crate::visit::Visit;

use self::call::{Api, Ask, Reply};
use self::csrf::Proof;
use self::download::Download;
use self::request_headers::Kind;
use self::upload::{Upload, Whole};

pub use self::client::{UpstreamTrust, UpstreamTrustError};
pub use self::error::CallError;
pub use self::path::RouteError;
pub(crate) use self::path::{Destination, Target, is_api};
pub use self::request_headers::RepeatedHeader;

/// The APIs by name.
#[derive(Default)]
pub(crate) struct Apis(HashMap<String, Arc<Api>>);

impl fmt::Debug for Apis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Apis {
    /// Without trust of their own, upstreams are believed by the system's authorities; where those cannot be read, by
    /// nobody's, and calls over TLS fail until they can.
    pub(crate) fn new(settings: &Settings, trust: Option<UpstreamTrust>) -> Self {
        if settings.upstreams.is_empty() {
            return Self::default();
        }
        let trust = trust.map_or_else(
            || {
                UpstreamTrust::with_roots([]).or_else(|error| {
                    tracing::error!(%error, "APIs over https cannot be called");
                    UpstreamTrust::nobody()
                })
            },
            Ok,
        );
        let trust = match trust {
            Ok(trust) => trust,
            Err(error) => {
                tracing::error!(%error, "no API can be called");
                return Self::default();
            }
        };
        let mut apis = HashMap::new();
        for upstream in &settings.upstreams {
            let name = upstream.name.as_str().to_owned();
            if let Some(api) = Api::new(upstream, &trust) {
                // The first of a name counts.
                apis.entry(name).or_insert_with(|| Arc::new(api));
            } else {
                tracing::error!(upstream = name, "its base URL cannot be sent to");
            }
        }
        Self(apis)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Arc<Api>> {
        self.0.get(name)
    }
}

impl Bff {
    /// `/api/{name}` and all below it, by every method: event streams and WebSockets too. Whatever is not configured
    /// there is refused with `route_not_allowed`.
    ///
    /// It is complete: merge it outside of [`Self::install`], and outside of layers that bound the size of bodies or the
    /// time of an answer, for each upstream has bounds of its own.
    pub fn proxy_router(&self) -> Router {
        self.install_reading(
            Router::new()
                .route("/api", any(api))
                .route("/api/", any(api))
                .route("/api/{*rest}", any(api)),
        )
    }
}

/// Why a request under `/api/` is answered by us.
enum Refused {
    /// It does not show that a page of ours makes it.
    Csrf(Code),
    Call(CallError),
}

impl<E: Into<CallError>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::Call(error.into())
    }
}

async fn api(Extension(visit): Extension<Visit>, request: Request) -> Response {
    match serve(&visit, request).await {
        Ok(response) => response,
        Err(refused) => {
            let code = match refused {
                Refused::Csrf(code) => code,
                Refused::Call(error) => {
                    log(&error);
                    error.code()
                }
            };
            problem::document(code, visit.reference()).into_response()
        }
    }
}

/// The path, with the API's name in it, stands in the request's span.
fn log(error: &CallError) {
    let code = error.code();
    if code.status().is_server_error() {
        tracing::warn!(code = code.as_str(), %error, "a call to an API failed");
    } else {
        tracing::info!(code = code.as_str(), %error, "a call to an API was refused");
    }
}

async fn serve(visit: &Visit, mut request: Request) -> Result<Response, Refused> {
    let bff = visit.bff();
    let headers = visit.headers();
    let version = request.version();
    let origin = bff.settings().public_url.origin();
    let proof = csrf::check(visit.method(), version, headers, origin).map_err(Refused::Csrf)?;
    if !is_plain_or_chunked(headers) {
        return Err(CallError::TransferCoding.into());
    }
    // A whole URL as the target; over HTTP/2 every target has its authority beside it.
    if version <= Version::HTTP_11 && visit.authority().is_some() {
        return Err(RouteError::NotAPath.into());
    }
    let target = Target::parse(visit.path_and_query())?;
    let api = bff.apis().get(target.name).ok_or(RouteError::UnknownApi)?;
    let web_socket = csrf::is_web_socket(visit.method(), version, headers);
    let ask = Ask {
        method: visit.method(),
        path: target.path,
        query: target.query,
        headers,
        kind: if web_socket {
            Kind::WebSocket
        } else {
            Kind::Call
        },
        patient: !web_socket && csrf::wants_events(headers),
    };
    let browser = web_socket.then(|| hyper::upgrade::on(&mut request));
    let body = request.into_body();
    let timeouts = api.upstream.timeouts;
    let (body, progress) = if web_socket || body.is_end_stream() {
        (Upload::Whole(Whole::default()), None)
    } else {
        let (body, progress) = Upload::live(body, api.upstream.max_body, timeouts.pause);
        (body, Some(progress))
    };
    let reply = api.call(visit, &ask, body, progress.as_deref()).await?;
    if reply.response.status() == StatusCode::SWITCHING_PROTOCOLS
        && let Some(browser) = browser
    {
        return Ok(switch(bff, reply, browser));
    }
    if proof == Proof::EventStream && !is_event_stream(reply.response.headers()) {
        return unlike_events(reply).map_err(Refused::from);
    }
    Ok(pass(bff, reply, timeouts.pause))
}

/// The answer, its body as it comes.
fn pass(bff: &Bff, reply: Reply, pause: std::time::Duration) -> Response {
    let (parts, body) = reply.response.into_parts();
    let body = if body.is_end_stream() {
        Body::empty()
    } else if is_event_stream(&parts.headers) {
        let until = reply
            .until
            .unwrap_or_else(|| life::until(bff, reply.ticket));
        Body::new(Download::until(body, until, reply.call))
    } else {
        Body::new(Download::pausing(body, pause, reply.call))
    };
    let mut response = Response::new(body);
    *response.status_mut() = parts.status;
    *response.headers_mut() = parts.headers;
    response
}

/// An answer to what could only be believed because it asked for an event stream, and is none: its body stays here.
fn unlike_events(reply: Reply) -> Result<Response, CallError> {
    let (parts, _) = reply.response.into_parts();
    if parts.status.is_success() && parts.status != StatusCode::NO_CONTENT {
        return Err(CallError::Answer(
            "an event stream was asked for, and it is none".to_owned(),
        ));
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = parts.status;
    *response.headers_mut() = parts.headers;
    for about_the_body in [
        header::CONTENT_LENGTH,
        header::CONTENT_TYPE,
        header::CONTENT_ENCODING,
    ] {
        response.headers_mut().remove(about_the_body);
    }
    Ok(response)
}

/// Both sides agreed on a WebSocket: it goes on after the answer, as long as its session.
fn switch(bff: &Bff, mut reply: Reply, browser: OnUpgrade) -> Response {
    let upstream = hyper::upgrade::on(&mut reply.response);
    let until = life::until(bff, reply.ticket);
    bff.in_background(web_socket::carry(browser, upstream, until, reply.call.1));
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    *response.headers_mut() = std::mem::take(reply.response.headers_mut());
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    response
}

/// Whether the body comes as it is, or in chunks and nothing else (RFC 9112 section 6.1). hyper reads any list of codings
/// that ends in chunks, and hands out the rest as it is.
fn is_plain_or_chunked(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(only), None) => only.as_bytes().eq_ignore_ascii_case(b"chunked"),
        _ => false,
    }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"))
}
