//! What a call asks of the session store, and what becomes of it while the store is down (invariant 11).

use std::sync::Arc;
use std::time::Duration;

use cloakroom_bff::WhoseToken;
use cloakroom_testkit::{Browser, Provider};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use crate::app::App;
use crate::upstream::{Api, assert_refused, read_head, upstream};
use crate::watched_store::WatchedStore;

/// The application over a store that is watched, with this API for users and for everybody.
async fn watched(base: &str) -> (App, Browser, Arc<WatchedStore>) {
    let store = Arc::new(WatchedStore::default());
    let over = Arc::clone(&store);
    let settings = |settings: &mut cloakroom_bff::Settings| {
        let mut open = upstream("open", base);
        open.token = WhoseToken::None;
        settings.upstreams = vec![upstream("orders", base), open];
    };
    let counter = |settings, clock| crate::plain_axum::builder_over(over, settings, clock).build();
    let provider = Provider::start().await;
    let app = App::serving(provider, settings, counter, crate::plain_axum::router).await;
    let browser = app.browser();
    app.sign_in(&browser).await;
    store.loads();
    (app, browser, store)
}

#[tokio::test]
async fn a_call_reads_the_session_once_and_only_where_it_needs_it() {
    let api = Api::start().await;
    let (app, browser, store) = watched(&api.base()).await;
    assert_eq!(app.call(&browser, "/api/orders/x").await.status(), 200);
    assert_eq!(store.loads(), 1);
    assert_eq!(app.call(&browser, "/api/open/x").await.status(), 200);
    assert_eq!(store.loads(), 0);
    for refused in ["/api/unknown", "/api/orders/../x", "/api/orders/a%2Fb"] {
        assert_refused(&app.call(&browser, refused).await, 403, "route_not_allowed");
    }
    browser.get("/api/orders/x").fetch().await;
    assert_eq!(store.loads(), 0, "what is refused anyway asks nobody");
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn a_store_that_is_down_signs_nobody_out() {
    let api = Api::start().await;
    let (app, browser, store) = watched(&api.base()).await;
    store.set_down(true);
    let answer = app.call(&browser, "/api/orders/x").await;
    assert_refused(&answer, 503, "store_down");
    assert_eq!(
        (answer.header("retry-after"), answer.header("set-cookie")),
        (Some("5"), None)
    );
    assert!(api.seen().is_empty());
    assert_eq!(app.call(&browser, "/api/open/x").await.status(), 200);
    store.set_down(false);
    assert_eq!(app.call(&browser, "/api/orders/x").await.status(), 200);
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn a_stream_goes_on_while_the_store_is_down() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (app, browser, store) = watched(&base).await;
    let mut page = app.open().await;
    let request = app.raw(
        &browser,
        "GET /api/orders/x HTTP/1.1",
        "Accept: text/event-stream\r\n",
    );
    page.write_all(&request).await.unwrap();
    let (mut api, _) = listener.accept().await.unwrap();
    read_head(&mut api).await;
    api.write_all(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
    )
    .await
    .unwrap();
    read_head(&mut page).await;
    store.set_down(true);
    store.loads();
    tokio::time::pause();
    for _ in 0..11 {
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    tokio::time::resume();
    assert!(store.loads() >= 1, "it was asked");
    api.write_all(b"9\r\ndata: 1\n\n\r\n").await.unwrap();
    let mut event = [0; 14];
    tokio::io::AsyncReadExt::read_exact(&mut page, &mut event)
        .await
        .unwrap();
    assert_eq!(&event, b"9\r\ndata: 1\n\n\r\n");
    store.set_down(false);
    app.end(&[&browser]).await;
}
