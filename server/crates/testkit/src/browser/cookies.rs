//! The cookie jar, after RFC 6265bis as Chromium has it: prefixes, SameSite with Lax where nothing is said,
//! ports ignored, and on loopback `Secure` allowed over http, but no `__Host-` and its like.

use url::{Host, Url};

use crate::clock::system_now;

/// When a cookie goes along with a request from another site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SameSite {
    /// Never.
    Strict,
    /// With a navigation by a safe method.
    Lax,
    /// Always; must be `Secure`.
    None,
}

/// How a request relates to the site it goes to, as far as SameSite cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Context {
    SameSite,
    CrossSiteSafeNavigation,
    CrossSiteUnsafeNavigation,
    CrossSiteEmbedded,
}

/// A cookie with its attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an attribute of its own"
)]
pub struct Cookie {
    /// Its name, prefix included.
    pub name: String,
    /// Its value, as sent.
    pub value: String,
    /// The host it belongs to.
    pub host: String,
    /// Whether it was set with `Domain` and goes to subdomains too.
    pub domain: bool,
    /// `Path`, or the directory of the address that set it.
    pub path: String,
    /// Whether `Path` was given.
    pub explicit_path: bool,
    /// `Secure`.
    pub secure: bool,
    /// `HttpOnly`.
    pub http_only: bool,
    /// `SameSite`, where it was given and known.
    pub same_site: Option<SameSite>,
    /// `Max-Age` in seconds, where it was given.
    pub max_age: Option<i64>,
    /// `Expires` as it was given.
    pub expires: Option<String>,
    /// When it ends, in Unix seconds; none for a session cookie.
    pub expires_at: Option<u64>,
}

/// A `Set-Cookie` line that the jar did not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The line.
    pub line: String,
    /// Why not.
    pub why: &'static str,
}

impl Cookie {
    /// Takes a `Set-Cookie` line apart (RFC 6265bis, section 5.6). None where there is neither name nor value.
    pub fn parse(url: &Url, line: &str) -> Option<Self> {
        let mut parts = line.split(';');
        let pair = parts.next()?.trim();
        let (name, value) = pair.split_once('=').unwrap_or(("", pair));
        let (name, value) = (name.trim(), value.trim());
        if name.is_empty() && value.is_empty() {
            return None;
        }
        let mut cookie = Self {
            name: name.to_owned(),
            value: value.to_owned(),
            host: url.host_str().unwrap_or_default().to_owned(),
            domain: false,
            path: default_path(url),
            explicit_path: false,
            secure: false,
            http_only: false,
            same_site: None,
            max_age: None,
            expires: None,
            expires_at: None,
        };
        for attribute in parts {
            let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            let value = value.trim();
            match name.trim().to_ascii_lowercase().as_str() {
                "domain" if !value.is_empty() => {
                    value
                        .trim_start_matches('.')
                        .to_ascii_lowercase()
                        .clone_into(&mut cookie.host);
                    cookie.domain = true;
                }
                "path" if value.starts_with('/') => {
                    value.clone_into(&mut cookie.path);
                    cookie.explicit_path = true;
                }
                "secure" => cookie.secure = true,
                "httponly" => cookie.http_only = true,
                "samesite" => {
                    cookie.same_site = match value.to_ascii_lowercase().as_str() {
                        "strict" => Some(SameSite::Strict),
                        "lax" => Some(SameSite::Lax),
                        "none" => Some(SameSite::None),
                        _ => None,
                    };
                }
                "max-age" => cookie.max_age = value.parse().ok(),
                "expires" => cookie.expires = Some(value.to_owned()),
                _ => {}
            }
        }
        Some(cookie)
    }

    /// Whether this line removes a cookie rather than setting one: `Max-Age` of zero or less, or `Expires` in the past.
    pub fn is_removal(&self) -> bool {
        let now = system_now();
        self.end(now).is_some_and(|end| end <= now)
    }

    /// When it ends, in Unix seconds: `Max-Age` wins over `Expires`.
    fn end(&self, now: u64) -> Option<u64> {
        match self.max_age {
            Some(age) if age <= 0 => Some(0),
            Some(age) => Some(now.saturating_add_signed(age)),
            None => self.expires.as_deref().and_then(parse_date),
        }
    }

