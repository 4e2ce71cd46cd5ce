//! Requests as Chromium sends them: Fetch Metadata (W3C, `Sec-Fetch-*`), `Origin` (Fetch, section 3.2), and
//! which cookies go along (RFC 6265bis, section 5.8.3).

use std::future::IntoFuture;
use std::pin::Pin;

use http::header::{COOKIE, HOST, HeaderName, HeaderValue, SET_COOKIE};
use http::{HeaderMap, Method};
use url::{Origin, Url};

use super::cookies::{Context, same_site};
use super::wire::{self, BrowserError};
use super::{Browser, Response};

const NAVIGATION_ACCEPT: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// What a request is for, as `Sec-Fetch-Mode` and `Sec-Fetch-Dest` tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The page itself.
    Navigation,
    /// The page itself, before anybody asked for it.
    Prefetch,
    /// A page in a frame.
    Frame,
    /// `fetch()`.
    Fetch,
    /// An image, a script, a style sheet: the value of `Sec-Fetch-Dest`.
    Subresource(&'static str),
    /// Not a browser at all: no fetch metadata.
    Bare,
}

/// A request in the making. `.await` sends it; it panics where there is no answer ([`Self::send`] does not).
#[derive(Clone, Debug)]
#[must_use = "a request is sent by .await"]
pub struct RequestBuilder {
    browser: Browser,
    sent: Sent,
}

/// What is kept of a request with its answer, to follow redirects.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) url: Url,
    method: Method,
    kind: Kind,
    /// The page that the request comes from; none for an address that was typed.
    initiator: Option<Url>,
    /// Whether the way here led over another site.
    crossed: bool,
    /// Whether a script set it off, and nobody's click.
    scripted: bool,
    /// Whether the page keeps its origin to itself (`Referrer-Policy: no-referrer`).
    unnamed: bool,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl RequestBuilder {
    pub(super) fn new(browser: Browser, method: Method, url: Url) -> Self {
        let headers = HeaderMap::new();
        let kind = Kind::Navigation;
        Self {
            browser,
            sent: Sent {
                url,
                method,
                kind,
                initiator: None,
                crossed: false,
                scripted: false,
                unnamed: false,
                headers,
                body: Vec::new(),
            },
        }
    }

    /// The request that a redirect leads to, where the answer is one (Fetch, section 4.4).
    pub(super) fn after_redirect(browser: Browser, response: &Response) -> Option<Self> {
        let to_get = match response.status {
            301 | 302 => response.sent.method == Method::POST,
            303 => response.sent.method != Method::HEAD,
            307 | 308 => false,
            _ => return None,
        };
        let mut sent = response.sent.clone();
        sent.crossed |= !same_site(&sent.url, &response.location()?);
        sent.url = response.location()?;
        if to_get {
            sent.method = Method::GET;
            sent.body.clear();
            sent.headers.remove("content-type");
        }
        Some(Self { browser, sent })
    }

    /// A navigation of the whole page. From an address that was typed, unless [`from_page`](Self::from_page).
    pub fn navigate(mut self) -> Self {
        self.sent.kind = Kind::Navigation;
        self
    }

    /// `fetch()` from a page of the same origin, unless [`from_page`](Self::from_page).
    pub fn fetch(mut self) -> Self {
        self.sent.kind = Kind::Fetch;
        if self.sent.initiator.is_none() {
            self.from_own_page()
        } else {
            self
        }
    }

    /// A prefetch or prerender of the page (`Sec-Purpose: prefetch`).
    pub fn prefetch(mut self) -> Self {
        self.sent.kind = Kind::Prefetch;
        self
    }

    /// A page in a frame.
    pub fn frame(mut self) -> Self {
        self.sent.kind = Kind::Frame;
        self
    }

    /// Part of a page: `dest` is `image`, `script`, `style`, ...
    pub fn subresource(mut self, dest: &'static str) -> Self {
        self.sent.kind = Kind::Subresource(dest);
        self
    }

    /// No fetch metadata and no `Accept`: an old browser, or no browser. Cookies go along.
    pub fn bare(mut self) -> Self {
        self.sent.kind = Kind::Bare;
        self
    }

    /// The request comes from this page: a link, form, frame or script in it. Another site's page makes it cross-site.
    pub fn from_page(mut self, page: impl AsRef<str>) -> Self {
        let page = Url::parse(page.as_ref()).expect("a page has an absolute address");
        self.sent.initiator = Some(page);
        self
    }

    /// The request comes from a page of its own origin.
    pub fn from_own_page(mut self) -> Self {
        self.sent.initiator = Some(self.sent.url.clone());
        self
    }

    /// The request is a script's doing, without a click: `Sec-Fetch-User` stays away.
    pub fn by_script(mut self) -> Self {
        self.sent.scripted = true;
        self
    }

    /// The page that the request comes from keeps its origin to itself (`Referrer-Policy: no-referrer`): where there
    /// would be an `Origin`, it is `null` (Fetch, section 3.2).
    pub fn without_referrer(mut self) -> Self {
        self.sent.unnamed = true;
        self
    }

    /// A header, which wins over what would be sent by itself; `Host` and `Cookie` too. Kept over redirects.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a header value");
        self.sent.headers.insert(name, value);
        self
    }

    /// The body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.sent.body = body.into();
        self
    }

    /// Sends the request. Redirects are not followed.
    pub async fn send(self) -> Result<Response, BrowserError> {
        let Self { browser, sent } = self;
        let context = sent.context();
        let cookies = browser.shared().jar.header_for(&sent.url, context);
        let request = sent.to_bytes(cookies);
        let exchange = wire::exchange(&sent.url, &request, sent.method == Method::HEAD);
        let answer = tokio::time::timeout(browser.timeout, exchange)
            .await
            .map_err(|_| BrowserError::Timeout {
                url: sent.url.to_string(),
                after: browser.timeout,
            })??;
        let mut shared = browser.shared();
        shared.transcript.extend_from_slice(&answer.head);
        shared.transcript.extend_from_slice(&answer.body);
        shared.transcript.push(b'\n');
        for line in answer.headers.get_all(SET_COOKIE) {
            shared.jar.store(
                &sent.url,
                &String::from_utf8_lossy(line.as_bytes()),
                context,
            );
        }
        drop(shared);
        Ok(Response {
            status: answer.status,
            headers: answer.headers,
            body: answer.body,
            sent,
        })
    }
}

