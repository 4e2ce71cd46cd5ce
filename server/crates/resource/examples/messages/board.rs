//! The messages, the newest hundred of them, and word of what becomes of them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cloakroom_oidc::client::Clock;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::broadcast;

/// How many messages are kept; the oldest goes first.
pub(crate) const KEPT: usize = 100;
/// The longest text, in characters.
pub(crate) const LONGEST: usize = 280;
/// How far a listener may fall behind before its stream ends. It comes again and says where it was.
const BEHIND: usize = 64;

/// One message.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Message {
    pub(crate) id: u64,
    pub(crate) date: String,
    pub(crate) author: String,
    pub(crate) text: String,
}

/// What listeners are told. Both have a number, so that a listener can say what it heard last.
#[derive(Clone, Debug)]
pub(crate) enum News {
    Posted(Message),
    Cleared { id: u64 },
}

/// Why a text is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextError {
    Empty,
    TooLong,
}

/// The board. Clones are the same board.
#[derive(Clone)]
pub(crate) struct Board {
    clock: Clock,
    state: Arc<Mutex<State>>,
}

struct State {
    messages: VecDeque<Message>,
    last_id: u64,
    /// The number of the last clearing; none is zero.
    cleared: u64,
    /// `None` once the program ends.
    news: Option<broadcast::Sender<News>>,
}

impl Board {
    /// A board with the two messages of Okta's sample.
    pub(crate) fn new(clock: Clock) -> Self {
        let board = Self {
            clock,
            state: Arc::new(Mutex::new(State {
                messages: VecDeque::new(),
                last_id: 0,
                cleared: 0,
                news: Some(broadcast::Sender::new(BEHIND)),
            })),
        };
        for text in ["Hello, world!", "I am a robot."] {
            board.put("robot", text);
        }
        board
    }

    /// All messages, the oldest first.
    pub(crate) fn messages(&self) -> Vec<Message> {
        self.state().messages.iter().cloned().collect()
    }

    /// Adds a message, without the spaces around it.
    pub(crate) fn post(&self, author: &str, text: &str) -> Result<Message, TextError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(TextError::Empty);
        }
        if text.chars().count() > LONGEST {
            return Err(TextError::TooLong);
        }
        Ok(self.put(author, text))
    }

    fn put(&self, author: &str, text: &str) -> Message {
        let date = i64::try_from(self.now())
            .ok()
            .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
            .and_then(|time| time.format(&Rfc3339).ok())
            .unwrap_or_default();
        let mut state = self.state();
        state.last_id += 1;
        let message = Message {
            id: state.last_id,
            date,
            author: author.to_owned(),
            text: text.to_owned(),
        };
        if state.messages.len() == KEPT {
            state.messages.pop_front();
        }
        state.messages.push_back(message.clone());
        state.tell(News::Posted(message.clone()));
        message
    }

    /// Removes all messages.
    pub(crate) fn clear(&self) {
        let mut state = self.state();
        state.last_id += 1;
        state.cleared = state.last_id;
        state.messages.clear();
        let id = state.cleared;
        state.tell(News::Cleared { id });
    }

    /// What happened after `last`, where the listener says what it heard last, and all that happens from now on.
    pub(crate) fn listen(
        &self,
        last: Option<u64>,
    ) -> (VecDeque<News>, Option<broadcast::Receiver<News>>) {
        let state = self.state();
        let mut missed = VecDeque::new();
        if let Some(heard) = last {
            // A number that is still to come is of an earlier run, of which nothing is left.
            let last = if heard > state.last_id { 0 } else { heard };
            if state.cleared > last || heard > state.last_id {
                missed.push_back(News::Cleared { id: state.cleared });
            }
            let later = state.messages.iter().filter(|message| message.id > last);
            missed.extend(later.cloned().map(News::Posted));
        }
        (
            missed,
            state.news.as_ref().map(broadcast::Sender::subscribe),
        )
    }

    /// Unix seconds.
    pub(crate) fn now(&self) -> u64 {
        (self.clock)()
    }

    /// Ends every listener's stream.
    pub(crate) fn close(&self) {
        self.state().news = None;
    }

    /// Nothing is left half-done under this lock, so a poisoned one is as good as any.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn tell(&self, news: News) {
        if let Some(listeners) = &self.news {
            // An error says that nobody listens.
            let _ = listeners.send(news);
        }
    }
}
