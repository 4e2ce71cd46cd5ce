//! What pages are made of.

pub mod api_notice;
pub mod guard;
pub mod header;
pub mod ticket;
pub mod typed_sign_in;
