//! A request to an upstream and the head of its answer, each within its bounds (RFC 9110 sections 15.6.3 and 15.6.5).

use std::error::Error;

use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, header};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper_util::client::legacy;

use crate::proxy::client::HttpClient;
use crate::proxy::error::CallError;
use crate::proxy::upload::{Progress, Upload};
use crate::upstream::UpstreamTimeouts;

/// One request, one answer.
pub(crate) struct Exchange<'a> {
    pub(crate) client: &'a HttpClient,
    pub(crate) timeouts: UpstreamTimeouts,
    /// Of a body that is still coming.
    pub(crate) progress: Option<&'a Progress>,
}

/// Why there is no answer.
pub(crate) enum Failed {
    /// The connection ended before a byte of an answer came: it may have been closed before the request was read.
    Dead(CallError),
    Other(CallError),
}

impl From<CallError> for Failed {
    fn from(error: CallError) -> Self {
        Self::Other(error)
    }
}

impl From<Failed> for CallError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Dead(error) | Failed::Other(error) => error,
        }
    }
}

impl Exchange<'_> {
    /// Sends, and waits for the head of the answer; `patient`: as long as it takes.
    pub(crate) async fn make(
        &self,
        method: &Method,
        uri: &Uri,
        headers: HeaderMap,
        body: Upload,
        patient: bool,
    ) -> Result<Response<Incoming>, Failed> {
        let mut request = Request::new(body);
        *request.method_mut() = method.clone();
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = headers;
        // hyper takes a GET whose length nobody knows for one without a body, and would leave it out.
        if request.body().size_hint().exact().is_none() && *method == Method::GET {
            request.headers_mut().insert(
                header::TRANSFER_ENCODING,
                HeaderValue::from_static("chunked"),
            );
        }
        // Some servers refuse one of these that does not say that its body is empty (RFC 9110 section 8.6).
        if request.body().size_hint().exact() == Some(0)
            && [Method::POST, Method::PUT, Method::PATCH].contains(method)
        {
            request
                .headers_mut()
                .insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let mut sending = std::pin::pin!(self.client.request(request));
        if let Some(progress) = self.progress {
            let taken = progress.sent(self.timeouts.pause);
            tokio::select! {
                biased;
                answer = &mut sending => return self.judge(answer),
                taken = taken => if !taken {
                    return Err(CallError::TooSlow.into());
                }
            }
        }
        if patient {
            return self.judge(sending.await);
        }
        match tokio::time::timeout(self.timeouts.answer, sending).await {
            Ok(answer) => self.judge(answer),
            Err(_) => Err(CallError::TooSlow.into()),
        }
    }

    fn judge(
        &self,
        answer: Result<Response<Incoming>, legacy::Error>,
    ) -> Result<Response<Incoming>, Failed> {
        let error = match answer {
            Ok(response) => return Ok(response),
            Err(error) => error,
        };
        // What the browser did is not the upstream's fault.
        if let Some(error) = self.progress.and_then(Progress::failed) {
            return Err(CallError::from(error).into());
        }
        if error.is_connect() {
            return Err(CallError::Unreachable(reason(&error)).into());
        }
        let said = CallError::Answer(reason(&error));
        Err(if is_dead(&error) {
            Failed::Dead(said)
        } else {
            Failed::Other(said)
        })
    }
}

/// Whether the connection was gone before it carried an answer.
fn is_dead(error: &legacy::Error) -> bool {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<hyper::Error>()
            && (error.is_incomplete_message() || error.is_closed() || error.is_canceled())
        {
            return true;
        }
        if let Some(error) = error.downcast_ref::<std::io::Error>()
            && matches!(
                error.kind(),
                std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe
            )
        {
            return true;
        }
        source = error.source();
    }
    false
}

/// The innermost reason, which is the one that helps.
fn reason(error: &legacy::Error) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
