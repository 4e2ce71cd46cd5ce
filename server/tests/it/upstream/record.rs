//! What an API saw: requests as they came, and every byte, for the search after what it must not see
//! (draft-ietf-oauth-browser-based-apps section 6.1.3.3).

use std::sync::{Mutex, MutexGuard, PoisonError};

use cloakroom_testkit::leaks;

use crate::framing::Head;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) head: Head,
    /// Empty where the answer had no use for it.
    pub(crate) body: Vec<u8>,
    /// Lines behind a chunked body.
    pub(crate) trailers: String,
}

/// What came since the start.
#[derive(Debug, Default)]
pub(crate) struct Record(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    seen: Vec<Seen>,
    received: Vec<u8>,
    connections: usize,
    hang_ups: usize,
    wrong: Vec<String>,
}

impl Seen {
    pub(super) fn new(head: Head) -> Self {
        Self {
            head,
            body: Vec::new(),
            trailers: String::new(),
        }
    }

    pub(crate) fn method(&self) -> String {
        self.head.word(0)
    }

    /// The request target, byte for byte.
    pub(crate) fn target(&self) -> String {
        self.head.word(1)
    }

    /// The only value of a header.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.head.header(name)
    }

    /// The access token that came.
    #[track_caller]
    pub(crate) fn bearer(&self) -> Option<String> {
        let value = self.header("authorization")?;
        let token = value.strip_prefix("Bearer ").expect("a bearer token");
        Some(token.to_owned())
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Record {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn connected(&self) {
        self.inner().connections += 1;
    }

    pub(super) fn add(&self, seen: Seen) -> usize {
        let mut inner = self.inner();
        inner.seen.push(seen);
        inner.seen.len() - 1
    }

    pub(super) fn with_body(&self, at: usize, body: &[u8], trailers: &str) {
        let mut inner = self.inner();
        inner.seen[at].body = body.to_vec();
        trailers.clone_into(&mut inner.seen[at].trailers);
    }

    pub(super) fn received(&self, bytes: &[u8]) {
        self.inner().received.extend_from_slice(bytes);
    }

    pub(super) fn hung_up(&self) {
        self.inner().hang_ups += 1;
    }

    pub(super) fn went_wrong(&self, what: &str) {
        self.inner().wrong.push(what.to_owned());
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.inner().seen.clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.inner().seen.len()
    }

    /// How many connections were made.
    pub(crate) fn connections(&self) -> usize {
        self.inner().connections
    }

    /// How often the caller was gone before a request was whole or its answer given.
    pub(crate) fn hang_ups(&self) -> usize {
        self.inner().hang_ups
    }

    /// Nobody who calls an API may show it more than an access token, in the one header for it: no cookie of ours, no
    /// refresh token, nothing of a sign-in. And whoever calls is to end its requests.
    #[track_caller]
    pub(crate) fn assert_saw_no_secret(&self, secrets: &[String], access_tokens: &[String]) {
        let all = String::from_utf8_lossy(&self.inner().received).into_owned();
        let (tokens, rest): (Vec<&str>, Vec<&str>) = all
            .lines()
            .partition(|line| line.to_ascii_lowercase().starts_with("authorization:"));
        assert_eq!(
            leaks(rest.join("\n").as_bytes(), secrets),
            [""; 0],
            "an API saw a secret"
        );
        let others: Vec<String> = secrets
            .iter()
            .filter(|secret| !access_tokens.contains(secret))
            .cloned()
            .collect();
        assert_eq!(
            leaks(tokens.join("\n").as_bytes(), &others),
            [""; 0],
            "an API saw another secret than an access token"
        );
        assert_eq!(self.inner().wrong, [""; 0]);
    }
}
