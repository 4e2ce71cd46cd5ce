//! The provider's keys and algorithms: what is passed over, what is refused, and when the set is fetched anew (RFC 7517
//! section 5, RFC 9111 section 4, OpenID Connect Core section 10.1).

use cloakroom_testkit::provider::Decoy;
use cloakroom_testkit::{Alg, Fault};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::discovery::until_sign_in_begins;
use crate::program::{LOOK_AGAIN, PATIENCE};
use crate::start::Start;
use crate::world::World;

const ID_TOKEN: (&str, u16, &str) = (
    "id_token_refused",
    502,
    "Your sign-in could not be verified",
);

/// 64 bytes, enough for HS512.
const LONG_SECRET: &str = "a-secret-of-sixty-four-bytes/which is enough for HS512 & no more";

pub(crate) fn asymmetric() -> impl Iterator<Item = Alg> {
    Alg::all().filter(|alg| !alg.name().starts_with("HS"))
}

pub(crate) async fn assert_refused(world: &World, (code, status, title): (&str, u16, &str)) {
    let browser = world.browser();
    let answer = world.at_callback(&browser, "/auth/login").await;
    world
        .assert_failed(&browser, &answer, code, status, title)
        .await;
    world.assert_signed_out(&browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_asymmetric_algorithm_signs_in_among_keys_that_must_be_passed_over() {
    for alg in asymmetric() {
        println!("{alg:?}");
        let world = Start::default()
            .provider(|provider| {
                provider
                    .algorithm(alg)
                    .decoys(Decoy::all())
                    .publish_next_key()
            })
            .go()
            .await;
        world.sign_in(&world.browser()).await;
        world.provider.rotate_key();
        world.sign_in(&world.browser()).await;
        assert_eq!(
            world.provider.counts().jwks,
            1,
            "published ahead: no refetch"
        );
        world.provider.set_fault(Fault::BadSignature);
        assert_refused(&world, ID_TOKEN).await;
        world.provider.clear_fault();
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_that_is_none_spoils_no_set() {
    for decoy in Decoy::all() {
        println!("{decoy:?}");
        let world = Start::default()
            .provider(|provider| provider.decoys([decoy]).only_the_signing_key())
            .go()
            .await;
        world.sign_in(&world.browser()).await;
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_algorithm_that_shares_the_secret_is_taken_where_it_is_named_and_nowhere_else() {
    for alg in [Alg::Hs256, Alg::Hs384, Alg::Hs512] {
        let by_secret = || {
            Start::default()
                .provider(|provider| provider.client("me", LONG_SECRET, "", "").algorithm(alg))
        };
        let world = by_secret()
            .set("CLOAKROOM_ID_TOKEN_ALG", alg.name())
            .go()
            .await;
        world.sign_in(&world.browser()).await;
        for fault in [
            Fault::BadSignature,
            Fault::AlgNone,
            Fault::AlgHs256WithPublicKey,
        ] {
            world.provider.set_fault(fault);
            assert_refused(&world, ID_TOKEN).await;
        }
        world.provider.clear_fault();
        world.end().await;
        let world = by_secret().go().await;
        world
            .until_logged(|line| {
                line["message"]
                    .as_str()
                    .is_some_and(|text| text.contains("no asymmetric algorithm"))
            })
            .await;
        assert_refused(&world, ID_TOKEN).await;
        assert_eq!(world.provider.counts().userinfo, 0);
        world.end().await;
    }
    // And one that is named is the only one.
    let world = Start::default()
        .set("CLOAKROOM_ID_TOKEN_ALG", "ES256")
        .go()
        .await;
    assert_refused(&world, ID_TOKEN).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_withdrawn_in_an_emergency_is_replaced_by_one_refetch() {
    let world = World::start().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    world.provider.rotate_key();
    world.provider.withdraw_old_key();
    world.sign_in(&world.browser()).await;
    world.sign_in(&world.browser()).await;
    assert_eq!(world.provider.counts().jwks, 2);
    world.assert_signed_in(&browser).await;
    // A token that is signed with the withdrawn key is worth nothing any more.
    world.provider.rotate_key_back();
    assert_refused(&world, ID_TOKEN).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_that_did_not_change_is_asked_for_by_its_etag() {
    for etags in [true, false] {
        let world = Start::default()
            .provider(|provider| {
                if etags {
                    provider
                } else {
                    provider.without_etags()
                }
            })
            .go()
            .await;
        world.sign_in(&world.browser()).await;
        world.provider.set_fault(Fault::UnknownKid);
        assert_refused(&world, ID_TOKEN).await;
        let counts = world.provider.counts();
        assert_eq!((counts.jwks, counts.not_modified), (2, usize::from(etags)));
        world.provider.clear_fault();
        world.sign_in(&world.browser()).await;
        world.end().await;
    }
}

/// A program whose first copy of the keys comes with this `Cache-Control`.
async fn keys_kept(cache_control: &str) -> World {
    let world = Start::default().provider_down().go().await;
    world.provider.set_keys_cache_control(cache_control);
    world.provider.resume().await;
    until_sign_in_begins(&world).await;
    world.sign_in(&world.browser()).await;
    world
}

/// People sign in until the provider was asked for its keys so often.
async fn sign_in_until_keys_are_asked(world: &World, times: usize) {
    let deadline = Instant::now() + PATIENCE;
    while world.provider.counts().jwks < times {
        world.sign_in(&world.browser()).await;
        assert!(Instant::now() < deadline, "{:?}", world.provider.counts());
        // A sign-in every half second.
        sleep(LOOK_AGAIN * 50).await;
    }
}

/// The copy is used for ten seconds, and then asked for anew in the background.
async fn are_kept_for_ten_seconds(cache_control: &str) {
    let world = keys_kept(cache_control).await;
    for _ in 0..3 {
        world.sign_in(&world.browser()).await;
    }
    assert_eq!(world.provider.counts().jwks, 1);
    sign_in_until_keys_are_asked(&world, 2).await;
    world
        .until("the copy is renewed", || {
            world.provider.counts().not_modified == 1
        })
        .await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_cache_control_is_obeyed() {
    are_kept_for_ten_seconds("max-age=10, must-revalidate").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_must_not_be_kept_are_not_asked_for_with_every_token() {
    are_kept_for_ten_seconds("no-store").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_copy_of_the_keys_stands_in_while_the_provider_has_none() {
    let world = keys_kept("max-age=10").await;
    world.provider.set_fault(Fault::JwksDown);
    sign_in_until_keys_are_asked(&world, 3).await;
    let ready = world.browser().get("/readyz").bare().await;
    assert_eq!(
        (ready.status(), &ready.json()["status"]),
        (200, &json!("degraded"))
    );
    world.provider.clear_fault();
    sign_in_until_keys_are_asked(&world, world.provider.counts().jwks + 1).await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    world.end().await;
}
