//! A WebSocket once both sides have agreed on it (RFC 6455): bytes both ways until one side or the session ends.
//!
//! Frames are not read, but where they begin and end towards the browser is, so that the browser can be told why its
//! socket closes: 1008 (policy) when the session ended, 1001 (going away) when the program does. The upstream sees its
//! connection end.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;

use crate::proxy::life::{Over, Until};

/// How long the browser may take to close its side once it was told.
const CLOSING: Duration = Duration::from_secs(1);

/// Carries bytes until it is over.
pub(crate) async fn carry(
    browser: OnUpgrade,
    upstream: OnUpgrade,
    mut until: Until,
    permit: OwnedSemaphorePermit,
) {
    let both = async { tokio::try_join!(browser, upstream) };
    let (browser, upstream) = tokio::select! {
        both = both => match both {
            Ok(both) => both,
            Err(error) => {
                tracing::debug!(%error, "a WebSocket did not come about");
                return;
            }
        },
        _ = &mut until => return,
    };
    let mut browser = Framed::new(TokioIo::new(browser));
    let mut upstream = TokioIo::new(upstream);
    let over = tokio::select! {
        ended = tokio::io::copy_bidirectional(&mut browser, &mut upstream) => {
            if let Err(error) = ended {
                tracing::debug!(%error, "a WebSocket broke off");
            }
            None
        }
        over = &mut until => Some(over),
    };
    drop(upstream);
    if let Some(over) = over {
        browser.close(over).await;
    }
    drop(permit);
}

/// The browser's side, which knows whether a frame is half written.
struct Framed {
    io: TokioIo<Upgraded>,
    place: Place,
}

impl Framed {
    fn new(io: TokioIo<Upgraded>) -> Self {
        Self {
            io,
            place: Place::default(),
        }
    }

    /// Tells the browser why (RFC 6455 section 5.5.1), and gives it a moment to close its side: a connection that is
    /// dropped with unread bytes in it is reset, and takes what was said last with it.
    async fn close(&mut self, over: Over) {
        let code: u16 = match over {
            Over::Session => 1008,
            Over::Program => 1001,
        };
        let closing = async {
            if self.place.is_between_frames() {
                let [high, low] = code.to_be_bytes();
                self.io.write_all(&[0x88, 2, high, low]).await?;
            }
            self.io.shutdown().await?;
            let mut unread = [0; 1024];
            while self.io.read(&mut unread).await? > 0 {}
            Ok::<(), std::io::Error>(())
        };
        if let Ok(Err(error)) = tokio::time::timeout(CLOSING, closing).await {
            tracing::debug!(%error, "a WebSocket could not be closed in order");
        }
    }
}

impl AsyncRead for Framed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Framed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.io).poll_write(cx, bytes))?;
        self.place.advance(bytes.get(..written).unwrap_or(bytes));
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// Where in a sequence of frames a byte stream is (RFC 6455 section 5.2).
#[derive(Debug, Default)]
struct Place {
    /// The head of the frame that has begun, as far as it came.
    head: Vec<u8>,
    /// Bytes of its payload that are still to come.
    payload: u64,
}

impl Place {
    fn is_between_frames(&self) -> bool {
        self.head.is_empty() && self.payload == 0
    }

    fn advance(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.payload > 0 {
                let here = self.payload.min(bytes.len() as u64);
                self.payload -= here;
                bytes = bytes
                    .get(usize::try_from(here).unwrap_or(bytes.len())..)
                    .unwrap_or_default();
            } else if let [first, rest @ ..] = bytes {
                self.head.push(*first);
                bytes = rest;
                if let Some(length) = payload_length(&self.head) {
                    self.payload = length;
                    self.head.clear();
                }
            }
        }
    }
}

/// How long the payload is, once the head is whole.
fn payload_length(head: &[u8]) -> Option<u64> {
    let [_, second, rest @ ..] = head else {
        return None;
    };
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    let (extended, short) = match second & 0x7F {
        126 => (2, None),
        127 => (8, None),
        short => (0, Some(u64::from(short))),
    };
    if rest.len() < extended + mask {
        return None;
    }
    Some(short.unwrap_or_else(|| {
        rest.iter()
            .take(extended)
            .fold(0, |length, byte| length << 8 | u64::from(*byte))
    }))
}

#[cfg(test)]
mod tests {
    use super::Place;

    fn frames() -> (Vec<u8>, Vec<usize>) {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for (head, length) in [
            (&[0x81, 5][..], 5),
            (&[0x89, 0], 0),
            (&[0x02, 126, 1, 0], 256),
            (&[0x81, 0x82, 1, 2, 3, 4], 2),
            (&[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0], 65536),
        ] {
            bytes.extend(head);
            bytes.extend(std::iter::repeat_n(0x88, length));
            ends.push(bytes.len());
        }
        (bytes, ends)
    }

    #[test]
    fn the_ends_of_frames_are_found_however_the_bytes_are_cut() {
        let (bytes, ends) = frames();
        for cut in [1, 2, 3, 7, 300, 70_000] {
            let (mut place, mut at) = (Place::default(), 0);
            assert!(place.is_between_frames());
            for part in bytes.chunks(cut) {
                place.advance(part);
                at += part.len();
                assert_eq!(place.is_between_frames(), ends.contains(&at), "{cut} {at}");
            }
        }
    }
}
