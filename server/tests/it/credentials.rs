//! The client's secret and keys, replaced while the program runs: nobody is signed out, the next request to the provider
//! proves itself anew, and what cannot be used changes nothing (RFC 7517 section 5, RFC 8725 section 3.5).

use http::Method;
use serde_json::{Value, json};

use crate::client_auth::{
    ED25519_JWK, ED25519_THUMBPRINT, KEY_FILE, P256_JWK, RSA_PKCS8, keys, known_by_address, named,
};
use crate::start::Start;
use crate::world::World;

const SECRET_FILE: &str = "CLOAKROOM_CLIENT_SECRET_FILE";
const REFUSED: &str = "The sign-in service does not accept this application";
const KEPT: &str = "the client's credentials are not replaced, those that were good stay in use";

/// A program that has its secret from a file.
async fn with_secret_file(secret: &str) -> World {
    let world = Start::default()
        .set("CLOAKROOM_CLIENT_SECRET", "")
        .file(SECRET_FILE, format!("{secret}\n"))
        .go()
        .await;
    world.provider.set_client_secret(secret);
    world
}

async fn until_said(world: &World, times: usize, words: &str) -> Vec<Value> {
    let says = |line: &Value| {
        line["message"]
            .as_str()
            .is_some_and(|text| text.contains(words))
    };
    world.until_logged_times(times, says).await
}

