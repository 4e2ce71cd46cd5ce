//! Metadata, keys, algorithms, scopes and userinfo of providers that differ (OpenID Connect Discovery 1.0 section 4, RFC
//! 8414 section 3, RFC 7517 section 5, RFC 9111 section 4, OpenID Connect Core sections 5.3.2 and 10.1).

use cloakroom_testkit::provider::{Builder, Decoy, OAuthMetadata};
use cloakroom_testkit::{Alg, Browser, Effect, Fault};
use http::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::faults::meet;
use crate::program::{LOOK_AGAIN, PATIENCE};
use crate::start::Start;
use crate::world::World;

const ID_TOKEN: (&str, u16, &str) = (
    "id_token_refused",
    502,
    "Your sign-in could not be verified",
);
const USERINFO: (&str, u16, &str) = (
    "userinfo_refused",
    502,
    "Your sign-in could not be verified",
);
/// 64 bytes, enough for HS512.
const LONG_SECRET: &str = "a-secret-of-sixty-four-bytes/which is enough for HS512 & no more";

fn asymmetric() -> impl Iterator<Item = Alg> {
    Alg::all().filter(|alg| !alg.name().starts_with("HS"))
}

async fn assert_refused(world: &World, (code, status, title): (&str, u16, &str)) {
    let browser = world.browser();
    let answer = world.at_callback(&browser, "/auth/login").await;
    world
        .assert_failed(&browser, &answer, code, status, title)
        .await;
    world.assert_signed_out(&browser).await;
}

