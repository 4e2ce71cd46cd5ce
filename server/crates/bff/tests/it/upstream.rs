//! An API at a free port that keeps what it is sent to the byte, and answers whatever a test wants it to.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use cloakroom_bff::{Settings, Upstream, UpstreamName};
use cloakroom_testkit::{Browser, Response};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::app::App;

/// The answer that a test has no wishes about.
pub(crate) const FINE: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

/// What arrived at an API.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// The request line and the headers, as they came.
    pub(crate) head: String,
    /// The body, its chunks put together.
    pub(crate) body: Vec<u8>,
    /// On which connection, counted from 0.
    pub(crate) connection: usize,
}

impl Seen {
    /// Of a head alone.
    pub(crate) fn of(head: &str) -> Self {
        Self {
            head: head.to_owned(),
            body: Vec::new(),
            connection: 0,
        }
    }

    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }

    /// The request target, as it came.
    pub(crate) fn target(&self) -> &str {
        self.line().split(' ').nth(1).unwrap_or_default()
    }

    /// Every value of a header, with its name in any spelling.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(':'))
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }
}

type Answer = dyn Fn(&Seen) -> Vec<u8> + Send + Sync;

/// The API. It ends when dropped.
pub(crate) struct Api {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Api {
    /// One that is always fine.
    pub(crate) async fn start() -> Self {
        Self::answering(|_| FINE).await
    }

    /// One with answers of its own, bytes of HTTP/1.1. After an empty one, or one with `Connection: close`, the
    /// connection ends.
    pub(crate) async fn answering<A: Into<Vec<u8>>>(
        answer: impl Fn(&Seen) -> A + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let answer: Arc<Answer> = Arc::new(move |seen| answer(seen).into());
        let task = tokio::spawn(accept(listener, Arc::clone(&seen), answer));
        Self {
            address,
            seen,
            task,
        }
    }

    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What arrived so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// What arrived since this was last asked.
    pub(crate) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }

    /// As [`Self::take`]; it must be one request.
    #[track_caller]
    pub(crate) fn only(&self) -> Seen {
        let mut seen = self.take();
        assert_eq!(seen.len(), 1, "{seen:#?}");
        seen.remove(0)
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, seen: Arc<Mutex<Vec<Seen>>>, answer: Arc<Answer>) {
    let connections = AtomicUsize::new(0);
    while let Ok((mut stream, _)) = listener.accept().await {
        let connection = connections.fetch_add(1, Ordering::Relaxed);
        let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
        tokio::spawn(async move {
            while let Some(request) = read(&mut stream, connection).await {
                seen.lock().unwrap().push(request.clone());
                let bytes = answer(&request);
                let last = bytes.is_empty()
                    || String::from_utf8_lossy(&bytes).contains("\r\nConnection: close");
                if stream.write_all(&bytes).await.is_err() || last {
                    break;
                }
            }
        });
    }
}

/// Reads a request.
pub(crate) async fn read(stream: &mut TcpStream, connection: usize) -> Option<Seen> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let mut request = Seen {
        head: String::from_utf8(bytes[..end].to_vec()).unwrap(),
        body: Vec::new(),
        connection,
    };
    let mut rest = bytes.split_off(end);
    if let Some(length) = request.header("content-length") {
        let length: usize = length.parse().unwrap();
        while rest.len() < length {
            if stream.read_buf(&mut rest).await.ok()? == 0 {
                return None;
            }
        }
        assert_eq!(rest.len(), length, "more came than was announced");
        request.body = rest;
    } else if request.header("transfer-encoding") == Some("chunked") {
        while !rest.ends_with(b"0\r\n\r\n") {
            if stream.read_buf(&mut rest).await.ok()? == 0 {
                return None;
            }
        }
        request.body = unchunk(&rest);
    } else {
        assert_eq!(rest, b"", "a body without a length");
    }
    Some(request)
}

/// Reads a head, and nothing of what follows it.
pub(crate) async fn read_head(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let mut one = [0];
        if stream.read_exact(&mut one).await.is_err() {
            break;
        }
        bytes.push(one[0]);
    }
    String::from_utf8(bytes).unwrap()
}

fn unchunk(mut bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(at) = bytes.windows(2).position(|two| two == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[..at]).unwrap(), 16).unwrap();
        if size == 0 {
            break;
        }
        body.extend_from_slice(&bytes[at + 2..at + 2 + size]);
        bytes = &bytes[at + 2 + size + 2..];
    }
    body
}

/// An upstream of this name and base, as the configuration makes them.
pub(crate) fn upstream(name: &str, base: &str) -> Upstream {
    Upstream::new(UpstreamName::parse(name).unwrap(), base, false).unwrap()
}

/// The application with this API as `orders`, below its `/v1`, and a browser that is signed in.
pub(crate) async fn app_with(api: &Api, change: impl FnOnce(&mut Upstream)) -> (App, Browser) {
    let mut upstream = upstream("orders", &format!("{}/v1", api.base()));
    change(&mut upstream);
    app_of(vec![upstream], |_| {}).await
}

/// The application with these upstreams, and a browser that is signed in.
pub(crate) async fn app_of(
    upstreams: Vec<Upstream>,
    change: impl FnOnce(&mut Settings),
) -> (App, Browser) {
    let settings = |settings: &mut Settings| {
        settings.upstreams = upstreams;
        change(settings);
    };
    let app = App::with(settings, |builder| builder).await;
    let browser = app.browser();
    app.sign_in(&browser).await;
    (app, browser)
}

impl App {
    pub(crate) fn address(&self) -> String {
        self.public_url.trim_start_matches("http://").to_owned()
    }

    /// A call by a page of ours.
    pub(crate) async fn call(&self, browser: &Browser, path: &str) -> Response {
        browser.get(path).fetch().header("x-csrf", "1").await
    }

    /// The bytes of a call by a page of ours: a request line and more headers, in whatever form.
    pub(crate) fn raw(&self, browser: &Browser, line: &str, more: &str) -> Vec<u8> {
        let cookie = browser.cookie_header("/").unwrap_or_default();
        let host = self.address();
        format!(
            "{line}\r\nHost: {host}\r\nCookie: {cookie}\r\nX-CSRF: 1\r\nConnection: close\r\n{more}\r\n"
        )
        .into_bytes()
    }

    /// By address: what the name resolves to is no part of what is tested.
    fn socket(&self) -> String {
        self.address().replace("localhost", "127.0.0.1")
    }

    /// A connection, for a test that plays the browser by hand.
    pub(crate) async fn open(&self) -> TcpStream {
        TcpStream::connect(self.socket()).await.unwrap()
    }

    /// Sends bytes as they are; the whole answer.
    pub(crate) async fn send(&self, bytes: &[u8]) -> String {
        let answer = cloakroom_testkit::raw_request(self.socket(), bytes).await;
        String::from_utf8_lossy(&answer.unwrap()).into_owned()
    }

    /// The newest access token.
    pub(crate) fn access_token(&self) -> String {
        self.provider.issued().access_tokens.last().unwrap().clone()
    }
}

/// The answer is a refusal of ours, with this code, and of this status.
#[track_caller]
pub(crate) fn assert_refused(answer: &Response, status: u16, code: &str) {
    assert_eq!(
        (answer.status(), answer.header("cloakroom-error")),
        (status, Some(code)),
        "{}",
        answer.text()
    );
    assert_eq!(
        (
            answer.header("content-type"),
            answer.json()["code"].as_str(),
            answer.json()["status"].as_u64()
        ),
        (
            Some("application/problem+json"),
            Some(code),
            Some(u64::from(status))
        )
    );
}
