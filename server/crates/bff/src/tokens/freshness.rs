//! Which of a record's tokens serves a purpose, and how long it will (RFC 6749 sections 4.2.2 and 5.1).

use cloakroom_oidc::AccessToken;

use super::TokenFor;
use crate::record::Record;

/// A token is renewed this long before its end, in seconds, where it lives long.
const MARGIN: u64 = 60;
/// And at most this part of its lifetime before: one that lives for ten seconds must not be renewed at every call.
const MARGIN_PART: u64 = 5;

/// Whether a token can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    Good,
    /// It can, and it is time to renew it.
    EndsSoon,
    Over,
}

/// One of a record's access tokens.
#[derive(Clone, Copy)]
pub(super) struct Kept<'a> {
    pub(super) access_token: &'a AccessToken,
    pub(super) expires_at: Option<u64>,
    received_at: u64,
    /// When it came by a refresh; 0 where the sign-in gave it.
    pub(super) renewed_at: u64,
    scope: Option<&'a str>,
}

impl<'a> Kept<'a> {
    /// The one for this.
    pub(super) fn of(record: &'a Record, wanted: TokenFor<'_>) -> Option<Self> {
        let Some(resource) = wanted.other_resource(record) else {
            return Some(Self {
                access_token: &record.access_token,
                expires_at: record.access_token_expires_at,
                received_at: record.access_token_received_at,
                renewed_at: record.renewed_at,
                scope: record.scope.as_deref(),
            });
        };
        record
            .others
            .iter()
            .find(|other| other.resource == resource && other.asked == wanted.scopes)
            .map(|other| Self {
                access_token: &other.access_token,
                expires_at: other.expires_at,
                received_at: other.received_at,
                renewed_at: other.received_at,
                scope: other.scope.as_deref(),
            })
    }

    /// Without an end it is good until an API says otherwise.
    pub(super) fn freshness(&self, now: u64) -> Freshness {
        let Some(expires_at) = self.expires_at else {
            return Freshness::Good;
        };
        if expires_at <= now {
            return Freshness::Over;
        }
        let margin = match self.received_at {
            // Written before this was kept.
            0 => MARGIN,
            received_at => MARGIN.min(expires_at.saturating_sub(received_at) / MARGIN_PART),
        };
        if expires_at.saturating_sub(margin) <= now {
            Freshness::EndsSoon
        } else {
            Freshness::Good
        }
    }

    /// The scopes that were not granted, space-separated. A provider that does not say what it granted granted what it
    /// was asked for.
    pub(super) fn lacking(&self, scopes: &[String]) -> String {
        let Some(granted) = self.scope else {
            return String::new();
        };
        scopes
            .iter()
            .filter(|scope| !granted.split(' ').any(|one| one == scope.as_str()))
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(" ")
    }
}

#[cfg(test)]
mod tests {
    use cloakroom_oidc::AccessToken;

    use super::{Freshness, Kept};

    fn kept(token: &AccessToken, lifetime: Option<u64>) -> Kept<'_> {
        Kept {
            access_token: token,
            expires_at: lifetime.map(|lifetime| 1000 + lifetime),
            received_at: 1000,
            renewed_at: 0,
            scope: Some("openid orders"),
        }
    }

    #[test]
    fn the_margin_shrinks_with_the_lifetime() {
        let token = AccessToken::new("t");
        for (lifetime, soon, over) in [
            (3600, 3540, 3600),
            (100, 80, 100),
            (10, 8, 10),
            (4, 4, 4),
            (1, 1, 1),
        ] {
            let kept = kept(&token, Some(lifetime));
            for age in 0..=lifetime {
                let expected = match age {
                    age if age >= over => Freshness::Over,
                    age if age >= soon => Freshness::EndsSoon,
                    _ => Freshness::Good,
                };
                assert_eq!(kept.freshness(1000 + age), expected, "{lifetime} at {age}");
            }
        }
    }

    #[test]
    fn without_an_end_it_is_good() {
        let token = AccessToken::new("t");
        assert_eq!(kept(&token, None).freshness(u64::MAX), Freshness::Good);
    }

    #[test]
    fn scopes_are_compared_whole() {
        let token = AccessToken::new("t");
        let lacking = |scopes: &[&str]| {
            let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
            kept(&token, None).lacking(&scopes)
        };
        assert_eq!(lacking(&["orders"]), "");
        assert_eq!(lacking(&["order", "orders", "admin"]), "order admin");
        let unsaid = Kept {
            scope: None,
            ..kept(&token, None)
        };
        assert_eq!(unsaid.lacking(&["admin".to_owned()]), "");
    }
}
