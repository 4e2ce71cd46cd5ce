//! How this client proves itself at the provider (OpenID Connect Core section 9, RFC 7523), and that secret and keys can
//! be replaced while people are signed in.

use std::collections::HashSet;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cloakroom_bff::{ClientAuthSetting, Settings};
use cloakroom_oidc::{
    AssertionAudience, ClientKeyOptions, ClientKeys, ClientSecret, SecretJwt, SigningAlg,
};
use cloakroom_testkit::{Alg, Provider, provider};
use serde_json::Value;

use crate::app::App;

const SECRET: &str = "a-client-secret-of-sixty-four-characters-is-long-enough-for-hs512";
/// RFC 8037 appendix A.1.
const ED25519: &str = r#"{"kid":"ed","kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

fn pem(pkcs8: &[u8]) -> String {
    format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        STANDARD.encode(pkcs8)
    )
}

fn p256() -> String {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    pem(key.to_pkcs8v1().unwrap().as_ref())
}

fn rsa() -> String {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    pem(key.as_der().unwrap().as_ref())
}

fn keys(file: &str, alg: Option<&str>) -> ClientKeys {
    ClientKeys::parse(file.as_bytes(), &ClientKeyOptions { kid: None, alg }).unwrap()
}

fn private_key(file: &str, alg: Option<&str>) -> ClientAuthSetting {
    ClientAuthSetting::private_key_jwt(keys(file, alg))
}

async fn start(provider: Provider, method: &str, auth: ClientAuthSetting) -> App {
    provider.set_client_auth_method(method);
    let app = App::before(
        provider,
        |settings| settings.client_auth = auth,
        |builder| builder,
    )
    .await;
    if method == "private_key_jwt" {
        register_keys(&app);
    }
    app
}

/// The provider fetches this client's keys where this client publishes them.
fn register_keys(app: &App) {
    let address = format!("{}/auth/jwks.json", app.public_url);
    app.provider.set_client_jwks_uri(address);
}

