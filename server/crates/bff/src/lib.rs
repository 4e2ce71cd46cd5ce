//! The counter of Cloakroom: signs people in at an OpenID Provider, keeps their tokens on the server, and gives the
//! browser a ticket.
//!
//! A [`Bff`] is put together from [`Settings`], a [`Provider`](cloakroom_oidc::client::Provider) and a
//! [`Vault`](cloakroom_vault::Vault), and wrapped around an axum router by [`Bff::install`]. `examples/plain_axum.rs`
//! is a whole application without Leptos.
//!
//! Specifications: OpenID Connect Core 1.0, OAuth 2.0 Form Post Response Mode, RFC 6749, RFC 7523, RFC 7636, RFC 9126,
//! RFC 9207, RFC 9700, and draft-ietf-oauth-browser-based-apps section 6.1 (backend for frontend).

#[cfg(target_arch = "wasm32")]
compile_error!("cloakroom-bff holds tokens: it is for the server only");

mod access;
mod address;
mod answer;
mod arrival;
#[doc(hidden)]
pub mod benching;
mod bff;
mod budget;
mod callback;
mod callback_error;
mod client_auth;
mod code;
mod cookies;
mod ends;
mod exchange;
mod extract;
mod failure;
mod fetch_metadata;
mod form;
#[doc(hidden)]
pub mod fuzzing;
mod guard;
mod health;
mod held;
mod hooks;
mod initiate;
mod jwks;
mod layers;
mod login;
mod logout;
mod make_session;
mod notice;
mod parameter_name;
mod problem;
mod proxy;
mod public_url;
mod pushed;
mod query;
mod record;
mod reference;
mod remarks;
mod return_to;
mod revocation;
mod router;
mod session;
mod session_endpoint;
mod settings;
mod silent;
mod tickets;
mod time;
mod tokens;
mod transaction;
mod upstream;
mod visit;
mod wish;

pub use access::{AccessError, Requirement, StepUp};
pub use answer::Answer;
pub use bff::{Bff, Builder};
pub use client_auth::ClientAuthSetting;
pub use code::Code;
pub use extract::{SignedIn, denied, refusal, refusal_outside};
pub use failure::{ERROR_PATH, Failure, sign_in_path, step_up_path};
pub use fetch_metadata::Caller;
pub use hooks::{OnSignIn, Refused, SignIn};
pub use notice::Notice;
pub use parameter_name::{ParameterName, ParameterNameError};
pub use problem::ERROR_HEADER;
pub use proxy::{CallError, RepeatedHeader, RouteError, UpstreamTrust, UpstreamTrustError};
pub use public_url::{PublicUrl, PublicUrlError};
pub use return_to::{ReturnTo, ReturnToError};
pub use session::Session;
pub use settings::{Par, ResponseMode, Settings};
pub use silent::SilentSignIn;
pub use time::{Clock, Random, SystemClock, SystemRandom};
pub use upstream::{
    Upstream, UpstreamError, UpstreamName, UpstreamProtocol, UpstreamRoute, UpstreamTimeouts,
    WhoseToken,
};
pub use visit::Visit;
