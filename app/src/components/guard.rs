//! Parts of a page for those who are signed in, or are not. They decide what is shown, never what may be had: that is
//! decided in every server function.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_location;

use crate::auth::{sign_in_path, use_session};
use crate::host;

/// Shows its children while somebody is signed in.
#[component]
pub fn SignedIn(children: ChildrenFn) -> impl IntoView {
    let session = use_session();
    view! { <Show when=move || session.is_signed_in()>{children()}</Show> }
}

/// Shows its children while nobody is signed in.
#[component]
pub fn SignedOut(children: ChildrenFn) -> impl IntoView {
    let session = use_session();
    view! { <Show when=move || !session.is_signed_in()>{children()}</Show> }
}

/// A page for those who are signed in; anybody else is led to sign in and back. On the server that is a redirect
/// before the first byte.
#[component]
pub fn RequireSession(children: ChildrenFn) -> impl IntoView {
    let session = use_session();
    view! {
        <Show when=move || session.is_signed_in() fallback=LeadToSignIn>
            {children()}
        </Show>
    }
}

/// As [`RequireSession`] when the page is opened; from then on it stays, also where the session ends meanwhile: there may
/// be work on it that a person wants to keep.
#[component]
pub fn AdmitSession(children: Children) -> impl IntoView {
    if use_session().is_signed_in_now() {
        children().into_any()
    } else {
        view! { <LeadToSignIn/> }.into_any()
    }
}

#[component]
fn LeadToSignIn() -> impl IntoView {
    #[cfg(feature = "ssr")]
    host::lead_to_sign_in();
    #[cfg(not(feature = "ssr"))]
    Effect::new(host::lead_to_sign_in);

    view! {
        <Title text="Sign in"/>
        <section class="page">
            <h1>"This page is for those who are signed in"</h1>
            <p class="lead">"We are taking you to the sign-in page. If nothing happens, use the link at the top."</p>
        </section>
    }
}

/// Where the window is, path and query; tracked. Without what a form that failed left in it to be said (`server_fn`).
pub(crate) fn use_here() -> impl Fn() -> String + Clone {
    let location = use_location();
    move || {
        let (path, search) = (location.pathname.get(), location.search.get());
        let is_kept = |pair: &&str| !pair.starts_with("__path=") && !pair.starts_with("__err=");
        let kept: Vec<&str> = search.split('&').filter(is_kept).collect();
        let search = kept.join("&");
        if search.is_empty() {
            path
        } else {
            format!("{path}?{search}")
        }
    }
}

/// A link to sign in that comes back to the page it is on. `external`: the router leaves it to the browser.
#[component]
pub fn SignInLink(
    /// What the link looks like.
    class: &'static str,
    children: Children,
) -> impl IntoView {
    let here = use_here();
    view! {
        <a class=class rel="external" href=move || sign_in_path(&here())>
            {children()}
        </a>
    }
}
