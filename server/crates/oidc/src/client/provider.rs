//! One provider: its metadata and keys, fetched when needed and kept while they are good (OpenID Connect Discovery section 4, OpenID Connect Core section 10.1.1).

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use super::cache::Cache;
use super::documents::{KeysSource, MetadataSource};
use super::transport::{HttpClient, TransportError};
use crate::issuer::Issuer;
use crate::jwk::{KeySet, KeySetError};
use crate::metadata::{MetadataError, ProviderMetadata};

/// Tells the time in Unix seconds.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Why the provider's metadata or keys are not there. Once they were fetched, an old copy stands in instead.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProviderError {
    /// No answer.
    #[error("{what} cannot be fetched: {source}")]
    Transport {
        /// The metadata or the key set.
        what: &'static str,
        /// Why.
        source: TransportError,
    },
    /// Any other status than 200 (OpenID Connect Discovery section 4.2); redirects are not followed.
    #[error("{what} cannot be fetched: the answer has status {status}; check the issuer")]
    Status {
        /// The metadata or the key set.
        what: &'static str,
        /// The HTTP status.
        status: u16,
    },
    /// 200 with something else than JSON (OpenID Connect Discovery section 4.2, RFC 7517 section 8.5); a page, mostly.
    #[error(
        "{what} cannot be used: the answer is {content_type}, not JSON; open the address in a browser and compare"
    )]
    ContentType {
        /// The metadata or the key set.
        what: &'static str,
        /// What the answer says it is, bounded.
        content_type: String,
    },
    /// The metadata is not acceptable.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The key set is not acceptable.
    #[error(transparent)]
    KeySet(#[from] KeySetError),
    /// The last try failed moments ago, and the next one is not due.
    #[error("the provider failed moments ago and is asked again shortly; the last failure: {last}")]
    BackingOff {
        /// The last failure's message.
        last: String,
    },
}

error_codes!(ProviderError {
    Self::Status { .. } => "provider_status",
    Self::ContentType { .. } => "provider_content_type",
    Self::BackingOff { .. } => "provider_backing_off",
} via {
    Self::Transport { source, .. } => source.code(),
    Self::Metadata(inner) => inner.code(),
    Self::KeySet(inner) => inner.code(),
});

/// How long metadata is good, whatever `Cache-Control` says, in seconds. Where endpoints are changes once in years,
/// and some providers forbid keeping it all the same.
const METADATA_LIFETIMES: (u64, u64) = (5 * 60, 24 * 60 * 60);
/// How long keys are good, whatever `Cache-Control` says, in seconds. Providers that are about to change their keys
/// say so by a short lifetime; the floor only keeps a zero from meaning a request for every token.
const KEYS_LIFETIMES: (u64, u64) = (10, 24 * 60 * 60);

/// One provider, for as long as the process lives. Cheap to clone; clones share their copies.
///
/// Copies are kept as long as `Cache-Control` says, an hour where it says nothing: metadata between five minutes and
/// a day, keys between ten seconds and a day. Past four fifths of that time whoever asks gets the copy at once, and
/// one request for a newer one runs in the background. Requests carry `If-None-Match` and `If-Modified-Since`; a 304
/// renews the copy. When a copy is too old and the provider does not answer, the old one stays in use and the
/// provider is asked again after 1, 2, 4 up to 60 seconds. There is never more than one request for a document at
/// a time.
///
/// Where the OpenID document is not there, or lacks an endpoint, the one of RFC 8414 is asked for too, at the address
/// that section 3.1 gives it, and the next time at the one behind the issuer. That is one more request a refresh at
/// most, none for a day once both addresses had nothing that helps, and its failure is not the provider's.
///
/// Its futures run in a Tokio runtime with time enabled.
#[derive(Clone)]
pub struct Provider {
    issuer: Issuer,
    http: HttpClient,
    metadata: Arc<Cache<MetadataSource>>,
    keys: Arc<Cache<KeysSource>>,
}

impl Provider {
    /// Nothing is fetched yet.
    pub fn new(issuer: Issuer, http: HttpClient, clock: Clock) -> Self {
        let metadata = Arc::new(Cache::new(
            MetadataSource::new(issuer.clone(), http.clone(), Arc::clone(&clock)),
            Arc::clone(&clock),
            METADATA_LIFETIMES,
        ));
        let keys = Arc::new(Cache::new(
            KeysSource::new(Arc::clone(&metadata), http.clone()),
            clock,
            KEYS_LIFETIMES,
        ));
        Self {
            issuer,
            http,
            metadata,
            keys,
        }
    }

    /// The configured issuer.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The transport, for requests to the provider's other endpoints.
    pub fn http(&self) -> &HttpClient {
        &self.http
    }

    /// The metadata, from the cache while it is good.
    pub async fn metadata(&self) -> Result<Arc<ProviderMetadata>, ProviderError> {
        self.metadata.get().await
    }

    /// The metadata, where it was fetched before, however old; never waits.
    pub fn known_metadata(&self) -> Option<Arc<ProviderMetadata>> {
        self.metadata.copy()
    }

    /// The keys, from the cache while they are good.
    pub async fn keys(&self) -> Result<Arc<KeySet>, ProviderError> {
        self.keys.get().await
    }

    /// The keys, where they were fetched before, however old; never waits.
    pub fn known_keys(&self) -> Option<Arc<KeySet>> {
        self.keys.copy()
    }

    /// The keys after a token came with a key that the cached set does not have: fetched again, past caches on the
    /// way, but at most once in ten seconds, and not while the provider is down. Otherwise the set is the same as
    /// before, and so is what the token meets.
    pub async fn keys_after_unknown_kid(&self) -> Result<Arc<KeySet>, ProviderError> {
        self.keys.force().await
    }

    /// Whether the last fetch of metadata or keys failed.
    pub fn is_degraded(&self) -> bool {
        self.last_error().is_some()
    }

    /// What the last fetch failed with, if it failed.
    pub fn last_error(&self) -> Option<String> {
        self.metadata
            .last_error()
            .or_else(|| self.keys.last_error())
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field("issuer", &self.issuer.as_str())
            .field("degraded", &self.is_degraded())
            .finish_non_exhaustive()
    }
}
