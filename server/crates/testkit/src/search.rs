//! The search behind invariant 1, "tokens never reach a browser": does any of these secrets occur in
//! these bytes, as it is or in an encoding that something on the way may have put it in (percent-encoding,
//! RFC 3986; base64 and base64url, RFC 4648, at any alignment; hexadecimal; JSON and HTML escapes)?

use std::collections::HashMap;
use std::fmt::Write as _;

use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Shorter secrets would be found by chance.
const SHORTEST: usize = 8;

/// RFC 3986, section 2.3: what percent-encoding leaves alone.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Every occurrence of one of `secrets` in `haystack`, plain or encoded: one line each, with the secret's
/// first characters, the encoding and the offset in bytes. Empty where nothing leaked.
///
/// Compressed bytes hide what is in them: search what was decompressed. A secret must be at least eight
/// bytes long, or this panics: shorter ones would be found by chance.
pub fn leaks(haystack: &[u8], secrets: &[String]) -> Vec<String> {
    let mut needles = Vec::new();
    for secret in secrets {
        assert!(
            secret.len() >= SHORTEST,
            "a secret of {} bytes is too short to search for: it would be found by chance",
            secret.len()
        );
        for (encoding, form) in forms(secret) {
            needles.push(Needle {
                secret,
                encoding,
                form,
            });
        }
    }
    // One pass over the haystack: the first eight bytes of each position find the few needles that may
    // begin there. Hundreds of secrets in ten encodings would otherwise be thousands of passes.
    let mut by_head: HashMap<&[u8], Vec<usize>> = HashMap::new();
    let mut begins = vec![false; 1 << 16];
    for (index, needle) in needles.iter().enumerate() {
        begins[pair(&needle.form)] = true;
        by_head
            .entry(&needle.form[..SHORTEST])
            .or_default()
            .push(index);
    }
    let mut found = Vec::new();
    for at in 0..haystack.len().saturating_sub(SHORTEST - 1) {
        let rest = &haystack[at..];
        if !begins[pair(rest)] {
            continue;
        }
        for &index in by_head.get(&rest[..SHORTEST]).into_iter().flatten() {
            let needle = &needles[index];
            if rest.starts_with(&needle.form) {
                let shown: String = needle.secret.chars().take(6).collect();
                found.push(format!("{shown}.. {} at byte {at}", needle.encoding));
            }
        }
    }
    found
}

struct Needle<'a> {
    secret: &'a str,
    encoding: &'static str,
    form: Vec<u8>,
}

fn pair(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

/// The forms in which `secret` may appear, without those that equal an earlier one.
fn forms(secret: &str) -> Vec<(&'static str, Vec<u8>)> {
    let mut forms: Vec<(&'static str, Vec<u8>)> = Vec::new();
    let mut add = |encoding, form: String| {
        if forms.iter().all(|(_, known)| *known != form.as_bytes()) {
            forms.push((encoding, form.into_bytes()));
        }
    };
    add("plain", secret.to_owned());
    let percent = utf8_percent_encode(secret, UNRESERVED).to_string();
    add("percent-encoded, lower case", lower_escapes(&percent));
    add(
        "percent-encoded twice",
        utf8_percent_encode(&percent, UNRESERVED).to_string(),
    );
    add("percent-encoded", percent);
    add(
        "form-encoded",
        form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
    );
    let mut every_byte = String::new();
    for byte in secret.bytes() {
        let _ = write!(every_byte, "%{byte:02X}");
    }
    add(
        "percent-encoded in every byte, lower case",
        lower_escapes(&every_byte),
    );
    add("hexadecimal", every_byte.replace('%', "").to_lowercase());
    add("hexadecimal, upper case", every_byte.replace('%', ""));
    add("percent-encoded in every byte", every_byte);
    for skip in 0..3 {
        add("base64", aligned(&BASE64_STANDARD_NO_PAD, secret, skip));
        add("base64url", aligned(&BASE64_URL_SAFE_NO_PAD, secret, skip));
    }
    let json = serde_json::Value::from(secret).to_string();
    let json = &json[1..json.len() - 1];
    add("JSON-escaped, with slashes", json.replace('/', "\\/"));
    add("JSON-escaped", json.to_owned());
    let html = secret
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    add("HTML-escaped", html.replace('"', "&quot;"));
    add("Debug-escaped", secret.escape_debug().to_string());
    forms
}

/// The characters of a base64 text that depend on nothing but `secret`, where `skip` bytes (modulo three)
/// come before it and anything after it.
fn aligned(engine: &impl base64::Engine, secret: &str, skip: usize) -> String {
    let mut bytes = vec![0; skip];
    bytes.extend_from_slice(secret.as_bytes());
    let whole = bytes.len() * 8 / 6;
    let text = engine.encode(bytes);
    text[(skip * 8).div_ceil(6)..whole].to_owned()
}

/// `%2F` as `%2f`, with everything else as it was.
fn lower_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut escape = 0;
    for character in text.chars() {
        if character == '%' {
            escape = 3;
        }
        out.push(if escape > 0 {
            character.to_ascii_lowercase()
        } else {
            character
        });
        escape = usize::saturating_sub(escape, 1);
    }
    out
}
