//! Calls from the server's own code: server functions and handlers call the upstreams of the configuration by the rules
//! by which pages call them, but for the header that tells our pages from others.

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as _;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::proxy::call::Ask;
use crate::proxy::download::Download;
use crate::proxy::error::CallError;
use crate::proxy::path::RouteError;
use crate::proxy::request_headers::Kind;
use crate::proxy::upload::{Upload, Whole};
use crate::visit::Visit;

/// The longest answer that is read for the server's own code, in bytes.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

impl Visit {
    /// Calls an upstream with the token of whoever this request comes from, as a page does under `/api/{name}`: routes,
    /// headers both ways, renewal of the token and time-outs are the same. Counts as activity of the session.
    ///
    /// The request's address is the path below the API, with its query. What the upstream answers is an answer, also a
    /// 404 or a 500; an error means that there is none, and has a [`code`](CallError::code) for the page. Answers are
    /// read whole, up to 4 MiB: for more, have the page call.
    ///
    /// ```no_run
    /// use bytes::Bytes;
    /// use http::Request;
    ///
    /// # async fn orders(visit: cloakroom_bff::Visit) -> Result<String, Box<dyn std::error::Error>> {
    /// let request = Request::get("/orders?page=2").body(Bytes::new())?;
    /// let answer = visit.call_api("orders", request).await?;
    /// if !answer.status().is_success() {
    ///     return Err(format!("the API says {}", answer.status()).into());
    /// }
    /// # Ok(String::from_utf8(answer.into_body().into())?)
    /// # }
    /// ```
    pub async fn call_api(
        &self,
        name: &str,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, CallError> {
        let api = self.bff().apis().get(name).ok_or(RouteError::UnknownApi)?;
        let (parts, body) = request.into_parts();
        if parts.uri.authority().is_some() {
            return Err(RouteError::NotAPath.into());
        }
        let ask = Ask {
            method: &parts.method,
            path: parts.uri.path(),
            query: parts.uri.query(),
            headers: &parts.headers,
            kind: Kind::Call,
            patient: false,
        };
        let reply = api
            .call(self, &ask, Upload::Whole(Whole::of(body)), None)
            .await?;
        let (parts, body) = reply.response.into_parts();
        if body.size_hint().lower() > MAX_ANSWER as u64 {
            return Err(CallError::AnswerTooLarge(MAX_ANSWER));
        }
        let body = Download::pausing(body, api.upstream.timeouts.pause, reply.call);
        let body = Limited::new(body, MAX_ANSWER)
            .collect()
            .await
            .map_err(|error| {
                if error.is::<LengthLimitError>() {
                    CallError::AnswerTooLarge(MAX_ANSWER)
                } else {
                    CallError::Answer(error.to_string())
                }
            })?;
        let mut response = Response::new(body.to_bytes());
        *response.status_mut() = parts.status;
        *response.headers_mut() = parts.headers;
        Ok(response)
    }
}
