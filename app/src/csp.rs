//! The Content Security Policy (Level 3) of our pages: only what this origin serves runs, and forms lead only here and
//! to the provider.

/// The header's value. `provider` lists origins: Chromium also applies `form-action` to the redirects that follow a
/// form, and the sign-out form is answered by one to the provider.
pub(crate) fn policy(nonce: Option<&str>, provider: &[String], live_reload: bool) -> String {
    let nonce = nonce.map_or_else(String::new, |nonce| format!(" 'nonce-{nonce}'"));
    let mut form_action = String::from("'self'");
    for origin in provider.iter().filter(|origin| is_origin(origin)) {
        form_action.push(' ');
        form_action.push_str(origin);
    }
    let connect = if live_reload { " ws:" } else { "" };
    format!(
        "default-src 'none'; script-src 'self'{nonce} 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'{connect}; font-src 'self'; manifest-src 'self'; base-uri 'none'; object-src 'none'; \
         frame-ancestors 'none'; form-action {form_action}"
    )
}

/// Whether this can stand in a source list: an origin never holds what would end the list or the directive. An opaque
/// one is written `null`, which would allow nothing.
fn is_origin(text: &str) -> bool {
    text.contains("://")
        && text.bytes().all(|byte| {
            byte.is_ascii_graphic() && !matches!(byte, b';' | b',' | b'\'' | b'"' | b'*')
        })
}

#[cfg(test)]
mod tests {
    use super::policy;

    #[test]
    fn scripts_run_by_nonce_and_forms_lead_to_the_provider() {
        let policy = policy(Some("bm9uY2U"), &["https://op.example".to_owned()], false);
        assert!(
            policy.contains("script-src 'self' 'nonce-bm9uY2U' 'wasm-unsafe-eval';"),
            "{policy}"
        );
        assert!(
            policy.ends_with("form-action 'self' https://op.example"),
            "{policy}"
        );
        assert!(
            !policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"),
            "{policy}"
        );
        assert!(policy.contains("connect-src 'self';"), "{policy}");
    }

    #[test]
    fn without_a_nonce_no_inline_script_runs() {
        assert!(policy(None, &[], false).contains("script-src 'self' 'wasm-unsafe-eval';"));
    }

    #[test]
    fn what_is_no_origin_cannot_widen_the_policy() {
        for odd in [
            "null",
            "*",
            "https://op.example; script-src *",
            "https://op.example 'unsafe-inline'",
            "https://*.example",
            "",
        ] {
            assert!(
                policy(None, &[odd.to_owned()], false).ends_with("form-action 'self'"),
                "{odd}"
            );
        }
    }

    #[test]
    fn the_page_reloads_itself_only_while_it_is_developed() {
        assert!(policy(None, &[], true).contains("connect-src 'self' ws:;"));
    }
}
