//! Metadata of providers that differ, are wrong, or become so later (OpenID Connect Discovery 1.0 section 4, RFC 8414
//! section 3).

use cloakroom_testkit::provider::OAuthMetadata;
use cloakroom_testkit::{Browser, Effect, Fault};
use http::Method;
use tokio::time::{Instant, sleep};

use crate::program::{LOOK_AGAIN, PATIENCE};
use crate::start::Start;
use crate::world::World;

pub(crate) async fn signs_out(browser: &Browser) {
    let answer = browser.request(Method::POST, "/auth/logout").fetch().await;
    assert_eq!(answer.status(), 204);
}

/// The program asks a provider that failed again, after a back-off that it keeps by its own clock.
pub(crate) async fn until_sign_in_begins(world: &World) {
    let browser = world.browser();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = browser.get("/auth/login").navigate().await;
        let to = answer.location().unwrap();
        if to.as_str().starts_with(&world.provider.issuer()) {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "it never finds the provider again"
        );
        sleep(LOOK_AGAIN).await;
    }
}

fn faults_of_metadata() -> impl Iterator<Item = Fault> {
    Fault::all().filter_map(|(fault, effect)| (effect == Effect::NoStart).then_some(fault))
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_that_go_wrong_later_disturb_nobody() {
    let world = World::start().await;
    world.sign_in(&world.browser()).await;
    let mut met = 0;
    for fault in faults_of_metadata() {
        world.provider.set_fault(fault);
        world.sign_in(&world.browser()).await;
        met += 1;
    }
    assert!(met > 10, "the table has rows");
    assert_eq!(world.provider.counts().discovery, 1);
    world.provider.clear_fault();
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_whose_metadata_are_mended_is_found_without_a_restart() {
    for fault in [
        Fault::DiscoveryIssuerMismatch,
        Fault::MetadataTrailingSlash,
        Fault::MetadataWithout("jwks_uri".to_owned()),
        Fault::MetadataHtml,
        Fault::MetadataUnknown,
    ] {
        println!("{fault:?}");
        let world = Start::default().fault(fault).go().await;
        let browser = world.browser();
        let answer = browser.get("/auth/login").navigate().await;
        let title = "The sign-in service does not answer";
        world
            .assert_failed(&browser, &answer, "provider_down", 503, title)
            .await;
        assert_eq!(
            browser.get("/readyz").bare().await.json()["status"],
            "degraded"
        );
        world.provider.clear_fault();
        until_sign_in_begins(&world).await;
        world.sign_in(&browser).await;
        assert_eq!(browser.get("/readyz").bare().await.json()["status"], "ok");
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_missing_is_found_in_the_document_of_rfc_8414() {
    for member in [
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "userinfo_endpoint",
        "revocation_endpoint",
        "pushed_authorization_request_endpoint",
    ] {
        println!("{member}");
        let world = Start::default()
            .provider(|provider| {
                provider
                    .openid_metadata_without([member])
                    .oauth_metadata(OAuthMetadata::PathInserted)
            })
            .set("CLOAKROOM_PAR", "always")
            .go()
            .await;
        let browser = world.browser();
        world.sign_in(&browser).await;
        signs_out(&browser).await;
        world
            .until("both tokens are revoked", || {
                world.provider.counts().revoke == 2
            })
            .await;
        let counts = world.provider.counts();
        assert_eq!(
            (counts.par, counts.token, counts.userinfo),
            (1, 1, 1),
            "{member}"
        );
        assert_eq!(
            (counts.discovery, counts.oauth_metadata),
            (1, 1),
            "{member}"
        );
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_with_nothing_but_the_document_of_rfc_8414_is_as_good_in_either_place() {
    for place in [OAuthMetadata::PathInserted, OAuthMetadata::Appended] {
        let world = Start::default()
            .provider(|provider| provider.without_openid_metadata().oauth_metadata(place))
            .go()
            .await;
        until_sign_in_begins(&world).await;
        world.sign_in(&world.browser()).await;
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_document_has_is_done_without_and_asked_for_once() {
    let world = Start::default()
        .provider(|provider| {
            provider
                .without_userinfo()
                .without_revocation()
                .without_end_session()
                .without_pushed_authorization_requests()
        })
        .go()
        .await;
    for _ in 0..3 {
        let browser = world.browser();
        world.sign_in(&browser).await;
        let answer = browser.post_form("/auth/logout", &[]).await;
        assert_eq!(
            (answer.status(), answer.header("location")),
            (303, Some("/"))
        );
        world.assert_signed_out(&browser).await;
    }
    let counts = world.provider.counts();
    assert_eq!(
        (counts.discovery, counts.oauth_metadata, counts.revoke),
        (1, 1, 0)
    );
    world.end().await;
}
