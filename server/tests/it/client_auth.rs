//! How the program proves itself at the provider, by settings alone (RFC 6749 section 2.3, OpenID Connect Core section 9,
//! RFC 7523 section 3): at the token, revocation and pushed authorization request endpoints alike, and never by two ways
//! at once. The provider takes the one way that the client is registered for and no other.

use std::collections::BTreeSet;
use std::net::TcpListener;

use cloakroom_testkit::leaks;
use cloakroom_testkit::provider::AssertionAudience;
use http::Method;
use serde_json::{Value, json};

use crate::program::{Ended, Program, Variables};
use crate::start::Start;
use crate::world::World;

pub(crate) const RSA_PKCS8: &str = include_str!("../../crates/oidc/tests/keys/rsa-pkcs8.pem");
const RSA_PKCS1: &str = include_str!("../../crates/oidc/tests/keys/rsa-pkcs1.pem");
const P256_PKCS8: &str = include_str!("../../crates/oidc/tests/keys/p256-pkcs8.pem");
const P256_SEC1: &str = include_str!("../../crates/oidc/tests/keys/p256-sec1.pem");
const P384_PKCS8: &str = include_str!("../../crates/oidc/tests/keys/p384-pkcs8.pem");
const P384_SEC1: &str = include_str!("../../crates/oidc/tests/keys/p384-sec1.pem");
const ED25519: &str = include_str!("../../crates/oidc/tests/keys/ed25519-pkcs8.pem");
const RSA_JWK: &str = include_str!("../../crates/oidc/tests/keys/rfc7515-a2.jwk.json");
pub(crate) const P256_JWK: &str = include_str!("../../crates/oidc/tests/keys/rfc7515-a3.jwk.json");
pub(crate) const ED25519_JWK: &str =
    include_str!("../../crates/oidc/tests/keys/rfc8037-a1.jwk.json");
/// RFC 8037 appendix A.3.
pub(crate) const ED25519_THUMBPRINT: &str = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";

pub(crate) const KEY_FILE: &str = "CLOAKROOM_CLIENT_KEY_FILE";
const METHOD: &str = "CLOAKROOM_CLIENT_AUTH";
const ALG: &str = "CLOAKROOM_CLIENT_ASSERTION_ALG";
const CLIENT: &str = "0oa-client-of-these-tests";
/// 64 bytes, enough for HS512.
const LONG_SECRET: &str = "a-secret-of-sixty-four-bytes/which is enough for HS512 & no more";
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

/// Starts with these settings, which must not do.
async fn refused(settings: &[(&str, &str)], file: Option<&str>) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let mut variables: Variables = vec![
        (
            "CLOAKROOM_ISSUER".to_owned(),
            "http://127.0.0.1:9/op".to_owned(),
        ),
        ("CLOAKROOM_CLIENT_ID".to_owned(), "me".to_owned()),
        ("CLOAKROOM_STORE".to_owned(), "memory:".to_owned()),
        // Where it starts after all, it ends at once, with another code.
        (
            "CLOAKROOM_LISTEN".to_owned(),
            taken.local_addr().unwrap().to_string(),
        ),
    ];
    variables.extend(
        settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    if let Some(content) = file {
        let path = folder.path().join("key");
        std::fs::write(&path, content).unwrap();
        variables.push((KEY_FILE.to_owned(), path.display().to_string()));
    }
    Program::spawn(&variables, &[]).ended().await
}

fn assert_says(ended: &Ended, name: &str, words: &str, secrets: &[&str]) {
    assert_eq!(
        ended.status.code(),
        Some(78),
        "{name}, {words}: {}",
        ended.complaints
    );
    assert_eq!(ended.log, "");
    let about: Vec<&str> = ended
        .complaints
        .lines()
        .filter(|line| line.trim_start_matches([' ', '-']).starts_with(name))
        .collect();
    assert!(
        about.iter().any(|line| line.contains(words)),
        "{name} should say {words:?}: {}",
        ended.complaints
    );
    let secrets: Vec<String> = secrets.iter().map(|secret| (*secret).to_owned()).collect();
    assert_eq!(leaks(ended.complaints.as_bytes(), &secrets), [""; 0]);
}

#[tokio::test]
async fn a_secret_that_cannot_do_what_it_is_for_stops_the_start() {
    const SECRET: &str = "CLOAKROOM_CLIENT_SECRET";
    let short = "only-thirty-one-bytes-of-secret";
    let middle = "forty-seven-bytes-of-a-secret-are-not-enough-xx";
    for (alg, secret, words) in [
        ("", short, "at least 32"),
        ("HS256", short, "at least 32"),
        ("HS384", middle, "at least 48"),
        ("HS512", middle, "at least 64"),
    ] {
        let settings = [(METHOD, "client_secret_jwt"), (SECRET, secret), (ALG, alg)];
        let ended = refused(&settings, None).await;
        assert_says(&ended, SECRET, words, &[secret]);
    }
    let settings = [("CLOAKROOM_ID_TOKEN_ALG", "HS256"), (SECRET, short)];
    assert_says(
        &refused(&settings, None).await,
        "CLOAKROOM_ID_TOKEN_ALG",
        "32 bytes",
        &[short],
    );
}

