//! Bodies that no honest server sends: cut off, dripping, and compressed without being asked (RFC 9112, section 8;
//! RFC 1952).

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;

use super::fault::Fault;
use super::state::Shared;

/// An answer that promises more than the connection brings before it breaks.
pub(super) fn cut_off(body: Vec<u8>) -> Response {
    let length = body.len();
    let half = Bytes::from(body).slice(..length / 2);
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
    ];
    (headers, Body::new(Broken(Some(half)))).into_response()
}

/// A body of one piece, then an error.
struct Broken(Option<Bytes>);

impl hyper::body::Body for Broken {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        let piece = self.0.take();
        Poll::Ready(Some(
            piece
                .map(Frame::data)
                .ok_or_else(|| std::io::Error::other("cut off on purpose")),
        ))
    }
}

/// An answer of which the first byte comes at once and the rest when the fault is over.
pub(super) fn dripping(shared: &Shared, body: Vec<u8>) -> Response {
    let length = body.len();
    let whole = Bytes::from(body);
    let mut changes = shared.changed.subscribe();
    let drip = Drip {
        first: Some(whole.slice(..1)),
        rest: Some(whole.slice(1..)),
        wait: Box::pin(async move {
            // Anything but the same fault again ends it, and so does the provider's end.
            let _ = changes.changed().await;
        }),
    };
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (headers, Body::new(drip)).into_response()
}

/// A body of one byte, and of the rest after a wait.
struct Drip {
    first: Option<Bytes>,
    rest: Option<Bytes>,
    wait: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl hyper::body::Body for Drip {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        if self.rest.is_some() && self.wait.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        Poll::Ready(self.rest.take().map(|rest| Ok(Frame::data(rest))))
    }
}

impl Shared {
    /// Waits until this is no longer the fault.
    pub(super) async fn wait_while(&self, fault: &Fault) {
        // Subscribe before looking, so that a change in between is not missed.
        let mut changes = self.changed.subscribe();
        while self.state().fault.as_ref() == Some(fault) {
            if changes.changed().await.is_err() {
                break;
            }
        }
    }
}

/// The bytes in gzip's format without compressing them (RFC 1952; RFC 1951, section 3.2.4: stored blocks).
pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    const BLOCK: usize = 0xffff;
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let last = bytes.chunks(BLOCK).count().saturating_sub(1);
    for (index, block) in bytes.chunks(BLOCK).enumerate() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(u8::from(index == last));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    out.extend(crc32(bytes).to_le_bytes());
    out.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    out
}

/// RFC 1952, section 8.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
        }
    }
    !crc
}
