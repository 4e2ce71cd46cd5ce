//! The document as the server sends it to somebody who is signed out.

use leptos::config::LeptosOptions;
use leptos::nonce::Nonce;
use leptos::prelude::*;
use leptos_router::location::RequestUrl;

fn document(path: &str) -> String {
    let options = LeptosOptions::builder()
        .output_name("cloakroom")
        .site_pkg_dir("pkg")
        .build();
    Owner::new().with(|| {
        provide_context(RequestUrl::new(path));
        provide_context(Nonce::from_value("the-nonce"));
        app::shell(options).to_html()
    })
}

#[test]
fn the_start_page_says_what_this_is_and_how_to_sign_in() {
    let html = document("/");
    assert!(html.contains("Tokens stay on the server"), "{html}");
    assert!(html.contains("href=\"/auth/login\""), "{html}");
    assert!(
        !html.contains("action=\"/auth/logout\"") && !html.contains("href=\"/profile\""),
        "{html}"
    );
}

#[test]
fn the_sign_in_link_leads_back_to_the_page_it_is_on() {
    assert!(
        document("/orders?page=2").contains("href=\"/auth/login?return_to=%2Forders%3Fpage%3D2\"")
    );
    assert!(document("/auth/error?code=access_denied").contains("href=\"/auth/login\""));
    for path in ["//evil.example", "/%2f%2fevil.example"] {
        let html = document(path);
        assert!(
            html.contains("href=\"/auth/login\"") && !html.contains("evil"),
            "{html}"
        );
    }
    assert!(!document("/\"><script>alert(1)").contains("<script>alert"));
}

#[test]
fn every_inline_script_carries_the_nonce_and_nothing_else_does() {
    let html = document("/");
    let scripts = html.matches("<script").count();
    assert!(scripts > 0, "{html}");
    assert_eq!(
        scripts,
        html.matches("nonce=\"the-nonce\"").count(),
        "{html}"
    );
    assert_eq!(
        scripts,
        html.matches("the-nonce").count(),
        "the nonce stands where a style sheet could read it: {html}"
    );
}

#[test]
fn no_page_needs_inline_styles_or_handlers() {
    for path in ["/", "/profile", "/auth/error", "/nowhere"] {
        let html = document(path);
        for forbidden in [" style=", "<style", " onclick=", "javascript:"] {
            assert!(!html.contains(forbidden), "{forbidden} on {path}");
        }
    }
}

#[test]
fn the_page_asks_for_its_files_under_their_names() {
    let html = document("/");
    for file in [
        "/pkg/cloakroom.js",
        "/pkg/cloakroom.wasm",
        "/pkg/cloakroom.css",
        "/favicon.svg",
    ] {
        assert!(html.contains(file), "{file}");
    }
}

#[test]
fn a_page_for_those_who_are_signed_in_shows_nothing_to_others() {
    let html = document("/profile");
    assert!(
        !html.contains("Your profile") && !html.contains("data-claim"),
        "{html}"
    );
}

#[test]
fn what_is_not_there_is_said_so() {
    assert!(document("/nowhere").contains("Page not found"));
}
