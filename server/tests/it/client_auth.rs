//! How the program proves itself at the provider, by settings alone (RFC 6749 section 2.3, OpenID Connect Core section 9,
//! RFC 7523 section 3): at the token, revocation and pushed authorization request endpoints alike, and never by two ways
//! at once. The provider takes the one way that the client is registered for and no other.

use std::collections::BTreeSet;

use cloakroom_testkit::provider::AssertionAudience;
use http::Method;
use serde_json::{Value, json};

use crate::start::Start;
use crate::world::World;

pub(crate) const RSA_PKCS8: &str = include_str!("../../crates/oidc/tests/keys/rsa-pkcs8.pem");
const RSA_PKCS1: &str = include_str!("../../crates/oidc/tests/keys/rsa-pkcs1.pem");
const P256_PKCS8: &str = include_str!("../../crates/oidc/tests/keys/p256-pkcs8.pem");
const P256_SEC1: &str = include_str!("../../crates/oidc/tests/keys/p256-sec1.pem");
const P384_PKCS8: &str = include_str!("../../crates/oidc/tests/keys/p384-pkcs8.pem");
const P384_SEC1: &str = include_str!("../../crates/oidc/tests/keys/p384-sec1.pem");
const ED25519: &str = include_str!("../../crates/oidc/tests/keys/ed25519-pkcs8.pem");
pub(crate) const RSA_JWK: &str = include_str!("../../crates/oidc/tests/keys/rfc7515-a2.jwk.json");
pub(crate) const P256_JWK: &str = include_str!("../../crates/oidc/tests/keys/rfc7515-a3.jwk.json");
pub(crate) const ED25519_JWK: &str =
    include_str!("../../crates/oidc/tests/keys/rfc8037-a1.jwk.json");
/// RFC 8037 appendix A.3.
pub(crate) const ED25519_THUMBPRINT: &str = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";

pub(crate) const KEY_FILE: &str = "CLOAKROOM_CLIENT_KEY_FILE";
pub(crate) const METHOD: &str = "CLOAKROOM_CLIENT_AUTH";
pub(crate) const ALG: &str = "CLOAKROOM_CLIENT_ASSERTION_ALG";
const CLIENT: &str = "0oa-client-of-these-tests";
/// 64 bytes, enough for HS512.
pub(crate) const LONG_SECRET: &str =
    "a-secret-of-sixty-four-bytes/which is enough for HS512 & no more";
const REFUSED: &str = "The sign-in service does not accept this application";

/// A client with this secret that may authenticate in this way and no other.
fn secret(secret: &str, method: &str) -> Start {
    Start::default().provider(|provider| {
        provider
            .client(CLIENT, secret, "", "")
            .client_auth_method(method)
    })
}

/// A client with these keys, which the provider will fetch.
pub(crate) fn keys(file: &str) -> Start {
    Start::default()
        .provider(|provider| provider.private_key_client(CLIENT, "", ""))
        .file(KEY_FILE, file)
}

/// Starts, with the provider looking for this client's keys where the program shows them.
pub(crate) async fn known_by_address(start: Start) -> World {
    let world = start.go().await;
    world
        .provider
        .set_client_jwks_uri(format!("{}/auth/jwks.json", world.public_url));
    world
}

/// The same, with every authorization request pushed, so that three endpoints are asked.
async fn pushing(start: Start) -> World {
    known_by_address(start.set("CLOAKROOM_PAR", "always")).await
}

/// Somebody signs in and out again: a push, a token request and two revocations.
async fn walk(world: &World) {
    let browser = world.browser();
    world.sign_in(&browser).await;
    let before = world.provider.received().revoked.len();
    let answer = browser.request(Method::POST, "/auth/logout").fetch().await;
    assert_eq!(answer.status(), 204, "{}", answer.text());
    world
        .until("both tokens are revoked", || {
            world.provider.received().revoked.len() == before + 2
        })
        .await;
}

