//! The two documents of a provider: its metadata, from up to two places, and its keys (OpenID Connect Discovery section 4, RFC 8414 section 3, RFC 7517 section 5).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use tokio::time::timeout;
use url::Url;

use super::cache::{Cache, Fetched, Freshness, Source};
use super::fetch::{Answer, Validators, document, max_age};
use super::provider::{Clock, ProviderError};
use super::transport::HttpClient;
use crate::issuer::Issuer;
use crate::jwk::KeySet;
use crate::metadata::{MetadataError, ProviderMetadata};

const METADATA: &str = "the provider's metadata";
const KEYS: &str = "the provider's key set";

/// How long the second document may take while the first is enough to go on with.
const PATIENCE: Duration = Duration::from_secs(3);
/// For how long the second document is not asked for once neither address has it, in seconds.
const SETTLED_FOR: u64 = 24 * 60 * 60;

/// The OpenID document, and that of RFC 8414 for what it lacks.
pub(super) struct MetadataSource {
    issuer: Issuer,
    http: HttpClient,
    clock: Clock,
    second: Mutex<Second>,
}

/// What is known about the second document.
#[derive(Default)]
struct Second {
    /// Whether it is behind the issuer, rather than between host and path.
    appended: bool,
    /// How many addresses in a row had nothing of use, and when that was found out.
    misses: u32,
    missed_at: u64,
    /// The last one that was of use, for when its server is down.
    last: Option<Bytes>,
    /// Whether the address that it came from had nothing of use since, once.
    doubted: bool,
    /// Whether it is all there is, for want of the first one.
    stands_alone: bool,
}

impl MetadataSource {
    pub(super) fn new(issuer: Issuer, http: HttpClient, clock: Clock) -> Self {
        Self {
            issuer,
            http,
            clock,
            second: Mutex::default(),
        }
    }

    /// What to make of an OpenID document: enough by itself, or to be completed.
    async fn completed(
        &self,
        answer: &Response<Bytes>,
        url: &Url,
    ) -> Result<Fetched<ProviderMetadata>, ProviderError> {
        let alone = ProviderMetadata::parse(&self.issuer, answer.body());
        let own_age = max_age(answer.headers());
        let wanting = match &alone {
            Ok(metadata) => metadata.lacks_endpoints(),
            Err(MetadataError::MissingMember(name)) => *name != "issuer",
            Err(_) => false,
        };
        if wanting && (alone.is_err() || !self.is_settled()) {
            let second = if alone.is_ok() {
                timeout(PATIENCE, self.ask_second()).await.unwrap_or(None)
            } else {
                self.ask_second().await
            };
            let completed = second
                .and_then(|second| Some((self.merged(answer, &second)?, max_age(second.headers()))))
                .or_else(|| Some((self.merged_with_the_last(answer)?, None)));
            if let Some((metadata, age)) = completed {
                return Ok(Fetched {
                    value: Arc::new(metadata),
                    max_age: own_age.into_iter().chain(age).min(),
                    // Of two documents: that one of them is unchanged says too little.
                    validators: None,
                });
            }
        }
        let settled = !wanting || self.is_settled();
        Ok(Fetched {
            value: Arc::new(alone?),
            max_age: own_age,
            validators: Validators::of(url, answer.headers()).filter(|_| settled),
        })
    }

    /// Both documents as one, or `None` where the second is not fit for it.
    fn merged(
        &self,
        first: &Response<Bytes>,
        second: &Response<Bytes>,
    ) -> Option<ProviderMetadata> {
        match ProviderMetadata::parse_both(&self.issuer, first.body(), second.body()) {
            Ok(metadata) => {
                self.found(Some(second.body().clone()));
                Some(metadata)
            }
            Err(error) => {
                tracing::debug!("the second metadata document is of no use: {error}");
                self.missed();
                None
            }
        }
    }

    /// The same with the second document of an earlier time.
    fn merged_with_the_last(&self, first: &Response<Bytes>) -> Option<ProviderMetadata> {
        let last = self.second().last.clone()?;
        ProviderMetadata::parse_both(&self.issuer, first.body(), &last).ok()
    }

    /// The second document where there is no first one.
    async fn instead(
        &self,
        missing: ProviderError,
    ) -> Result<Fetched<ProviderMetadata>, ProviderError> {
        let Some(answer) = self.ask_second().await else {
            return Err(missing);
        };
        let metadata = ProviderMetadata::parse(&self.issuer, answer.body())
            .inspect(|_| self.found(None))
            .inspect(|_| self.second().stands_alone = true)
            .inspect_err(|_| self.missed())?;
        Ok(Fetched {
            value: Arc::new(metadata),
            max_age: max_age(answer.headers()),
            validators: None,
        })
    }

