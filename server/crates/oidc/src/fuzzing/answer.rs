//! An HTTP answer out of any bytes, in the form of RFC 9112 section 2.1 with `\n` for line ends: the status, header lines,
//! an empty line, the body.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};

/// What is no status counts as 200, what is no header line is left out, and without an empty line all of it is body,
/// so that no input goes to waste.
pub(super) fn answer(data: &[u8]) -> Response<Bytes> {
    let end = data.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = end.map_or((&[][..], data), |at| (&data[..at], &data[at + 2..]));
    let mut lines = head.split(|byte| *byte == b'\n');
    let status = lines
        .next()
        .and_then(|line| StatusCode::from_bytes(line).ok())
        .unwrap_or(StatusCode::OK);
    let mut response = Response::new(Bytes::copy_from_slice(body));
    *response.status_mut() = status;
    for line in lines {
        let Some(at) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let name = HeaderName::from_bytes(line[..at].trim_ascii());
        let value = HeaderValue::from_bytes(line[at + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            response.headers_mut().append(name, value);
        }
    }
    response
}
