//! The messages, twice: as the page gets them through the proxy, and as the server got them when it made the page.

use leptos::prelude::*;

use super::board::{Board, Listed};
use crate::api::ApiError;
use crate::components::guard::SignInLink;
use crate::messages::{Message, messages};

/// What WebAssembly reads through the proxy, and is told of while one looks.
pub(super) fn through_proxy(board: Board) -> impl IntoView {
    let of_none = move || {
        board.listed.with(|listed| match listed {
            Listed::Loading => Some("One moment …"),
            Listed::Here(list) => list
                .is_empty()
                .then_some("The board is empty. Write the first message."),
            Listed::Failed => Some("The messages could not be read."),
            Listed::NotSetUp => Some("The sample API is not set up. Below stands how it is."),
        })
    };
    view! {
        <section class="board" aria-labelledby="through-proxy">
            <h2 id="through-proxy">"Fetched by this page"</h2>
            <p class="hint enhanced">
                "Through the proxy of this application. New messages appear by themselves"
                {move || (!board.is_live.get()).then_some(" once the connection is there")} "."
            </p>
            <p class="hint unscripted">"This part needs WebAssembly; the one below does not."</p>
            <p class="nothing enhanced">{of_none}</p>
            <ul class="messages" aria-live="polite" aria-relevant="additions" data-testid="messages-list">
                <For
                    each=move || board.listed.with(Listed::newest_first)
                    key=|message| (message.id, message.date.clone(), message.text.clone())
                    let:message
                >
                    {item(message, "message")}
                </For>
            </ul>
        </section>
    }
}

/// What a server function reads, with the same rules and errors.
pub(super) fn from_server() -> impl IntoView {
    let fetched = Resource::new_blocking(|| (), |()| messages());
    view! {
        <section class="board" aria-labelledby="from-server">
            <h2 id="from-server">"Fetched by the server"</h2>
            <p class="hint">"By a server function, when this page was made: it is there without WebAssembly, too."</p>
            <div data-testid="messages-server">
                <Suspense fallback=|| view! { <p class="nothing">"One moment …"</p> }>
                    {move || Suspend::new(async move { shown(fetched.await) })}
                </Suspense>
            </div>
        </section>
    }
}

fn shown(fetched: Result<Vec<Message>, ApiError>) -> AnyView {
    match fetched {
        Ok(list) if list.is_empty() => {
            view! { <p class="nothing">"The board is empty."</p> }.into_any()
        }
        Ok(list) => {
            let items = list
                .into_iter()
                .rev()
                .map(|message| item(message, "server-message"))
                .collect_view();
            view! { <ul class="messages">{items}</ul> }.into_any()
        }
        Err(ApiError::RouteNotAllowed) => not_set_up().into_any(),
        Err(error) => {
            let signs_in = error.is_mended_by_signing_in();
            view! {
                <p class="nothing">{error.text()}</p>
                {signs_in.then(|| view! { <p><SignInLink class="link">"Sign in again"</SignInLink></p> })}
            }
            .into_any()
        }
    }
}

/// What whoever runs this application does to see something here.
fn not_set_up() -> impl IntoView {
    view! {
        <p>"The sample API is not set up here. Start it (" <code>"make run"</code> " does), and tell Cloakroom where it is and what it needs:"</p>
        <pre class="lines">
            <code>
                "CLOAKROOM_API_SAMPLE=http://127.0.0.1:4001/api\nCLOAKROOM_SCOPES=\"openid profile email offline_access messages:read messages:write\""
            </code>
        </pre>
    }
}

fn item(message: Message, testid: &'static str) -> impl IntoView {
    let when = when(&message.date);
    view! {
        <li data-testid=testid>
            <p>{message.text}</p>
            <time datetime=message.date>{when}</time>
        </li>
    }
}

/// A time of RFC 3339 as it is read; as it came where it is none.
fn when(date: &str) -> String {
    match (date.get(..10), date.get(10..11), date.get(11..16)) {
        (Some(day), Some("T"), Some(minute)) if date.ends_with('Z') => {
            format!("{day} {minute} UTC")
        }
        _ => date.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::when;

    #[test]
    fn a_time_is_shown_to_the_minute() {
        assert_eq!(when("2026-11-23T10:04:59Z"), "2026-11-23 10:04 UTC");
        assert_eq!(when("2026-11-23T10:04:59.123Z"), "2026-11-23 10:04 UTC");
    }

    #[test]
    fn what_is_no_such_time_is_shown_as_it_is() {
        for date in [
            "",
            "yesterday",
            "2026-11-23T10:04:59+01:00",
            "2026-11-2\u{663}T10:04:59Z",
        ] {
            assert_eq!(when(date), date);
        }
    }
}
