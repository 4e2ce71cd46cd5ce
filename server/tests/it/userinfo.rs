//! Userinfo as a signed JWT (OpenID Connect Core section 5.3.2): read with any algorithm the provider has keys for, and
//! verified as strictly as an ID token.

use cloakroom_testkit::provider::Builder;
use cloakroom_testkit::{Alg, Fault};
use serde_json::Value;

use crate::faults::meet;
use crate::provider_keys::{assert_refused, asymmetric};
use crate::start::Start;

const USERINFO: (&str, u16, &str) = (
    "userinfo_refused",
    502,
    "Your sign-in could not be verified",
);

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
    for protocol in ["aud", "exp", "iat", "nbf", "jti"] {
        assert_eq!(user.get(protocol), None, "{protocol}");
    }
    world.end().await;
}
