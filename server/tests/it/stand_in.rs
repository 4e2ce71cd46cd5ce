//! Somebody else at the provider's address, who answers refreshes by a script: lifetimes, statuses and losses that an
//! honest provider, and the test kit's dishonest one, have none of (RFC 6749 sections 5 and 6).

use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use url::form_urlencoded;

use crate::upstream::{Answer, Seen, Upstream};
use crate::world::World;

/// How many tokens are known to be secret.
const TOKENS: usize = 40;

/// It takes the provider's place until [`StandIn::leave`].
#[derive(Debug)]
pub(crate) struct StandIn(Upstream);

/// The access token of this number.
pub(crate) fn access(number: usize) -> String {
    format!("stand-in-access-token-{number:04}-2f7d1c9a")
}

/// The refresh token of this number.
pub(crate) fn refresh(number: usize) -> String {
    format!("stand-in-refresh-token-{number:04}-8b3e5a60")
}

/// An answer with both tokens of this number, good for so many seconds (RFC 6749 section 5.1).
pub(crate) fn tokens(number: usize, lifetime: u64) -> Answer {
    let mut body = bare(number, lifetime);
    body["refresh_token"] = json!(refresh(number));
    Answer::json(&body)
}

/// An answer without a refresh token.
pub(crate) fn bare(number: usize, lifetime: u64) -> Value {
    json!({ "access_token": access(number), "token_type": "Bearer", "expires_in": lifetime })
}

/// An error answer of this status (RFC 6749 section 5.2).
pub(crate) fn error(status: u16, error: &str) -> Answer {
    let body = json!({ "error": error, "error_description": "The test asked for this error." });
    Answer::status(status, &body.to_string()).header("content-type", "application/json")
}

/// An answer of which nobody hears the end.
pub(crate) fn lost() -> Answer {
    Answer::Raw(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{\"access_token\":\"stand"
            .to_vec(),
    )
}

impl StandIn {
    /// Takes the provider's place. The script answers token requests, by their number from 1 on.
    pub(crate) async fn takes_over(
        world: &mut World,
        script: impl Fn(usize) -> Answer + Send + Sync + 'static,
    ) -> Self {
        for number in 0..TOKENS {
            world.confide(&access(number));
            world.confide(&refresh(number));
        }
        world.provider.stop().await;
        until_free(world).await;
        let asked = AtomicUsize::new(0);
        let upstream = Upstream::at(world.provider.address(), move |seen| {
            if is_token_request(seen) {
                script(asked.fetch_add(1, Ordering::Relaxed) + 1)
            } else if seen.target().ends_with("/v1/revoke") {
                Answer::status(200, "")
            } else {
                Answer::status(404, "")
            }
        });
        Self(upstream.await)
    }

    /// The parameters of every token request so far.
    pub(crate) fn asked(&self) -> Vec<HashMap<String, String>> {
        let seen = self.0.seen().into_iter().filter(is_token_request);
        seen.map(|seen| {
            form_urlencoded::parse(&seen.body)
                .into_owned()
                .collect::<HashMap<_, _>>()
        })
        .collect()
    }

    /// How many token requests came.
    pub(crate) fn count(&self) -> usize {
        self.0
            .seen()
            .iter()
            .filter(|seen| is_token_request(seen))
            .count()
    }

    /// The refresh token of each request, in order. Panics where one is no refresh.
    #[track_caller]
    pub(crate) fn sent(&self) -> Vec<String> {
        let asked = self.asked().into_iter();
        asked
            .map(|mut parameters| {
                assert_eq!(parameters["grant_type"], "refresh_token");
                parameters.remove("refresh_token").expect("it is one")
            })
            .collect()
    }

    /// Every token that was revoked (RFC 7009).
    pub(crate) fn revoked(&self) -> Vec<String> {
        let seen = self.0.seen().into_iter();
        seen.filter(|seen| seen.target().ends_with("/v1/revoke"))
            .filter_map(|seen| {
                let mut parameters = form_urlencoded::parse(&seen.body);
                let token = parameters.find(|(name, _)| name == "token");
                token.map(|(_, value)| value.into_owned())
            })
            .collect()
    }

    /// Gives the answers that are held.
    pub(crate) fn release(&self) {
        self.0.release();
    }

    /// The provider is back.
    pub(crate) async fn leave(self, world: &World) {
        self.0.stop().await;
        until_free(world).await;
        world.provider.resume().await;
    }
}

/// Waits until nobody listens at the provider's address. A program that another test starts just now holds every socket
/// of this process for the moment between its fork and its exec.
async fn until_free(world: &World) {
    let address = world.provider.address();
    world
        .until("the provider's port is free", || {
            TcpListener::bind(address).is_ok()
        })
        .await;
}

fn is_token_request(seen: &Seen) -> bool {
    seen.target().ends_with("/v1/token")
}
