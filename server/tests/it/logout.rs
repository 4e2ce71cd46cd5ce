//! `POST /auth/logout`: the session ends here, then at the provider (OpenID Connect RP-Initiated Logout 1.0 section 2,
//! RFC 7009).

use cloakroom_testkit::{Browser, Provider};
use http::Method;

use crate::start::Start;
use crate::world::World;

const NOTICE: &str = "You are signed out.";

#[tokio::test(flavor = "multi_thread")]
async fn a_form_ends_the_session_here_then_at_the_provider_and_comes_back_with_a_notice_once() {
    let mut world = World::start().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    let (thief, held) = (browser.copy(), world.provider.issued());
    world.watch(&thief);
    let answer = browser.post_form("/auth/logout", &[]).await;
    world.expect_hint();
    assert_eq!(answer.status(), 303);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let location = answer.location().unwrap();
    assert_eq!(
        &location[..url::Position::AfterPath],
        format!("{}/v1/logout", world.provider.issuer())
    );
    assert_eq!(
        answer.location_param("id_token_hint"),
        held.id_tokens.first().cloned()
    );
    assert_eq!(
        answer.location_param("client_id").as_deref(),
        Some(Provider::CLIENT_ID)
    );
    assert_eq!(
        answer.location_param("post_logout_redirect_uri"),
        Some(format!("{}/", world.public_url))
    );
    assert_eq!(
        world.ticket(&browser),
        None,
        "the browser has dropped its ticket"
    );
    world.assert_signed_out(&thief).await;
    let page = browser.follow(answer, 5).await;
    assert_eq!(
        (page.status(), page.url().path(), page.url().query()),
        (200, "/", None)
    );
    assert!(page.text().contains(NOTICE), "{}", page.text());
    assert!(
        !browser.visit("/").await.text().contains(NOTICE),
        "the notice is shown once"
    );
    world
        .until("the tokens are revoked", || {
            world.provider.received().revoked.len() == 2
        })
        .await;
    assert_eq!(
        world.provider.received().revoked,
        [&held.refresh_tokens[0][..], &held.access_tokens[0]]
    );
    assert_eq!(world.provider.counts().logout, 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_gets_204_and_never_the_providers_address() {
    let world = World::start().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    let answer = browser.request(Method::POST, "/auth/logout").fetch().await;
    assert_eq!(
        (answer.status(), answer.body(), answer.header("location")),
        (204, &b""[..], None)
    );
    assert_eq!(world.ticket(&browser), None);
    world.assert_signed_out(&browser).await;
    world
        .until("the tokens are revoked", || {
            world.provider.received().revoked.len() == 2
        })
        .await;
    assert_eq!(world.provider.counts().logout, 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_without_end_session_is_left_as_it_is_and_the_notice_says_so() {
    let world = Start::default()
        .provider(cloakroom_testkit::provider::Builder::without_end_session)
        .go()
        .await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    let answer = browser.post_form("/auth/logout", &[]).await;
    assert_eq!(
        (answer.status(), answer.header("location")),
        (303, Some("/"))
    );
    let page = browser.follow(answer, 1).await;
    assert!(
        page.text()
            .contains("The sign-in service may still know you"),
        "{}",
        page.text()
    );
    world.assert_signed_out(&browser).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_without_revocation_is_not_asked_to_revoke() {
    let mut world = Start::default()
        .provider(cloakroom_testkit::provider::Builder::without_revocation)
        .go()
        .await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    let answer = browser.post_form("/auth/logout", &[]).await;
    world.expect_hint();
    assert_eq!(browser.follow(answer, 5).await.status(), 200);
    world.stop().await;
    assert_eq!(world.provider.counts().revoke, 0, "also not while ending");
    world.start_again(&[]).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_works_while_the_provider_is_down() {
    let mut world = World::start().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    world.provider.stop().await;
    let answer = browser.post_form("/auth/logout", &[]).await;
    world.expect_hint();
    assert_eq!(
        answer.status(),
        303,
        "the metadata are known, so the person is still led there"
    );
    world.assert_signed_out(&browser).await;
    world
        .until_logged(|line| line["message"] == "a token could not be revoked")
        .await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_twice_or_without_a_session_is_as_good_as_once() {
    let mut world = World::start().await;
    let browser = world.browser();
    let answer = browser.post_form("/auth/logout", &[]).await;
    assert_eq!(
        (answer.status(), answer.header("location")),
        (303, Some("/")),
        "nobody was signed in"
    );
    world.sign_in(&browser).await;
    let tab = browser.copy();
    world.watch(&tab);
    assert_eq!(browser.post_form("/auth/logout", &[]).await.status(), 303);
    world.expect_hint();
    let answer = tab.post_form("/auth/logout", &[]).await;
    assert_eq!(
        (answer.status(), answer.header("location")),
        (303, Some("/")),
        "its session was gone already"
    );
    assert_eq!(world.ticket(&tab), None);
    world
        .until("the tokens are revoked", || {
            world.provider.counts().revoke == 2
        })
        .await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pressing_back_after_signing_out_asks_the_server_and_shows_nothing_private() {
    let mut world = World::start().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    let private = browser.visit("/profile").await;
    assert_eq!(
        private.header("cache-control"),
        Some("no-store"),
        "the browser has no copy to show"
    );
    browser.post_form("/auth/logout", &[]).await;
    world.expect_hint();
    let back = browser.get("/profile").navigate().await;
    assert_eq!(
        (back.status(), back.location().unwrap().path()),
        (303, "/auth/login")
    );
    assert!(!back.text().contains("user@example.com"));
    world.end().await;
}

/// Another site's page posts to `/auth/logout`.
async fn from_elsewhere(browser: &Browser, page: &str) -> u16 {
    browser
        .post_form("/auth/logout", &[])
        .from_page(page)
        .await
        .status()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_elses_page_can_sign_a_person_out() {
    let world = World::start().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    let neighbour = format!("http://localhost:{}/", if world.port == 9 { 10 } else { 9 });
    for page in [
        "https://evil.example/",
        "http://evil.localhost/",
        &neighbour,
    ] {
        assert_eq!(from_elsewhere(&browser, page).await, 403, "{page}");
        world.assert_signed_in(&browser).await;
    }
    let fetched = browser
        .request(Method::POST, "/auth/logout")
        .from_page("https://evil.example/")
        .fetch()
        .await;
    assert_eq!(
        (fetched.status(), fetched.json()["code"].as_str()),
        (403, Some("cross_site"))
    );
    let old = browser
        .request(Method::POST, "/auth/logout")
        .bare()
        .header("origin", "https://evil.example")
        .await;
    assert_eq!(
        old.status(),
        403,
        "a browser without fetch metadata says Origin"
    );
    let opaque = browser
        .request(Method::POST, "/auth/logout")
        .bare()
        .header("origin", "null")
        .await;
    assert_eq!(opaque.status(), 403, "a sandboxed frame has no origin");
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE] {
        let answer = browser
            .request(method.clone(), "/auth/logout")
            .from_own_page()
            .await;
        assert_eq!(
            (answer.status(), answer.header("allow")),
            (405, Some("POST")),
            "{method}"
        );
    }
    world.assert_signed_in(&browser).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_sends_no_fetch_metadata_at_all_may_sign_out() {
    let mut world = World::start().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    let answer = browser.post_form("/auth/logout", &[]).bare().await;
    world.expect_hint();
    assert_eq!(
        answer.status(),
        303,
        "no browser that could be made to send this leaves both headers out"
    );
    world.assert_signed_out(&browser).await;
    world
        .until("the tokens are revoked", || {
            world.provider.counts().revoke == 2
        })
        .await;
    world.end().await;
}
