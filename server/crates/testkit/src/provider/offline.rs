//! The provider without a network: the same routes, called in process. For code under test that takes HTTP as a parameter.

use std::sync::{Arc, Mutex};

use ::http::{Request, Response, StatusCode};
use axum::body::{Body, Bytes};
use hyper::body::Body as _;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;

use super::state::Shared;
use super::{Builder, Provider, http};

impl Provider {
    /// Where a provider without a network says it is. The name does not resolve anywhere.
    pub const OFFLINE_ORIGIN: &'static str = "https://op.testkit.example";

    /// A provider with the default client and user that listens nowhere: its issuer is
    /// `https://op.testkit.example/oauth2/default`, and [`answer`](Self::answer) is how it is asked.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use cloakroom_testkit::Provider;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let provider = Provider::offline();
    /// let address = format!("{}/.well-known/openid-configuration", provider.issuer());
    /// let request = http::Request::get(address).body(Bytes::new()).unwrap();
    /// let answer = provider.answer(request).await;
    /// assert_eq!(answer.status(), 200);
    /// # }
    /// ```
    pub fn offline() -> Self {
        Builder::default().offline()
    }

    pub(super) fn without_listener(shared: Shared) -> Self {
        Self {
            shared: Arc::new(shared),
            address: None,
            server: Mutex::new(None),
        }
    }

    /// What the provider answers to this request, in process. It works beside a network too.
    ///
    /// The address is absolute, and of this provider: any other is a protocol error and gets 502. An answer that a
    /// network would cut off ([`Fault::TokenAnswerLost`](super::Fault::TokenAnswerLost)) ends in the middle: its
    /// body is shorter than its `Content-Length` says.
    pub async fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        let uri = request.uri();
        let origin = format!(
            "{}://{}",
            uri.scheme_str().unwrap_or_default(),
            uri.authority().map_or("", |authority| authority.as_str())
        );
        if origin != self.shared.origin {
            let problem = format!("{origin} was asked, which is not this provider");
            self.shared.state().object(problem);
            let mut answer = Response::new(Bytes::new());
            *answer.status_mut() = StatusCode::BAD_GATEWAY;
            return answer;
        }
        let service = TowerToHyperService::new(http::router(self.shared.clone()));
        let answer = match service.call(request.map(Body::from)).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        };
        let (parts, mut body) = answer.into_parts();
        let mut whole = Vec::new();
        loop {
            let frame =
                std::future::poll_fn(|context| std::pin::Pin::new(&mut body).poll_frame(context));
            match frame.await {
                Some(Ok(frame)) => whole.extend(frame.into_data().unwrap_or_default()),
                Some(Err(_)) | None => break,
            }
        }
        Response::from_parts(parts, Bytes::from(whole))
    }
}
