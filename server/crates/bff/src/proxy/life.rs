//! How long an event stream or a WebSocket may live: as long as its session, and no longer than the program. It does
//! not keep a session alive (draft-ietf-oauth-browser-based-apps section 6.1.2.4).

use std::pin::Pin;
use std::time::Duration;

use cloakroom_vault::{LoadError, Ticket};
use tokio::time::MissedTickBehavior;

use crate::bff::Bff;

/// How often the store is asked whether the session lives: it may have ended by itself, or in another process.
const LOOK: Duration = Duration::from_secs(5);

/// Why a stream has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// Its session has.
    Session,
    /// The program is about to.
    Program,
}

/// Resolves when a stream has to end.
pub(crate) type Until = Pin<Box<dyn Future<Output = Over> + Send>>;

/// Until when a stream of this session lives; without one, as long as the program.
pub(crate) fn until(bff: &Bff, ticket: Option<Ticket>) -> Until {
    let stopping = bff.stopping().cancelled_owned();
    let Some(ticket) = ticket else {
        return Box::pin(async move {
            stopping.await;
            Over::Program
        });
    };
    // From now on: what ends between here and the first look is told.
    let mut end = bff.ends().watch(&ticket);
    let bff = bff.clone();
    Box::pin(async move {
        tokio::select! {
            biased;
            () = stopping => Over::Program,
            () = end.wait() => Over::Session,
            () = gone(&bff, &ticket) => Over::Session,
        }
    })
}

/// Resolves when the store has no such session any more. A store that does not answer ends nothing.
async fn gone(bff: &Bff, ticket: &Ticket) {
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        match bff.vault().load(ticket, bff.now()).await {
            Ok(Some(_)) => {}
            Ok(None) | Err(LoadError::Refused) => return,
            Err(error) => {
                tracing::debug!(%error, "the session of a stream could not be looked up");
            }
        }
    }
}
