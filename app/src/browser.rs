//! The window, in the browser: the counterpart of `http`. What the server knew of the request comes with the page;
//! these stand in where a page is first drawn here, after a navigation within the application.

use leptos::prelude::{location, window};

use crate::auth::{SessionView, sign_in_path};
use crate::pages::error::FailureView;
use crate::pages::home::Notice;

/// Nobody, until the page says otherwise.
pub(crate) fn session() -> SessionView {
    SessionView::default()
}

/// Notices come with a page from the server.
pub(crate) fn notice() -> Option<Notice> {
    None
}

/// Only the server can open what the address of the error page says.
pub(crate) fn failure() -> FailureView {
    FailureView::default()
}

/// The status is the server's to set.
pub(crate) fn not_found() {}

/// Leads to sign in and back to where the window is.
pub(crate) fn lead_to_sign_in() {
    let location = location();
    let here = [location.pathname(), location.search()]
        .map(Result::unwrap_or_default)
        .concat();
    go(&sign_in_path(&here));
}

/// Leaves the application: a full navigation, which the router does not see.
pub(crate) fn go(address: &str) {
    // Fails only for an address that is none; the page then stays as it is.
    let _ = window().location().set_href(address);
}