    /// What a browser objects to, before it looks at what it holds (RFC 6265bis, section 5.7).
    fn objection(&self, url: &Url, context: Context) -> Option<&'static str> {
        let host = url.host_str().unwrap_or_default();
        let encrypted = url.scheme() == "https";
        let lower = self.name.to_ascii_lowercase();
        let prefixed = |prefix: &str| lower.starts_with(prefix);
        if self.name.len() + self.value.len() > 4_096 {
            return Some("name and value together are longer than 4,096 bytes");
        }
        if self.domain && host != self.host && !host.ends_with(&format!(".{}", self.host)) {
            return Some("Domain is not the host or above it");
        }
        if self.secure && !encrypted && !is_loopback(url) {
            return Some("Secure needs https");
        }
        if ["__secure-", "__host-", "__http-"]
            .iter()
            .any(|prefix| prefixed(prefix))
            && !(encrypted && self.secure)
        {
            return Some("the name's prefix needs Secure and https");
        }
        if prefixed("__host-") && (self.domain || !self.explicit_path || self.path != "/") {
            return Some("__Host- needs Path=/ and no Domain");
        }
        if (prefixed("__http-") || prefixed("__host-http-")) && !self.http_only {
            return Some("the name's prefix needs HttpOnly");
        }
        if self.same_site == Some(SameSite::None) && !self.secure {
            return Some("SameSite=None needs Secure");
        }
        if context == Context::CrossSiteEmbedded && self.same_site != Some(SameSite::None) {
            return Some("a cookie for its own site cannot be set from within another's page");
        }
        None
    }

    fn goes_to(&self, url: &Url, context: Context) -> bool {
        let host = url.host_str().unwrap_or_default();
        let host = host == self.host || (self.domain && host.ends_with(&format!(".{}", self.host)));
        let path = url.path().strip_prefix(self.path.as_str());
        let path = path.is_some_and(|rest| {
            rest.is_empty() || self.path.ends_with('/') || rest.starts_with('/')
        });
        let secure = !self.secure || url.scheme() == "https" || is_loopback(url);
        let site = match self.same_site.unwrap_or(SameSite::Lax) {
            SameSite::None => true,
            SameSite::Lax => matches!(
                context,
                Context::SameSite | Context::CrossSiteSafeNavigation
            ),
            SameSite::Strict => context == Context::SameSite,
        };
        host && path && secure && site
    }

    fn is_same(&self, other: &Self) -> bool {
        (&self.name, &self.host, self.domain, &self.path)
            == (&other.name, &other.host, other.domain, &other.path)
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Jar {
    /// In the order they were made.
    cookies: Vec<Cookie>,
    pub(super) rejected: Vec<Rejected>,
    offset: u64,
}

impl Jar {
    pub(super) fn store(&mut self, url: &Url, line: &str, context: Context) {
        let Some(cookie) = Cookie::parse(url, line) else {
            return self.reject(line, "there is neither a name nor a value");
        };
        match cookie.objection(url, context) {
            Some(why) => self.reject(line, why),
            None => self.put(cookie),
        }
    }

    pub(super) fn store_unchecked(&mut self, url: &Url, line: &str) {
        if let Some(cookie) = Cookie::parse(url, line) {
            self.put(cookie);
        }
    }

    /// The `Cookie` header: longer paths first, then older ones (RFC 6265bis, section 5.8.3).
    pub(super) fn header_for(&mut self, url: &Url, context: Context) -> Option<String> {
        let pairs: Vec<_> = self
            .all()
            .iter()
            .filter(|cookie| cookie.goes_to(url, context))
            .map(|cookie| {
                if cookie.name.is_empty() {
                    cookie.value.clone()
                } else {
                    format!("{}={}", cookie.name, cookie.value)
                }
            })
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    pub(super) fn all(&mut self) -> Vec<Cookie> {
        let now = self.now();
        self.cookies
            .retain(|cookie| cookie.expires_at.is_none_or(|end| end > now));
        let mut cookies = self.cookies.clone();
        cookies.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        cookies
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.cookies.retain(|cookie| cookie.name != name);
    }

    pub(super) fn clear(&mut self) {
        self.cookies.clear();
    }

    pub(super) fn advance(&mut self, seconds: u64) {
        self.offset += seconds;
    }

    fn now(&self) -> u64 {
        system_now() + self.offset
    }

    fn reject(&mut self, line: &str, why: &'static str) {
        self.rejected.push(Rejected {
            line: line.to_owned(),
            why,
        });
    }

    /// Replaces the same cookie in its place, or removes it.
    fn put(&mut self, mut cookie: Cookie) {
        let now = self.now();
        cookie.expires_at = cookie.end(now);
        let place = self.cookies.iter().position(|known| known.is_same(&cookie));
        match (place, cookie.expires_at.is_some_and(|end| end <= now)) {
            (Some(place), true) => drop(self.cookies.remove(place)),
            (None, true) => {}
            (Some(place), false) => self.cookies[place] = cookie,
            (None, false) => self.cookies.push(cookie),
        }
    }
}

/// Whether two addresses are of one site: scheme and registrable domain. Addresses by number, and `localhost`,
/// are sites of their own; of other names the last two labels count, which is right where tests need it.
pub(super) fn same_site(one: &Url, other: &Url) -> bool {
    let site = |url: &Url| match url.host() {
        Some(Host::Domain(name)) => {
            let labels: Vec<_> = name.rsplit('.').take(2).collect();
            labels.join(".")
        }
        _ => url.host_str().unwrap_or_default().to_owned(),
    };
    one.scheme() == other.scheme() && site(one) == site(other)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// RFC 6265bis, section 5.1.4: the path up to its last slash.
fn default_path(url: &Url) -> String {
    match url.path().rsplit_once('/') {
        Some(("", _)) | None => "/".to_owned(),
        Some((directory, _)) => directory.to_owned(),
    }
}

/// An IMF-fixdate (RFC 9110, section 5.6.7), `Thu, 01 Jan 1970 00:00:00 GMT`, in Unix seconds; earlier ones are zero.
fn parse_date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    let text = text.to_ascii_lowercase().replace('-', " ");
    let mut words = text.split_ascii_whitespace().skip(1);
    let day: i64 = words.next()?.parse().ok()?;
    let month = words.next()?;
    let month = i64::try_from(MONTHS.iter().position(|&known| known == month)?).ok()? + 1;
    let year: i64 = words.next()?.parse().ok()?;
    let mut clock = words
        .next()?
        .split(':')
        .map(|part| part.parse::<i64>().ok());
    let (hours, minutes, seconds) = (clock.next()??, clock.next()??, clock.next()??);
    // Days since 1970 in the proleptic Gregorian calendar, years counted from March so that a leap day comes last.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * month + 2) / 5
        + day
        - 1
        - 719_468;
    Some(u64::try_from(((days * 24 + hours) * 60 + minutes) * 60 + seconds).unwrap_or(0))
}
