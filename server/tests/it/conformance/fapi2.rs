//! `fapi2-security-profile-final-client-test-..`: those that say something of any client, also one without the profile's
//! sender-constrained tokens.

use cloakroom_testkit::Fault;

use super::modules;
use crate::start::Start;

modules! {
    /// The metadata name another issuer: nobody is sent there.
    fapi2_security_profile_final_client_test_discovery_issuer_mismatch: Fault::DiscoveryIssuerMismatch;
    /// `iss` of the authorization response is another issuer.
    fapi2_security_profile_final_client_test_invalid_authorization_response_iss: Fault::ResponseWrongIss, |provider| provider.announce_iss(true);
    /// `iss` is announced and missing.
    fapi2_security_profile_final_client_test_remove_authorization_response_iss: Fault::ResponseMissingIss, |provider| provider.announce_iss(true);
    /// `state` was altered.
    fapi2_security_profile_final_client_test_ensure_authorization_response_with_invalid_state_fails: Fault::AlterState;
    /// No `state`.
    fapi2_security_profile_final_client_test_ensure_authorization_response_with_invalid_missing_state_fails: Fault::DropState;
    /// `aud` names another client.
    fapi2_security_profile_final_client_test_invalid_aud: Fault::WrongAud;
    /// `aud` names another beside this client.
    fapi2_security_profile_final_client_test_invalid_secondary_aud: Fault::ExtraAud;
    /// No `aud`.
    fapi2_security_profile_final_client_test_invalid_missing_aud: Fault::MissingAud;
    /// `iss` is another issuer.
    fapi2_security_profile_final_client_test_invalid_iss: Fault::WrongIss;
    /// No `iss`.
    fapi2_security_profile_final_client_test_invalid_missing_iss: Fault::NoIssClaim;
    /// Expired.
    fapi2_security_profile_final_client_test_invalid_expired_exp: Fault::Expired;
    /// No `exp`.
    fapi2_security_profile_final_client_test_invalid_missing_exp: Fault::MissingExp;
    /// Another `nonce`.
    fapi2_security_profile_final_client_test_invalid_nonce: Fault::WrongNonce;
    /// No `nonce`.
    fapi2_security_profile_final_client_test_invalid_missing_nonce: Fault::MissingNonce;
    /// `alg: none`.
    fapi2_security_profile_final_client_test_invalid_null_alg: Fault::AlgNone;
    /// A published key of an algorithm that is not the client's.
    fapi2_security_profile_final_client_test_invalid_alternate_alg: Fault::AlternateAlg;
    /// `aud` is an array of one.
    fapi2_security_profile_final_client_test_valid_aud_as_array: Fault::AudArray;
    /// No `expires_in`.
    fapi2_security_profile_final_client_test_token_endpoint_response_without_expires_in: Fault::NoExpiresIn;
    /// `token_type` in another case.
    fapi2_security_profile_final_client_test_token_type_case_insensitivity: Fault::TokenTypeCase;
}

/// Pushed requests, an announced `iss`, PKCE: signed in, and the browser carries `client_id` and `request_uri` alone.
#[tokio::test(flavor = "multi_thread")]
async fn fapi2_security_profile_final_client_test_happy_path() {
    let world = Start::default()
        .provider(|provider| {
            provider
                .announce_iss(true)
                .require_pushed_authorization_requests()
        })
        .go()
        .await;
    let browser = world.browser();
    let begun = browser.get("/auth/login").navigate().await;
    let location = begun.location().expect("it leads to the provider");
    let mut names: Vec<_> = location
        .query_pairs()
        .map(|(name, _)| name.into_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["client_id", "request_uri"]);
    world.sign_in(&browser).await;
    let pushed = &world.provider.received().pushed_requests[0];
    assert_eq!(pushed["code_challenge_method"], "S256");
    assert!(!pushed.contains_key("request_uri") && !pushed.contains_key("request"));
    world.end().await;
}
