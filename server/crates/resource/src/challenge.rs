//! `WWW-Authenticate` (RFC 9110 sections 5.6.4 and 11.6.1, RFC 6750 section 3).

use http::HeaderValue;

/// A `Bearer` challenge under construction.
pub(crate) struct Challenge(String);

impl Challenge {
    pub(crate) fn bearer() -> Self {
        Self("Bearer".to_owned())
    }

    /// Adds a parameter as a quoted string. Nothing in `value` can end the string or the header: quotes and
    /// backslashes are escaped, and what no header carries becomes a question mark.
    pub(crate) fn parameter(&mut self, name: &str, value: &str) {
        self.0
            .push_str(if self.0.contains('=') { ", " } else { " " });
        self.0.push_str(name);
        self.0.push_str("=\"");
        for c in value.chars() {
            match c {
                '"' | '\\' => {
                    self.0.push('\\');
                    self.0.push(c);
                }
                ' '..='~' => self.0.push(c),
                _ => self.0.push('?'),
            }
        }
        self.0.push('"');
    }

    /// Adds `error_description`, which may have neither quotes nor backslashes in it (RFC 6750 section 3).
    pub(crate) fn description(&mut self, text: &str) {
        let text = text.replace('"', "'").replace('\\', "/");
        self.parameter("error_description", &text);
    }

    /// Everything written is visible ASCII, so that the bare scheme never has to stand in.
    pub(crate) fn into_header(self) -> HeaderValue {
        HeaderValue::try_from(self.0).unwrap_or_else(|_| HeaderValue::from_static("Bearer"))
    }
}
