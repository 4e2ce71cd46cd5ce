//! The cookies a browser keeps for us: their names, attributes, and how each is really removed
//! (RFC 6265bis; prefix `__Host-Http-` as draft-ietf-oauth-browser-based-apps section 6.1.3.2 names it).

use cloakroom_vault::Ticket;
use http::{HeaderMap, HeaderValue, header};
use percent_encoding::percent_decode;

use crate::public_url::PublicUrl;
use crate::settings::ResponseMode;

/// How long the binding cookie lives after each sign-in was begun, in seconds.
pub(crate) const BINDING_SECONDS: u64 = 3600;
/// How long a notice waits for the page that shows it, in seconds.
const NOTICE_SECONDS: u64 = 600;

/// How long the answer to a silent sign-in waits to be heard, in seconds.
const SILENT_SECONDS: u64 = 120;

/// Tickets of one request that are looked at where sessions are ended.
const MAX_PRESENTED: usize = 8;

/// Names and attributes for one public URL.
#[derive(Debug, Clone)]
pub(crate) struct Cookies {
    secure: bool,
    /// The provider's answer is posted from its own site, where a Lax cookie is not sent along.
    form_post: bool,
    session: String,
    binding: String,
    notice: String,
    silent: String,
    arrival: String,
}

impl Cookies {
    pub(crate) fn new(public_url: &PublicUrl, response_mode: ResponseMode) -> Self {
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
            form_post: response_mode == ResponseMode::FormPost,
            session: name("session"),
            binding: name("binding"),
            notice: name("notice"),
            silent: name("silent"),
            arrival: name("arrival"),
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

    /// Sent again, with the same value, by each sign-in that is begun. With `form_post` it must come along with a POST
    /// from the provider's site; browsers take `None` only with `Secure`, which they allow on loopback over plain http.
    pub(crate) fn set_binding(&self, value: &str) -> Option<HeaderValue> {
        if !self.form_post {
            return self.set(&self.binding, value, BINDING_SECONDS);
        }
        HeaderValue::from_str(&format!(
            "{}={value}; Max-Age={BINDING_SECONDS}; Path=/; HttpOnly; SameSite=None; Secure",
            self.binding
        ))
        .ok()
    }

    /// A word for the next page, such as `signed-out`.
    pub(crate) fn set_notice(&self, value: &'static str) -> Option<HeaderValue> {
        self.set(&self.notice, value, NOTICE_SECONDS)
    }

    /// What a silent sign-in was answered with, for a script and for the next page.
    pub(crate) fn set_silent(&self, value: &'static str) -> Option<HeaderValue> {
        self.set(&self.silent, value, SILENT_SECONDS)
    }

    pub(crate) fn remove_silent(&self) -> Option<HeaderValue> {
        self.set(&self.silent, "", 0)
    }

    /// What the provider's POST came to, for the GET after it. One for each sign-in, so that tabs do not collide.
    pub(crate) fn set_arrival(&self, tag: &str, value: &str, seconds: u64) -> Option<HeaderValue> {
        self.set(&self.arrival_name(tag), value, seconds)
    }

    pub(crate) fn remove_arrival(&self, tag: &str) -> Option<HeaderValue> {
        self.set(&self.arrival_name(tag), "", 0)
    }

    fn arrival_name(&self, tag: &str) -> String {
        format!("{}-{tag}", self.arrival)
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
    pub(crate) fn session<'a>(&'a self, headers: &'a HeaderMap) -> Option<&'a str> {
        read(headers, &self.session)
    }

    /// The `Cookie` header for the session layer, which percent-decodes names and values and would take
    /// `%63loakroom-session` for ours, a spelling that gets past what browsers enforce for `__Host-` names. Of all
    /// that could mean the session only one cookie is left in: ours to the letter, sent once, of the form of a ticket.
    /// Everything else passes as it came.
    pub(crate) fn without_impostors(&self, headers: &HeaderMap) -> Vec<HeaderValue> {
        let kept: Vec<&[u8]> = pairs(headers)
            .filter(|pair| !self.means_session(pair))
            .collect();
        let others = Some(kept.join(&b"; "[..])).filter(|line| !line.is_empty());
        let ours = self
            .session(headers)
            .filter(|value| Ticket::parse(value).is_ok())
            .map(|value| format!("{}={value}", self.session).into_bytes());
        // On lines of their own: what is wrong with one line does not spoil the other.
        [others, ours]
            .into_iter()
            .flatten()
            .filter_map(|line| HeaderValue::from_bytes(&line).ok())
            .collect()
    }

    /// Under any reading. The session layer's reader takes off white space of every alphabet, and a browser lets anyone
    /// set a cookie whose name is ours after a no-break space.
    fn means_session(&self, pair: &[u8]) -> bool {
        let name = pair.split(|byte| *byte == b'=').next().unwrap_or(pair);
        let decoded: Vec<u8> = percent_decode(name).collect();
        String::from_utf8_lossy(&decoded).trim() == self.session
    }

    /// Every well-formed ticket under our exact name, however often it came.
    pub(crate) fn presented(&self, headers: &HeaderMap) -> Vec<Ticket> {
        values(headers, &self.session)
            .filter_map(|value| std::str::from_utf8(value).ok())
            .filter_map(|value| Ticket::parse(value).ok())
            .take(MAX_PRESENTED)
            .collect()
    }

    pub(crate) fn binding<'a>(&'a self, headers: &'a HeaderMap) -> Option<&'a str> {
        read(headers, &self.binding)
    }

    /// The value under this sign-in's own name, where exactly one was sent.
    pub(crate) fn arrival(&self, headers: &HeaderMap, tag: &str) -> Option<String> {
        read(headers, &self.arrival_name(tag)).map(str::to_owned)
    }

    pub(crate) fn silent<'a>(&'a self, headers: &'a HeaderMap) -> Option<&'a str> {
        read(headers, &self.silent)
    }

    pub(crate) fn notice<'a>(&'a self, headers: &'a HeaderMap) -> Option<&'a str> {
        read(headers, &self.notice)
    }
}

/// The value of a cookie that was sent exactly once. More than one of a name means that somebody else put one there:
/// the browser sends the longer path first, and ours has the shortest, so none of them is believed.
fn read<'a>(headers: &'a HeaderMap, name: &'a str) -> Option<&'a str> {
    let mut values = values(headers, name);
    let only = values.next()?;
    if values.next().is_some() {
        return None;
    }
    std::str::from_utf8(only)
        .ok()
        .filter(|value| !value.is_empty())
}

/// All values under a name. Bytes, not text: a neighbour's cookie may hold anything, and must not hide ours.
fn values<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    pairs(headers).filter_map(move |pair| {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        (pair[..at].trim_ascii() == name.as_bytes()).then(|| pair[at + 1..].trim_ascii())
    })
}

fn pairs(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
        .map(<[u8]>::trim_ascii)
        .filter(|pair| !pair.is_empty())
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};

