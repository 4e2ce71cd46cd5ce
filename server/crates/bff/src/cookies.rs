//! The cookies a browser keeps for us: their names, attributes, and how each is really removed
//! (RFC 6265bis; prefix `__Host-Http-` as draft-ietf-oauth-browser-based-apps section 6.1.3.2 names it).

use cloakroom_vault::Ticket;
use http::{HeaderMap, HeaderValue, header};
use percent_encoding::percent_decode_str;

use crate::public_url::PublicUrl;

/// How long the binding cookie lives after each sign-in was begun, in seconds.
pub(crate) const BINDING_SECONDS: u64 = 3600;
/// How long a notice waits for the page that shows it, in seconds.
const NOTICE_SECONDS: u64 = 600;

/// Names and attributes for one public URL.
#[derive(Debug, Clone)]
pub(crate) struct Cookies {
    secure: bool,
    session: String,
    binding: String,
    notice: String,
}

impl Cookies {
    pub(crate) fn new(public_url: &PublicUrl) -> Self {
        let name = |what: &str| {
            if public_url.is_https() {
                format!("__Host-Http-cloakroom-{what}")
            } else {
                // Cookies do not keep ports apart: two applications on localhost would overwrite each other's.
                format!("cloakroom-{what}-{}", public_url.port())
            }
        };
        Self {
            secure: public_url.is_https(),
            session: name("session"),
            binding: name("binding"),
            notice: name("notice"),
        }
    }

    pub(crate) fn session_name(&self) -> &str {
        &self.session
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.secure
    }

    fn attributes(&self) -> &'static str {
        if self.secure {
            "; Path=/; HttpOnly; SameSite=Lax; Secure"
        } else {
            "; Path=/; HttpOnly; SameSite=Lax"
        }
    }

    fn set(&self, name: &str, value: &str, seconds: u64) -> Option<HeaderValue> {
        HeaderValue::from_str(&format!(
            "{name}={value}; Max-Age={seconds}{}",
            self.attributes()
        ))
        .ok()
    }

    /// Sent again, with the same value, by each sign-in that is begun.
    pub(crate) fn set_binding(&self, value: &str) -> Option<HeaderValue> {
        self.set(&self.binding, value, BINDING_SECONDS)
    }

    /// A word for the next page, such as `signed-out`.
    pub(crate) fn set_notice(&self, value: &'static str) -> Option<HeaderValue> {
        self.set(&self.notice, value, NOTICE_SECONDS)
    }

    pub(crate) fn remove_notice(&self) -> Option<HeaderValue> {
        self.set(&self.notice, "", 0)
    }

    /// Carries all attributes of what it removes: a browser refuses a `__Host-` cookie without `Secure`, so a
    /// removal without it removes nothing.
    pub(crate) fn remove_session(&self) -> Option<HeaderValue> {
        self.set(&self.session, "", 0)
    }

    /// Whether a `Set-Cookie` value is about the session and empties it (written by a library that leaves `Secure` out).
    pub(crate) fn is_session_removal(&self, value: &HeaderValue) -> bool {
        value
            .to_str()
            .ok()
            .and_then(|text| text.strip_prefix(self.session.as_str()))
            .is_some_and(|rest| rest.starts_with("=;"))
    }

    pub(crate) fn has_session(&self, headers: &HeaderMap) -> bool {
        read(headers, &self.session).is_some()
    }

    /// The session cookie's value, where exactly one was sent.
    pub(crate) fn session<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        read(headers, &self.session)
    }

    /// The `Cookie` header for the session layer, which percent-decodes names and values and would take
    /// `%63loakroom-session` for ours, a spelling that gets past what browsers enforce for `__Host-` names. Of all
    /// that could mean the session only one cookie is left in: ours to the letter, sent once, of the form of a ticket.
    /// Everything else passes as it came.
    pub(crate) fn without_impostors(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let ours = self
            .session(headers)
            .filter(|value| Ticket::parse(value).is_ok());
        let lines = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|line| line.to_str().ok());
        let mut kept: Vec<String> = lines
            .flat_map(|line| line.split(';'))
            .map(str::trim)
            .filter(|pair| !pair.is_empty() && !self.means_session(pair))
            .map(str::to_owned)
            .collect();
        kept.extend(ours.map(|value| format!("{}={value}", self.session)));
        HeaderValue::try_from(kept.join("; "))
            .ok()
            .filter(|value| !value.is_empty())
    }

    fn means_session(&self, pair: &str) -> bool {
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        percent_decode_str(name).decode_utf8_lossy().trim() == self.session
    }

    pub(crate) fn binding<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        read(headers, &self.binding)
    }

    pub(crate) fn notice<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        read(headers, &self.notice)
    }
}

