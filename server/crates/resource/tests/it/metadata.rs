//! RFC 9728.

use axum::Router;
use cloakroom_resource::{ProtectedResource, TrustedIssuer};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::support::{World, send};

#[tokio::test]
async fn the_document_is_between_host_and_path() {
    let world = World::new();
    let resource = ProtectedResource::new("https://api.example.com/v1").unwrap();
    let server = world
        .builder()
        .issuer(TrustedIssuer::okta(world.op()))
        .metadata(resource.scopes(["messages.read"]))
        .build()
        .unwrap();
    let router: Router = server.metadata_router();
    let answer = send(&router, "/.well-known/oauth-protected-resource/v1", &[]).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/json");
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let document: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        document,
        json!({
            "resource": "https://api.example.com/v1",
            "authorization_servers": [world.provider.issuer()],
            "bearer_methods_supported": ["header"],
            "scopes_supported": ["messages.read"],
        })
    );
}

#[test]
fn resource_identifiers_are_https_without_query_and_fragment() {
    for text in [
        "api://default",
        "http://api.example.com",
        "https://a.example.com/#x",
        "https://a.example.com?x",
        "https://u@a.example.com",
    ] {
        assert!(ProtectedResource::new(text).is_err(), "{text}");
    }
    let root = ProtectedResource::new("https://api.example.com").unwrap();
    assert_eq!(root.path(), "/.well-known/oauth-protected-resource");
    assert!(ProtectedResource::new("http://localhost:8000").is_ok());
}
