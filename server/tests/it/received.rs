//! What a browser received, for the search after what it must not have received (design, invariant 1).

use cloakroom_testkit::{Browser, Provider};

/// What a browser received, sorted.
pub(crate) struct Received {
    /// Values of our cookies that nobody else may know.
    pub(crate) tickets: Vec<String>,
    /// `state` of sign-ins that were begun.
    pub(crate) states: Vec<String>,
    /// How often an ID token came as `id_token_hint` of an address at the provider's end-session endpoint.
    pub(crate) hints: usize,
    /// Every other line.
    pub(crate) rest: String,
}

impl Received {
    pub(crate) fn of(browser: &Browser, provider: &Provider) -> Self {
        let end_session = format!("location: {}/v1/logout?", provider.issuer());
        let mut received = Self {
            tickets: Vec::new(),
            states: Vec::new(),
            hints: 0,
            rest: String::new(),
        };
        for line in String::from_utf8_lossy(&browser.transcript()).lines() {
            if let Some(cookie) = line.strip_prefix("set-cookie: ") {
                received.tickets.extend(secret_cookie(cookie));
            } else if line.starts_with(&end_session) && line.contains("id_token_hint=") {
                received.hints += 1;
            } else {
                received.states.extend(
                    line.strip_prefix("location: ")
                        .and_then(|address| parameter(address, "state")),
                );
                received.rest.push_str(line);
                received.rest.push('\n');
            }
        }
        received
    }
}

/// The value of a cookie that nobody else may know: every one of ours but the words for the next page.
fn secret_cookie(line: &str) -> Option<String> {
    let (name, rest) = line.split_once('=')?;
    let value = rest.split(';').next().unwrap_or_default();
    let is_word = name.contains("notice") || name.contains("silent");
    (!is_word && value.len() >= 16).then(|| value.to_owned())
}

fn parameter(address: &str, name: &str) -> Option<String> {
    let (_, query) = address.split_once('?')?;
    let value = query
        .split('&')
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    // The few characters of a state that was cut short are found by chance.
    (value.len() >= 22).then(|| value.to_owned())
}