    use super::Cookies;
    use crate::public_url::PublicUrl;
    use crate::settings::ResponseMode;

    fn cookies(url: &str) -> Cookies {
        with(url, ResponseMode::Query)
    }

    fn with(url: &str, response_mode: ResponseMode) -> Cookies {
        Cookies::new(&PublicUrl::parse(url).expect("a public URL"), response_mode)
    }

    #[test]
    fn with_form_post_the_binding_alone_comes_along_from_another_site() {
        for (url, name) in [
            ("https://app.example.com", "__Host-Http-cloakroom-binding"),
            ("http://localhost:3000", "cloakroom-binding-3000"),
        ] {
            let cookies = with(url, ResponseMode::FormPost);
            assert_eq!(
                cookies.set_binding("v").expect("a header"),
                format!("{name}=v; Max-Age=3600; Path=/; HttpOnly; SameSite=None; Secure")
            );
            for other in [
                cookies.remove_session(),
                cookies.set_notice("n"),
                cookies.set_silent("s"),
                cookies.set_arrival("t", "v", 120),
            ] {
                let other = other.expect("a header");
                assert!(
                    other.to_str().expect("text").contains("; SameSite=Lax"),
                    "{other:?}"
                );
            }
        }
    }

    #[test]
    fn over_https_every_cookie_has_the_prefix_and_is_secure() {
        let cookies = cookies("https://app.example.com");
        for value in [
            cookies.set_binding("v"),
            cookies.remove_session(),
            cookies.set_notice("n"),
            cookies.remove_notice(),
            cookies.set_silent("s"),
            cookies.remove_silent(),
            cookies.set_arrival("t", "v", 120),
            cookies.remove_arrival("t"),
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
        let seen = |lines: &[&[u8]]| -> Vec<HeaderValue> {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(
                    header::COOKIE,
                    HeaderValue::from_bytes(line).expect("a header"),
                );
            }
            cookies.without_impostors(&headers)
        };
        let ours = format!("cloakroom-session-3000={ticket}");
        let lines = |texts: &[&str]| -> Vec<HeaderValue> {
            texts
                .iter()
                .map(|text| HeaderValue::from_str(text).expect("a header"))
                .collect()
        };
        let theme = format!("theme=dark; {ours}");
        assert_eq!(seen(&[theme.as_bytes()]), lines(&["theme=dark", &ours]));
        let planted = format!("%63loakroom-session-3000=BBBBBBBBBBBBBBBBBBBBBA; {ours}; b=c");
        assert_eq!(seen(&[planted.as_bytes()]), lines(&["b=c", &ours]));
        assert_eq!(seen(&[ours.as_bytes(), ours.as_bytes()]), lines(&[]));
        assert_eq!(
            seen(&[b"cloakroom-session-3000=%41AAAAAAAAAAAAAAAAAAAAA"]),
            lines(&[])
        );
        assert_eq!(seen(&[b"cloakroom-session-3000"]), lines(&[]));
        let foreign = [b"name=Jos\xe9; ".as_slice(), ours.as_bytes()].concat();
        assert_eq!(seen(&[&foreign]).last(), lines(&[&ours]).first());
        assert_eq!(seen(&[]), lines(&[]));
        for space in ["\u{a0}", "\u{2003}", "\u{3000}", "%C2%A0", "%20"] {
            let before = format!("{space}cloakroom-session-3000=BBBBBBBBBBBBBBBBBBBBBA; {ours}");
            assert_eq!(seen(&[before.as_bytes()]), lines(&[&ours]), "{space:?}");
            let after = format!("cloakroom-session-3000{space}=BBBBBBBBBBBBBBBBBBBBBA; a=b");
            assert_eq!(seen(&[after.as_bytes()]), lines(&["a=b"]), "{space:?}");
        }
    }

    #[test]
    fn a_neighbour_s_cookie_of_any_bytes_does_not_hide_ours() {
        let cookies = cookies("http://localhost:3000");
        let mut headers = HeaderMap::new();
        let line =
            b"name=Jos\xc3\xa9; other=\xff; cloakroom-session-3000=one; cloakroom-binding-3000=two";
        headers.append(
            header::COOKIE,
            HeaderValue::from_bytes(line).expect("a header"),
        );
        assert_eq!(cookies.session(&headers), Some("one"));
        assert_eq!(cookies.binding(&headers), Some("two"));
    }

    #[test]
    fn every_ticket_that_was_shown_is_known_for_ending_it() {
        let cookies = cookies("http://localhost:3000");
        let mut headers = HeaderMap::new();
        let line = "cloakroom-session-3000=AAAAAAAAAAAAAAAAAAAAAA; cloakroom-session-3000=BBBBBBBBBBBBBBBBBBBBBA; cloakroom-session-3000=no";
        headers.append(header::COOKIE, HeaderValue::from_static(line));
        assert_eq!(cookies.presented(&headers).len(), 2);
        assert_eq!(cookies.session(&headers), None);
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
