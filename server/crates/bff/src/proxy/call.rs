//! One call: decided, with the caller's token, sent, and sent once more where that helps (RFC 6750 sections 2.1 and 3.1,
//! RFC 9110 section 9.2.2).

use std::sync::Arc;

use cloakroom_vault::Ticket;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header};
use hyper::body::Incoming;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::Zeroizing;

use crate::held::Held;
use crate::proxy::challenge;
use crate::proxy::client::{Clients, UpstreamTrust};
use crate::proxy::error::CallError;
use crate::proxy::exchange::{Exchange, Failed};
use crate::proxy::life::{self, Over, Until};
use crate::proxy::path::Destination;
use crate::proxy::request_headers::{Kind, RequestPolicy};
use crate::proxy::response_headers;
use crate::proxy::upload::{Progress, Upload};
use crate::tokens::{NoToken, TokenFor, Usable};
use crate::upstream::{Upstream, UpstreamProtocol, WhoseToken};
use crate::visit::Visit;

/// An upstream, ready to be called.
pub(crate) struct Api {
    pub(crate) upstream: Upstream,
    name: Arc<str>,
    destination: Destination,
    policy: RequestPolicy,
    /// Where it is known that HTTP/1.1 is spoken; HTTP/2 has `:authority` in its place.
    host: Option<HeaderValue>,
    clients: Clients,
    permits: Arc<Semaphore>,
}

/// What is asked of an API.
pub(crate) struct Ask<'a> {
    pub(crate) method: &'a Method,
    /// Below the API: empty, or from its `/`.
    pub(crate) path: &'a str,
    pub(crate) query: Option<&'a str>,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) kind: Kind,
    /// Whether the answer may take its time: an event stream's begins when there is something to say.
    pub(crate) patient: bool,
}

/// An upstream's answer, its headers as they may be passed on.
pub(crate) struct Reply {
    pub(crate) response: Response<Incoming>,
    /// Whose call counts as under way.
    pub(crate) call: (Arc<str>, OwnedSemaphorePermit),
    /// The session that was called for.
    pub(crate) ticket: Option<Ticket>,
    /// Where somebody watches it already.
    pub(crate) until: Option<Until>,
}

/// Who calls, as far as this upstream is concerned.
struct Caller<'a> {
    held: Option<&'a Arc<Held>>,
    token: Option<Usable>,
}

impl Api {
    /// `None` where its base is no address to send to.
    pub(crate) fn new(upstream: &Upstream, trust: &UpstreamTrust) -> Option<Self> {
        let destination = Destination::new(upstream)?;
        let only_http1 = match upstream.protocol {
            UpstreamProtocol::Http1 => true,
            UpstreamProtocol::Auto => upstream.base.scheme() == "http",
            UpstreamProtocol::Http2 => false,
        };
        Some(Self {
            host: destination.host().filter(|_| only_http1),
            destination,
            policy: RequestPolicy::new(upstream),
            clients: Clients::new(upstream, trust),
            permits: Arc::new(Semaphore::new(
                upstream.max_calls.min(Semaphore::MAX_PERMITS),
            )),
            name: Arc::from(upstream.name.as_str()),
            upstream: upstream.clone(),
        })
    }

    /// Makes the call. `progress` is that of a body which is still coming.
    pub(crate) async fn call(
        &self,
        visit: &Visit,
        ask: &Ask<'_>,
        body: Upload,
        progress: Option<&Progress>,
    ) -> Result<Reply, CallError> {
        let uri = self.destination.decide(ask.method, ask.path, ask.query)?;
        if body.is_larger_than(self.upstream.max_body) {
            return Err(CallError::BodyTooLarge);
        }
        let mut caller = self.caller(visit).await?;
        let permit = Arc::clone(&self.permits)
            .try_acquire_owned()
            .map_err(|_| CallError::Busy)?;
        let ticket = caller.held.map(|held| held.ticket.clone());
        let mut until = ask
            .patient
            .then(|| life::until(visit.bff(), ticket.clone()));
        let kept = body.copy();
        let repeat = || {
            kept.clone()
                .or_else(|| progress.and_then(Progress::again))
                .map(Upload::Whole)
        };
        let mut answer = self
            .send(visit, ask, &uri, &caller, body, progress, until.as_mut())
            .await;
        // A connection that the upstream closed just as the call was written to it (RFC 9112 section 9.3.1).
        if let Err(Failed::Dead(_)) = &answer
            && ask.method.is_idempotent()
            && let Some(body) = repeat()
        {
            answer = self
                .send(visit, ask, &uri, &caller, body, None, until.as_mut())
                .await;
        }
        let mut response = answer?;
        if response.status() == StatusCode::UNAUTHORIZED
            && challenge::says_invalid_token(response.headers())
            && let Some(body) = repeat()
            && let Some(better) = self.better_token(visit, &caller).await?
        {
            drop(response);
            caller.token = Some(better);
            response = self
                .send(visit, ask, &uri, &caller, body, None, until.as_mut())
                .await?;
        }
        Ok(Reply {
            response: self.presentable(response, ask.kind, &uri)?,
            call: (Arc::clone(&self.name), permit),
            ticket,
            until,
        })
    }

