//! The one HTTP transport, and the refreshing cache of a provider's metadata and keys (RFC 9700 section 4.4, OpenID Connect Core section 10.1.1).

mod cache;
mod provider;
mod transport;

pub use provider::{Clock, Provider, ProviderError};
pub use transport::{HttpClient, HttpLimits, TransportError};
