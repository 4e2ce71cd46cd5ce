//! A session whose record cannot be opened, because its key left the ring or because it was altered, does not stand in
//! the way of signing in again (design, invariant 3).

use serde_json::Value;

use crate::program::lines;
use crate::start::Start;
use crate::world::{World, new_session};

const ONE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const TWO: &str = "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=";

/// Signs in in a browser that still has the ticket of such a session.
async fn sign_in_again(world: &mut World, browser: &cloakroom_testkit::Browser, what: &str) {
    let before = world.ticket(browser);
    assert!(before.is_some(), "{what}: the ticket is still sent");
    let answer = world
        .at_callback(browser, "/auth/login?return_to=/profile")
        .await;
    assert_eq!(
        (answer.status(), answer.header("location")),
        (303, Some("/profile")),
        "{what}: {}",
        answer.text()
    );
    let fresh = new_session(&answer, &world.session_cookie());
    assert!(fresh.is_some() && fresh != before, "{what}");
    world.assert_signed_in(browser).await;
    assert_eq!(browser.visit("/profile").await.status(), 200, "{what}");
    let log = world.program().log();
    let whole = log.rfind('\n').map_or("", |end| &log[..end]);
    let internal = |line: &Value| line["code"] == "internal" || line["status"] == 500;
    assert_eq!(lines(whole).into_iter().find(internal), None, "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_under_a_key_that_is_gone_is_kept_and_does_not_keep_a_person_from_signing_in() {
    let mut world = Start::default().set("CLOAKROOM_KEYS", ONE).go().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    let before = browser.copy();
    world.watch(&before);
    world.restart(&[("CLOAKROOM_KEYS", TWO)]).await;
    for path in ["/", "/profile"] {
        let page = browser.get(path).navigate().await;
        assert_eq!(
            (page.status(), page.header_all("set-cookie")),
            (503, vec![]),
            "{path}: nobody knows, so nobody is signed out"
        );
    }
    let session = browser.get("/auth/session").fetch().await;
    assert_eq!(
        (session.status(), session.header("cloakroom-error")),
        (503, Some("store_down"))
    );
    assert_eq!(world.sessions().await, 1, "the record stays");
    sign_in_again(&mut world, &browser, "another key ring").await;
    world
        .restart(&[("CLOAKROOM_KEYS", &format!("{TWO},{ONE}"))])
        .await;
    world.assert_signed_in(&browser).await;
    world.assert_signed_out(&before).await;
    assert_eq!(
        world.sessions().await,
        1,
        "a sign-in ends the session it started from, readable or not"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_whose_record_was_altered_does_not_keep_a_person_from_signing_in() {
    for change in [
        "UPDATE records SET sealed = CAST(substr(sealed, 1, length(sealed) - 2) || x'0000' AS BLOB)",
        "UPDATE records SET sealed = substr(sealed, 1, 40)",
        "UPDATE records SET sealed = x''",
        "UPDATE records SET sealed = zeroblob(length(sealed))",
        "UPDATE records SET version = version + 1",
    ] {
        let mut world = World::start().await;
        let browser = world.browser();
        world.sign_in(&browser).await;
        sqlx::raw_sql(change)
            .execute(&mut world.database().await)
            .await
            .unwrap();
        sign_in_again(&mut world, &browser, change).await;
        assert_eq!(world.sessions().await, 1, "{change}: the old one is gone");
        world.end().await;
    }
}
