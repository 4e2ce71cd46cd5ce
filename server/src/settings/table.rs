//! Every setting there is: its name in the file, in the environment and on the command line follows from one row.

/// One setting.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    /// As in the file; `CLOAKROOM_NAME` in the environment, `--name` on the command line.
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) kind: Kind,
}

/// How a setting is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain,
    /// Not on the command line, where every process of the machine can read it; may come from a file, as `NAME_file`.
    Secret,
    /// Part of the contract, not of this version: only the value that says so is taken.
    Later {
        only: &'static [&'static str],
    },
}

const fn plain(name: &'static str, help: &'static str) -> Setting {
    Setting {
        name,
        help,
        kind: Kind::Plain,
    }
}

const fn secret(name: &'static str, help: &'static str) -> Setting {
    Setting {
        name,
        help,
        kind: Kind::Secret,
    }
}

const fn later(name: &'static str, only: &'static [&'static str]) -> Setting {
    Setting {
        name,
        help: "not part of this version",
        kind: Kind::Later { only },
    }
}

/// All settings. A name that is not here stops the start.
pub(crate) const SETTINGS: &[Setting] = &[
    plain(
        "issuer",
        "The provider's issuer, such as https://dev-123.okta.com/oauth2/default",
    ),
    plain("client_id", "This client's id at the provider"),
    secret("client_secret", "This client's secret at the provider"),
    plain(
        "public_url",
        "Where browsers find this application [default: http://localhost:3000]",
    ),
    plain(
        "listen",
        "Address and port to listen on [default: 127.0.0.1:3000]",
    ),
    plain(
        "store",
        "Where sessions are kept: sqlite:PATH or memory: [default: sqlite: in the state folder]",
    ),
    secret(
        "keys",
        "Key ring: base64 of 32 bytes each, comma-separated; the first seals, all open",
    ),
    plain(
        "scopes",
        "Scopes to ask for, or provider-default to name none [default: openid profile email, and offline_access where the provider lists it]",
    ),
    plain(
        "client_auth",
        "client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt or none [default: by what is configured]",
    ),
    secret(
        "client_key",
        "This client's private keys for private_key_jwt, PEM, JWK or JWK set; the first signs, all are published",
    ),
    plain(
        "client_key_id",
        "The kid of the first key, as the provider knows it [default: the JWK's, else its thumbprint]",
    ),
    plain(
        "client_assertion_alg",
        "Algorithm of client assertions, such as PS256 or HS512 [default: by the key and what the provider lists]",
    ),
    plain(
        "assertion_audience",
        "To whom client assertions are addressed: endpoint, issuer or token_endpoint [default: endpoint]",
    ),
    plain(
        "response_mode",
        "How the provider's answer comes back: query or form_post [default: query]",
    ),
    plain(
        "par",
        "Whether authorization requests are pushed: auto, always or off [default: auto, where the provider requires it]",
    ),
    plain(
        "pushed_requests_a_minute",
        "Authorization requests a client address may have pushed in a minute [default: 60]",
    ),
    plain(
        "login_parameters",
        "Further parameters that a sign-in link may carry to the provider [default: none]",
    ),
    plain(
        "authorize_parameters",
        "Parameters of every authorization request, name=value, separated by spaces [default: none]",
    ),
    plain(
        "id_token_alg",
        "Algorithms an ID token may be signed with [default: RS256 where the provider lists it]",
    ),
    plain(
        "userinfo_alg",
        "Algorithms a userinfo answer must be signed with [default: signed or plain, as it comes]",
    ),
    plain(
        "trusted_audiences",
        "Audiences besides this client that an ID token may name [default: none]",
    ),
    plain(
        "site",
        "Folder of the built site [default: beside the binary, else target/site]",
    ),
    plain(
        "idle_timeout",
        "A session ends after this long without a request, such as 12h [default: 12h]",
    ),
    plain(
        "absolute_timeout",
        "A session ends this long after signing in, such as 7d [default: 7d]",
    ),
    plain(
        "hidden_claims",
        "Claims that never go to the browser, besides the protocol's own",
    ),
    plain(
        "trusted_proxies",
        "Networks whose X-Forwarded-For is believed, such as 10.0.0.0/8 [default: none]",
    ),
    plain(
        "failed_exchanges_a_minute",
        "Failed code exchanges a client address may cause in a minute [default: 30]",
    ),
    plain("log", "error, warn, info or debug [default: info]"),
    plain(
        "log_format",
        "text or json [default: text on a terminal, else json]",
    ),
    later("backchannel_logout", &["off"]),
    later("frontchannel_logout", &["off"]),
    later("universal_logout", &["off"]),
];

impl Setting {
    /// `CLOAKROOM_CLIENT_ID`
    pub(crate) fn variable(&self) -> String {
        format!("CLOAKROOM_{}", self.name.to_ascii_uppercase())
    }

    /// `client-id`
    pub(crate) fn flag(&self) -> String {
        self.name.replace('_', "-")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::SETTINGS;

    #[test]
    fn names_are_unique_and_plain() {
        let names: HashSet<_> = SETTINGS.iter().map(|setting| setting.name).collect();
        assert_eq!(names.len(), SETTINGS.len());
        assert!(
            names
                .iter()
                .all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
        );
    }
}
