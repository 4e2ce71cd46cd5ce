//! A sign-in that failed: what happened in words for a person, one link that starts again, and the reference that the
//! log has too.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::A;
use serde::{Deserialize, Serialize};

use crate::host;

/// What the page says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FailureView {
    /// A heading.
    pub(crate) title: String,
    /// What happened and what to do.
    pub(crate) text: String,
    /// The address that starts again.
    pub(crate) try_again: String,
    /// The page that the sign-in was begun on, for who is still signed in: what they typed there is kept.
    pub(crate) back: Option<String>,
    /// What the provider said; somebody else's words, shown as such.
    pub(crate) detail: Option<String>,
    /// The correlation id.
    pub(crate) reference: Option<String>,
}

impl Default for FailureView {
    fn default() -> Self {
        Self {
            title: "Sign-in did not complete".to_owned(),
            text: "Nobody was signed in. Start again.".to_owned(),
            try_again: "/auth/login".to_owned(),
            back: None,
            detail: None,
            reference: None,
        }
    }
}

/// `/auth/error`
#[component]
pub fn SignInError() -> impl IntoView {
    let failure = SharedValue::new(host::failure).into_inner();
    view! {
        <Title text=failure.title.clone()/>
        <section class="page narrow">
            <h1>{failure.title.clone()}</h1>
            <p class="lead">{failure.text}</p>
            {failure.detail.map(|detail| view! {
                <figure class="said">
                    <figcaption>"The sign-in service says:"</figcaption>
                    <blockquote>{detail}</blockquote>
                </figure>
            })}
            <div class="actions">
                {failure.back.clone().map(|back| view! {
                    <a class="button large" rel="external" href=back data-testid="error-back">"Go back to your page"</a>
                })}
                <a
                    class=if failure.back.is_some() { "button quiet large" } else { "button large" }
                    rel="external"
                    href=failure.try_again
                >
                    "Try again"
                </a>
                <A href="/" attr:class="button quiet large">"Go to the start page"</A>
            </div>
            {failure.reference.map(|reference| view! {
                <p class="reference">"Reference " <code data-testid="error-reference">{reference}</code></p>
            })}
        </section>
    }
}
