//! The page at work in the browser: calls through the proxy, and the event stream. Everything ends with the page: calls
//! under way are broken off, the stream is closed.

use std::pin::Pin;
use std::time::Duration;

use leptos::prelude::*;
use leptos::reactive::owner::WeakOwner;
use leptos::task::spawn_local_scoped_with_cancellation;
use leptos_router::hooks::use_location;

use super::board::{Board, Listed};
use crate::api::{ApiError, Call, Event, Events};
use crate::components::api_notice::{Failed, Wanted};
use crate::drafts::take_again;
use crate::messages::{EVENTS, Message, clearing, read_board, sending};

/// How often the board is read anew where it changes while it is read.
const MOST_READINGS: u32 = 3;
/// Seconds before a stream that was refused is opened again: twice as long each time, up to the last.
const FIRST_PAUSE: u64 = 2;
const LAST_PAUSE: u64 = 60;

/// Something that a person may want done: the page's word for it, and how it stands on a button.
#[derive(Debug, Clone, Copy)]
struct Purpose {
    purpose: &'static str,
    words: &'static str,
}

/// To send a message.
const SEND: Purpose = Purpose {
    purpose: "send",
    words: "send it",
};
/// To clear the board.
const CLEAR: Purpose = Purpose {
    purpose: "clear",
    words: "clear the board",
};

impl Purpose {
    fn wanted(self, call: Call) -> Wanted {
        Wanted {
            call,
            purpose: self.purpose,
            words: self.words,
        }
    }
}

/// What no view depends on.
#[derive(Default)]
pub(super) struct Live {
    /// The page. Not kept alive by its own state.
    page: Option<WeakOwner>,
    events: Option<Events>,
    /// Counts what happened to the board: what was read before is old.
    changes: u32,
    /// How often the stream was refused in a row.
    refusals: u32,
    /// Whether what failed last was looking: then looking mends it.
    failed_to_look: bool,
}

impl Board {
    /// Begins to look and to listen, and makes the call again that the person left for a sign-in with.
    pub(super) fn begin(self) {
        let page = use_location().pathname.get_untracked();
        self.live.update_value(|live| {
            live.page = Owner::current().as_ref().map(Owner::downgrade);
        });
        Effect::new(move |_| {
            untrack(|| {
                self.look();
                self.listen();
                self.resume(&page);
            });
        });
    }

    /// Reads the board.
    pub(super) fn look(self) {
        self.spawn(async move {
            let _ = self.read().await;
        });
    }

    /// Sends what is in the field.
    pub(super) fn send(self) {
        let Some(text) = self.text.get_untracked() else {
            return;
        };
        if self.is_sending.get_untracked() {
            return;
        }
        match sending(&text.value()) {
            Ok(call) => self.perform(SEND.wanted(call), false),
            Err(error) => self.fail(error, None, false),
        }
    }

    /// Clears the board.
    pub(super) fn clear(self) {
        self.perform(CLEAR.wanted(clearing()), false);
    }

    /// The call that was kept over a sign-in: at most once, and only where the sign-in gave what was asked for.
    fn resume(self, page: &str) {
        let Some((again, is_on)) = self.session.with_now(|session| take_again(page, session))
        else {
            return;
        };
        let purpose = [SEND, CLEAR]
            .into_iter()
            .find(|known| known.purpose == again.purpose);
        match purpose {
            Some(purpose) if is_on => self.perform(purpose.wanted(again.call), true),
            Some(_) => self.done.set(Some(
                "You came back without confirming that it is you, so nothing was done.",
            )),
            None => {}
        }
    }

    fn perform(self, wanted: Wanted, was_again: bool) {
        self.done.set(None);
        self.spawn(async move {
            let outcome = if wanted.purpose == SEND.purpose {
                self.is_sending.set(true);
                let outcome = wanted.call.send().await;
                self.is_sending.set(false);
                outcome.map(|message| self.sent(message))
            } else {
                wanted.call.send().await.map(|()| self.cleared())
            };
            match outcome {
                Ok(done) => {
                    self.failed.set(None);
                    self.done.set(Some(done));
                }
                Err(error) => self.fail(error, Some(wanted), was_again),
            }
        });
    }

