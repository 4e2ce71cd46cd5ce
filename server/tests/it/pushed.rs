//! Pushed authorization requests (RFC 9126): where the provider wants them or the setting says so, and what becomes of a
//! sign-in whose push fails. Then the browser never leaves, and nothing else is asked of the provider.

use std::collections::BTreeSet;

use cloakroom_testkit::provider::Counts;
use cloakroom_testkit::{Effect, Fault, Response};

use crate::client_auth::{ED25519_JWK, keys, known_by_address};
use crate::start::Start;
use crate::world::World;

const PAR: &str = "CLOAKROOM_PAR";
const DOWN: (&str, u16, &str) = ("provider_down", 503, "The sign-in service does not answer");
const CLIENT: (&str, u16, &str) = (
    "client_refused",
    502,
    "The sign-in service does not accept this application",
);
const ANSWER: (&str, u16, &str) = (
    "provider_answer",
    502,
    "The sign-in service gave an answer we cannot use",
);

async fn pushing() -> World {
    Start::default()
        .set(PAR, "always")
        .set("CLOAKROOM_PUSHED_REQUESTS_A_MINUTE", "1000")
        .go()
        .await
}

/// The names in the address that the browser is led to.
fn names(begun: &Response) -> BTreeSet<String> {
    let location = begun.location().unwrap();
    location
        .query_pairs()
        .map(|(name, _)| name.into_owned())
        .collect()
}

