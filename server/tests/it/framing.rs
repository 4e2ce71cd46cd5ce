//! HTTP/1.1 by hand, from either end of a connection: heads as the exact bytes that came, and bodies piece by piece
//! (RFC 9112 sections 2, 6 and 7).

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The largest head these tests wait for.
const MAX_HEAD: usize = 256 * 1024;
/// How much is read at once.
const PIECE: usize = 64 * 1024;

/// The exact bytes of a request's or an answer's head, to the empty line.
#[derive(Debug, Clone)]
pub(crate) struct Head(pub(crate) Vec<u8>);

/// How a body is delimited (RFC 9112 section 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// There is none, or no more of it.
    Nothing,
    /// So many bytes are to come.
    Length(u64),
    /// Chunks are to come.
    Chunked,
    /// Everything until the connection ends.
    UntilClose,
}

/// One direction of a connection, and what of it was read too far.
#[derive(Debug)]
pub(crate) struct Wire<S> {
    stream: S,
    buffer: Vec<u8>,
    /// Trailer lines of the last chunked body.
    pub(crate) trailers: String,
    /// Everything that came, up to this many bytes.
    copy: Vec<u8>,
    copied: usize,
}

impl Head {
    /// As text; bytes that are not UTF-8 become U+FFFD.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }

    /// The request line or status line.
    pub(crate) fn line(&self) -> String {
        self.text().lines().next().unwrap_or_default().to_owned()
    }

    /// A part of the request line, or status line.
    pub(crate) fn word(&self, at: usize) -> String {
        let line = self.line();
        line.split(' ').nth(at).unwrap_or_default().to_owned()
    }

    /// Of an answer.
    pub(crate) fn status(&self) -> u16 {
        self.word(1).parse().unwrap_or_default()
    }

    /// Name in lower case and value of every header, in order.
    pub(crate) fn headers(&self) -> Vec<(String, String)> {
        self.text()
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect()
    }

    /// Every value of a header.
    pub(crate) fn header_all(&self, name: &str) -> Vec<String> {
        let of_it = self.headers().into_iter();
        of_it
            .filter(|(known, _)| known == name)
            .map(|(_, value)| value)
            .collect()
    }

    /// The only value of a header. Panics where there are more.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let mut values = self.header_all(name);
        assert!(values.len() < 2, "{name} came more than once: {values:?}");
        values.pop()
    }

    /// How a request's body is delimited.
    pub(crate) fn request_framing(&self) -> Framing {
        self.delimited().unwrap_or(Framing::Nothing)
    }

    /// How the body of an answer to this method is delimited.
    pub(crate) fn answer_framing(&self, method: &str) -> Framing {
        if method == "HEAD" || matches!(self.status(), 100..200 | 204 | 304) {
            return Framing::Nothing;
        }
        self.delimited().unwrap_or(Framing::UntilClose)
    }

    fn delimited(&self) -> Option<Framing> {
        if self
            .header_all("transfer-encoding")
            .iter()
            .any(|value| value.eq_ignore_ascii_case("chunked"))
        {
            return Some(Framing::Chunked);
        }
        let length = self.header_all("content-length").first()?.parse().ok()?;
        Some(Framing::Length(length))
    }

    /// Panics where two servers could read this request in two ways (RFC 9112 sections 3, 5 and 6.3).
    #[track_caller]
    pub(crate) fn assert_well_formed(&self) {
        let text = String::from_utf8(self.0.clone()).expect("a head is text");
        let text = text.strip_suffix("\r\n\r\n").expect("it ends");
        assert!(text.is_ascii(), "{text:?}");
        let mut lines = text.split("\r\n");
        let first = lines.next().unwrap_or_default();
        let words: Vec<&str> = first.split(' ').collect();
        assert_eq!(words.len(), 3, "{first:?}");
        assert_eq!(words[2], "HTTP/1.1", "{first:?}");
        assert!(words[1].starts_with('/'), "origin form: {first:?}");
        for line in lines {
            assert!(
                !line.contains(|c: char| c.is_control() && c != '\t'),
                "{line:?}"
            );
            let (name, _) = line.split_once(':').expect("a header has a colon");
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
            assert!(!name.is_empty() && name.bytes().all(plain), "{line:?}");
        }
        for name in [
            "host",
            "authorization",
            "content-length",
            "content-type",
            "transfer-encoding",
        ] {
            let values = self.header_all(name);
            assert!(values.len() < 2, "{name}: {values:?}");
        }
        assert!(self.header("host").is_some(), "{text}");
        let length = self.header("content-length");
        if let Some(coding) = self.header("transfer-encoding") {
            assert_eq!((coding.as_str(), length), ("chunked", None), "{text}");
        } else if let Some(length) = length {
            assert!(length.bytes().all(|b| b.is_ascii_digit()), "{text}");
        }
    }
}

