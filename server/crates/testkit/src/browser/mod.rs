//! A browser's stand-in: what Chromium does that a server can see. Fetch metadata (`Sec-Fetch-*`), cookies with
//! SameSite (RFC 6265bis), redirects that drop the body, and nothing that it does not do: no certificate of
//! its own, no scripts, no cache.

mod cookies;
mod request;
mod wire;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderMap, Method};
use serde_json::Value;
use url::Url;

pub use cookies::{Cookie, Rejected, SameSite};
pub use request::RequestBuilder;
pub use wire::{BrowserError, raw_request};

use cookies::{Context, Jar};

/// How many redirects Chromium follows before it gives up.
const MAX_REDIRECTS: usize = 20;

/// A browser with one cookie jar. A clone is another tab: it shares the jar. Another [`Browser::new`] is
/// another person.
#[derive(Clone, Debug)]
pub struct Browser {
    base: Option<Url>,
    timeout: Duration,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    jar: Jar,
    transcript: Vec<u8>,
}

impl Default for Browser {
    fn default() -> Self {
        Self::new()
    }
}

impl Browser {
    /// A browser with an empty jar. Addresses must be absolute.
    pub fn new() -> Self {
        Self {
            base: None,
            timeout: Duration::from_secs(30),
            shared: Arc::default(),
        }
    }

    /// A browser with an empty jar, for which `/path` means a path at `base`.
    pub fn with_base(base: impl AsRef<str>) -> Self {
        let base = Url::parse(base.as_ref()).expect("the base is an absolute address");
        Self {
            base: Some(base),
            ..Self::new()
        }
    }

    /// How long one request may take; 30 seconds where this is not called.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// A GET. A typed address until [`RequestBuilder::fetch`] or another kind is chosen; sent by `.await`.
    pub fn get(&self, address: impl AsRef<str>) -> RequestBuilder {
        self.request(Method::GET, address)
    }

    /// A form, posted from a page of the same origin until [`RequestBuilder::from_page`]; sent by `.await`.
    pub fn post_form(&self, address: impl AsRef<str>, fields: &[(&str, &str)]) -> RequestBuilder {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        self.request(Method::POST, address)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.into_bytes())
            .from_own_page()
    }

    /// Presses the button of the page's first form, as a script does with the page of `response_mode=form_post`: a POST
    /// from that page, with what goes along across sites (no Lax or Strict cookies, `Origin`, `Sec-Fetch-Site`).
    /// Sent by `.await`; panics where there is no form.
    ///
    /// On a page with `Referrer-Policy: no-referrer` the `Origin` is `null`.
    pub fn submit_form(&self, page: &Response) -> RequestBuilder {
        let (action, fields) = page.form().unwrap_or_else(|| {
            panic!("there is no form on {}", page.url());
        });
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let request = self
            .post_form(action, &fields)
            .from_page(page.url())
            .by_script();
        if page.header("referrer-policy") == Some("no-referrer") {
            request.without_referrer()
        } else {
            request
        }
    }

    /// Any method. `address` is parsed as the address bar does (WHATWG URL); for bytes that no browser sends
    /// there is [`raw_request`].
    pub fn request(&self, method: Method, address: impl AsRef<str>) -> RequestBuilder {
        RequestBuilder::new(self.clone(), method, self.resolve(address.as_ref()))
    }

    /// Goes to an address as typed and follows redirects, as a person does.
    pub async fn visit(&self, address: impl AsRef<str>) -> Response {
        let first = self.get(address).navigate().await;
        self.follow(first, MAX_REDIRECTS).await
    }

    /// Follows redirects, at most `max` of them, and gives the answer at the end: another redirect where
    /// `max` was not enough, the answer itself where it is none.
    ///
    /// Where the way leads from one site to another, the next request counts as cross-site, as after a
    /// form that the person sent at the provider: that is the harder case for cookies.
    pub async fn follow(&self, response: Response, max: usize) -> Response {
        let mut response = response;
        for _ in 0..max {
            let Some(next) = RequestBuilder::after_redirect(self.clone(), &response) else {
                break;
            };
            response = next.await;
        }
        response
    }

    /// Goes to an address and on, as a browser with scripts does: redirects are followed, and a page that submits its
    /// form by itself (`response_mode=form_post`) is left that way. The answer at the end, whatever it is.
    pub async fn walk(&self, address: impl AsRef<str>) -> Result<Response, BrowserError> {
        let mut response = self.get(address).navigate().send().await?;
        for _ in 0..MAX_REDIRECTS {
            let next = RequestBuilder::after_redirect(self.clone(), &response).or_else(|| {
                let submits_itself = response.text().contains(".submit()");
                (submits_itself && response.form().is_some()).then(|| self.submit_form(&response))
            });
            let Some(next) = next else { break };
            response = next.send().await?;
        }
        Ok(response)
    }

    /// The `Cookie` header of a request for this address from the same site: for an HTTP client of the test's own.
    pub fn cookie_header(&self, address: impl AsRef<str>) -> Option<String> {
        let url = self.resolve(address.as_ref());
        self.shared().jar.header_for(&url, Context::SameSite)
    }

    /// Every cookie that is held, in the order they are sent. Expired ones are gone.
    pub fn cookies(&self) -> Vec<Cookie> {
        self.shared().jar.all()
    }

    /// The cookie of this name, where it is held.
    pub fn cookie(&self, name: &str) -> Option<Cookie> {
        self.cookies()
            .into_iter()
            .find(|cookie| cookie.name == name)
    }

    /// The `Set-Cookie` lines that were refused, with why: a prefix without its attributes, for one.
    pub fn rejected_cookies(&self) -> Vec<Rejected> {
        self.shared().jar.rejected.clone()
    }

    /// Puts a cookie into the jar as a `Set-Cookie` line would from the host of `address`, but unchecked: for
    /// cookies that were tampered with, or planted by a neighbour.
    pub fn set_cookie_raw(&self, address: impl AsRef<str>, line: &str) {
        let url = self.resolve(address.as_ref());
        self.shared().jar.store_unchecked(&url, line);
    }

    /// Removes the cookie of this name, as a person does in the settings.
    pub fn remove_cookie(&self, name: &str) {
        self.shared().jar.remove(name);
    }

    /// Removes every cookie. What was received stays in the transcript.
    pub fn clear(&self) {
        self.shared().jar.clear();
    }

    /// For this jar, `seconds` have passed: cookies that have expired by then are gone.
    pub fn advance(&self, seconds: u64) {
        self.shared().jar.advance(seconds);
    }

    /// A new browser with a copy of this jar: what a thief of the cookies has.
    #[must_use]
    pub fn copy(&self) -> Self {
        let jar = self.shared().jar.clone();
        let shared = Arc::new(Mutex::new(Shared {
            jar,
            transcript: Vec::new(),
        }));
        Self {
            shared,
            ..self.clone()
        }
    }

    /// Every byte received so far: status lines, headers and bodies (chunks put together), answers to
    /// redirects included. For [`leaks`](crate::leaks).
    pub fn transcript(&self) -> Vec<u8> {
        self.shared().transcript.clone()
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn resolve(&self, address: &str) -> Url {
        let url = match &self.base {
            Some(base) => base.join(address),
            None => Url::parse(address),
        };
        url.unwrap_or_else(|error| {
            panic!("{address:?} is not an address a browser can go to: {error}")
        })
    }
}