/// The value of the first cookie of that name. More than one of a name means that somebody else put one there:
/// the browser sends the longer path first, and ours has the shortest, so none of them is believed.
fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut found = None;
    for line in headers.get_all(header::COOKIE) {
        for pair in line.to_str().ok()?.split(';') {
            let Some((key, value)) = pair.split_once('=') else {
                continue;
            };
            if key.trim() == name && found.replace(value.trim()).is_some() {
                return None;
            }
        }
    }
    found.filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};

    use super::Cookies;
    use crate::public_url::PublicUrl;

    fn cookies(url: &str) -> Cookies {
        Cookies::new(&PublicUrl::parse(url).expect("a public URL"))
    }

    #[test]
    fn over_https_every_cookie_has_the_prefix_and_is_secure() {
        let cookies = cookies("https://app.example.com");
        for value in [
            cookies.set_binding("v"),
            cookies.remove_session(),
            cookies.set_notice("n"),
            cookies.remove_notice(),
        ] {
            let value = value.expect("a header");
            let text = value.to_str().expect("text");
            assert!(text.starts_with("__Host-Http-cloakroom-"), "{text}");
            assert!(
                text.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"),
                "{text}"
            );
            assert!(!text.contains("Domain"));
        }
    }

    #[test]
    fn on_loopback_http_the_port_is_in_the_name() {
        assert_eq!(
            cookies("http://localhost:3000").session_name(),
            "cloakroom-session-3000"
        );
        let removal = cookies("http://localhost:3000")
            .remove_session()
            .expect("a header");
        assert_eq!(
            removal,
            "cloakroom-session-3000=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"
        );
    }

    #[test]
    fn the_session_layer_sees_our_cookie_to_the_letter_or_none() {
        let cookies = cookies("http://localhost:3000");
        let ticket = "AAAAAAAAAAAAAAAAAAAAAA";
        let seen = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(
                    header::COOKIE,
                    HeaderValue::from_str(line).expect("a header"),
                );
            }
            cookies
                .without_impostors(&headers)
                .map(|value| value.to_str().expect("text").to_owned())
        };
        let ours = format!("cloakroom-session-3000={ticket}");
        assert_eq!(
            seen(&[&format!("theme=dark; {ours}")]),
            Some(format!("theme=dark; {ours}"))
        );
        assert_eq!(
            seen(&[&format!(
                "%63loakroom-session-3000=BBBBBBBBBBBBBBBBBBBBBA; {ours}; b=c"
            )]),
            Some(format!("b=c; {ours}"))
        );
        assert_eq!(seen(&[&ours, &ours]), None);
        assert_eq!(
            seen(&["cloakroom-session-3000=%41AAAAAAAAAAAAAAAAAAAAA"]),
            None
        );
        assert_eq!(seen(&["cloakroom-session-3000"]), None);
        assert_eq!(seen(&[]), None);
    }

    #[test]
    fn a_cookie_sent_twice_is_not_believed() {
        let cookies = cookies("http://localhost:3000");
        let mut headers = HeaderMap::new();
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("a=b; cloakroom-session-3000=one"),
        );
        assert_eq!(cookies.session(&headers), Some("one"));
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("cloakroom-session-3000=two"),
        );
        assert_eq!(cookies.session(&headers), None);
    }
}
