//! What it costs to send a browser to the provider (OpenID Connect Core section 3.1.2.1, RFC 7636 section 4).

use std::hint::black_box;

use cloakroom_oidc::{
    AuthorizationRequest, CodeVerifier, Issuer, MetadataError, Nonce, ProviderMetadata, pkce,
};
use criterion::{Criterion, criterion_group, criterion_main};

const METADATA: &[u8] = br#"{
    "issuer": "https://id.example.com/oauth2/default",
    "authorization_endpoint": "https://id.example.com/oauth2/default/v1/authorize",
    "token_endpoint": "https://id.example.com/oauth2/default/v1/token",
    "jwks_uri": "https://id.example.com/oauth2/default/v1/keys"
}"#;

fn metadata() -> Result<ProviderMetadata, MetadataError> {
    let issuer = Issuer::parse("https://id.example.com/oauth2/default")
        .map_err(|_| MetadataError::MissingMember("issuer"))?;
    ProviderMetadata::parse(&issuer, METADATA)
}

/// The challenge is part of it: there is a new verifier in every request.
fn authorization_url(criterion: &mut Criterion) {
    let Ok(metadata) = metadata() else {
        return;
    };
    let state = format!("k1.{}.{}", "t".repeat(22), "s".repeat(300));
    let nonce = Nonce::new("n".repeat(43));
    criterion.bench_function("authorization URL", |bencher| {
        bencher.iter(|| {
            let verifier = CodeVerifier::from_bytes(black_box(&[7; 32]));
            AuthorizationRequest {
                client_id: "0oa1b2c3d4e5f6g7h8i9",
                redirect_uri: "https://app.example.com/auth/callback",
                scope: Some("openid profile email offline_access"),
                state: black_box(&state),
                nonce: &nonce,
                code_challenge: &pkce::challenge(&verifier),
                prompt: None,
                login_hint: Some("user@example.com"),
                max_age: None,
                acr_values: None,
                ui_locales: None,
                extra: &[],
            }
            .url(&metadata)
        });
    });
}

criterion_group!(benches, authorization_url);
criterion_main!(benches);
