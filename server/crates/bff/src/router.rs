//! The endpoints as axum routers, for applications of any kind.

use axum::routing::{get, post};
use axum::{Extension, Router};

use crate::answer::Answer;
use crate::arrival::ARRIVAL_PATH;
use crate::bff::Bff;
use crate::callback::CALLBACK_PATH;
use crate::code::Code;
use crate::extract::refusal;
use crate::failure::ERROR_PATH;
use crate::health;
use crate::initiate::INITIATE_PATH;
use crate::jwks;
use crate::problem::escape;
use crate::session_endpoint;
use crate::visit::Visit;

impl Bff {
    /// Every endpoint but login, callback and logout: `/auth/session`, `/auth/initiate`, `/auth/jwks.json`, and
    /// `/auth/arrive`, which completes what `form_post` began. Health is asked under any name and by anyone, so merge
    /// [`Self::health_router`] outside of [`Self::install`] and this inside.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/auth/session", get(session_endpoint::session))
            .route(INITIATE_PATH, get(initiate).post(initiate))
            .route(
                ARRIVAL_PATH,
                get(|Extension(visit): Extension<Visit>| async move {
                    visit.bff().arrive(&visit).await
                }),
            )
            .route("/auth/jwks.json", get(jwks::jwks))
            .method_not_allowed_fallback(|visit: Visit| async move {
                refusal(&visit, Code::MethodNotAllowed)
            })
    }

    /// `/healthz` and `/readyz`. They are asked by address rather than by name: keep them outside of [`Self::install`].
    pub fn health_router(&self) -> Router {
        Router::new()
            .route("/healthz", get(health::healthz))
            .route("/readyz", get(health::readyz))
            .with_state(self.clone())
    }

    /// Login, callback and logout, and a plain error page, for applications without Leptos. They call the same three
    /// methods that a Leptos application's server functions call.
    pub fn sign_in_router(&self) -> Router {
        Router::new()
            .route("/auth/login", get(|Extension(visit): Extension<Visit>| async move { visit.bff().login(&visit).await }))
            .route(CALLBACK_PATH, get(callback).post(callback))
            .route("/auth/logout", post(|Extension(visit): Extension<Visit>| async move { visit.bff().logout(&visit).await }))
            .route(ERROR_PATH, get(error_page))
    }
}

async fn callback(Extension(visit): Extension<Visit>) -> Answer {
    visit.bff().callback(&visit).await
}

async fn initiate(Extension(visit): Extension<Visit>) -> Answer {
    visit.bff().initiate(&visit).await
}

/// What happened, one button that starts again, and the reference that the log has too.
async fn error_page(Extension(visit): Extension<Visit>) -> Answer {
    let failure = visit.bff().failure(&visit);
    if failure.code == Code::NotFound {
        return refusal(&visit, Code::NotFound);
    }
    let said = failure.detail.as_ref().map_or_else(String::new, |detail| {
        format!("<p>The sign-in service says: <q>{}</q></p>", escape(detail))
    });
    let reference = failure
        .reference
        .as_ref()
        .map_or_else(String::new, |reference| {
            format!(
                "<p>Reference <code data-testid=\"error-reference\">{}</code></p>",
                escape(reference)
            )
        });
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{title}</title></head><body><main><h1>{title}</h1><p>{text}</p>{said}<p><a href=\"{again}\">Try again</a></p>{reference}</main></body></html>",
        title = escape(failure.code.title()),
        text = escape(failure.code.text()),
        again = escape(&failure.try_again()),
    );
    Answer::html(failure.code.status(), page)
}
