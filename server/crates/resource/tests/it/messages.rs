//! The sample API does what its first lines say.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use cloakroom_resource::ResourceServer;
use cloakroom_testkit::{ManualClock, Provider};
use http::{Request, Response};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tower::ServiceExt;

use self::example::{Board, Settings};
use crate::support::{World, challenge};

#[expect(dead_code, reason = "the example is a program: tests use its routes")]
#[path = "../../examples/messages/main.rs"]
mod example;

struct Api {
    world: World,
    board: Board,
    router: Router,
}

impl Api {
    fn new() -> Self {
        let world = World::new();
        let board = Board::new(world.clock.as_fn());
        let router = example::router(&world.okta(), &board);
        Self {
            world,
            board,
            router,
        }
    }

    /// A token with these scopes; the sign-in was with `acr`, `age` seconds ago.
    fn token(&self, scopes: &[&str], acr: &str, age: u64) -> String {
        let auth_time = self.world.clock.now() - age;
        let members = json!({"scp": scopes, "acr": acr, "auth_time": auth_time});
        self.world.okta_token(members)
    }

    fn reader(&self) -> String {
        self.token(&["messages:read"], "urn:okta:loa:1fa:pwd", 9)
    }

    fn writer(&self) -> String {
        self.token(
            &["messages:read", "messages:write"],
            "urn:okta:loa:1fa:pwd",
            9,
        )
    }

    async fn call(&self, method: &str, uri: &str, token: &str, body: &str) -> Response<Body> {
        let mut request = Request::builder().method(method).uri(uri);
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn events(&self, last: Option<&str>) -> Body {
        let token = self.reader();
        let mut request =
            Request::get("/api/events").header("authorization", format!("Bearer {token}"));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let request = request.body(Body::empty()).unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        answer.into_body()
    }
}

async fn json_of(answer: Response<Body>) -> Value {
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&body).unwrap()
}

