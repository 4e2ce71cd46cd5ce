//! The walk that users run against their own configuration (`cloakroom_testkit::conformance`), against this program under
//! several configurations, with the helper that makes a signed-in session.

use cloakroom_testkit::conformance::{Outcome, Report, Runner, modules, remaining_faults};
use cloakroom_testkit::{Alg, User};

use crate::start::Start;
use crate::world::World;

fn assert_passed(report: &Report, at_least: usize) {
    let failures: Vec<_> = report.failures().collect();
    assert!(failures.is_empty(), "{failures:?}");
    let passed = report
        .rows
        .iter()
        .filter(|row| row.outcome == Outcome::Passed)
        .count();
    assert!(passed >= at_least, "{passed} passed:\n{report}");
}

/// The walk makes mistakes of the provider's, which the program's log may not repeat, and refusals by the dozen.
async fn walk(start: Start) -> (World, Report) {
    let world = start
        .set("CLOAKROOM_FAILED_EXCHANGES_A_MINUTE", "10000")
        .set("CLOAKROOM_PUSHED_REQUESTS_A_MINUTE", "10000")
        .go()
        .await;
    let report = Runner::new(&world.provider, &world.public_url)
        .modules(modules().into_iter().chain(remaining_faults()))
        .run()
        .await;
    world.provider.clear_protocol_errors();
    (world, report)
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_settings_that_everybody_begins_with() {
    let (world, report) =
        walk(Start::default().provider(|provider| provider.announce_iss(true))).await;
    assert_passed(&report, 150);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_posted_answers_pushed_requests_signed_userinfo_and_es256() {
    let start = Start::default()
        .provider(|provider| {
            provider
                .announce_iss(true)
                .algorithm(Alg::Es256)
                .signed_userinfo(Alg::Es256)
                .require_pushed_authorization_requests()
        })
        .set("CLOAKROOM_RESPONSE_MODE", "form_post")
        .set("CLOAKROOM_PAR", "always");
    let (world, report) = walk(start).await;
    assert_passed(&report, 150);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_for_ones_own_tests_is_one_call() {
    let world = World::start().await;
    let ada = User::new("00u7", "Ada Example", "ada@example.com").with_groups(["staff"]);
    let browser = world.provider.sign_in(&world.public_url, ada).await;
    world.watch(&browser);
    let page = browser.visit("/profile").await;
    assert_eq!(page.status(), 200);
    assert!(page.text().contains("ada@example.com"));
    world.end().await;
}
