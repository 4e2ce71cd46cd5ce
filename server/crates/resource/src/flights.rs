//! One request for all who want the same thing at the same time (RFC 7662 section 4 weighs load against liveness).

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{Shared, WeakShared};

/// What is wanted, as a keyed hash.
pub(crate) type Key = [u8; 32];
/// How it is had.
pub(crate) type Flight<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The requests that are under way. Each lasts as long as somebody waits for it: the first one to want it need not
/// be the last one to leave.
pub(crate) struct Flights<T>(Mutex<State<T>>);

struct State<T> {
    count: u64,
    under_way: HashMap<Key, (u64, WeakShared<Flight<T>>)>,
}

/// One who waits. Leaving in whatever way tidies up.
struct Seat<'a, T: Clone> {
    flights: &'a Flights<T>,
    key: Key,
    number: u64,
    flight: Option<Shared<Flight<T>>>,
    landed: bool,
}

impl<T: Clone> Flights<T> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State {
            count: 0,
            under_way: HashMap::new(),
        }))
    }

    /// What the request for `key` brings; `start` makes one, where none is under way.
    pub(crate) async fn join(&self, key: Key, start: impl FnOnce() -> Flight<T>) -> T {
        let (number, flight) = self.board(key, start);
        let mut seat = Seat {
            flights: self,
            key,
            number,
            flight: Some(flight.clone()),
            landed: false,
        };
        let answer = flight.await;
        seat.landed = true;
        answer
    }

    fn board(&self, key: Key, start: impl FnOnce() -> Flight<T>) -> (u64, Shared<Flight<T>>) {
        let mut state = self.lock();
        if let Some((number, weak)) = state.under_way.get(&key)
            && let Some(flight) = weak.upgrade()
        {
            return (*number, flight);
        }
        let flight = start().shared();
        state.count += 1;
        let number = state.count;
        if let Some(weak) = flight.downgrade() {
            state.under_way.insert(key, (number, weak));
        }
        (number, flight)
    }

    /// Nothing is left half-done under this lock, so a poisoned one is as good as any.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    fn under_way(&self) -> usize {
        self.lock().under_way.len()
    }
}

impl<T: Clone> Drop for Seat<'_, T> {
    fn drop(&mut self) {
        let mut state = self.flights.lock();
        self.flight = None;
        // Under the lock nobody else leaves meanwhile, so the last one sees that it is.
        let over = state
            .under_way
            .get(&self.key)
            .is_some_and(|(number, weak)| {
                *number == self.number && (self.landed || weak.upgrade().is_none())
            });
        if over {
            state.under_way.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::FutureExt as _;
    use tokio::sync::Notify;

    use super::{Flight, Flights};

    /// A flight that lands when it is told to, and how often one started.
    fn flight(gate: &Arc<Notify>, started: &Arc<AtomicUsize>) -> Flight<usize> {
        let (gate, started) = (Arc::clone(gate), Arc::clone(started));
        Box::pin(async move {
            let number = started.fetch_add(1, Ordering::SeqCst);
            gate.notified().await;
            number
        })
    }

    #[tokio::test]
    async fn all_who_come_meanwhile_get_one_answer_and_later_ones_a_new_one() {
        let (flights, gate, started) = (Flights::new(), Arc::default(), Arc::default());
        let join = || flights.join([1; 32], || flight(&gate, &started));
        let other = flights.join([2; 32], || flight(&gate, &started));
        let (mut first, mut second, mut other) =
            (Box::pin(join()), Box::pin(join()), Box::pin(other));
        assert!((&mut first).now_or_never().is_none());
        assert!((&mut second).now_or_never().is_none());
        assert!((&mut other).now_or_never().is_none());
        assert_eq!(started.load(Ordering::SeqCst), 2);
        gate.notify_waiters();
        assert_eq!((first.await, second.await, other.await), (0, 0, 1));
        assert_eq!(flights.under_way(), 0);
        let later = join();
        gate.notify_one();
        assert_eq!(later.await, 2);
    }

    #[tokio::test]
    async fn who_came_first_may_leave_first_and_when_all_have_left_nothing_stays() {
        let (flights, gate, started) = (Flights::new(), Arc::default(), Arc::default());
        let join = || flights.join([1; 32], || flight(&gate, &started));
        let (mut first, mut second) = (Box::pin(join()), Box::pin(join()));
        assert!((&mut first).now_or_never().is_none());
        assert!((&mut second).now_or_never().is_none());
        drop(first);
        assert_eq!(flights.under_way(), 1);
        gate.notify_waiters();
        assert_eq!(second.await, 0);
        let mut left = Box::pin(join());
        assert!((&mut left).now_or_never().is_none());
        drop(left);
        assert_eq!(flights.under_way(), 0);
        assert_eq!(started.load(Ordering::SeqCst), 2);
    }
}
