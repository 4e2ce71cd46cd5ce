//! The tower layer: a request with a good token passes, any other is answered (RFC 6750 section 3).

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use tower::{Layer, Service};

use crate::denied::Denied;
use crate::requirement::Requirement;
use crate::server::ResourceServer;
use crate::token::VerifiedToken;

/// What the layer leaves in the request's extensions.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub(crate) token: Arc<VerifiedToken>,
    pub(crate) server: ResourceServer,
}

/// Made by [`ResourceServer::layer`] and [`ResourceServer::require`].
#[derive(Clone, Debug)]
pub struct AccessLayer {
    server: ResourceServer,
    requirement: Arc<Requirement>,
}

impl AccessLayer {
    pub(crate) fn new(server: ResourceServer, requirement: Requirement) -> Self {
        Self {
            server,
            requirement: Arc::new(requirement),
        }
    }

    async fn admit(&self, parts: &mut Parts) -> Result<(), Denied> {
        let earlier = parts.extensions.get::<Checked>().cloned();
        let checked = match earlier.filter(|checked| checked.server.is(&self.server)) {
            Some(checked) => checked,
            None => Checked {
                token: Arc::new(self.server.authenticate(parts).await?),
                server: self.server.clone(),
            },
        };
        self.requirement.check(&checked.token, self.server.now())?;
        parts.extensions.insert(checked);
        Ok(())
    }
}

impl<S> Layer<S> for AccessLayer {
    type Service = AccessService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AccessService {
            inner,
            access: self.clone(),
        }
    }
}

/// A service behind an [`AccessLayer`].
#[derive(Clone, Debug)]
pub struct AccessService<S> {
    inner: S,
    access: AccessLayer,
}

impl<S, B, R> Service<Request<B>> for AccessService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: From<Bytes>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let access = self.access.clone();
        // The one that is ready is the one to call.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            if let Err(denied) = access.admit(&mut parts).await {
                denied.log();
                return Ok(denied.response(access.server.resource_metadata()));
            }
            inner.call(Request::from_parts(parts, body)).await
        })
    }
}
