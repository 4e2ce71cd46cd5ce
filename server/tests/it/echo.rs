//! A provider whose error says again what it was sent: none of it gets into the log or to the browser (RFC 6749 section
//! 5.2; design, invariant 1).

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as STANDARD;
use cloakroom_testkit::leaks;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::start::Start;
use crate::world::World;

const CODE: &str = "a-code-that-is-said-again-0123456789";

/// A provider of nothing but metadata, keys and a token endpoint that answers 400.
#[derive(Debug, Clone)]
struct Echo {
    issuer: String,
    heard: Arc<Mutex<Vec<Heard>>>,
    /// What the answer's `error` is.
    error: &'static str,
    /// Which part of what was heard the description says again.
    say: fn(&Heard) -> String,
}

/// One token request.
#[derive(Debug, Clone)]
struct Heard {
    authorization: String,
    form: HashMap<String, String>,
}

impl Heard {
    fn field(&self, name: &str) -> &str {
        self.form.get(name).map(String::as_str).unwrap_or_default()
    }

    /// The credentials of the Basic scheme, as they came.
    fn credentials(&self) -> &str {
        self.authorization.trim_start_matches("Basic ")
    }
}

impl Echo {
    async fn start(error: &'static str, say: fn(&Heard) -> String) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let echo = Self {
            issuer: format!("http://{}", listener.local_addr().unwrap()),
            heard: Arc::default(),
            error,
            say,
        };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/keys", get(async || Json(json!({ "keys": [] }))))
            .route("/token", post(token))
            .with_state(echo.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        echo
    }
}

async fn metadata(State(echo): State<Echo>) -> Json<Value> {
    let at = |path: &str| format!("{}/{path}", echo.issuer);
    Json(json!({
        "issuer": echo.issuer,
        "authorization_endpoint": at("authorize"),
        "token_endpoint": at("token"),
        "jwks_uri": at("keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
    }))
}

async fn token(
    State(echo): State<Echo>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> (StatusCode, Json<Value>) {
    let authorization = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    let heard = Heard {
        authorization: authorization.unwrap_or_default().to_owned(),
        form,
    };
    let answer = json!({
        "error": echo.error,
        "error_description": (echo.say)(&heard),
        "error_uri": format!("https://op.example/?{}", (echo.say)(&heard)),
    });
    echo.heard.lock().unwrap().push(heard);
    (StatusCode::BAD_REQUEST, Json(answer))
}

/// What the program keeps to itself, in every form that it was sent in.
fn unspeakable(world: &World, heard: &Heard) -> Vec<String> {
    let verifier = heard.field("code_verifier");
    assert_eq!(verifier.len(), 43, "there is something to search for");
    assert!(heard.authorization.starts_with("Basic "));
    vec![
        CODE.to_owned(),
        verifier.to_owned(),
        // A long text may be cut in the middle of it.
        verifier[..12].to_owned(),
        world.provider.client_secret(),
        heard.credentials().to_owned(),
    ]
}

async fn nothing_is_said_again(error: &'static str, say: fn(&Heard) -> String) {
    let echo = Echo::start(error, say).await;
    let mut world = Start::default()
        .set("CLOAKROOM_ISSUER", &echo.issuer)
        .go()
        .await;
    let browser = world.browser();
    let state = world.fresh_state(&browser).await;
    let answer = browser
        .get(format!("/auth/callback?code={CODE}&state={state}"))
        .navigate()
        .await;
    assert_eq!(answer.location().unwrap().path(), "/auth/error");
    let page = browser.follow(answer, 1).await;
    assert!(page.status() >= 400);
    let heard = echo.heard.lock().unwrap().first().cloned();
    let mut secrets = unspeakable(&world, &heard.expect("it was asked"));
    assert_eq!(leaks(&browser.transcript(), &secrets), [""; 0]);
    secrets.push(state);
    let ended = world.stop().await;
    assert!(ended.log.contains("a sign-in failed"), "{}", ended.log);
    assert_eq!(
        leaks(ended.log.as_bytes(), &secrets),
        [""; 0],
        "the log says what the provider said again: {}",
        ended.log
    );
    world.start_again(&[]).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_says_the_code_again_does_not_bring_it_into_the_log() {
    nothing_is_said_again("invalid_grant", |heard| {
        format!("The code {} is not known.", heard.field("code"))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_says_the_verifier_again_does_not_bring_it_into_the_log() {
    nothing_is_said_again("invalid_grant", |heard| {
        format!("code_verifier={} is wrong", heard.field("code_verifier"))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_says_the_client_secret_again_does_not_bring_it_into_the_log() {
    nothing_is_said_again("invalid_client", |_| {
        format!("{} is wrong", cloakroom_testkit::Provider::CLIENT_SECRET)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_says_the_credentials_again_does_not_bring_them_into_the_log() {
    nothing_is_said_again("invalid_client", |heard| {
        format!("Authorization was {}", heard.authorization)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_says_the_decoded_credentials_again_does_not_bring_them_into_the_log() {
    nothing_is_said_again("invalid_client", |heard| {
        let pair = STANDARD.decode(heard.credentials()).unwrap();
        format!("{} may not do this", String::from_utf8(pair).unwrap())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_says_a_secret_again_and_again_does_not_bring_its_beginning_into_the_log() {
    // Wherever a long description is cut, the cut is within one of them.
    nothing_is_said_again("invalid_grant", |heard| {
        heard.field("code_verifier").repeat(100)
    })
    .await;
    nothing_is_said_again("invalid_grant", |heard| {
        format!(
            "{}{}",
            "-".repeat(15),
            heard.field("code_verifier").repeat(100)
        )
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_says_everything_again_brings_none_of_it_into_the_log() {
    nothing_is_said_again("invalid_request", |heard| format!("{heard:?}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_says_state_and_nonce_again_brings_neither_into_the_log() {
    let mut world = World::start().await;
    let browser = world.browser();
    let begun = browser
        .get("/auth/login?return_to=/profile")
        .navigate()
        .await;
    let [state, nonce] = ["state", "nonce"].map(|name| begun.location_param(name).unwrap());
    for said in [
        format!("error={state}"),
        format!("error={nonce}"),
        format!("error=invalid_request&error_description={nonce}+and+{state}"),
    ] {
        let answer = browser
            .get(format!("/auth/callback?{said}&state={state}"))
            .navigate()
            .await;
        let page = browser.follow(answer, 1).await;
        assert!(page.status() >= 400 && !page.text().contains(&nonce));
    }
    let ended = world.stop().await;
    assert!(ended.log.contains("a sign-in failed"), "{}", ended.log);
    // A long error is cut: its beginning must not be there either.
    let unspeakable = [state[..32].to_owned(), nonce];
    assert_eq!(
        leaks(ended.log.as_bytes(), &unspeakable),
        [""; 0],
        "{}",
        ended.log
    );
    world.start_again(&[]).await;
    world.end().await;
}
