//! The refresh modules of the OpenID Foundation's relying-party suite, with the test kit's provider in this process: what
//! a refreshed ID token must not contradict (OpenID Connect Core section 12.2).

use bytes::Bytes;
use cloakroom_oidc::id_token::OriginalIdToken;
use cloakroom_oidc::{
    AssertionAudience, AuthorizationRequest, AuthorizationResponse, ClientAuth, ClientSecret,
    CodeVerifier, Freshness, IdTokenClaims, IdTokenError, IdTokenExpectations, Issuer, KeySet,
    Nonce, Policy, ProviderMetadata, RefreshToken, RelyingParty, SigningAlg, TokenResponse,
    id_token, pkce, token_request,
};
use cloakroom_testkit::{Fault, Provider};
use http::Request;

const CALLBACK: &str = "https://app.example.com/auth/callback";
const SECRET: &str = "a-secret-of-32-characters-or-more";

/// Somebody who has signed in and holds a refresh token.
struct SignedIn {
    provider: Provider,
    metadata: ProviderMetadata,
    keys: KeySet,
    client: RelyingParty,
    nonce: Nonce,
    claims: IdTokenClaims,
    refresh_token: RefreshToken,
}

async fn get(provider: &Provider, address: &str) -> http::Response<Bytes> {
    provider
        .answer(Request::get(address).body(Bytes::new()).unwrap())
        .await
}

impl SignedIn {
    async fn new() -> Self {
        let provider = Provider::builder()
            .client("client-1", SECRET, CALLBACK, "")
            .offline();
        let issuer = Issuer::parse(&provider.issuer()).unwrap();
        let answer = get(&provider, issuer.discovery_url().as_str()).await;
        let metadata = ProviderMetadata::parse(&issuer, answer.body()).unwrap();
        let answer = get(&provider, metadata.jwks_uri.as_str()).await;
        let keys = KeySet::parse(answer.body()).unwrap();
        let client = RelyingParty {
            client_id: "client-1".to_owned(),
            auth: ClientAuth::SecretBasic(ClientSecret::new(SECRET)),
            redirect_uri: CALLBACK.to_owned(),
            assertion_audience: AssertionAudience::default(),
        };
        let nonce = Nonce::new("the-nonce-of-this-sign-in");
        let verifier = CodeVerifier::from_bytes(&[1; 32]);
        let address = AuthorizationRequest {
            client_id: &client.client_id,
            redirect_uri: CALLBACK,
            scope: Some("openid profile offline_access"),
            state: "the-state-of-this-sign-in",
            nonce: &nonce,
            code_challenge: &pkce::challenge(&verifier),
            prompt: None,
            login_hint: None,
            max_age: None,
            acr_values: None,
            ui_locales: None,
            extra: &[],
        }
        .url(&metadata);
        let approved = get(&provider, address.as_str()).await;
        let location = approved.headers()["location"].to_str().unwrap();
        let (_, query) = location.split_once('?').unwrap();
        let AuthorizationResponse::Code { code, .. } = AuthorizationResponse::parse(query).unwrap()
        else {
            panic!("{query} has a code");
        };
        let fresh = Freshness::new(provider.now(), [2; 16]);
        let request =
            token_request::authorization_code(&metadata, &client, &code, &verifier, fresh).unwrap();
        let tokens = TokenResponse::parse(&provider.answer(request).await).unwrap();
        let expectations = IdTokenExpectations {
            nonce: Some(&nonce),
            ..IdTokenExpectations::new(&metadata.issuer, &client.client_id, provider.now())
        };
        let claims = id_token::verify(
            tokens.require_id_token().unwrap(),
            &keys,
            &Policy::new(&[SigningAlg::RS256]),
            &expectations,
        )
        .unwrap();
        Self {
            refresh_token: tokens.refresh_token.unwrap(),
            provider,
            metadata,
            keys,
            client,
            nonce,
            claims,
        }
    }

    /// One refresh, and what comes of the ID token that it brings.
    async fn refresh(&self) -> Result<IdTokenClaims, IdTokenError> {
        let fresh = Freshness::new(self.provider.now(), [3; 16]);
        let request = token_request::refresh_token(
            &self.metadata,
            &self.client,
            &self.refresh_token,
            None,
            None,
            fresh,
        )
        .unwrap();
        let tokens = TokenResponse::parse(&self.provider.answer(request).await).unwrap();
        let expectations = IdTokenExpectations {
            nonce: Some(&self.nonce),
            access_token: Some(&tokens.access_token),
            ..IdTokenExpectations::new(
                &self.metadata.issuer,
                &self.client.client_id,
                self.provider.now(),
            )
        };
        id_token::verify_refreshed(
            tokens.require_id_token().unwrap(),
            &self.keys,
            &Policy::new(&[SigningAlg::RS256]),
            &expectations,
            &OriginalIdToken::from(&self.claims),
        )
    }
}

/// A refresh brings new tokens, and an ID token about the same sign-in.
#[tokio::test]
async fn oidcc_client_test_refresh_token() {
    let signed_in = SignedIn::new().await;
    let claims = signed_in.refresh().await.unwrap();
    assert_eq!(claims.subject, signed_in.claims.subject);
    assert_eq!(claims.auth_time, signed_in.claims.auth_time);
    signed_in.provider.assert_clean();
}

/// The refreshed ID token names another issuer.
#[tokio::test]
async fn oidcc_client_test_refresh_token_invalid_issuer() {
    let signed_in = SignedIn::new().await;
    signed_in.provider.set_fault(Fault::WrongIss);
    assert_eq!(
        signed_in.refresh().await.err(),
        Some(IdTokenError::IssuerMismatch)
    );
}

/// The refreshed ID token is about another user.
#[tokio::test]
async fn oidcc_client_test_refresh_token_invalid_sub() {
    let signed_in = SignedIn::new().await;
    signed_in.provider.set_fault(Fault::OtherSub);
    assert_eq!(
        signed_in.refresh().await.err(),
        Some(IdTokenError::SubjectChanged)
    );
}
