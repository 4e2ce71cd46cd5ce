//! WebSocket connections by hand, from either end: the handshake, and small frames (RFC 6455 sections 4 and 5).

use std::io;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tokio::io::{AsyncRead, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};

use super::Seen;
use crate::framing::Wire;

/// RFC 6455, section 1.3.
const MAGIC: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A frame that is a message of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Frame {
    Text(String),
    /// Of this status code, where there is one.
    Close(Option<u16>),
    /// Of this opcode.
    Other(u8, Vec<u8>),
}

/// `Sec-WebSocket-Accept` for a key.
pub(crate) fn accept_of(key: &str) -> String {
    let text = format!("{key}{MAGIC}");
    BASE64_STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()))
}

impl Frame {
    /// The next frame. `None` at the end of the connection.
    pub(crate) async fn read<S: AsyncRead + Unpin>(wire: &mut Wire<S>) -> io::Result<Option<Self>> {
        let head = match wire.exactly(2).await {
            Ok(head) => head,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        };
        let size = match head[1] & 0x7f {
            0x7e => {
                let size = wire.exactly(2).await?;
                usize::from(size[0]) << 8 | usize::from(size[1])
            }
            0x7f => return Err(io::ErrorKind::InvalidData.into()),
            small => usize::from(small),
        };
        let mask = if head[1] & 0x80 == 0 {
            vec![0; 4]
        } else {
            wire.exactly(4).await?
        };
        let mut payload = wire.exactly(size).await?;
        for (at, byte) in payload.iter_mut().enumerate() {
            *byte ^= mask[at % 4];
        }
        Ok(Some(match head[0] & 0x0f {
            1 => Self::Text(String::from_utf8_lossy(&payload).into_owned()),
            8 => Self::Close(match payload[..] {
                [high, low, ..] => Some(u16::from(high) << 8 | u16::from(low)),
                _ => None,
            }),
            opcode => Self::Other(opcode, payload),
        }))
    }

    /// As a server writes it.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.framed(None)
    }

    /// As a client writes it (section 5.3).
    pub(crate) fn masked(&self) -> Vec<u8> {
        self.framed(Some([0x37, 0xfa, 0x21, 0x3d]))
    }

    fn framed(&self, mask: Option<[u8; 4]>) -> Vec<u8> {
        let (opcode, payload) = match self {
            Self::Text(text) => (1, text.clone().into_bytes()),
            Self::Close(code) => (
                8,
                code.map_or(Vec::new(), |code| code.to_be_bytes().to_vec()),
            ),
            Self::Other(opcode, payload) => (*opcode, payload.clone()),
        };
        let flag = if mask.is_some() { 0x80 } else { 0 };
        let mut bytes = vec![0x80 | opcode];
        match u16::try_from(payload.len()).expect("a small frame") {
            size @ ..126 => bytes.push(flag | size.to_be_bytes()[1]),
            size => {
                bytes.push(flag | 0x7e);
                bytes.extend(size.to_be_bytes());
            }
        }
        bytes.extend(mask.into_iter().flatten());
        let mask = mask.unwrap_or_default();
        let masked = payload.iter().enumerate();
        bytes.extend(masked.map(|(at, byte)| byte ^ mask[at % 4]));
        bytes
    }
}

/// Accepts the handshake and sends every frame back, a close frame too, after which only the end may come (RFC 6455
/// section 7.1). The end of a WebSocket is the caller's, so it is always told as an error.
pub(super) async fn echo(
    seen: &Seen,
    protocol: Option<&str>,
    wire: &mut Wire<ReadHalf<'_>>,
    writing: &mut WriteHalf<'_>,
) -> io::Result<bool> {
    let key = seen.header("sec-websocket-key").expect("it has a key");
    let protocol = protocol.map_or(String::new(), |protocol| {
        format!("sec-websocket-protocol: {protocol}\r\n")
    });
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: {}\r\n{protocol}\r\n",
        accept_of(&key)
    );
    writing.write_all(head.as_bytes()).await?;
    while let Some(frame) = Frame::read(wire).await? {
        writing.write_all(&frame.bytes()).await?;
        if matches!(frame, Frame::Close(_)) {
            writing.shutdown().await?;
            while !wire.bytes().await?.is_empty() {}
            break;
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}
