//! Behind something that ends TLS every client has the same address: nobody locks everybody out, and the operator is
//! told what to set (RFC 7239 section 8.1).

use cloakroom_testkit::Response;

use crate::cookies_https::Behind;
use crate::start::Start;
use crate::world::World;

const LIMIT: usize = 3;
/// How much more all clients together may fail than one of them.
const SHARED: usize = 20;
const SETTING: &str = "CLOAKROOM_TRUSTED_PROXIES";

fn limited() -> Start {
    Start::default()
        .https()
        .set("CLOAKROOM_FAILED_EXCHANGES_A_MINUTE", LIMIT.to_string())
}

/// A sign-in whose code is made up, which the front says comes from `address`; gives the error's code.
async fn made_up(world: &World, behind: &mut Behind<'_>, address: &str) -> Option<String> {
    let begun = behind.get("/auth/login").await;
    let state = begun.location_param("state").expect("a sign-in begins");
    let path = format!("/auth/callback?code=made-up&state={state}");
    let request = behind.browser.get(path).navigate();
    let answer: Response = behind
        .send(request.header("x-forwarded-for", address))
        .await;
    // The provider objects to made-up codes, as it should.
    world.provider.clear_protocol_errors();
    answer.location_param("code")
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_front_that_nobody_told_us_to_believe_one_client_does_not_lock_out_the_others() {
    let world = limited().go().await;
    let warned = world
        .until_logged(|line| line["level"] == "WARN" && line.to_string().contains(SETTING))
        .await;
    assert!(
        warned.to_string().contains("X-Forwarded-For")
            || warned.to_string().to_lowercase().contains("prox"),
        "it says what to do: {warned}"
    );
    let (mut one, mut other) = (Behind::new(&world), Behind::new(&world));
    for failed in 0..LIMIT * SHARED {
        assert_eq!(
            made_up(&world, &mut one, "203.0.113.1").await.as_deref(),
            Some("code_refused"),
            "after {failed} failures"
        );
        if failed == LIMIT {
            other.sign_in().await;
        }
    }
    for address in ["203.0.113.1", "203.0.113.2"] {
        assert_eq!(
            made_up(&world, &mut one, address).await.as_deref(),
            Some("too_many_attempts"),
            "everybody together still has a bound, whatever {address} says of itself"
        );
    }
    assert_eq!(
        world.provider.counts().token,
        LIMIT * SHARED + 1,
        "nothing more was sent"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_trusted_front_each_client_has_a_budget_of_its_own_with_a_port_or_without() {
    let mut world = limited().set(SETTING, "127.0.0.1/32").go().await;
    let mut behind = Behind::new(&world);
    for (one, again, other) in [
        ("203.0.113.1", "203.0.113.1", "203.0.113.2"),
        ("1.2.3.4:5678", "1.2.3.4:5679", "1.2.3.5:5678"),
        ("9.8.7.6:1", "9.8.7.6", "9.8.7.5:1"),
        (
            "[2001:db8:1:2::3]:443",
            "2001:db8:1:2::4",
            "[2001:db8:1:3::3]:443",
        ),
    ] {
        for _ in 0..LIMIT {
            assert_eq!(
                made_up(&world, &mut behind, one).await.as_deref(),
                Some("code_refused"),
                "{one}"
            );
        }
        assert_eq!(
            made_up(&world, &mut behind, again).await.as_deref(),
            Some("too_many_attempts"),
            "{again} is the same client as {one}"
        );
        assert_eq!(
            made_up(&world, &mut behind, other).await.as_deref(),
            Some("code_refused"),
            "{other} is another client than {one}"
        );
    }
    behind.sign_in().await;
    assert!(
        !world.program().log().contains(SETTING),
        "there is nothing to warn of"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_plain_http_there_is_no_front_and_no_warning_of_one() {
    let mut world = World::start().await;
    world.sign_in(&world.browser()).await;
    assert!(!world.program().log().contains(SETTING));
    world.end().await;
}
