//! Time for tests: a clock that only moves when it is told to, and the one place where this crate asks
//! the system's. Unix time in whole seconds, as `NumericDate` in RFC 7519, section 2.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A clock that stands still until [`advance`](Self::advance) or [`set`](Self::set). Clones show the same time.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// A clock that shows `now`, in Unix seconds.
    pub fn new(now: u64) -> Self {
        Self(Arc::new(AtomicU64::new(now)))
    }

    /// A clock that shows the present second and stays there: for tests in which tokens come from a
    /// [`Provider`](crate::Provider), which lives in real time.
    pub fn at_present() -> Self {
        Self::new(system_now())
    }

    /// The time shown, in Unix seconds.
    pub fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Moves the clock on by `seconds`.
    pub fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Sets the clock, also backwards, to `now` in Unix seconds.
    pub fn set(&self, now: u64) {
        self.0.store(now, Ordering::SeqCst);
    }

    /// This clock as the function that code under test takes where it needs the time.
    pub fn as_fn(&self) -> Arc<dyn Fn() -> u64 + Send + Sync> {
        let clock = self.clone();
        Arc::new(move || clock.now())
    }
}

/// The system's time in Unix seconds. Nothing else in this crate asks it.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place in the test kit that asks the system"
)]
pub(crate) fn system_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
