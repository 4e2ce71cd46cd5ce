//! Who renews which session's tokens now: one renewal a session, any number of callers that wait for it, and a pause
//! after one that failed. In this process; a lease of the store would make it one in the whole cluster, and belongs
//! around `Bff::renew`.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cloakroom_vault::{StoreKey, Ticket, Version};
use tokio::sync::watch;
use tracing::Instrument as _;

use super::{NoToken, TokenFor, Wanted};
use crate::bff::Bff;

/// The first pause after a failure, in seconds; doubled with each further one.
const FIRST_PAUSE: u64 = 1;
/// The longest pause.
const LONGEST_PAUSE: u64 = 60;
/// The most sessions whose failures are remembered; beyond that the oldest pauses are cut short.
const MOST_PAUSES: usize = 10_000;

/// How a renewal ended; nothing while it runs.
type Outcome = Option<Result<(), NoToken>>;

/// Renewals that are under way, and pauses after those that failed.
#[derive(Default)]
pub(crate) struct Renewals(Arc<Mutex<Table>>);

#[derive(Default)]
struct Table {
    flights: HashMap<StoreKey, Flight>,
    pauses: HashMap<StoreKey, Pause>,
}

/// A renewal that is under way.
#[derive(Clone)]
pub(super) struct Flight {
    wanted: Wanted,
    outcome: watch::Receiver<Outcome>,
}

#[derive(Clone)]
struct Pause {
    until: u64,
    seconds: u64,
    why: NoToken,
}

impl fmt::Debug for Renewals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewals").finish_non_exhaustive()
    }
}

impl Renewals {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn pause(&mut self, key: StoreKey, why: &NoToken, asked: Option<u64>, now: u64) {
        let seconds = self
            .pauses
            .get(&key)
            .map_or(FIRST_PAUSE, |pause| (pause.seconds * 2).min(LONGEST_PAUSE));
        if self.pauses.len() >= MOST_PAUSES {
            // Kept a while after their end, so that the next one is longer.
            self.pauses
                .retain(|_, pause| pause.until.saturating_add(LONGEST_PAUSE) > now);
            if self.pauses.len() >= MOST_PAUSES
                && let Some(oldest) = self
                    .pauses
                    .iter()
                    .min_by_key(|(_, pause)| pause.until)
                    .map(|(key, _)| *key)
            {
                self.pauses.remove(&oldest);
            }
        }
        // A provider may name a longer pause (RFC 9110 section 10.2.3), within reason.
        let wait = seconds.max(asked.unwrap_or(0).min(5 * LONGEST_PAUSE));
        let until = now.saturating_add(wait);
        self.pauses.insert(
            key,
            Pause {
                until,
                seconds,
                why: why.clone(),
            },
        );
    }
}

/// How a renewal failed, and for how long the provider asks to be left alone.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) why: NoToken,
    pub(super) retry_after: Option<u64>,
}

impl From<NoToken> for Failed {
    fn from(why: NoToken) -> Self {
        Self {
            why,
            retry_after: None,
        }
    }
}

/// Takes its flight off the table when it ends, however it ends.
struct Landing {
    table: Arc<Mutex<Table>>,
    key: StoreKey,
    outcome: watch::Sender<Outcome>,
}

impl Landing {
    fn land(&self, ended: Result<(), Failed>, now: u64) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        match &ended {
            Err(Failed {
                why:
                    why @ (NoToken::ProviderDown | NoToken::ClientRefused | NoToken::ProviderAnswer),
                retry_after,
            }) => table.pause(self.key, why, *retry_after, now),
            _ => {
                table.pauses.remove(&self.key);
            }
        }
        // First off the table, then told: who hears of it and asks again must not find it.
        table.flights.remove(&self.key);
        drop(table);
        self.outcome
            .send_replace(Some(ended.map_err(|failed| failed.why)));
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        if self.outcome.borrow().is_none() {
            // A defect of ours ended it: those who wait must not wait for ever.
            self.table
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .flights
                .remove(&self.key);
            self.outcome.send_replace(Some(Err(NoToken::ProviderDown)));
        }
    }
}

