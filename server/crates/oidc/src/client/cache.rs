//! A document that is fetched when needed, fetched anew before it is too old, and kept while the provider is down (RFC 9111 sections 4.2 and 4.3, RFC 5861).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::OwnedMutexGuard;
use tracing::Instrument as _;

use super::fetch::Validators;
use super::provider::{Clock, ProviderError};

/// How long a copy is good without a `Cache-Control`, in seconds.
const DEFAULT_LIFETIME: u64 = 60 * 60;
/// The first and longest wait after a failure, in seconds.
const BACK_OFF: (u64, u64) = (1, 60);
/// The least time between two refetches that unknown keys cause, in seconds.
const FORCED_EVERY: u64 = 10;

/// Where a document comes from.
pub(super) trait Source: Send + Sync + 'static {
    type Document: Send + Sync + 'static;

    /// Asks the provider, which may say that the previous copy is still good.
    fn fetch(
        &self,
        previous: Option<Fetched<Self::Document>>,
        freshness: Freshness,
    ) -> impl Future<Output = Result<Fetched<Self::Document>, ProviderError>> + Send;
}

/// Whether a cache between here and the provider may answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freshness {
    Any,
    /// The provider itself is to answer: what it said before is known to be too old.
    New,
}

/// What a fetch brings.
pub(super) struct Fetched<T> {
    pub(super) value: Arc<T>,
    /// For how many seconds the answer says it is good.
    pub(super) max_age: Option<u64>,
    /// What to ask with the next time; `None` asks for the whole document.
    pub(super) validators: Option<Validators>,
}

/// One cached document.
pub(super) struct Cache<S: Source> {
    source: S,
    clock: Clock,
    /// The shortest and longest lifetime, whatever `Cache-Control` says, in seconds.
    lifetimes: (u64, u64),
    state: Mutex<State<S::Document>>,
    /// Held during a fetch, so that there is one at a time; everybody else waits for it or uses what is there.
    flight: Arc<tokio::sync::Mutex<()>>,
}

struct State<T> {
    copy: Option<Kept<T>>,
    failure: Option<Failure>,
    forced_at: Option<u64>,
    /// How many refetches that unknown keys caused came to a good end.
    forced: u64,
}

struct Kept<T> {
    fetched: Fetched<T>,
    at: u64,
    lifetime: u64,
}

struct Failure {
    count: u32,
    at: u64,
    message: String,
}

/// What can be said without waiting for a fetch.
enum Known<T> {
    Good(Arc<T>),
    /// Good, but a newer one should be fetched by now.
    Ageing(Arc<T>),
    /// No fetch now: the last one failed too recently. The old copy stands in, where there is one.
    BackingOff(Option<Arc<T>>, ProviderError),
    Nothing,
}

impl<S: Source> Cache<S> {
    pub(super) fn new(source: S, clock: Clock, lifetimes: (u64, u64)) -> Self {
        Self {
            source,
            clock,
            lifetimes,
            state: Mutex::new(State {
                copy: None,
                failure: None,
                forced_at: None,
                forced: 0,
            }),
            flight: Arc::default(),
        }
    }

    /// A good copy, or a fetched one, or an old one where the fetch fails or somebody else is at it.
    pub(super) async fn get(self: &Arc<Self>) -> Result<Arc<S::Document>, ProviderError> {
        if let Some(answer) = self.without_fetch() {
            return answer;
        }
        let flight = match Arc::clone(&self.flight).try_lock_owned() {
            Ok(flight) => flight,
            Err(_) => match self.copy() {
                // Somebody is asking already; what is a little too old is better than a queue.
                Some(old) => return Ok(old),
                None => Arc::clone(&self.flight).lock_owned().await,
            },
        };
        // Whoever held the flight may have brought it, or found the provider down.
        if let Some(answer) = self.without_fetch() {
            return answer;
        }
        self.fetch_to_the_end(flight, Freshness::Any).await
    }

    /// A copy fetched after this was called, unless one was forced less than ten seconds ago or the provider is
    /// down: then what there is. A refresh that was under way does not count: it may have asked before there was
    /// anything new, and a cache on the way may have answered it.
    pub(super) async fn force(self: &Arc<Self>) -> Result<Arc<S::Document>, ProviderError> {
        let seen = self.lock().forced;
        let flight = Arc::clone(&self.flight).lock_owned().await;
        let now = (self.clock)();
        {
            let mut state = self.lock();
            let copy = state.value();
            // A clock that was set back ends the wait once, rather than making it as long as the step.
            let throttled = state
                .forced_at
                .is_some_and(|at| (at..at.saturating_add(FORCED_EVERY)).contains(&now));
            if let Some(copy) = copy.as_ref().filter(|_| throttled || state.forced != seen) {
                return Ok(Arc::clone(copy));
            }
            if let Some(error) = state.backing_off(now) {
                return copy.ok_or(error);
            }
            state.forced_at = Some(now);
        }
        self.fetch_to_the_end(flight, Freshness::New).await
    }

