//! Sessions that end in this process, told to whatever lives as long as they do: event streams and WebSockets.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use cloakroom_vault::{StoreError, StoreKey, Ticket};
use tokio::sync::watch;

use crate::bff::Bff;

/// Who waits for which session's end.
#[derive(Default)]
pub(crate) struct Ends(Arc<Mutex<HashMap<StoreKey, watch::Sender<bool>>>>);

impl fmt::Debug for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ends").finish_non_exhaustive()
    }
}

/// Resolves when its session ends in this process. Sessions that end elsewhere, or by themselves, are not told: look at
/// the store now and then.
pub(crate) struct End {
    key: StoreKey,
    ended: watch::Receiver<bool>,
    waiting: Weak<Mutex<HashMap<StoreKey, watch::Sender<bool>>>>,
}

impl End {
    /// Waits for it; cancel safe.
    pub(crate) async fn wait(&mut self) {
        // An error means that nobody can tell any more: it was told, or the program ends.
        let _ = self.ended.wait_for(|ended| *ended).await;
    }
}

impl Drop for End {
    fn drop(&mut self) {
        if let Some(waiting) = self.waiting.upgrade() {
            let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            // This one still counts.
            if waiting
                .get(&self.key)
                .is_some_and(|sender| sender.receiver_count() <= 1)
            {
                waiting.remove(&self.key);
            }
        }
    }
}

impl Ends {
    /// From now on.
    pub(crate) fn watch(&self, ticket: &Ticket) -> End {
        let key = ticket.store_key();
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = waiting
            .entry(key)
            .or_insert_with(|| watch::Sender::new(false))
            .subscribe();
        End {
            key,
            ended,
            waiting: Arc::downgrade(&self.0),
        }
    }

    fn tell(&self, ticket: &Ticket) {
        let sender = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&ticket.store_key());
        if let Some(sender) = sender {
            sender.send_replace(true);
        }
    }
}

impl Bff {
    /// Ends a session: deletes its record, unread, and tells what lives as long as it does. Says whether there was one.
    pub(crate) async fn end_session(&self, ticket: &Ticket) -> Result<bool, StoreError> {
        let deleted = self.vault().delete(ticket).await?;
        self.ends().tell(ticket);
        Ok(deleted)
    }

    /// Tells that a session's record was deleted otherwise than by [`Self::end_session`].
    pub(crate) fn session_has_ended(&self, ticket: &Ticket) {
        self.ends().tell(ticket);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::PoisonError;

    use cloakroom_vault::Ticket;

    use super::Ends;

    #[tokio::test]
    async fn everybody_who_waits_is_told_and_nobody_else() {
        let ends = Ends::default();
        let (one, two) = (Ticket::from_bytes([1; 16]), Ticket::from_bytes([2; 16]));
        let (mut first, mut second, mut other) =
            (ends.watch(&one), ends.watch(&one), ends.watch(&two));
        ends.tell(&one);
        first.wait().await;
        second.wait().await;
        assert!(
            futures_util::FutureExt::now_or_never(other.wait()).is_none(),
            "the other session goes on"
        );
    }

    #[test]
    fn nothing_is_kept_for_those_who_left() {
        let ends = Ends::default();
        let ticket = Ticket::from_bytes([1; 16]);
        let (first, second) = (ends.watch(&ticket), ends.watch(&ticket));
        drop(first);
        let kept = || ends.0.lock().unwrap_or_else(PoisonError::into_inner).len();
        assert_eq!(kept(), 1);
        drop(second);
        assert_eq!(kept(), 0);
    }
}
