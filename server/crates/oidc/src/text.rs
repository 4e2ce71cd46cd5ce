//! Text from outside, made fit for a log line or an error page (RFC 9700 section 4.11 asks for care with it).

/// The longest description kept, in characters.
pub(crate) const DESCRIPTION: usize = 512;

/// The longest name kept (an error code, an algorithm, a media type), in characters.
pub(crate) const NAME: usize = 128;

/// At most `max` characters of `text`, with what could forge a log line or turn text around replaced.
/// What is cut off is marked by an ellipsis. Escaping for HTML is still the page's business.
pub(crate) fn bounded(text: &str, max: usize) -> String {
    let mut kept: String = text
        .chars()
        .take(max)
        .map(|c| if is_unfit(c) { '\u{FFFD}' } else { c })
        .collect();
    if text.chars().nth(max).is_some() {
        kept.pop();
        kept.push('\u{2026}');
    }
    kept
}

/// Control characters, line separators, and the marks that reorder bidirectional text.
fn is_unfit(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}'
        )
}
