//! Time and chance as parameters: every rule that depends on them has a test that needs neither to wait nor to be lucky.

use std::fmt::Debug;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::{SecureRandom, SystemRandom as OsRandom};

/// Says what time it is.
pub trait Clock: Debug + Send + Sync + 'static {
    /// Unix time in seconds.
    fn now(&self) -> u64;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the clock"
    )]
    fn now(&self) -> u64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |elapsed| elapsed.as_secs())
    }
}

/// Fills buffers with bytes nobody can guess.
pub trait Random: Debug + Send + Sync + 'static {
    /// Fills `buffer`.
    fn fill(&self, buffer: &mut [u8]);
}

/// The operating system's random number generator, through aws-lc.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks the system for random bytes"
    )]
    #[expect(
        clippy::expect_used,
        reason = "without random numbers nothing here is safe: stopping is the only right answer, and the system's generator does not fail once it has been seeded"
    )]
    fn fill(&self, buffer: &mut [u8]) {
        OsRandom::new()
            .fill(buffer)
            .expect("the operating system gives random bytes");
    }
}

/// `N` fresh random bytes.
pub(crate) fn random_bytes<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}
