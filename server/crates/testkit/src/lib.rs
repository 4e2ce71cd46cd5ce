//! What Cloakroom's tests share: an OpenID Provider that is honest until it is told not to be, a
//! browser's stand-in, a clock that stands still, and the search for secrets that got out.
//!
//! Nothing here shares code with `cloakroom-oidc`: the provider is written from the specifications
//! (OpenID Connect Core 1.0, RFC 6749, RFC 7636, RFC 9207) a second time, so that a misreading on one
//! side shows as a failing test instead of being mirrored on the other. Use it as a dev-dependency only.
//!
//! ```
//! use cloakroom_testkit::{Browser, Fault, Provider};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let provider = Provider::start().await;
//! provider.register_app("http://localhost:3000");
//! provider.set_fault(Fault::WrongNonce);
//!
//! let browser = Browser::new();
//! let metadata = browser
//!     .get(format!("{}/.well-known/openid-configuration", provider.issuer()))
//!     .fetch()
//!     .await;
//! assert_eq!(metadata.json()["issuer"], provider.issuer());
//! # }
//! ```
//!
//! Three ways to use it from outside: [`Provider::sign_in`] makes a signed-in session in an application under test,
//! [`conformance::run`] walks the OpenID Foundation's relying-party modules against a running one (`cargo run -p
//! cloakroom-testkit --example conformance -- http://localhost:3000`), and [`Provider::offline`] answers without a network.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "only tests use this crate, and in a test a panic with a message is the report"
)]

pub mod browser;
mod clock;
pub mod conformance;
pub mod provider;
mod search;

pub use browser::{Browser, BrowserError, Cookie, Response, SameSite, raw_request};
pub use clock::ManualClock;
pub use provider::{
    AccessTokenForm, Alg, Counts, Effect, Fault, Issued, Needs, Provider, Received, User,
};
pub use search::leaks;
