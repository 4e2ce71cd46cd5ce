//! What stands in the way of a call, in words, and what to do about it: sign in, sign in and have it done, confirm who one
//! is (RFC 9470). Nobody is sent away unasked, and what was typed is kept ([`use_draft`](crate::drafts::use_draft)).

use leptos::html::Section;
use leptos::prelude::*;

use crate::api::{ApiError, Call, StepUp};
use crate::auth::{sign_in_path, step_up_path, use_session};
use crate::components::guard::use_here;

/// What a person wanted done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The call that does it.
    pub call: Call,
    /// The page's word for it, by which it knows it again after a sign-in.
    pub purpose: &'static str,
    /// What it is, as it stands on a button behind "Sign in and ..".
    pub words: &'static str,
}

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// Why.
    pub error: ApiError,
    /// What the person wanted; `None` where nobody asked for the call, or it cannot be made again.
    pub wanted: Option<Wanted>,
    /// Whether this was the call that was made again after a sign-in: it is not offered a second time.
    pub was_again: bool,
}

impl Failed {
    /// What to offer, where a stronger sign-in is what is lacking and was not had in vain.
    fn step_up(&self) -> Option<StepUp> {
        match &self.error {
            ApiError::StepUp(step_up) if !self.was_again => Some(step_up.clone()),
            _ => None,
        }
    }

    fn text(&self) -> &'static str {
        match &self.error {
            ApiError::StepUp(_) => {
                "You have just confirmed who you are, but the service asks for more than your sign-in service gives. Ask whoever manages access to this application."
            }
            error => error.text(),
        }
    }
}

/// The place where a page says so; empty while nothing has failed.
#[component]
pub fn ApiNotice(
    /// What failed last.
    failed: RwSignal<Option<Failed>>,
    /// Looks again, where that alone may help.
    on_retry: Callback<()>,
) -> impl IntoView {
    // Who was signed in when the page was opened: the call is theirs.
    let owner = use_session().owner();
    let offer = move || failed.with(|failed| failed.as_ref().and_then(Failed::step_up));
    let told = move || failed.get().filter(|failed| failed.step_up().is_none());
    let owner_ = owner.clone();
    view! {
        <div class="notice" role="alert" data-testid="api-notice">
            {move || told().map(|failed| tell(&failed, owner_.clone(), on_retry))}
        </div>
        {move || {
            let wanted = failed.with_untracked(|failed| failed.as_ref()?.wanted.clone());
            offer().map(|step_up| make_offer(step_up, wanted, owner.clone()))
        }}
    }
}

fn tell(failed: &Failed, owner: Option<String>, on_retry: Callback<()>) -> impl IntoView + use<> {
    let here = use_here()();
    let error = &failed.error;
    let signs_in = error.is_mended_by_signing_in() && !matches!(error, ApiError::StepUp(_));
    let way = sign_in_path(&here);
    let again = failed
        .wanted
        .clone()
        .filter(|_| signs_in && !failed.was_again && owner.is_some())
        .map(|wanted| {
            let words = format!("Sign in and {}", wanted.words);
            let keep = move || keep(&here, owner.as_deref(), &wanted, None);
            let looks = ("button enhanced", "sign-in-and-repeat");
            way_on(looks, way.clone(), words, Box::new(keep))
        });
    let alone = signs_in.then(|| {
        let looks = ("button quiet", "sign-in-again");
        way_on(looks, way, "Sign in".to_owned(), Box::new(|| {}))
    });
    let retries = failed.wanted.is_none() && error.retry_after().is_some();
    view! {
        <p>{failed.text()}</p>
        {error.said().map(|words| view! {
            <figure class="said">
                <figcaption>"The service says:"</figcaption>
                <blockquote>{words.to_owned()}</blockquote>
            </figure>
        })}
        {signs_in.then(|| view! { <div class="actions">{again}{alone}</div> })}
        {retries.then(|| view! {
            <div class="actions">
                <button type="button" class="button quiet enhanced" on:click=move |_| on_retry.run(())>
                    "Try again"
                </button>
            </div>
        })}
    }
}

fn make_offer(step_up: StepUp, wanted: Option<Wanted>, owner: Option<String>) -> impl IntoView {
    let here = use_here()();
    let words = wanted.as_ref().map_or_else(
        || "Confirm it is you".to_owned(),
        |wanted| format!("Confirm it is you and {}", wanted.words),
    );
    let way = step_up_path(&here, &step_up);
    let keep = move || {
        if let Some(wanted) = &wanted {
            keep(&here, owner.as_deref(), wanted, Some(&step_up));
        }
    };
    let section = NodeRef::<Section>::new();
    // Whoever works with the keyboard, or hears the page, is where it goes on.
    Effect::new(move |_| {
        if let Some(section) = section.get() {
            let _ = section.focus();
        }
    });
    view! {
        <section
            class="offer"
            tabindex="-1"
            aria-labelledby="step-up-title"
            data-testid="step-up-offer"
            node_ref=section
        >
            <h2 id="step-up-title">"Please confirm that it is you"</h2>
            <p>
                "This needs a stronger or a more recent sign-in than yours. You go to the sign-in service and come back to \
                 this page. "
                <span class="enhanced">"What you have typed is kept."</span>
            </p>
            <div class="actions">
                {way_on(("button", "step-up-continue"), way, words, Box::new(keep))}
            </div>
        </section>
    }
}

/// A link to a sign-in, which works without WebAssembly; with it, something is kept first. `looks` is its class and its
/// name for tests.
fn way_on(
    (class, testid): (&'static str, &'static str),
    href: String,
    words: String,
    mut keep: Box<dyn FnMut()>,
) -> impl IntoView {
    view! {
        <a class=class rel="external" data-testid=testid href=href on:click=move |_| keep()>
            {words}
        </a>
    }
}

/// Under the page's path, without its query: so it is found after the sign-in.
#[cfg(not(feature = "ssr"))]
fn keep(here: &str, owner: Option<&str>, wanted: &Wanted, step_up: Option<&StepUp>) {
    use crate::drafts::{Needs, keep_again};

    let page = here.split('?').next().unwrap_or_default();
    let needs = step_up.map_or(Needs::SignIn, |step_up| Needs::StepUp(step_up.clone()));
    if let Some(owner) = owner {
        keep_again(page, owner, wanted.purpose, &wanted.call, needs);
    }
}

/// Nobody clicks on the server.
#[cfg(feature = "ssr")]
fn keep(_: &str, _: Option<&str>, _: &Wanted, _: Option<&StepUp>) {}
