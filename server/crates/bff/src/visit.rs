//! One request's handle: what it asks with, who is signed in (looked up at most once), and what to answer.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use cloakroom_vault::{LoadError, Opened, Ticket};
use http::{HeaderMap, HeaderValue, Method, Uri};
use tokio::sync::OnceCell;

use crate::access::{AccessError, Requirement};
use crate::address::{budget_key, is_internal};
use crate::answer::Answer;
use crate::bff::Bff;
use crate::budget::Payer;
use crate::fetch_metadata::{Caller, Site};
use crate::held::Held;
pub(crate) use crate::notice::Notice;
use crate::proxy;
use crate::record::Record;
use crate::session::Session;
use crate::silent::SilentSignIn;

/// The most seconds between two writes of the idle deadline of one session; with a short one, a quarter of it.
const TOUCH_EVERY: u64 = 60;

/// The request's handle, in the request's extensions once [`Bff::install`] is around a router. Cheap to clone.
#[derive(Clone)]
pub struct Visit(Arc<Inner>);

struct Inner {
    bff: Bff,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    address: Option<IpAddr>,
    reference: String,
    form: OnceLock<String>,
    handle: OnceLock<tower_sessions::Session>,
    found: OnceCell<Found>,
    cookies: Mutex<Vec<HeaderValue>>,
    answer: Mutex<Option<Answer>>,
}

/// What the look-up of the session found.
#[derive(Clone)]
enum Found {
    Nobody,
    Somebody(Arc<Held>),
    Unknown,
}

impl fmt::Debug for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visit")
            .field("method", &self.0.method)
            .field("path", &self.0.uri.path())
            .field("reference", &self.0.reference)
            .finish_non_exhaustive()
    }
}

impl Visit {
    pub(crate) fn new(
        bff: Bff,
        method: Method,
        uri: Uri,
        headers: HeaderMap,
        address: Option<IpAddr>,
        reference: String,
    ) -> Self {
        Self(Arc::new(Inner {
            bff,
            method,
            uri,
            headers,
            address,
            reference,
            form: OnceLock::new(),
            handle: OnceLock::new(),
            found: OnceCell::new(),
            cookies: Mutex::new(Vec::new()),
            answer: Mutex::new(None),
        }))
    }

    /// The counter this request came to.
    pub fn bff(&self) -> &Bff {
        &self.0.bff
    }

    /// The correlation id, as the log and error pages have it.
    pub fn reference(&self) -> &str {
        &self.0.reference
    }

    /// The raw query, without `?`, as it came; empty where there is none.
    pub fn query(&self) -> &str {
        self.0.uri.query().unwrap_or_default()
    }

    /// The parameters of a protocol endpoint: of the form that another site posted, where one was taken, whatever its
    /// address says; else of the query.
    pub(crate) fn parameters(&self) -> &str {
        self.0.form.get().map_or(self.query(), String::as_str)
    }

    pub(crate) fn take_form(&self, form: String) {
        // Only the outermost layer takes one, once a request.
        let _ = self.0.form.set(form);
    }

    /// The path and query of the request.
    pub fn path_and_query(&self) -> &str {
        self.0
            .uri
            .path_and_query()
            .map_or("/", http::uri::PathAndQuery::as_str)
    }

    /// The authority of an absolute or HTTP/2 request target.
    pub(crate) fn authority(&self) -> Option<&str> {
        self.0.uri.authority().map(http::uri::Authority::as_str)
    }

    /// The path of the request.
    pub fn path(&self) -> &str {
        self.0.uri.path()
    }

    /// The method of the request.
    pub fn method(&self) -> &Method {
        &self.0.method
    }

    /// Who asks: a navigation, a fetch, or something embedded. An API is called by programs, whatever they say.
    pub fn caller(&self) -> Caller {
        match Caller::of(&self.0.headers) {
            Caller::Navigation if proxy::is_api(self.path()) => Caller::Fetch,
            caller => caller,
        }
    }