impl<S: AsyncRead + Unpin> Wire<S> {
    /// Reads from here.
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
            trailers: String::new(),
            copy: Vec::new(),
            copied: 0,
        }
    }

    /// Keeps the first so many bytes that come.
    pub(crate) fn copying(mut self, bytes: usize) -> Self {
        self.copied = bytes;
        self
    }

    /// What was kept since the last time.
    pub(crate) fn copy(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.copy)
    }

    /// Reads more; false at the end.
    async fn fill(&mut self) -> io::Result<bool> {
        self.buffer.reserve(PIECE);
        let before = self.buffer.len();
        let read = self.stream.read_buf(&mut self.buffer).await?;
        let kept = read.min(self.copied);
        self.copied -= kept;
        self.copy
            .extend_from_slice(&self.buffer[before..before + kept]);
        Ok(read > 0)
    }

    /// The next head. `None` where the connection ends before one begins.
    pub(crate) async fn head(&mut self) -> io::Result<Option<Head>> {
        loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                let rest = self.buffer.split_off(end + 4);
                return Ok(Some(Head(std::mem::replace(&mut self.buffer, rest))));
            }
            if self.buffer.len() > MAX_HEAD {
                return Err(io::ErrorKind::InvalidData.into());
            }
            if !self.fill().await? {
                return if self.buffer.is_empty() {
                    Ok(None)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                };
            }
        }
    }

    /// The next bytes of a body, none of them framing. `None` at its end; an error where the connection ends before.
    pub(crate) async fn piece(&mut self, framing: &mut Framing) -> io::Result<Option<Vec<u8>>> {
        match framing {
            Framing::Nothing | Framing::Length(0) => {
                *framing = Framing::Nothing;
                Ok(None)
            }
            Framing::Length(left) => {
                let piece = self.at_most(*left).await?;
                *left -= piece.len() as u64;
                Ok(Some(piece))
            }
            Framing::UntilClose => {
                if self.buffer.is_empty() && !self.fill().await? {
                    *framing = Framing::Nothing;
                    return Ok(None);
                }
                Ok(Some(std::mem::take(&mut self.buffer)))
            }
            Framing::Chunked => {
                let chunk = self.chunk().await?;
                if chunk.is_none() {
                    *framing = Framing::Nothing;
                }
                Ok(chunk)
            }
        }
    }

    /// A whole body.
    pub(crate) async fn body(&mut self, mut framing: Framing) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece(&mut framing).await? {
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    /// Whatever comes next, with no regard to framing. Empty at the end of the connection.
    pub(crate) async fn bytes(&mut self) -> io::Result<Vec<u8>> {
        if self.buffer.is_empty() {
            self.fill().await?;
        }
        Ok(std::mem::take(&mut self.buffer))
    }

    /// Exactly so many bytes, with no regard to framing.
    pub(crate) async fn exactly(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < count {
            self.must_fill().await?;
        }
        let rest = self.buffer.split_off(count);
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    async fn at_most(&mut self, limit: u64) -> io::Result<Vec<u8>> {
        if self.buffer.is_empty() {
            self.must_fill().await?;
        }
        let count = usize::try_from(limit)
            .unwrap_or(usize::MAX)
            .min(self.buffer.len());
        self.exactly(count).await
    }

    async fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let line = self.line().await?;
        let size = usize::from_str_radix(&line, 16).map_err(|_| io::ErrorKind::InvalidData)?;
        if size > 0 {
            let chunk = self.exactly(size).await?;
            let end = self.exactly(2).await?;
            return if end == b"\r\n" {
                Ok(Some(chunk))
            } else {
                Err(io::ErrorKind::InvalidData.into())
            };
        }
        self.trailers.clear();
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                return Ok(None);
            }
            self.trailers.push_str(&line);
            self.trailers.push('\n');
        }
    }

    /// A line of framing, without its end. A chunk's extensions are left on it: nobody is to send us any.
    async fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = find(&self.buffer, b"\r\n") {
                let line = self.exactly(end + 2).await?;
                return String::from_utf8(line[..end].to_vec())
                    .map_err(|_| io::ErrorKind::InvalidData.into());
            }
            self.must_fill().await?;
        }
    }

    async fn must_fill(&mut self) -> io::Result<()> {
        if self.fill().await? {
            Ok(())
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }
}

/// A chunk on the wire (RFC 9112 section 7.1).
pub(crate) fn chunk(bytes: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
