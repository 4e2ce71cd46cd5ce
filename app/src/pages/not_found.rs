//! There is nothing at this address.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::A;

use crate::host;

/// The page for every address without one; its status is 404.
#[component]
pub fn NotFound() -> impl IntoView {
    host::not_found();
    view! {
        <Title text="Page not found"/>
        <section class="page narrow">
            <h1>"Page not found"</h1>
            <p class="lead">"There is nothing at this address. It may have moved, or the link may be mistyped."</p>
            <div class="actions">
                <A href="/" attr:class="button large">"Go to the start page"</A>
            </div>
        </section>
    }
}
