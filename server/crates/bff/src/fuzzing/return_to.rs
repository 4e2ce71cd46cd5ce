//! Return paths (RFC 9700 section 4.11: no open redirectors).

use http::HeaderValue;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::failure::sign_in_path;
use crate::query;
use crate::return_to::{MAX_BYTES, ReturnTo};

/// Reads a return path. Whatever goes in, what comes out leads to this origin, and not to sign-in or the API proxy.
pub fn return_to(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else {
        return false;
    };
    let Ok(path) = ReturnTo::parse(text) else {
        return false;
    };
    let written = path.as_str();
    assert!(written.len() <= MAX_BYTES);
    assert!(
        written
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    );
    assert!(written.starts_with('/') && !written.starts_with("//"));
    assert_eq!(ReturnTo::parse(written).as_ref(), Ok(&path), "parsed again");
    assert!(HeaderValue::from_str(written).is_ok());
    for base in [
        "https://app.example",
        "https://app.example/auth/callback?code=c",
    ] {
        let base = Url::parse(base).expect("a base");
        // As it was written, and as it came: a browser that is given either stays here.
        for target in [written, text] {
            let url = base.join(target).expect("it resolves");
            assert_eq!(url.origin(), base.origin());
            assert!(url.username().is_empty() && url.password().is_none());
            check_path(url.path());
        }
        let url = base.join(written).expect("it resolves");
        assert_eq!(&url[url::Position::BeforePath..], written);
    }
    // Through the link that starts a sign-in, and back.
    let link = sign_in_path(&path);
    let carried = link
        .split_once('?')
        .and_then(|(_, query)| query::get(query, "return_to"));
    assert_eq!(carried.as_deref().unwrap_or("/"), written);
    true
}

/// However often a server behind decodes it.
fn check_path(path: &str) {
    let mut seen = path.to_owned();
    for _ in 0..6 {
        assert!(!seen.starts_with("//") && !seen.contains('\\'), "{seen}");
        assert!(!seen.chars().any(|c| c.is_control() || c.is_whitespace()));
        let lower = seen.to_ascii_lowercase();
        let first = lower.split('/').nth(1).unwrap_or_default();
        assert!(!matches!(first, "auth" | "api"), "{seen}");
        assert!(!lower.split('/').any(|segment| segment == ".."), "{seen}");
        seen = percent_decode_str(&seen)
            .decode_utf8()
            .expect("UTF-8 however often it is decoded")
            .into_owned();
    }
}
