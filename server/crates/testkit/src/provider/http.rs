//! The provider's HTTP side: the routes, the accept loop, reading parameters, and the shapes of answers.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::state::Shared;
use super::{authorize, discovery, par, resources, token, userinfo};

/// Requests with a larger body are cut off: no relying party has a reason to send one.
const MAX_BODY: usize = 256 * 1024;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    let endpoints = Router::new()
        .route("/.well-known/openid-configuration", get(discovery::openid))
        .route(
            "/.well-known/oauth-authorization-server",
            get(discovery::oauth_appended),
        )
        .route("/v1/keys", get(discovery::keys))
        .route("/v1/embedded-keys", any(discovery::embedded_keys))
        .route("/v1/par", post(par::push))
        .route(
            "/v1/authorize",
            get(authorize::authorize).post(authorize::authorize),
        )
        .route("/v1/token", post(token::token))
        .route("/v1/elsewhere", any(token::elsewhere))
        .route(
            "/v1/userinfo",
            get(userinfo::userinfo).post(userinfo::userinfo),
        )
        .route("/v1/logout", get(resources::logout).post(resources::logout))
        .route("/v1/revoke", post(resources::revoke))
        .route("/v1/introspect", post(resources::introspect));
    Router::new()
        .nest("/oauth2/default", endpoints)
        .route(
            "/.well-known/oauth-authorization-server/oauth2/default",
            get(discovery::oauth_path_inserted),
        )
        .fallback(unknown)
        .layer(axum::middleware::map_response_with_state(
            shared.clone(),
            rate_limits,
        ))
        .with_state(shared)
}

/// Okta's limits, in every answer where they were asked for and in none that has its own.
async fn rate_limits(State(shared): State<Arc<Shared>>, mut answer: Response) -> Response {
    if shared.settings.rate_limits && !answer.headers().contains_key("x-rate-limit-reset") {
        let reset = shared.state().now() + 60;
        for (name, value) in [
            ("x-rate-limit-limit", 600),
            ("x-rate-limit-remaining", 599),
            ("x-rate-limit-reset", reset),
        ] {
            answer.headers_mut().insert(name, value.into());
        }
    }
    answer
}

async fn unknown(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    // A browser asks for the icon of any page it shows.
    if uri.path() != "/favicon.ico" {
        shared
            .state()
            .object(format!("there is nothing at {}", uri.path()));
    }
    StatusCode::NOT_FOUND.into_response()
}

/// Serves connections until the task is aborted, which ends them too: they live in this task's set.
pub(super) async fn serve(listener: TcpListener, router: Router) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let service = TowerToHyperService::new(router.clone());
                // A connection that ends early is the relying party's choice, not an error here.
                connections.spawn(async move {
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// A request's headers and its parameters: the form's for a POST, otherwise the query's.
pub(super) struct Received {
    pub(super) headers: HeaderMap,
    pub(super) params: Params,
    /// What was wrong with how it was sent.
    pub(super) problems: Vec<String>,
}

impl Received {
    pub(super) async fn read(request: Request) -> Self {
        let (parts, body) = request.into_parts();
        let mut problems = Vec::new();
        let query = parts.uri.query().unwrap_or_default();
        if parts.method != axum::http::Method::POST {
            return Self {
                headers: parts.headers,
                params: Params::parse(query.as_bytes()),
                problems,
            };
        }
        if !query.is_empty() {
            problems.push("parameters of a POST belong in its body, not in the query".to_owned());
        }
        let content_type = parts
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let essence = content_type
            .unwrap_or_default()
            .split(';')
            .next()
            .unwrap_or_default()
            .trim();
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            problems.push(format!("the content type of a form is not {essence:?}"));
        }
        let body = axum::body::to_bytes(body, MAX_BODY)
            .await
            .unwrap_or_else(|_| {
                problems.push("the body is cut off or longer than any honest one".to_owned());
                Bytes::new()
            });
        Self {
            headers: parts.headers,
            params: Params::parse(&body),
            problems,
        }
    }

    pub(super) fn headers_by_name(&self) -> HashMap<String, String> {
        let text = |value: &axum::http::HeaderValue| {
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        };
        self.headers
            .iter()
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect()
    }
}

/// Parameters in the order they came.
#[derive(Clone, Debug, Default)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    pub(super) fn parse(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// The value where it is there and not empty (RFC 6749, section 3.1: empty ones are as if omitted).
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// The words of a space-separated value (RFC 6749, section 3.3).
    pub(super) fn words(&self, name: &str) -> Vec<String> {
        self.get(name)
            .unwrap_or_default()
            .split_ascii_whitespace()
            .map(str::to_owned)
            .collect()
    }

    /// The first parameter that is there more than once and may not be; `resource` may (RFC 8707 section 2).
    pub(super) fn repeated(&self) -> Option<&str> {
        let mut names = self.0.iter().enumerate();
        let twice = names.find(|(index, (name, _))| {
            name != "resource" && self.0[..*index].iter().any(|(earlier, _)| earlier == name)
        });
        twice.map(|(_, (name, _))| name.as_str())
    }

    /// The names, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// These without some.
    pub(super) fn without(mut self, names: &[&str]) -> Self {
        self.0.retain(|(name, _)| !names.contains(&name.as_str()));
        self
    }

    /// The same with another value, if it is there or not.
    pub(super) fn with(self, name: &str, value: String) -> Self {
        let mut params = self.without(&[name]);
        params.0.push((name.to_owned(), value));
        params
    }

    pub(super) fn by_name(&self) -> HashMap<String, String> {
        self.0.iter().cloned().collect()
    }
}

/// JSON that nobody may keep (RFC 6749, section 5.1).
pub(super) fn no_store_json(status: StatusCode, body: &Value) -> Response {
    json_text(status, body.to_string())
}

/// The same, from text that need not be JSON at all.
pub(super) fn json_text(status: StatusCode, body: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, body).into_response()
}

/// An error answer (RFC 6749, section 5.2).
pub(super) fn oauth_error(status: StatusCode, error: &str, description: &str) -> Response {
    let mut answer = no_store_json(
        status,
        &json!({"error": error, "error_description": description}),
    );
    if status == StatusCode::UNAUTHORIZED {
        let challenge = axum::http::HeaderValue::from_static("Basic realm=\"testkit\"");
        answer
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, challenge);
    }
    answer
}

/// A page for a person. `text` is escaped.
pub(super) fn page(status: StatusCode, text: &str) -> Response {
    let text = escape(text);
    let html = format!(
        "<!doctype html><html lang=\"en\"><title>Test provider</title><p>{text}</p></html>"
    );
    (
        status,
        [(header::CONTENT_TYPE, "text/html; charset=utf-8")],
        html,
    )
        .into_response()
}

/// Text in HTML, also inside attributes.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// A redirect (303 unless said otherwise). The address is ASCII, whatever it is.
pub(super) fn redirect(status: StatusCode, location: &str) -> Response {
    let headers: [(HeaderName, &str); 3] = [
        (header::LOCATION, location),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (status, headers).into_response()
}