#[tokio::test]
async fn settings_that_contradict_each_other_stop_the_start() {
    const SECRET: (&str, &str) = ("CLOAKROOM_CLIENT_SECRET", LONG_SECRET);
    for (settings, file, name, words) in [
        (
            &[SECRET][..],
            Some(ED25519_JWK),
            METHOD,
            "nothing says which",
        ),
        (
            &[SECRET, (METHOD, "none")],
            None,
            METHOD,
            "take one of the two away",
        ),
        (
            &[(METHOD, "none")],
            Some(ED25519_JWK),
            METHOD,
            "take one of the two away",
        ),
        (
            &[SECRET, (METHOD, "private_key_jwt")],
            None,
            METHOD,
            KEY_FILE,
        ),
        (
            &[(METHOD, "client_secret_jwt")],
            Some(ED25519_JWK),
            METHOD,
            "CLOAKROOM_CLIENT_SECRET",
        ),
        (
            &[(METHOD, "client_secret_basic")],
            None,
            METHOD,
            "CLOAKROOM_CLIENT_SECRET",
        ),
        (
            &[SECRET, (METHOD, "tls_client_auth")],
            None,
            METHOD,
            "private_key_jwt or none",
        ),
        (&[SECRET, (ALG, "HS256")], None, ALG, "is for assertions"),
        (
            &[SECRET, (METHOD, "client_secret_jwt"), (ALG, "RS256")],
            None,
            "CLOAKROOM_CLIENT_SECRET",
            "HS256, HS384 or HS512",
        ),
        (
            &[SECRET, (METHOD, "client_secret_jwt"), (ALG, "none")],
            None,
            ALG,
            "HS256, HS384 or HS512",
        ),
        (
            &[SECRET, ("CLOAKROOM_CLIENT_KEY_ID", "k")],
            None,
            "CLOAKROOM_CLIENT_KEY_ID",
            KEY_FILE,
        ),
        (
            &[("CLOAKROOM_ASSERTION_AUDIENCE", "everybody")],
            Some(ED25519_JWK),
            "CLOAKROOM_ASSERTION_AUDIENCE",
            "endpoint, issuer or token_endpoint",
        ),
        (
            &[("CLOAKROOM_CLIENT_KEY", ED25519_JWK)],
            Some(ED25519_JWK),
            KEY_FILE,
            "keep one",
        ),
    ] {
        let ended = refused(settings, file).await;
        let secrets = [LONG_SECRET, "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"];
        assert_says(&ended, name, words, &secrets);
    }
}

#[tokio::test]
async fn a_key_file_that_is_not_this_clients_private_key_stops_the_start() {
    macro_rules! file {
        ($name:literal) => {
            include_str!(concat!("../../crates/oidc/tests/keys/", $name))
        };
    }
    let twice =
        json!({ "keys": [named(ED25519_JWK, "same"), named(P256_JWK, "same")] }).to_string();
    let mut encrypts = named(ED25519_JWK, "k");
    encrypts["use"] = json!("enc");
    let mut public = named(ED25519_JWK, "k");
    public.as_object_mut().unwrap().remove("d");
    let mut other = named(ED25519_JWK, "k");
    other["x"] = json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let symmetric = r#"{"kty":"oct","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"}"#;
    for (content, words) in [
        (file!("rsa-pkcs8-encrypted.pem"), "encrypted"),
        (file!("rsa-pkcs1-encrypted.pem"), "encrypted"),
        (file!("certificate.pem"), "certificate"),
        (file!("rsa-public.pem"), "public key"),
        (file!("unsupported-rsa-1024.pem"), "2048"),
        (file!("unsupported-p521.pem"), "P-256, P-384 or Ed25519"),
        (
            file!("unsupported-secp256k1.pem"),
            "P-256, P-384 or Ed25519",
        ),
        (
            file!("unsupported-explicit-curve.pem"),
            "P-256, P-384 or Ed25519",
        ),
        (file!("unsupported-ed448.pem"), "Ed25519"),
        (file!("unsupported-x25519.pem"), "Ed25519"),
        (file!("unsupported-dsa.pem"), "make an RSA"),
        (file!("unsupported-rsa-pss.pem"), "make an RSA"),
        (symmetric, "symmetric"),
        (&*twice, "the kid same"),
        (&*encrypts.to_string(), "not for signing"),
        (&*public.to_string(), "public key"),
        (&*other.to_string(), "do not belong together"),
        (&ED25519_JWK[..60], "cannot be read"),
        (&RSA_PKCS8[..400], "broken PEM"),
        ("rubbish that nobody made a key of", "no private key"),
        ("{\"keys\":[]}", "no private key"),
        ("\n", "is empty"),
    ] {
        let ended = refused(&[], Some(content)).await;
        let secrets = [
            "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
            "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0",
        ];
        assert_says(&ended, KEY_FILE, words, &secrets);
        for line in content
            .lines()
            .filter(|line| line.len() >= 24 && !line.starts_with("---"))
        {
            assert!(!ended.complaints.contains(line), "{}", ended.complaints);
        }
    }
    let ended = refused(&[(KEY_FILE, "/nowhere/key.pem")], None).await;
    assert_says(&ended, KEY_FILE, "cannot be read", &[]);
    for (file, setting, words) in [
        (ED25519_JWK, (ALG, "ES256"), "cannot sign with ES256"),
        (RSA_PKCS8, (ALG, "HS256"), "cannot sign with HS256"),
        (
            &*named(ED25519_JWK, "own").to_string(),
            ("CLOAKROOM_CLIENT_KEY_ID", "other"),
            "the kid own",
        ),
    ] {
        assert_says(&refused(&[setting], Some(file)).await, KEY_FILE, words, &[]);
    }
}
