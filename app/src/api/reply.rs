//! An answer, read the same way in the browser and on the server: a value, or what stands in its way.

use serde::de::DeserializeOwned;
use serde_json::Value;

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
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        if body.get("code").and_then(Value::as_str) == Some(code) {
            ApiError::of(&body)
        } else {
            ApiError::from_code(code)
        }
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

#[cfg(test)]
mod tests {
    use super::Reply;
    use crate::api::{ApiError, Problem, StepUp};

    fn reply(status: u16, body: &str) -> Reply {
        Reply {
            status,
            body: body.to_owned(),
            ..Reply::default()
        }
    }

    fn refused(status: u16, code: &str, body: &str) -> ApiError {
        let reply = Reply {
            refused: Some(code.to_owned()),
            ..reply(status, body)
        };
        reply.read::<()>().expect_err("a refusal")
    }

    fn challenged(status: u16, challenges: &str) -> ApiError {
        let reply = Reply {
            challenges: Some(challenges.to_owned()),
            ..reply(status, "")
        };
        reply.read::<()>().expect_err("an error")
    }

    #[test]
    fn a_value_is_read_and_nothing_is_read_as_nothing() {
        assert_eq!(reply(200, "[1,2]").read(), Ok(vec![1, 2]));
        assert_eq!(
            reply(201, "{\"a\":1}").read::<()>(),
            Err(ApiError::Malformed)
        );
        assert_eq!(reply(204, "").read(), Ok(()));
        assert_eq!(reply(200, "").read::<Option<u8>>(), Ok(None));
        assert_eq!(reply(200, "").read::<u8>(), Err(ApiError::Malformed));
        assert_eq!(
            reply(200, "<html>Sign in to the hotel's network").read::<u8>(),
            Err(ApiError::Malformed)
        );
    }

    #[test]
    fn a_redirect_is_not_an_answer() {
        for status in [0, 101, 204 + 100, 302, 307] {
            assert_eq!(
                reply(status, "1").read::<u8>(),
                Err(ApiError::Malformed),
                "{status}"
            );
        }
    }

    #[test]
    fn a_refusal_of_ours_is_read_by_its_code() {
        for (status, code, error) in [
            (401, "signed_out", ApiError::SignedOut),
            (401, "sign_in_again", ApiError::SignInAgain),
            (401, "session_ended", ApiError::SessionEnded),
            (403, "csrf_header_missing", ApiError::CsrfHeaderMissing),
            (403, "route_not_allowed", ApiError::RouteNotAllowed),
            (403, "scope_not_granted", ApiError::ScopeNotGranted),
            (502, "upstream_unreachable", ApiError::UpstreamUnreachable),
            (503, "store_down", ApiError::StoreDown),
            (504, "upstream_too_slow", ApiError::UpstreamTooSlow),
            (500, "of_tomorrow", ApiError::Internal),
        ] {
            let document = format!("{{\"status\":{status},\"code\":\"{code}\",\"ref\":\"r\"}}");
            assert_eq!(refused(status, code, &document), error);
            assert_eq!(refused(status, code, ""), error, "{code} without a body");
        }
    }

    #[test]
    fn a_refusal_of_ours_may_ask_for_more() {
        let document =
            r#"{"code":"insufficient_user_authentication","acr_values":["2fa"],"max_age":60}"#;
        let wanted = StepUp {
            acr_values: vec!["2fa".to_owned()],
            max_age: Some(60),
        };
        let code = "insufficient_user_authentication";
        assert_eq!(refused(401, code, document), ApiError::StepUp(wanted));
    }

    #[test]
    fn the_header_decides_what_is_ours_and_not_the_body() {
        assert_eq!(
            refused(401, "signed_out", r#"{"code":"store_down"}"#),
            ApiError::SignedOut,
            "a body of somebody else's"
        );
        let forged = reply(401, r#"{"code":"signed_out","status":401}"#);
        assert_eq!(
            forged.read::<()>(),
            Err(ApiError::Upstream(Problem {
                status: 401,
                code: Some("signed_out".to_owned()),
                ..Problem::default()
            })),
            "an API that says so ends nobody's session"
        );
    }

    #[test]
    fn what_a_401_of_an_api_means_is_in_its_challenge() {
        let step_up = StepUp {
            acr_values: vec!["urn:okta:loa:2fa:any".to_owned()],
            max_age: Some(300),
        };
        let demand = r#"error="insufficient_user_authentication", acr_values="urn:okta:loa:2fa:any", max_age="300""#;
        for field in [
            format!("Bearer {demand}"),
            format!("DPoP {demand}"),
            format!("Basic realm=\"x\", bearer realm=\"y\", {demand}"),
        ] {
            assert_eq!(
                challenged(401, &field),
                ApiError::StepUp(step_up.clone()),
                "{field}"
            );
        }
        assert_eq!(
            challenged(401, "Bearer error=\"invalid_token\""),
            ApiError::SignInAgain
        );
        assert_eq!(
            challenged(
                403,
                "Bearer error=\"insufficient_scope\", scope=\"messages:write\""
            ),
            ApiError::ScopeNotGranted
        );
        for (status, field) in [
            (403, format!("Bearer {demand}")),
            (401, format!("Basic {demand}")),
            (401, format!("Bearer {demand}, max_age=\"5\"")),
            (401, "Bearer".to_owned()),
            (401, String::new()),
        ] {
            let error = challenged(status, &field);
            assert!(
                matches!(&error, ApiError::Upstream(problem) if problem.status == status),
                "{field}: {error:?}"
            );
        }
    }

    #[test]
    fn an_error_of_an_api_keeps_what_it_says() {
        let body = r#"{"type":"about:blank","title":"Unprocessable Content","status":422,"detail":"The text is empty.","code":"text_empty"}"#;
        assert_eq!(
            reply(422, body).read::<()>(),
            Err(ApiError::Upstream(Problem {
                status: 422,
                code: Some("text_empty".to_owned()),
                title: Some("Unprocessable Content".to_owned()),
                detail: Some("The text is empty.".to_owned()),
                retry_after: None,
            }))
        );
        for body in ["", "no", "[]", "7", "{\"title\":7,\"code\":null}", "<html>"] {
            let nothing = Problem {
                status: 500,
                ..Problem::default()
            };
            assert_eq!(
                reply(500, body).read::<()>(),
                Err(ApiError::Upstream(nothing)),
                "{body}"
            );
        }
    }

    #[test]
    fn when_to_ask_again_is_a_number_of_seconds() {
        for (text, seconds) in [
            ("120", Some(120)),
            (" 5 ", Some(5)),
            ("", None),
            ("-5", None),
            ("+5", None),
            ("Fri, 31 Dec 1999 23:59:59 GMT", None),
            ("99999999999999999999999", None),
        ] {
            let busy = Reply {
                retry_after: Some(text.to_owned()),
                ..reply(429, "")
            };
            let error = busy.read::<()>().expect_err("an error");
            assert_eq!(error.retry_after(), seconds, "{text}");
        }
    }
}
