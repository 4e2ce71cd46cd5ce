//! What is refused before any handler sees it: other host names, other methods, frames, images and prefetches
//! (RFC 9110 sections 9.1 and 15.5.20, Fetch Metadata).

use cloakroom_testkit::raw_request;
use http::Method;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn under_another_host_name_a_navigation_is_led_to_the_public_url_before_any_cookie_is_set() {
    let world = World::start().await;
    let browser = world.browser();
    for host in [
        format!("127.0.0.1:{}", world.port),
        "evil.example".to_owned(),
        "localhost".to_owned(),
        format!("localhost.evil:{}", world.port),
    ] {
        for path in [
            "/",
            "/profile?a=b",
            "/auth/login?return_to=/profile",
            "/auth/session",
        ] {
            let answer = browser.get(path).navigate().header("host", &host).await;
            assert_eq!(
                (answer.status(), answer.header("location")),
                (307, Some(&format!("{}{path}", world.public_url)[..])),
                "{host}{path}"
            );
            assert_eq!(answer.header_all("set-cookie"), [""; 0], "{host}{path}");
            assert_eq!(answer.header("cache-control"), Some("no-store"));
        }
    }
    for target in [
        "//evil.example/profile",
        "http://evil.example/profile",
        "/\\evil.example",
    ] {
        let request =
            format!("GET {target} HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n");
        let answer = raw_request(("127.0.0.1", world.port), request.as_bytes())
            .await
            .unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let led = answer
            .lines()
            .find_map(|line| line.strip_prefix("location: "));
        assert!(
            led.is_none_or(|to| to.starts_with(&format!("{}/", world.public_url))),
            "{target} leads to {led:?}"
        );
        assert!(
            answer.starts_with("HTTP/1.1 307") || answer.starts_with("HTTP/1.1 4"),
            "{answer}"
        );
    }
    assert_eq!(browser.cookies(), []);
    assert_eq!(world.provider.counts().authorize, 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn under_another_host_name_anything_but_a_navigation_gets_421() {
    let world = World::start().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    for request in [
        browser.get("/auth/session").fetch(),
        browser.request(Method::POST, "/auth/logout").fetch(),
        browser.post_form("/auth/logout", &[]),
        browser.get("/").subresource("image"),
        browser.get("/").frame(),
        browser.request(Method::HEAD, "/"),
    ] {
        let answer = request.header("host", "evil.example").await;
        assert_eq!(
            (answer.status(), answer.header("cloakroom-error")),
            (421, Some("misdirected_request"))
        );
        assert_eq!(answer.header_all("set-cookie"), [""; 0]);
        assert!(!answer.text().contains("user@example.com"));
    }
    world.assert_signed_in(&browser).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_names_two_hosts_or_none_is_refused() {
    let world = World::start().await;
    let host = format!("localhost:{}", world.port);
    for (what, head) in [
        (
            "two hosts",
            format!("GET /auth/session HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\n"),
        ),
        (
            "a host and another",
            format!("GET /auth/session HTTP/1.1\r\nHost: {host}\r\nHost: evil.example\r\n"),
        ),
        ("no host", "GET /auth/session HTTP/1.1\r\n".to_owned()),
        (
            "no host in HTTP/1.0",
            "GET /auth/session HTTP/1.0\r\n".to_owned(),
        ),
        (
            "an absolute address elsewhere",
            format!("GET http://evil.example/auth/session HTTP/1.1\r\nHost: {host}\r\n"),
        ),
        (
            "an empty host",
            "GET /auth/session HTTP/1.1\r\nHost: \r\n".to_owned(),
        ),
    ] {
        let request = format!(
            "{head}Sec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\nConnection: close\r\n\r\n"
        );
        let answer = String::from_utf8_lossy(
            &raw_request(("127.0.0.1", world.port), request.as_bytes())
                .await
                .unwrap(),
        )
        .into_owned();
        let status = answer.get(9..12).unwrap_or_default();
        assert!(["400", "421"].contains(&status), "{what}: {answer}");
        assert!(!answer.contains("signed_in"), "{what}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_asked_under_any_name() {
    let world = World::start().await;
    let browser = world.browser();
    for path in ["/healthz", "/readyz"] {
        let answer = browser
            .get(path)
            .bare()
            .header("host", "10.0.0.7:3000")
            .await;
        assert_eq!(
            (answer.status(), answer.header("cache-control")),
            (200, Some("no-store")),
            "{path}"
        );
        assert_eq!(
            browser.request(Method::HEAD, path).bare().await.status(),
            200
        );
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_images_and_prefetches_begin_no_sign_in_and_get_no_cookie() {
    let world = World::start().await;
    let browser = world.browser();
    for (what, request) in [
        (
            "a frame of another site",
            browser
                .get("/auth/login")
                .frame()
                .from_page("https://evil.example/"),
        ),
        (
            "a frame of our own",
            browser.get("/auth/login").frame().from_own_page(),
        ),
        (
            "an image",
            browser
                .get("/auth/login")
                .subresource("image")
                .from_page("https://evil.example/"),
        ),
        ("a script", browser.get("/auth/login").subresource("script")),
        ("a prefetch", browser.get("/auth/login").prefetch()),
        (
            "another site's fetch",
            browser
                .get("/auth/login")
                .from_page("https://evil.example/")
                .fetch(),
        ),
    ] {
        let answer = request.await;
        assert_eq!(answer.status(), 403, "{what}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json"),
            "{what}"
        );
        assert_eq!(answer.header_all("set-cookie"), [""; 0], "{what}");
        assert_eq!(answer.header("location"), None, "{what}");
    }
    assert_eq!(browser.cookies(), []);
    assert_eq!(world.provider.counts().authorize, 0);
    let link_elsewhere = browser
        .get("/auth/login")
        .from_page("https://news.example/")
        .navigate()
        .await;
    assert_eq!(
        link_elsewhere.status(),
        303,
        "a link on another site is a navigation like any"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_protocols_endpoints_answer_other_methods_405_with_the_one_that_works() {
    let world = World::start().await;
    let browser = world.browser();
    for (path, allowed) in [
        ("/auth/login", "GET"),
        ("/auth/callback", "GET"),
        ("/auth/logout", "POST"),
    ] {
        for method in [
            "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "GET", "TRACE", "FROB",
        ] {
            if method == allowed {
                continue;
            }
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let answer = browser.request(method.clone(), path).from_own_page().await;
            assert_eq!(
                (answer.status(), answer.header("allow")),
                (405, Some(allowed)),
                "{method} {path}"
            );
            assert_eq!(answer.header_all("set-cookie"), [""; 0], "{method} {path}");
        }
    }
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        let answer = browser
            .request(method.clone(), "/auth/session")
            .fetch()
            .await;
        assert_eq!(answer.status(), 405, "{method}");
    }
    assert_eq!(world.provider.counts().authorize, 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_from_another_site_is_refused_wherever_it_goes() {
    let world = World::start().await;
    let browser = world.browser();
    for path in [
        "/auth/logout",
        "/auth/login",
        "/auth/callback",
        "/_fn/profile",
        "/auth/session",
        "/",
        "/profile",
        "/nowhere",
    ] {
        let answer = browser
            .post_form(path, &[])
            .from_page("https://evil.example/")
            .await;
        assert!(
            matches!(answer.status(), 403 | 405),
            "{path}: {}",
            answer.status()
        );
        assert_eq!(answer.header_all("set-cookie"), [""; 0], "{path}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn head_and_every_other_method_are_refused_and_spend_nothing() {
    let world = World::start().await;
    let browser = world.browser();
    let answered = world
        .at_provider(&browser, "/auth/login?return_to=/profile")
        .await;
    let address = answered.location().unwrap();
    for method in [
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::PATCH,
        Method::OPTIONS,
    ] {
        let answer = browser
            .request(method.clone(), &address)
            .from_own_page()
            .await;
        assert_eq!(
            (answer.status(), answer.header("allow")),
            (405, Some("GET")),
            "{method}"
        );
        assert_eq!(answer.header("cloakroom-error"), Some("method_not_allowed"));
        assert_eq!(answer.header_all("set-cookie"), [""; 0]);
    }
    assert_eq!(world.provider.counts().token, 0);
    assert_eq!(
        browser.follow(answered, 1).await.header("location"),
        Some("/profile"),
        "the sign-in is still good"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_images_prefetches_and_scripts_do_not_complete_a_sign_in() {
    let world = World::start().await;
    let browser = world.browser();
    let answered = world
        .at_provider(&browser, "/auth/login?return_to=/profile")
        .await;
    let address = answered.location().unwrap();
    for (what, request) in [
        ("a frame", browser.get(&address).frame()),
        ("an image", browser.get(&address).subresource("image")),
        ("a prefetch", browser.get(&address).prefetch()),
        ("a script", browser.get(&address).fetch()),
    ] {
        let answer = request.await;
        assert_eq!(
            (answer.status(), answer.header("cloakroom-error")),
            (403, Some("not_a_navigation")),
            "{what}"
        );
        assert_eq!(answer.header_all("set-cookie"), [""; 0], "{what}");
    }
    assert_eq!(world.provider.counts().token, 0);
    assert_eq!(
        browser.follow(answered, 1).await.header("location"),
        Some("/profile"),
        "the sign-in is still good"
    );
    world.end().await;
}