    pub(crate) fn site(&self) -> Site {
        Site::of(&self.0.headers)
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// Whom the request comes from: the connection's address, or what a trusted proxy says of it.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.0.address
    }

    /// Whose budget this request draws on.
    pub(crate) fn payer(&self) -> Option<Payer> {
        let settings = self.0.bff.settings();
        let fronted = settings.public_url.is_https() && settings.trusted_proxies.is_empty();
        self.0.address.map(|address| {
            if fronted && is_internal(address) {
                Payer::Shared
            } else {
                Payer::Address(budget_key(address))
            }
        })
    }

    /// Every well-formed ticket that came under the session cookie's name, however often. For ending sessions; to
    /// believe one, see [`Self::ticket`].
    pub(crate) fn presented_tickets(&self) -> Vec<Ticket> {
        self.0.bff.cookies().presented(&self.0.headers)
    }

    /// Who is signed in, if anybody. Looked up once a request; counts as activity of the session.
    ///
    /// [`AccessError::StoreDown`] means that nobody knows: answer 503, not as if nobody were signed in.
    pub async fn session(&self) -> Result<Option<Arc<Session>>, AccessError> {
        self.look_up(true).await
    }

    /// As [`Self::session`], without extending the session.
    pub async fn session_untouched(&self) -> Result<Option<Arc<Session>>, AccessError> {
        self.look_up(false).await
    }

    /// The session, or [`AccessError::SignedOut`].
    pub async fn require_session(&self) -> Result<Arc<Session>, AccessError> {
        self.session().await?.ok_or(AccessError::SignedOut)
    }

    /// The session, if it has what is required.
    pub async fn require(&self, requirement: &Requirement) -> Result<Arc<Session>, AccessError> {
        let session = self.require_session().await?;
        session.require(requirement, self.0.bff.now())?;
        Ok(session)
    }

    /// What [`Self::session`] found, where it was asked before; for code that cannot wait, such as rendering.
    pub fn known_session(&self) -> Option<Arc<Session>> {
        match self.0.found.get() {
            Some(Found::Somebody(held)) => Some(Arc::clone(held.session())),
            _ => None,
        }
    }

    async fn look_up(&self, touch: bool) -> Result<Option<Arc<Session>>, AccessError> {
        let held = self.find_held(touch).await?;
        Ok(held.map(|held| Arc::clone(held.session())))
    }

    /// The session with its tokens, from the same look-up; counts as activity.
    pub(crate) async fn held(&self) -> Result<Option<&Arc<Held>>, AccessError> {
        self.find_held(true).await
    }

    async fn find_held(&self, touch: bool) -> Result<Option<&Arc<Held>>, AccessError> {
        match self.0.found.get_or_init(|| self.find(touch)).await {
            Found::Nobody => Ok(None),
            Found::Somebody(held) => Ok(Some(held)),
            Found::Unknown => Err(AccessError::StoreDown),
        }
    }

    async fn find(&self, touch: bool) -> Found {
        let bff = &self.0.bff;
        let Some(ticket) = self.ticket() else {
            if bff.cookies().has_session(&self.0.headers) {
                self.forget_session();
            }
            return Found::Nobody;
        };
        match self.open(&ticket).await {
            Ok(Some((opened, record))) => {
                let idle_until = self.touch(&ticket, &opened, touch).await;
                Found::Somebody(Arc::new(Held::new(ticket, &opened, idle_until, record)))
            }
            Ok(None) => {
                self.forget_session();
                Found::Nobody
            }
            Err(AccessError::StoreDown) => Found::Unknown,
            Err(_) => Found::Nobody,
        }
    }

