//! Requests to the token endpoint (RFC 6749 sections 4.1.3 and 6, RFC 7636 section 4.5).

use bytes::Bytes;
use http::Request;

use crate::client_assertion::{ClientAuthError, Freshness};
use crate::metadata::ProviderMetadata;
use crate::relying_party::RelyingParty;
use crate::secret::{AuthorizationCode, CodeVerifier, RefreshToken};

/// Exchanges a code for tokens. Send it once: a code is good once.
pub fn authorization_code(
    metadata: &ProviderMetadata,
    client: &RelyingParty,
    code: &AuthorizationCode,
    verifier: &CodeVerifier,
    fresh: Freshness,
) -> Result<Request<Bytes>, ClientAuthError> {
    client.post(
        metadata,
        &metadata.token_endpoint,
        &[
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", &client.redirect_uri),
            ("code_verifier", verifier.expose()),
        ],
        fresh,
    )
}

/// Asks for new tokens. `scope` narrows what was granted; `None` asks for all of it. `resource` says for which resource
/// the access token is to be (RFC 8707 section 2.2).
pub fn refresh_token(
    metadata: &ProviderMetadata,
    client: &RelyingParty,
    token: &RefreshToken,
    scope: Option<&str>,
    resource: Option<&str>,
    fresh: Freshness,
) -> Result<Request<Bytes>, ClientAuthError> {
    let mut parameters = vec![
        ("grant_type", "refresh_token"),
        ("refresh_token", token.expose()),
    ];
    if let Some(scope) = scope {
        parameters.push(("scope", scope));
    }
    if let Some(resource) = resource {
        parameters.push(("resource", resource));
    }
    client.post(metadata, &metadata.token_endpoint, &parameters, fresh)
}
