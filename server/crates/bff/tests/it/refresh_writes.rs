//! What becomes of renewed tokens when others write to the record at the same time, or the store does not take them
//! (invariants 4 and 5).

use std::sync::Arc;

use cloakroom_testkit::{Browser, Provider};

use crate::app::App;
use crate::upstream::{Api, assert_refused, upstream};
use crate::watched_store::{Trick, WatchedStore};

/// Longer than access tokens live here.
const LATER: u64 = 3601;

/// Somebody who is signed in, whose access token has expired, over a store that does as it is told.
async fn expired(api: &Api) -> (App, Browser, Arc<WatchedStore>) {
    let store = Arc::new(WatchedStore::default());
    let over = Arc::clone(&store);
    let base = api.base();
    let settings = |settings: &mut cloakroom_bff::Settings| {
        settings.upstreams = vec![upstream("orders", &base)];
    };
    let counter = |settings, clock| crate::plain_axum::builder_over(over, settings, clock).build();
    let provider = Provider::start().await;
    let app = App::serving(provider, settings, counter, crate::plain_axum::router).await;
    let browser = app.browser();
    app.sign_in(&browser).await;
    app.advance(LATER);
    (app, browser, store)
}

fn refreshes(app: &App) -> usize {
    app.provider
        .received()
        .token_requests
        .iter()
        .filter(|request| request.get("grant_type").map(String::as_str) == Some("refresh_token"))
        .count()
}

/// The next call is made with the newest token that the provider gave, and costs no refresh.
async fn assert_kept(app: &App, browser: &Browser, api: &Api) {
    let before = refreshes(app);
    api.take();
    assert_eq!(app.call(browser, "/api/orders/x").await.status(), 200);
    let newest = app.provider.issued().access_tokens.pop().unwrap();
    assert_eq!(
        api.only().header("authorization"),
        Some(&*format!("Bearer {newest}"))
    );
    assert_eq!(refreshes(app), before);
}

#[tokio::test]
async fn after_a_conflict_with_a_write_that_changed_no_token_they_are_written_again() {
    let api = Api::start().await;
    let (app, browser, store) = expired(&api).await;
    store.play(&[Trick::Conflict, Trick::Conflict]);
    assert_eq!(app.call(&browser, "/api/orders/x").await.status(), 200);
    assert_kept(&app, &browser, &api).await;
    assert_eq!(refreshes(&app), 1);
    assert!(store.all_played());
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn where_somebody_wrote_newer_ones_ours_are_dropped_and_not_revoked() {
    let api = Api::start().await;
    let (app, browser, store) = expired(&api).await;
    // The write is done, but this program is told that another one came first: what it then reads is newer than what
    // it sent.
    store.play(&[Trick::ConflictAfterWriting]);
    assert_eq!(app.call(&browser, "/api/orders/x").await.status(), 200);
    assert_kept(&app, &browser, &api).await;
    app.bff.finish_background_work().await;
    assert_eq!(app.provider.received().revoked.len(), 0);
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn where_the_session_is_gone_they_are_revoked_and_it_stays_gone() {
    let api = Api::start().await;
    let (app, browser, store) = expired(&api).await;
    store.play(&[Trick::DeleteFirst]);
    assert_refused(
        &app.call(&browser, "/api/orders/x").await,
        401,
        "signed_out",
    );
    assert!(api.seen().is_empty());
    assert_eq!(app.look(&browser).await["signed_in"], false);
    app.bff.finish_background_work().await;
    let issued = app.provider.issued();
    let revoked = app.provider.received().revoked;
    for token in [issued.refresh_tokens.last(), issued.access_tokens.last()] {
        assert!(token.is_some_and(|token| revoked.contains(token)));
    }
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn a_store_that_is_away_for_a_moment_gets_them_when_it_is_back() {
    let api = Api::start().await;
    let (app, browser, store) = expired(&api).await;
    store.play(&[Trick::Down, Trick::Down]);
    assert_eq!(app.call(&browser, "/api/orders/x").await.status(), 200);
    assert_kept(&app, &browser, &api).await;
    assert_eq!(refreshes(&app), 1);
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn a_refusal_ends_the_session_though_others_wrote_to_it_meanwhile() {
    let api = Api::start().await;
    let (app, browser, store) = expired(&api).await;
    app.provider.revoke_refresh_tokens();
    store.play(&[Trick::Conflict]);
    assert_refused(
        &app.call(&browser, "/api/orders/x").await,
        401,
        "session_ended",
    );
    assert!(store.all_played());
    assert_eq!(app.look(&browser).await["signed_in"], false);
    // The provider objects to the token, which is the point.
    app.bff.finish_background_work().await;
}

#[tokio::test]
async fn failures_are_followed_by_pauses_that_grow_and_end() {
    let api = Api::start().await;
    let (app, browser, _) = expired(&api).await;
    app.provider.stop().await;
    for _ in 0..5 {
        assert_refused(
            &app.call(&browser, "/api/orders/x").await,
            503,
            "provider_down",
        );
    }
    app.provider.resume().await;
    // Still within the pause: nobody is asked.
    assert_refused(
        &app.call(&browser, "/api/orders/x").await,
        503,
        "provider_down",
    );
    assert_eq!(refreshes(&app), 0);
    app.advance(61);
    assert_eq!(app.call(&browser, "/api/orders/x").await.status(), 200);
    assert_eq!(refreshes(&app), 1);
    app.end(&[&browser]).await;
}
