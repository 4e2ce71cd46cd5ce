//! `GET /auth/arrive`, the second half of a sign-in whose answer was posted: who arrives, and with what of the session
//! that was there (design, invariants 2 and 3).

use cloakroom_testkit::User;
use http::Method;

use crate::form_post::{REFUSED, arrival, by_form, posted, sign_in};
use crate::world::new_session;

#[tokio::test(flavor = "multi_thread")]
async fn another_browsers_answer_signs_nobody_in_and_costs_its_owner_nothing() {
    let world = by_form().go().await;
    let (owner, stranger, victim) = (world.browser(), world.browser(), world.browser());
    world
        .provider
        .set_user(User::new("00uvictim", "The Victim", "victim@example.com"));
    sign_in(&world, &victim).await;
    world.provider.set_user(User::new(
        "00uattacker",
        "The Attacker",
        "attacker@example.com",
    ));
    let page = world
        .at_provider(&owner, "/auth/login?return_to=/profile")
        .await;
    world.provider.reset_counts();
    // Without any cookie, and with a binding of its own.
    for _ in 0..2 {
        let answer = stranger.submit_form(&page).await;
        let answer = stranger.follow(answer, 1).await;
        let shown = world
            .assert_failed(&stranger, &answer, "state_foreign", 400, REFUSED)
            .await;
        assert!(shown.text().contains("return_to=%2Fprofile"));
        stranger.get("/auth/login").navigate().await;
    }
    // Who is signed in goes on as who they are (login CSRF, RFC 6749 section 10.12).
    let answer = victim.submit_form(&page).await;
    assert_eq!(
        victim.follow(answer, 1).await.header("location"),
        Some("/profile")
    );
    assert_eq!(
        world.session(&victim).await["user"]["email"],
        "victim@example.com"
    );
    assert_eq!(world.provider.counts().token, 0);
    let answer = owner.submit_form(&page).await;
    assert_eq!(
        owner.follow(answer, 1).await.header("location"),
        Some("/profile")
    );
    assert_eq!(
        world.session(&owner).await["user"]["email"],
        "attacker@example.com"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_posted_again_is_no_second_sign_in() {
    let world = by_form().go().await;
    let browser = world.browser();
    let page = world
        .at_provider(&browser, "/auth/login?return_to=/profile")
        .await;
    let first = browser.submit_form(&page).await;
    // Twice before anybody arrived: a double click.
    let second = browser.submit_form(&page).await;
    assert_eq!(second.status(), 303);
    browser.follow(first, 1).await;
    let ticket = world.ticket(&browser);
    assert_eq!(
        browser.follow(second, 1).await.header("location"),
        Some("/profile")
    );
    let again = browser.submit_form(&page).await;
    assert_eq!(
        browser.follow(again, 1).await.header("location"),
        Some("/profile")
    );
    assert_eq!(world.ticket(&browser), ticket);
    let signed_out = browser.copy();
    world.watch(&signed_out);
    signed_out.remove_cookie(&world.session_cookie());
    let again = signed_out.submit_form(&page).await;
    let answer = signed_out.follow(again, 1).await;
    let title = "This sign-in was already used";
    world
        .assert_failed(&signed_out, &answer, "state_spent", 400, title)
        .await;
    assert_eq!(
        world.provider.counts().token,
        1,
        "asked once, and never again"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_arrives_twice_or_in_another_browser_or_without_what_was_left() {
    let world = by_form().go().await;
    let (browser, stranger, forgetful) = (world.browser(), world.browser(), world.browser());
    let answer = posted(&world, &browser, "/auth/login?return_to=/profile").await;
    let address = answer.location().unwrap();
    let left = arrival(&browser).unwrap();
    let planted = format!("{}={}; Path=/", left.name, left.value);
    // In another browser: by the address alone, with the cookie too, and with a binding of its own besides.
    for _ in 0..2 {
        let elsewhere = stranger.get(&address).navigate().await;
        world
            .assert_failed(&stranger, &elsewhere, "state_foreign", 400, REFUSED)
            .await;
        stranger.set_cookie_raw("/", &planted);
        let elsewhere = stranger.get(&address).navigate().await;
        world
            .assert_failed(&stranger, &elsewhere, "state_foreign", 400, REFUSED)
            .await;
        stranger.get("/auth/login").navigate().await;
    }
    world.assert_signed_out(&stranger).await;
    let framed = browser.get(&address).frame().await;
    assert_eq!(framed.header("cloakroom-error"), Some("not_a_navigation"));
    let head = browser.request(Method::HEAD, &address).await;
    assert_eq!(head.status(), 405);
    for odd in [
        "",
        "?t=",
        "?t=AAAAAAAAAAAA",
        "?t=../session",
        "?t=%00",
        "?x=1",
    ] {
        let answer = browser.get(format!("/auth/arrive{odd}")).navigate().await;
        world
            .assert_failed(&browser, &answer, "state_foreign", 400, REFUSED)
            .await;
    }
    for character in [0, left.value.len() / 2, left.value.len() - 1] {
        let mut bytes = left.value.clone().into_bytes();
        bytes[character] = if bytes[character] == b'A' { b'B' } else { b'A' };
        let tampered = browser.copy();
        world.watch(&tampered);
        tampered.set_cookie_raw(
            "/",
            &format!(
                "{}={}; Path=/",
                left.name,
                String::from_utf8(bytes).unwrap()
            ),
        );
        let answer = tampered.get(&address).navigate().await;
        world
            .assert_failed(&tampered, &answer, "state_foreign", 400, REFUSED)
            .await;
    }
    let arrived = browser.get(&address).navigate().await;
    assert_eq!(arrived.header("location"), Some("/profile"));
    let again = browser.get(&address).navigate().await;
    world
        .assert_failed(&browser, &again, "state_foreign", 400, REFUSED)
        .await;
    world.assert_signed_in(&browser).await;
    // A browser that keeps no cookies between the two.
    let answer = posted(&world, &forgetful, "/auth/login").await;
    forgetful.clear();
    let answer = forgetful.follow(answer, 1).await;
    world
        .assert_failed(&forgetful, &answer, "state_foreign", 400, REFUSED)
        .await;
    world.assert_signed_out(&forgetful).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_left_outlives_a_restart_but_not_two_minutes() {
    let mut world = by_form().go().await;
    let (browser, slow) = (world.browser(), world.browser());
    let answer = posted(&world, &browser, "/auth/login?return_to=/profile").await;
    world.restart(&[]).await;
    let arrived = browser.follow(answer, 1).await;
    assert_eq!(arrived.header("location"), Some("/profile"));
    world.assert_signed_in(&browser).await;
    let answer = posted(&world, &slow, "/auth/login").await;
    slow.advance(121);
    assert_eq!(arrival(&slow), None);
    let late = slow.follow(answer, 1).await;
    world
        .assert_failed(&slow, &late, "state_foreign", 400, REFUSED)
        .await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_that_is_shown_on_arrival_ends_and_what_it_held_is_revoked() {
    let world = by_form().go().await;
    let browser = world.browser();
    sign_in(&world, &browser).await;
    let (old, held) = (browser.copy(), world.provider.issued());
    world.watch(&old);
    world
        .provider
        .set_user(User::new("00u2other", "Other Person", "other@example.com"));
    let answer = posted(&world, &browser, "/auth/login").await;
    world.assert_signed_in(&old).await;
    let arrived = browser.follow(answer, 1).await;
    let fresh = new_session(&arrived, &world.session_cookie()).unwrap();
    assert_ne!(Some(fresh), world.ticket(&old));
    world.assert_signed_out(&old).await;
    assert_eq!(
        world.session(&browser).await["user"]["email"],
        "other@example.com"
    );
    world
        .until("what the old session held is revoked", || {
            world.provider.received().revoked.len() == 2
        })
        .await;
    assert_eq!(
        world.provider.received().revoked,
        [&held.refresh_tokens[0][..], &held.access_tokens[0]]
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_arrive_in_either_order() {
    for order in [[0, 1], [1, 0]] {
        let world = by_form().go().await;
        let browser = world.browser();
        let pages = [
            world
                .at_provider(&browser, "/auth/login?return_to=/profile")
                .await,
            world
                .at_provider(&browser, "/auth/login?return_to=/profile%3Ftab%3Dclaims")
                .await,
        ];
        let mut answers = Vec::new();
        for page in &pages {
            answers.push(browser.submit_form(page).await);
        }
        for tab in order {
            let arrived = browser.follow(answers[tab].clone(), 1).await;
            let path = ["/profile", "/profile?tab=claims"][tab];
            assert_eq!(arrived.header("location"), Some(path));
            world.assert_signed_in(&browser).await;
        }
        assert_eq!(arrival(&browser), None);
        world
            .until("the first session is revoked", || {
                world.provider.received().revoked.len() == 2
            })
            .await;
        world.end().await;
    }
}
