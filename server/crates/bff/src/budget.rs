//! A budget of code exchanges for each client address. Only exchanges that fail are charged: an office behind one
//! address signs in as often as it likes, while somebody who throws made-up codes at us stops reaching the provider.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// The span a budget is for, in seconds.
const WINDOW: u64 = 60;
/// Addresses remembered at once. Each costs some tens of bytes.
const MAX_ADDRESSES: usize = 100_000;

#[derive(Debug)]
pub(crate) struct FailureBudget {
    limit: u32,
    seen: Mutex<HashMap<IpAddr, Spent>>,
}

#[derive(Debug, Clone, Copy)]
struct Spent {
    since: u64,
    failures: u32,
}

impl FailureBudget {
    pub(crate) fn new(limit: u32) -> Self {
        Self {
            limit,
            seen: Mutex::new(HashMap::new()),
        }
    }

    /// Whether this address may cause another exchange at `now`.
    pub(crate) fn allows(&self, address: IpAddr, now: u64) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(&address)
            .is_none_or(|spent| is_over(*spent, now) || spent.failures < self.limit)
    }

    /// Charges a failed exchange.
    pub(crate) fn charge(&self, address: IpAddr, now: u64) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MAX_ADDRESSES && !seen.contains_key(&address) {
            seen.retain(|_, spent| !is_over(*spent, now));
            if seen.len() >= MAX_ADDRESSES {
                // A hundred thousand addresses failing within a minute: forgetting all of them is better than growing.
                seen.clear();
            }
        }
        let spent = seen.entry(address).or_insert(Spent {
            since: now,
            failures: 0,
        });
        if is_over(*spent, now) {
            *spent = Spent {
                since: now,
                failures: 0,
            };
        }
        spent.failures = spent.failures.saturating_add(1);
    }
}

fn is_over(spent: Spent, now: u64) -> bool {
    now.saturating_sub(spent.since) >= WINDOW
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::{FailureBudget, MAX_ADDRESSES};

    const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn failures_use_the_budget_up_and_a_minute_restores_it() {
        let budget = FailureBudget::new(2);
        budget.charge(ADDRESS, 100);
        assert!(budget.allows(ADDRESS, 100));
        budget.charge(ADDRESS, 120);
        assert!(!budget.allows(ADDRESS, 159));
        assert!(budget.allows(ADDRESS, 160));
        assert!(budget.allows(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 120));
        budget.charge(ADDRESS, 170);
        assert!(budget.allows(ADDRESS, 170));
    }

    #[test]
    fn it_does_not_grow_without_end() {
        let budget = FailureBudget::new(1);
        for n in 0..u32::try_from(MAX_ADDRESSES).expect("fits") + 10 {
            budget.charge(IpAddr::V4(Ipv4Addr::from(n)), 0);
        }
        assert!(budget.seen.lock().expect("unpoisoned").len() <= MAX_ADDRESSES);
    }
}
