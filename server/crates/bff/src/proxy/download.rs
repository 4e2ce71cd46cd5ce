//! The body of an upstream's answer on its way to the browser: piece by piece as the browser takes it. One that breaks
//! off ends the browser's with an error, never as if it were whole (RFC 9112 section 8).

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use thiserror::Error;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep};

use crate::proxy::life::Until;
use crate::proxy::response_headers;

/// Why an answer's body did not come whole.
#[derive(Debug, Error)]
pub(crate) enum DownloadError {
    #[error("the upstream sent nothing more of its answer")]
    Stalled,
    #[error("the upstream's answer broke off")]
    Broken(#[source] hyper::Error),
}

/// An answer's body. While it lives, its call counts as under way.
pub(crate) struct Download {
    body: Incoming,
    bound: Bound,
    waiting: bool,
    over: bool,
    /// Whose answer it is, for the log.
    upstream: Arc<str>,
    _permit: OwnedSemaphorePermit,
}

/// What ends it.
enum Bound {
    /// A pause.
    Pause {
        longest: Duration,
        timer: Option<Pin<Box<Sleep>>>,
    },
    /// The end of the session or of the program: an event stream.
    Until(Until),
}

impl Download {
    /// One that may pause for so long.
    pub(crate) fn pausing(
        body: Incoming,
        longest: Duration,
        (upstream, permit): (Arc<str>, OwnedSemaphorePermit),
    ) -> Self {
        let bound = Bound::Pause {
            longest,
            timer: None,
        };
        Self::new(body, bound, upstream, permit)
    }

    /// One that may pause as long as it likes, until something happens; it then ends as if it had ended by itself.
    pub(crate) fn until(
        body: Incoming,
        until: Until,
        (upstream, permit): (Arc<str>, OwnedSemaphorePermit),
    ) -> Self {
        Self::new(body, Bound::Until(until), upstream, permit)
    }

    fn new(body: Incoming, bound: Bound, upstream: Arc<str>, permit: OwnedSemaphorePermit) -> Self {
        Self {
            body,
            bound,
            waiting: false,
            over: false,
            upstream,
            _permit: permit,
        }
    }

    /// Whether what bounds it says that it is over; registers to be woken when it does.
    fn poll_bound(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.bound {
            Bound::Pause { longest, timer } => {
                let longest = *longest;
                let timer = timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(longest)));
                if !self.waiting {
                    timer.as_mut().reset(Instant::now() + longest);
                }
                self.waiting = true;
                timer.as_mut().poll(cx)
            }
            Bound::Until(until) => until.as_mut().poll(cx).map(|_| ()),
        }
    }
}

impl HttpBody for Download {
    type Data = Bytes;
    type Error = DownloadError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, DownloadError>>> {
        let this = &mut *self;
        if this.over {
            return Poll::Ready(None);
        }
        // A stream that always has something to say must end too.
        if matches!(this.bound, Bound::Until(_)) && this.poll_bound(cx).is_ready() {
            this.over = true;
            return Poll::Ready(None);
        }
        match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.waiting = false;
                Poll::Ready(Some(Ok(match frame.into_trailers() {
                    Ok(trailers) => Frame::trailers(response_headers::trailers(trailers)),
                    Err(frame) => frame,
                })))
            }
            Poll::Ready(Some(Err(error))) => {
                this.over = true;
                tracing::warn!(upstream = &*this.upstream, %error, "an upstream broke off in the middle of its answer");
                Poll::Ready(Some(Err(DownloadError::Broken(error))))
            }
            Poll::Ready(None) => {
                this.over = true;
                Poll::Ready(None)
            }
            Poll::Pending => {
                if matches!(this.bound, Bound::Pause { .. }) && this.poll_bound(cx).is_ready() {
                    this.over = true;
                    tracing::warn!(
                        upstream = &*this.upstream,
                        "an upstream paused too long in the middle of its answer"
                    );
                    return Poll::Ready(Some(Err(DownloadError::Stalled)));
                }
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.over || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
