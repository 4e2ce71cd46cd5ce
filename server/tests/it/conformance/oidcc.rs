//! `oidcc-client-test-..`: the basic, form post, config, refresh and third-party-login plans, and what of the full list
//! applies to the authorization code flow.

use cloakroom_testkit::provider::Builder;
use cloakroom_testkit::{Alg, Fault};

use super::modules;
use crate::start::Start;

modules! {
    /// An unsigned ID token: refused, though the code flow would allow it over TLS.
    oidcc_client_test_idtoken_sig_none: Fault::AlgNone;
    /// `aud` names another client.
    oidcc_client_test_invalid_aud: Fault::WrongAud;
    /// No `aud`.
    oidcc_client_test_missing_aud: Fault::MissingAud;
    /// `iss` is another issuer.
    oidcc_client_test_invalid_iss: Fault::WrongIss;
    /// An RS256 signature that does not verify.
    oidcc_client_test_invalid_sig_rs256: Fault::BadSignature;
    /// An ES256 signature that does not verify.
    oidcc_client_test_invalid_sig_es256: Fault::BadSignature, |provider| provider.algorithm(Alg::Es256);
    /// HS256 keyed with the provider's public key.
    oidcc_client_test_invalid_sig_hs256: Fault::AlgHs256WithPublicKey;
    /// No `kid`, and one key.
    oidcc_client_test_kid_absent_single_jwks: Fault::NoKid, Builder::only_the_signing_key;
    /// No `iat`.
    oidcc_client_test_missing_iat: Fault::MissingIat;
    /// No `sub`.
    oidcc_client_test_missing_sub: Fault::MissingSub;
    /// Another `nonce`.
    oidcc_client_test_nonce_invalid: Fault::WrongNonce;
    /// `at_hash` of another access token.
    oidcc_client_test_invalid_athash: Fault::WrongAtHash;
    /// Userinfo about another user: its claims are not used.
    oidcc_client_test_userinfo_invalid_sub: Fault::UserinfoWrongSub;
    /// The metadata name another issuer: nobody is sent there.
    oidcc_client_test_discovery_issuer_mismatch: Fault::DiscoveryIssuerMismatch;
    /// No `at_hash`: the code flow does not ask for one.
    oidcc_client_test_missing_athash: Fault::MissingAtHash;
    /// `c_hash` of another code.
    oidcc_client_test_invalid_chash: Fault::WrongCHash;
    /// No `c_hash`: the code flow does not ask for one.
    oidcc_client_test_missing_chash: Fault::MissingCHash;
    /// Claims that another provider is to be asked for: passed over.
    oidcc_client_test_aggregated_claims: Fault::UnknownClaims;
    /// Claims that stand elsewhere: passed over, and nobody is asked.
    oidcc_client_test_distributed_claims: Fault::UnknownClaims;
    /// A key that was published just before it signed.
    oidcc_client_test_signing_key_rotation_just_before_signing: Fault::RotatedKey;
}

/// Discovery, authorization request, code, token request, ID token, userinfo: signed in.
#[tokio::test(flavor = "multi_thread")]
async fn oidcc_client_test() {
    let world = Start::default().go().await;
    world.provider.reset_counts();
    world.sign_in(&world.browser()).await;
    super::signed_in_with_one_request_each(&world);
    world.end().await;
}

/// An RS256 signature that verifies.
#[tokio::test(flavor = "multi_thread")]
async fn oidcc_client_test_idtoken_sig_rs256() {
    let world = Start::default()
        .provider(|provider| provider.algorithm(Alg::Rs256))
        .go()
        .await;
    world.sign_in(&world.browser()).await;
    world.end().await;
}

/// The token request has a Basic header and no secret in its form.
#[tokio::test(flavor = "multi_thread")]
async fn oidcc_client_test_client_secret_basic() {
    let world = Start::default()
        .provider(|provider| provider.auth_methods(["client_secret_basic"]))
        .go()
        .await;
    world.sign_in(&world.browser()).await;
    let received = world.provider.received();
    assert!(
        received.token_request_headers[0]["authorization"].starts_with("Basic "),
        "the header is there"
    );
    assert!(!received.token_requests[0].contains_key("client_secret"));
    world.end().await;
}

/// Claims that only userinfo has are used.
#[tokio::test(flavor = "multi_thread")]
async fn oidcc_client_test_scope_userinfo_claims() {
    let world = Start::default().go().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    let session = world.session(&browser).await;
    assert_eq!(session["user"]["email"], "user@example.com", "{session}");
    let asked = &world.provider.received().authorize_requests[0]["scope"];
    assert!(
        asked.contains("profile") && asked.contains("email"),
        "{asked}"
    );
    world.end().await;
}

/// Endpoints come from the metadata document.
#[tokio::test(flavor = "multi_thread")]
async fn oidcc_client_test_discovery_openid_config() {
    let world = Start::default().go().await;
    world.sign_in(&world.browser()).await;
    assert_eq!(world.provider.counts().discovery, 1, "asked once and kept");
    world.end().await;
}

