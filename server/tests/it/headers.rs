//! Security headers on each kind of answer (Content Security Policy Level 3, Fetch's `nosniff` and CORP, Referrer Policy,
//! RFC 6797, RFC 9111).

use std::collections::BTreeSet;

use cloakroom_testkit::Response;
use http::Method;

use crate::start::Start;
use crate::world::World;

/// What no answer may lack.
fn assert_safe(what: &str, answer: &Response) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(answer.header_all(name), [value], "{what}: {name}");
    }
    let referrer = answer.header("referrer-policy").unwrap_or_default();
    assert!(
        ["same-origin", "no-referrer", "strict-origin"].contains(&referrer),
        "{what}: {referrer}"
    );
    let policy = answer.header_all("content-security-policy");
    assert_eq!(policy.len(), 1, "{what}: {policy:?}");
    for directive in [
        "default-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action",
    ] {
        assert!(
            policy[0].contains(directive),
            "{what}: {directive} is not in {}",
            policy[0]
        );
    }
    for weak in [
        "unsafe-inline",
        "'unsafe-eval'",
        "*",
        "http:",
        "https: ",
        "data: ;",
    ] {
        let own = policy[0]
            .split(' ')
            .any(|source| source == weak || source.trim_end_matches(';') == weak.trim());
        assert!(
            !own && !policy[0].contains("unsafe-inline"),
            "{what}: {weak} is in {}",
            policy[0]
        );
    }
    assert!(answer.header("permissions-policy").is_some(), "{what}");
    for name in ["server", "x-powered-by", "access-control-allow-origin"] {
        assert_eq!(answer.header(name), None, "{what}: {name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "a table: each row is one case")]
async fn every_kind_of_answer_carries_them() {
    let site = tempfile::tempdir().unwrap();
    std::fs::create_dir(site.path().join("pkg")).unwrap();
    std::fs::write(
        site.path().join("pkg/cloakroom.js"),
        "export default function () {}",
    )
    .unwrap();
    std::fs::write(
        site.path().join("favicon.svg"),
        "<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
    )
    .unwrap();
    let world = Start::default()
        .set("CLOAKROOM_SITE", site.path().display().to_string())
        .go()
        .await;
    let browser = world.browser();
    for signed_in in [false, true] {
        for (what, status, request) in [
            ("a page", 200, browser.get("/").navigate()),
            (
                "a page that needs a session",
                if signed_in { 200 } else { 303 },
                browser.get("/profile").navigate(),
            ),
            (
                "an error page",
                403,
                browser.get("/auth/error?code=access_denied").navigate(),
            ),
            (
                "a page that is not there",
                404,
                browser.get("/nowhere").navigate(),
            ),
            ("a problem document", 404, browser.get("/nowhere").fetch()),
            (
                "a server function",
                if signed_in { 200 } else { 401 },
                browser.get("/_fn/profile").fetch(),
            ),
            ("the session", 200, browser.get("/auth/session").fetch()),
            (
                "a redirect to the provider",
                303,
                browser.get("/auth/login").navigate(),
            ),
            (
                "a callback that failed",
                303,
                browser.get("/auth/callback").navigate(),
            ),
            ("a refused frame", 403, browser.get("/auth/login").frame()),
            (
                "a refused write",
                403,
                browser
                    .post_form("/auth/logout", &[])
                    .from_page("https://evil.example/"),
            ),
            (
                "another method",
                405,
                browser.request(Method::PUT, "/auth/login").fetch(),
            ),
            (
                "another host",
                307,
                browser.get("/").header("host", "evil.example"),
            ),
            (
                "another host's fetch",
                421,
                browser.get("/").fetch().header("host", "evil.example"),
            ),
            ("health", 200, browser.get("/healthz").bare()),
            ("readiness", 200, browser.get("/readyz").bare()),
            (
                "a script",
                200,
                browser.get("/pkg/cloakroom.js").subresource("script"),
            ),
            (
                "a file at the root",
                200,
                browser.get("/favicon.svg").subresource("image"),
            ),
            (
                "a file that is not there",
                404,
                browser.get("/pkg/nothing.js").subresource("script"),
            ),
            (
                "a body that is too large",
                413,
                browser.post_form("/auth/logout", &[("a", &"a".repeat(1024 * 1024))]),
            ),
        ] {
            let answer = request.await;
            assert_eq!(answer.status(), status, "{what}: {}", answer.text());
            assert_safe(what, &answer);
        }
        world.sign_in(&browser).await;
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pages_scripts_run_by_a_nonce_that_is_new_each_time() {
    let world = World::start().await;
    let browser = world.browser();
    let mut nonces = BTreeSet::new();
    for path in [
        "/",
        "/",
        "/auth/error?code=access_denied",
        "/nowhere",
        "/profile",
    ] {
        if path == "/profile" {
            world.sign_in(&browser).await;
        }
        let page = browser.get(path).navigate().await;
        let policy = page.header("content-security-policy").unwrap().to_owned();
        let scripts = policy
            .split(';')
            .find_map(|directive| directive.trim().strip_prefix("script-src "))
            .unwrap();
        let nonce = scripts
            .split(' ')
            .find_map(|source| source.strip_prefix("'nonce-")?.strip_suffix('\''))
            .unwrap();
        assert!(nonce.len() >= 22, "128 bits: {nonce}");
        assert!(
            nonces.insert(nonce.to_owned()),
            "{path}: the nonce was used before"
        );
        let html = page.text();
        assert!(html.contains("<script"), "{path}");
        for script in html.split("<script").skip(1) {
            let tag = &script[..script.find('>').unwrap()];
            assert!(
                tag.contains(&format!("nonce=\"{nonce}\"")),
                "{path}: a script without the nonce: {tag}"
            );
        }
        for inline in [
            " style=\"",
            "<style",
            "javascript:",
            " onclick=",
            " onload=",
            " onerror=",
        ] {
            assert!(
                !html.contains(inline),
                "{path} has {inline}, which the policy forbids"
            );
        }
        let form_action = policy
            .split(';')
            .find_map(|directive| directive.trim().strip_prefix("form-action "))
            .unwrap();
        assert_eq!(
            form_action,
            format!("'self' {}", world.provider.origin()),
            "{path}"
        );
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strict_transport_security_is_said_where_it_binds_no_neighbour() {
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let world = Start::default()
        .set("CLOAKROOM_PUBLIC_URL", "https://app.example.com")
        .set("CLOAKROOM_KEYS", key)
        .go()
        .await;
    let answer = world
        .behind_tls()
        .get("/")
        .navigate()
        .header("host", "app.example.com")
        .await;
    assert_eq!(
        (answer.status(), answer.header("strict-transport-security")),
        (200, Some("max-age=31536000"))
    );
    world.end().await;
    for start in [Start::default(), Start::default().https()] {
        let world = start.go().await;
        let host = format!("localhost:{}", world.port);
        let answer = world
            .behind_tls()
            .get("/")
            .navigate()
            .header("host", &host)
            .await;
        assert_eq!(
            (answer.status(), answer.header("strict-transport-security")),
            (200, None),
            "on localhost it would bind every program there"
        );
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_error_page_keeps_its_address_to_itself_and_is_asked_for_again() {
    let world = World::start().await;
    let browser = world.browser();
    let failed = browser
        .get("/auth/callback?code=x&state=x")
        .navigate()
        .await;
    let page = browser.follow(failed, 1).await;
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert!(["no-referrer", "same-origin"].contains(&page.header("referrer-policy").unwrap()));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_served_from_the_site_and_from_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let site = folder.path().join("site");
    std::fs::create_dir_all(site.join("pkg")).unwrap();
    std::fs::write(site.join("pkg/cloakroom.css"), "main {}").unwrap();
    std::fs::write(site.join(".hidden"), "hidden").unwrap();
    std::fs::write(folder.path().join("secret.txt"), "not for anybody").unwrap();
    let world = Start::default()
        .set("CLOAKROOM_SITE", site.display().to_string())
        .go()
        .await;
    let browser = world.browser();
    let style = browser.get("/pkg/cloakroom.css").subresource("style").await;
    assert_eq!(
        (
            style.status(),
            style.header("cache-control"),
            style.header("content-type")
        ),
        (200, Some("no-cache"), Some("text/css"))
    );
    let modified = style.header("last-modified").unwrap().to_owned();
    let again = browser
        .get("/pkg/cloakroom.css")
        .subresource("style")
        .header("if-modified-since", &modified)
        .await;
    assert_eq!((again.status(), again.body()), (304, &b""[..]));
    for target in [
        "/pkg/../../secret.txt",
        "/pkg/%2e%2e/%2e%2e/secret.txt",
        "/pkg/..%2f..%2fsecret.txt",
        "/pkg//etc/passwd",
        "/.hidden",
        "/pkg/%00",
        "/pkg/..%5c..%5csecret.txt",
    ] {
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n",
            world.port
        );
        let answer = cloakroom_testkit::raw_request(("127.0.0.1", world.port), request.as_bytes())
            .await
            .unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.starts_with("HTTP/1.1 4"), "{target}: {answer}");
        assert!(
            !answer.contains("not for anybody") && !answer.contains("root:"),
            "{target}: {answer}"
        );
    }
    world.end().await;
}
