//! An application that signs people in and checks nothing: `/auth/login`, `/auth/callback`, `/auth/session`. What a
//! module is meant to catch, it does.

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use cloakroom_testkit::Browser;
use serde_json::{Value, json};

use crate::relying_party::*;

/// How it goes about it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ways {
    pub(crate) form_post: bool,
    /// Refuses everything, an honest sign-in too.
    pub(crate) refuses: bool,
}

struct App {
    issuer: String,
    url: String,
    ways: Ways,
}

type Pairs = Vec<(String, String)>;

/// Starts it; its address.
pub(crate) async fn start(issuer: String, ways: Ways) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let app = Arc::new(App {
        issuer,
        url: url.clone(),
        ways,
    });
    let callback = get(by_query).post(by_form);
    let router = Router::new()
        .route("/auth/login", get(login))
        .route("/auth/initiate", get(login))
        .route("/auth/callback", callback)
        .route("/auth/session", get(session))
        .route("/", get(async || "welcome"))
        .with_state(app);
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

fn to(location: &str) -> Response {
    (StatusCode::SEE_OTHER, [("location", location)]).into_response()
}

async fn login(State(app): State<Arc<App>>) -> Response {
    let mut params = authorization_request();
    params.retain(|(name, _)| *name != "redirect_uri");
    params.push(("redirect_uri", format!("{}/auth/callback", app.url)));
    if app.ways.form_post {
        params.push(("response_mode", "form_post".to_owned()));
    }
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&params)
        .finish();
    to(&format!("{}/v1/authorize?{query}", app.issuer))
}

async fn by_query(State(app): State<Arc<App>>, RawQuery(query): RawQuery) -> Response {
    finish(&app, &pairs(&query.unwrap_or_default())).await
}

async fn by_form(State(app): State<Arc<App>>, body: String) -> Response {
    finish(&app, &pairs(&body)).await
}

fn pairs(encoded: &str) -> Pairs {
    form_urlencoded::parse(encoded.as_bytes())
        .into_owned()
        .collect()
}

async fn finish(app: &App, params: &Pairs) -> Response {
    let code = params
        .iter()
        .find(|(name, _)| name == "code")
        .map_or("", |(_, code)| code);
    if app.ways.refuses || code.is_empty() {
        return (StatusCode::BAD_REQUEST, "sign-in did not complete").into_response();
    }
    let browser = Browser::with_base(format!("{}/", app.issuer));
    let redirect_uri = format!("{}/auth/callback", app.url);
    let mut fields = exchange_fields(code);
    fields[2].1 = &redirect_uri;
    let Ok(answer) = browser
        .post_form("v1/token", &fields)
        .bare()
        .header("authorization", &basic())
        .send()
        .await
    else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let tokens: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    let bearer = format!(
        "Bearer {}",
        tokens["access_token"].as_str().unwrap_or_default()
    );
    let userinfo = browser
        .get("v1/userinfo")
        .bare()
        .header("authorization", &bearer)
        .send()
        .await;
    let userinfo: Value = userinfo
        .ok()
        .and_then(|answer| serde_json::from_slice(answer.body()).ok())
        .unwrap_or_default();
    let sub: String = userinfo["sub"].as_str().unwrap_or_default().to_owned();
    let cookie = format!("ticket={sub}; Path=/; HttpOnly; SameSite=Lax");
    (
        StatusCode::SEE_OTHER,
        [("location", "/".to_owned()), ("set-cookie", cookie)],
    )
        .into_response()
}

async fn session(headers: HeaderMap) -> String {
    let cookie = headers.get("cookie").and_then(|value| value.to_str().ok());
    let sub = cookie.and_then(|cookie| cookie.strip_prefix("ticket="));
    json!({"signed_in": sub.is_some(), "user": {"sub": sub}}).to_string()
}
