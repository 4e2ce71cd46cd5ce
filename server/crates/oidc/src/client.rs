//! How requests reach the provider, and the refreshing cache of its metadata and keys (RFC 9700 section 4.4, OpenID Connect Core section 10.1.1).

mod cache;
mod documents;
mod fetch;
mod network;
mod provider;
mod transport;

pub use provider::{Clock, Provider, ProviderError};
pub use transport::{Answer, HttpClient, HttpLimits, Transport, TransportError};
