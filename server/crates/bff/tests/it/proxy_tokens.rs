//! Whose token goes with a call, and what is said where there is none (RFC 6750 sections 2.1 and 3.1, RFC 9470).

use cloakroom_bff::WhoseToken;
use cloakroom_testkit::User;
use http::HeaderName;

use crate::upstream::{Api, app_of, app_with, assert_refused, upstream};

#[tokio::test]
async fn without_a_session_nothing_arrives_and_the_answer_says_where_to_sign_in() {
    let api = Api::start().await;
    let (app, browser) = app_with(&api, |_| {}).await;
    let stranger = app.browser();
    for request in [
        stranger.get("/api/orders/x").fetch(),
        stranger.get("/api/orders/x").navigate(),
    ] {
        let answer = request.header("x-csrf", "1").await;
        assert_refused(&answer, 401, "signed_out");
        assert_eq!(answer.json()["sign_in"], "/auth/login");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let posted = stranger
        .request(http::Method::POST, "/api/orders/x")
        .fetch()
        .header("x-csrf", "1")
        .body("abc");
    assert_refused(&posted.await, 401, "signed_out");
    assert!(api.seen().is_empty());
    // Nor after signing out, though the cookie comes back.
    let thief = browser.copy();
    browser.post_form("/auth/logout", &[]).fetch().await;
    assert_refused(&app.call(&thief, "/api/orders/x").await, 401, "signed_out");
    assert!(api.seen().is_empty());
    app.end(&[&browser, &stranger, &thief]).await;
}

#[tokio::test]
async fn each_call_carries_the_token_of_who_makes_it() {
    let api = Api::start().await;
    let (app, ada) = app_with(&api, |upstream| {
        upstream.forward_user = Some(HeaderName::from_static("x-user-id"));
    })
    .await;
    let first = app.access_token();
    app.provider.set_user(User {
        sub: "00u-bob".to_owned(),
        ..User::default()
    });
    let bob = app.browser();
    app.sign_in(&bob).await;
    let second = app.access_token();
    assert_ne!(first, second);
    for (browser, token) in [(&ada, &first), (&bob, &second), (&ada, &first)] {
        assert_eq!(app.call(browser, "/api/orders/x").await.status(), 200);
        let seen = api.only();
        assert_eq!(seen.all("authorization"), [format!("Bearer {token}")]);
        assert_eq!(
            seen.header("x-user-id") == Some("00u-bob"),
            token == &second
        );
    }
    app.end(&[&ada, &bob]).await;
}

#[tokio::test]
async fn an_api_may_want_the_users_token_or_nobodys() {
    let api = Api::start().await;
    let mut upstreams: Vec<_> = ["user", "either", "nobody", "named"]
        .iter()
        .map(|name| upstream(name, &api.base()))
        .collect();
    upstreams[1].token = WhoseToken::UserIfSignedIn;
    upstreams[2].token = WhoseToken::None;
    upstreams[3].token = WhoseToken::None;
    upstreams[3].forward_user = Some(HeaderName::from_static("x-user-id"));
    let (app, browser) = app_of(upstreams, |_| {}).await;
    let stranger = app.browser();
    let token = format!("Bearer {}", app.access_token());
    for (name, browser, carried) in [
        ("user", &browser, Some(token.as_str())),
        ("either", &browser, Some(&token)),
        ("either", &stranger, None),
        ("nobody", &browser, None),
        ("nobody", &stranger, None),
        ("named", &browser, None),
        ("named", &stranger, None),
    ] {
        // What the browser says of itself never counts.
        let answer = browser
            .get(format!("/api/{name}"))
            .fetch()
            .header("x-csrf", "1")
            .header("authorization", "Bearer forged")
            .header("x-user-id", "forged");
        assert_eq!(answer.await.status(), 200, "{name}");
        let seen = api.only();
        assert_eq!(seen.header("authorization"), carried, "{name}");
        assert_ne!(
            seen.header("x-user-id"),
            Some(if name == "named" { "forged" } else { "" })
        );
    }
    assert_refused(&app.call(&stranger, "/api/user").await, 401, "signed_out");
    app.end(&[&browser, &stranger]).await;
}

#[tokio::test]
async fn calls_keep_a_session_alive() {
    let api = Api::start().await;
    let (app, browser) = app_of(vec![upstream("orders", &api.base())], |settings| {
        settings.idle_seconds = 1000;
    })
    .await;
    for _ in 0..5 {
        app.advance(600);
        assert_eq!(app.call(&browser, "/api/orders/x").await.status(), 200);
    }
    app.advance(1001);
    let answer = app.call(&browser, "/api/orders/x").await;
    assert_refused(&answer, 401, "signed_out");
    assert!(answer.set_cookies()[0].is_removal());
    assert_eq!(api.take().len(), 5);
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn an_answer_for_somebody_is_stored_by_nobody() {
    let api = Api::answering(
        |_| "HTTP/1.1 200 OK\r\nCache-Control: public, max-age=3600\r\nContent-Length: 0\r\n\r\n",
    )
    .await;
    let (mut orders, mut open) = (
        upstream("orders", &api.base()),
        upstream("open", &api.base()),
    );
    orders.token = WhoseToken::UserIfSignedIn;
    open.token = WhoseToken::None;
    let (app, browser) = app_of(vec![orders, open], |_| {}).await;
    let mine = app.call(&browser, "/api/orders/x").await;
    assert_eq!(mine.header_all("cache-control"), ["no-store"]);
    assert_eq!(mine.header("vary"), Some("cookie"));
    let everybodys = app.call(&browser, "/api/open/x").await;
    assert_eq!(
        everybodys.header_all("cache-control"),
        ["public, max-age=3600"]
    );
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn step_up_and_missing_scopes_are_the_pages_business() {
    for challenge in [
        "Bearer error=\"insufficient_user_authentication\", acr_values=\"2fa\", max_age=\"300\"",
        "Bearer error=\"insufficient_scope\", scope=\"orders:write\"",
        "Bearer realm=\"orders\"",
    ] {
        let api = Api::answering(move |_| {
            format!(
                "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: {challenge}\r\nContent-Length: 4\r\n\r\nwhat"
            )
        })
        .await;
        let (app, browser) = app_with(&api, |_| {}).await;
        app.provider.reset_counts();
        let answer = app.call(&browser, "/api/orders/x").await;
        assert_eq!((answer.status(), answer.text()), (401, "what".to_owned()));
        assert_eq!(answer.header("www-authenticate"), Some(challenge));
        assert_eq!(answer.header("cloakroom-error"), None);
        api.only();
        assert_eq!(app.provider.counts().token, 0, "nothing was renewed");
        app.end(&[&browser]).await;
    }
}
