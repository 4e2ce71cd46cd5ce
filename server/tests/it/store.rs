//! The session store down, locked, altered and stolen: nobody is signed out by it, and nothing in it is of use to a
//! thief (RFC 9110 section 15.6.4, OWASP session management).

use cloakroom_testkit::leaks;
use http::Method;

use crate::start::Start;
use crate::world::World;

const DOWN: &str = "We cannot look up your session just now";
const TABLES: [&str; 4] = ["records", "terms", "consumed", "tally"];

/// Every statement of the program fails from now on.
pub(crate) async fn take_away(world: &World) {
    rename(world, |table| (table.to_owned(), format!("{table}_gone"))).await;
}

/// And works again.
pub(crate) async fn give_back(world: &World) {
    rename(world, |table| (format!("{table}_gone"), table.to_owned())).await;
}

async fn rename(world: &World, names: impl Fn(&str) -> (String, String)) {
    let mut connection = world.database().await;
    for table in TABLES {
        let (from, to) = names(table);
        let statement = format!("ALTER TABLE {from} RENAME TO {to}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
            .execute(&mut connection)
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_down_signs_nobody_out() {
    let world = World::start().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    let ticket = world.ticket(&browser);
    take_away(&world).await;
    let session = browser.get("/auth/session").fetch().await;
    assert_eq!(
        (session.status(), session.header("cloakroom-error")),
        (503, Some("store_down"))
    );
    assert_eq!(
        (
            session.json()["code"].as_str(),
            session.header("retry-after")
        ),
        (Some("store_down"), Some("5"))
    );
    assert!(
        !session.text().contains("signed_in"),
        "nobody knows, so it says neither"
    );
    for path in ["/", "/profile", "/nowhere"] {
        let page = browser.get(path).navigate().await;
        assert_eq!(
            (page.status(), page.header("retry-after")),
            (503, Some("5")),
            "{path}: {}",
            page.text()
        );
        assert!(
            page.text().contains(DOWN)
                && page
                    .header("content-type")
                    .unwrap()
                    .starts_with("text/html"),
            "{path}"
        );
        assert_eq!(page.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(
            page.header_all("set-cookie"),
            [""; 0],
            "{path}: the ticket is still good"
        );
    }
    let function = browser.get("/_fn/profile").fetch().await;
    assert_eq!(
        (function.status(), function.header("cloakroom-error")),
        (503, Some("store_down"))
    );
    assert_eq!(browser.get("/healthz").bare().await.status(), 200);
    let ready = browser.get("/readyz").bare().await;
    assert_eq!(
        (ready.status(), ready.json()["store"].as_str()),
        (503, Some("down"))
    );
    give_back(&world).await;
    assert_eq!(browser.get("/readyz").bare().await.status(), 200);
    world.assert_signed_in(&browser).await;
    assert_eq!(world.ticket(&browser), ticket);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_while_the_store_is_down_sends_no_code_to_the_provider_and_is_good_afterwards() {
    let world = World::start().await;
    let browser = world.browser();
    let answered = world
        .at_provider(&browser, "/auth/login?return_to=/profile")
        .await;
    take_away(&world).await;
    let answer = browser.follow(answered.clone(), 1).await;
    world
        .assert_failed(&browser, &answer, "store_down", 503, DOWN)
        .await;
    assert_eq!(
        (
            world.provider.counts().token,
            world.provider.counts().userinfo
        ),
        (0, 0)
    );
    give_back(&world).await;
    world.assert_signed_out(&browser).await;
    let again = browser.follow(answered, 1).await;
    assert_eq!(
        again.header("location"),
        Some("/profile"),
        "the transaction was not spent"
    );
    world.assert_signed_in(&browser).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_while_the_store_is_down_says_that_it_is_half_done() {
    let world = World::start().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    let thief = browser.copy();
    world.watch(&thief);
    take_away(&world).await;
    let fetched = browser
        .copy()
        .request(Method::POST, "/auth/logout")
        .fetch()
        .await;
    assert_eq!(
        (fetched.status(), fetched.json()["code"].as_str()),
        (503, Some("sign_out_incomplete"))
    );
    let answer = browser.post_form("/auth/logout", &[]).await;
    world
        .assert_failed(
            &browser,
            &answer,
            "sign_out_incomplete",
            503,
            "You are only half signed out",
        )
        .await;
    assert_eq!(
        world.ticket(&browser),
        None,
        "this browser has forgotten the ticket at least"
    );
    assert_eq!(
        (
            world.provider.counts().logout,
            world.provider.counts().revoke
        ),
        (0, 0)
    );
    give_back(&world).await;
    world.assert_signed_in(&thief).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_another_program_holds_for_writing_can_still_be_read() {
    let world = World::start().await;
    let (browser, other) = (world.browser(), world.browser());
    world.sign_in(&browser).await;
    let answered = world.at_provider(&other, "/auth/login").await;
    let mut holder = world.database().await;
    sqlx::raw_sql("BEGIN IMMEDIATE")
        .execute(&mut holder)
        .await
        .unwrap();
    let (answer, ready) = tokio::join!(other.follow(answered.clone(), 1), async {
        world.assert_signed_in(&browser).await;
        assert_eq!(browser.visit("/profile").await.status(), 200);
        browser.get("/readyz").bare().await.status()
    });
    assert_eq!(ready, 503, "it cannot be written to");
    world
        .assert_failed(&other, &answer, "store_down", 503, DOWN)
        .await;
    assert_eq!(
        world.provider.counts().token,
        1,
        "nothing was sent for the second one"
    );
    sqlx::raw_sql("ROLLBACK")
        .execute(&mut holder)
        .await
        .unwrap();
    assert_eq!(
        other.follow(answered, 1).await.header("location"),
        Some("/")
    );
    world.assert_signed_in(&other).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_altered_or_moved_in_the_store_opens_nothing() {
    for change in [
        "UPDATE records SET sealed = CAST(substr(sealed, 1, length(sealed) - 2) || x'0000' AS BLOB)",
        "UPDATE records SET sealed = substr(sealed, 1, 40)",
        "UPDATE records SET sealed = (SELECT max(sealed) FROM records)",
        "UPDATE records SET version = version + 1",
    ] {
        let world = World::start().await;
        let browsers = [world.browser(), world.browser()];
        for browser in &browsers {
            world.sign_in(browser).await;
        }
        sqlx::raw_sql(change)
            .execute(&mut world.database().await)
            .await
            .unwrap();
        let mut refused = 0;
        for browser in &browsers {
            let answer = browser.get("/auth/session").fetch().await;
            refused += usize::from(answer.json()["signed_in"] != true);
        }
        // The record that the third change copies stays as it was.
        let expected = if change.contains("max(") { 1 } else { 2 };
        assert_eq!(refused, expected, "{change}");
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_holds_no_token_no_ticket_and_nothing_of_the_person() {
    let mut world = World::start().await;
    let browser = world.browser();
    world.at_provider(&browser, "/auth/login").await;
    let file = |world: &World, ending: &str| {
        std::fs::read(format!("{}{ending}", world.store().display())).unwrap_or_default()
    };
    world.sign_in(&browser).await;
    let mut stolen = file(&world, "");
    stolen.extend(file(&world, "-wal"));
    assert!(stolen.len() > 4096, "there is something to search");
    let mut secrets = world.provider.secrets();
    secrets.extend(world.provider.issued().codes);
    secrets.extend(
        world
            .provider
            .received()
            .authorize_requests
            .iter()
            .map(|request| request["state"].clone()),
    );
    secrets.extend(browser.cookies().into_iter().map(|cookie| cookie.value));
    secrets.extend(
        [
            "user@example.com",
            "Test User",
            "00u1test",
            "oauth2/default",
        ]
        .map(str::to_owned),
    );
    assert_eq!(leaks(&stolen, &secrets), [""; 0]);
    #[cfg(unix)]
    for ending in ["", "-wal", ".keys"] {
        use std::os::unix::fs::PermissionsExt as _;
        let path = format!("{}{ending}", world.store().display());
        let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{path}");
    }
    // Ended, nothing of it is left to be read even with the keys.
    let sealed: Vec<u8> = sqlx::query_scalar("SELECT sealed FROM records")
        .fetch_one(&mut world.database().await)
        .await
        .unwrap();
    browser.request(Method::POST, "/auth/logout").fetch().await;
    world
        .until("the tokens are revoked", || {
            world.provider.counts().revoke == 2
        })
        .await;
    world.stop().await;
    let left = file(&world, "");
    assert!(
        !left.windows(32).any(|window| window == &sealed[32..64]),
        "the record's bytes are overwritten"
    );
    world.start_again(&[]).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_left_the_ring_makes_its_sessions_unavailable_and_its_return_brings_them_back() {
    const ONE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const TWO: &str = "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=";
    let mut world = Start::default().set("CLOAKROOM_KEYS", ONE).go().await;
    let (old, new) = (world.browser(), world.browser());
    world.sign_in(&old).await;
    world.restart(&[("CLOAKROOM_KEYS", TWO)]).await;
    let answer = old.get("/auth/session").fetch().await;
    assert_eq!(
        (answer.status(), answer.header_all("set-cookie")),
        (503, vec![]),
        "not deleted, not signed out: {}",
        answer.text()
    );
    world.sign_in(&new).await;
    world
        .restart(&[("CLOAKROOM_KEYS", &format!("{TWO},{ONE}"))])
        .await;
    world.assert_signed_in(&old).await;
    world.assert_signed_in(&new).await;
    world.end().await;
}
