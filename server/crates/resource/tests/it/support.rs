//! A provider, an API, and requests to it.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use cloakroom_oidc::Issuer;
use cloakroom_oidc::client::{HttpClient, Provider as Op, TransportError};
use cloakroom_resource::{
    Access, Requirement, ResourceServer, ResourceServerBuilder, TrustedIssuer,
};
use cloakroom_testkit::{ManualClock, Provider};
use http::{Request, Response};
use serde_json::{Map, Value, json};
use tower::ServiceExt;

pub(crate) struct World {
    pub(crate) provider: Arc<Provider>,
    pub(crate) clock: ManualClock,
    down: Arc<AtomicBool>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::of(Provider::offline())
    }

    pub(crate) fn of(provider: Provider) -> Self {
        Self {
            provider: Arc::new(provider),
            clock: ManualClock::at_present(),
            down: Arc::default(),
        }
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    pub(crate) fn op(&self) -> Op {
        let (provider, down) = (Arc::clone(&self.provider), Arc::clone(&self.down));
        let http = HttpClient::over(move |request: Request<Bytes>| {
            let (provider, down) = (Arc::clone(&provider), down.load(Ordering::SeqCst));
            async move {
                if down {
                    let host = "op.testkit.example".to_owned();
                    return Err(TransportError::Timeout { host });
                }
                Ok(provider.answer(request).await)
            }
        });
        let issuer = Issuer::parse(&self.provider.issuer()).unwrap();
        Op::new(issuer, http, self.clock.as_fn())
    }

    pub(crate) fn server(&self, issuer: TrustedIssuer) -> ResourceServer {
        self.builder().issuer(issuer).build().unwrap()
    }

    pub(crate) fn builder(&self) -> ResourceServerBuilder {
        ResourceServer::builder(["api://default"], self.clock.as_fn())
    }

    pub(crate) fn okta(&self) -> ResourceServer {
        self.server(TrustedIssuer::okta(self.op()))
    }

    pub(crate) fn rfc9068(&self) -> ResourceServer {
        self.server(TrustedIssuer::rfc9068(self.op()))
    }

    /// An access token as Okta's, with some claims replaced; `null` removes one.
    pub(crate) fn okta_token(&self, members: Value) -> String {
        self.okta_token_with(json!({}), members)
    }

    /// The same with more in the header.
    pub(crate) fn okta_token_with(&self, header: Value, members: Value) -> String {
        let now = self.clock.now();
        let claims = json!({
            "ver": 1, "jti": "AT.1", "iss": self.provider.issuer(), "aud": "api://default", "iat": now,
            "exp": now + 600, "cid": "client", "uid": "00u1", "scp": ["openid", "messages.read"],
            "auth_time": now - 100, "sub": "ada@example.com", "groups": ["everyone"], "acr": "urn:one",
        });
        self.sign(header, claims, members)
    }

    pub(crate) fn rfc9068_token(&self, header: Value, members: Value) -> String {
        let now = self.clock.now();
        let claims = json!({
            "jti": "1", "iss": self.provider.issuer(), "aud": ["other", "api://default"], "iat": now,
            "exp": now + 600, "client_id": "client", "scope": "messages.read messages.write", "sub": "ada",
        });
        self.sign(header, claims, members)
    }

    fn sign(&self, header: Value, claims: Value, members: Value) -> String {
        let (mut claims, members) = (object(claims), object(members));
        claims.extend(members);
        claims.retain(|_, value| !value.is_null());
        self.provider.sign(&object(header), &claims)
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("not an object: {other}"),
    }
}

/// An API with one route that needs `requirement`, under a layer for all of it.
pub(crate) fn api(server: &ResourceServer, requirement: Requirement) -> Router {
    let route = get(|token: Access| async move { token.subject.clone() });
    Router::new()
        .route("/", route.layer(server.require(requirement)))
        .layer(server.layer())
}

pub(crate) async fn send(api: &Router, uri: &str, authorization: &[&str]) -> Response<Body> {
    let mut request = Request::get(uri);
    for value in authorization {
        request = request.header("authorization", *value);
    }
    let request = request.body(Body::empty()).unwrap();
    api.clone().oneshot(request).await.unwrap()
}

pub(crate) async fn get_with(api: &Router, token: &str) -> Response<Body> {
    send(api, "/", &[&format!("Bearer {token}")]).await
}

pub(crate) fn challenge(response: &Response<Body>) -> &str {
    response.headers()["www-authenticate"].to_str().unwrap()
}

/// A token in the form of a JWT, signed by nobody.
pub(crate) fn jwt(header: &Value, claims: &str) -> String {
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!(
        "{}.{}.{}",
        encode(&header.to_string()),
        encode(claims),
        "A".repeat(342)
    )
}

/// What is logged from now on, until the guard is dropped.
pub(crate) fn log() -> (Log, tracing::subscriber::DefaultGuard) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    (log, tracing::subscriber::set_default(subscriber))
}

#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
