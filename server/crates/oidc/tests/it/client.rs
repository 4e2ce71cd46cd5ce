//! The transport and the cache, against a listener on loopback.

mod provider;
mod server;
mod transport;
