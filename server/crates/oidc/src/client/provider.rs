//! One provider: its metadata and keys, fetched when needed and kept while they are good (OpenID Connect Discovery section 4, OpenID Connect Core section 10.1.1).

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, AGE, CACHE_CONTROL};
use http::{HeaderMap, HeaderValue, Request, Response};
use thiserror::Error;
use url::Url;

use super::cache::{Cache, Fetched};
use super::transport::{HttpClient, TransportError};
use crate::issuer::Issuer;
use crate::jwk::{KeySet, KeySetError};
use crate::metadata::{MetadataError, ProviderMetadata};
use crate::relying_party::uri;

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
    Self::BackingOff { .. } => "provider_backing_off",
} via {
    Self::Transport { source, .. } => source.code(),
    Self::Metadata(inner) => inner.code(),
    Self::KeySet(inner) => inner.code(),
});

const METADATA: &str = "the provider's metadata";
const KEYS: &str = "the provider's key set";

/// One provider, for as long as the process lives. Share it behind an `Arc`.
///
/// Copies are kept as long as `Cache-Control` says, between five minutes and a day, an hour where it says
/// nothing. When a copy is too old and the provider does not answer, the old one stays in use and the
/// provider is asked again after 1, 2, 4 up to 60 seconds.
pub struct Provider {
    issuer: Issuer,
    http: HttpClient,
    clock: Clock,
    metadata: Cache<ProviderMetadata>,
    keys: Cache<KeySet>,
}

impl Provider {
    /// Nothing is fetched yet.
    pub fn new(issuer: Issuer, http: HttpClient, clock: Clock) -> Self {
        Self {
            issuer,
            http,
            clock,
            metadata: Cache::new(),
            keys: Cache::new(),
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
        self.metadata
            .get(&self.clock, async {
                let answer = self.fetch(METADATA, &self.issuer.discovery_url()).await?;
                Ok(Fetched {
                    value: ProviderMetadata::parse(&self.issuer, answer.body())?,
                    max_age: max_age(answer.headers()),
                })
            })
            .await
    }

    /// The metadata, where it was fetched before, however old; never waits.
    pub fn known_metadata(&self) -> Option<Arc<ProviderMetadata>> {
        self.metadata.known()
    }

    /// The keys, from the cache while they are good.
    pub async fn keys(&self) -> Result<Arc<KeySet>, ProviderError> {
        self.keys.get(&self.clock, self.fetch_keys()).await
    }

    /// The keys after a token came with a key that the cached set does not have: fetched again, but at most once
    /// in ten seconds, and not while the provider is down. Otherwise the set is the same as before, and so
    /// is what the token meets.
    pub async fn keys_after_unknown_kid(&self) -> Result<Arc<KeySet>, ProviderError> {
        self.keys.force(&self.clock, self.fetch_keys()).await
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

    async fn fetch_keys(&self) -> Result<Fetched<KeySet>, ProviderError> {
        let metadata = self.metadata().await?;
        let fetched = self.fetch(KEYS, &metadata.jwks_uri).await;
        if matches!(fetched, Err(ProviderError::Status { .. })) {
            // The keys may have moved.
            self.metadata.expire();
        }
        let answer = fetched?;
        let value = KeySet::parse(answer.body())?;
        tracing::debug!(
            keys = value.len(),
            skipped = value.skipped(),
            "fetched the provider's keys"
        );
        Ok(Fetched {
            value,
            max_age: max_age(answer.headers()),
        })
    }

    async fn fetch(&self, what: &'static str, url: &Url) -> Result<Response<Bytes>, ProviderError> {
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = uri(url);
        request
            .headers_mut()
            .insert(ACCEPT, HeaderValue::from_static("application/json"));
        let answer = self
            .http
            .send(request)
            .await
            .map_err(|source| ProviderError::Transport { what, source })?;
        let status = answer.status().as_u16();
        if status == 200 {
            Ok(answer)
        } else {
            Err(ProviderError::Status { what, status })
        }
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

/// For how many seconds an answer is good, less what it spent in caches on the way (RFC 9111 section 4.2.3);
/// zero where it must not be kept or must be asked for again.
fn max_age(headers: &HeaderMap) -> Option<u64> {
    let mut stated: Option<u64> = None;
    for value in headers.get_all(CACHE_CONTROL) {
        for directive in value.to_str().ok()?.split(',') {
            let directive = directive.trim().to_ascii_lowercase();
            if matches!(directive.as_str(), "no-store" | "no-cache") {
                return Some(0);
            }
            if let Some(seconds) = directive.strip_prefix("max-age=") {
                let seconds = seconds.trim_matches('"').parse().ok()?;
                stated = Some(stated.map_or(seconds, |known| known.min(seconds)));
            }
        }
    }
    let age: u64 = headers
        .get(AGE)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .unwrap_or(0);
    stated.map(|seconds| seconds.saturating_sub(age))
}
