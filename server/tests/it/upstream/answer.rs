//! What an API answers: whole, in pieces, late, never, or in the middle of things no more.

use std::io;

use tokio::io::AsyncWriteExt as _;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::broadcast::error::RecvError;

use super::{Seen, Shared, web_socket};
use crate::framing::{Wire, chunk};
use crate::pattern::{Pattern, Sum};

/// One answer.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// Reads the request's body, then says this with a `Content-Length`; the connection stays.
    Plain {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    },
    /// Reads the request's body, sends these bytes as they are, and closes.
    Raw(Vec<u8>),
    /// Sends these bytes without reading the request's body, and closes.
    Early(Vec<u8>),
    /// Closes as soon as the head has come.
    HangUp,
    /// Reads whatever comes and says nothing, until the caller is gone.
    Silence,
    /// Reads nothing more until [`Upstream::release`](super::Upstream::release), then gives this one.
    Held(Box<Answer>),
    /// The head, which says `Transfer-Encoding: chunked`, then what the test feeds.
    Fed { content_type: &'static str },
    /// So many bytes of the pattern, with a `Content-Length` or in chunks.
    Generated { bytes: u64, chunked: bool },
    /// Reads the body and says what it was, as [`Sum`] does.
    Summed,
    /// Accepts a WebSocket with this subprotocol, and sends every message back.
    WebSocket { protocol: Option<&'static str> },
}

/// What an answer that is fed sends next.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    /// More of the body.
    Text(String),
    /// The end of the body.
    End,
    /// The end of the connection in the middle of the body.
    Break,
}

impl Answer {
    /// 200 and this text.
    pub(crate) fn text(body: &str) -> Self {
        Self::status(200, body).header("content-type", "text/plain; charset=utf-8")
    }

    /// A status and a text without a content type.
    pub(crate) fn status(status: u16, body: &str) -> Self {
        Self::Plain {
            status,
            headers: Vec::new(),
            body: body.as_bytes().to_vec(),
        }
    }

    /// 200 and a JSON document.
    pub(crate) fn json(body: &serde_json::Value) -> Self {
        Self::status(200, &body.to_string()).header("content-type", "application/json")
    }

    /// What an API says to a token that it does not take (RFC 6750 section 3.1).
    pub(crate) fn invalid_token() -> Self {
        Self::status(401, "the token is not good").header(
            "www-authenticate",
            "Bearer error=\"invalid_token\", error_description=\"The token expired.\"",
        )
    }

    /// This one with one more header.
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if let Self::Plain { headers, .. } = &mut self {
            headers.push((name, value.into()));
        }
        self
    }

    /// This one, once it is released.
    pub(crate) fn held(self) -> Self {
        Self::Held(Box::new(self))
    }

    /// Gives it. Whether the connection goes on; an error where the caller is gone.
    pub(super) async fn give(
        self,
        seen: &Seen,
        at: usize,
        wire: &mut Wire<ReadHalf<'_>>,
        writing: &mut WriteHalf<'_>,
        shared: &Shared,
    ) -> io::Result<bool> {
        match self {
            Self::Plain {
                status,
                headers,
                body,
            } => {
                read_body(seen, at, wire, shared).await?;
                let bare = seen.method() == "HEAD" || matches!(status, 204 | 304);
                writing
                    .write_all(&plain(status, &headers, &body, bare))
                    .await?;
                Ok(true)
            }
            Self::Raw(bytes) => {
                read_body(seen, at, wire, shared).await?;
                writing.write_all(&bytes).await?;
                writing.shutdown().await?;
                Ok(false)
            }
            Self::Early(bytes) => {
                writing.write_all(&bytes).await?;
                writing.shutdown().await?;
                Ok(false)
            }
            Self::HangUp => Ok(false),
            Self::Silence => {
                while !wire.bytes().await?.is_empty() {
                    shared.record.received(&wire.copy());
                }
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            Self::Held(answer) => {
                let mut released = shared.released.clone();
                // An error: the test is over.
                let _ = released.wait_for(|released| *released).await;
                Box::pin(answer.give(seen, at, wire, writing, shared)).await
            }
            Self::Fed { content_type } => {
                let mut feed = shared.feed.subscribe();
                read_body(seen, at, wire, shared).await?;
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked\r\n\r\n"
                );
                writing.write_all(head.as_bytes()).await?;
                loop {
                    let piece = tokio::select! {
                        piece = feed.recv() => piece,
                        // Nothing more is to come: it is the end, or an error.
                        gone = wire.bytes() => {
                            gone?;
                            return Err(io::ErrorKind::UnexpectedEof.into());
                        }
                    };
                    match piece {
                        Ok(Piece::Text(text)) => writing.write_all(&chunk(text.as_bytes())).await?,
                        Ok(Piece::End) => {
                            writing.write_all(b"0\r\n\r\n").await?;
                            return Ok(true);
                        }
                        Ok(Piece::Break) | Err(RecvError::Closed | RecvError::Lagged(_)) => {
                            return Ok(false);
                        }
                    }
                }
            }
            Self::Generated { bytes, chunked } => {
                read_body(seen, at, wire, shared).await?;
                generate(bytes, chunked, writing).await?;
                Ok(true)
            }
            Self::Summed => {
                let (mut framing, mut sum) = (seen.head.request_framing(), Sum::default());
                while let Some(piece) = wire.piece(&mut framing).await? {
                    sum.add(&piece);
                }
                let answer = plain(200, &[], sum.finish().as_bytes(), false);
                writing.write_all(&answer).await?;
                Ok(true)
            }
            Self::WebSocket { protocol } => web_socket::echo(seen, protocol, wire, writing).await,
        }
    }
}

async fn read_body(
    seen: &Seen,
    at: usize,
    wire: &mut Wire<ReadHalf<'_>>,
    shared: &Shared,
) -> io::Result<()> {
    let body = wire.body(seen.head.request_framing()).await?;
    shared.record.with_body(at, &body, &wire.trailers);
    Ok(())
}

fn plain(status: u16, headers: &[(&str, String)], body: &[u8], bare: bool) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {status} As The Test Says\r\n").into_bytes();
    for (name, value) in headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    if !bare {
        bytes.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    if !bare {
        bytes.extend_from_slice(body);
    }
    bytes
}

async fn generate(bytes: u64, chunked: bool, writing: &mut WriteHalf<'_>) -> io::Result<()> {
    let framing = if chunked {
        "transfer-encoding: chunked".to_owned()
    } else {
        format!("content-length: {bytes}")
    };
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\n{framing}\r\n\r\n");
    writing.write_all(head.as_bytes()).await?;
    let mut pattern = Pattern::new(bytes);
    while let Some(piece) = pattern.piece() {
        if chunked {
            writing.write_all(&chunk(piece)).await?;
        } else {
            writing.write_all(piece).await?;
        }
    }
    if chunked {
        writing.write_all(b"0\r\n\r\n").await?;
    }
    Ok(())
}