impl Bff {
    /// Begins a renewal, or finds the one that is under way. `None`: a pause after a failure is not over.
    ///
    /// `refused_at`: the version of the record whose token an API refused. A renewal then asks for another token even
    /// where that one looks good.
    pub(super) fn begin_renewal(
        &self,
        ticket: &Ticket,
        wanted: TokenFor<'_>,
        refused_at: Option<Version>,
    ) -> Option<Flight> {
        let key = ticket.store_key();
        let mut table = self.renewals().table();
        if let Some(flight) = table.flights.get(&key) {
            return Some(flight.clone());
        }
        if table
            .pauses
            .get(&key)
            .is_some_and(|pause| self.now() < pause.until)
        {
            return None;
        }
        let (sender, outcome) = watch::channel(None);
        let flight = Flight {
            wanted: wanted.to_owned(),
            outcome,
        };
        table.flights.insert(key, flight.clone());
        drop(table);
        let landing = Landing {
            table: Arc::clone(&self.renewals().0),
            key,
            outcome: sender,
        };
        let (bff, ticket, wanted) = (self.clone(), ticket.clone(), wanted.to_owned());
        // A task of its own: who asked for it may go away, and the new refresh token must be kept all the same.
        self.in_background(
            async move {
                let ended = Box::pin(bff.renew(&ticket, &wanted, refused_at)).await;
                landing.land(ended, bff.now());
            }
            .in_current_span(),
        );
        Some(flight)
    }

    /// Waits for the renewal of this session that is under way, or for one that begins now. An error is about this very
    /// token; how another one fared says nothing here.
    pub(super) async fn await_renewal(
        &self,
        ticket: &Ticket,
        wanted: TokenFor<'_>,
        refused_at: Option<Version>,
    ) -> Result<(), NoToken> {
        let Some(mut flight) = self.begin_renewal(ticket, wanted, refused_at) else {
            let paused = self
                .renewals()
                .table()
                .pauses
                .get(&ticket.store_key())
                .map(|pause| pause.why.clone());
            return Err(paused.unwrap_or(NoToken::ProviderDown));
        };
        let ended = match flight.outcome.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().unwrap_or(Err(NoToken::ProviderDown)),
            Err(_) => Err(NoToken::ProviderDown),
        };
        match ended {
            Err(error) if error.is_for_all() || flight.wanted == wanted.to_owned() => Err(error),
            _ => Ok(()),
        }
    }
}

impl NoToken {
    /// Whether it is about the session or the provider, whatever token was asked for.
    fn is_for_all(&self) -> bool {
        !matches!(self, Self::ScopeNotGranted(_) | Self::ProviderAnswer)
    }
}

#[cfg(test)]
mod tests {
    use cloakroom_vault::Ticket;

    use super::{MOST_PAUSES, NoToken, Table};

    fn key(number: usize) -> cloakroom_vault::StoreKey {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        Ticket::from_bytes(bytes).store_key()
    }

    #[test]
    fn pauses_grow_and_a_provider_may_ask_for_longer_ones() {
        let mut table = Table::default();
        let mut pauses = Vec::new();
        for _ in 0..9 {
            table.pause(key(1), &NoToken::ProviderDown, None, 100);
            pauses.push(table.pauses[&key(1)].until - 100);
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        table.pause(key(2), &NoToken::ProviderDown, Some(90), 100);
        assert_eq!(table.pauses[&key(2)].until, 190);
        table.pause(key(3), &NoToken::ProviderDown, Some(90_000), 100);
        assert_eq!(table.pauses[&key(3)].until, 400);
    }

    #[test]
    fn pauses_are_bounded() {
        let mut table = Table::default();
        for number in 0..MOST_PAUSES + 10 {
            table.pause(key(number), &NoToken::ProviderDown, None, 100);
        }
        assert!(table.pauses.len() <= MOST_PAUSES);
        // Those that are long over make room at once.
        table.pause(key(usize::MAX), &NoToken::ProviderDown, None, 1000);
        assert_eq!(table.pauses.len(), 1);
    }
}