async fn signs_out(browser: &Browser) {
    let answer = browser.request(Method::POST, "/auth/logout").fetch().await;
    assert_eq!(answer.status(), 204);
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

/// The program asks a provider that failed again, after a back-off that it keeps by its own clock.
async fn until_sign_in_begins(world: &World) {
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

#[tokio::test(flavor = "multi_thread")]
async fn a_short_cache_control_is_obeyed_and_none_at_all_does_not_mean_a_request_for_each_token() {
    for cache_control in ["max-age=10, must-revalidate", "no-store"] {
        let world = keys_kept(cache_control).await;
        for _ in 0..3 {
            world.sign_in(&world.browser()).await;
        }
        assert_eq!(world.provider.counts().jwks, 1, "{cache_control}");
        sign_in_until_keys_are_asked(&world, 2).await;
        world
            .until("the copy is renewed", || {
                world.provider.counts().not_modified == 1
            })
            .await;
        world.end().await;
    }
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

#[tokio::test(flavor = "multi_thread")]
async fn an_authorization_server_with_scopes_of_its_own_is_asked_for_none() {
    let asks_for_none = || Start::default().set("CLOAKROOM_SCOPES", "provider-default");
    let world = asks_for_none()
        .provider(|provider| provider.default_scopes(["openid", "profile"]))
        .go()
        .await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    assert!(!world.provider.received().authorize_requests[0].contains_key("scope"));
    let user = &world.session(&browser).await["user"];
    assert_eq!(
        (&user["name"], user.get("email")),
        (&json!("Test User"), None)
    );
    world.end().await;
    // One without any says so, and the operator reads what to do.
    let world = asks_for_none().go().await;
    let browser = world.browser();
    let answer = world.at_callback(&browser, "/auth/login").await;
    let title = "The sign-in service reports an error";
    world
        .assert_failed(&browser, &answer, "provider_error", 502, title)
        .await;
    world
        .until_logged(|line| {
            line["hint"]
                .as_str()
                .is_some_and(|text| text.contains("scope"))
        })
        .await;
    world.provider.clear_protocol_errors();
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fewer_scopes_than_were_asked_for_sign_in_and_are_said_to_the_operator() {
    let world = World::start().await;
    world
        .provider
        .set_granted_scopes(Some(&["openid", "profile"]));
    let browser = world.browser();
    world.sign_in(&browser).await;
    let user = &world.session(&browser).await["user"];
    assert_eq!(
        (&user["name"], user.get("email")),
        (&json!("Test User"), None)
    );
    let said = world
        .until_logged(|line| line["withheld"].is_string())
        .await;
    assert_eq!(said["withheld"], "email offline_access");
    signs_out(&browser).await;
    world
        .until("the access token is revoked", || {
            world.provider.counts().revoke == 1
        })
        .await;
    assert_eq!(
        world.provider.received().revoked,
        world.provider.issued().access_tokens
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_refresh_token_there_is_a_session_and_one_token_to_revoke() {
    let world = Start::default().fault(Fault::NoRefreshToken).go().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    world
        .until_logged(|line| line["has_refresh_token"] == false)
        .await;
    signs_out(&browser).await;
    world
        .until("the access token is revoked", || {
            world.provider.counts().revoke == 1
        })
        .await;
    assert_eq!(
        world.provider.received().revoked,
        world.provider.issued().access_tokens
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_link_may_carry_and_what_is_fixed_arrive_and_nothing_else_does() {
    let world = Start::default()
        .set("CLOAKROOM_LOGIN_PARAMETERS", "connection, organization")
        .set(
            "CLOAKROOM_AUTHORIZE_PARAMETERS",
            "audience=api://default connection=main ui_locales=de note=a%20b%25&c=d",
        )
        .go()
        .await;
    let browser = world.browser();
    let link = "/auth/login?ui_locales=fr-CA%20fr&idp=0oa62bc8wppPw0UGr0h7&organization=acme%26co&connection=other\
        &unknown=x&scope=openid%20admin&redirect_uri=https%3A%2F%2Fevil.example&nonce=mine&state=mine&response_mode=fragment\
        &request=eyJ&client_id=another";
    let answer = world.at_callback(&browser, link).await;
    assert_eq!(answer.header("location"), Some("/"), "{}", answer.text());
    world.sign_in(&browser).await;
    let sent = world.provider.received().authorize_requests;
    for (name, link, plain) in [
        ("ui_locales", Some("fr-CA fr"), Some("de")),
        ("idp", Some("0oa62bc8wppPw0UGr0h7"), None),
        ("organization", Some("acme&co"), None),
        ("connection", Some("other"), Some("main")),
        ("audience", Some("api://default"), Some("api://default")),
        ("note", Some("a b%&c=d"), Some("a b%&c=d")),
        ("unknown", None, None),
        ("request", None, None),
        ("response_mode", None, None),
        (
            "client_id",
            Some(world.provider.client_id().as_str()),
            Some(world.provider.client_id().as_str()),
        ),
        (
            "scope",
            Some("openid profile email offline_access"),
            Some("openid profile email offline_access"),
        ),
    ] {
        assert_eq!(sent[0].get(name).map(String::as_str), link, "{name}");
        assert_eq!(sent[1].get(name).map(String::as_str), plain, "{name}");
    }
    for odd in [
        "ui_locales=de;q=1",
        "ui_locales=de%20%20fr",
        "ui_locales=%3Cb%3E",
        "idp=a%20b",
        "idp=%00",
        "idp=%C3%BC",
        "organization=a%0Ab",
        "organization=%00",
        "organization=a&organization=b",
    ] {
        let answer = browser.get(format!("/auth/login?{odd}")).navigate().await;
        assert_eq!(answer.location().unwrap().path(), "/auth/error", "{odd}");
    }
    world
        .until("the first session is revoked", || {
            world.provider.counts().revoke == 2
        })
        .await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn userinfo_signed_with_any_asymmetric_algorithm_is_read() {
    for alg in asymmetric() {
        println!("{alg:?}");
        let world = Start::default()
            .provider(|provider| provider.signed_userinfo(alg))
            .go()
            .await;
        let browser = world.browser();
        world.sign_in(&browser).await;
        assert_eq!(
            world.session(&browser).await["user"]["email"],
            "user@example.com"
        );
        assert_eq!(world.provider.counts().jwks, 1);
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_userinfo_is_verified_as_strictly_as_an_id_token() {
    let signed = |fault: &Fault| {
        matches!(
            fault,
            Fault::UserinfoBadSignature
                | Fault::UserinfoAlgNone
                | Fault::UserinfoAlgHs256WithPublicKey
                | Fault::UserinfoWrongIss
                | Fault::UserinfoWrongAud
                | Fault::UserinfoUnknownKid
                | Fault::UserinfoExpired
                | Fault::UserinfoSignedWrongSub
                | Fault::UserinfoEncrypted
        )
    };
    for alg in [Alg::Rs256, Alg::Es256, Alg::EdDsa] {
        let world = Start::default()
            .provider(|provider| provider.signed_userinfo(alg))
            .set("CLOAKROOM_USERINFO_ALG", alg.name())
            .set("CLOAKROOM_FAILED_EXCHANGES_A_MINUTE", "1000")
            .go()
            .await;
        world.sign_in(&world.browser()).await;
        let mut met = 0;
        for (fault, effect) in Fault::all().filter(|(fault, _)| signed(fault)) {
            meet(&world, &fault, effect, "/auth/login?return_to=/profile").await;
            met += 1;
        }
        assert_eq!(met, 9);
        world.sign_in(&world.browser()).await;
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn userinfo_that_is_to_be_signed_is_not_taken_plain_or_by_another_algorithm() {
    let required = || Start::default().set("CLOAKROOM_USERINFO_ALG", "ES256");
    let by = |alg| required().provider(move |provider: Builder| provider.signed_userinfo(alg));
    for start in [
        required(),
        by(Alg::Rs256),
        by(Alg::Hs256),
        // By the secret, where nothing is required.
        Start::default().provider(|provider| provider.signed_userinfo(Alg::Hs256)),
    ] {
        let world = start.go().await;
        assert_refused(&world, USERINFO).await;
        assert_eq!(world.provider.counts().userinfo, 1);
        world.end().await;
    }
    let world = by(Alg::Es256).go().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    let user: Value = world.session(&browser).await["user"].clone();
    assert_eq!(user["email"], "user@example.com");
    for protocol in ["iss", "aud", "exp", "iat"] {
        assert_eq!(user.get(protocol), None, "{protocol}");
    }
    world.end().await;
}
