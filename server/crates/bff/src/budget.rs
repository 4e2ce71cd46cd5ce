//! A budget for each client address, of what costs the provider something. Of code exchanges, what is taken is given
//! back for a sign-in that succeeds: an office behind one address signs in as often as it likes, while somebody who
//! throws made-up codes at us stops reaching the store and the provider. Of pushed requests nothing is given back:
//! whoever asks for a sign-in has done nothing yet that would tell a person from a flood.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::time::Clock;

/// The span a budget is for, in seconds.
const WINDOW: u64 = 60;
/// Requests under way at once from one address, whatever comes of them.
const IN_FLIGHT: u32 = 100;
/// Addresses remembered at once. Each costs some tens of bytes.
const MAX_ADDRESSES: usize = 100_000;

/// Whose budget it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Payer {
    /// One client address, or an IPv6 /64.
    Address(IpAddr),
    /// Everybody behind a front that nobody told us to believe: their addresses cannot be told apart.
    Shared,
}

/// How much more everybody together may have than one address.
const SHARED: u32 = 20;

#[derive(Debug, Clone)]
pub(crate) struct Budget {
    limit: u32,
    seen: Arc<Mutex<HashMap<Payer, Spent>>>,
}

#[derive(Debug, Clone, Copy)]
struct Spent {
    since: u64,
    failures: u32,
    in_flight: u32,
}

impl Spent {
    fn is_idle(self, now: u64) -> bool {
        self.in_flight == 0 && now.saturating_sub(self.since) >= WINDOW
    }

    fn renew(&mut self, now: u64) {
        if now.saturating_sub(self.since) >= WINDOW {
            self.since = now;
            self.failures = 0;
        }
    }
}

impl Budget {
    pub(crate) fn new(limit: u32) -> Self {
        Self {
            limit,
            seen: Arc::default(),
        }
    }

    /// Takes a request out of a budget, where there is one left. It counts as failed until it is said otherwise.
    pub(crate) fn reserve(&self, payer: Payer, clock: Arc<dyn Clock>) -> Option<Reservation> {
        let now = clock.now();
        let times = if payer == Payer::Shared { SHARED } else { 1 };
        let mut seen = self.lock();
        if seen.len() >= MAX_ADDRESSES && !seen.contains_key(&payer) {
            make_room(&mut seen, now);
        }
        let spent = seen.entry(payer).or_insert(Spent {
            since: now,
            failures: 0,
            in_flight: 0,
        });
        spent.renew(now);
        if spent.failures >= self.limit.saturating_mul(times)
            || spent.in_flight >= IN_FLIGHT.saturating_mul(times)
        {
            return None;
        }
        spent.in_flight += 1;
        Some(Reservation {
            budget: self.clone(),
            payer,
            clock,
            failed: true,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Payer, Spent>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets what is over; where that is not enough, the tenth that failed longest ago.
fn make_room(seen: &mut HashMap<Payer, Spent>, now: u64) {
    seen.retain(|_, spent| !spent.is_idle(now));
    if seen.len() < MAX_ADDRESSES {
        return;
    }
    let mut oldest: Vec<u64> = seen.values().map(|spent| spent.since).collect();
    oldest.sort_unstable();
    let until = oldest.get(MAX_ADDRESSES / 10).copied().unwrap_or(now);
    let mut surplus = MAX_ADDRESSES / 10;
    seen.retain(|_, spent| {
        let goes = surplus > 0 && spent.in_flight == 0 && spent.since <= until;
        surplus -= usize::from(goes);
        !goes
    });
}

/// A request that was taken out of a budget. Dropped without a word, it has failed.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: Budget,
    payer: Payer,
    clock: Arc<dyn Clock>,
    failed: bool,
}

impl Reservation {
    /// It succeeded, or failed by no fault of the requester.
    pub(crate) fn refund(mut self) {
        self.failed = false;
    }

    /// It failed, or is charged whatever comes of it.
    pub(crate) fn charge(self) {
        drop(self);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let now = self.clock.now();
        let mut seen = self.budget.lock();
        if let Some(spent) = seen.get_mut(&self.payer) {
            spent.in_flight = spent.in_flight.saturating_sub(1);
            if self.failed {
                spent.renew(now);
                spent.failures = spent.failures.saturating_add(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::{Budget, IN_FLIGHT, MAX_ADDRESSES, Payer, SHARED};
    use crate::time::Clock;

    const ONE: Payer = Payer::Address(IpAddr::V4(Ipv4Addr::LOCALHOST));
    const OTHER: Payer = Payer::Address(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));

    #[derive(Debug, Default)]
    struct At(AtomicU64);

    impl Clock for At {
        fn now(&self) -> u64 {
            self.0.load(Ordering::Relaxed)
        }
    }

    fn at(now: u64) -> Arc<At> {
        Arc::new(At(AtomicU64::new(now)))
    }

    #[test]
    fn failures_use_the_budget_up_and_a_minute_restores_it() {
        let (budget, clock) = (Budget::new(2), at(100));
        for _ in 0..2 {
            budget
                .reserve(ONE, clock.clone())
                .expect("there is some left")
                .charge();
        }
        assert!(budget.reserve(ONE, clock.clone()).is_none());
        assert!(budget.reserve(OTHER, clock.clone()).is_some());
        clock.0.store(159, Ordering::Relaxed);
        assert!(budget.reserve(ONE, clock.clone()).is_none());
        clock.0.store(160, Ordering::Relaxed);
        assert!(budget.reserve(ONE, clock).is_some());
    }

    #[test]
    fn success_costs_nothing_and_what_is_dropped_has_failed() {
        let (budget, clock) = (Budget::new(1), at(0));
        for _ in 0..50 {
            budget
                .reserve(ONE, clock.clone())
                .expect("it is given back")
                .refund();
        }
        drop(budget.reserve(ONE, clock.clone()));
        assert!(budget.reserve(ONE, clock).is_none());
    }

    #[test]
    fn a_burst_is_bounded_while_it_is_under_way() {
        let (budget, clock) = (Budget::new(1), at(0));
        let held: Vec<_> = (0..IN_FLIGHT)
            .map(|_| budget.reserve(ONE, clock.clone()).expect("it is allowed"))
            .collect();
        assert!(budget.reserve(ONE, clock.clone()).is_none());
        for one in held {
            one.refund();
        }
        assert!(budget.reserve(ONE, clock).is_some());
    }

    #[test]
    fn everybody_behind_an_unknown_front_shares_a_larger_one() {
        let (budget, clock) = (Budget::new(1), at(0));
        for _ in 0..SHARED {
            budget
                .reserve(Payer::Shared, clock.clone())
                .expect("there is some left")
                .charge();
        }
        assert!(budget.reserve(Payer::Shared, clock).is_none());
    }

    #[test]
    fn it_does_not_grow_without_end_and_does_not_forget_everybody() {
        let (budget, clock) = (Budget::new(1), at(0));
        for n in 0..u32::try_from(MAX_ADDRESSES).expect("fits") + 10 {
            let payer = Payer::Address(IpAddr::V4(Ipv4Addr::from(n)));
            budget
                .reserve(payer, clock.clone())
                .expect("a new address")
                .charge();
        }
        let left = budget.lock().len();
        assert!(
            (MAX_ADDRESSES * 8 / 10..=MAX_ADDRESSES).contains(&left),
            "{left}"
        );
    }
}
