//! Which headers go to an API, and which of its answer come back (standards B5.5, B5.11; RFC 9110 section 7.6.1;
//! CVE-2025-64484).

use http::{HeaderName, HeaderValue, Method};

use crate::upstream::{Api, FINE, app_with, assert_refused};

/// What a browser, or whoever pretends to be one, has no business saying to an API.
const FORGED: &[&str] = &[
    "Authorization: Bearer forged",
    "Proxy-Authorization: Basic Zm9yZ2Vk",
    "DPoP: forged",
    "Forwarded: for=192.0.2.1;host=forged.example;proto=https",
    "X-Forwarded-For: 192.0.2.1",
    "X-Forwarded-Host: forged.example",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Port: 443",
    "X-Forwarded-Prefix: /admin",
    "X-Forwarded-User: root",
    "X-Forwarded-Client-Cert: Subject=root",
    "X-Real-IP: 192.0.2.1",
    "X-Client-IP: 192.0.2.1",
    "X-Cluster-Client-IP: 192.0.2.1",
    "True-Client-IP: 192.0.2.1",
    "CF-Connecting-IP: 192.0.2.1",
    "Fastly-Client-IP: 192.0.2.1",
    "Client-IP: 192.0.2.1",
    "Via: 1.1 forged",
    "X-Original-URL: /admin",
    "X-Original-Host: forged.example",
    "X-Rewrite-URL: /admin",
    "X-Override-URL: /admin",
    "X-HTTP-Method-Override: DELETE",
    "X-HTTP-Method: DELETE",
    "X-Method-Override: DELETE",
    "X-Host: forged.example",
    "X-Remote-User: root",
    "Remote-User: root",
    "X-Auth-Request-User: root",
    "X-WebAuth-User: root",
    "X-SSL-Client-Verify: SUCCESS",
    "SSL-Client-Cert: forged",
    "X-Middleware-Subrequest: middleware",
    "X-Envoy-Original-Path: /admin",
    "X-Accel-Redirect: /etc/passwd",
    "X_Forwarded_For: 192.0.2.1",
    "X_Forwarded_User: root",
    "X.Forwarded.For: 192.0.2.1",
    "X!User: root",
    "Remote_User: root",
    "Proxy: http://forged.example",
    "Proxy-Connection: keep-alive",
    "Keep-Alive: timeout=5",
    "TE: gzip, deflate",
    "Trailer: X-Late",
    "Upgrade: h2c",
    "HTTP2-Settings: AAMAAABkAAQAAP__",
    "Max-Forwards: 0",
    "Expect: 100-continue",
    "Origin: http://localhost:1",
    "Referer: http://localhost:1/secret?page",
    "Sec-Fetch-Site: same-origin",
    "Sec-CH-UA: forged",
    "Sec-WebSocket-Key: forged",
    "Cloakroom-Ref: forged",
    "Cloakroom-Error: forged",
    "X-Hop: named by Connection",
    "X-Tenant-Key: forged, as the configuration sets it",
    "X-User-Id: root, as the configuration sets it",
];

