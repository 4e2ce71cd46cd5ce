//! A document that is fetched when needed, kept while it is good, and kept longer while the provider is down (RFC 9111 section 4.2, RFC 5861 section 4).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::provider::{Clock, ProviderError};

/// How long a copy is good without a `Cache-Control`, in seconds.
const DEFAULT_LIFETIME: u64 = 60 * 60;
/// The shortest and longest lifetime, whatever `Cache-Control` says, in seconds.
const LIFETIMES: (u64, u64) = (5 * 60, 24 * 60 * 60);
/// The first and longest wait after a failure, in seconds.
const BACK_OFF: (u64, u64) = (1, 60);
/// The least time between two refetches that unknown keys cause, in seconds.
const FORCED_EVERY: u64 = 10;

/// One cached document.
pub(super) struct Cache<T> {
    state: Mutex<State<T>>,
    /// Held during a fetch, so that there is one at a time; everybody else waits for it or uses what is there.
    flight: tokio::sync::Mutex<()>,
}

struct State<T> {
    copy: Option<Kept<T>>,
    failure: Option<Failure>,
    forced_at: Option<u64>,
}

struct Kept<T> {
    value: Arc<T>,
    fetched_at: u64,
    lifetime: u64,
}

struct Failure {
    count: u32,
    at: u64,
    message: String,
}

/// What a fetch brings: the document, and for how many seconds the answer says it is good.
pub(super) struct Fetched<T> {
    pub(super) value: T,
    pub(super) max_age: Option<u64>,
}

/// What can be said without a fetch.
enum Known<T> {
    Good(Arc<T>),
    /// No fetch now: the last one failed too recently. The old copy stands in, where there is one.
    BackingOff(Option<Arc<T>>, ProviderError),
    Nothing,
}

impl<T> Cache<T> {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                copy: None,
                failure: None,
                forced_at: None,
            }),
            flight: tokio::sync::Mutex::new(()),
        }
    }

    /// A good copy, or a fetched one, or an old one where the fetch fails or somebody else is at it.
    pub(super) async fn get(
        &self,
        clock: &Clock,
        fetch: impl Future<Output = Result<Fetched<T>, ProviderError>>,
    ) -> Result<Arc<T>, ProviderError> {
        if let Some(answer) = self.without_fetch(clock()) {
            return answer;
        }
        let _flight = match self.flight.try_lock() {
            Ok(flight) => flight,
            Err(_) => match self.old_copy() {
                // Somebody is asking already; what is a little too old is better than a queue.
                Some(old) => return Ok(old),
                None => self.flight.lock().await,
            },
        };
        // Whoever held the flight may have brought it, or found the provider down.
        if let Some(answer) = self.without_fetch(clock()) {
            return answer;
        }
        self.fetch(clock, fetch).await
    }

    /// A copy newer than the one that was used, unless one was forced less than ten seconds ago or the
    /// provider is down: then what there is.
    pub(super) async fn force(
        &self,
        clock: &Clock,
        fetch: impl Future<Output = Result<Fetched<T>, ProviderError>>,
    ) -> Result<Arc<T>, ProviderError> {
        let _flight = self.flight.lock().await;
        let now = clock();
        {
            let mut state = self.lock();
            let throttled = state
                .forced_at
                .is_some_and(|at| (at..at + FORCED_EVERY).contains(&now));
            if let Some(copy) = state.copy.as_ref().filter(|_| throttled) {
                return Ok(Arc::clone(&copy.value));
            }
            if let Known::BackingOff(copy, error) = state.known(now) {
                return copy.ok_or(error);
            }
            state.forced_at = Some(now);
        }
        self.fetch(clock, fetch).await
    }

    /// The copy there is, good or old.
    pub(super) fn known(&self) -> Option<Arc<T>> {
        self.old_copy()
    }

    /// Makes the next `get` fetch, unless the provider is down.
    pub(super) fn expire(&self) {
        if let Some(copy) = &mut self.lock().copy {
            copy.lifetime = 0;
        }
    }

    /// What the last fetch failed with, if it failed.
    pub(super) fn last_error(&self) -> Option<String> {
        self.lock()
            .failure
            .as_ref()
            .map(|failure| failure.message.clone())
    }

    fn old_copy(&self) -> Option<Arc<T>> {
        self.lock()
            .copy
            .as_ref()
            .map(|copy| Arc::clone(&copy.value))
    }

    fn without_fetch(&self, now: u64) -> Option<Result<Arc<T>, ProviderError>> {
        match self.lock().known(now) {
            Known::Good(value) => Some(Ok(value)),
            Known::BackingOff(copy, error) => Some(copy.ok_or(error)),
            Known::Nothing => None,
        }
    }

    async fn fetch(
        &self,
        clock: &Clock,
        fetch: impl Future<Output = Result<Fetched<T>, ProviderError>>,
    ) -> Result<Arc<T>, ProviderError> {
        let fetched = fetch.await;
        // Now, and not before: a provider that takes ten seconds to fail is left alone from its failure on.
        let now = clock();
        let mut state = self.lock();
        match fetched {
            Ok(Fetched { value, max_age }) => {
                let value = Arc::new(value);
                state.copy = Some(Kept {
                    value: Arc::clone(&value),
                    fetched_at: now,
                    lifetime: max_age
                        .unwrap_or(DEFAULT_LIFETIME)
                        .clamp(LIFETIMES.0, LIFETIMES.1),
                });
                state.failure = None;
                Ok(value)
            }
            Err(error) => {
                let count = state.failure.as_ref().map_or(0, |failure| failure.count);
                state.failure = Some(Failure {
                    count: count.saturating_add(1),
                    at: now,
                    message: error.to_string(),
                });
                tracing::warn!(
                    code = error.code(),
                    kept = state.copy.is_some(),
                    "the provider could not be asked: {error}"
                );
                match &state.copy {
                    Some(copy) => Ok(Arc::clone(&copy.value)),
                    None => Err(error),
                }
            }
        }
    }

    /// Nothing is left half-done under this lock, so a poisoned one is as good as any.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    fn known(&self, now: u64) -> Known<T> {
        if let Some(copy) = &self.copy {
            // A clock that was set back makes a copy old rather than good for ever.
            let good = copy.fetched_at..copy.fetched_at.saturating_add(copy.lifetime);
            if good.contains(&now) && self.failure.is_none() {
                return Known::Good(Arc::clone(&copy.value));
            }
        }
        match &self.failure {
            Some(failure) if failure.is_recent(now) => {
                let copy = self.copy.as_ref().map(|copy| Arc::clone(&copy.value));
                let error = ProviderError::BackingOff {
                    last: failure.message.clone(),
                };
                Known::BackingOff(copy, error)
            }
            _ => Known::Nothing,
        }
    }
}

impl Failure {
    /// 1, 2, 4 and so on up to 60 seconds.
    fn is_recent(&self, now: u64) -> bool {
        let doublings = self.count.saturating_sub(1).min(6);
        let wait = (BACK_OFF.0 << doublings).min(BACK_OFF.1);
        (self.at..self.at.saturating_add(wait)).contains(&now)
    }
}
