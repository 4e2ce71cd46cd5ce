//! Requests that the browser's stand-in does not send: header bytes that are no text, and clients that hang up
//! (RFC 9112 section 2.1).

use cloakroom_testkit::raw_request;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::world::World;

/// What a script of a page says of its request.
pub(crate) const FETCH: &str =
    "sec-fetch-site: same-origin\r\nsec-fetch-mode: cors\r\nsec-fetch-dest: empty\r\n";
/// What a browser says of a page that is gone to from another site.
pub(crate) const NAVIGATION: &str =
    "sec-fetch-site: cross-site\r\nsec-fetch-mode: navigate\r\nsec-fetch-dest: document\r\n";

/// An answer, taken apart as far as these tests need it.
#[derive(Debug)]
pub(crate) struct RawAnswer {
    pub(crate) status: String,
    head: String,
    pub(crate) body: String,
}

impl RawAnswer {
    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        Self {
            status: head.get(9..12).unwrap_or_default().to_owned(),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    /// Every value of a header.
    pub(crate) fn header_all(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().skip(1);
        lines
            .filter_map(|line| line.split_once(':'))
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .collect()
    }

    /// The only value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        match self.header_all(name)[..] {
            [value] => Some(value),
            _ => None,
        }
    }

    /// The value that this answer sets a cookie to.
    pub(crate) fn new_cookie(&self, name: &str) -> Option<String> {
        let start = format!("{name}=");
        let values = self.header_all("set-cookie").into_iter();
        values
            .filter_map(|line| line.strip_prefix(&start)?.split(';').next())
            .find(|value| !value.is_empty())
            .map(str::to_owned)
    }
}

/// The bytes of a request: `line` such as `GET /`, `more` whole header lines, `cookies` one `Cookie` line each.
pub(crate) fn bytes(world: &World, line: &str, more: &str, cookies: &[&[u8]]) -> Vec<u8> {
    let host = format!("localhost:{}", world.port);
    let mut bytes =
        format!("{line} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{more}").into_bytes();
    for cookie in cookies {
        bytes.extend_from_slice(b"cookie: ");
        bytes.extend_from_slice(cookie);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}

/// Sends a request and waits for the answer.
pub(crate) async fn send(world: &World, line: &str, more: &str, cookies: &[&[u8]]) -> RawAnswer {
    let request = bytes(world, line, more, cookies);
    let answer = raw_request(("127.0.0.1", world.port), &request).await;
    RawAnswer::parse(&answer.expect("it answers"))
}

/// Sends a navigation and gives the connection, on which the answer is never read: dropped, the client has hung up.
pub(crate) async fn begin(world: &World, path: &str, cookie: &str) -> TcpStream {
    let request = bytes(
        world,
        &format!("GET {path}"),
        NAVIGATION,
        &[cookie.as_bytes()],
    );
    let mut stream = TcpStream::connect(("127.0.0.1", world.port))
        .await
        .expect("it listens");
    stream.write_all(&request).await.expect("it reads");
    stream
}