/// Signs in and out: at the token endpoint once and at the revocation endpoint twice.
async fn in_and_out(app: &App) {
    let before = app.provider.received().revoked.len();
    let browser = app.browser();
    app.sign_in(&browser).await;
    let left = browser.post_form("/auth/logout", &[]).fetch().await;
    assert_eq!(left.status(), 204);
    while app.provider.received().revoked.len() < before + 2 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_secret_goes_in_the_header_or_in_the_form_as_it_was_said() {
    let secret = ClientSecret::new(Provider::CLIENT_SECRET);
    for (method, auth) in [
        (
            "client_secret_basic",
            ClientAuthSetting::SecretBasic(secret.clone()),
        ),
        (
            "client_secret_post",
            ClientAuthSetting::SecretPost(secret.clone()),
        ),
        (
            "client_secret_basic",
            ClientAuthSetting::Secret(secret.clone()),
        ),
    ] {
        let app = start(Provider::start().await, method, auth).await;
        in_and_out(&app).await;
        assert_eq!(app.provider.received().client_secrets.len(), 3);
        app.end(&[]).await;
    }
}

#[tokio::test]
async fn client_secret_jwt_signs_with_the_secret_and_never_sends_it() {
    for alg in [SigningAlg::HS256, SigningAlg::HS384, SigningAlg::HS512] {
        let provider = Provider::builder()
            .client(Provider::CLIENT_ID, SECRET, "", "")
            .client_assertion_alg(alg.as_str())
            .start()
            .await;
        let secret = SecretJwt::new(ClientSecret::new(SECRET), Some(alg)).unwrap();
        let app = start(
            provider,
            "client_secret_jwt",
            ClientAuthSetting::SecretJwt(secret),
        )
        .await;
        in_and_out(&app).await;
        let received = app.provider.received();
        assert!(received.client_secrets.is_empty());
        assert_eq!(received.assertions.len(), 3);
        app.end(&[]).await;
    }
}

#[tokio::test]
async fn private_key_jwt_signs_with_every_kind_of_key_and_the_provider_finds_it_here() {
    for (file, alg, expected) in [
        (rsa(), None, "RS256"),
        (rsa(), Some("PS256"), "PS256"),
        (p256(), None, "ES256"),
        (ED25519.to_owned(), None, "EdDSA"),
    ] {
        let app = start(
            Provider::start().await,
            "private_key_jwt",
            private_key(&file, alg),
        )
        .await;
        in_and_out(&app).await;
        let received = app.provider.received();
        assert_eq!(received.assertions.len(), 3);
        assert!(
            received
                .assertions
                .iter()
                .all(|assertion| assertion.header["alg"] == expected),
            "{expected}"
        );
        assert!(received.client_secrets.is_empty());
        assert_eq!(
            app.provider.counts().client_keys,
            3,
            "fetched from /auth/jwks.json"
        );
        app.end(&[]).await;
    }
}

#[tokio::test]
async fn every_assertion_is_new_and_addressed_to_its_endpoint() {
    let app = start(
        Provider::start().await,
        "private_key_jwt",
        private_key(ED25519, None),
    )
    .await;
    in_and_out(&app).await;
    in_and_out(&app).await;
    let assertions = app.provider.received().assertions;
    let ids: HashSet<String> = assertions
        .iter()
        .map(|assertion| assertion.claims["jti"].to_string())
        .collect();
    assert_eq!(ids.len(), assertions.len());
    for assertion in &assertions {
        let audience = assertion.claims["aud"].as_str().unwrap();
        assert!(
            audience.ends_with(&assertion.endpoint),
            "{audience} at {}",
            assertion.endpoint
        );
        assert_eq!(
            assertion.claims["exp"].as_u64().unwrap() - assertion.claims["iat"].as_u64().unwrap(),
            60
        );
    }
    app.end(&[]).await;
}

#[tokio::test]
async fn the_audience_is_a_setting() {
    for (ours, theirs) in [
        (
            AssertionAudience::Issuer,
            provider::AssertionAudience::Issuer,
        ),
        (
            AssertionAudience::TokenEndpoint,
            provider::AssertionAudience::TokenEndpoint,
        ),
    ] {
        let provider = Provider::builder().assertion_audience(theirs).start().await;
        provider.set_client_auth_method("private_key_jwt");
        let setting = |settings: &mut Settings| {
            settings.client_auth = private_key(ED25519, None);
            settings.assertion_audience = ours;
        };
        let app = App::before(provider, setting, |builder| builder).await;
        register_keys(&app);
        in_and_out(&app).await;
        app.end(&[]).await;
    }
    let provider = Provider::builder()
        .assertion_audience(provider::AssertionAudience::Issuer)
        .start()
        .await;
    let app = start(provider, "private_key_jwt", private_key(ED25519, None)).await;
    let browser = app.browser();
    let answer = app.at_callback(&browser, "/auth/login").await;
    app.assert_failed(&browser, &answer, "client_refused", 502)
        .await;
    app.provider.clear_protocol_errors();
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn a_public_client_has_pkce_alone() {
    let provider = Provider::builder()
        .public_client("public", "")
        .start()
        .await;
    let app = start(provider, "none", ClientAuthSetting::None).await;
    let browser = app.browser();
    app.sign_in(&browser).await;
    assert!(app.provider.received().client_secrets.is_empty());
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn the_set_of_public_keys_is_for_everybody_and_holds_nothing_private() {
    let file = format!("{}{}", p256(), rsa());
    let app = start(
        Provider::start().await,
        "private_key_jwt",
        private_key(&file, None),
    )
    .await;
    let browser = app.browser();
    app.sign_in(&browser).await;
    let answer = browser.get("/auth/jwks.json").bare().await;
    assert_eq!(
        (answer.status(), answer.header("content-type")),
        (200, Some("application/json"))
    );
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    for absent in ["set-cookie", "vary", "access-control-allow-origin"] {
        assert_eq!(answer.header(absent), None, "{absent}");
    }
    let set = answer.json();
    let published = set["keys"].as_array().unwrap();
    assert_eq!(published.len(), 2, "both are there while keys are rotated");
    for key in published {
        for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert_eq!(key.get(private), None, "{key}");
        }
        assert!(key["kid"].is_string() && key["use"] == "sig", "{key}");
    }
    for method in [http::Method::POST, http::Method::DELETE] {
        assert_eq!(
            browser
                .request(method, "/auth/jwks.json")
                .bare()
                .await
                .status(),
            405
        );
    }
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn without_keys_there_is_no_set() {
    let app = App::start().await;
    let browser = app.browser();
    let answer = browser.get("/auth/jwks.json").bare().await;
    assert_eq!(
        (answer.status(), answer.header("cloakroom-error")),
        (404, Some("not_found"))
    );
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn keys_are_rotated_while_people_are_signed_in() {
    let (old, new) = (p256(), p256());
    let app = start(
        Provider::start().await,
        "private_key_jwt",
        private_key(&old, None),
    )
    .await;
    let (before, after) = (app.browser(), app.browser());
    app.sign_in(&before).await;
    let published = async || {
        let set: Value = before.get("/auth/jwks.json").bare().await.json();
        set["keys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| key["kid"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let first = published().await;
    // The new one joins last, then moves first, then stands alone.
    app.bff
        .replace_client_auth(private_key(&format!("{old}{new}"), None));
    let both = published().await;
    assert_eq!((both.len(), &both[0]), (2, &first[0]));
    app.sign_in(&after).await;
    app.bff
        .replace_client_auth(private_key(&format!("{new}{old}"), None));
    assert_eq!(published().await, [both[1].clone(), both[0].clone()]);
    app.sign_in(&after).await;
    app.bff.replace_client_auth(private_key(&new, None));
    app.sign_in(&after).await;
    let kids: Vec<Value> = app
        .provider
        .received()
        .assertions
        .iter()
        .map(|assertion| assertion.header["kid"].clone())
        .collect();
    assert_eq!(kids.first(), Some(&both[0].clone().into()));
    assert_eq!(kids.last(), Some(&both[1].clone().into()));
    assert_eq!(
        app.look(&before).await["signed_in"],
        true,
        "nobody was signed out"
    );
    app.end(&[&before, &after]).await;
}

#[tokio::test]
async fn a_secret_is_replaced_while_people_are_signed_in() {
    let app = App::start().await;
    let (before, after) = (app.browser(), app.browser());
    app.sign_in(&before).await;
    app.provider.set_client_secret("the-second-secret");
    let refused = app.at_callback(&after, "/auth/login").await;
    app.assert_failed(&after, &refused, "client_refused", 502)
        .await;
    app.provider.clear_protocol_errors();
    app.bff
        .replace_client_auth(ClientAuthSetting::Secret(ClientSecret::new(
            "the-second-secret",
        )));
    app.sign_in(&after).await;
    assert_eq!(app.look(&before).await["signed_in"], true);
    app.end(&[&before, &after]).await;
}

#[tokio::test]
async fn a_secret_may_verify_id_tokens_while_a_key_proves_the_client() {
    let provider = Provider::builder()
        .client(Provider::CLIENT_ID, SECRET, "", "")
        .algorithm(Alg::Hs256)
        .start()
        .await;
    provider.set_client_auth_method("private_key_jwt");
    let auth = ClientAuthSetting::PrivateKeyJwt {
        keys: keys(ED25519, None).into(),
        id_token_secret: Some(ClientSecret::new(SECRET)),
    };
    let setting = |settings: &mut Settings| {
        settings.client_auth = auth;
        settings.id_token_algs = Some(vec![SigningAlg::HS256]);
    };
    let app = App::before(provider, setting, |builder| builder).await;
    register_keys(&app);
    let browser = app.browser();
    app.sign_in(&browser).await;
    assert!(app.provider.received().client_secrets.is_empty());
    app.end(&[&browser]).await;
}

#[tokio::test]
async fn what_does_not_fit_the_metadata_is_said_with_what_to_do() {
    let provider = Provider::builder()
        .auth_methods(["client_secret_basic"])
        .without_pushed_authorization_requests()
        .start()
        .await;
    let setting = |settings: &mut Settings| {
        settings.client_auth = private_key(ED25519, None);
        settings.par = cloakroom_bff::Par::Always;
    };
    let app = App::before(provider, setting, |builder| builder).await;
    let metadata = app.bff.provider().metadata().await.unwrap();
    let remarks = app.bff.remarks(&metadata).join("\n");
    assert!(
        remarks.contains("does not list private_key_jwt")
            && remarks.contains("no sign-in can begin"),
        "{remarks}"
    );
    app.end(&[]).await;
    let usual = App::start().await;
    let metadata = usual.bff.provider().metadata().await.unwrap();
    assert_eq!(usual.bff.remarks(&metadata), [""; 0]);
    usual.end(&[]).await;
}