    fn sent(self, message: Message) -> &'static str {
        let text = self.text.get_untracked();
        if let Some(text) = text.filter(|text| text.value().trim() == message.text) {
            text.set_value("");
            self.is_restored.set(false);
        }
        self.change(|listed| listed.add(message));
        "Your message is on the board."
    }

    fn cleared(self) -> &'static str {
        self.change(Listed::clear);
        "The board is clear."
    }

    fn fail(self, error: ApiError, wanted: Option<Wanted>, was_again: bool) {
        if error.is_end_of_session() {
            self.session.forget();
        }
        self.live.update_value(|live| live.failed_to_look = false);
        self.failed.set(Some(Failed {
            error,
            wanted,
            was_again,
        }));
    }

    /// What happens to the board while it is read is not lost: it is read again.
    async fn read(self) -> Result<(), ApiError> {
        for _ in 0..MOST_READINGS {
            let before = self.live.with_value(|live| live.changes);
            match read_board().await {
                Err(error) => {
                    self.failed_to_look(&error);
                    return Err(error);
                }
                Ok(list) => self.listed.set(Listed::Here(list)),
            }
            if before == self.live.with_value(|live| live.changes) {
                break;
            }
        }
        if self.live.with_value(|live| live.failed_to_look) {
            self.failed.set(None);
        }
        Ok(())
    }

    fn failed_to_look(self, error: &ApiError) {
        if error.is_end_of_session() {
            self.session.forget();
        }
        if *error == ApiError::RouteNotAllowed {
            self.listed.set(Listed::NotSetUp);
            return;
        }
        self.listed.update(|listed| {
            // What is there is better than nothing.
            if *listed == Listed::Loading {
                *listed = Listed::Failed;
            }
        });
        // What the person asked for counts more.
        let looks = self.live.with_value(|live| live.failed_to_look);
        if looks || self.failed.with_untracked(Option::is_none) {
            self.live.update_value(|live| live.failed_to_look = true);
            self.failed.set(Some(Failed {
                error: error.clone(),
                wanted: None,
                was_again: false,
            }));
        }
    }

    fn listen(self) {
        let events = Events::open(EVENTS, &["cleared"], move |event| self.hear(event));
        self.live.update_value(|live| live.events = events);
    }

    /// By handlers that are gone with the page's state.
    fn hear(self, event: Event) {
        match event {
            Event::Open => {
                self.live.update_value(|live| live.refusals = 0);
                self.is_live.set(true);
                // What was told meanwhile, it did not hear.
                self.look();
            }
            Event::Told("cleared", _) => self.change(Listed::clear),
            Event::Told(_, data) => {
                if let Ok(message) = serde_json::from_str(&data) {
                    self.change(|listed| listed.add(message));
                }
            }
            Event::Lost { is_over } => {
                self.is_live.set(false);
                if is_over {
                    self.look_why();
                }
            }
        }
    }

    /// A stream does not say why it was refused. Reading the board does; where that works, or may work later, so may
    /// listening.
    fn look_why(self) {
        self.spawn(async move {
            let outcome = self.read().await;
            if outcome.is_err_and(|error| error.retry_after().is_none()) {
                return;
            }
            let refusals = self.live.with_value(|live| live.refusals);
            self.live.update_value(|live| live.refusals += 1);
            let pause = FIRST_PAUSE
                .saturating_mul(1 << refusals.min(6))
                .min(LAST_PAUSE);
            set_timeout(
                move || {
                    // The page may be gone.
                    if self.live.try_with_value(|_| ()).is_some() {
                        self.listen();
                    }
                },
                Duration::from_secs(pause),
            );
        });
    }

    fn change(self, change: impl FnOnce(&mut Listed)) {
        self.live
            .update_value(|live| live.changes = live.changes.wrapping_add(1));
        self.listed.update(change);
    }

    /// Runs until it is done or the page is gone.
    fn spawn(self, task: impl Future<Output = ()> + 'static) {
        let page = self
            .live
            .try_with_value(|live| live.page.as_ref().and_then(WeakOwner::upgrade))
            .flatten();
        if let Some(page) = page {
            // In a box: one kind of task is enough to compile.
            let task: Pin<Box<dyn Future<Output = ()>>> = Box::pin(task);
            page.with(|| spawn_local_scoped_with_cancellation(task));
        }
    }
}
