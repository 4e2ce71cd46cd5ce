//! The WebAssembly entry point: takes over the page that the server rendered, nothing else.

use app::App;
use leptos::prelude::document;
use wasm_bindgen::prelude::wasm_bindgen;

/// Called once by the script in the page's head.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(App);
    // From here on, clicks are ours: the style sheet shows what needs that, and tests wait for it.
    if let Some(root) = document().document_element() {
        // Fails only for a name that no attribute can have.
        let _ = root.set_attribute("data-hydrated", "true");
    }
}