#[tokio::test]
async fn forged_headers_stay_here_and_ours_arrive() {
    let api = Api::start().await;
    let (app, browser) = app_with(&api, |upstream| {
        upstream.headers = vec![
            (
                HeaderName::from_static("x-tenant-key"),
                HeaderValue::from_static("key of the tenant"),
            ),
            (
                HeaderName::from_static("x-tenant-key"),
                HeaderValue::from_static("and its second line"),
            ),
        ];
        upstream.forward_user = Some(HeaderName::from_static("x-user-id"));
    })
    .await;
    let mut lines = FORGED.join("\r\n");
    lines.push_str("\r\nConnection: X-Hop, X-User-Id, Authorization, close, HTTP2-Settings\r\n");
    let request = app.raw(&browser, "GET /api/orders/x HTTP/1.1", &lines);
    // The Origin of this request is not ours.
    let answer = app.send(&request).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let seen = api.only();
    let mut arrived: Vec<String> = seen
        .head
        .lines()
        .skip(1)
        .filter(|line| !line.is_empty())
        .map(str::to_lowercase)
        .collect();
    arrived.sort();
    let session = app.look(&browser).await;
    let subject = session["user"]["sub"].as_str().unwrap();
    assert_eq!(
        arrived,
        [
            format!(
                "authorization: bearer {}",
                app.access_token().to_lowercase()
            ),
            format!("host: {}", api.base().trim_start_matches("http://")),
            "x-tenant-key: and its second line".to_owned(),
            "x-tenant-key: key of the tenant".to_owned(),
            format!("x-user-id: {}", subject.to_lowercase()),
        ]
    );
    assert_eq!(
        seen.header("authorization"),
        Some(format!("Bearer {}", app.access_token()).as_str())
    );
    assert!(!seen.head.contains("cloakroom-session"), "{}", seen.head);
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn what_an_api_needs_to_know_of_a_request_arrives() {
    let api = Api::start().await;
    let (app, browser) = app_with(&api, |_| {}).await;
    let lines = [
        "Accept: application/json",
        "Accept-Encoding: gzip",
        "Accept-Language: de",
        "Cache-Control: no-cache",
        "Content-Type: application/json; charset=utf-8",
        "Content-Length: 2",
        "If-Match: \"1\"",
        "If-None-Match: \"2\"",
        "Range: bytes=0-1",
        "Prefer: return=minimal",
        "Idempotency-Key: 7",
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "tracestate: a=b",
        "User-Agent: a browser",
        "X-Request-ID: 42",
        "X-Requested-With: fetch",
        "TE: trailers",
    ];
    let mut request = app.raw(
        &browser,
        "POST /api/orders/x HTTP/1.1",
        &format!("{}\r\n", lines.join("\r\n")),
    );
    request.extend_from_slice(b"{}");
    let answer = app.send(&request).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let seen = api.only();
    assert_eq!(seen.body, b"{}");
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        assert_eq!(seen.all(name), [value], "{name}");
    }
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn the_browsers_address_is_told_by_policy_only() {
    let api = Api::start().await;
    let (app, browser) = app_with(&api, |upstream| upstream.forward_address = true).await;
    let answer = browser
        .get("/api/orders/x")
        .fetch()
        .header("x-csrf", "1")
        .header("x-forwarded-for", "192.0.2.1")
        .header("x-forwarded-host", "forged.example");
    assert_eq!(answer.await.status(), 200);
    let seen = api.only();
    // No proxy is trusted: what the request says of itself does not count.
    assert_eq!(seen.all("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(seen.all("x-forwarded-proto"), ["http"]);
    assert_eq!(seen.all("x-forwarded-host"), [app.address()]);
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn a_header_that_may_come_once_comes_once() {
    let api = Api::start().await;
    let (app, browser) = app_with(&api, |_| {}).await;
    for name in [
        "Content-Type",
        "Content-Encoding",
        "Range",
        "If-Modified-Since",
        "Authorization",
        "User-Agent",
        "traceparent",
    ] {
        let twice = format!("{name}: a\r\n{name}: a\r\n");
        let request = app.raw(&browser, "GET /api/orders/x HTTP/1.1", &twice);
        let answer = app.send(&request).await;
        assert!(
            answer.starts_with("HTTP/1.1 400 ") && answer.contains("\"request_malformed\""),
            "{name}: {answer}"
        );
    }
    assert!(api.seen().is_empty());
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn an_apis_answer_speaks_for_the_api_and_not_for_this_origin() {
    const DROPPED: &[&str] = &[
        "Set-Cookie: session=stolen",
        "Set-Cookie: __Host-Http-cloakroom-session=stolen; Secure; Path=/",
        "Set-Cookie2: a=b",
        "Clear-Site-Data: \"*\"",
        "Access-Control-Allow-Origin: https://evil.example",
        "Access-Control-Allow-Credentials: true",
        "Access-Control-Expose-Headers: *",
        "Service-Worker-Allowed: /",
        "Strict-Transport-Security: max-age=0",
        "Public-Key-Pins: pin",
        "Public-Key-Pins-Report-Only: pin",
        "Expect-CT: max-age=0",
        "Alt-Svc: h3=\"evil.example:443\"",
        "Refresh: 0; url=https://evil.example/",
        "NEL: {}",
        "Report-To: {}",
        "Reporting-Endpoints: a=\"https://evil.example/\"",
        "Content-Security-Policy: default-src *",
        "Content-Security-Policy-Report-Only: default-src *; report-uri https://evil.example/",
        "Cross-Origin-Opener-Policy: unsafe-none",
        "Cross-Origin-Resource-Policy: cross-origin",
        "X-Frame-Options: ALLOWALL",
        "Referrer-Policy: unsafe-url",
        "Permissions-Policy: camera=*",
        "Timing-Allow-Origin: *",
        "X-Accel-Redirect: /internal/secret",
        "X-Sendfile: /etc/passwd",
        "Surrogate-Control: max-age=3600",
        "CDN-Cache-Control: max-age=3600",
        "Proxy-Authenticate: Basic",
        "Authentication-Info: nextnonce=1",
        "Cloakroom-Error: signed_out",
        "Cloakroom-Extra: 1",
        "Keep-Alive: timeout=5",
        "Connection: X-Inner",
        "X-Inner: 1",
        "Via: 1.1 inner",
        "Server: secret/1.0",
        "X-Powered-By: secret",
    ];
    let api = Api::answering(|_| {
        FINE.replace(
            "\r\n\r\n",
            &format!(
                "\r\n{}\r\nETag: \"1\"\r\nLink: </a>; rel=next\r\nRetry-After: 3\r\n\
                 X-Content-Type-Options: sniff\r\nX-Rate-Limit-Remaining: 4\r\n\
                 Content-Disposition: attachment\r\nVary: accept\r\nLast-Modified: yesterday\r\n\r\n",
                DROPPED.join("\r\n")
            ),
        )
    })
    .await;
    let (app, browser) = app_with(&api, |_| {}).await;
    let answer = app.call(&browser, "/api/orders/x").await;
    assert_eq!((answer.status(), answer.text()), (200, "{}".to_owned()));
    for line in DROPPED {
        let (name, value) = line.split_once(": ").unwrap();
        let values = answer.header_all(&name.to_lowercase());
        assert!(!values.contains(&value), "{line}");
    }
    for (name, value) in [
        ("content-type", "application/json"),
        ("etag", "\"1\""),
        ("link", "</a>; rel=next"),
        ("retry-after", "3"),
        ("x-rate-limit-remaining", "4"),
        ("content-disposition", "attachment"),
        ("last-modified", "yesterday"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(answer.header_all(name), [value], "{name}");
    }
    assert!(
        browser
            .cookies()
            .iter()
            .all(|cookie| cookie.value != "stolen")
    );
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn errors_of_an_api_go_through_and_are_told_from_ours() {
    for (status, body) in [
        (400, "{\"code\":\"signed_out\"}"),
        (401, "no challenge"),
        (403, "{}"),
        (404, ""),
        (409, "conflict"),
        (418, "teapot"),
        (429, "slow down"),
        (500, "broken"),
        (503, "busy"),
        (504, "late"),
    ] {
        let api = Api::answering(move |_| {
            format!(
                "HTTP/1.1 {status} Whatever\r\nContent-Type: text/html\r\nCloakroom-Error: signed_out\r\n\
                 Content-Length: {}\r\n\r\n{body}",
                body.len()
            )
        })
        .await;
        let (app, browser) = app_with(&api, |_| {}).await;
        let answer = app.call(&browser, "/api/orders/x").await;
        assert_eq!((answer.status(), answer.text()), (status, body.to_owned()));
        assert_eq!(answer.header("cloakroom-error"), None);
        assert_eq!(
            answer.header("content-security-policy"),
            Some("sandbox; default-src 'none'"),
            "what it calls a page is none of ours"
        );
        api.only();
        app.end(&[&browser]).await;
    }
}

#[tokio::test]
async fn challenges_pass_that_a_page_can_answer() {
    let step_up =
        "Bearer error=\"insufficient_user_authentication\", acr_values=\"2fa\", max_age=300";
    for (sent, passed) in [
        (step_up.to_owned(), vec![step_up]),
        ("Basic realm=\"x\"".to_owned(), vec![]),
        (format!("Negotiate, {step_up}"), vec![step_up]),
    ] {
        let api = Api::answering(move |_| {
            format!(
                "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: {sent}\r\nContent-Length: 0\r\n\r\n"
            )
        })
        .await;
        let (app, browser) = app_with(&api, |_| {}).await;
        let answer = app.call(&browser, "/api/orders/x").await;
        assert_eq!(answer.status(), 401);
        assert_eq!(answer.header_all("www-authenticate"), passed);
        api.only();
        app.end(&[&browser]).await;
    }
}

#[tokio::test]
async fn redirects_are_not_followed_and_lead_nowhere_else() {
    let elsewhere = Api::start().await;
    let places = [
        (format!("{}/v1/caught", elsewhere.base()), None),
        ("//evil.example/v1/x".to_owned(), None),
        ("/auth/logout".to_owned(), None),
        ("/v2/x".to_owned(), None),
        ("/v1/../x".to_owned(), None),
        ("/v1/x;y".to_owned(), None),
        ("/v1/y?z=1".to_owned(), Some("/api/orders/y?z=1")),
    ];
    let led = places.clone();
    // Asked for `/v1/STATUS/PLACE`, it leads from the one with the other.
    let api = Api::answering(move |seen| {
        let (status, place) = seen.target()[4..].split_once('/').unwrap();
        let location = &led[place.parse::<usize>().unwrap()].0;
        format!("HTTP/1.1 {status} There\r\nLocation: {location}\r\nContent-Length: 5\r\n\r\nthere")
    })
    .await;
    let (app, browser) = app_with(&api, |_| {}).await;
    for status in [301, 302, 303, 307, 308, 300, 201] {
        for (place, (to, here)) in places.iter().enumerate() {
            let path = format!("/api/orders/{status}/{place}");
            let answer = app.call(&browser, &path).await;
            assert_eq!(
                (answer.status(), answer.header("location"), answer.text()),
                (status, *here, "there".to_owned()),
                "{to}"
            );
            api.only();
        }
    }
    assert!(elsewhere.seen().is_empty(), "the token went elsewhere");
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn answers_that_cannot_be_right_are_refused() {
    for answer in [
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
        "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
        "HTTP/1.1 200 OK\r\nContent-Length: a\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX-Bad: a\0b\r\nContent-Length: 0\r\n\r\n",
        "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        "220 smtp.example ESMTP\r\n\r\n",
        "\r\n\r\n\r\n\r\nConnection: close",
    ] {
        let api = Api::answering(move |_| answer).await;
        let (app, browser) = app_with(&api, |_| {}).await;
        let refused = app.call(&browser, "/api/orders/x").await;
        assert_refused(&refused, 502, "upstream_answer");
        app.end(&[&browser]).await;
    }
}

#[tokio::test]
async fn heads_and_empty_answers_keep_what_they_say() {
    let api = Api::answering(|seen| {
        if seen.line().starts_with("HEAD") {
            "HTTP/1.1 200 OK\r\nContent-Length: 7000\r\nContent-Type: image/png\r\n\r\n"
        } else {
            "HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\n\r\n"
        }
    })
    .await;
    let (app, browser) = app_with(&api, |_| {}).await;
    let head = browser.request(Method::HEAD, "/api/orders/x").fetch();
    let head = head.header("x-csrf", "1").await;
    assert_eq!(
        (head.status(), head.header("content-length"), head.body()),
        (200, Some("7000"), &b""[..])
    );
    let fresh = app.call(&browser, "/api/orders/x").await;
    assert_eq!((fresh.status(), fresh.header("etag")), (304, Some("\"1\"")));
    app.end(&[&browser]).await;
}
