//! What a stronger sign-in has to be (RFC 9470 section 3), as far as a sign-in here can ask for it.

use app::api::{StepUp, challenge};
use app::auth::step_up_path;

fn demand(field: &str) -> Option<StepUp> {
    let challenges = challenge::parse(field)?;
    challenges.iter().find_map(StepUp::of)
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "it stands beside what was found, if anything was"
)]
fn wanted(acr_values: &[&str], max_age: Option<u64>) -> Option<StepUp> {
    Some(StepUp {
        acr_values: acr_values.iter().map(|acr| (*acr).to_owned()).collect(),
        max_age,
    })
}

#[test]
fn a_demand_names_classes_an_age_or_both() {
    let demand = |parameters: &str| {
        demand(&format!(
            "Bearer error=\"insufficient_user_authentication\"{parameters}"
        ))
    };
    assert_eq!(
        demand(", acr_values=\"urn:okta:loa:2fa:any\", max_age=\"300\""),
        wanted(&["urn:okta:loa:2fa:any"], Some(300))
    );
    assert_eq!(demand(", acr_values=\"a b\""), wanted(&["a", "b"], None));
    assert_eq!(demand(", acr_values=a, max_age=5"), wanted(&["a"], Some(5)));
    assert_eq!(demand(", max_age=0"), wanted(&[], Some(0)));
    assert_eq!(
        demand(""),
        wanted(&[], Some(0)),
        "one that names nothing is for a new authentication"
    );
}

#[test]
fn what_a_sign_in_cannot_ask_for_is_no_demand() {
    let long = "x".repeat(129);
    for parameters in [
        "max_age=\"-1\"",
        "max_age=\"\"",
        "max_age=\"5.5\"",
        "max_age=\"+5\"",
        "max_age=\"five\"",
        "max_age=\"2147483648\"",
        "max_age=\"99999999999999999999\"",
        "acr_values=\"\u{e4}\"",
        &format!("acr_values=\"{long}\""),
    ] {
        let field = format!("Bearer error=\"insufficient_user_authentication\", {parameters}");
        assert_eq!(demand(&field), None, "{parameters}");
    }
    let most = "x".repeat(128);
    let field = format!("Bearer error=insufficient_user_authentication, acr_values={most}");
    assert_eq!(demand(&field), wanted(&[&most], None));
}

#[test]
fn what_is_about_something_else_is_no_demand() {
    for field in [
        "Bearer acr_values=\"2fa\", max_age=\"5\"",
        "Bearer error=\"invalid_token\", acr_values=\"2fa\"",
        "Bearer error=\"Insufficient_User_Authentication\"",
        "Bearer realm=\"insufficient_user_authentication\"",
    ] {
        assert_eq!(demand(field), None, "{field}");
    }
}

#[test]
fn the_way_to_it_comes_back_to_the_page() {
    let wanted = wanted(&["urn:okta:loa:2fa:any", "phr"], Some(300)).expect("a demand");
    assert_eq!(
        step_up_path("/messages", &wanted),
        "/auth/login?return_to=%2Fmessages&acr_values=urn%3Aokta%3Aloa%3A2fa%3Aany+phr&max_age=300"
    );
    assert_eq!(
        step_up_path("//evil.example", &wanted),
        "/auth/login?acr_values=urn%3Aokta%3Aloa%3A2fa%3Aany+phr&max_age=300"
    );
}
