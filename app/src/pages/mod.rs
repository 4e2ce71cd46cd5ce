//! The pages.

pub mod error;
pub mod home;
pub mod messages;
pub mod not_found;
pub mod profile;
