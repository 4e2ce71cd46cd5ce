//! The browser's stand-in sends what Chromium sends, and follows redirects as Chromium does.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, header};
use axum::response::IntoResponse;
use cloakroom_testkit::{Browser, leaks, raw_request};
use serde_json::Value;

/// A server that shows the request it got, sets the cookies of `?set=` and redirects to `?to=` with `?status=`.
pub(crate) async fn mirror() -> SocketAddr {
    let app = Router::new().fallback(|request: Request| async move {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let (mut headers, mut status) = (HeaderMap::new(), 200);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "set" => drop(headers.append(header::SET_COOKIE, value.parse().unwrap())),
                "to" => drop(headers.insert(header::LOCATION, value.parse().unwrap())),
                "status" => status = value.parse().unwrap(),
                _ => {}
            }
        }
        let mut seen = serde_json::Map::new();
        for (name, value) in &parts.headers {
            seen.insert(name.to_string(), value.to_str().unwrap().into());
        }
        let shown = serde_json::json!({
            "method": parts.method.as_str(),
            "target": parts.uri.to_string(),
            "headers": seen,
            "body": String::from_utf8_lossy(&body),
        });
        (
            axum::http::StatusCode::from_u16(status).unwrap(),
            headers,
            shown.to_string(),
        )
            .into_response()
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// A mirror at `http://localhost:PORT` and a browser for it.
pub(crate) async fn setup() -> (String, Browser) {
    let origin = format!("http://localhost:{}", mirror().await.port());
    let browser = Browser::with_base(&origin);
    (origin, browser)
}

pub(crate) fn set(line: &str) -> String {
    format!(
        "/?{}",
        form_urlencoded::Serializer::new(String::new())
            .append_pair("set", line)
            .finish()
    )
}

pub(crate) fn header<'a>(seen: &'a Value, name: &str) -> &'a str {
    seen["headers"][name].as_str().unwrap_or("absent")
}

