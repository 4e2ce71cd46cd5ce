//! Who is signed in, and the way in and out: the session as the page knows it, the server functions, and what the
//! application's own server functions ask before they answer.

mod error;
pub mod functions;
#[cfg(feature = "ssr")]
mod guard;
mod session_view;
mod sign_in_path;

pub use error::AuthError;
pub use functions::{
    Callback, CallbackFormPost, Destination, Done, Empty, Login, Logout, MyClaims, callback,
    callback_form_post, login, logout, my_claims,
};
#[cfg(feature = "ssr")]
pub use guard::{current_user, require, require_session};
pub use session_view::{CurrentSession, SessionView, use_session};
pub use sign_in_path::{sign_in_path, step_up_path};

pub(crate) use session_view::provide_session;