    /// The session's record, opened. `None`: there is none, or it is not for this program to read.
    pub(crate) async fn open(
        &self,
        ticket: &Ticket,
    ) -> Result<Option<(Opened, Record)>, AccessError> {
        let bff = &self.0.bff;
        match bff.vault().load(ticket, bff.now()).await {
            Ok(None) => Ok(None),
            Ok(Some(opened)) => match Record::from_bytes(&opened.content) {
                Ok(record) => Ok(Some((opened, record))),
                Err(error) => {
                    tracing::error!(%error, "a session's record cannot be read");
                    Err(AccessError::StoreDown)
                }
            },
            Err(LoadError::Refused) => {
                tracing::error!(
                    "a session's record does not open: it was altered or moved in the store"
                );
                Ok(None)
            }
            Err(error) => {
                tracing::error!(%error, "the session store does not answer");
                Err(AccessError::StoreDown)
            }
        }
    }

    async fn touch(&self, ticket: &Ticket, opened: &Opened, wanted: bool) -> u64 {
        let bff = &self.0.bff;
        let now = bff.now();
        let until = now
            .saturating_add(bff.settings().idle_seconds)
            .min(opened.deadlines.absolute_until);
        if !wanted
            || now
                < opened
                    .touched_at
                    .saturating_add(TOUCH_EVERY.min(bff.settings().idle_seconds / 4))
            || until <= opened.deadlines.idle_until
        {
            return opened.deadlines.idle_until;
        }
        match bff.vault().touch(ticket, until, now).await {
            Ok(_) => until,
            Err(error) => {
                tracing::warn!(%error, "the session's idle deadline could not be moved");
                opened.deadlines.idle_until
            }
        }
    }

    /// The ticket that came in the cookie: ours to the letter, sent once, in its one spelling.
    pub(crate) fn ticket(&self) -> Option<Ticket> {
        Ticket::parse(self.0.bff.cookies().session(&self.0.headers)?).ok()
    }

    pub(crate) fn attach(&self, handle: tower_sessions::Session) {
        // Only the layer attaches, once a request; a second time would be the same handle.
        let _ = self.0.handle.set(handle);
    }

    pub(crate) fn handle(&self) -> Option<&tower_sessions::Session> {
        self.0.handle.get()
    }

    /// Has the browser drop its ticket.
    pub(crate) fn forget_session(&self) {
        self.add_cookie(self.0.bff.cookies().remove_session());
    }

    pub(crate) fn add_cookie(&self, value: Option<HeaderValue>) {
        if let Some(value) = value {
            let mut cookies = self
                .0
                .cookies
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if !cookies.contains(&value) {
                cookies.push(value);
            }
        }
    }

    pub(crate) fn take_cookies(&self) -> Vec<HeaderValue> {
        std::mem::take(
            &mut *self
                .0
                .cookies
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// Whether the session was looked up: the answer then depends on it and must not be stored by anybody.
    pub(crate) fn was_read(&self) -> bool {
        self.0.found.initialized()
    }

    /// Has this answer sent instead of whatever the framework makes of the handler's return value. Server functions
    /// use it: their own encoding cannot say all that the protocol needs said.
    pub fn send(&self, answer: Answer) {
        *self.0.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
    }

    pub(crate) fn take_answer(&self) -> Option<Answer> {
        self.0
            .answer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// The word that the page before left for this one, such as `signed-out`; it is shown once.
    pub fn take_notice(&self) -> Option<Notice> {
        let notice = Notice::parse(self.0.bff.cookies().notice(&self.0.headers)?);
        self.add_cookie(self.0.bff.cookies().remove_notice());
        notice
    }

    /// What a silent sign-in was just answered with; it is said once. `GET /auth/session` says it to scripts, so an
    /// application that begins silent sign-ins of its own accord asks here before it begins another.
    pub fn take_silent_sign_in(&self) -> Option<SilentSignIn> {
        let answer = SilentSignIn::parse(self.0.bff.cookies().silent(&self.0.headers)?);
        self.add_cookie(self.0.bff.cookies().remove_silent());
        answer
    }
}
