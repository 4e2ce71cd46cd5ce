//! Silent sign-in: `prompt=none` in the whole window. What the provider answers to it is an answer, not a failure
//! (OpenID Connect Core sections 3.1.2.1 and 3.1.2.6).

/// What the provider would have had to do and was told not to. Nobody was signed in, and nobody was signed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SilentSignIn {
    /// Nobody is signed in there.
    LoginRequired,
    /// The person has not consented there.
    ConsentRequired,
    /// The provider must show some page.
    InteractionRequired,
    /// Several people are signed in there, and one must be chosen.
    AccountSelectionRequired,
}

impl SilentSignIn {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::LoginRequired,
        Self::ConsentRequired,
        Self::InteractionRequired,
        Self::AccountSelectionRequired,
    ];

    /// The error code of OpenID Connect Core section 3.1.2.6, as it stands in the cookie and in `GET /auth/session`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::InteractionRequired => "interaction_required",
            Self::AccountSelectionRequired => "account_selection_required",
        }
    }

    /// The answer that this error code is, where it is one.
    pub(crate) fn parse(error: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|answer| answer.as_str() == error)
    }
}

#[cfg(test)]
mod tests {
    use super::SilentSignIn;

    #[test]
    fn four_errors_are_answers_and_no_other_is() {
        for answer in SilentSignIn::ALL {
            assert_eq!(SilentSignIn::parse(answer.as_str()), Some(*answer));
        }
        for error in ["access_denied", "server_error", "invalid_scope", ""] {
            assert_eq!(SilentSignIn::parse(error), None);
        }
    }
}
