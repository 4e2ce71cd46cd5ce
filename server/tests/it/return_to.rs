//! `return_to` is a path on this origin (RFC 9700 section 4.11: no open redirectors).

use crate::world::World;

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_lead_elsewhere_is_refused_before_anything_is_sent_to_the_provider() {
    let world = World::start().await;
    let browser = world.browser();
    for path in [
        "//evil",
        "/\\evil",
        "https://evil",
        "/auth/login?return_to=/",
        "///evil",
        "\\/evil",
        "http:evil",
        "javascript:alert(1)",
        "data:text/html,x",
        "profile",
        "/\t/evil",
        "/\n/evil",
        "/\r\nSet-Cookie: a=b",
        "/a\0b",
        "/\u{1b}[31m",
        "/\u{7f}",
        "/\u{85}",
        "/\u{2028}",
        " /profile",
        "/%2fevil",
        "/%2Fevil",
        "/%5cevil",
        "/%09/evil",
        "/%0d%0aLocation:%20https://evil",
        "/%252fevil",
        "/%25252fevil",
        "/.//evil",
        "/x/..//evil",
        "/%2e/%2fevil",
        "/auth",
        "/auth/callback?code=x",
        "/AUTH/login",
        "/%61uth/login",
        "/x/../auth/login",
        "/api/orders",
        "/%2561pi/",
        "/%ff",
        &format!("/{}", "a".repeat(512)),
    ] {
        let answer = browser
            .get(format!("/auth/login?return_to={}", encoded(path)))
            .navigate()
            .await;
        assert_eq!(
            answer.location_param("code").as_deref(),
            Some("return_to_refused"),
            "{path:?} leads to {:?}",
            answer.location()
        );
        assert_eq!(answer.location().unwrap().path(), "/auth/error", "{path:?}");
        let fetched = browser
            .get(format!("/auth/login?return_to={}", encoded(path)))
            .fetch()
            .await;
        assert_eq!(
            (fetched.status(), fetched.json()["code"].as_str()),
            (400, Some("return_to_refused")),
            "{path:?}"
        );
    }
    let page = world.browser().visit("/auth/login?return_to=//evil").await;
    assert_eq!(page.status(), 400);
    assert!(
        page.text().contains("not a page of this site")
            && page.text().contains("href=\"/auth/login\""),
        "{}",
        page.text()
    );
    assert_eq!(world.provider.counts().authorize, 0);
    assert_eq!(browser.cookies(), []);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_can_be_read_two_ways_is_refused() {
    let world = World::start().await;
    let browser = world.browser();
    for (query, code) in [
        ("return_to=/a&return_to=/b", "parameter_repeated"),
        ("return_to=/a&return%5Fto=/b", "parameter_repeated"),
        ("return_to=%ff", "parameter_malformed"),
        ("return_to=%2", "parameter_malformed"),
        ("return_to=%zz", "parameter_malformed"),
        (&format!("x={}", "a".repeat(9 * 1024)), "parameter_too_long"),
        (
            &format!("a={0}&b={0}&c={0}", "a".repeat(6 * 1024)),
            "parameter_too_long",
        ),
    ] {
        let answer = browser.get(format!("/auth/login?{query}")).navigate().await;
        let title = "This address is not right";
        world
            .assert_failed(&browser, &answer, code, 400, title)
            .await;
    }
    assert_eq!(world.provider.counts().authorize, 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_on_this_origin_is_gone_back_to_as_it_was_parsed() {
    let world = World::start().await;
    let browser = world.browser();
    for (asked, written) in [
        ("/", "/"),
        ("", "/"),
        ("/profile", "/profile"),
        ("/profile?a=b&c=%20d", "/profile?a=b&c=%20d"),
        ("/a/./b/../c", "/a/c"),
        ("/authors", "/authors"),
        ("/search?q=https://evil/", "/search?q=https://evil/"),
        ("/ünï", "/%C3%BCn%C3%AF"),
        (
            &format!("/{}", "a".repeat(511)),
            &format!("/{}", "a".repeat(511)),
        ),
    ] {
        let answer = world
            .at_callback(
                &browser,
                &format!("/auth/login?return_to={}", encoded(asked)),
            )
            .await;
        assert_eq!(
            (answer.status(), answer.header("location")),
            (303, Some(written)),
            "{asked}"
        );
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_error_pages_own_link_leads_nowhere_else_either() {
    let world = World::start().await;
    let browser = world.browser();
    for link in [
        "return_to=//evil",
        "return_to=https://evil",
        "return_to=/auth/login",
        "return_to=%2f%5cevil",
        "return_to=/a&return_to=//evil",
    ] {
        let page = browser
            .get(format!("/auth/error?code=access_denied&{link}"))
            .navigate()
            .await;
        assert!(
            page.text().contains("href=\"/auth/login\"") && !page.text().contains("evil"),
            "{link}: {}",
            page.text()
        );
    }
    let page = browser
        .get("/auth/error?code=access_denied&return_to=/profile")
        .navigate()
        .await;
    assert!(
        page.text()
            .contains("href=\"/auth/login?return_to=%2Fprofile\""),
        "{}",
        page.text()
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_puts_words_of_their_own_on_the_error_page() {
    let world = World::start().await;
    let browser = world.browser();
    let page = browser.get("/auth/error?code=call+0800+123&ref=%3Cscript%3Ex%3C/script%3E&detail=Your+account+is+locked").navigate().await;
    let text = page.text();
    assert_eq!(page.status(), 400);
    assert!(text.contains("Sign-in did not complete"));
    for words in ["0800", "<script>x", "account is locked"] {
        assert!(!text.contains(words), "{words}: {text}");
    }
    world.end().await;
}
