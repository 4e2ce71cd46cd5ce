//! `GET /auth/session`, and what a page's own functions say of a session (draft-ietf-oauth-browser-based-apps section
//! 6.1.2.3, RFC 9457).

use cloakroom_testkit::User;
use http::Method;
use serde_json::json;

use crate::start::Start;
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn the_session_says_who_without_a_word_of_the_protocol() {
    let world = World::start().await;
    let browser = world.browser();
    world.assert_signed_out(&browser).await;
    world.sign_in(&browser).await;
    let session = world.session(&browser).await;
    let user = session["user"].as_object().unwrap();
    assert_eq!(user["sub"], "00u1test");
    assert_eq!(user["name"], "Test User");
    assert_eq!(user["email_verified"], true);
    for name in [
        "sid",
        "nonce",
        "jti",
        "at_hash",
        "c_hash",
        "azp",
        "aud",
        "exp",
        "iat",
        "nbf",
        "auth_time",
    ] {
        assert!(
            !user.contains_key(name),
            "{name} is the protocol's: {session}"
        );
    }
    let expires_in = session["expires_in"].as_u64().unwrap();
    assert!(
        (12 * 3600 - 60..=12 * 3600).contains(&expires_in),
        "{session}"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_from_userinfo_are_there_and_hidden_ones_are_not() {
    let world = Start::default()
        .set("CLOAKROOM_SCOPES", "openid profile groups")
        .set("CLOAKROOM_HIDDEN_CLAIMS", "groups salary")
        .go()
        .await;
    world.provider.set_user(
        User::default()
            .with_claim("salary", 3)
            .with_claim("department", "Coats"),
    );
    let browser = world.browser();
    world.sign_in(&browser).await;
    let session = world.session(&browser).await;
    assert_eq!(session["user"]["department"], "Coats");
    assert_eq!(
        (&session["user"]["groups"], &session["user"]["salary"]),
        (&json!(null), &json!(null))
    );
    let page = browser.visit("/profile").await;
    assert!(page.text().contains("Coats") && !page.text().contains("salary"));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn text_from_the_provider_stays_text_on_every_page() {
    let world = World::start().await;
    let name = "</script><script>alert(1)</script><img src=x onerror=alert(1)> \"Ada\" & 'Grace'";
    world.provider.set_user(
        User::new("00u<i>", name, "a\"b<x>@example.com").with_claim("<b>claim</b>", "<b>value</b>"),
    );
    let browser = world.browser();
    world.sign_in(&browser).await;
    for path in ["/", "/profile"] {
        let page = browser.visit(path).await;
        let text = page.text();
        assert_eq!(page.status(), 200);
        for markup in [
            "<script>alert",
            "<img src=x",
            "<b>value",
            "<b>claim",
            "<x>@",
        ] {
            assert!(!text.contains(markup), "{path} holds {markup}: {text}");
        }
        assert!(text.contains("alert(1)"), "{path} shows the name as text");
    }
    assert_eq!(
        world.session(&browser).await["user"]["name"],
        name,
        "JSON has it as it is"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_signed_out_is_told_so_in_the_callers_own_form() {
    let world = World::start().await;
    let browser = world.browser();
    let answer = browser.get("/_fn/profile").fetch().await;
    assert_eq!(answer.status(), 401, "{}", answer.text());
    assert_eq!(answer.header("cloakroom-error"), Some("signed_out"));
    let missing = browser.get("/nowhere").fetch().await;
    assert_eq!(
        (missing.status(), missing.header("content-type")),
        (404, Some("application/problem+json"))
    );
    assert_eq!(missing.json()["code"], "not_found");
    let page = browser.get("/nowhere").navigate().await;
    assert_eq!(page.status(), 404);
    assert!(
        page.text().contains("Page not found")
            && page
                .header("content-type")
                .unwrap()
                .starts_with("text/html")
    );
    world.sign_in(&browser).await;
    let answer = browser.get("/_fn/profile").fetch().await;
    assert_eq!(answer.status(), 200);
    assert!(
        answer.text().contains("user@example.com"),
        "{}",
        answer.text()
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writing_to_the_session_is_no_method_of_it_and_a_program_is_told_so() {
    let world = World::start().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    for method in [Method::POST, Method::DELETE, Method::PUT, Method::PATCH] {
        let answer = browser
            .request(method.clone(), "/auth/session")
            .fetch()
            .await;
        assert_eq!(
            (
                answer.status(),
                answer.header("content-type"),
                answer.header("cloakroom-error")
            ),
            (
                405,
                Some("application/problem+json"),
                Some("method_not_allowed")
            ),
            "{method}: {}",
            answer.text()
        );
        assert_eq!(answer.json()["code"], "method_not_allowed", "{method}");
        // RFC 9110 section 15.5.6: what is allowed is said.
        let allowed = answer.header("allow").unwrap_or_default();
        assert!(allowed.contains("GET"), "{method}: {allowed:?}");
    }
    world.assert_signed_in(&browser).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_another_site_navigates_to_leads_nobody_back_there() {
    let world = World::start().await;
    let browser = world.browser();
    for signed_in in [false, true] {
        if signed_in {
            world.sign_in(&browser).await;
        }
        let evil = "https://evil.example/p";
        let request = browser.get("/_fn/profile").from_page(evil);
        for (what, answer) in [
            (
                "a navigation",
                request.clone().navigate().header("referer", evil).await,
            ),
            (
                "an old browser",
                request
                    .clone()
                    .bare()
                    .header("accept", "text/html")
                    .header("referer", evil)
                    .await,
            ),
            (
                "a Referer with a query",
                request
                    .navigate()
                    .header("referer", "https://evil.example/?__err=x")
                    .await,
            ),
        ] {
            let location = answer.header("location").unwrap_or_default();
            assert!(
                !location.contains("evil.example") && !location.contains("__err"),
                "{what}, signed in: {signed_in}: it leads to {location}"
            );
            if !signed_in {
                assert_eq!(answer.status(), 401, "{what}: {}", answer.text());
                assert_eq!(answer.header("cloakroom-error"), Some("signed_out"));
            }
            assert!(answer.status() < 500, "{what}: {}", answer.text());
        }
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_with_or_without_touch_says_the_same_of_a_young_session() {
    let world = World::start().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    let answer = browser.get("/auth/session?touch=false").fetch().await;
    assert_eq!(
        (answer.status(), &answer.json()["signed_in"]),
        (200, &json!(true))
    );
    assert_eq!(answer.header_all("set-cookie"), [""; 0]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_reads_or_sets_a_session_is_not_stored() {
    let world = World::start().await;
    let browser = world.browser();
    for _ in 0..2 {
        for path in [
            "/",
            "/profile",
            "/auth/session",
            "/auth/login",
            "/auth/error?code=access_denied",
            "/auth/callback",
            "/nowhere",
        ] {
            let answer = browser.get(path).navigate().await;
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        }
        let answer = browser.get("/_fn/profile").fetch().await;
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        world.sign_in(&browser).await;
    }
    world.end().await;
}
