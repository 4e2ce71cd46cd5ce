//! An answer, read the same way in the browser and on the server: a value, or what stands in its way.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::challenge::{self, Challenge};
use super::error::ApiError;
use super::problem::Problem;
use super::step_up::StepUp;

/// What came back, as far as anybody asks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// `Cloakroom-Error`: it is not the API that answers. The proxy strips it from what APIs send.
    pub(crate) refused: Option<String>,
    /// `WWW-Authenticate`, several lines joined by commas (RFC 9110 section 5.3).
    pub(crate) challenges: Option<String>,
    /// `Retry-After`.
    pub(crate) retry_after: Option<String>,
    pub(crate) body: String,
}

impl Reply {
    /// The value, or the error.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        if let Some(code) = &self.refused {
            return Err(self.refusal(code));
        }
        match self.status {
            200..=299 => {
                // An answer without a body, such as 204, is read as nothing: `()`, or `None`.
                let body = if self.body.is_empty() {
                    "null"
                } else {
                    &self.body
                };
                serde_json::from_str(body).map_err(|_| ApiError::Malformed)
            }
            // A status that is none: a redirect, which calls do not follow.
            0..=399 => Err(ApiError::Malformed),
            _ => Err(self.upstream_error()),
        }
    }

    /// The server's own word. Its header and its problem document say the same; the document may say more.
    fn refusal(&self, code: &str) -> ApiError {
        #[derive(Deserialize)]
        struct Named {
            code: String,
        }
        let is_said = serde_json::from_str::<Named>(&self.body).is_ok_and(|body| body.code == code);
        let document = is_said
            .then(|| serde_json::from_str(&self.body).ok())
            .flatten();
        document.unwrap_or_else(|| ApiError::from_code(code))
    }

    /// The API's own word.
    fn upstream_error(&self) -> ApiError {
        let challenges = self.challenges.as_deref().and_then(challenge::parse);
        let of_tokens = challenges
            .iter()
            .flatten()
            .filter(|challenge| challenge.is("Bearer") || challenge.is("DPoP"));
        for challenge in of_tokens {
            match (self.status, challenge.error()) {
                (401, Some("invalid_token")) => return ApiError::SignInAgain,
                (403, Some("insufficient_scope")) => return ApiError::ScopeNotGranted,
                (401, Some(_)) => {
                    if let Some(step_up) = StepUp::of(challenge) {
                        return ApiError::StepUp(step_up);
                    }
                }
                _ => {}
            }
        }
        let mut problem = Problem::read(self.status, &self.body);
        if problem.code.is_none() {
            problem.code = challenges
                .iter()
                .flatten()
                .find_map(Challenge::error)
                .map(str::to_owned);
        }
        problem.retry_after = self.retry_after.as_deref().and_then(|text| {
            let text = text.trim();
            let is_seconds = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            is_seconds.then(|| text.parse().ok()).flatten()
        });
        ApiError::Upstream(problem.bounded())
    }
}
