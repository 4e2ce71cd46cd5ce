//! A provider in memory, whose answers and clock the test sets, and that keeps what it was asked.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use cloakroom_oidc::KeySet;
use cloakroom_oidc::client::{HttpClient, Provider, TransportError};
use cloakroom_oidc::{Issuer, ProviderMetadata};
use http::{Request, Response};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::keys::{other_rsa, rsa};
use crate::support::{ISSUER, document_with};

pub(crate) const OPENID: &str = "/oauth2/default/.well-known/openid-configuration";
pub(crate) const INSERTED: &str = "/.well-known/oauth-authorization-server/oauth2/default";
pub(crate) const APPENDED: &str = "/oauth2/default/.well-known/oauth-authorization-server";
pub(crate) const KEYS: &str = "/oauth2/default/v1/keys";

/// What to do with a request.
#[derive(Clone)]
pub(crate) enum Reply {
    Answer(u16, Vec<(&'static str, &'static str)>, String),
    /// As the first, but 304 without a body where the request has this as `If-None-Match`.
    Tagged(&'static str, Box<Reply>),
    HangUp,
    /// Waits until the test lets it go on, and hangs up then.
    Wait(Arc<Semaphore>, Box<Reply>),
}

impl Reply {
    pub(crate) fn json(body: &Value) -> Self {
        Self::Answer(200, Vec::new(), body.to_string())
    }

    pub(crate) fn status(status: u16) -> Self {
        Self::Answer(status, Vec::new(), String::new())
    }

    pub(crate) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        match &mut self {
            Self::Answer(_, headers, _) => headers.push((name, value)),
            Self::Tagged(_, inner) | Self::Wait(_, inner) => {
                let with = std::mem::replace(&mut **inner, Self::HangUp).with(name, value);
                **inner = with;
            }
            Self::HangUp => {}
        }
        self
    }

    pub(crate) fn tagged(self, etag: &'static str) -> Self {
        Self::Tagged(etag, Box::new(self.with("etag", etag)))
    }

    pub(crate) fn when(self, gate: &Arc<Semaphore>) -> Self {
        Self::Wait(Arc::clone(gate), Box::new(self))
    }
}

#[derive(Default)]
struct Origin {
    replies: HashMap<&'static str, Reply>,
    requests: Vec<Request<()>>,
}

pub(crate) struct World {
    pub(crate) provider: Provider,
    now: Arc<AtomicU64>,
    origin: Arc<Mutex<Origin>>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::of(ISSUER)
    }

    pub(crate) fn of(issuer: &str) -> Self {
        let origin = Arc::new(Mutex::new(Origin::default()));
        let asked = Arc::clone(&origin);
        let http = HttpClient::over(move |request: Request<Bytes>| {
            let path = request.uri().path().to_owned();
            let tag = request.headers().get("if-none-match").cloned();
            let mut origin = asked.lock().unwrap();
            origin.requests.push(request.map(|_| ()));
            let reply = origin
                .replies
                .get(path.as_str())
                .cloned()
                .unwrap_or_else(|| Reply::status(404));
            answer(reply, tag)
        });
        let now = Arc::new(AtomicU64::new(1_800_000_000));
        let clock = Arc::clone(&now);
        let provider = Provider::new(
            Issuer::parse(issuer).unwrap(),
            http,
            Arc::new(move || clock.load(Ordering::SeqCst)),
        );
        let world = Self {
            provider,
            now,
            origin,
        };
        world.set(OPENID, openid(json!({})));
        world.set(KEYS, Reply::json(&key_set("k1")));
        world
    }

    pub(crate) fn set(&self, path: &'static str, reply: Reply) {
        self.origin.lock().unwrap().replies.insert(path, reply);
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.now.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) fn set_back(&self, seconds: u64) {
        self.now.fetch_sub(seconds, Ordering::SeqCst);
    }

    pub(crate) fn count(&self, path: &str) -> usize {
        self.requests(path).len()
    }

    /// The headers of each request for this path, with their first values.
    pub(crate) fn requests(&self, path: &str) -> Vec<HashMap<String, String>> {
        let headers = |request: &Request<()>| {
            request
                .headers()
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                .collect()
        };
        let origin = self.origin.lock().unwrap();
        origin
            .requests
            .iter()
            .filter(|request| request.uri().path() == path)
            .map(headers)
            .collect()
    }

    pub(crate) async fn metadata(&self) -> Arc<ProviderMetadata> {
        self.provider.metadata().await.unwrap()
    }

    pub(crate) async fn kids(&self) -> Vec<String> {
        kids(&self.provider.keys().await.unwrap())
    }

    /// Lets what runs in the background come to its end, or to where it waits for the test.
    pub(crate) async fn settle(&self) {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
}

async fn answer(
    reply: Reply,
    tag: Option<http::HeaderValue>,
) -> Result<Response<Bytes>, TransportError> {
    let host = "id.example.com".to_owned();
    match reply {
        Reply::Answer(status, headers, body) => {
            let mut answer = Response::builder().status(status);
            for (name, value) in headers {
                answer = answer.header(name, value);
            }
            Ok(answer.body(Bytes::from(body)).unwrap())
        }
        Reply::Tagged(etag, inner) => {
            let mut answer = Box::pin(answer(*inner, None)).await?;
            if tag.is_some_and(|tag| tag == etag) {
                *answer.status_mut() = http::StatusCode::NOT_MODIFIED;
                *answer.body_mut() = Bytes::new();
            }
            Ok(answer)
        }
        Reply::HangUp => Err(TransportError::Interrupted {
            host,
            reason: "hung up".to_owned(),
        }),
        Reply::Wait(gate, inner) => {
            let _passed = gate.acquire().await.unwrap();
            Box::pin(answer(*inner, tag)).await
        }
    }
}

/// The OpenID document with every endpoint, some members replaced.
pub(crate) fn openid(members: Value) -> Reply {
    let mut document = document_with(json!({
        "pushed_authorization_request_endpoint": format!("{ISSUER}/v1/par"),
    }));
    crate::support::merge(&mut document, members);
    Reply::json(&document)
}

pub(crate) fn key_set(kid: &str) -> Value {
    let key = if kid == "k1" { rsa() } else { other_rsa() };
    json!({"keys": [key.jwk(json!({"kid": kid}))]})
}

pub(crate) fn kids(set: &KeySet) -> Vec<String> {
    set.key_ids()
        .map(|kid| kid.unwrap_or_default().to_owned())
        .collect()
}
