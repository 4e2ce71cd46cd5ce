//! What the page knows of the board, and what people may want done to it.

use leptos::html::{Form, Input};
use leptos::prelude::*;

use crate::components::api_notice::Failed;
use crate::drafts::use_draft;
use crate::messages::Message;

/// The messages, as far as the page has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(
    all(feature = "ssr", not(test)),
    expect(dead_code, reason = "on the server the list is always on its way")
)]
pub(super) enum Listed {
    /// On their way.
    #[default]
    Loading,
    /// Here, the oldest first.
    Here(Vec<Message>),
    /// Not to be had now; the notice says why.
    Failed,
    /// No API is configured under the name.
    NotSetUp,
}

impl Listed {
    pub(super) fn newest_first(&self) -> Vec<Message> {
        match self {
            Self::Here(list) => list.iter().rev().cloned().collect(),
            _ => Vec::new(),
        }
    }

    /// One more, unless it is there already: a message that was sent from here comes back by the event stream. While the
    /// list is on its way it is not made up of what came before it.
    #[cfg(any(test, not(feature = "ssr")))]
    pub(super) fn add(&mut self, message: Message) {
        if let Self::Here(list) = self
            && !list.iter().any(|known| is_same(known, &message))
        {
            list.push(message);
            list.sort_by_key(|message| message.id);
        }
    }

    #[cfg(any(test, not(feature = "ssr")))]
    pub(super) fn clear(&mut self) {
        if let Self::Here(list) = self {
            list.clear();
        }
    }
}

/// By number where the API gives one.
#[cfg(any(test, not(feature = "ssr")))]
fn is_same(known: &Message, new: &Message) -> bool {
    if new.id == 0 {
        known == new
    } else {
        known.id == new.id
    }
}

/// The page's state; copies are the same.
#[derive(Clone, Copy)]
pub(super) struct Board {
    /// The form, and the field for a message.
    pub(super) form: NodeRef<Form>,
    pub(super) text: NodeRef<Input>,
    /// Whether what was typed before a sign-in is back.
    pub(super) is_restored: RwSignal<bool>,
    /// The messages.
    pub(super) listed: RwSignal<Listed>,
    /// What failed last.
    pub(super) failed: RwSignal<Option<Failed>>,
    /// What was done last, in words.
    pub(super) done: RwSignal<Option<&'static str>>,
    /// Whether a message is on its way.
    pub(super) is_sending: RwSignal<bool>,
    /// Whether the page is told of new messages.
    pub(super) is_live: RwSignal<bool>,
    /// Who is signed in.
    #[cfg(not(feature = "ssr"))]
    pub(super) session: crate::auth::CurrentSession,
    #[cfg(not(feature = "ssr"))]
    pub(super) live: StoredValue<super::live::Live, LocalStorage>,
}

impl Board {
    /// A board that begins to look as soon as the page is there; `failed` is what a form without WebAssembly came to.
    pub(super) fn new(failed: Option<Failed>) -> Self {
        let form = NodeRef::new();
        let board = Self {
            form,
            text: NodeRef::new(),
            is_restored: use_draft("message", form),
            listed: RwSignal::default(),
            failed: RwSignal::new(failed),
            done: RwSignal::new(None),
            is_sending: RwSignal::new(false),
            is_live: RwSignal::new(false),
            #[cfg(not(feature = "ssr"))]
            session: crate::auth::use_session(),
            #[cfg(not(feature = "ssr"))]
            live: StoredValue::new_local(super::live::Live::default()),
        };
        #[cfg(not(feature = "ssr"))]
        board.begin();
        board
    }
}

/// On the server there is nobody to press a button: forms go to server functions.
#[cfg(feature = "ssr")]
#[expect(
    clippy::unused_self,
    reason = "the counterparts of what the browser does"
)]
impl Board {
    pub(super) fn look(self) {}

    pub(super) fn send(self) {}

    pub(super) fn clear(self) {}
}

#[cfg(test)]
mod tests {
    use super::Listed;
    use crate::messages::Message;

    fn message(id: u64, text: &str) -> Message {
        Message {
            id,
            date: "2026-11-23T10:00:00Z".to_owned(),
            text: text.to_owned(),
        }
    }

    fn texts(listed: &Listed) -> Vec<String> {
        let newest_first = listed.newest_first().into_iter();
        newest_first.map(|message| message.text).collect()
    }

    #[test]
    fn the_newest_stands_first_in_whichever_order_they_come() {
        let mut listed = Listed::Here(vec![message(1, "one")]);
        listed.add(message(3, "three"));
        listed.add(message(2, "two"));
        assert_eq!(texts(&listed), ["three", "two", "one"]);
    }

    #[test]
    fn a_message_that_is_there_is_not_added_again() {
        let mut listed = Listed::Here(vec![message(1, "one")]);
        listed.add(message(1, "one"));
        assert_eq!(texts(&listed), ["one"]);
        listed.add(message(2, "one"));
        assert_eq!(texts(&listed), ["one", "one"], "said twice is said twice");
    }

    #[test]
    fn an_api_without_numbers_is_understood() {
        let mut listed = Listed::Here(vec![message(0, "first")]);
        listed.add(message(0, "second"));
        listed.add(message(0, "second"));
        assert_eq!(texts(&listed), ["second", "first"]);
    }

    #[test]
    fn until_the_list_is_there_nothing_stands_in_for_it() {
        for mut listed in [Listed::Loading, Listed::Failed, Listed::NotSetUp] {
            let before = listed.clone();
            listed.add(message(1, "one"));
            listed.clear();
            assert_eq!(listed, before);
        }
    }
}
