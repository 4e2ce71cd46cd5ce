//! The head of every page: where one is, who is signed in, the way in and out.

use leptos::prelude::*;
use leptos_router::components::A;

use crate::auth::use_session;
use crate::components::guard::{SignInLink, SignedIn, SignedOut};
use crate::components::ticket::Mark;
use crate::drafts::forget_all;

/// Sign-in is a link and sign-out a form: both work before and without WebAssembly, and both leave the page.
#[component]
pub fn Header() -> impl IntoView {
    let session = use_session();
    view! {
        <header class="header">
            <A href="/" attr:class="brand" exact=true>
                <Mark/>
                <span>"Cloakroom"</span>
            </A>
            <nav class="nav" aria-label="Account">
                <SignedOut>
                    <SignInLink class="button">"Sign in"</SignInLink>
                </SignedOut>
                <SignedIn>
                    <span class="who" title=move || session.name()>{move || session.name()}</span>
                    <A href="/messages" attr:class="nav-link">"Messages"</A>
                    <A href="/profile" attr:class="nav-link">"Profile"</A>
                    <form method="post" action="/auth/logout" on:submit=|_| forget_all()>
                        <button type="submit" class="button quiet">"Sign out"</button>
                    </form>
                </SignedIn>
            </nav>
        </header>
    }
}
