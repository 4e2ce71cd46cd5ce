//! A sign-in under way belongs to one browser and is good once, however many there are (RFC 6749 section 10.12,
//! RFC 9700 section 4.7, RFC 9207).

use std::collections::BTreeSet;

use cloakroom_testkit::{Provider, Response};

use crate::start::Start;
use crate::world::{World, new_session};

const REFUSED: &str = "Sign-in did not complete";

/// The callback's address in the provider's answer.
fn callback(answered: &Response) -> String {
    answered
        .location()
        .expect("the provider leads back")
        .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_at_once_both_arrive() {
    let world = World::start().await;
    let browser = world.browser();
    let one = world
        .at_provider(&browser, "/auth/login?return_to=/profile")
        .await;
    let other = world
        .at_provider(&browser, "/auth/login?return_to=/profile%3Ftab%3D2")
        .await;
    let other = browser.follow(other, 1).await;
    assert_eq!(other.header("location"), Some("/profile?tab=2"));
    let one = browser.follow(one, 1).await;
    assert_eq!(
        one.header("location"),
        Some("/profile"),
        "the first tab's answer is as good as the second's"
    );
    world.assert_signed_in(&browser).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_sign_ins_under_way_in_one_browser_all_complete_in_any_order() {
    let world = World::start().await;
    let browser = world.browser();
    let mut under_way = Vec::new();
    for number in 0..20 {
        let path = format!("/page/{number}");
        under_way.push((
            world
                .at_provider(&browser, &format!("/auth/login?return_to={path}"))
                .await,
            path,
        ));
    }
    assert_eq!(
        browser.cookies().len(),
        1,
        "one small cookie, however many there are"
    );
    let requests = world.provider.received().authorize_requests;
    for name in ["state", "nonce", "code_challenge"] {
        let values: BTreeSet<&String> = requests.iter().map(|request| &request[name]).collect();
        assert_eq!(values.len(), 20, "{name} is new each time");
    }
    let mut tickets = BTreeSet::new();
    for (answered, path) in under_way.into_iter().rev() {
        let answer = browser.follow(answered, 1).await;
        assert_eq!(answer.header("location"), Some(&path[..]));
        tickets.insert(new_session(&answer, &world.session_cookie()).unwrap());
    }
    assert_eq!(
        tickets.len(),
        20,
        "the session's id is new at every sign-in"
    );
    world.assert_signed_in(&browser).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_answer_sent_twenty_times_at_once_makes_one_session_and_one_exchange() {
    let world = World::start().await;
    let browser = world.browser();
    let address = callback(
        &world
            .at_provider(&browser, "/auth/login?return_to=/profile")
            .await,
    );
    let mut sent = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (browser, address) = (browser.clone(), address.clone());
        sent.spawn(async move { browser.get(address).navigate().await });
    }
    let answers = sent.join_all().await;
    let made = answers
        .iter()
        .filter(|answer| new_session(answer, &world.session_cookie()).is_some())
        .count();
    assert_eq!((made, world.provider.counts().token), (1, 1));
    assert!(answers.iter().all(|answer| answer.status() == 303));
    world.assert_signed_in(&browser).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_replayed_where_it_signed_in_goes_on_to_its_return_path() {
    let world = World::start().await;
    let browser = world.browser();
    let answered = world
        .at_provider(&browser, "/auth/login?return_to=/profile")
        .await;
    assert_eq!(
        browser.follow(answered.clone(), 1).await.header("location"),
        Some("/profile")
    );
    let ticket = world.ticket(&browser);
    let again = browser.follow(answered, 1).await;
    assert_eq!(
        (again.status(), again.header("location")),
        (303, Some("/profile")),
        "somebody pressed Back"
    );
    assert_eq!(world.ticket(&browser), ticket, "the session is the same");
    assert_eq!(world.provider.counts().token, 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_replayed_after_signing_out_is_refused_with_the_way_back() {
    let mut world = World::start().await;
    let browser = world.browser();
    let answered = world
        .at_provider(&browser, "/auth/login?return_to=/profile")
        .await;
    browser.follow(answered.clone(), 1).await;
    browser.post_form("/auth/logout", &[]).await;
    world.expect_hint();
    let again = browser.follow(answered, 1).await;
    let page = world
        .assert_failed(
            &browser,
            &again,
            "state_spent",
            400,
            "This sign-in was already used",
        )
        .await;
    assert!(
        page.text().contains("/auth/login?return_to=%2Fprofile"),
        "trying again leads where this was to lead: {}",
        page.text()
    );
    world.assert_signed_out(&browser).await;
    assert_eq!(world.provider.counts().token, 1);
    world
        .until("the tokens are revoked", || {
            world.provider.counts().revoke == 2
        })
        .await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_from_another_browser_is_refused_spent_or_not() {
    let world = World::start().await;
    let (mine, theirs) = (world.browser(), world.browser());
    let answered = world
        .at_provider(&mine, "/auth/login?return_to=/profile")
        .await;
    let address = callback(&answered);
    let without_cookie = theirs.get(&address).navigate().await;
    world
        .assert_failed(&theirs, &without_cookie, "state_foreign", 400, REFUSED)
        .await;
    world.at_provider(&theirs, "/auth/login").await;
    let with_a_binding_of_their_own = theirs.get(&address).navigate().await;
    world
        .assert_failed(
            &theirs,
            &with_a_binding_of_their_own,
            "state_foreign",
            400,
            REFUSED,
        )
        .await;
    world.assert_signed_out(&theirs).await;
    assert_eq!(world.provider.counts().token, 0);
    let mine_still_good = mine.follow(answered, 1).await;
    assert_eq!(
        mine_still_good.header("location"),
        Some("/profile"),
        "nobody could spend it for its owner"
    );
    let spent = theirs.get(&address).navigate().await;
    world
        .assert_failed(&theirs, &spent, "state_foreign", 400, REFUSED)
        .await;
    assert_eq!(world.provider.counts().token, 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_begun_by_somebody_else_does_not_replace_the_session_of_a_person_who_is_led_to_it()
 {
    let world = World::start().await;
    let (victim, attacker) = (world.browser(), world.browser());
    world.sign_in(&victim).await;
    let ticket = world.ticket(&victim);
    let attackers = callback(
        &world
            .at_provider(&attacker, "/auth/login?return_to=/profile")
            .await,
    );
    let led = victim
        .get(&attackers)
        .from_page("https://evil.example/")
        .navigate()
        .await;
    assert_eq!(
        led.header("location"),
        Some("/profile"),
        "signed in well enough: the person goes on as who they are"
    );
    assert_eq!(world.ticket(&victim), ticket);
    assert_eq!(world.provider.counts().token, 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_of_another_key_ring_is_refused_and_one_of_a_ring_that_grew_is_not() {
    const OLD: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const NEW: &str = "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=";
    let mut world = Start::default().set("CLOAKROOM_KEYS", OLD).go().await;
    let browser = world.browser();
    let one = world
        .at_provider(&browser, "/auth/login?return_to=/profile")
        .await;
    let other = world
        .at_provider(&browser, "/auth/login?return_to=/profile")
        .await;
    world
        .restart(&[("CLOAKROOM_KEYS", &format!("{NEW},{OLD}"))])
        .await;
    assert_eq!(
        browser.follow(one, 1).await.header("location"),
        Some("/profile"),
        "the old key still opens"
    );
    world.assert_signed_in(&browser).await;
    world.restart(&[("CLOAKROOM_KEYS", NEW)]).await;
    let stranger = world.browser();
    let refused = stranger.get(callback(&other)).navigate().await;
    world
        .assert_failed(&stranger, &refused, "state_refused", 400, REFUSED)
        .await;
    let refused = browser.follow(other, 1).await;
    world
        .assert_failed(&browser, &refused, "state_refused", 400, REFUSED)
        .await;
    assert_eq!(world.provider.counts().token, 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_cookies_a_sign_in_ends_on_a_page_that_says_so() {
    let world = World::start().await;
    let browser = world.browser();
    let answered = world.at_provider(&browser, "/auth/login").await;
    browser.clear();
    let answer = browser.follow(answered, 1).await;
    let page = world
        .assert_failed(&browser, &answer, "state_foreign", 400, REFUSED)
        .await;
    assert!(page.text().contains("Allow cookies"), "{}", page.text());
    assert_eq!(world.provider.counts().token, 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_sign_in_stays_spent_over_a_restart() {
    let mut world = World::start().await;
    let browser = world.browser();
    let answered = world.at_provider(&browser, "/auth/login").await;
    browser.follow(answered.clone(), 1).await;
    browser.remove_cookie(&world.session_cookie());
    world.restart(&[]).await;
    let again = browser.follow(answered, 1).await;
    world
        .assert_failed(
            &browser,
            &again,
            "state_spent",
            400,
            "This sign-in was already used",
        )
        .await;
    assert_eq!(world.provider.counts().token, 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_begun_at_another_provider_than_the_one_configured_now_is_refused() {
    let mut world = World::start().await;
    let browser = world.browser();
    let answered = world.at_provider(&browser, "/auth/login").await;
    let other = Provider::start().await;
    other.register_app(&world.public_url);
    world
        .restart(&[("CLOAKROOM_ISSUER", &other.issuer())])
        .await;
    let answer = browser.follow(answered, 1).await;
    world
        .assert_failed(&browser, &answer, "state_refused", 400, REFUSED)
        .await;
    assert_eq!(
        (world.provider.counts().token, other.counts().token),
        (0, 0),
        "neither gets the other's code"
    );
    world
        .restart(&[("CLOAKROOM_ISSUER", &world.provider.issuer())])
        .await;
    world.sign_in(&browser).await;
    world.end().await;
}