    /// The copy there is, good or old.
    pub(super) fn copy(&self) -> Option<Arc<S::Document>> {
        self.lock().value()
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

    fn without_fetch(self: &Arc<Self>) -> Option<Result<Arc<S::Document>, ProviderError>> {
        let known = self.lock().known((self.clock)());
        match known {
            Known::Good(value) => Some(Ok(value)),
            Known::Ageing(value) => {
                self.refresh_in_the_background();
                Some(Ok(value))
            }
            Known::BackingOff(copy, error) => Some(copy.ok_or(error)),
            Known::Nothing => None,
        }
    }

    /// Starts one fetch that nobody waits for, unless there is one.
    fn refresh_in_the_background(self: &Arc<Self>) {
        let Ok(flight) = Arc::clone(&self.flight).try_lock_owned() else {
            return;
        };
        // Without a runtime the copy is good until its end, and then fetched by whoever needs it.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let cache = Arc::clone(self);
        runtime.spawn(async move {
            // A failure is in the log and in the state, and the copy stays what it was.
            let _ = cache.fetch(Freshness::Any).await;
            drop(flight);
        });
    }

    /// Fetches, and does not stop when the caller goes away: who hangs up must not use up the throttle, nor take
    /// from everybody else what they wait for.
    async fn fetch_to_the_end(
        self: &Arc<Self>,
        flight: OwnedMutexGuard<()>,
        freshness: Freshness,
    ) -> Result<Arc<S::Document>, ProviderError> {
        let cache = Arc::clone(self);
        let fetch = async move {
            let fetched = cache.fetch(freshness).await;
            drop(flight);
            fetched
        };
        let Ok(runtime) = Handle::try_current() else {
            return fetch.await;
        };
        match runtime.spawn(fetch.in_current_span()).await {
            Ok(fetched) => fetched,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is on its way down.
                Err(_) => self.copy().ok_or_else(|| ProviderError::BackingOff {
                    last: String::from("the process is stopping"),
                }),
            },
        }
    }

    async fn fetch(&self, freshness: Freshness) -> Result<Arc<S::Document>, ProviderError> {
        let previous = self.lock().copy.as_ref().map(|copy| copy.fetched.clone());
        let fetched = self.source.fetch(previous, freshness).await;
        // Now, and not before: a provider that takes ten seconds to fail is left alone from its failure on.
        let now = (self.clock)();
        let mut state = self.lock();
        match fetched {
            Ok(fetched) => {
                let value = Arc::clone(&fetched.value);
                let (shortest, longest) = self.lifetimes;
                let stated = fetched.max_age.unwrap_or(DEFAULT_LIFETIME);
                state.copy = Some(Kept {
                    fetched,
                    at: now,
                    lifetime: stated.clamp(shortest, longest),
                });
                state.failure = None;
                state.forced += u64::from(freshness == Freshness::New);
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
                state.value().ok_or(error)
            }
        }
    }

    /// Nothing is left half-done under this lock, so a poisoned one is as good as any.
    fn lock(&self) -> MutexGuard<'_, State<S::Document>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    fn value(&self) -> Option<Arc<T>> {
        self.copy
            .as_ref()
            .map(|copy| Arc::clone(&copy.fetched.value))
    }

    fn known(&self, now: u64) -> Known<T> {
        let backing_off = self.backing_off(now);
        if let Some(copy) = self.copy.as_ref().filter(|copy| copy.is_good(now)) {
            let value = Arc::clone(&copy.fetched.value);
            let due = self.failure.is_some() || copy.is_ageing(now);
            return if due && backing_off.is_none() {
                Known::Ageing(value)
            } else {
                Known::Good(value)
            };
        }
        match backing_off {
            Some(error) => Known::BackingOff(self.value(), error),
            None => Known::Nothing,
        }
    }

    fn backing_off(&self, now: u64) -> Option<ProviderError> {
        let failure = self.failure.as_ref()?;
        failure.is_recent(now).then(|| ProviderError::BackingOff {
            last: failure.message.clone(),
        })
    }
}

impl<T> Kept<T> {
    /// A clock that was set back makes a copy old rather than good for ever.
    fn is_good(&self, now: u64) -> bool {
        (self.at..self.at.saturating_add(self.lifetime)).contains(&now)
    }

    /// Past four fifths of its life.
    fn is_ageing(&self, now: u64) -> bool {
        now >= self.at.saturating_add(self.lifetime / 5 * 4)
    }
}

impl<T> Clone for Fetched<T> {
    fn clone(&self) -> Self {
        Self {
            value: Arc::clone(&self.value),
            max_age: self.max_age,
            validators: self.validators.clone(),
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
