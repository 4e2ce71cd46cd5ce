//! The resource server's rules, against the test kit's provider in the same process.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests: a value that is not there is a failed test"
)]

mod introspection;
mod messages;
mod metadata;
mod request;
mod requirement;
mod support;
mod token;
