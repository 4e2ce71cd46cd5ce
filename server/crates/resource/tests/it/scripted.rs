//! An issuer that says of every token what the test has it say, and counts how often it is asked.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use cloakroom_oidc::client::{Clock, HttpClient, Provider as Op, TransportError};
use cloakroom_oidc::{ClientAuth, ClientSecret, Issuer, RelyingParty};
use cloakroom_resource::{ResourceServer, ResourceServerBuilder, TrustedIssuer};
use cloakroom_testkit::ManualClock;
use http::{Request, Response};
use serde_json::{Value, json};
use tokio::sync::watch;

/// Clones are the same issuer.
#[derive(Clone)]
pub(crate) struct Scripted {
    pub(crate) issuer: String,
    asked: Arc<AtomicUsize>,
    answer: Arc<Mutex<Answer>>,
    open: watch::Sender<bool>,
}

#[derive(Clone)]
struct Answer {
    status: u16,
    body: String,
    retry_after: Option<&'static str>,
}

impl Scripted {
    /// Says that every token is good for `api`.
    pub(crate) fn new(issuer: &str) -> Self {
        let scripted = Self {
            issuer: issuer.to_owned(),
            asked: Arc::default(),
            answer: Arc::new(Mutex::new(Answer {
                status: 200,
                body: String::new(),
                retry_after: None,
            })),
            open: watch::Sender::new(true),
        };
        scripted.says(&scripted.active(json!({})));
        scripted
    }

    /// How often it was asked about a token.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// What it says from now on, as it is.
    pub(crate) fn says(&self, body: &Value) {
        self.answers(200, &body.to_string(), None);
    }

    pub(crate) fn answers(&self, status: u16, body: &str, retry_after: Option<&'static str>) {
        *self.answer.lock().unwrap() = Answer {
            status,
            body: body.to_owned(),
            retry_after,
        };
    }

    /// Holds answers back, or lets them go.
    pub(crate) fn hold(&self, hold: bool) {
        self.open.send_replace(!hold);
    }

    /// Of an active token, with some members replaced; `null` removes one.
    pub(crate) fn active(&self, members: Value) -> Value {
        let mut answer = json!({
            "active": true, "iss": self.issuer, "aud": "api", "exp": 9_000, "client_id": "c",
            "scope": "a b", "sub": "ada", "token_type": "Bearer",
        });
        let (Value::Object(all), Value::Object(members)) = (&mut answer, members) else {
            panic!("objects");
        };
        all.extend(members);
        all.retain(|_, value| !value.is_null());
        answer
    }

    pub(crate) fn trusted(&self, clock: Clock) -> TrustedIssuer {
        let metadata = json!({
            "issuer": self.issuer, "authorization_endpoint": format!("{}/a", self.issuer),
            "token_endpoint": format!("{}/t", self.issuer), "jwks_uri": format!("{}/k", self.issuer),
            "introspection_endpoint": format!("{}/i", self.issuer), "response_types_supported": ["code"],
            "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256"],
        });
        let scripted = self.clone();
        let http = HttpClient::over(move |request: Request<Bytes>| {
            let (scripted, metadata) = (scripted.clone(), metadata.to_string());
            async move {
                if request.uri().path().ends_with("/i") {
                    return scripted.introspect().await;
                }
                let answer = Response::builder().header("content-type", "application/json");
                Ok(answer.body(Bytes::from(metadata)).unwrap())
            }
        });
        let provider = Op::new(Issuer::parse(&self.issuer).unwrap(), http, clock);
        let auth = ClientAuth::SecretBasic(ClientSecret::new("secret"));
        let client = RelyingParty::new("api", auth, "");
        TrustedIssuer::introspected(provider, client, Arc::new(|| [7; 16]))
    }

    async fn introspect(self) -> Result<Response<Bytes>, TransportError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut open = self.open.subscribe();
        open.wait_for(|open| *open).await.unwrap();
        let answer = self.answer.lock().unwrap().clone();
        let mut response = Response::builder().status(answer.status);
        if let Some(seconds) = answer.retry_after {
            response = response.header("retry-after", seconds);
        }
        Ok(response.body(Bytes::from(answer.body)).unwrap())
    }
}

/// A server at 1,000 Unix seconds for tokens of these issuers.
pub(crate) fn server(clock: &ManualClock, issuers: &[&Scripted]) -> ResourceServer {
    let builder = ResourceServer::builder(["api"], clock.as_fn());
    let trusted = issuers.iter().map(|issuer| issuer.trusted(clock.as_fn()));
    trusted
        .fold(builder, ResourceServerBuilder::issuer)
        .build()
        .unwrap()
}