    /// One request, at the address that is not known to have nothing.
    async fn ask_second(&self) -> Option<Response<Bytes>> {
        let url = if self.second().appended {
            self.issuer.appended_authorization_server_metadata_url()
        } else {
            self.issuer.authorization_server_metadata_url()
        };
        match document(&self.http, METADATA, &url, None, Freshness::Any).await {
            Ok(Answer::New(answer)) => Some(answer),
            // Most providers have no such document, and need none.
            Err(ProviderError::Status {
                status: status @ 300..500,
                ..
            }) if status != 429 => {
                tracing::debug!(
                    status,
                    "there is no second metadata document at that address"
                );
                self.missed();
                None
            }
            // Who knows.
            _ => None,
        }
    }

    fn found(&self, document: Option<Bytes>) {
        let mut second = self.second();
        second.misses = 0;
        second.last = document;
        second.doubted = false;
    }

    /// The other address is next; but where there was a document, one bad answer does not end it, for none of its
    /// endpoints would be known for a day.
    fn missed(&self) {
        let now = (self.clock)();
        let mut second = self.second();
        if second.last.is_some() && !second.doubted {
            second.doubted = true;
            return;
        }
        second.misses = second.misses.saturating_add(1);
        second.missed_at = now;
        second.appended = !second.appended;
        second.last = None;
    }

    /// Whether both addresses were of no use, and not long ago.
    fn is_settled(&self) -> bool {
        let now = (self.clock)();
        let second = self.second();
        let addresses = if self.issuer.authorization_server_metadata_url()
            == self.issuer.appended_authorization_server_metadata_url()
        {
            1
        } else {
            2
        };
        let recent = second.missed_at..second.missed_at.saturating_add(SETTLED_FOR);
        second.misses >= addresses && recent.contains(&now)
    }

    fn second(&self) -> MutexGuard<'_, Second> {
        self.second.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source for MetadataSource {
    type Document = ProviderMetadata;

    async fn fetch(
        &self,
        previous: Option<Fetched<ProviderMetadata>>,
        freshness: Freshness,
    ) -> Result<Fetched<ProviderMetadata>, ProviderError> {
        let url = self.issuer.discovery_url();
        // By condition only where an unchanged answer would be all there is to know.
        let validators = previous
            .as_ref()
            .filter(|copy| !copy.value.lacks_endpoints() || self.is_settled())
            .and_then(|copy| copy.validators.as_ref());
        match document(&self.http, METADATA, &url, validators, freshness).await {
            Ok(Answer::New(answer)) => self
                .completed(&answer, &url)
                .await
                .inspect(|_| self.second().stands_alone = false),
            Ok(Answer::Unchanged {
                max_age,
                validators,
            }) => unchanged(previous, max_age, validators, METADATA),
            Err(
                missing @ ProviderError::Status {
                    status: 404 | 410, ..
                },
            ) if previous.is_none() || self.second().stands_alone => self.instead(missing).await,
            // A first document that was there is missed for a moment, mostly. The second may lack what the copy has.
            Err(error) => Err(error),
        }
    }
}

/// The key set at the address that the metadata gives.
pub(super) struct KeysSource {
    metadata: Arc<Cache<MetadataSource>>,
    http: HttpClient,
}

impl KeysSource {
    pub(super) fn new(metadata: Arc<Cache<MetadataSource>>, http: HttpClient) -> Self {
        Self { metadata, http }
    }
}

impl Source for KeysSource {
    type Document = KeySet;

    async fn fetch(
        &self,
        previous: Option<Fetched<KeySet>>,
        freshness: Freshness,
    ) -> Result<Fetched<KeySet>, ProviderError> {
        let url = &self.metadata.get().await?.jwks_uri;
        let validators = previous.as_ref().and_then(|copy| copy.validators.as_ref());
        let fetched = document(&self.http, KEYS, url, validators, freshness).await;
        if matches!(fetched, Err(ProviderError::Status { .. })) {
            // The keys may have moved.
            self.metadata.expire();
        }
        match fetched? {
            Answer::New(answer) => {
                let value = KeySet::parse(answer.body())?;
                tracing::debug!(
                    keys = value.len(),
                    skipped = value.skipped(),
                    "fetched the provider's keys"
                );
                Ok(Fetched {
                    value: Arc::new(value),
                    max_age: max_age(answer.headers()),
                    validators: Validators::of(url, answer.headers()),
                })
            }
            Answer::Unchanged {
                max_age,
                validators,
            } => unchanged(previous, max_age, validators, KEYS),
        }
    }
}

/// The copy once more, for as long as the 304 says, or else as long as before (RFC 9111 section 4.3.4).
fn unchanged<T>(
    previous: Option<Fetched<T>>,
    max_age: Option<u64>,
    validators: Validators,
    what: &'static str,
) -> Result<Fetched<T>, ProviderError> {
    // There is a copy: without its validators a 304 is not taken for an answer.
    let copy = previous.ok_or(ProviderError::Status { what, status: 304 })?;
    Ok(Fetched {
        max_age: max_age.or(copy.max_age),
        validators: Some(validators),
        value: copy.value,
    })
}