    /// Who calls, and with which token. One look-up of the session, that of the visit.
    async fn caller<'v>(&self, visit: &'v Visit) -> Result<Caller<'v>, CallError> {
        let whose = self.upstream.token;
        if whose == WhoseToken::None && self.policy.user().is_none() {
            return Ok(Caller {
                held: None,
                token: None,
            });
        }
        let held = visit.held().await?;
        let token = match (whose, held) {
            (WhoseToken::User, None) => return Err(CallError::SignedOut),
            (WhoseToken::None, _) | (WhoseToken::UserIfSignedIn, None) => None,
            (_, Some(held)) => {
                let found = visit
                    .bff()
                    .access_token(&held.ticket, &held.record, self.wanted())
                    .await;
                match found {
                    Ok(usable) => Some(usable),
                    Err(error) => return Err(no_token(visit, error)),
                }
            }
        };
        Ok(Caller { held, token })
    }

    /// Another token than the one that was refused, where there is one.
    async fn better_token(
        &self,
        visit: &Visit,
        caller: &Caller<'_>,
    ) -> Result<Option<Usable>, CallError> {
        let (Some(held), Some(refused)) = (caller.held, &caller.token) else {
            return Ok(None);
        };
        visit
            .bff()
            .access_token_instead_of(&held.ticket, refused, self.wanted())
            .await
            .map_err(|error| no_token(visit, error))
    }

    fn wanted(&self) -> TokenFor<'_> {
        TokenFor {
            resource: self.upstream.resource.as_deref(),
            scopes: &self.upstream.scopes,
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "what is asked, by whom, with what body, and how long it may take: each attempt has its own mixture"
    )]
    async fn send(
        &self,
        visit: &Visit,
        ask: &Ask<'_>,
        uri: &Uri,
        caller: &Caller<'_>,
        body: Upload,
        progress: Option<&Progress>,
        until: Option<&mut Until>,
    ) -> Result<Response<Incoming>, Failed> {
        let mut headers = self
            .policy
            .apply(ask.headers, ask.kind)
            .map_err(CallError::from)?;
        if let Some(host) = &self.host {
            headers.entry(header::HOST).or_insert_with(|| host.clone());
        }
        self.say_who_calls(&mut headers, visit, caller)?;
        let client = match ask.kind {
            Kind::Call => &self.clients.calls,
            Kind::WebSocket => &self.clients.web_sockets,
        };
        let exchange = Exchange {
            client,
            timeouts: self.upstream.timeouts,
            progress,
        };
        let answer = exchange.make(ask.method, uri, headers, body, until.is_some());
        let Some(until) = until else {
            return answer.await;
        };
        tokio::select! {
            biased;
            over = until => Err(Failed::from(match over {
                Over::Session => CallError::SignedOut,
                Over::Program => CallError::Busy,
            })),
            answer = answer => answer,
        }
    }

    /// The token, and what the policy tells of who calls.
    fn say_who_calls(
        &self,
        headers: &mut HeaderMap,
        visit: &Visit,
        caller: &Caller<'_>,
    ) -> Result<(), CallError> {
        if let Some(usable) = &caller.token {
            let text = Zeroizing::new(format!("Bearer {}", usable.token.expose()));
            let mut value = HeaderValue::from_str(&text).map_err(|_| CallError::NoToken {
                code: crate::code::Code::ProviderAnswer,
                reason: "the access token cannot stand in a header (RFC 6750 section 2.1)"
                    .to_owned(),
            })?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        if let (Some(name), Some(held)) = (self.policy.user(), caller.held) {
            let value = HeaderValue::from_bytes(held.record.subject.as_bytes())
                .map_err(|_| CallError::Subject)?;
            headers.insert(name, value);
        }
        if self.upstream.forward_address {
            let public = &visit.bff().settings().public_url;
            let scheme = if public.is_https() { "https" } else { "http" };
            headers.insert("x-forwarded-proto", HeaderValue::from_static(scheme));
            if let Ok(host) = HeaderValue::from_str(public.authority()) {
                headers.insert("x-forwarded-host", host);
            }
            if let Some(address) = visit.address()
                && let Ok(address) = HeaderValue::from_str(&address.to_string())
            {
                headers.insert("x-forwarded-for", address);
            }
        }
        Ok(())
    }

    /// The answer as the browser may see it.
    fn presentable(
        &self,
        mut response: Response<Incoming>,
        kind: Kind,
        sent: &Uri,
    ) -> Result<Response<Incoming>, CallError> {
        let broken = |what: &str| Err(CallError::Answer(what.to_owned()));
        match (response.status(), kind) {
            (StatusCode::SWITCHING_PROTOCOLS, Kind::WebSocket)
                if is_web_socket(response.headers()) => {}
            (StatusCode::SWITCHING_PROTOCOLS, _) => {
                return broken("it switches to a protocol that was not asked for");
            }
            // About a proxy between this program and the upstream; a browser would ask the person for its password.
            (StatusCode::PROXY_AUTHENTICATION_REQUIRED, _) => {
                return broken("it asks for a proxy's password");
            }
            _ => {}
        }
        let headers = std::mem::take(response.headers_mut());
        let location = headers.get(header::LOCATION).and_then(|value| {
            let here = response_headers::location(value, sent, &self.destination, &self.name);
            if here.is_none() {
                tracing::debug!(
                    upstream = &*self.name,
                    "a Location that leads away from its API was left out"
                );
            }
            here
        });
        let Some(headers) = response_headers::apply(headers) else {
            return broken("a header came twice that decides what the answer is");
        };
        *response.headers_mut() = headers;
        if let Some(location) = location {
            response.headers_mut().insert(header::LOCATION, location);
        }
        Ok(response)
    }
}

/// The refusal for want of a token. Where the session is over the browser may forget its ticket.
fn no_token(visit: &Visit, error: NoToken) -> CallError {
    if matches!(error, NoToken::SignedOut | NoToken::SessionEnded) {
        visit.forget_session();
    }
    CallError::from(error)
}

fn is_web_socket(headers: &HeaderMap) -> bool {
    headers
        .get(header::UPGRADE)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}
