//! Who is signed in, as the page knows it: looked up before rendering, sent with the page, and there in the browser
//! before the first paint. It is for what is shown; the server decides anew in every server function.

use std::fmt;

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::host;

/// The session as it was when the page was made. It goes to the browser, and holds no token because it can hold none:
/// it is made of claims and a number.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionView {
    /// Whether somebody is signed in.
    pub signed_in: bool,
    /// The name to greet by.
    pub name: Option<String>,
    /// What the provider says of the person (OpenID Connect Core section 5.1), without protocol claims.
    pub claims: Map<String, Value>,
    /// Seconds until the session ends if nothing more is done in it, counted from when the page was made.
    pub expires_in: Option<u64>,
    /// A name for the person that says nothing about them, the same in each of their sessions: what the browser keeps
    /// of them bears it.
    #[serde(default)]
    pub owner: Option<String>,
    /// How strongly the person was authenticated (`acr`, OpenID Connect Core section 2).
    #[serde(default)]
    pub acr: Option<String>,
    /// Seconds from when the person was authenticated to when the page was made, where the provider says when it was.
    #[serde(default)]
    pub authenticated_ago: Option<u64>,
}

impl SessionView {
    /// What a page may know of a session; `now` in Unix seconds.
    #[cfg(feature = "ssr")]
    pub fn of(session: &cloakroom_bff::Session, now: u64) -> Self {
        Self {
            signed_in: true,
            name: Some(session.display_name().to_owned()),
            claims: session.claims().clone(),
            expires_in: Some(session.expires_in(now)),
            owner: Some(session.pseudonym()),
            acr: session.acr().map(str::to_owned),
            authenticated_ago: session.auth_time().map(|time| now.saturating_sub(time)),
        }
    }

    /// A claim that is text.
    pub fn claim(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }
}

impl fmt::Debug for SessionView {
    /// Claims are personal data: they stay out of logs and the console.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionView")
            .field("signed_in", &self.signed_in)
            .finish_non_exhaustive()
    }
}

/// Who is signed in, for components: the same through all navigation within the application.
#[derive(Debug, Clone, Copy)]
pub struct CurrentSession(RwSignal<SessionView>);

impl CurrentSession {
    /// Whether somebody is signed in; tracked.
    pub fn is_signed_in(self) -> bool {
        self.0.with(|session| session.signed_in)
    }

    /// As [`Self::is_signed_in`], not tracked.
    pub(crate) fn is_signed_in_now(self) -> bool {
        self.0.with_untracked(|session| session.signed_in)
    }

    /// The name to greet by, empty where nobody is signed in; tracked.
    pub fn name(self) -> String {
        self.0
            .with(|session| session.name.clone().unwrap_or_default())
    }

    /// Whose what the browser keeps is, as it is now; not tracked. Who was signed in when a page was opened is asked then.
    pub fn owner(self) -> Option<String> {
        self.0.with_untracked(|session| session.owner.clone())
    }

    /// Reads the view as it is now; not tracked.
    #[cfg(not(feature = "ssr"))]
    pub(crate) fn with_now<T>(self, read: impl FnOnce(&SessionView) -> T) -> T {
        self.0.with_untracked(read)
    }

    /// Reads the view; tracked.
    pub fn with<T>(self, read: impl FnOnce(&SessionView) -> T) -> T {
        self.0.with(read)
    }

    /// A server function answered that nobody is signed in any more: the page stops showing otherwise.
    pub fn forget(self) {
        self.0.set(SessionView::default());
    }
}

/// Who is signed in. Nobody, where the application was not started by [`App`](crate::App).
pub fn use_session() -> CurrentSession {
    use_context().unwrap_or_else(|| CurrentSession(RwSignal::default()))
}

/// Takes the session from the request on the server, and from the page in the browser.
pub(crate) fn provide_session() {
    let session = RwSignal::new(SharedValue::new(host::session).into_inner());
    provide_context(CurrentSession(session));
    // What another person left in this tab is gone before anything of it could be shown.
    #[cfg(not(feature = "ssr"))]
    crate::drafts::tidy(CurrentSession(session).owner().as_deref());
    // A page that the browser kept for the Back button shows who was signed in then: ask the server again.
    #[cfg(not(feature = "ssr"))]
    Effect::new(|| {
        window_event_listener_untyped("pageshow", |event| {
            use leptos::wasm_bindgen::JsCast as _;
            if event
                .dyn_ref::<web_sys::PageTransitionEvent>()
                .is_some_and(web_sys::PageTransitionEvent::persisted)
            {
                let _ = window().location().reload();
            }
        });
    });
}
