//! Calls under `/api/`: as a script of a page makes them, and at the level of bytes, for bodies that are sent and read
//! piece by piece and for requests that no browser sends (draft-ietf-oauth-browser-based-apps section 6.1.3.3).

use std::io;
use std::time::Duration;

use cloakroom_testkit::browser::RequestBuilder;
use cloakroom_testkit::{Browser, Response};
use http::Method;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use crate::framing::{Framing, Head, Wire};
use crate::program::PATIENCE;
use crate::raw::FETCH;
use crate::world::World;

/// How much of what a caller receives is searched for secrets.
const OVERHEARD: usize = 64 * 1024;

/// The header that a page of another site cannot send, on the wire.
pub(crate) const CSRF: &str = "x-csrf: 1\r\n";

/// A `GET` as `fetch()` makes it, with the header.
pub(crate) fn get(browser: &Browser, path: &str) -> RequestBuilder {
    call(browser, Method::GET, path)
}

/// Any method, as `fetch()` makes it, with the header.
pub(crate) fn call(browser: &Browser, method: Method, path: &str) -> RequestBuilder {
    browser.request(method, path).fetch().header("x-csrf", "1")
}

/// A refusal of ours: this status and code, as a problem document that says the same (RFC 9457), kept by nobody.
#[track_caller]
pub(crate) fn assert_refused(answer: &Response, status: u16, code: &str, what: &str) {
    assert_eq!(
        (answer.status(), answer.header("cloakroom-error")),
        (status, Some(code)),
        "{what}: {}",
        answer.text()
    );
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json"),
        "{what}: a script asked, and gets no page"
    );
    let problem = answer.json();
    assert_eq!(
        (&problem["code"], &problem["status"]),
        (&Value::from(code), &Value::from(status)),
        "{what}: {problem}"
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{what}");
    assert_eq!(answer.location(), None, "{what}: it leads nowhere");
}

/// An upstream's answer: this status, and not one of ours.
#[track_caller]
pub(crate) fn assert_passed(answer: &Response, status: u16, body: &str) {
    assert_eq!(
        (answer.status(), answer.header("cloakroom-error")),
        (status, None),
        "{}",
        answer.text()
    );
    assert_eq!(answer.text(), body);
}

/// The bytes of a call with the header, as a script of a page makes it: `line` such as `GET /api/up/x`, `more` whole
/// header lines. The browser's cookies go along.
pub(crate) fn bytes(world: &World, browser: &Browser, line: &str, more: &str) -> Vec<u8> {
    without_header(world, browser, line, &format!("{CSRF}{FETCH}{more}"))
}

/// The same without the header, and without what a script's request says of itself.
pub(crate) fn without_header(world: &World, browser: &Browser, line: &str, more: &str) -> Vec<u8> {
    let host = format!("localhost:{}", world.port);
    let cookies = cookies(browser);
    format!("{line} HTTP/1.1\r\nhost: {host}\r\n{cookies}{more}\r\n").into_bytes()
}

/// The `Cookie` line of this browser, where it has cookies.
pub(crate) fn cookies(browser: &Browser) -> String {
    let cookies = browser.cookie_header("/api/");
    cookies.map_or(String::new(), |cookies| format!("cookie: {cookies}\r\n"))
}

/// A connection to the program, in hand.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) wire: Wire<OwnedReadHalf>,
    pub(crate) writing: OwnedWriteHalf,
    overheard: std::sync::Arc<std::sync::Mutex<Vec<u8>>>,
}

/// An answer's head, and how its body goes on.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) head: Head,
    pub(crate) framing: Framing,
}

impl Caller {
    /// Connects.
    pub(crate) async fn connect(world: &World) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", world.port)).await;
        let stream = stream.expect("it listens");
        stream.set_nodelay(true).expect("it is a TCP connection");
        let (reading, writing) = stream.into_split();
        Self {
            wire: Wire::new(reading).copying(OVERHEARD),
            writing,
            overheard: world.overheard(),
        }
    }

    /// Connects and sends.
    pub(crate) async fn send(world: &World, bytes: &[u8]) -> Self {
        let mut caller = Self::connect(world).await;
        caller.write(bytes).await;
        caller
    }

    /// Sends more.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.writing.write_all(bytes).await.expect("it is read");
    }

    /// The next answer's head. `None` where the connection ends instead.
    pub(crate) async fn head(&mut self, method: &str) -> Option<Begun> {
        let head = timeout(PATIENCE, self.wire.head())
            .await
            .expect("an answer comes, or the connection ends");
        self.listen();
        let head = head.ok().flatten()?;
        let framing = head.answer_framing(method);
        Some(Begun { head, framing })
    }

    /// The next answer's head, which comes.
    pub(crate) async fn answer(&mut self, method: &str) -> Begun {
        self.head(method).await.expect("an answer")
    }

    /// The next bytes of a body; `None` at its end.
    pub(crate) async fn piece(&mut self, begun: &mut Begun) -> io::Result<Option<Vec<u8>>> {
        let piece = timeout(PATIENCE, self.wire.piece(&mut begun.framing)).await;
        self.listen();
        piece.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Whether nothing of a body comes for so long.
    pub(crate) async fn is_quiet(&mut self, begun: &mut Begun, time: Duration) -> bool {
        timeout(time, self.wire.piece(&mut begun.framing))
            .await
            .is_err()
    }

    /// What is left of a body.
    pub(crate) async fn body(&mut self, mut begun: Begun) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece(&mut begun).await? {
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    /// A text that comes, in as many pieces as it likes.
    pub(crate) async fn text(&mut self, begun: &mut Begun, length: usize) -> String {
        let mut text = Vec::new();
        while text.len() < length {
            let piece = self.piece(begun).await.expect("the answer goes on");
            text.extend(piece.expect("the answer is not over"));
        }
        String::from_utf8(text).expect("it is text")
    }

    /// Waits until an answer is over, whichever way, and nothing comes any more. True where it ended as it should:
    /// by its last chunk, or its last byte.
    pub(crate) async fn ended(&mut self, mut begun: Begun) -> bool {
        loop {
            match self.piece(&mut begun).await {
                Ok(Some(_)) => {}
                Ok(None) => return true,
                Err(error) => {
                    assert_ne!(error.kind(), io::ErrorKind::TimedOut, "it goes on and on");
                    return false;
                }
            }
        }
    }

    /// Waits until the connection is closed.
    pub(crate) async fn closed(&mut self) -> bool {
        loop {
            match timeout(PATIENCE, self.wire.bytes()).await {
                Ok(Ok(bytes)) if !bytes.is_empty() => {}
                Ok(_) => return true,
                Err(_) => return false,
            }
        }
    }

    /// Keeps what came for the search after secrets.
    fn listen(&mut self) {
        let copy = self.wire.copy();
        self.overheard
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .extend(copy);
    }
}