fn of(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn auto_pushes_where_the_provider_requires_it_and_nowhere_else() {
    for (setting, required, pushed) in [
        ("", false, false),
        ("auto", false, false),
        ("auto", true, true),
        ("always", false, true),
        ("off", false, false),
    ] {
        let world = Start::default()
            .provider(|provider| {
                if required {
                    provider.require_pushed_authorization_requests()
                } else {
                    provider
                }
            })
            .set(PAR, setting)
            .go()
            .await;
        let browser = world.browser();
        world.sign_in(&browser).await;
        let begun = browser.get("/auth/login").navigate().await;
        assert_eq!(
            names(&begun) == of(&["client_id", "request_uri"]),
            pushed,
            "{setting}, required: {required}"
        );
        assert_eq!(world.provider.counts().par, if pushed { 2 } else { 0 });
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn off_at_a_provider_that_requires_it_is_said_to_the_operator() {
    let world = Start::default()
        .provider(cloakroom_testkit::provider::Builder::require_pushed_authorization_requests)
        .set(PAR, "off")
        .go()
        .await;
    world
        .until_logged(|line| {
            line["message"]
                .as_str()
                .is_some_and(|text| text.contains("it will refuse sign-ins"))
        })
        .await;
    let browser = world.browser();
    let page = world.at_provider(&browser, "/auth/login").await;
    assert_eq!(
        page.status(),
        400,
        "the provider keeps the person, with a page"
    );
    assert_eq!(world.provider.counts().par, 0);
    world.assert_signed_out(&browser).await;
    world.provider.clear_protocol_errors();
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn always_at_a_provider_that_has_no_such_endpoint_begins_nothing() {
    let world = Start::default()
        .provider(cloakroom_testkit::provider::Builder::without_pushed_authorization_requests)
        .set(PAR, "always")
        .go()
        .await;
    let browser = world.browser();
    let answer = browser
        .get("/auth/login?return_to=/profile")
        .navigate()
        .await;
    let (code, status, title) = ANSWER;
    let page = world
        .assert_failed(&browser, &answer, code, status, title)
        .await;
    assert!(page.text().contains("return_to=%2Fprofile"));
    world
        .until_logged(|line| line["detail"] == "push_no_endpoint")
        .await;
    let counts = world.provider.counts();
    assert_eq!((counts.authorize, counts.token, counts.par), (0, 0, 0));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_pushed_and_the_browser_carries_a_reference() {
    let world = Start::default()
        .provider(|provider| provider.pushed_authorization_status(200).announce_iss(true))
        .set(PAR, "always")
        .set("CLOAKROOM_RESPONSE_MODE", "form_post")
        .set("CLOAKROOM_AUTHORIZE_PARAMETERS", "audience=api://default")
        .go()
        .await;
    let browser = world.browser();
    let link = "/auth/login?return_to=/profile&prompt=login&login_hint=ada%40example.com&max_age=300&ui_locales=fr&idp=0oa1";
    let begun = browser.get(link).navigate().await;
    assert_eq!(names(&begun), of(&["client_id", "request_uri"]));
    let sent = world.provider.received().pushed_requests.remove(0);
    for (name, value) in [
        ("response_type", "code"),
        ("response_mode", "form_post"),
        ("prompt", "login"),
        ("login_hint", "ada@example.com"),
        ("max_age", "300"),
        ("ui_locales", "fr"),
        ("idp", "0oa1"),
        ("audience", "api://default"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(sent[name], value, "{name}");
    }
    for never in ["request_uri", "code_verifier", "return_to", "client_secret"] {
        assert!(!sent.contains_key(never), "{never}");
    }
    let page = browser.follow(begun, 1).await;
    let posted = browser.submit_form(&page).await;
    let arrived = browser.follow(posted, 1).await;
    assert_eq!(
        arrived.header("location"),
        Some("/profile"),
        "{}",
        arrived.text()
    );
    world.assert_signed_in(&browser).await;
    world.end().await;
}

fn page(fault: &Fault) -> (&'static str, u16, &'static str) {
    match fault {
        Fault::Par429 | Fault::Par500 | Fault::ParHang => DOWN,
        Fault::Par400(_) | Fault::Par401 => CLIENT,
        _ => ANSWER,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_fails_is_a_page_here_and_nothing_else_is_asked_of_the_provider() {
    let world = pushing().await;
    world.sign_in(&world.browser()).await;
    let mut met = 0;
    let failing = Fault::all()
        .filter(|(fault, effect)| *effect == Effect::RefusedAtPush && *fault != Fault::ParHang);
    for (fault, _) in failing.chain([
        (
            Fault::Par400("invalid_client".to_owned()),
            Effect::RefusedAtPush,
        ),
        (
            Fault::Par400("unauthorized_client".to_owned()),
            Effect::RefusedAtPush,
        ),
        (
            Fault::Par400("invalid_scope".to_owned()),
            Effect::RefusedAtPush,
        ),
    ]) {
        println!("{fault:?}");
        let browser = world.browser();
        world.provider.reset_counts();
        world.provider.set_fault(fault.clone());
        let answer = browser
            .get("/auth/login?return_to=/profile")
            .navigate()
            .await;
        let (code, status, title) = page(&fault);
        let page = world
            .assert_failed(&browser, &answer, code, status, title)
            .await;
        assert!(page.text().contains("return_to=%2Fprofile"), "{fault:?}");
        assert_eq!(answer.set_cookies(), [], "{fault:?}: nothing was begun");
        let fetched = browser.get("/auth/login").fetch().await;
        assert_eq!(
            (fetched.status(), fetched.json()["code"].as_str()),
            (status, Some(code)),
            "{fault:?}"
        );
        assert_eq!(
            world.provider.counts(),
            Counts {
                par: 2,
                ..Counts::default()
            },
            "{fault:?}: one request each, no redirect followed, nothing fetched anew"
        );
        world.provider.clear_fault();
        world.assert_signed_out(&browser).await;
        met += 1;
    }
    assert!(met > 10, "the table has rows");
    world.sign_in(&world.browser()).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_is_never_answered_is_given_up_and_holds_nobody_else() {
    let world = pushing().await;
    let signed_in = world.browser();
    world.sign_in(&signed_in).await;
    let browser = world.browser();
    world.provider.reset_counts();
    world.provider.set_fault(Fault::ParHang);
    let begun = tokio::time::Instant::now();
    let (answer, ()) = tokio::join!(
        async { browser.get("/auth/login").navigate().await },
        async {
            world
                .until("the push is under way", || world.provider.counts().par == 1)
                .await;
            world.assert_signed_in(&signed_in).await;
        }
    );
    let took = begun.elapsed().as_secs();
    assert!((9..15).contains(&took), "{took} seconds");
    let (code, status, title) = DOWN;
    world
        .assert_failed(&browser, &answer, code, status, title)
        .await;
    let counts = world.provider.counts();
    assert_eq!((counts.par, counts.authorize, counts.token), (1, 0, 0));
    world.provider.clear_fault();
    world.sign_in(&browser).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_that_the_provider_forgot_ends_there_and_a_new_sign_in_has_a_new_one() {
    let world = pushing().await;
    let browser = world.browser();
    world.provider.set_fault(Fault::ParExpired);
    let page = world.at_provider(&browser, "/auth/login").await;
    assert_eq!((page.status(), page.location()), (400, None));
    world.assert_signed_out(&browser).await;
    assert_eq!(world.provider.counts().token, 0);
    world.provider.clear_fault();
    world.sign_in(&browser).await;
    let used: BTreeSet<String> = world
        .provider
        .received()
        .authorize_requests
        .iter()
        .map(|request| request["request_uri"].clone())
        .collect();
    assert_eq!(used.len(), 2);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_push_has_a_state_a_challenge_a_nonce_and_an_assertion_of_its_own() {
    let world = known_by_address(keys(ED25519_JWK).set(PAR, "always")).await;
    let browser = world.browser();
    for _ in 0..5 {
        let begun = browser.get("/auth/login").navigate().await;
        assert_eq!(begun.status(), 303);
    }
    let received = world.provider.received();
    for name in ["state", "nonce", "code_challenge", "client_assertion"] {
        let values: BTreeSet<&String> = received
            .pushed_requests
            .iter()
            .map(|one| &one[name])
            .collect();
        assert_eq!(values.len(), 5, "{name}");
    }
    let audience = format!("{}/v1/par", world.provider.issuer());
    let ids: BTreeSet<&str> = received
        .assertions
        .iter()
        .filter(|assertion| assertion.claims["aud"] == *audience)
        .filter_map(|assertion| assertion.claims["jti"].as_str())
        .collect();
    assert_eq!(ids.len(), 5);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_address_may_have_pushed_in_a_minute_is_bounded_and_stops_no_sign_in_under_way() {
    let world = Start::default()
        .set(PAR, "always")
        .set("CLOAKROOM_PUSHED_REQUESTS_A_MINUTE", "3")
        .go()
        .await;
    let browser = world.browser();
    let answered = world
        .at_provider(&browser, "/auth/login?return_to=/profile")
        .await;
    for _ in 0..2 {
        assert_eq!(browser.get("/auth/login").navigate().await.status(), 303);
    }
    for _ in 0..3 {
        let answer = world.browser().get("/auth/login").navigate().await;
        world
            .assert_failed(
                &world.browser(),
                &answer,
                "too_many_attempts",
                429,
                "Too many attempts",
            )
            .await;
    }
    let fetched = browser.get("/auth/login").fetch().await;
    assert_eq!(
        (fetched.status(), fetched.header("retry-after")),
        (429, Some("60"))
    );
    assert_eq!(world.provider.counts().par, 3, "the provider hears no more");
    let answer = browser.follow(answered, 1).await;
    assert_eq!(answer.header("location"), Some("/profile"));
    world.assert_signed_in(&browser).await;
    world.end().await;
}
