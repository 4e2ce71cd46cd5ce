//! What must never reach a browser or a log: tokens, secrets, codes and verifiers as types of their own (RFC 9700 section 4.2).
//!
//! None of these types implements `Serialize`, `Display` or `PartialEq`. `Debug` says the type and nothing
//! more. The text is wiped from memory when the value is dropped.

use std::fmt;

use aws_lc_rs::constant_time;
use zeroize::Zeroizing;

macro_rules! secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(Zeroizing<String>);

        impl $name {
            /// Takes the text as it is; nothing is checked.
            pub fn new(text: impl Into<String>) -> Self {
                Self(Zeroizing::new(text.into()))
            }

            /// The text itself, for the one place that sends or seals it.
            pub fn expose(&self) -> &str {
                &self.0
            }

            /// Whether `other` is the same text, in time that depends on the lengths only.
            pub fn matches(&self, other: &str) -> bool {
                constant_time::verify_slices_are_equal(self.0.as_bytes(), other.as_bytes()).is_ok()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "([redacted])"))
            }
        }
    };
}

secret! {
    /// An access token (RFC 6749 section 1.4): what an API takes in place of a password.
    AccessToken
}
secret! {
    /// A refresh token (RFC 6749 section 1.5).
    RefreshToken
}
secret! {
    /// An ID token in its raw compact form (OpenID Connect Core section 2), as it goes into `id_token_hint`.
    IdToken
}
secret! {
    /// The client's password at the token endpoint (RFC 6749 section 2.3.1).
    ClientSecret
}
secret! {
    /// The PKCE code verifier (RFC 7636 section 4.1).
    CodeVerifier
}
secret! {
    /// An authorization code (RFC 6749 section 1.3.1).
    AuthorizationCode
}
secret! {
    /// The value that ties an ID token to one sign-in (OpenID Connect Core section 15.5.2).
    Nonce
}
