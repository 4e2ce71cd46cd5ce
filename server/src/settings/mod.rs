//! Settings: the one place that reads the environment.

pub(crate) mod apis;
pub(crate) mod client_auth;
pub(crate) mod config;
mod parse;
mod protocol;
pub(crate) mod secret_file;
pub(crate) mod sources;
pub(crate) mod table;
