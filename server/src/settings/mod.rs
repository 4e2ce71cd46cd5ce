//! Settings: the one place that reads the environment.

pub(crate) mod config;
pub(crate) mod sources;
pub(crate) mod table;