/// The assertions of one [`walk`]: whom they are from and for, how long they are good, and that nothing else proves
/// anything beside them.
fn check_assertions(world: &World, alg: &str, kid: Option<&str>, audience: impl Fn(&str) -> Value) {
    let received = world.provider.received();
    let endpoints: Vec<&str> = received
        .assertions
        .iter()
        .map(|assertion| &*assertion.endpoint)
        .collect();
    assert_eq!(
        endpoints,
        ["/v1/par", "/v1/token", "/v1/revoke", "/v1/revoke"]
    );
    for assertion in &received.assertions {
        let mut header = json!({ "alg": alg });
        if let Some(kid) = kid {
            header["kid"] = json!(kid);
        }
        assert_eq!(Value::Object(assertion.header.clone()), header);
        let claims = &assertion.claims;
        let names: BTreeSet<&str> = claims.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            BTreeSet::from(["iss", "sub", "aud", "jti", "iat", "exp"])
        );
        assert_eq!(
            (&claims["iss"], &claims["sub"]),
            (&json!(CLIENT), &json!(CLIENT))
        );
        assert_eq!(claims["aud"], audience(&assertion.endpoint));
        let (from, until) = (
            claims["iat"].as_u64().unwrap(),
            claims["exp"].as_u64().unwrap(),
        );
        assert!((1..=300).contains(&(until - from)), "minutes at most");
        assert!(world.provider.now().abs_diff(from) < 60);
        assert!(claims["jti"].as_str().unwrap().len() >= 22, "128 bits");
    }
    assert_all_differ(world);
    assert_eq!(received.client_secrets, [""; 0], "no secret beside it");
    for request in received
        .pushed_requests
        .iter()
        .chain(&received.token_requests)
    {
        assert_eq!(
            request["client_assertion_type"],
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        );
        assert!(!request.contains_key("client_secret"));
    }
    for headers in &received.token_request_headers {
        assert!(!headers.contains_key("authorization"));
    }
}

/// No two requests share an assertion, or a `jti`.
fn assert_all_differ(world: &World) {
    let assertions = world.provider.received().assertions;
    let raw: BTreeSet<&str> = assertions.iter().map(|one| &*one.raw).collect();
    let ids: BTreeSet<&str> = assertions
        .iter()
        .filter_map(|one| one.claims["jti"].as_str())
        .collect();
    assert_eq!((raw.len(), ids.len()), (assertions.len(), assertions.len()));
}