async fn signs_out(world: &World, browser: &cloakroom_testkit::Browser) {
    let before = world.provider.received().revoked.len();
    let answer = browser.request(Method::POST, "/auth/logout").fetch().await;
    assert_eq!(answer.status(), 204);
    world
        .until("both tokens are revoked", || {
            world.provider.received().revoked.len() == before + 2
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_secret_is_taken_at_a_signal_and_the_sessions_stay() {
    let (old, new) = ("the-secret-before/rotation", "the secret after+rotation");
    let mut world = with_secret_file(old).await;
    let (before, after) = (world.browser(), world.browser());
    world.sign_in(&before).await;
    // The operator changes it at the provider first: until the program has it too, sign-ins fail and say why.
    world.provider.set_client_secret(new);
    let answer = world.at_callback(&after, "/auth/login").await;
    world
        .assert_failed(&after, &answer, "client_refused", 502, REFUSED)
        .await;
    world.provider.clear_protocol_errors();
    world.write(SECRET_FILE, new);
    world.program().hang_up();
    until_said(&world, 1, "the client secret was replaced").await;
    world.assert_signed_in(&before).await;
    world.sign_in(&after).await;
    assert_eq!(world.provider.received().client_secrets, [old, old, new]);
    // The session from before is revoked with the new one: the old proves nothing any more.
    signs_out(&world, &before).await;
    let all = world.provider.received().client_secrets;
    assert_eq!(all[3..], [new, new]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_secret_is_taken_without_a_signal_too() {
    let mut world = with_secret_file("the-secret-before/rotation").await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    world
        .provider
        .set_client_secret("the-secret-after/rotation");
    world.write(SECRET_FILE, "the-secret-after/rotation");
    until_said(&world, 1, "the client secret was replaced").await;
    world.assert_signed_in(&browser).await;
    world.sign_in(&world.browser()).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_is_under_way_ends_with_the_new_secret() {
    let mut world = with_secret_file("the-secret-before/rotation").await;
    let browser = world.browser();
    let answered = world
        .at_provider(&browser, "/auth/login?return_to=/profile")
        .await;
    world
        .provider
        .set_client_secret("the-secret-after/rotation");
    world.write(SECRET_FILE, "the-secret-after/rotation");
    world.program().hang_up();
    until_said(&world, 1, "the client secret was replaced").await;
    let answer = browser.follow(answered, 1).await;
    assert_eq!(answer.header("location"), Some("/profile"));
    world.end().await;
}

/// What the program shows the provider, in order.
async fn shown(world: &World) -> Vec<String> {
    let set = world.browser().get("/auth/jwks.json").bare().await.json();
    let kid = |key: &Value| key["kid"].as_str().unwrap().to_owned();
    set["keys"].as_array().unwrap().iter().map(kid).collect()
}

/// The `kid` of each assertion so far.
fn signed_by(world: &World) -> Vec<String> {
    let assertions = world.provider.received().assertions;
    let kid = |header: &serde_json::Map<String, Value>| header["kid"].as_str().unwrap().to_owned();
    assertions
        .iter()
        .map(|assertion| kid(&assertion.header))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_joins_last_then_moves_first_then_stands_alone() {
    let (old, new) = (named(ED25519_JWK, "old"), named(P256_JWK, "new"));
    let set = |keys: &[&Value]| json!({ "keys": keys }).to_string();
    let mut world = known_by_address(keys(&set(&[&old]))).await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    for (round, (file, order)) in [
        (set(&[&old, &new]), &["old", "new"][..]),
        (set(&[&new, &old]), &["new", "old"]),
        (set(&[&new]), &["new"]),
    ]
    .into_iter()
    .enumerate()
    {
        world.write(KEY_FILE, &file);
        world.program().hang_up();
        let said = until_said(&world, round + 1, "the client's keys were replaced").await;
        assert_eq!(said[round]["keys"], order.join(" "));
        assert_eq!(shown(&world).await, order);
        world.assert_signed_in(&browser).await;
        world.sign_in(&world.browser()).await;
        assert_eq!(signed_by(&world).last().map(String::as_str), Some(order[0]));
    }
    assert_eq!(signed_by(&world), ["old", "old", "new", "new"]);
    signs_out(&world, &browser).await;
    assert_eq!(
        signed_by(&world)[4..],
        ["new", "new"],
        "what the old key began, the new one ends"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_kind_and_form_takes_the_place_of_the_one_before() {
    let mut world = known_by_address(keys(ED25519_JWK)).await;
    world.sign_in(&world.browser()).await;
    world.write(KEY_FILE, RSA_PKCS8);
    world.program().hang_up();
    until_said(&world, 1, "the client's keys were replaced").await;
    world.sign_in(&world.browser()).await;
    let algs: Vec<Value> = world
        .provider
        .received()
        .assertions
        .iter()
        .map(|assertion| assertion.header["alg"].clone())
        .collect();
    assert_eq!(algs, ["EdDSA", "RS256"]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_is_said_and_leaves_the_old_in_place() {
    let mut world = known_by_address(keys(ED25519_JWK)).await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    let mut public = named(P256_JWK, "public");
    public.as_object_mut().unwrap().remove("d");
    let twice = json!({ "keys": [named(P256_JWK, "one"), named(ED25519_JWK, "one")] });
    let bad = [
        "rubbish/of-which-nothing-may-be-quoted-in-a-log".to_owned(),
        "{\"kty\":\"oct\",\"k\":\"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0\"}".to_owned(),
        RSA_PKCS8[..RSA_PKCS8.len() / 2].to_owned(),
        public.to_string(),
        twice.to_string(),
        String::new(),
    ];
    for (round, file) in bad.iter().enumerate() {
        world.write(KEY_FILE, file);
        world.program().hang_up();
        let said = until_said(&world, round + 1, KEPT).await;
        let problem = said[round]["problem"].as_str().unwrap();
        assert!(problem.len() > 30, "it says what to do: {problem}");
        assert_eq!(said[round]["level"], "ERROR");
        assert_eq!(shown(&world).await, [ED25519_THUMBPRINT]);
        world.sign_in(&world.browser()).await;
    }
    std::fs::remove_file(world.file(KEY_FILE)).unwrap();
    world.program().hang_up();
    until_said(&world, bad.len() + 1, KEPT).await;
    world.sign_in(&world.browser()).await;
    world.assert_signed_in(&browser).await;
    assert!(
        signed_by(&world)
            .iter()
            .all(|kid| kid == ED25519_THUMBPRINT)
    );
    // Said once: a second look at the same file says nothing new.
    world.program().hang_up();
    until_said(&world, 1, "their files say what they said before").await;
    assert_eq!(
        until_said(&world, bad.len() + 1, KEPT).await.len(),
        bad.len() + 1
    );
    world.write(KEY_FILE, &named(P256_JWK, "good-again").to_string());
    world.program().hang_up();
    until_said(&world, 1, "the client's keys were replaced").await;
    world.sign_in(&world.browser()).await;
    assert_eq!(
        signed_by(&world).last().map(String::as_str),
        Some("good-again")
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_too_short_for_its_method_does_not_take_the_place_of_a_good_one() {
    let good = "a-secret-of-more-than-thirty-two-bytes";
    let mut world = Start::default()
        .provider(|provider| {
            provider
                .client("me", good, "", "")
                .client_auth_method("client_secret_jwt")
        })
        .set("CLOAKROOM_CLIENT_AUTH", "client_secret_jwt")
        .set("CLOAKROOM_CLIENT_SECRET", "")
        .file(SECRET_FILE, good)
        .go()
        .await;
    world.write(SECRET_FILE, "too-short-for-an-hmac");
    world.program().hang_up();
    let said = until_said(&world, 1, KEPT).await;
    assert!(
        said[0]["problem"].as_str().unwrap().contains("at least 32"),
        "{said:?}"
    );
    world.sign_in(&world.browser()).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_without_any_file_harms_nobody() {
    let mut world = World::start().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    world.program().hang_up();
    until_said(&world, 1, "their files say what they said before").await;
    world.assert_signed_in(&browser).await;
    world.end().await;
}