/// An answer, with the request it belongs to.
#[derive(Clone, Debug)]
pub struct Response {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
    sent: request::Sent,
}

impl Response {
    /// The status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Every header.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The first value of a header, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Every value of a header that is text.
    pub fn header_all(&self, name: &str) -> Vec<&str> {
        let values = self.headers.get_all(name).into_iter();
        values.filter_map(|value| value.to_str().ok()).collect()
    }

    /// The `Set-Cookie` lines, taken apart, whether or not the jar took them.
    pub fn set_cookies(&self) -> Vec<Cookie> {
        let lines = self.header_all("set-cookie").into_iter();
        lines
            .filter_map(|line| Cookie::parse(&self.sent.url, line))
            .collect()
    }

    /// The body's bytes.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as text; bytes that are not UTF-8 become U+FFFD.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON. Panics, and shows it, where it is not.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!(
                "not JSON ({error}), status {}: {}",
                self.status,
                self.text()
            )
        })
    }

    /// The address that was asked.
    pub fn url(&self) -> &Url {
        &self.sent.url
    }

    /// The address that a `Location` header leads to, made absolute.
    pub fn location(&self) -> Option<Url> {
        self.header("location")
            .and_then(|location| self.sent.url.join(location).ok())
    }

    /// A parameter of the query of [`location`](Self::location), decoded.
    pub fn location_param(&self, name: &str) -> Option<String> {
        let location = self.location()?;
        let found = location.query_pairs().find(|(known, _)| known == name);
        found.map(|(_, value)| value.into_owned())
    }

    /// Where the page's first form goes, and what its hidden fields hold: what a button press would send.
    /// For `response_mode=form_post`, where a script presses it.
    pub fn form(&self) -> Option<(Url, Vec<(String, String)>)> {
        let html = self.text();
        let form = &html[html.find("<form")?..];
        let form = &form[..form.find("</form").unwrap_or(form.len())];
        let action = attribute(form, "action").unwrap_or_default();
        let hidden = form
            .split("<input")
            .skip(1)
            .filter(|input| attribute(input, "type").as_deref() == Some("hidden"));
        let fields = hidden
            .filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value")?)));
        Some((self.sent.url.join(&action).ok()?, fields.collect()))
    }
}

/// The value of the first quoted attribute of this name, unescaped.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    let value = &tag[start..start + tag[start..].find('"')?];
    Some(
        value
            .replace("&quot;", "\"")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&"),
    )
}