/// `aud` as Okta wants it.
fn the_endpoint(world: &World) -> impl Fn(&str) -> Value {
    let issuer = world.provider.issuer();
    move |endpoint| json!(format!("{issuer}{endpoint}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn client_secret_basic_carries_any_secret_and_any_client_id_whole() {
    for (id, odd) in [
        ("plain", "colon:and/slash+plus=equals&and%25percent"),
        (
            "id:with:colons",
            "spaces  two, \"quotes\", 'single', \\back",
        ),
        (
            "id with+space%20",
            "\u{fc}n\u{ef}c\u{f6}de \u{2713} secret \u{1f511} of many bytes",
        ),
        (
            "id&client_secret=x",
            "%zz is no escape; nor is %; <b>nor this</b>",
        ),
    ] {
        let world = Start::default()
            .provider(|provider| {
                provider
                    .client(id, odd, "", "")
                    .client_auth_method("client_secret_basic")
            })
            .set(METHOD, "client_secret_basic")
            .set("CLOAKROOM_PAR", "always")
            .go()
            .await;
        walk(&world).await;
        let received = world.provider.received();
        assert_eq!(received.client_secrets, [odd; 4], "at all three endpoints");
        for request in received
            .pushed_requests
            .iter()
            .chain(&received.token_requests)
        {
            assert!(
                !request.contains_key("client_secret") && !request.contains_key("client_assertion")
            );
        }
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn client_secret_post_where_it_is_named_and_where_the_provider_has_nothing_else() {
    let named = secret(LONG_SECRET, "client_secret_post").set(METHOD, "client_secret_post");
    let only = secret(LONG_SECRET, "client_secret_post")
        .provider(|provider| provider.auth_methods(["client_secret_post", "private_key_jwt"]));
    for start in [named, only] {
        let world = start.set("CLOAKROOM_PAR", "always").go().await;
        walk(&world).await;
        let received = world.provider.received();
        assert_eq!(received.client_secrets, [LONG_SECRET; 4]);
        for request in received
            .pushed_requests
            .iter()
            .chain(&received.token_requests)
        {
            assert_eq!(
                (&*request["client_secret"], &*request["client_id"]),
                (LONG_SECRET, CLIENT)
            );
        }
        assert!(!received.token_request_headers[0].contains_key("authorization"));
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn client_secret_jwt_signs_with_the_secret_and_never_sends_it() {
    let by_secret = |start: Start| {
        start
            .set(METHOD, "client_secret_jwt")
            .set("CLOAKROOM_PAR", "always")
    };
    for alg in ["HS256", "HS384", "HS512"] {
        let registered = secret(LONG_SECRET, "client_secret_jwt")
            .provider(|provider| provider.client_assertion_alg(alg));
        let world = by_secret(registered).set(ALG, alg).go().await;
        walk(&world).await;
        check_assertions(&world, alg, None, the_endpoint(&world));
        world.end().await;
    }
    // Unnamed, it is one that the provider lists.
    let listed = secret(LONG_SECRET, "client_secret_jwt")
        .provider(|provider| provider.assertion_algs(["RS256", "HS512"]));
    let world = by_secret(listed).go().await;
    walk(&world).await;
    check_assertions(&world, "HS512", None, the_endpoint(&world));
    world.end().await;
}

/// Walks with each of these key files under each algorithm.
async fn private_key_jwt(files: &[&str], named: Option<&str>, alg: &str) {
    for file in files {
        println!("{alg}, {}", file.lines().next().unwrap_or_default());
        let mut start = keys(file).provider(|provider| provider.client_assertion_alg(alg));
        if let Some(named) = named {
            start = start.set(ALG, named);
        }
        let world = pushing(start).await;
        walk(&world).await;
        let shown = world.browser().get("/auth/jwks.json").bare().await.json();
        let kid = shown["keys"][0]["kid"].as_str().unwrap();
        assert_eq!(kid.len(), 43, "a SHA-256 thumbprint (RFC 7638)");
        check_assertions(&world, alg, Some(kid), the_endpoint(&world));
        assert_eq!(
            world.provider.counts().client_keys,
            4,
            "the provider fetched the keys from the program"
        );
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn private_key_jwt_with_an_rsa_key_in_any_form() {
    private_key_jwt(&[RSA_PKCS8, RSA_PKCS1, RSA_JWK], None, "RS256").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn private_key_jwt_with_an_rsa_key_and_any_of_its_algorithms() {
    for alg in ["RS384", "RS512", "PS256", "PS384", "PS512"] {
        private_key_jwt(&[RSA_PKCS8], Some(alg), alg).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn private_key_jwt_with_an_elliptic_curve_key_in_any_form() {
    private_key_jwt(&[P256_PKCS8, P256_SEC1, P256_JWK], None, "ES256").await;
    private_key_jwt(&[P384_PKCS8, P384_SEC1], None, "ES384").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn private_key_jwt_with_an_ed25519_key_under_both_its_names() {
    private_key_jwt(&[ED25519, ED25519_JWK], None, "EdDSA").await;
    private_key_jwt(&[ED25519], Some("Ed25519"), "Ed25519").await;
    // Unnamed, it is the name that the provider lists.
    let world =
        pushing(keys(ED25519).provider(|provider| provider.assertion_algs(["ES256", "Ed25519"])))
            .await;
    walk(&world).await;
    check_assertions(
        &world,
        "Ed25519",
        Some(ED25519_THUMBPRINT),
        the_endpoint(&world),
    );
    world.end().await;
}

/// The RFC's key with a `kid` of its own.
pub(crate) fn named(jwk: &str, kid: &str) -> Value {
    let mut jwk: Value = serde_json::from_str(jwk).unwrap();
    jwk["kid"] = json!(kid);
    jwk
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kid_is_the_jwks_or_the_settings_or_the_thumbprint_and_of_a_set_the_first_key_signs() {
    let set = json!({ "keys": [named(ED25519_JWK, "first"), named(P256_JWK, "second")] });
    for (file, setting, kid) in [
        (&*set.to_string(), None, "first"),
        (&*named(ED25519_JWK, "own").to_string(), None, "own"),
        (&*named(ED25519_JWK, "own").to_string(), Some("own"), "own"),
        (ED25519, Some("as-registered"), "as-registered"),
        (ED25519_JWK, None, ED25519_THUMBPRINT),
    ] {
        let mut start = keys(file);
        if let Some(kid) = setting {
            start = start.set("CLOAKROOM_CLIENT_KEY_ID", kid);
        }
        let world = start.set("CLOAKROOM_PAR", "always").go().await;
        // Known to the provider by value, from the RFC rather than from the program.
        let known = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": kid,
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }] });
        world.provider.set_client_jwks(known);
        walk(&world).await;
        check_assertions(&world, "EdDSA", Some(kid), the_endpoint(&world));
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn none_is_a_public_client_with_pkce_alone() {
    for method in ["", "none"] {
        let world = Start::default()
            .provider(|provider| provider.public_client(CLIENT, ""))
            .set(METHOD, method)
            .set("CLOAKROOM_PAR", "always")
            .go()
            .await;
        walk(&world).await;
        let received = world.provider.received();
        assert_eq!(received.client_secrets, [""; 0]);
        assert_eq!(received.assertions, []);
        let names: BTreeSet<&str> = received.token_requests[0]
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(
            names,
            BTreeSet::from([
                "grant_type",
                "code",
                "redirect_uri",
                "code_verifier",
                "client_id"
            ])
        );
        assert!(!received.token_request_headers[0].contains_key("authorization"));
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_is_addressed_as_the_setting_says() {
    for (setting, audience) in [
        ("endpoint", AssertionAudience::Endpoint),
        ("issuer", AssertionAudience::Issuer),
        ("token_endpoint", AssertionAudience::TokenEndpoint),
    ] {
        let world = pushing(
            keys(ED25519_JWK)
                .provider(|provider| provider.assertion_audience(audience))
                .set("CLOAKROOM_ASSERTION_AUDIENCE", setting),
        )
        .await;
        walk(&world).await;
        let issuer = world.provider.issuer();
        check_assertions(
            &world,
            "EdDSA",
            Some(ED25519_THUMBPRINT),
            |endpoint| match setting {
                "endpoint" => json!(format!("{issuer}{endpoint}")),
                "issuer" => json!(issuer),
                _ => json!(format!("{issuer}/v1/token")),
            },
        );
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_the_provider_refuses_is_a_page_for_the_person_and_a_hint_for_the_operator() {
    for (start, hint) in [
        (
            keys(ED25519_JWK)
                .provider(|provider| provider.assertion_audience(AssertionAudience::Issuer)),
            "assertion audience",
        ),
        (
            keys(ED25519_JWK).set("CLOAKROOM_CLIENT_KEY_ID", "nobody-knows-it"),
            "/auth/jwks.json",
        ),
        (
            secret(LONG_SECRET, "client_secret_post").set(METHOD, "client_secret_basic"),
            "authentication method registered there",
        ),
        (
            Start::default().set("CLOAKROOM_CLIENT_SECRET", "not the secret of this client"),
            "client secret is wrong",
        ),
    ] {
        let world = start.go().await;
        let known = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": ED25519_THUMBPRINT,
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }] });
        if hint.starts_with("assertion") || hint.starts_with('/') {
            world.provider.set_client_jwks(known);
        }
        let browser = world.browser();
        let answer = world
            .at_callback(&browser, "/auth/login?return_to=/profile")
            .await;
        let page = world
            .assert_failed(&browser, &answer, "client_refused", 502, REFUSED)
            .await;
        assert!(
            page.text().contains("return_to=%2Fprofile"),
            "{}",
            page.text()
        );
        world
            .until_logged(|line| {
                line["hint"]
                    .as_str()
                    .is_some_and(|text| text.contains(hint))
            })
            .await;
        world.assert_signed_out(&browser).await;
        let counts = world.provider.counts();
        assert_eq!((counts.token, counts.userinfo), (1, 0), "{hint}");
        world.provider.clear_protocol_errors();
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_try_has_an_assertion_of_its_own() {
    let world = known_by_address(keys(ED25519_JWK)).await;
    for fault in [
        cloakroom_testkit::Fault::Token503,
        cloakroom_testkit::Fault::Token401,
        cloakroom_testkit::Fault::TokenAnswerLost,
    ] {
        world.provider.set_fault(fault);
        let answer = world.at_callback(&world.browser(), "/auth/login").await;
        assert_eq!(answer.location().unwrap().path(), "/auth/error");
    }
    world.provider.clear_fault();
    for _ in 0..3 {
        world.sign_in(&world.browser()).await;
    }
    let assertions = world.provider.received().assertions;
    let tokens = assertions.iter().filter(|one| one.endpoint == "/v1/token");
    assert_eq!(tokens.count(), 6);
    assert_all_differ(&world);
    world.end().await;
}
