//! A token that an API refuses is renewed once, and the call is made once more where it can be (RFC 6750 section 3.1).

use http::Method;

use crate::upstream::{Api, FINE, app_with};

const REFUSED: &str = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer realm=\"orders\", error=\"invalid_token\"\r\nContent-Length: 4\r\n\r\nused";

/// An API that takes no token but newer ones than the first it sees.
async fn wants_another() -> Api {
    let first = std::sync::OnceLock::new();
    Api::answering(move |seen| {
        let token = seen.header("authorization").unwrap_or_default().to_owned();
        if *first.get_or_init(|| token.clone()) == token {
            REFUSED.to_owned()
        } else {
            FINE.to_owned()
        }
    })
    .await
}

#[tokio::test]
async fn a_refused_token_is_renewed_and_the_call_repeated() {
    let large = vec![b'x'; 64 * 1024];
    for (method, body) in [
        (Method::GET, &b""[..]),
        (Method::POST, b"{\"a\":1}"),
        (Method::PUT, &large),
    ] {
        let api = wants_another().await;
        let (app, browser) = app_with(&api, |_| {}).await;
        let answer = browser
            .request(method.clone(), "/api/orders/x?y=1")
            .fetch()
            .header("x-csrf", "1")
            .header("content-type", "application/json")
            .body(body)
            .await;
        assert_eq!(
            (answer.status(), answer.text()),
            (200, "{}".to_owned()),
            "{method}"
        );
        let seen = api.take();
        assert_eq!(seen.len(), 2);
        for seen in &seen {
            assert_eq!(seen.line(), format!("{method} /v1/x?y=1 HTTP/1.1"));
            assert_eq!(seen.body, body);
            assert_eq!(seen.header("content-type"), Some("application/json"));
            assert_eq!(
                seen.header("content-length").map(str::to_owned),
                (!body.is_empty()).then(|| body.len().to_string())
            );
        }
        assert_ne!(
            seen[0].header("authorization"),
            seen[1].header("authorization")
        );
        app.end(&[&browser]).await;
    }
}

#[tokio::test]
async fn a_body_that_was_not_kept_is_not_sent_again() {
    let api = wants_another().await;
    let (app, browser) = app_with(&api, |_| {}).await;
    let answer = browser
        .request(Method::POST, "/api/orders/x")
        .fetch()
        .header("x-csrf", "1")
        .body(vec![b'x'; 64 * 1024 + 1])
        .await;
    assert_eq!((answer.status(), answer.text()), (401, "used".to_owned()));
    assert_eq!(answer.header("cloakroom-error"), None);
    api.only();
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn an_api_that_refuses_every_token_is_asked_twice_and_no_more() {
    let api = Api::answering(|_| REFUSED).await;
    let (app, browser) = app_with(&api, |_| {}).await;
    let answer = app.call(&browser, "/api/orders/x").await;
    assert_eq!((answer.status(), answer.text()), (401, "used".to_owned()));
    assert!(
        answer
            .header("www-authenticate")
            .unwrap()
            .contains("invalid_token")
    );
    assert_eq!(api.take().len(), 2);
    // The token is new: another one would be refused too, and ten calls must not cost ten refreshes.
    for _ in 0..10 {
        assert_eq!(app.call(&browser, "/api/orders/x").await.status(), 401);
    }
    assert_eq!(api.take().len(), 10);
    app.end(&[&browser]).await;
}
