#![doc = include_str!("../README.md")]

#[cfg(target_arch = "wasm32")]
compile_error!(
    "cloakroom-oidc holds tokens and secrets; it belongs on the server and does not compile for wasm32"
);

#[macro_use]
mod codes;

pub mod authorization_request;
pub mod authorization_response;
#[cfg(feature = "client")]
pub mod client;
pub mod client_assertion;
pub mod client_keys;
pub mod end_session;
pub mod form;
#[doc(hidden)]
pub mod fuzzing;
pub mod hint;
pub mod id_token;
pub mod issuer;
pub mod json;
pub mod jwk;
pub mod jwt;
pub mod metadata;
mod oauth_error;
pub mod pkce;
pub mod pushed_authorization;
pub mod redact;
pub mod relying_party;
pub mod revocation;
pub mod secret;
pub mod signing_alg;
mod text;
pub mod token_request;
pub mod token_response;
pub mod userinfo;

pub use authorization_request::AuthorizationRequest;
pub use authorization_response::{
    AuthorizationResponse, AuthorizationResponseError, AuthorizationResponseErrorKind,
};
pub use client_assertion::{
    AssertionAudience, ClientAuthError, Freshness, SecretJwt, SecretJwtError,
};
pub use client_keys::{ClientKeyOptions, ClientKeys, ClientKeysError};
pub use end_session::EndSessionRequest;
pub use form::FormError;
pub use id_token::{IdTokenClaims, IdTokenError, IdTokenExpectations};
pub use issuer::{Issuer, IssuerError};
pub use json::JsonError;
pub use jwk::{KeySet, KeySetError};
pub use jwt::{JwtError, Policy, VerifiedJwt};
pub use metadata::{MetadataError, ProviderMetadata};
pub use pushed_authorization::{PushedAuthorization, PushedAuthorizationError};
pub use relying_party::{ClientAuth, RelyingParty};
pub use revocation::RevocationError;
pub use secret::{
    AccessToken, AuthorizationCode, ClientSecret, CodeVerifier, IdToken, Nonce, RefreshToken,
};
pub use signing_alg::SigningAlg;
pub use token_response::{TokenError, TokenResponse};
pub use userinfo::UserinfoError;
