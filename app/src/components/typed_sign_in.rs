//! Sign-in begun by WebAssembly: the typed call to the server function answers with an address, and the window goes
//! there.

use leptos::prelude::*;

use crate::auth::AuthError;

/// A button that is there once the page is hydrated.
#[component]
pub fn TypedSignIn() -> impl IntoView {
    let pending = RwSignal::new(false);
    let failed = RwSignal::new(None::<AuthError>);
    view! {
        <button
            type="button"
            class="button quiet enhanced"
            data-testid="sign-in-typed"
            disabled=move || pending.get()
            on:click=move |_| begin(pending, failed)
        >
            {move || if pending.get() { "One moment …" } else { "Sign in from WebAssembly" }}
        </button>
        <p class="inline-error" role="alert">
            {move || failed.get().map(AuthError::text)}
        </p>
    }
}

#[cfg(not(feature = "ssr"))]
fn begin(pending: RwSignal<bool>, failed: RwSignal<Option<AuthError>>) {
    use crate::auth::{Destination, login};

    pending.set(true);
    failed.set(None);
    leptos::task::spawn_local(async move {
        match login().await {
            // An answer that names no place is none: to follow it would reload this page.
            Ok(Destination { location }) if !location.is_empty() => crate::browser::go(&location),
            Ok(_) => failed.set(Some(AuthError::Internal)),
            Err(error) => failed.set(Some(error)),
        }
        // Also after leaving: a page that the Back button brings back must not have a dead button.
        pending.set(false);
    });
}

/// Nobody clicks on the server.
#[cfg(feature = "ssr")]
fn begin(_: RwSignal<bool>, _: RwSignal<Option<AuthError>>) {}
