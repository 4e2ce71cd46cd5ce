//! What is matched is what is sent: over targets made of everything that paths have been attacked with, the decision by
//! itself and with a real upstream behind it.

use cloakroom_bff::fuzzing::proxy_path;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};

use crate::upstream::{Api, app_with};

/// Pieces that mean something to some server.
fn piece() -> impl Strategy<Value = String> {
    let known = proptest::sample::select(vec![
        "/",
        "/",
        "/",
        "orders",
        "a.b",
        "c",
        "x",
        "7",
        ".",
        "..",
        "...",
        "%2E",
        "%2e",
        "%2F",
        "%2f",
        "%5C",
        "\\",
        "%25",
        "%252E",
        "%25u002E",
        "%u002e",
        "%00",
        "%20",
        "%3B",
        ";",
        "%3F",
        "?",
        "%23",
        "%3A",
        ":",
        "@",
        "%40",
        "%C0%AE",
        "%E2%80%A5",
        "%EF%BC%8E",
        "%EF%BC%8F",
        "%E2%80%8B",
        "%C2%85",
        "%C3%A9",
        "%",
        "~",
        "=",
        "+",
        "-",
        "_",
        "//",
        "\u{2025}",
    ])
    .prop_map(str::to_owned);
    prop_oneof![8 => known, 1 => "[ -~]{1,3}", 1 => "%[0-9A-Fa-f]{2}"]
}

fn rest() -> impl Strategy<Value = String> {
    let begin = proptest::sample::select(vec!["/orders", "/orders/", "/a.b/c/", "/", ""]);
    (begin, proptest::collection::vec(piece(), 0..8))
        .prop_map(|(begin, pieces)| format!("{begin}{}", pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 4096, ..ProptestConfig::default() })]

    /// What it asserts of a target that passes stands in the fuzz target.
    #[test]
    fn no_target_that_passes_can_be_read_otherwise(rest in rest()) {
        proxy_path(format!("/api/api{rest}").as_bytes());
    }
}

#[test]
fn the_targets_are_neither_all_refused_nor_all_taken() {
    let mut runner = TestRunner::deterministic();
    let taken = (0..2000)
        .filter(|_| {
            let rest = rest().new_tree(&mut runner).unwrap().current();
            proxy_path(format!("/api/api{rest}").as_bytes())
        })
        .count();
    assert!((200..1800).contains(&taken), "{taken} of 2000");
}

#[tokio::test]
async fn what_arrives_is_what_was_asked_for_or_nothing() {
    let api = Api::start().await;
    let (app, browser) = app_with(&api, |_| {}).await;
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    );
    let mut arrived = 0;
    for _ in 0..300 {
        let rest = rest().new_tree(&mut runner).unwrap().current();
        let line = format!("GET /api/orders{rest} HTTP/1.1");
        let answer = app.send(&app.raw(&browser, &line, "")).await;
        let seen = api.take();
        if answer.starts_with("HTTP/1.1 200 ") {
            // hyper drops a fragment before anybody sees it, and blanks end a target.
            let asked = rest.split('#').next().unwrap();
            assert_eq!(seen.len(), 1, "{rest}");
            assert_eq!(seen[0].target(), format!("/v1{asked}"), "{rest}");
            arrived += 1;
        } else {
            assert!(seen.is_empty(), "{rest}: {answer} but {seen:#?}");
        }
    }
    assert!(arrived > 30, "{arrived}");
    app.end(&[&browser]).await;
}
