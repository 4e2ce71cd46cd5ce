//! What can be chosen at the start, and being down.

use cloakroom_testkit::{Browser, Counts, Fault, Provider};

use crate::relying_party::*;

#[tokio::test]
async fn the_optional_endpoints_can_be_absent() {
    let provider = Provider::builder()
        .without_userinfo()
        .without_end_session()
        .without_revocation()
        .start()
        .await;
    let browser = Browser::with_base(format!("{}/", provider.issuer()));
    let metadata = browser.get(".well-known/openid-configuration").await.json();
    for name in [
        "userinfo_endpoint",
        "end_session_endpoint",
        "revocation_endpoint",
    ] {
        assert!(metadata.get(name).is_none(), "{name}");
    }
    assert_eq!(browser.get("v1/userinfo").bare().await.status(), 404);
    assert_eq!(provider.protocol_errors().len(), 1);
}

#[tokio::test]
async fn nobody_signed_in_means_login_required_for_prompt_none_and_a_page_otherwise() {
    let (provider, browser) = provider().await;
    provider.sign_out_user();
    let silent = authorize(&browser, &authorization_request_with("prompt", "none")).await;
    assert_eq!(silent.location_param("error").unwrap(), "login_required");
    assert_eq!(silent.location_param("state").unwrap(), STATE);
    assert_eq!(
        authorize(&browser, &authorization_request()).await.status(),
        200
    );
    assert!(provider.issued().codes.is_empty());
}

#[tokio::test]
async fn a_stopped_provider_is_down_and_a_resumed_one_knows_what_it_knew() {
    let (provider, browser) = provider().await;
    let code = code(&browser).await;
    provider.stop().await;
    assert!(
        browser
            .get(".well-known/openid-configuration")
            .send()
            .await
            .is_err()
    );
    provider.resume().await;
    assert_eq!(exchange(&browser, &code).await.status(), 200);
    let address = provider.address();
    drop(provider);
    tokio::task::yield_now().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn an_unknown_path_is_a_protocol_error() {
    let (provider, browser) = provider().await;
    assert_eq!(browser.get("v1/authorise").await.status(), 404);
    assert_eq!(
        provider.protocol_errors(),
        ["there is nothing at /oauth2/default/v1/authorise"]
    );
    provider.set_fault(Fault::DiscoveryDown);
    provider.reset_counts();
    assert_eq!(provider.counts(), Counts::default());
}
