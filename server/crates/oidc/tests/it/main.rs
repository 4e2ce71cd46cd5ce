//! The relying party's rules, one module for each file of `src`. Negative tests carry the names of the OpenID
//! Foundation's relying-party modules where there is one.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests: a value that is not there is a failed test"
)]

mod authorization_request;
mod authorization_response;
#[cfg(feature = "client")]
mod client;
mod client_assertion;
mod client_keys;
mod conformance;
mod corpus;
mod end_session;
mod form;
mod hint;
mod id_token;
mod issuer;
mod json;
mod jwk;
mod jwt;
mod keys;
mod metadata;
mod pkce;
mod pushed_authorization;
mod readme;
mod redact;
mod relying_party;
mod revocation;
mod secret;
mod signing_alg;
mod support;
mod token_request;
mod token_response;
mod userinfo;
