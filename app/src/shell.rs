//! The document around the application: head, hydration tags, and the nonce that lets our own scripts run
//! (Content Security Policy Level 3).

use leptos::prelude::*;
use leptos_meta::MetaTags;

use crate::App;

/// Set while `cargo leptos watch` compiles: the page then reloads itself after a build.
pub(crate) const WATCHED: bool = option_env!("LEPTOS_WATCH").is_some();

/// The whole HTML document.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <meta name="theme-color" media="(prefers-color-scheme: light)" content="#f8f3ea"/>
                <meta name="theme-color" media="(prefers-color-scheme: dark)" content="#191316"/>
                <meta
                    name="description"
                    content="Sign in with OpenID Connect. Tokens stay on the server, the browser keeps a ticket."
                />
                <link rel="stylesheet" href=format!("/{}/{}.css", options.site_pkg_dir, options.output_name)/>
                <link rel="icon" type="image/svg+xml" href="/favicon.svg"/>
                {WATCHED.then(|| view! { <AutoReload options=options.clone()/> })}
                <Hydration options/>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// Fetches the WebAssembly half and starts it.
///
/// In place of Leptos' `HydrationScripts`, which (0.8.23) writes the nonce into `crossorigin` of its links, where
/// stylesheets and scripts can read it. The links here need none: they are of this origin, which the policy allows.
#[component]
fn Hydration(options: LeptosOptions) -> impl IntoView {
    let script = format!("/{}/{}.js", options.site_pkg_dir, options.output_name);
    let module = format!("/{}/{}.wasm", options.site_pkg_dir, options.output_name);
    let start = format!(
        "import start,{{hydrate}} from {script:?};await start({{module_or_path:{module:?}}});hydrate();"
    );
    view! {
        <link rel="modulepreload" href=script/>
        <link rel="preload" href=module r#as="fetch" r#type="application/wasm" crossorigin="anonymous"/>
        <script type="module" nonce=leptos::nonce::use_nonce()>{start}</script>
    }
}
