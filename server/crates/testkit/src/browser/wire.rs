//! HTTP/1.1 by hand (RFC 9112), one request a connection: an ordinary client refuses to send an address of
//! 64 KiB, and cleans up what these tests mean to send as it is.

use std::io;
use std::time::Duration;

use http::HeaderMap;
use http::header::{CONTENT_LENGTH, HeaderName, HeaderValue, TRANSFER_ENCODING};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, ToSocketAddrs};
use url::{Host, Url};

/// How long [`raw_request`] waits for the next bytes.
const RAW_PATIENCE: Duration = Duration::from_secs(5);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrowserError {
    /// Nothing listens there, or the connection broke before the answer was whole.
    #[error("no answer from {url}: {source}")]
    Connection {
        /// Who was asked.
        url: String,
        /// What the system says.
        source: io::Error,
    },
    /// The answer did not come in time.
    #[error("no answer from {url} within {after:?}")]
    Timeout {
        /// Who was asked.
        url: String,
        /// How long was waited.
        after: Duration,
    },
    /// The answer is not HTTP/1.1.
    #[error("the answer from {url} is not HTTP/1.1: {what}")]
    Malformed {
        /// Who was asked.
        url: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// This browser speaks http only.
    #[error("{url} is not http: this browser speaks nothing else")]
    Scheme {
        /// Who was asked.
        url: String,
    },
}

/// An answer as it came, and taken apart.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: Vec<u8>,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Sends `bytes` as they are and gives what comes back until the connection ends or nothing comes for five
/// seconds. For requests that no browser sends.
pub async fn raw_request(address: impl ToSocketAddrs, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    // A server that has seen enough may close before everything is written; its answer is what counts.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    while let Ok(Ok(1..)) = tokio::time::timeout(RAW_PATIENCE, stream.read_buf(&mut answer)).await {
    }
    Ok(answer)
}

pub(super) async fn exchange(
    url: &Url,
    request: &[u8],
    head_only: bool,
) -> Result<Answer, BrowserError> {
    let broken = |source| BrowserError::Connection {
        url: shown(url),
        source,
    };
    let malformed = |what| BrowserError::Malformed {
        url: shown(url),
        what,
    };
    let mut stream = connect(url).await?;
    let (mut reading, mut writing) = stream.split();
    let mut received = Vec::new();
    // Write and read at once: a server may answer and close before it has read everything.
    let write = async {
        let _ = writing.write_all(request).await;
        std::future::pending::<()>().await;
    };
    let read = async {
        loop {
            if is_whole(&received, head_only) {
                return Ok(());
            }
            match reading.read_buf(&mut received).await {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                // A reset after an answer is the end of the answer.
                Err(_) if head_end(&received).is_some() => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    };
    tokio::select! {
        result = read => result.map_err(broken)?,
        () = write => {}
    }
    let end = head_end(&received).ok_or_else(|| {
        broken(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the connection ended before an answer",
        ))
    })?;
    let (status, headers) = parse_head(&received[..end]).map_err(malformed)?;
    let body = match length(&headers, status, head_only) {
        Length::Known(length) => {
            let rest = &received[end..];
            let cut = || {
                broken(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the body is cut off",
                ))
            };
            rest.get(..length).ok_or_else(cut)?.to_vec()
        }
        Length::Chunked => {
            unchunk(&received[end..]).ok_or(malformed("its chunks are incomplete"))?
        }
        Length::UntilClose => received[end..].to_vec(),
    };
    Ok(Answer {
        status,
        head: received[..end].to_vec(),
        headers,
        body,
    })
}

async fn connect(url: &Url) -> Result<TcpStream, BrowserError> {
    if url.scheme() != "http" {
        return Err(BrowserError::Scheme { url: shown(url) });
    }
    let port = url.port_or_known_default().unwrap_or(80);
    let connected = match url.host() {
        Some(Host::Ipv4(address)) => TcpStream::connect((address, port)).await,
        Some(Host::Ipv6(address)) => TcpStream::connect((address, port)).await,
        // Chromium resolves localhost and everything under it to loopback without asking anybody.
        Some(Host::Domain(name)) if name == "localhost" || name.ends_with(".localhost") => {
            match TcpStream::connect(("127.0.0.1", port)).await {
                Ok(stream) => Ok(stream),
                Err(_) => TcpStream::connect(("::1", port)).await,
            }
        }
        Some(Host::Domain(name)) => TcpStream::connect((name, port)).await,
        None => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "there is no host in the address",
        )),
    };
    connected.map_err(|source| BrowserError::Connection {
        url: shown(url),
        source,
    })
}

/// The address without its query, which may hold a code.
fn shown(url: &Url) -> String {
    url[..url::Position::AfterPath].to_owned()
}

enum Length {
    Known(usize),
    Chunked,
    UntilClose,
}

/// RFC 9112, section 6.3.
fn length(headers: &HeaderMap, status: u16, head_only: bool) -> Length {
    if head_only || matches!(status, 100..200 | 204 | 304) {
        return Length::Known(0);
    }
    if headers
        .get(TRANSFER_ENCODING)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"chunked"))
    {
        return Length::Chunked;
    }
    let length = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse().ok());
    length.map_or(Length::UntilClose, Length::Known)
}

/// Whether nothing more belongs to the answer. Where that is not certain, the end of the connection tells.
fn is_whole(received: &[u8], head_only: bool) -> bool {
    let Some(end) = head_end(received) else {
        return false;
    };
    let Ok((status, headers)) = parse_head(&received[..end]) else {
        return true;
    };
    match length(&headers, status, head_only) {
        Length::Known(length) => received.len() - end >= length,
        Length::Chunked => received.ends_with(b"0\r\n\r\n") && unchunk(&received[end..]).is_some(),
        Length::UntilClose => false,
    }
}

fn head_end(received: &[u8]) -> Option<usize> {
    received
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .map(|at| at + 4)
}

fn parse_head(head: &[u8]) -> Result<(u16, HeaderMap), &'static str> {
    let mut lines = head
        .split(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let first = std::str::from_utf8(lines.next().unwrap_or_default())
        .map_err(|_| "its first line is not text")?;
    let status = first
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.get(2..5))
        .ok_or("it has no status line")?;
    let status = status.parse().map_err(|_| "its status is not a number")?;
    let mut headers = HeaderMap::new();
    for line in lines.filter(|line| !line.is_empty()) {
        let colon = line
            .iter()
            .position(|&byte| byte == b':')
            .ok_or("a header has no colon")?;
        let name =
            HeaderName::from_bytes(&line[..colon]).map_err(|_| "a header name is malformed")?;
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii())
            .map_err(|_| "a header value is malformed")?;
        headers.append(name, value);
    }
    Ok((status, headers))
}

/// RFC 9112, section 7.1. None where the last chunk is missing.
fn unchunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(&rest[..line])
            .ok()?
            .split(';')
            .next()?
            .trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        rest = rest.get(line + 2..)?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size + 2..)?;
    }
}