#[tokio::test]
async fn a_typed_address_is_a_navigation_from_nowhere() {
    let (origin, browser) = setup().await;
    let seen = browser.get("/page?a=b#fragment").navigate().await.json();
    assert_eq!(seen["target"], "/page?a=b");
    assert_eq!(
        header(&seen, "host"),
        origin.strip_prefix("http://").unwrap()
    );
    assert!(header(&seen, "accept").starts_with("text/html"));
    for (name, value) in [
        ("sec-fetch-site", "none"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
        ("sec-fetch-user", "?1"),
        ("origin", "absent"),
        ("cookie", "absent"),
    ] {
        assert_eq!(header(&seen, name), value, "{name}");
    }
}

#[tokio::test]
async fn other_kinds_of_requests_say_what_they_are() {
    let (origin, browser) = setup().await;
    let fetch = browser.get("/").fetch().await.json();
    assert_eq!(
        (
            header(&fetch, "sec-fetch-site"),
            header(&fetch, "sec-fetch-mode")
        ),
        ("same-origin", "cors")
    );
    assert_eq!(
        (header(&fetch, "sec-fetch-dest"), header(&fetch, "accept")),
        ("empty", "*/*")
    );
    assert_eq!(header(&fetch, "origin"), "absent");
    let posted = browser
        .request(Method::POST, "/")
        .fetch()
        .header("X-CSRF", "1")
        .body("{}")
        .await
        .json();
    assert_eq!(
        (header(&posted, "origin"), header(&posted, "x-csrf")),
        (origin.as_str(), "1")
    );
    assert_eq!(
        (header(&posted, "content-length"), &posted["body"]),
        ("2", &Value::from("{}"))
    );

    let form = browser.post_form("/", &[("a b", "c&d")]).await.json();
    assert_eq!(form["body"], "a+b=c%26d");
    assert_eq!(
        header(&form, "content-type"),
        "application/x-www-form-urlencoded"
    );
    assert_eq!(
        (header(&form, "origin"), header(&form, "sec-fetch-site")),
        (origin.as_str(), "same-origin")
    );
    assert_eq!(header(&form, "sec-fetch-mode"), "navigate");

    let frame = browser
        .get("/")
        .frame()
        .from_page("https://evil.example/")
        .await
        .json();
    assert_eq!(
        (
            header(&frame, "sec-fetch-dest"),
            header(&frame, "sec-fetch-site")
        ),
        ("iframe", "cross-site")
    );
    let image = browser
        .get("/")
        .subresource("image")
        .from_own_page()
        .await
        .json();
    assert_eq!(
        (
            header(&image, "sec-fetch-dest"),
            header(&image, "sec-fetch-mode")
        ),
        ("image", "no-cors")
    );
    let prefetch = browser.get("/").prefetch().from_own_page().await.json();
    assert_eq!(header(&prefetch, "sec-purpose"), "prefetch");
    let bare = browser.get("/").bare().await.json();
    assert_eq!(
        (header(&bare, "sec-fetch-mode"), header(&bare, "accept")),
        ("absent", "absent")
    );

    let cross = browser
        .get("/")
        .fetch()
        .from_page("https://evil.example/")
        .await
        .json();
    assert_eq!(
        (header(&cross, "sec-fetch-site"), header(&cross, "origin")),
        ("cross-site", "https://evil.example")
    );
    let spoofed = browser.get("/").header("Host", "evil.example").await.json();
    assert_eq!(header(&spoofed, "host"), "evil.example");
}

#[tokio::test]
async fn redirects_are_followed_on_demand_and_cookies_set_on_the_way() {
    let (origin, browser) = setup().await;
    let first = browser
        .get("/?status=303&to=/second?status=302%26to=/third&set=seen%3D1")
        .await;
    assert_eq!(
        (first.status(), first.location().unwrap().path()),
        (303, "/second")
    );
    assert_eq!(first.location_param("to").unwrap(), "/third");
    let second = browser.follow(first.clone(), 1).await;
    assert_eq!((second.status(), second.url().path()), (302, "/second"));
    let last = browser.follow(first, 10).await;
    assert_eq!(
        (last.status(), last.url().as_str()),
        (200, format!("{origin}/third").as_str())
    );
    assert_eq!(header(&last.json(), "cookie"), "seen=1");
    assert_eq!(header(&last.json(), "sec-fetch-site"), "none");

    let posted = browser
        .post_form("/?status=303&to=/after", &[("a", "b")])
        .await;
    let after = browser.follow(posted, 1).await.json();
    assert_eq!(
        (&after["method"], &after["body"]),
        (&Value::from("GET"), &Value::from(""))
    );
    let kept = browser
        .post_form("/?status=307&to=/after", &[("a", "b")])
        .await;
    let after = browser.follow(kept, 1).await.json();
    assert_eq!(
        (&after["method"], &after["body"]),
        (&Value::from("POST"), &Value::from("a=b"))
    );
}

#[tokio::test]
async fn a_way_over_another_site_comes_back_as_cross_site() {
    let (origin, browser) = setup().await;
    browser.get(set("strict=1; SameSite=Strict")).await;
    browser.get(set("lax=1; SameSite=Lax")).await;
    let back = format!(
        "http://127.0.0.1:{}/?status=302&to={origin}/back",
        mirror().await.port()
    );
    let back: String = form_urlencoded::byte_serialize(back.as_bytes()).collect();
    let end = browser
        .visit(format!("/?status=303&to={back}"))
        .await
        .json();
    assert_eq!(end["target"], "/back");
    assert_eq!(
        (header(&end, "sec-fetch-site"), header(&end, "cookie")),
        ("cross-site", "lax=1")
    );
}

#[tokio::test]
async fn tabs_share_a_jar_and_copies_do_not() {
    let (_, browser) = setup().await;
    let (tab, stranger) = (browser.clone(), Browser::new());
    browser.get(set("a=1")).await;
    let thief = browser.copy();
    assert!(
        tab.cookie("a").is_some() && thief.cookie("a").is_some() && stranger.cookie("a").is_none()
    );
    tab.clear();
    assert!(browser.cookie("a").is_none() && thief.cookie("a").is_some());

    browser.set_cookie_raw("/", "__Host-Http-session=tampered; Path=/");
    assert_eq!(
        header(&browser.get("/").await.json(), "cookie"),
        "__Host-Http-session=tampered"
    );
    browser.remove_cookie("__Host-Http-session");
    assert!(browser.cookies().is_empty());
}

#[tokio::test]
async fn the_transcript_has_heads_and_bodies_of_everything_received() {
    let (_, browser) = setup().await;
    browser
        .visit("/?status=303&to=/next&set=ticket%3Dsecret-in-a-cookie")
        .await;
    browser.get("/").header("x-shown", "secret-in-a-body").await;
    let secrets = [
        "secret-in-a-cookie".to_owned(),
        "secret-in-a-body".to_owned(),
        "never-received".to_owned(),
    ];
    let found = leaks(&browser.transcript(), &secrets);
    assert!(
        found.iter().any(|line| line.starts_with("secret..")),
        "{found:?}"
    );
    assert!(
        !found.iter().any(|line| line.starts_with("never")),
        "{found:?}"
    );
}

#[tokio::test]
async fn addresses_of_64_kib_can_be_sent() {
    let (_, browser) = setup().await;
    let answer = browser.get(format!("/?code={}", "A".repeat(65_536))).await;
    assert!(
        [200, 414, 431, 400].contains(&answer.status()),
        "{}",
        answer.status()
    );
}

#[tokio::test]
async fn raw_bytes_go_out_as_they_are() {
    let address = mirror().await;
    let good = raw_request(
        address,
        b"GET /\\evil HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    )
    .await
    .unwrap();
    assert!(String::from_utf8_lossy(&good).starts_with("HTTP/1.1 "));
    let bad = raw_request(address, b"NOT HTTP\r\n\r\n").await.unwrap();
    assert!(String::from_utf8_lossy(&bad).starts_with("HTTP/1.1 400"));
}
