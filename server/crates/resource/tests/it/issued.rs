//! Tokens as a provider really gives them out at a sign-in, and what an API makes of each of them.

use std::sync::Arc;

use bytes::Bytes;
use cloakroom_oidc::{ClientAuth, ClientSecret, Freshness, RelyingParty};
use cloakroom_resource::{ResourceServer, TrustedIssuer};
use cloakroom_testkit::{AccessTokenForm, Provider};
use http::Request;
use serde_json::Value;

use crate::support::World;

const REDIRECT_URI: &str = "http://localhost:3000/auth/callback";
/// The example of RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn client() -> RelyingParty {
    let auth = ClientAuth::SecretBasic(ClientSecret::new(Provider::CLIENT_SECRET));
    RelyingParty::new(Provider::CLIENT_ID, auth, "")
}

/// The token answer of a sign-in.
async fn sign_in(world: &World) -> Value {
    let provider = &world.provider;
    provider.register_redirect_uri(REDIRECT_URI);
    let request = format!(
        "{}/v1/authorize?client_id={}&redirect_uri={REDIRECT_URI}&response_type=code\
         &scope=openid+groups+offline_access&state=a-state-of-enough-characters\
         &nonce=a-nonce-of-enough-characters&code_challenge={CHALLENGE}&code_challenge_method=S256",
        provider.issuer(),
        Provider::CLIENT_ID
    );
    let answer = provider
        .answer(Request::get(request).body(Bytes::new()).unwrap())
        .await;
    let location = answer.headers()["location"].to_str().unwrap();
    let code = location
        .split(['?', '&'])
        .find_map(|part| part.strip_prefix("code="))
        .unwrap();
    let parameters = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];
    let metadata = world.op().metadata().await.unwrap();
    let fresh = Freshness::new(world.clock.now(), [3; 16]);
    let request = client()
        .post(&metadata, &metadata.token_endpoint, &parameters, fresh)
        .unwrap();
    serde_json::from_slice(provider.answer(request).await.body()).unwrap()
}

fn introspecting(world: &World) -> ResourceServer {
    world.server(TrustedIssuer::introspected(
        world.op(),
        client(),
        Arc::new(|| [5; 16]),
    ))
}

#[tokio::test]
async fn access_tokens_are_good_in_their_own_profile_and_no_other() {
    for (form, good) in [
        (AccessTokenForm::Okta, [true, false, true]),
        (AccessTokenForm::Rfc9068, [false, true, true]),
        (AccessTokenForm::Opaque, [false, false, true]),
    ] {
        let world = World::of(Provider::builder().access_tokens(form).offline());
        let answer = sign_in(&world).await;
        let token = answer["access_token"].as_str().unwrap();
        let servers = [world.okta(), world.rfc9068(), introspecting(&world)];
        for (server, good) in servers.iter().zip(good) {
            let verified = server.verify(token).await;
            assert_eq!(verified.is_ok(), good, "{form:?} {verified:?}");
            let Ok(verified) = verified else { continue };
            assert_eq!(verified.subject, "user@example.com");
            assert_eq!(verified.client_id, Provider::CLIENT_ID);
            assert_eq!(verified.scopes, ["openid", "groups", "offline_access"]);
            assert_eq!(verified.claims["groups"][0], "Everyone");
        }
        world.provider.assert_clean();
    }
}

#[tokio::test]
async fn an_id_token_is_no_access_token_anywhere() {
    for form in [
        AccessTokenForm::Okta,
        AccessTokenForm::Rfc9068,
        AccessTokenForm::Opaque,
    ] {
        let world = World::of(Provider::builder().access_tokens(form).offline());
        let answer = sign_in(&world).await;
        let id_token = answer["id_token"].as_str().unwrap();
        for (server, code) in [
            (world.okta(), "token_not_an_access_token"),
            (world.rfc9068(), "jwt_unexpected_type"),
            (introspecting(&world), "token_inactive"),
        ] {
            let denied = server.verify(id_token).await.unwrap_err();
            assert_eq!((denied.code(), denied.status().as_u16()), (code, 401));
        }
        // Nor where the API's name is, by mistake, the client's.
        let builder = ResourceServer::builder([Provider::CLIENT_ID], world.clock.as_fn());
        let builder = builder.issuer(TrustedIssuer::okta(world.op()));
        let denied = builder.build().unwrap().verify(id_token).await.unwrap_err();
        assert_eq!(denied.code(), "token_not_an_access_token");
    }
}

#[tokio::test]
async fn a_refresh_token_is_no_access_token_though_it_is_active() {
    let world = World::new();
    let answer = sign_in(&world).await;
    let refresh_token = answer["refresh_token"].as_str().unwrap();
    let denied = introspecting(&world)
        .verify(refresh_token)
        .await
        .unwrap_err();
    assert_eq!(
        (denied.code(), denied.status().as_u16()),
        ("token_claim", 401)
    );
}
