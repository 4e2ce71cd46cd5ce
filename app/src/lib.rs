//! What people see, and the server functions: pages, components, and who is signed in.
//!
//! The same crate is built twice: with `ssr` for the server, with `hydrate` for the browser. What differs between the
//! two is in one module of the same shape each, `http` and `browser`; everything else is written once.
//!
//! Specifications: OpenID Connect Core 1.0 (claims), RFC 9457 (problem documents), Content Security Policy Level 3.

#[cfg(not(feature = "ssr"))]
mod browser;
#[cfg(feature = "ssr")]
mod csp;
#[cfg(feature = "ssr")]
pub mod http;

pub mod api;
pub mod auth;
pub mod claims;
pub mod components;
pub mod drafts;
pub mod messages;
pub mod pages;
mod shell;

/// The half of the program this build is for: the request in hand, or the window.
mod host {
    #[cfg(not(feature = "ssr"))]
    pub(crate) use crate::browser::{
        call, failed_form, failure, lead_to_sign_in, not_found, notice, session,
    };
    #[cfg(feature = "ssr")]
    pub(crate) use crate::http::{
        call, failed_form, failure, lead_to_sign_in, not_found, notice, session,
    };
}

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{FlatRoutes, Route, Router};
use leptos_router::{SsrMode, path};

use crate::components::header::Header;
use crate::pages::error::SignInError;
use crate::pages::home::Home;
use crate::pages::messages::Messages;
use crate::pages::not_found::NotFound;
use crate::pages::profile::Profile;

pub use crate::components::guard::{AdmitSession, RequireSession, SignedIn, SignedOut};
pub use crate::shell::shell;

/// The whole application. Who is signed in is known before anything is drawn, on the server and in the browser.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    auth::provide_session();

    view! {
        <Title formatter=|title: String| {
            if title.is_empty() { "Cloakroom".to_owned() } else { format!("{title} · Cloakroom") }
        }/>
        <Router>
            <a class="skip" href="#main">"Skip to content"</a>
            <Header/>
            <main id="main" tabindex="-1">
                <FlatRoutes fallback=NotFound>
                    <Route path=path!("/") view=Home ssr=SsrMode::Async/>
                    <Route path=path!("/messages") view=Messages ssr=SsrMode::Async/>
                    <Route path=path!("/profile") view=Profile ssr=SsrMode::Async/>
                    <Route path=path!("/auth/error") view=SignInError ssr=SsrMode::Async/>
                </FlatRoutes>
            </main>
            <footer class="footer">
                <p>"Tokens stay behind the counter. The browser keeps a ticket."</p>
            </footer>
        </Router>
    }
}
