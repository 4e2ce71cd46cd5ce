//! The messages of the sample API, and the server functions that call it from the server's side: what a page does without
//! WebAssembly, and what it shows before.

use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use serde::{Deserialize, Serialize};

use crate::api::{self, ApiError, Call, Method};

/// Where the messages are, through the proxy: of the API that is configured as `sample`.
pub(crate) const MESSAGES: &str = "/api/sample/messages";
/// Where the API tells of new ones, as server-sent events.
#[cfg(not(feature = "ssr"))]
pub(crate) const EVENTS: &str = "/api/sample/events";

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its number, where the API gives it one.
    #[serde(default)]
    pub id: u64,
    /// When it was sent (RFC 3339).
    pub date: String,
    /// What it says.
    pub text: String,
}

/// All messages, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Board {
    /// The messages.
    pub messages: Vec<Message>,
}

/// Reads the board; what a browser and a server function do alike.
pub async fn read_board() -> Result<Vec<Message>, ApiError> {
    let board: Board = api::get(MESSAGES).await?;
    Ok(board.messages)
}

/// The call that sends a message; it answers with the [`Message`].
pub fn sending(text: &str) -> Result<Call, ApiError> {
    #[derive(Serialize)]
    struct NewMessage<'a> {
        text: &'a str,
    }
    Call::with_body(Method::Post, MESSAGES, &NewMessage { text })
}

/// The call that clears the board. It needs a recent, strong authentication (RFC 9470).
pub fn clearing() -> Call {
    Call::new(Method::Delete, MESSAGES)
}

/// The messages, fetched by the server.
#[server(prefix = "/_fn", endpoint = "messages", input = GetUrl)]
pub async fn messages() -> Result<Vec<Message>, ApiError> {
    read_board().await
}

/// Sends a message, for a form without WebAssembly.
#[server(prefix = "/_fn", endpoint = "messages/send")]
pub async fn send_message(
    /// What it says.
    text: String,
) -> Result<Message, ApiError> {
    sending(&text)?.send().await
}

/// Clears the board, for a form without WebAssembly.
#[server(prefix = "/_fn", endpoint = "messages/clear")]
pub async fn clear_messages() -> Result<(), ApiError> {
    clearing().send().await
}
