//! The pages.

pub mod error;
pub mod home;
pub mod not_found;
pub mod profile;
