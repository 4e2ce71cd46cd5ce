//! What must hold of whatever a browser sends, as functions over any bytes (RFC 9700 section 4, RFC 6265bis section 5).
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

mod cookies;
mod proxy_path;
mod query;
mod return_to;
mod state;

pub use self::cookies::cookies;
pub use self::proxy_path::proxy_path;
pub use self::query::query;
pub use self::return_to::return_to;
pub use self::state::{known_states, state, state_payload};

/// A target's name, which is that of its corpus folder and of its program in `server/fuzz`, and its function.
pub type Target = (&'static str, fn(&[u8]) -> bool);

/// All of them.
pub const TARGETS: &[Target] = &[
    ("cookies", cookies),
    ("proxy_path", proxy_path),
    ("query", query),
    ("return_to", return_to),
    ("state", state),
    ("state_payload", state_payload),
];
