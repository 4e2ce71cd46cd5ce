//! `GET /auth/jwks.json`: this client's public keys, for the provider and anybody else (RFC 7517 section 5, OpenID Connect
//! Dynamic Client Registration 1.0 section 2).

use std::collections::BTreeSet;

use http::Method;
use serde_json::json;

use crate::client_auth::{
    ED25519_JWK, KEY_FILE, METHOD, P256_JWK, RSA_JWK, keys, known_by_address, named,
};
use crate::start::Start;

#[tokio::test(flavor = "multi_thread")]
async fn the_public_keys_are_shown_to_anybody_without_their_private_halves() {
    let set = json!({ "keys": [named(P256_JWK, "signs"), named(RSA_JWK, "joined")] });
    let world = known_by_address(keys(&set.to_string())).await;
    let browser = world.browser();
    for request in [
        browser.get("/auth/jwks.json").bare(),
        browser.get("/auth/jwks.json").fetch(),
        browser.get("/auth/jwks.json").navigate(),
        browser
            .get("/auth/jwks.json")
            .fetch()
            .from_page("https://op.example/keys"),
    ] {
        let answer = request.await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
        assert_eq!(
            (answer.header("vary"), answer.set_cookies()),
            (None, vec![])
        );
        let shown = answer.json();
        let members: Vec<BTreeSet<&str>> = shown["keys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| {
                key.as_object()
                    .unwrap()
                    .keys()
                    .map(String::as_str)
                    .collect()
            })
            .collect();
        assert_eq!(
            members,
            [
                BTreeSet::from(["kty", "crv", "x", "y", "use", "kid", "alg"]),
                BTreeSet::from(["kty", "n", "e", "use", "kid"]),
            ]
        );
        for (key, kid) in [(0, "signs"), (1, "joined")] {
            assert_eq!(shown["keys"][key]["kid"], kid);
            assert_eq!(shown["keys"][key]["use"], "sig");
        }
    }
    let head = browser
        .request(Method::HEAD, "/auth/jwks.json")
        .bare()
        .await;
    assert_eq!((head.status(), head.body()), (200, &b""[..]));
    let post = browser.post_form("/auth/jwks.json", &[]).await;
    assert_eq!(post.status(), 405);
    world.sign_in(&browser).await;
    assert_eq!(
        browser
            .get("/auth/jwks.json")
            .fetch()
            .await
            .header("cache-control"),
        Some("public, max-age=300"),
        "the same for everybody"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_keys_shows_none() {
    let spare = Start::default()
        .set(METHOD, "client_secret_basic")
        .file(KEY_FILE, ED25519_JWK);
    for start in [Start::default(), spare] {
        let world = start.go().await;
        let browser = world.browser();
        for request in [
            browser.get("/auth/jwks.json").bare(),
            browser.get("/auth/jwks.json").fetch(),
        ] {
            let answer = request.await;
            assert_eq!(
                (answer.status(), answer.header("cloakroom-error")),
                (404, Some("not_found"))
            );
        }
        world.sign_in(&browser).await;
        world.end().await;
    }
}
