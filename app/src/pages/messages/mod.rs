//! The messages of the sample API: read and written through the proxy by WebAssembly, and by the server without it; told
//! of while one looks; cleared by who has confirmed who they are (RFC 9470).

mod board;
mod list;
#[cfg(not(feature = "ssr"))]
mod live;

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;
use leptos_meta::Title;

use crate::components::api_notice::{ApiNotice, Failed};
use crate::components::guard::AdmitSession;
use crate::host;
use crate::messages::{ClearMessages, SendMessage};
use board::Board;
use list::{from_server, through_proxy};

/// `/messages`
#[component]
pub fn Messages() -> impl IntoView {
    view! {
        <AdmitSession>
            <Page/>
        </AdmitSession>
    }
}

#[component]
fn Page() -> impl IntoView {
    // What a form without WebAssembly was answered comes with the page.
    let failed = SharedValue::new(host::failed_form).into_inner();
    let is_of_this_page = |path: &str| [SendMessage::PATH, ClearMessages::PATH].contains(&path);
    let failed = failed
        .filter(|(path, _)| is_of_this_page(path))
        .map(|(_, error)| Failed {
            error,
            wanted: None,
            was_again: false,
        });
    let board = Board::new(failed);
    view! {
        <Title text="Messages"/>
        <section class="page">
            <h1>"Messages"</h1>
            <p class="lead">
                "These come from an API that wants an access token. The server behind this page has one; this page has not."
            </p>
            <ApiNotice failed=board.failed on_retry=Callback::new(move |()| board.look())/>
            <p class="done" role="status">{move || board.done.get()}</p>
            {compose(board)}
            {through_proxy(board)}
            {clear_board(board)}
            {from_server()}
        </section>
    }
}

/// Writes a message. A form of the page before and without WebAssembly, a call through the proxy with it.
fn compose(board: Board) -> impl IntoView {
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        board.send();
    };
    view! {
        <form
            class="compose"
            method="post"
            action=SendMessage::url()
            node_ref=board.form
            on:submit=submit
        >
            <label for="message-text">"Your message"</label>
            <div class="line">
                <input
                    id="message-text"
                    class="field"
                    type="text"
                    name="text"
                    required
                    data-testid="message-text"
                    aria-describedby="message-kept"
                    node_ref=board.text
                />
                <button type="submit" class="button" data-testid="message-send">
                    {move || if board.is_sending.get() { "Sending …" } else { "Send" }}
                </button>
            </div>
            <p id="message-kept" class="done" role="status" data-testid="draft-restored">
                {move || board.is_restored.get().then_some("Your text is back as you left it.")}
            </p>
        </form>
    }
}

/// Clears the board, which not everybody may at any time.
fn clear_board(board: Board) -> impl IntoView {
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        board.clear();
    };
    view! {
        <form class="clear" method="post" action=ClearMessages::url() on:submit=submit>
            <button type="submit" class="button quiet" data-testid="messages-clear">
                "Clear the board"
            </button>
            <p class="hint">"Removes all messages. You are asked to confirm that it is you."</p>
        </form>
    }
}