impl IntoFuture for RequestBuilder {
    type Output = Response;
    type IntoFuture = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.send().await.unwrap_or_else(|error| panic!("{error}")) })
    }
}

impl Sent {
    /// `Sec-Fetch-Site`: `none`, `same-origin`, `same-site` or `cross-site`.
    fn site(&self) -> &'static str {
        match &self.initiator {
            _ if self.crossed => "cross-site",
            None => "none",
            Some(page) if page.origin() == self.url.origin() => "same-origin",
            Some(page) if same_site(page, &self.url) => "same-site",
            Some(_) => "cross-site",
        }
    }

    fn context(&self) -> Context {
        if self.site() != "cross-site" {
            Context::SameSite
        } else if matches!(self.kind, Kind::Navigation | Kind::Bare) && self.method.is_safe() {
            Context::CrossSiteSafeNavigation
        } else if matches!(self.kind, Kind::Navigation | Kind::Bare) {
            Context::CrossSiteUnsafeNavigation
        } else {
            Context::CrossSiteEmbedded
        }
    }

    /// The fetch metadata and what goes with them.
    fn automatic_headers(&self) -> Vec<(&'static str, String)> {
        let (mode, dest, accept) = match self.kind {
            Kind::Bare => return Vec::new(),
            Kind::Navigation | Kind::Prefetch => ("navigate", "document", NAVIGATION_ACCEPT),
            Kind::Frame => ("navigate", "iframe", NAVIGATION_ACCEPT),
            Kind::Fetch => ("cors", "empty", "*/*"),
            Kind::Subresource(dest) => ("no-cors", dest, "*/*"),
        };
        let mut headers = vec![
            ("accept", accept.to_owned()),
            ("sec-fetch-site", self.site().to_owned()),
            ("sec-fetch-mode", mode.to_owned()),
            ("sec-fetch-dest", dest.to_owned()),
        ];
        match self.kind {
            Kind::Navigation => {
                if !self.scripted {
                    headers.push(("sec-fetch-user", "?1".to_owned()));
                }
                headers.push(("upgrade-insecure-requests", "1".to_owned()));
            }
            Kind::Prefetch => headers.push(("sec-purpose", "prefetch".to_owned())),
            _ => {}
        }
        let across =
            matches!(self.kind, Kind::Fetch) && !matches!(self.site(), "same-origin" | "none");
        if let Some(page) = self
            .initiator
            .as_ref()
            .filter(|_| across || !self.method.is_safe())
        {
            // Fetch, section 4.4: a redirect from another origin to this one makes the origin opaque.
            let origin = if self.crossed || (self.unnamed && self.kind != Kind::Fetch) {
                Origin::new_opaque()
            } else {
                page.origin()
            };
            headers.push(("origin", origin.ascii_serialization()));
        }
        headers
    }

    fn to_bytes(&self, cookies: Option<String>) -> Vec<u8> {
        let target = &self.url[url::Position::BeforePath..url::Position::AfterQuery];
        let mut bytes = format!("{} {target} HTTP/1.1\r\n", self.method).into_bytes();
        let mut line = |name: &str, value: &[u8]| {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        };
        let mut automatic = self.automatic_headers();
        automatic.insert(
            0,
            ("user-agent", "Mozilla/5.0 (cloakroom-testkit)".to_owned()),
        );
        automatic.extend(cookies.map(|cookies| (COOKIE.as_str(), cookies)));
        if !self.body.is_empty() || !self.method.is_safe() {
            automatic.push(("content-length", self.body.len().to_string()));
        }
        let host = &self.url[url::Position::BeforeHost..url::Position::AfterPort];
        automatic.insert(0, (HOST.as_str(), host.to_owned()));
        for (name, value) in automatic {
            if !self.headers.contains_key(name) {
                line(name, value.as_bytes());
            }
        }
        for (name, value) in &self.headers {
            line(name.as_str(), value.as_bytes());
        }
        bytes.extend_from_slice(b"connection: close\r\n\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }
}
