//! What must hold of whatever comes from outside, as functions over any bytes (RFC 9700 section 2, RFC 8725 section 3).
//!
//! Each function reads the bytes as one module of this crate would be given them, and asserts the module's promises
//! with readers other than its own. cargo-fuzz drives them (`server/fuzz`); their corpora run as ordinary tests. They
//! answer whether the input was accepted, so that a corpus without a good input, or without a bad one, is noticed.
//!
//! No part of the public interface: nothing here is kept compatible.

#![expect(
    clippy::expect_used,
    reason = "as in a test: what is not there is a finding"
)]

mod answer;
mod authorization_response;
mod id_token;
mod jwt;
mod key_set;
mod keys;
mod metadata;
mod redact;
mod token_response;
mod userinfo;

pub use self::authorization_response::authorization_response;
pub use self::id_token::id_token;
pub use self::jwt::{jwt, signed_jwt};
pub use self::key_set::key_set;
pub use self::metadata::metadata;
pub use self::redact::redact;
pub use self::token_response::token_response;
pub use self::userinfo::userinfo;

/// A target's name, which is that of its corpus folder and of its program in `server/fuzz`, and its function.
pub type Target = (&'static str, fn(&[u8]) -> bool);

/// All of them.
pub const TARGETS: &[Target] = &[
    ("authorization_response", authorization_response),
    ("id_token", id_token),
    ("jwt", jwt),
    ("key_set", key_set),
    ("metadata", metadata),
    ("redact", redact),
    ("signed_jwt", signed_jwt),
    ("token_response", token_response),
    ("userinfo", userinfo),
];

/// Stands for a secret in the inputs: where only secrets stand, no error may show it.
const MARKER: &str = "hush-5f1e9c";

/// The issuer that is configured.
const ISSUER: &str = "https://id.example.com/oauth2/default";

/// A stable code's form: it stands in addresses, headers and metrics.
fn is_code(code: &str) -> bool {
    !code.is_empty()
        && code
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Text that may go to a log or a page: bounded, and nothing in it forges a line or turns text around.
fn is_legible(text: &str, max: usize) -> bool {
    text.chars().count() <= max
        && !text
            .chars()
            .any(|c| c.is_control() || matches!(c, '\u{202E}' | '\u{2028}' | '\u{2029}'))
}
