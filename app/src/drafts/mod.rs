//! What a person was doing, kept over a sign-in: the text they typed, and the call they want made again. In the browser's
//! `sessionStorage` (WHATWG HTML section 12.2), for this tab alone, for half an hour at most, used once; gone when another
//! person signs in, and when this one signs out. It holds what was typed, and nothing that opens anything.

#[cfg(any(test, not(feature = "ssr")))]
mod rules;
#[cfg(not(feature = "ssr"))]
mod store;
mod use_draft;

pub use use_draft::use_draft;

#[cfg(not(feature = "ssr"))]
pub(crate) use rules::Needs;
#[cfg(not(feature = "ssr"))]
pub(crate) use store::{forget_all, keep_again, take_again, tidy};

/// Nothing is kept on the server.
#[cfg(feature = "ssr")]
pub(crate) fn forget_all() {}