/// Keys come from the `jwks_uri` of the metadata.
#[tokio::test(flavor = "multi_thread")]
async fn oidcc_client_test_discovery_jwks_uri_keys() {
    let world = Start::default().go().await;
    world.sign_in(&world.browser()).await;
    assert_eq!(world.provider.counts().jwks, 1, "asked once and kept");
    world.end().await;
}

/// The keys change while the program holds the old ones: one refetch finds the new one.
#[tokio::test(flavor = "multi_thread")]
async fn oidcc_client_test_signing_key_rotation() {
    let world = Start::default().go().await;
    world.sign_in(&world.browser()).await;
    world.provider.reset_counts();
    world.provider.set_fault(Fault::RotatedKey);
    world.sign_in(&world.browser()).await;
    assert_eq!(world.provider.counts().jwks, 1, "one refetch");
    world.end().await;
}

/// No `kid`, and several keys: those that fit are tried, and the sign-in is done.
#[tokio::test(flavor = "multi_thread")]
async fn oidcc_client_test_kid_absent_multiple_jwks() {
    let world = Start::default().fault(Fault::NoKidSeveralKeys).go().await;
    world.sign_in(&world.browser()).await;
    world.end().await;
}

/// The access token goes to userinfo in the header.
#[tokio::test(flavor = "multi_thread")]
async fn oidcc_client_test_userinfo_bearer_header() {
    let world = Start::default().go().await;
    world.sign_in(&world.browser()).await;
    // The provider takes it nowhere else, and objects where it stands in a query or a form.
    assert_eq!(world.provider.counts().userinfo, 1);
    world.end().await;
}

/// Userinfo comes as a JWT: verified, and its claims are used.
#[tokio::test(flavor = "multi_thread")]
async fn oidcc_client_test_userinfo_signed() {
    let world = Start::default()
        .provider(|provider| provider.signed_userinfo(Alg::Rs256))
        .go()
        .await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    let session = world.session(&browser).await;
    assert_eq!(session["user"]["email"], "user@example.com", "{session}");
    world.end().await;
}

/// An error in a posted form: the person sees a page, nothing is exchanged.
#[tokio::test(flavor = "multi_thread")]
async fn oidcc_client_test_form_post_error() {
    let world = Start::default()
        .set("CLOAKROOM_RESPONSE_MODE", "form_post")
        .go()
        .await;
    let browser = world.browser();
    world.provider.set_fault(Fault::AccessDenied {
        description: "The resource owner or authorization server denied the request.".to_owned(),
    });
    let page = world.at_provider(&browser, "/auth/login").await;
    let posted = browser.submit_form(&page).await;
    assert_eq!(posted.status(), 303, "{}", posted.text());
    let shown = browser.follow(posted, 3).await;
    assert_eq!(shown.status(), 403);
    assert!(
        shown.text().contains("Sign-in was not allowed"),
        "{}",
        shown.text()
    );
    assert_eq!(world.provider.counts().token, 0);
    world.provider.clear_fault();
    world.assert_signed_out(&browser).await;
    world.end().await;
}

/// The provider's own page begins the sign-in at `/auth/initiate`.
#[tokio::test(flavor = "multi_thread")]
async fn oidcc_client_test_3rd_party_init_login() {
    let world = Start::default().go().await;
    let browser = world.browser();
    let mut link = url::Url::parse(&format!("{}/auth/initiate", world.public_url)).expect("a URL");
    link.query_pairs_mut()
        .append_pair("iss", &world.provider.issuer())
        .append_pair("login_hint", "user@example.com")
        .append_pair("target_link_uri", &format!("{}/profile", world.public_url));
    let callback = world.at_callback(&browser, link.as_str()).await;
    assert_eq!(
        callback.header("location"),
        Some("/profile"),
        "{}",
        callback.text()
    );
    world.assert_signed_in(&browser).await;
    let asked = &world.provider.received().authorize_requests[0];
    assert_eq!(asked["login_hint"], "user@example.com");
    world.end().await;
}

/// Signs out here, then at the provider, and comes back.
#[tokio::test(flavor = "multi_thread")]
async fn oidcc_client_test_rp_init_logout() {
    let mut world = Start::default().go().await;
    let browser = world.browser();
    world.sign_in(&browser).await;
    world.expect_hint();
    let answer = browser.post_form("/auth/logout", &[]).await;
    let page = browser.follow(answer, 5).await;
    assert_eq!((page.status(), page.url().path()), (200, "/"));
    world.assert_signed_out(&browser).await;
    world.end().await;
}

/// The provider comes back without a `state`: the page is shown, and nobody is signed in.
#[tokio::test(flavor = "multi_thread")]
async fn oidcc_client_test_rp_init_logout_no_state() {
    let world = Start::default().go().await;
    let browser = world.browser();
    assert_eq!(browser.visit("/").await.status(), 200);
    world.assert_signed_out(&browser).await;
    world.end().await;
}

/// The provider comes back with a `state` that nobody sent: the page is shown, and nobody is signed in.
#[tokio::test(flavor = "multi_thread")]
async fn oidcc_client_test_rp_init_logout_other_state() {
    let world = Start::default().go().await;
    let browser = world.browser();
    assert_eq!(
        browser.visit("/?state=nobody-sent-this").await.status(),
        200
    );
    world.assert_signed_out(&browser).await;
    world.end().await;
}
