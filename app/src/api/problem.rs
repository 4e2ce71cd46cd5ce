//! What an API answered in place of what was asked (RFC 9457). Its words are somebody else's, and are shown as such.

use serde::Serialize;
use serde_json::Value;

/// The longest word or line of an API that a page shows, in characters.
const MAX_TEXT: usize = 300;
/// The longest code, in characters.
const MAX_CODE: usize = 64;

/// An error status of an API, with what it says of it. Bounded: an API's answer does not fill a page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// What the API calls it: `code` of a problem document, or `error` of a challenge or an OAuth 2.0 answer.
    pub code: Option<String>,
    /// `title` of a problem document.
    pub title: Option<String>,
    /// `detail` of a problem document, or `error_description`.
    pub detail: Option<String>,
    /// Seconds after which to ask again (RFC 9110 section 10.2.3).
    pub retry_after: Option<u64>,
}

impl Problem {
    /// A status, and what the body says where it is an object that says something.
    pub(crate) fn read(status: u16, body: &str) -> Self {
        let said = serde_json::from_str(body).unwrap_or_default();
        Self {
            status,
            retry_after: None,
            ..Self::of_members(&said)
        }
    }

    /// Reads a problem document, or what [`ApiError`](super::ApiError) wrote of one.
    pub(crate) fn of_members(value: &Value) -> Self {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let number = |name: &str| value.get(name).and_then(Value::as_u64);
        Self {
            status: number("status")
                .and_then(|status| status.try_into().ok())
                .unwrap_or_default(),
            code: text("code").or(text("error")).map(str::to_owned),
            title: text("title").map(str::to_owned),
            detail: text("detail")
                .or(text("error_description"))
                .map(str::to_owned),
            retry_after: number("retry_after"),
        }
        .bounded()
    }

    /// The words of the API that say most.
    pub fn said(&self) -> Option<&str> {
        self.detail.as_deref().or(self.title.as_deref())
    }

    pub(crate) fn bounded(self) -> Self {
        Self {
            code: self.code.filter(|code| is_code(code)),
            title: self.title.as_deref().and_then(line),
            detail: self.detail.as_deref().and_then(line),
            ..self
        }
    }
}

fn is_code(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MAX_CODE
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._:/".contains(&byte))
}

/// One line of bounded length, without characters that control or turn round what stands beside them; `None` where
/// nothing is left.
fn line(text: &str) -> Option<String> {
    let is_turn = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut line = String::new();
    for (count, word) in text
        .split(|c: char| c.is_control() || c.is_whitespace() || is_turn(c))
        .filter(|word| !word.is_empty())
        .enumerate()
    {
        if count > 0 {
            line.push(' ');
        }
        line.push_str(word);
    }
    if let Some((end, _)) = line.char_indices().nth(MAX_TEXT) {
        line.truncate(end);
        line.push('…');
    }
    (!line.is_empty()).then_some(line)
}
