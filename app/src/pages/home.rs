//! The start page: what this is for those who are signed out, a greeting for those who are in.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::A;
use serde::{Deserialize, Serialize};

use crate::auth::use_session;
use crate::claims::span;
use crate::components::guard::{SignInLink, SignedIn, SignedOut};
use crate::components::ticket::Ticket;
use crate::components::typed_sign_in::TypedSignIn;
use crate::host;

/// What the page before left to be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Notice {
    /// Signed out here and at the provider.
    SignedOut,
    /// Signed out here; the provider may still know them.
    SignedOutHere,
    /// The provider was asked to sign them in without asking them anything, and could not.
    NotSignedInSilently,
}

impl Notice {
    fn text(self) -> &'static str {
        match self {
            Self::SignedOut => "You are signed out.",
            Self::SignedOutHere => {
                "You are signed out here. The sign-in service may still know you: on a shared computer, sign out there too."
            }
            Self::NotSignedInSilently => {
                "The sign-in service needs to ask you something first. Continue to sign-in when you are ready."
            }
        }
    }
}

/// `/`
#[component]
pub fn Home() -> impl IntoView {
    let notice = SharedValue::new(host::notice).into_inner();
    view! {
        <Title text=""/>
        {notice.map(|notice| view! { <p class="notice" role="status">{notice.text()}</p> })}
        <SignedOut>
            <Welcome/>
        </SignedOut>
        <SignedIn>
            <Greeting/>
        </SignedIn>
    }
}

#[component]
fn Welcome() -> impl IntoView {
    view! {
        <section class="hero">
            <div>
                <h1>"Tokens stay on the server."</h1>
                <p class="lead">
                    "Cloakroom signs people in with OpenID Connect and keeps what it gets for them behind the counter. \
                     The browser holds a ticket: a cookie that means nothing to anyone else."
                </p>
                <div class="actions">
                    <SignInLink class="button large">"Continue to sign-in"</SignInLink>
                    <TypedSignIn/>
                </div>
            </div>
            <Counter/>
        </section>
        <section aria-labelledby="how">
            <h2 id="how">"What happens when you sign in"</h2>
            <ol class="steps">
                <li>
                    <h3>"You go to the sign-in service"</h3>
                    <p>"Your password is typed there and nowhere else. This application never sees it."</p>
                </li>
                <li>
                    <h3>"The server swaps a code for tokens"</h3>
                    <p>"One server talks to the other, with a secret and a proof that no browser ever had."</p>
                </li>
                <li>
                    <h3>"You get a ticket"</h3>
                    <p>"A script that steals its way into this page finds no token to take: there is none here."</p>
                </li>
            </ol>
        </section>
    }
}

/// Who holds what, as a picture made of two lists.
#[component]
fn Counter() -> impl IntoView {
    let kept = [
        "Access token",
        "Refresh token",
        "ID token",
        "Client secret",
        "Code verifier",
    ];
    view! {
        <div class="counter">
            <div class="behind">
                <h2>"Behind the counter"</h2>
                <ul>
                    {kept.map(|name| view! { <li><span>{name}</span><span class="bar" aria-hidden="true"></span></li> }).collect_view()}
                </ul>
            </div>
            <Ticket stub="Admit one">
                <h2>"In your browser"</h2>
                <p>"One cookie, out of reach of scripts."</p>
            </Ticket>
        </div>
    }
}

#[component]
fn Greeting() -> impl IntoView {
    let session = use_session();
    let email = move || session.with(|session| session.claim("email").map(str::to_owned));
    let issuer = move || session.with(|session| session.claim("iss").map(str::to_owned));
    let lasts = move || session.with(|session| session.expires_in.map(span));
    view! {
        <section class="hero">
            <div>
                <h1>"Hello, " {move || session.name()}</h1>
                <p class="lead">
                    "You are signed in. Your tokens hang behind the counter; this browser holds the ticket and nothing else."
                </p>
                <div class="actions">
                    <A href="/profile" attr:class="button large">"See what we know about you"</A>
                    <A href="/messages" attr:class="button quiet large">"Read the messages"</A>
                </div>
            </div>
            <Ticket stub="Admit one">
                <h2>"Your ticket"</h2>
                <dl class="facts">
                    <dt>"Name"</dt>
                    <dd>{move || session.name()}</dd>
                    {move || email().map(|email| view! { <dt>"Email"</dt><dd>{email}</dd> })}
                    {move || issuer().map(|issuer| view! { <dt>"Vouched for by"</dt><dd>{issuer}</dd> })}
                    {move || lasts().map(|lasts| view! { <dt>"Ends without use in"</dt><dd>{lasts}</dd> })}
                </dl>
            </Ticket>
        </section>
    }
}
