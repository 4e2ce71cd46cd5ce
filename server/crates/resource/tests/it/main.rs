//! The resource server's rules, against the test kit's provider in the same process.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests: a value that is not there is a failed test"
)]

mod access;
mod challenge;
mod claims;
mod form;
mod introspection;
mod issued;
mod issuers;
mod load;
mod messages;
mod metadata;
mod readme;
mod request;
mod requirement;
mod scripted;
mod service;
mod signature;
mod support;
mod tck;
mod token;
