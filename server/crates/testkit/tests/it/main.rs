//! The test kit's own tests: an honest sign-in by hand, every refusal, and every fault doing what it says.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod access_tokens;
mod assertions;
mod authorize;
mod browser;
mod callback_faults;
mod clock;
mod conformance;
mod cookies;
mod discovery;
mod faults;
mod form_post;
mod id_token_faults;
mod id_token_text_faults;
mod offline;
mod provider;
mod pushed;
mod refresh;
mod refusals;
mod relying_party;
mod search;
mod sign_in;
mod stand_in;
mod token_faults;
mod tokens;
mod userinfo;
