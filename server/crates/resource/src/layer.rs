//! The tower layer: a request with a good token passes, any other is answered (RFC 6750 sections 3 and 5.2).

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::CACHE_CONTROL;
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use tower::{Layer, Service};

use crate::denied::Denied;
use crate::extract::Access;
use crate::form;
use crate::requirement::Requirement;
use crate::server::ResourceServer;

/// What the layer leaves in the request's extensions.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub(crate) access: Access,
    pub(crate) server: ResourceServer,
}

/// Lets requests with a good token through, and answers any other. Made by [`ResourceServer::layer`] and
/// [`ResourceServer::require`]; the service behind it finds the token by [`Access`].
///
/// It goes around any tower service over HTTP whose answers' body can be made of [`Bytes`]. An answer of that
/// service's without `Cache-Control` gets `no-store`: what needs a token is for its holder only. A layer for CORS
/// belongs outside of it, for browsers ask without a token whether they may send one.
///
/// ```
/// use std::convert::Infallible;
///
/// use bytes::Bytes;
/// use cloakroom_resource::{Access, ResourceServer};
/// use http::{Request, Response};
/// use tower::{Layer, Service, service_fn};
///
/// fn whoami(
///     server: &ResourceServer,
/// ) -> impl Service<Request<Bytes>, Response = Response<Bytes>, Error = Infallible> {
///     server.layer().layer(service_fn(async |request: Request<Bytes>| {
///         let token = Access::of(request.extensions());
///         let subject = token.map(|token| token.subject.clone());
///         Ok(Response::new(Bytes::from(subject.unwrap_or_default())))
///     }))
/// }
/// ```
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

    async fn admit<B: Send + 'static>(
        &self,
        parts: &mut Parts,
        body: &mut B,
    ) -> Result<(), Denied> {
        let earlier = parts.extensions.get::<Checked>();
        if let Some(checked) = earlier.filter(|checked| checked.server.is(&self.server)) {
            return self.requirement.check(&checked.access, self.server.now());
        }
        form::refuse_token(parts, body).await?;
        let token = self.server.authenticate(parts).await?;
        self.requirement.check(&token, self.server.now())?;
        parts.extensions.insert(Checked {
            access: Access(Arc::new(token)),
            server: self.server.clone(),
        });
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
            let (mut parts, mut body) = request.into_parts();
            if let Err(denied) = access.admit(&mut parts, &mut body).await {
                denied.log();
                return Ok(denied.response(access.server.resource_metadata()));
            }
            let mut response = inner.call(Request::from_parts(parts, body)).await?;
            response
                .headers_mut()
                .entry(CACHE_CONTROL)
                .or_insert(HeaderValue::from_static("no-store"));
            Ok(response)
        })
    }
}
