#![doc = include_str!("../README.md")]

#[cfg(target_arch = "wasm32")]
compile_error!(
    "cloakroom-resource checks access tokens; it belongs on the server and does not compile for wasm32"
);

#[macro_use]
mod codes;

mod answers;
mod builder;
mod challenge;
mod claimed;
mod credentials;
mod denied;
mod extract;
mod flights;
mod form;
mod introspection;
mod layer;
mod metadata;
mod requirement;
mod server;
mod token;
mod trusted_issuer;

pub use builder::{BuildError, ResourceServerBuilder};
pub use denied::Denied;
pub use extract::{Access, AccessTokenClaims};
pub use introspection::{IntrospectionError, Random};
pub use layer::{AccessLayer, AccessService};
pub use metadata::{ProtectedResource, ResourceError};
pub use requirement::Requirement;
pub use server::ResourceServer;
pub use token::{MAX_TOKEN, TokenRefusal, VerifiedToken};
pub use trusted_issuer::TrustedIssuer;
