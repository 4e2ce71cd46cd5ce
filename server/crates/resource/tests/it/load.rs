//! Many requests at once cost the provider one.

use std::time::Duration;

use cloakroom_testkit::ManualClock;
use futures_util::future::join_all;
use serde_json::json;

use crate::scripted::{Scripted, server};
use crate::support::World;

#[tokio::test]
async fn a_hundred_requests_with_one_token_are_one_introspection() {
    let (clock, op) = (
        ManualClock::new(1_000),
        Scripted::new("https://id.example.com"),
    );
    let server = server(&clock, &[&op]);
    op.hold(true);
    let waiting = join_all((0..100).map(|_| server.verify("opaque")));
    let other = server.verify("another");
    // By its turn the others have come as far as they get on their own.
    let release = async { op.hold(false) };
    let (answers, other, ()) = tokio::join!(waiting, other, release);
    assert!(answers.iter().all(Result::is_ok) && other.is_ok());
    assert_eq!(op.asked(), 2);
}

#[tokio::test]
async fn a_failure_is_everybodys_who_waited_and_nobodys_later() {
    let (clock, op) = (
        ManualClock::new(1_000),
        Scripted::new("https://id.example.com"),
    );
    let server = server(&clock, &[&op]);
    op.answers(500, "", None);
    op.hold(true);
    let waiting = join_all((0..10).map(|_| server.verify("opaque")));
    let release = async { op.hold(false) };
    let (answers, ()) = tokio::join!(waiting, release);
    assert!(
        answers
            .iter()
            .all(|answer| answer.as_ref().is_err_and(|denied| denied.status() == 503))
    );
    assert_eq!(op.asked(), 1);
    op.says(&op.active(json!({})));
    assert!(server.verify("opaque").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn whoever_hangs_up_takes_nobodys_answer_along() {
    let (clock, op) = (
        ManualClock::new(1_000),
        Scripted::new("https://id.example.com"),
    );
    let server = server(&clock, &[&op]);
    op.hold(true);
    let first = tokio::time::timeout(Duration::from_secs(1), server.verify("opaque"));
    let second = async {
        let answer = server.verify("opaque");
        let release = async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            op.hold(false);
        };
        tokio::join!(answer, release).0
    };
    let (first, second) = tokio::join!(first, second);
    assert!(first.is_err() && second.is_ok());
    assert_eq!(op.asked(), 1);
}

#[tokio::test]
async fn a_hundred_requests_at_the_start_fetch_the_keys_once() {
    let world = World::new();
    let (server, token) = (world.okta(), world.okta_token(json!({})));
    let answers = join_all((0..100).map(|_| server.verify(&token))).await;
    assert!(answers.iter().all(Result::is_ok));
    let counts = world.provider.counts();
    assert_eq!((counts.discovery, counts.jwks), (1, 1));
}
