//! What providers said of tokens lately (RFC 7662 section 4): bounded, short-lived, and never past a token's end.

use std::sync::Arc;

use aws_lc_rs::hmac;
use cloakroom_oidc::json;
use moka::sync::Cache;
use serde_json::{Map, Value};

use crate::flights::Key;

/// How many answers are kept, of good tokens and of others each.
const CAPACITY: u64 = 10_000;
/// How long a token that is not active stays so here at most, in seconds: one that was issued this moment may be
/// unknown to another instance of the provider.
const INACTIVE_LIFETIME: u64 = 5;

/// An introspection answer as it is.
pub(crate) type Claims = Arc<Map<String, Value>>;

/// Answers by token. Good ones have a place of their own: made-up tokens without end push none of them out.
pub(crate) struct Answers {
    secret: hmac::Key,
    active: Cache<Key, Kept>,
    inactive: Cache<Key, Kept>,
}

#[derive(Clone)]
struct Kept {
    claims: Claims,
    from: u64,
    until: u64,
}

impl Answers {
    pub(crate) fn new(secret: &[u8]) -> Self {
        Self {
            secret: hmac::Key::new(hmac::HMAC_SHA256, secret),
            active: Cache::new(CAPACITY),
            inactive: Cache::new(CAPACITY),
        }
    }

    /// Keyed, so that what is in memory tells nobody which tokens were seen; with the issuer and its length, so
    /// that what one issuer says of a token is never taken for another's word (Oathkeeper, GHSA-4mq7).
    pub(crate) fn key(&self, issuer: &str, token: &str) -> Key {
        let mut context = hmac::Context::with_key(&self.secret);
        context.update(&(issuer.len() as u64).to_be_bytes());
        context.update(issuer.as_bytes());
        context.update(token.as_bytes());
        let mut key = [0; 32];
        key.copy_from_slice(context.sign().as_ref());
        key
    }

    pub(crate) fn get(&self, key: &Key, now: u64) -> Option<Claims> {
        [&self.active, &self.inactive].into_iter().find_map(|kept| {
            let answer = kept.get(key)?;
            // A clock that was set back makes no answer last longer.
            if (answer.from..answer.until).contains(&now) {
                Some(answer.claims)
            } else {
                kept.invalidate(key);
                None
            }
        })
    }

    /// Keeps an answer for `lifetime` seconds at most.
    pub(crate) fn keep(&self, key: Key, claims: &Claims, now: u64, lifetime: u64) {
        let ends = claims.get("exp").and_then(json::numeric_date);
        let longest = now.saturating_add(lifetime);
        // Without an end nobody gets in by it, so it counts as the others.
        let (kept, until) = match ends.filter(|_| is_active(claims)) {
            Some(ends) => (&self.active, longest.min(ends)),
            None => (
                &self.inactive,
                longest.min(now.saturating_add(INACTIVE_LIFETIME)),
            ),
        };
        if until > now {
            let claims = Arc::clone(claims);
            let from = now;
            kept.insert(
                key,
                Kept {
                    claims,
                    from,
                    until,
                },
            );
        }
    }
}

/// `active` is true, and not merely something (RFC 7662 section 2.2).
pub(crate) fn is_active(claims: &Map<String, Value>) -> bool {
    claims.get("active") == Some(&Value::Bool(true))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::Answers;

    fn answers_with(key: super::Key, answer: Value) -> Answers {
        let answers = Answers::new(&[1; 32]);
        let Value::Object(claims) = answer else {
            unreachable!("an object");
        };
        answers.keep(key, &Arc::new(claims), 1_000, 60);
        answers
    }

    #[test]
    fn a_key_is_of_one_issuer_and_one_token() {
        let answers = Answers::new(&[1; 32]);
        let key = answers.key("https://a.example.com", "token");
        assert_eq!(key, answers.key("https://a.example.com", "token"));
        for (issuer, token) in [
            ("https://b.example.com", "token"),
            ("https://a.example.com", "token2"),
            ("https://a.example.comt", "oken"),
            ("https://a.example.co", "mtoken"),
        ] {
            assert_ne!(key, answers.key(issuer, token), "{issuer} {token}");
        }
        let other = Answers::new(&[2; 32]);
        assert_ne!(key, other.key("https://a.example.com", "token"));
    }

    #[test]
    fn answers_last_as_long_as_they_may() {
        for (answer, last) in [
            (json!({"active": true, "exp": 9_000}), 1_059),
            (json!({"active": true, "exp": 1_030}), 1_029),
            (json!({"active": true, "exp": 1_030.9}), 1_029),
            (json!({"active": true}), 1_004),
            (json!({"active": true, "exp": "9000"}), 1_004),
            (json!({"active": false, "exp": 9_000}), 1_004),
        ] {
            let kept = |now| answers_with([7; 32], answer.clone()).get(&[7; 32], now);
            assert!(kept(1_000).is_some() && kept(last).is_some(), "{answer}");
            assert!(kept(last + 1).is_none() && kept(999).is_none(), "{answer}");
        }
        let past = answers_with([7; 32], json!({"active": true, "exp": 1_000}));
        assert!(past.get(&[7; 32], 1_000).is_none());
    }

    #[test]
    fn a_flood_of_made_up_tokens_pushes_no_good_answer_out() {
        let answers = answers_with([0xff; 32], json!({"active": true, "exp": 9_000}));
        let none: super::Claims = Arc::default();
        for number in 0..30_000_u64 {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&number.to_be_bytes());
            answers.keep(key, &none, 1_000, 60);
        }
        answers.inactive.run_pending_tasks();
        assert!(answers.inactive.entry_count() <= super::CAPACITY);
        assert!(answers.get(&[0xff; 32], 1_000).is_some());
    }
}