async fn next(events: &mut Body) -> Option<String> {
    let frame = events.frame().await?.unwrap();
    let bytes: Bytes = frame.into_data().unwrap();
    Some(String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn messages_are_for_those_who_have_a_token_for_them() {
    let api = Api::new();
    let none = api.call("GET", "/api/messages", "", "").await;
    assert_eq!((none.status().as_u16(), challenge(&none)), (401, "Bearer"));
    let other = api.token(&["openid"], "", 0);
    let lacking = api.call("GET", "/api/messages", &other, "").await;
    assert_eq!(lacking.status(), 403);
    let answer = api.call("GET", "/api/messages", &api.reader(), "").await;
    assert_eq!(answer.status(), 200);
    let texts: Vec<_> = json_of(answer).await["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["text"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(texts, ["Hello, world!", "I am a robot."]);
}

#[tokio::test]
async fn sending_needs_its_scope_and_a_text() {
    let api = Api::new();
    api.world.clock.set(1_800_000_000);
    let hello = r#"{"text":" Good morning "}"#;
    let lacking = api
        .call("POST", "/api/messages", &api.reader(), hello)
        .await;
    assert_eq!(lacking.status(), 403);
    assert!(challenge(&lacking).contains("error=\"insufficient_scope\""));
    assert!(challenge(&lacking).contains("scope=\"messages:write\""));
    let answer = api
        .call("POST", "/api/messages", &api.writer(), hello)
        .await;
    assert_eq!(answer.status(), 201);
    assert_eq!(
        json_of(answer).await,
        json!({"id": 3, "date": "2027-01-15T08:00:00Z", "author": "ada@example.com", "text": "Good morning"})
    );
    let longest = format!(r#"{{"text":"{}"}}"#, "é".repeat(280));
    let answer = api
        .call("POST", "/api/messages", &api.writer(), &longest)
        .await;
    assert_eq!(answer.status(), 201);
    let too_long = format!(r#"{{"text":"{}"}}"#, "é".repeat(281));
    let huge = format!(r#"{{"text":"{}"}}"#, "a".repeat(9_000));
    for (body, status, code) in [
        (r#"{"text":" "}"#, 422, "text_empty"),
        (too_long.as_str(), 422, "text_too_long"),
        ("{}", 422, "body_unreadable"),
        ("{", 400, "body_unreadable"),
        (huge.as_str(), 413, "body_unreadable"),
        ("", 415, "body_unreadable"),
    ] {
        let answer = api.call("POST", "/api/messages", &api.writer(), body).await;
        assert_eq!(answer.status(), status, "{body}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        assert_eq!(json_of(answer).await["code"], code, "{body}");
    }
    assert_eq!(api.board.messages().len(), 4);
}

#[tokio::test]
async fn the_board_keeps_the_newest_hundred() {
    let api = Api::new();
    for number in 0..100 {
        api.board.post("ada", &number.to_string()).unwrap();
    }
    let kept = api.board.messages();
    assert_eq!(
        (kept.len(), kept[0].text.as_str(), kept[99].text.as_str()),
        (100, "0", "99")
    );
}

#[tokio::test]
async fn clearing_the_board_needs_a_second_factor_of_late() {
    let api = Api::new();
    let both = ["messages:read", "messages:write"];
    let (weak, strong) = ("urn:okta:loa:1fa:pwd", "urn:okta:loa:2fa:any");
    for (acr, age) in [(weak, 0), (strong, 301)] {
        let token = api.token(&both, acr, age);
        let answer = api.call("DELETE", "/api/messages", &token, "").await;
        assert_eq!(answer.status(), 401);
        let challenge = challenge(&answer);
        for part in [
            "Bearer error=\"insufficient_user_authentication\"",
            "acr_values=\"urn:okta:loa:2fa:any\"",
            "max_age=\"300\"",
        ] {
            assert!(challenge.contains(part), "{challenge}");
        }
    }
    assert_eq!(api.board.messages().len(), 2);
    let reader = api.token(&["messages:read"], strong, 0);
    let lacking = api.call("DELETE", "/api/messages", &reader, "").await;
    assert_eq!(lacking.status(), 403);
    let token = api.token(&both, strong, 300);
    let answer = api.call("DELETE", "/api/messages", &token, "").await;
    assert_eq!(answer.status(), 204);
    assert!(api.board.messages().is_empty());
}

#[tokio::test]
async fn listeners_hear_what_happens_and_what_they_missed() {
    let api = Api::new();
    let mut events = api.events(None).await;
    api.board.post("ada", "one").unwrap();
    let heard = next(&mut events).await.unwrap();
    assert!(
        heard.starts_with("id: 3\n") || heard.contains("\nid: 3\n"),
        "{heard}"
    );
    assert!(
        heard.contains("\"text\":\"one\"") && !heard.contains("event:"),
        "{heard}"
    );
    drop(events);
    api.board.clear();
    api.board.post("ada", "two").unwrap();
    for last in ["3", "900"] {
        let mut events = api.events(Some(last)).await;
        assert!(next(&mut events).await.unwrap().contains("event: cleared"));
        assert!(
            next(&mut events)
                .await
                .unwrap()
                .contains("\"text\":\"two\"")
        );
    }
    let mut events = api.events(Some("4")).await;
    assert!(
        next(&mut events)
            .await
            .unwrap()
            .contains("\"text\":\"two\"")
    );
}

#[tokio::test(start_paused = true)]
async fn a_stream_lasts_no_longer_than_its_token() {
    let api = Api::new();
    let mut events = api.events(None).await;
    let begun = tokio::time::Instant::now();
    while let Some(comment) = next(&mut events).await {
        assert!(comment.starts_with(':'), "{comment}");
    }
    assert_eq!(begun.elapsed().as_secs(), 600 + 60);
}

#[tokio::test]
async fn the_rest_is_where_it_should_be() {
    let api = Api::new();
    assert_eq!(api.call("GET", "/healthz", "", "").await.status(), 200);
    for (method, uri, status, code) in [
        ("GET", "/api/secrets", 404, "not_found"),
        ("PUT", "/api/messages", 405, "method_not_allowed"),
    ] {
        let answer = api.call(method, uri, "", "").await;
        assert_eq!(answer.status(), status);
        assert_eq!(json_of(answer).await["code"], code);
    }
}

/// What the program makes of these variables.
fn settings(variables: &[(&str, &str)]) -> Result<Settings, String> {
    let variable = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    Settings::read(&variable).map_err(|error| error.to_string())
}

fn server(settings: &Settings) -> Result<ResourceServer, String> {
    let (clock, random) = (ManualClock::at_present(), Arc::new(|| [7; 16]));
    settings
        .server("http://127.0.0.1:4001", &clock.as_fn(), random)
        .map_err(|error| error.to_string())
}

#[tokio::test]
async fn the_programs_settings_make_a_server_for_a_provider_on_the_network() {
    let clock = ManualClock::at_present();
    let provider = Provider::start().await;
    let (issuer, now) = (provider.issuer(), clock.now());
    let claims = json!({
        "iss": issuer, "aud": "api://default", "iat": now, "exp": now + 600, "jti": "1", "sub": "ada",
        "cid": "client", "scp": ["messages:read"], "client_id": "client", "scope": "messages:read",
    });
    let token = |header: Value| {
        let (header, claims) = (header.as_object().unwrap(), claims.as_object().unwrap());
        provider.sign(header, claims)
    };
    let okta = server(&settings(&[("MESSAGES_ISSUER", &issuer)]).unwrap()).unwrap();
    let verified = okta.verify(&token(json!({}))).await.unwrap();
    assert_eq!(verified.scopes, ["messages:read"]);
    let metadata = okta.metadata().unwrap().address();
    assert_eq!(
        metadata,
        "http://127.0.0.1:4001/.well-known/oauth-protected-resource"
    );
    let profile = [
        ("MESSAGES_ISSUER", issuer.as_str()),
        ("MESSAGES_PROFILE", "rfc9068"),
    ];
    let rfc9068 = server(&settings(&profile).unwrap()).unwrap();
    assert!(rfc9068.verify(&token(json!({}))).await.is_err());
    assert!(
        rfc9068
            .verify(&token(json!({"typ": "at+jwt"})))
            .await
            .is_ok()
    );
    let client = [
        ("MESSAGES_ISSUER", issuer.as_str()),
        ("MESSAGES_CLIENT_ID", Provider::CLIENT_ID),
        ("MESSAGES_CLIENT_SECRET", Provider::CLIENT_SECRET),
    ];
    let introspecting = server(&settings(&client).unwrap()).unwrap();
    let unknown = introspecting.verify("opaque").await.unwrap_err();
    assert_eq!(unknown.code(), "token_inactive");
    provider.assert_clean();
}

#[test]
fn settings_that_cannot_work_say_what_to_do() {
    let issuer = ("MESSAGES_ISSUER", "https://id.example.com/oauth2/default");
    for (variables, said) in [
        (vec![], "MESSAGES_ISSUER is not set"),
        (
            vec![("MESSAGES_ISSUER", "default")],
            "the issuer is not a URL",
        ),
        (
            vec![issuer, ("MESSAGES_PROFILE", "auth0")],
            "okta or rfc9068",
        ),
        (vec![issuer, ("MESSAGES_CLIENT_ID", "x")], "or neither"),
        (vec![issuer, ("MESSAGES_LOG", "loud")], "MESSAGES_LOG"),
    ] {
        let error = settings(&variables).map(|_| ()).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
    let org = settings(&[("MESSAGES_ISSUER", "https://dev-1.okta.com")]).unwrap();
    let error = server(&org).map(|_| ()).unwrap_err();
    assert!(
        error.contains("https://dev-1.okta.com/oauth2/default"),
        "{error}"
    );
    let resource = ("MESSAGES_RESOURCE", "api://default");
    let error = server(&settings(&[issuer, resource]).unwrap())
        .map(|_| ())
        .unwrap_err();
    assert!(error.contains("MESSAGES_RESOURCE"), "{error}");
}

#[tokio::test]
async fn the_program_ends_while_somebody_listens() {
    let api = Api::new();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let (end, ended) = oneshot::channel::<()>();
    let (server, board) = (api.world.okta(), api.board.clone());
    let running = tokio::spawn(async move {
        let end = async { ended.await.unwrap() };
        example::serve(listener, &server, board, end).await
    });
    let mut events = api.events(None).await;
    end.send(()).unwrap();
    running.await.unwrap().unwrap();
    assert_eq!(next(&mut events).await, None);
}
