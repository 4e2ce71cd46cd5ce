//! The routes, and what each needs of a token (RFC 6750 section 3.1, RFC 9470).

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use cloakroom_resource::{Access, Requirement, ResourceServer};
use futures_util::{Stream, stream};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::broadcast;
use tokio::time::{Instant, timeout_at};

use super::board::{Board, LONGEST, News, TextError};

/// The scopes that this API knows.
pub(crate) const SCOPES: [&str; 2] = [READ, WRITE];
const READ: &str = "messages:read";
const WRITE: &str = "messages:write";
/// What clearing the board needs: a second factor, at most this many seconds ago.
const STRONG: &str = "urn:okta:loa:2fa:any";
const RECENT: u64 = 300;
/// The largest body, in bytes: a text of the longest kind with every character escaped.
const BODY: usize = 8 * 1024;
/// How much longer than its token a stream may last, in seconds: as long as the token's check allows clocks to differ.
const LEEWAY: u64 = 60;

/// The whole API.
pub(crate) fn router(server: &ResourceServer, board: &Board) -> Router {
    let reads = server.require(Requirement::new().scope(READ));
    let writes = server.require(Requirement::new().scope(WRITE));
    let strong = Requirement::new().scope(WRITE).acr(STRONG).max_age(RECENT);
    let strong = server.require(strong);
    let messages = get(list)
        .route_layer(reads.clone())
        .merge(post(send).route_layer(writes))
        .merge(delete(clear).route_layer(strong));
    Router::new()
        .route("/api/messages", messages)
        .route("/api/events", get(events).route_layer(reads))
        .route("/healthz", get(|| async { Json(json!({"status": "ok"})) }))
        .merge(server.metadata_router())
        .fallback(|| async {
            problem(StatusCode::NOT_FOUND, "not_found", "There is nothing here.")
        })
        .method_not_allowed_fallback(|| async {
            let detail = "This address is not for that method.";
            problem(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
        })
        .layer(DefaultBodyLimit::max(BODY))
        .with_state(board.clone())
}

async fn list(State(board): State<Board>) -> Response {
    Json(json!({"messages": board.messages()})).into_response()
}

#[derive(Deserialize)]
struct NewMessage {
    text: String,
}

async fn send(
    State(board): State<Board>,
    token: Access,
    body: Result<Json<NewMessage>, JsonRejection>,
) -> Response {
    let text = match body {
        Ok(Json(message)) => message.text,
        Err(rejection) => {
            let detail = "The body must be JSON such as {\"text\":\"Hello\"}, with Content-Type: application/json.";
            return problem(rejection.status(), "body_unreadable", detail);
        }
    };
    match board.post(&token.subject, &text) {
        Ok(message) => {
            tracing::info!(id = message.id, "a message was posted");
            (StatusCode::CREATED, Json(message)).into_response()
        }
        Err(TextError::Empty) => {
            let detail = "The text is empty; write something.";
            problem(StatusCode::UNPROCESSABLE_ENTITY, "text_empty", detail)
        }
        Err(TextError::TooLong) => {
            let detail = format!("The text is longer than {LONGEST} characters; shorten it.");
            problem(StatusCode::UNPROCESSABLE_ENTITY, "text_too_long", &detail)
        }
    }
}

async fn clear(State(board): State<Board>) -> StatusCode {
    board.clear();
    tracing::info!("the board was cleared");
    StatusCode::NO_CONTENT
}

/// A stream lasts no longer than the token that opened it: whoever may still listen comes again with a new one, and
/// with `Last-Event-ID` misses nothing.
async fn events(
    State(board): State<Board>,
    token: Access,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let last = headers
        .get("last-event-id")
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let (missed, news) = board.listen(last);
    let left = token
        .expires_at
        .saturating_add(LEEWAY)
        .saturating_sub(board.now());
    let listener = Listener {
        missed,
        news,
        until: Instant::now() + Duration::from_secs(left),
    };
    let events = stream::unfold(listener, |mut listener| async {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}

struct Listener {
    missed: VecDeque<News>,
    news: Option<broadcast::Receiver<News>>,
    until: Instant,
}

impl Listener {
    /// `None` at the end of the token or the program, and for a listener that fell behind.
    async fn next(&mut self) -> Option<Event> {
        let news = match self.missed.pop_front() {
            Some(missed) => missed,
            None => timeout_at(self.until, self.news.as_mut()?.recv())
                .await
                .ok()?
                .ok()?,
        };
        match news {
            News::Posted(message) => {
                let event = Event::default().id(message.id.to_string());
                event.json_data(message).ok()
            }
            News::Cleared { id } => {
                let event = Event::default().id(id.to_string());
                Some(event.event("cleared").data("{}"))
            }
        }
    }
}

fn problem(status: StatusCode, code: &str, detail: &str) -> Response {
    let body = json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or_default(),
        "status": status.as_u16(),
        "detail": detail,
        "code": code,
    });
    let json = [(CONTENT_TYPE, "application/problem+json")];
    (status, json, body.to_string()).into_response()
}
