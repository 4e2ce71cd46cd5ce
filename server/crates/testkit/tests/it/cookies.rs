//! The cookie jar keeps, sends and refuses cookies as Chromium does on loopback http.

use cloakroom_testkit::SameSite;

use crate::browser::{header, mirror, set, setup};

#[tokio::test]
async fn cookies_are_kept_replaced_and_removed() {
    let (_, browser) = setup().await;
    browser
        .get(set("a=1; Path=/; HttpOnly; SameSite=Lax; Max-Age=60"))
        .await;
    let cookie = browser.cookie("a").unwrap();
    assert_eq!(
        (cookie.value.as_str(), cookie.path.as_str(), cookie.max_age),
        ("1", "/", Some(60))
    );
    assert!(cookie.http_only && !cookie.secure && cookie.same_site == Some(SameSite::Lax));
    assert_eq!(header(&browser.get("/").await.json(), "cookie"), "a=1");

    browser.get(set("a=2; Path=/; HttpOnly")).await;
    browser.get(set("b=3; Path=/deeper")).await;
    assert_eq!(
        header(&browser.get("/deeper/page").await.json(), "cookie"),
        "b=3; a=2"
    );
    assert_eq!(
        header(&browser.get("/deeperpage").await.json(), "cookie"),
        "a=2"
    );

    // A removal under another path removes nothing.
    browser.get(set("a=; Path=/elsewhere; Max-Age=0")).await;
    assert!(browser.cookie("a").is_some());
    let removal = browser.get(set("a=; Path=/; Max-Age=0")).await;
    assert!(removal.set_cookies()[0].is_removal());
    assert_eq!(browser.cookie("a"), None);
    browser
        .get(set(
            "b=; Path=/deeper; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        ))
        .await;
    assert!(browser.cookies().is_empty());
    assert!(browser.rejected_cookies().is_empty());
}

#[tokio::test]
async fn cookies_expire_when_their_time_is_up() {
    let (_, browser) = setup().await;
    browser.get(set("short=1; Max-Age=60")).await;
    browser
        .get(set("long=1; Expires=Fri, 31 Dec 2100 23:59:59 GMT"))
        .await;
    browser.get(set("session=1")).await;
    assert_eq!(
        browser.cookie("long").unwrap().expires_at,
        Some(4_133_980_799)
    );
    browser.advance(61);
    assert_eq!(
        header(&browser.get("/").await.json(), "cookie"),
        "long=1; session=1"
    );
}

#[tokio::test]
async fn ports_share_cookies_and_hosts_do_not() {
    let (_, browser) = setup().await;
    browser.get(set("a=1; Path=/")).await;
    let port = mirror().await.port();
    let other_port = browser
        .get(format!("http://localhost:{port}/"))
        .await
        .json();
    assert_eq!(header(&other_port, "cookie"), "a=1");
    let other_host = browser
        .get(format!("http://127.0.0.1:{port}/"))
        .await
        .json();
    assert_eq!(header(&other_host, "cookie"), "absent");
}

#[tokio::test]
async fn prefixes_and_attributes_are_enforced_as_on_loopback_http() {
    let (_, browser) = setup().await;
    for line in [
        "__Host-a=1; Secure; Path=/",
        "__Host-Http-a=1; Secure; HttpOnly; Path=/",
        "__Secure-a=1; Secure",
        "a=1; SameSite=None",
        "a=1; Domain=example.com",
    ] {
        browser.get(set(line)).await;
        assert!(browser.cookies().is_empty(), "{line}");
        assert_eq!(browser.rejected_cookies().last().unwrap().line, line);
    }
    browser.get(set("secure=1; Secure; SameSite=None")).await;
    assert_eq!(header(&browser.get("/").await.json(), "cookie"), "secure=1");
}

#[tokio::test]
async fn same_site_decides_what_goes_along_from_another_site() {
    let (_, browser) = setup().await;
    for line in [
        "strict=1; SameSite=Strict",
        "lax=1; SameSite=Lax",
        "unsaid=1",
        "none=1; SameSite=None; Secure",
    ] {
        browser.get(set(line)).await;
    }
    let evil = "https://evil.example/";
    let link = browser.get("/").from_page(evil).await.json();
    assert_eq!(header(&link, "cookie"), "lax=1; unsaid=1; none=1");
    let form = browser.post_form("/", &[]).from_page(evil).await.json();
    assert_eq!(header(&form, "cookie"), "none=1");
    assert_eq!(header(&form, "origin"), "https://evil.example");
    let fetch = browser.get("/").fetch().from_page(evil).await.json();
    assert_eq!(header(&fetch, "cookie"), "none=1");
    let own = browser.get("/").from_own_page().await.json();
    assert_eq!(header(&own, "cookie"), "strict=1; lax=1; unsaid=1; none=1");
    browser
        .get(set("planted=1"))
        .subresource("image")
        .from_page(evil)
        .await;
    assert_eq!(browser.cookie("planted"), None);
}
