//! Settings: the one place that reads the environment.

pub(crate) mod client_auth;
pub(crate) mod config;
mod parse;
pub(crate) mod sources;
pub(crate) mod table;
