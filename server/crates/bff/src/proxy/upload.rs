//! The body of a call on its way to the upstream: piece by piece as the upstream takes it, never more of it here than
//! that, bounded in size and in pauses (RFC 9110 sections 6.4, 15.5.9 and 15.5.14).

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use thiserror::Error;
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep};

/// The largest body that is kept aside in case it must be sent again, in bytes.
const KEEP: usize = 64 * 1024;

/// Why the browser's body did not arrive whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum UploadError {
    #[error("the body is larger than this API takes")]
    TooLarge,
    #[error("the browser sent nothing more of the body")]
    Stalled,
    #[error("the browser broke off, or its body is not HTTP")]
    Broken,
}

/// A body to send.
pub(crate) enum Upload {
    /// All of it is here.
    Whole(Whole),
    /// What the browser is still sending.
    Live(Box<Live>),
}

/// A body that is here, perhaps empty: it can be sent again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Whole {
    pieces: VecDeque<Bytes>,
    left: u64,
}

impl Whole {
    pub(crate) fn of(bytes: Bytes) -> Self {
        let left = bytes.len() as u64;
        let pieces = (left > 0).then_some(bytes).into_iter().collect();
        Self { pieces, left }
    }

    fn next(&mut self) -> Option<Bytes> {
        let piece = self.pieces.pop_front()?;
        self.left = self.left.saturating_sub(piece.len() as u64);
        Some(piece)
    }
}

/// What becomes of a live body, for whoever waits for the answer.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Counts every time the upstream asks for more and every time the browser has sent some.
    steps: AtomicU64,
    ended: Notify,
    failed: OnceLock<UploadError>,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    pieces: VecDeque<Bytes>,
    bytes: usize,
    /// More came than is kept.
    spilled: bool,
    whole: bool,
}

impl Progress {
    /// Why the body failed, where it did.
    pub(crate) fn failed(&self) -> Option<UploadError> {
        self.failed.get().copied()
    }

    /// Waits until the body has been sent, or is sent no more; `false`: the upstream does not take it.
    pub(crate) async fn sent(&self, pause: Duration) -> bool {
        let ended = self.ended.notified();
        let mut ended = std::pin::pin!(ended);
        let mut seen = self.steps.load(Ordering::Relaxed);
        loop {
            if tokio::time::timeout(pause, &mut ended).await.is_ok() {
                return true;
            }
            let now = self.steps.load(Ordering::Relaxed);
            if now == seen {
                return false;
            }
            seen = now;
        }
    }

    /// The body once more, where all of it was kept.
    pub(crate) fn again(&self) -> Option<Whole> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        (kept.whole && !kept.spilled).then(|| Whole {
            left: kept.bytes as u64,
            pieces: kept.pieces.clone(),
        })
    }

    fn step(&self) {
        self.steps.fetch_add(1, Ordering::Relaxed);
    }

    fn keep(&self, piece: &Bytes, last: bool) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.bytes = kept.bytes.saturating_add(piece.len());
        if kept.bytes > KEEP {
            kept.spilled = true;
            kept.pieces = VecDeque::new();
        } else if !kept.spilled && !piece.is_empty() {
            kept.pieces.push_back(piece.clone());
        }
        kept.whole |= last;
    }
}

/// The browser's body.
pub(crate) struct Live {
    body: Body,
    /// Bytes that may still come.
    allowed: u64,
    pause: Duration,
    timer: Pin<Box<Sleep>>,
    waiting: bool,
    over: bool,
    progress: Arc<Progress>,
}

impl Upload {
    /// The same once more, where it is here.
    pub(crate) fn copy(&self) -> Option<Whole> {
        match self {
            Self::Whole(whole) => Some(whole.clone()),
            Self::Live(_) => None,
        }
    }

    /// Whether it is known, before it comes, to be too large.
    pub(crate) fn is_larger_than(&self, max: Option<u64>) -> bool {
        max.is_some_and(|max| self.size_hint().lower() > max)
    }

    /// The browser's body, and how it fares.
    pub(crate) fn live(body: Body, max: Option<u64>, pause: Duration) -> (Self, Arc<Progress>) {
        let progress = Arc::new(Progress::default());
        let live = Live {
            body,
            allowed: max.unwrap_or(u64::MAX),
            pause,
            timer: Box::pin(tokio::time::sleep(pause)),
            waiting: false,
            over: false,
            progress: Arc::clone(&progress),
        };
        (Self::Live(Box::new(live)), progress)
    }
}

impl Live {
    fn fail(&mut self, error: UploadError) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        // The first reason is the reason.
        let _ = self.progress.failed.set(error);
        self.end();
        Poll::Ready(Some(Err(error)))
    }

    fn end(&mut self) {
        self.over = true;
        self.progress.ended.notify_one();
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        if self.over {
            return Poll::Ready(None);
        }
        let frame = match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Pending => {
                if !self.waiting {
                    self.waiting = true;
                    self.progress.step();
                    self.timer.as_mut().reset(Instant::now() + self.pause);
                }
                return match self.timer.as_mut().poll(cx) {
                    Poll::Ready(()) => self.fail(UploadError::Stalled),
                    Poll::Pending => Poll::Pending,
                };
            }
            Poll::Ready(frame) => frame,
        };
        self.waiting = false;
        self.progress.step();
        match frame {
            None => {
                self.progress.keep(&Bytes::new(), true);
                self.end();
                Poll::Ready(None)
            }
            Some(Err(_)) => self.fail(UploadError::Broken),
            Some(Ok(frame)) => {
                let Ok(piece) = frame.into_data() else {
                    // Trailers could say what a header may not, and no browser sends any.
                    self.progress.keep(&Bytes::new(), true);
                    self.end();
                    return Poll::Ready(None);
                };
                let Some(allowed) = self.allowed.checked_sub(piece.len() as u64) else {
                    return self.fail(UploadError::TooLarge);
                };
                self.allowed = allowed;
                let last = self.body.is_end_stream();
                self.progress.keep(&piece, last);
                if last {
                    self.end();
                }
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
        }
    }
}

impl Drop for Live {
    /// The upstream wants no more of it.
    fn drop(&mut self) {
        self.progress.ended.notify_one();
    }
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = UploadError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        match &mut *self {
            Self::Whole(whole) => Poll::Ready(whole.next().map(|piece| Ok(Frame::data(piece)))),
            Self::Live(live) => live.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(whole) => whole.pieces.is_empty(),
            Self::Live(live) => live.over || live.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(whole) => SizeHint::with_exact(whole.left),
            Self::Live(live) => live.body.size_hint(),
        }
    }
}
