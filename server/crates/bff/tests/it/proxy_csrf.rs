//! Who may call: pages of this origin, and nobody else (draft-ietf-oauth-browser-based-apps section 6.1.3.3.2,
//! standards B5.3).

use http::Method;

use crate::upstream::{Api, app_with, assert_refused};

const METHODS: [Method; 6] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::DELETE,
    Method::OPTIONS,
];

#[tokio::test]
async fn a_call_without_the_header_is_refused_before_anything_else() {
    let api = Api::start().await;
    let (app, browser) = app_with(&api, |_| {}).await;
    let stranger = app.browser();
    for path in ["/api/orders/x", "/api/unknown", "/api/orders/../x", "/api"] {
        for method in METHODS {
            for browser in [&browser, &stranger] {
                for value in [None, Some("0"), Some("true"), Some("1, 1")] {
                    let mut request = browser.request(method.clone(), path).fetch();
                    if let Some(value) = value {
                        request = request.header("x-csrf", value);
                    }
                    let answer = request.await;
                    if method == Method::HEAD {
                        assert_eq!(answer.status(), 403);
                    } else {
                        assert_refused(&answer, 403, "csrf_header_missing");
                    }
                    assert_eq!(answer.header("set-cookie"), None, "nothing was looked up");
                }
            }
        }
    }
    let twice = app.raw(&browser, "GET /api/orders/x HTTP/1.1", "X-CSRF: 1\r\n");
    let answer = app.send(&twice).await;
    assert!(answer.contains("\"csrf_header_missing\""), "{answer}");
    assert!(api.seen().is_empty());
    app.end(&[&browser, &stranger]).await;
}

#[tokio::test]
async fn a_navigation_gets_no_page_and_no_redirect() {
    let api = Api::start().await;
    let (app, browser) = app_with(&api, |_| {}).await;
    let stranger = app.browser();
    for path in ["/api/orders/x", "/api/unknown", "/api"] {
        let answer = browser.get(path).navigate().await;
        assert_refused(&answer, 403, "csrf_header_missing");
        let answer = stranger.get(path).navigate().header("x-csrf", "1").await;
        let code = if path == "/api/orders/x" {
            (401, "signed_out")
        } else {
            (403, "route_not_allowed")
        };
        assert_refused(&answer, code.0, code.1);
        let elsewhere = stranger
            .get(path)
            .navigate()
            .header("host", "other.example");
        assert_refused(&elsewhere.await, 421, "misdirected_request");
    }
    assert!(api.seen().is_empty());
    app.end(&[&browser, &stranger]).await;
}

#[tokio::test]
async fn other_sites_cannot_call_with_the_header_or_without() {
    let api = Api::start().await;
    let (app, browser) = app_with(&api, |_| {}).await;
    let evil = "https://evil.example/page";
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json",
    ] {
        let request = browser
            .request(Method::POST, "/api/orders/x")
            .from_page(evil)
            .fetch()
            .header("content-type", kind)
            .body("a=b");
        assert_refused(&request.clone().await, 403, "cross_site");
        // No browser lets another origin's page send the header; if one did, the origin would still be wrong.
        assert_refused(&request.header("x-csrf", "1").await, 403, "cross_site");
    }
    let read = browser.get("/api/orders/x").from_page(evil).fetch().await;
    assert_refused(&read, 403, "csrf_header_missing");
    for image in ["image", "script", "style"] {
        let answer = browser
            .get("/api/orders/x")
            .from_page(evil)
            .subresource(image);
        assert_refused(&answer.await, 403, "csrf_header_missing");
    }
    assert!(api.seen().is_empty());
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn a_preflight_gets_no_cors_answer_from_us_or_from_the_api() {
    let api = Api::answering(|_| {
        "HTTP/1.1 204 No Content\r\nAccess-Control-Allow-Origin: *\r\n\
         Access-Control-Allow-Headers: x-csrf\r\nAccess-Control-Allow-Credentials: true\r\n\
         Timing-Allow-Origin: *\r\nCross-Origin-Resource-Policy: cross-origin\r\n\r\n"
    })
    .await;
    let (app, browser) = app_with(&api, |_| {}).await;
    let preflight = |page: &str| {
        browser
            .request(Method::OPTIONS, "/api/orders/x")
            .from_page(page)
            .fetch()
            .header("access-control-request-method", "GET")
            .header("access-control-request-headers", "x-csrf")
    };
    let foreign = preflight("https://evil.example/").await;
    assert_refused(&foreign, 403, "csrf_header_missing");
    let own = preflight(&format!("{}/", app.public_url))
        .header("x-csrf", "1")
        .await;
    assert_eq!(own.status(), 204);
    for answer in [&foreign, &own] {
        let told: Vec<_> = answer
            .headers()
            .keys()
            .filter(|name| {
                name.as_str().starts_with("access-control-")
                    || ["timing-allow-origin", "cross-origin-resource-policy"]
                        .contains(&name.as_str())
            })
            .collect();
        assert!(told.is_empty(), "{told:?}");
    }
    app.end(&[&browser]).await;
}
