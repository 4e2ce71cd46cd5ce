//! The layer around a tower service that knows nothing of axum: every check is in the layer.

use std::convert::Infallible;

use bytes::Bytes;
use cloakroom_resource::{Access, AccessService, Requirement};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::json;
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::support::World;

/// Says who is there, to nobody but them.
async fn whoami(request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let subject = Access::of(request.extensions()).map(|token| token.subject.clone());
    Ok(Response::new(Full::from(subject.unwrap_or_default())))
}

async fn call<S>(service: &AccessService<S>, uri: &str, token: &str) -> (StatusCode, String, String)
where
    S: Service<Request<Full<Bytes>>, Response = Response<Full<Bytes>>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    let mut request = Request::builder().method(Method::POST).uri(uri);
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request.body(Full::from("a body of its own")).unwrap();
    let answer = service.clone().oneshot(request).await.unwrap();
    let challenge = answer.headers().get("www-authenticate");
    let challenge = challenge
        .map_or("", |value| value.to_str().unwrap())
        .to_owned();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, challenge, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn every_check_works_without_axum() {
    let world = World::new();
    let requirement = Requirement::new()
        .scope("messages.read")
        .group("everyone")
        .acr("urn:one")
        .max_age(100);
    let service = world.okta().require(requirement).layer(service_fn(whoami));
    let good = world.okta_token(json!({}));
    let (status, _, body) = call(&service, "/", &good).await;
    assert_eq!((status.as_u16(), body.as_str()), (200, "ada@example.com"));
    for (uri, token, status, challenge) in [
        ("/", String::new(), 401, "Bearer"),
        (
            "/?access_token=x",
            good,
            400,
            "Bearer error=\"invalid_request\"",
        ),
        (
            "/",
            world.okta_token(json!({"exp": 9})),
            401,
            "Bearer error=\"invalid_token\"",
        ),
        (
            "/",
            world.okta_token(json!({"scp": []})),
            403,
            "Bearer error=\"insufficient_scope\"",
        ),
        (
            "/",
            world.okta_token(json!({"groups": []})),
            403,
            "Bearer error=\"insufficient_scope\"",
        ),
        (
            "/",
            world.okta_token(json!({"acr": "urn:zero"})),
            401,
            "Bearer error=\"insufficient_user_authentication\"",
        ),
    ] {
        let (got, said, body) = call(&service, uri, &token).await;
        assert_eq!(got, status, "{uri}");
        assert!(said.starts_with(challenge), "{said}");
        assert!(body.contains("\"status\""), "{body}");
    }
    world.set_down(true);
    let fresh = World::new();
    fresh.set_down(true);
    let service = fresh.okta().layer().layer(service_fn(whoami));
    let (status, _, _) = call(&service, "/", &fresh.okta_token(json!({}))).await;
    assert_eq!(status, 503);
}

#[tokio::test]
async fn a_service_that_is_not_ready_is_not_called() {
    let world = World::new();
    let limited = tower::limit::ConcurrencyLimit::new(service_fn(whoami), 1);
    let service = world.okta().layer().layer(limited);
    let token = world.okta_token(json!({}));
    for _ in 0..3 {
        assert_eq!(call(&service, "/", &token).await.0, 200);
    }
}
