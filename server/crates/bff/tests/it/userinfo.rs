//! Signed userinfo (OpenID Connect Core section 5.3.2; conformance module `oidcc-client-test-userinfo-signed`), and
//! `c_hash` where an ID token has it (section 3.3.2.11).

use cloakroom_oidc::SigningAlg;
use cloakroom_testkit::{Alg, Fault, Provider};

use crate::app::App;

async fn signed(alg: Alg) -> App {
    let provider = Provider::builder().signed_userinfo(alg).start().await;
    App::before(provider, |_| {}, |builder| builder).await
}

#[tokio::test]
async fn a_signed_answer_is_verified_and_read() {
    for alg in [Alg::Rs256, Alg::Es256, Alg::EdDsa] {
        let app = signed(alg).await;
        let browser = app.browser();
        app.sign_in(&browser).await;
        assert_eq!(
            app.look(&browser).await["user"]["email"],
            "user@example.com"
        );
        assert_eq!(app.provider.counts().userinfo, 1);
        app.end(&[&browser]).await;
    }
}

#[tokio::test]
async fn a_wrong_signed_answer_makes_no_session() {
    for fault in [
        Fault::UserinfoBadSignature,
        Fault::UserinfoAlgNone,
        Fault::UserinfoAlgHs256WithPublicKey,
        Fault::UserinfoWrongIss,
        Fault::UserinfoWrongAud,
        Fault::UserinfoUnknownKid,
        Fault::UserinfoExpired,
        Fault::UserinfoSignedWrongSub,
        Fault::UserinfoEncrypted,
    ] {
        let app = signed(Alg::Rs256).await;
        app.provider.set_fault(fault.clone());
        let browser = app.browser();
        let answer = app.at_callback(&browser, "/auth/login").await;
        app.assert_failed(&browser, &answer, "userinfo_refused", 502)
            .await;
        assert_eq!(app.look(&browser).await["signed_in"], false, "{fault:?}");
        app.end(&[&browser]).await;
    }
}

#[tokio::test]
async fn keys_that_are_not_known_yet_are_fetched_once_more() {
    let app = signed(Alg::Rs256).await;
    let browser = app.browser();
    app.sign_in(&browser).await;
    let before = app.provider.counts().jwks;
    app.provider.rotate_key();
    app.advance(11);
    app.sign_in(&browser).await;
    assert_eq!(app.provider.counts().jwks, before + 1);
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn where_a_signature_is_required_a_plain_answer_is_refused() {
    let required = |algs: Vec<SigningAlg>| {
        move |settings: &mut cloakroom_bff::Settings| settings.userinfo_algs = Some(algs)
    };
    let plain = App::with(required(vec![SigningAlg::RS256]), |builder| builder).await;
    let browser = plain.browser();
    let answer = plain.at_callback(&browser, "/auth/login").await;
    plain
        .assert_failed(&browser, &answer, "userinfo_refused", 502)
        .await;
    plain.end(&[&browser]).await;
    for (algs, is_good) in [
        (vec![SigningAlg::ES256], true),
        (vec![SigningAlg::RS256], false),
    ] {
        let provider = Provider::builder()
            .signed_userinfo(Alg::Es256)
            .start()
            .await;
        let app = App::before(provider, required(algs), |builder| builder).await;
        let browser = app.browser();
        app.at_callback(&browser, "/auth/login").await;
        assert_eq!(app.look(&browser).await["signed_in"], is_good);
        app.end(&[&browser]).await;
    }
}

#[tokio::test]
async fn a_code_hash_is_that_of_the_code_where_it_is_there() {
    let provider = Provider::builder().c_hash().start().await;
    let app = App::before(provider, |_| {}, |builder| builder).await;
    let browser = app.browser();
    app.sign_in(&browser).await;
    app.provider.set_fault(Fault::WrongCHash);
    let answer = app.at_callback(&browser, "/auth/login").await;
    app.assert_failed(&browser, &answer, "id_token_refused", 502)
        .await;
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn fewer_scopes_than_were_asked_for_are_no_failure() {
    let app = App::start().await;
    app.provider.set_granted_scopes(Some(&["openid"]));
    let browser = app.browser();
    app.sign_in(&browser).await;
    let user = app.look(&browser).await["user"].clone();
    assert_eq!(
        (&user["sub"], user.get("email")),
        (&"00u1test".into(), None)
    );
    app.end(&[&browser]).await;
}
