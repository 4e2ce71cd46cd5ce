//! How the pieces are put around each other, from the outside in.

use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use cloakroom_bff::{Bff, Caller, Code, refusal_outside};
use http::{StatusCode, header};
use leptos::config::{Env, LeptosOptions};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::{RequestBodyTimeoutLayer, TimeoutLayer};

use crate::headers::{self, SecurityHeaders};
use crate::outer_refusals;
use crate::site;

/// The largest body of a request, in bytes.
const MAX_BODY: usize = 1024 * 1024;
/// How long a client may pause while it sends a body.
const BODY_PAUSE: Duration = Duration::from_secs(10);
/// How long a request may take until its answer begins. The provider is given ten seconds a call, and a sign-in makes
/// up to four.
const ANSWER: Duration = Duration::from_secs(45);

/// The whole application.
pub(crate) fn router(bff: &Bff, site_folder: &Path) -> Router {
    let options = LeptosOptions::builder()
        .output_name("cloakroom")
        .site_root(site_folder.display().to_string())
        .site_pkg_dir("pkg")
        .env(Env::PROD)
        .build();
    let pages = bff.install(app::http::router(options).merge(bff.router()));
    let security = SecurityHeaders::new(&bff.settings().public_url);
    let bounded = pages
        .merge(site::router(site_folder))
        .merge(bff.health_router())
        .layer(
            ServiceBuilder::new()
                .layer(from_fn(outer_refusals::dress))
                .layer(CatchPanicLayer::custom(panicked))
                .layer(TimeoutLayer::with_status_code(
                    StatusCode::GATEWAY_TIMEOUT,
                    ANSWER,
                ))
                .layer(RequestBodyTimeoutLayer::new(BODY_PAUSE))
                .layer(RequestBodyLimitLayer::new(MAX_BODY)),
        );
    // Calls to APIs have bounds of their own, and what an API answers is not dressed as ours.
    let apis = bff
        .proxy_router()
        .layer(CatchPanicLayer::custom(panicked_in_a_call));
    bounded
        .merge(apis)
        .layer(from_fn_with_state(security, headers::add))
}

/// The panic's text stays here: nobody outside learns what was in hand.
fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    (
        StatusCode::INTERNAL_SERVER_ERROR,
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
        "Something went wrong here. Try again.\n",
    )
        .into_response()
}

/// The same for a call to an API.
fn panicked_in_a_call(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    refusal_outside(Caller::Fetch, Code::Internal).into_response()
}
