//! RFC 9728.

use axum::Router;
use cloakroom_resource::{ProtectedResource, Requirement, TrustedIssuer};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::support::{World, api, challenge, send};

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
    let well_known = "/.well-known/oauth-protected-resource";
    for (resource, path) in [
        ("https://api.example.com", ""),
        ("https://api.example.com/", ""),
        ("https://api.example.com/v1", "/v1"),
        ("https://api.example.com/v1/", "/v1/"),
    ] {
        let resource = ProtectedResource::new(resource).unwrap();
        assert_eq!(resource.path(), format!("{well_known}{path}"));
        let address = format!("https://api.example.com{}", resource.path());
        assert_eq!(resource.address(), address);
    }
    assert!(ProtectedResource::new("http://localhost:8000").is_ok());
}

#[tokio::test]
async fn any_path_of_an_identifier_is_a_path_of_the_router() {
    let world = World::new();
    for path in ["/:v1", "/*", "/a%20b", "/v1/"] {
        let resource = ProtectedResource::new(&format!("https://api.example.com{path}")).unwrap();
        let builder = world.builder().issuer(TrustedIssuer::okta(world.op()));
        let server = builder.metadata(resource).build().unwrap();
        let router: Router = server.metadata_router();
        let address = format!("/.well-known/oauth-protected-resource{path}");
        assert_eq!(send(&router, &address, &[]).await.status(), 200, "{path}");
        let other = "/.well-known/oauth-protected-resource/other";
        assert_eq!(send(&router, other, &[]).await.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn without_metadata_nothing_is_published() {
    let world = World::new();
    let server = world.okta();
    assert_eq!(
        (server.metadata(), server.metadata_document()),
        (None, None)
    );
    let router: Router = server.metadata_router();
    let answer = send(&router, "/.well-known/oauth-protected-resource", &[]).await;
    assert_eq!(answer.status(), 404);
}

#[tokio::test]
async fn metadata_is_there_for_every_clone_layer_and_issuer() {
    let world = World::new();
    let builder = world.builder().issuer(TrustedIssuer::okta(world.op()));
    let early = builder
        .metadata(ProtectedResource::new("https://api.example.com").unwrap())
        .build()
        .unwrap();
    let only = early.only(&world.provider.issuer()).unwrap();
    for server in [early.clone(), only] {
        let api = api(&server, Requirement::new());
        assert!(challenge(&send(&api, "/", &[]).await).starts_with("Bearer resource_metadata="));
        assert_eq!(server.metadata_document(), early.metadata_document());
    }
}
