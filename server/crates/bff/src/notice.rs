//! What a page tells a person once, after the request that did it.

/// What a page tells a person once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// Signed out here and at the provider.
    SignedOut,
    /// Signed out here; the provider may still know them.
    SignedOutHere,
    /// A silent sign-in came back with nobody signed in: the provider would have had to ask.
    NotSignedInSilently,
}

impl Notice {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::SignedOut,
        Self::SignedOutHere,
        Self::NotSignedInSilently,
    ];

    /// The word in the cookie.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed-out",
            Self::SignedOutHere => "signed-out-here",
            Self::NotSignedInSilently => "not-signed-in-silently",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|notice| notice.as_str() == text)
    }
}
