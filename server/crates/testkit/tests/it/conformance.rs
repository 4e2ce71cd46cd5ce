//! The runner finds out an application that checks nothing, and passes what is right about it.

use std::cell::Cell;
use std::collections::HashSet;

use cloakroom_testkit::conformance::{Outcome, Runner, modules, remaining_faults, run};
use cloakroom_testkit::{Effect, Fault, Provider, User};

use crate::stand_in::{Ways, start};

async fn world(ways: Ways) -> (Provider, String) {
    let provider = Provider::builder().announce_iss(true).start().await;
    let app = start(provider.issuer(), ways).await;
    provider.register_app(&app);
    (provider, app)
}

#[tokio::test]
async fn an_application_that_checks_nothing_fails_where_a_check_is_the_point() {
    let (provider, app) = world(Ways::default()).await;
    let report = run(&provider, &app).await;
    assert!(!report.passed());
    for module in modules() {
        let outcome = report.outcome(&module.name).unwrap();
        let checked = matches!(
            module.expects,
            Effect::RefusedIdToken | Effect::RefusedAtToken
        );
        match outcome {
            Outcome::Passed => assert!(!checked, "{} passed", module.name),
            Outcome::Failed(why) => assert!(
                !matches!(module.expects, Effect::Succeeds | Effect::EitherWay),
                "{}: {why}",
                module.name
            ),
            Outcome::Skipped(why) => assert!(!why.is_empty()),
            _ => panic!("nobody knows {outcome:?}"),
        }
    }
    let of = |name: &str| report.outcome(name).unwrap().clone();
    assert_eq!(of("oidcc-client-test"), Outcome::Passed);
    assert_eq!(
        of("oidcc-client-test-3rd-party-init-login"),
        Outcome::Passed
    );
    assert_eq!(
        of("oidcc-client-test-signing-key-rotation"),
        Outcome::Passed
    );
    assert_eq!(of("oidcc-client-test-client-secret-basic"), Outcome::Passed);
    assert!(
        matches!(of("oidcc-client-test-invalid-iss"), Outcome::Failed(why) if why.contains("userinfo request"))
    );
    assert!(
        matches!(of("okta-tck-wrongState"), Outcome::Failed(why) if why.contains("token request"))
    );
    assert!(
        matches!(of("oidcc-client-test-userinfo-invalid-sub"), Outcome::Failed(why) if why.contains("another user"))
    );
    assert!(matches!(
        of("oidcc-client-test-form-post-error"),
        Outcome::Skipped(_)
    ));
    let table = report.to_string();
    assert!(table.starts_with("Self-tested"));
    assert!(table.contains("| oidcc-client-test | passed |") && table.contains("FAILED"));
}

#[tokio::test]
async fn an_application_that_refuses_everything_fails_everywhere() {
    let (provider, app) = world(Ways {
        refuses: true,
        ..Ways::default()
    })
    .await;
    let report = run(&provider, &app).await;
    assert_eq!(report.failures().count(), modules().len());
    assert!(
        report
            .failures()
            .all(|(_, why)| why.contains("an honest sign-in fails already"))
    );
}

#[tokio::test]
async fn answers_by_form_are_submitted_and_fresh_starts_are_asked_for() {
    let (provider, app) = world(Ways {
        form_post: true,
        ..Ways::default()
    })
    .await;
    let starts = Cell::new(0);
    let report = Runner::new(&provider, &app)
        .modules(modules().into_iter().filter(|module| {
            module.name.contains("form-post") || module.name.contains("discovery")
        }))
        .restart(|| {
            starts.set(starts.get() + 1);
            async {}
        })
        .run()
        .await;
    assert_eq!(
        report.outcome("oidcc-client-test-form-post-error"),
        Some(&Outcome::Passed)
    );
    assert_eq!(
        report.outcome("oidcc-client-test-discovery-openid-config"),
        Some(&Outcome::Passed)
    );
    let mismatch = report
        .outcome("oidcc-client-test-discovery-issuer-mismatch")
        .unwrap();
    assert!(matches!(mismatch, Outcome::Failed(why) if why.contains("was sent to the provider")));
    assert_eq!(starts.get(), 2 * 4, "before and after each of the four");
}

#[tokio::test]
async fn a_session_for_an_applications_own_tests() {
    for form_post in [false, true] {
        let (provider, app) = world(Ways {
            form_post,
            ..Ways::default()
        })
        .await;
        let user = User::new("00u9", "Ada Example", "ada@example.com");
        let browser = provider.sign_in(&app, user).await;
        assert_eq!(browser.cookie_header("/").unwrap(), "ticket=00u9");
        assert_eq!(
            browser.get("/auth/session").fetch().await.json()["user"]["sub"],
            "00u9"
        );
        provider.assert_clean();
    }
}

#[tokio::test]
#[should_panic(expected = "no session came of the sign-in")]
async fn a_sign_in_that_fails_says_so() {
    let (provider, app) = world(Ways {
        refuses: true,
        ..Ways::default()
    })
    .await;
    provider.sign_in(&app, User::default()).await;
}

#[test]
fn every_fault_is_in_a_module_and_every_name_is_there_once() {
    let all: Vec<_> = modules().into_iter().chain(remaining_faults()).collect();
    let faults: HashSet<_> = all
        .iter()
        .filter_map(|module| module.fault.clone())
        .collect();
    for fault in Fault::every() {
        assert!(faults.contains(&fault), "{fault:?} is in no module");
    }
    let mut names = HashSet::new();
    let twice: Vec<_> = all
        .iter()
        .filter(|module| !names.insert(&module.name))
        .collect();
    let described = |name: &str| name.starts_with("testkit-access-denied");
    assert!(
        twice.iter().all(|module| described(&module.name)),
        "{twice:?}"
    );
    assert!(
        all.iter()
            .any(|module| module.name == "testkit-userinfo-alg-hs256-with-public-key")
    );
}
