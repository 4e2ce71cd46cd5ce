//! Tokens in forms: RFC 6750 section 2.2, which this server does not take.

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body_util::BodyExt;
use serde_json::json;
use tower::ServiceExt;

use crate::support::{World, challenge};

/// An API that says what it was sent.
fn echo(world: &World) -> Router {
    let echo =
        post(|body: Result<String, _>| async { body.unwrap_or_else(|_| "broken".to_owned()) });
    Router::new().route("/", echo).layer(world.okta().layer())
}

struct Form<'a> {
    token: Option<&'a str>,
    media_type: &'static str,
    length: Option<usize>,
    body: Body,
}

async fn send(api: &Router, form: Form<'_>) -> Response<Body> {
    let mut request = Request::post("/").header("content-type", form.media_type);
    if let Some(token) = form.token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    if let Some(length) = form.length {
        request = request.header("content-length", length);
    }
    api.clone()
        .oneshot(request.body(form.body).unwrap())
        .await
        .unwrap()
}

const FORM: &str = "application/x-www-form-urlencoded";

fn form<'a>(token: Option<&'a str>, body: &str) -> Form<'a> {
    let (length, body) = (Some(body.len()), Body::from(body.to_owned()));
    Form {
        token,
        media_type: FORM,
        length,
        body,
    }
}

async fn text(answer: Response<Body>) -> String {
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn a_token_in_a_form_is_refused_alone_and_beside_a_header() {
    let world = World::new();
    let (api, good) = (echo(&world), world.okta_token(json!({})));
    let in_body = format!("a=b&access_token={good}");
    let encoded = format!("access%5Ftoken={good}");
    for (token, body) in [
        (None, &in_body),
        (Some(good.as_str()), &in_body),
        (None, &encoded),
    ] {
        let answer = send(&api, form(token, body)).await;
        assert_eq!(answer.status(), 400);
        assert_eq!(
            challenge(&answer),
            "Bearer error=\"invalid_request\", error_description=\"the access token came in the body; send it in the Authorization header\""
        );
        assert!(!text(answer).await.contains(&good));
    }
    let upper = Form {
        media_type: "Application/X-WWW-Form-URLencoded; charset=utf-8",
        ..form(None, &in_body)
    };
    assert_eq!(send(&api, upper).await.status(), 400);
}

#[tokio::test]
async fn other_forms_come_through_whole() {
    let world = World::new();
    let (api, good) = (echo(&world), world.okta_token(json!({})));
    let body = "text=access_token&my_access_token=1&x=%26access_token%3D1";
    let answer = send(&api, form(Some(&good), body)).await;
    assert_eq!(
        (answer.status().as_u16(), text(answer).await.as_str()),
        (200, body)
    );
    // Without a header there is no token, whatever the form says.
    assert_eq!(send(&api, form(None, body)).await.status(), 401);
}

#[tokio::test]
async fn what_is_no_small_form_is_not_looked_into_and_lets_nobody_in() {
    let world = World::new();
    let (api, good) = (echo(&world), world.okta_token(json!({})));
    let body = format!("access_token={good}");
    let large = format!("{body}&x={}", "a".repeat(16 * 1024));
    let streamed = || {
        Body::from_stream(stream::iter([Ok::<_, std::io::Error>(Bytes::from(
            body.clone(),
        ))]))
    };
    let cases = |token| {
        [
            Form {
                media_type: "application/json",
                ..form(token, &body)
            },
            Form {
                length: None,
                body: streamed(),
                ..form(token, "")
            },
            form(token, &large),
        ]
    };
    for case in cases(None) {
        let answer = send(&api, case).await;
        assert_eq!(
            (answer.status().as_u16(), challenge(&answer)),
            (401, "Bearer")
        );
    }
    for case in cases(Some(&good)) {
        let answer = send(&api, case).await;
        assert_eq!(answer.status(), 200);
        assert!(text(answer).await.contains("access_token="));
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_breaks_off_for_the_application_too() {
    let world = World::new();
    let (api, good) = (echo(&world), world.okta_token(json!({})));
    let broken = stream::iter([Ok(Bytes::from("a=b&")), Err(std::io::Error::other("gone"))]);
    let case = Form {
        length: Some(50),
        body: Body::from_stream(broken),
        ..form(Some(&good), "")
    };
    assert_eq!(text(send(&api, case).await).await, "broken");
    let lying = Form {
        length: Some(3),
        ..form(Some(&good), &"a".repeat(20_000))
    };
    assert_eq!(text(send(&api, lying).await).await, "broken");
}
