//! The ticket: the product's mark, and the card that stands for what the browser holds.

use leptos::prelude::*;

/// The mark: a ticket with its perforation and a coat hook.
#[component]
pub fn Mark() -> impl IntoView {
    view! {
        <svg class="mark" viewBox="0 0 32 32" width="32" height="32" aria-hidden="true" focusable="false">
            <path
                class="mark-ticket"
                d="M6 4h20a3 3 0 0 1 3 3v5.5a3.5 3.5 0 0 0 0 7V25a3 3 0 0 1-3 3H6a3 3 0 0 1-3-3v-5.5a3.5 3.5 0 0 0 0-7V7a3 3 0 0 1 3-3z"
            />
            <path class="mark-hook" d="M13 12a3 3 0 1 1 3.9 2.9c-.6.2-.9.6-.9 1.2V17m0 0 6 4.2H10z"/>
        </svg>
    }
}

/// A ticket with a stub: what it says, and beside the perforation a word.
#[component]
pub fn Ticket(
    /// The word on the stub.
    stub: &'static str,
    children: Children,
) -> impl IntoView {
    view! {
        <div class="ticket">
            <div class="ticket-body">{children()}</div>
            <div class="ticket-stub" aria-hidden="true">
                <span>{stub}</span>
            </div>
        </div>
    }
}
