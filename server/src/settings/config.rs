//! The settings, checked and typed. All that is wrong is collected before the start is refused.

use std::net::SocketAddr;
use std::path::PathBuf;

use cloakroom_bff::{ClientAuthSetting, PublicUrl, Settings};
use cloakroom_oidc::{ClientSecret, Issuer, SigningAlg};
use cloakroom_vault::KeyRing;

use super::parse::{parse_nets, parse_span, parse_store};
use super::sources::{Problem, Sources};
use crate::logging::{Format, Level};

/// What the program was told.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) bff: Settings,
    pub(crate) listen: SocketAddr,
    pub(crate) store: StoreSetting,
    /// `None`: to be made and kept, on loopback only.
    pub(crate) keys: Option<KeyRing>,
    pub(crate) site: Option<PathBuf>,
    pub(crate) level: Level,
    pub(crate) format: Option<Format>,
    pub(crate) remarks: Vec<String>,
}

/// Where sessions are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StoreSetting {
    /// In a file; `None`: in the user's state folder.
    Sqlite(Option<PathBuf>),
    /// In this process, gone with it.
    Memory,
}

/// HMAC keys shorter than the hash are refused (RFC 7518 section 3.2).
const SHORTEST_HMAC_SECRET: usize = 32;

struct Reader<'a> {
    sources: &'a Sources,
    problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    fn text(&self, name: &'static str) -> Option<String> {
        self.sources.get(name).map(|found| found.value.to_string())
    }

    fn wrong(&mut self, name: &'static str, text: impl Into<String>) {
        self.problems
            .push(Problem::new(self.sources.place(name), text));
    }

    fn required(&mut self, name: &'static str, what: &str) -> Option<String> {
        let text = self.text(name);
        if text.is_none() {
            self.wrong(name, format!("is required: {what}"));
        }
        text
    }

    /// Parses a value where it is given; the error's own words say what to do.
    fn parsed<T, E: ToString>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(name)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.wrong(name, error.to_string());
                None
            }
        }
    }

    fn list(&self, name: &'static str) -> Option<Vec<String>> {
        let text = self.text(name)?;
        Some(
            text.split([' ', ','])
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect(),
        )
    }
}

impl Config {
    /// Reads and checks all settings; every problem is added to `problems`.
    pub(crate) fn read(sources: &Sources, problems: &mut Vec<Problem>) -> Option<Self> {
        let before = problems.len();
        let mut reader = Reader { sources, problems };
        let public_url = match reader.parsed("public_url", PublicUrl::parse) {
            Some(url) => Some(url),
            None if reader.text("public_url").is_some() => None,
            None => PublicUrl::parse("http://localhost:3000").ok(),
        };
        reader.required(
            "issuer",
            "the provider's issuer, such as https://dev-123.okta.com/oauth2/default",
        );
        let issuer = reader.parsed("issuer", Issuer::parse);
        let client_id = reader.required("client_id", "this client's id at the provider");
        let client_auth = client_auth(&mut reader);
        let algs = id_token_algs(&mut reader, client_auth.as_ref());
        let scopes = scopes(&mut reader);
        let listen = reader
            .parsed("listen", |text| {
                text.parse::<SocketAddr>()
                    .map_err(|_| "write an address and a port, such as 127.0.0.1:3000 or [::]:3000")
            })
            .or_else(|| "127.0.0.1:3000".parse().ok());
        let store = reader
            .parsed("store", parse_store)
            .unwrap_or(StoreSetting::Sqlite(None));
        let keys = reader.parsed("keys", KeyRing::parse);
        if reader.text("keys").is_none()
            && public_url.as_ref().is_some_and(|url| !url.is_loopback())
        {
            reader.wrong("keys", "is required where the public URL is not this machine's own: make one with `cloakroom keys new` and give every instance the same");
        }
        let idle = reader.parsed("idle_timeout", parse_span);
        let absolute = reader.parsed("absolute_timeout", parse_span);
        let proxies = reader
            .parsed("trusted_proxies", parse_nets)
            .unwrap_or_default();
        let failed = reader.parsed("failed_exchanges_a_minute", |text| {
            match text.parse::<u32>() {
                Ok(0) | Err(_) => Err("write a number of at least 1"),
                Ok(number) => Ok(number),
            }
        });
        let level = reader.parsed("log", Level::parse).unwrap_or_default();
        let format = reader.parsed("log_format", Format::parse);
        let site = reader.text("site").map(PathBuf::from);
        let audiences = reader.list("trusted_audiences").unwrap_or_default();
        let hidden = reader.list("hidden_claims").unwrap_or_default();
        if reader.problems.len() > before {
            return None;
        }
        let mut bff = Settings::new(public_url?, issuer?, client_id?, client_auth?);
        bff.scopes = scopes;
        bff.id_token_algs = algs;
        bff.idle_seconds = idle.unwrap_or(bff.idle_seconds);
        bff.absolute_seconds = absolute.unwrap_or(bff.absolute_seconds);
        bff.hidden_claims = hidden;
        bff.trusted_audiences = audiences;
        bff.trusted_proxies = proxies;
        bff.failed_exchanges_a_minute = failed.unwrap_or(bff.failed_exchanges_a_minute);
        if bff.idle_seconds > bff.absolute_seconds {
            reader.wrong("idle_timeout", "is longer than absolute_timeout, so it would never count: shorten it, or lengthen the other");
            return None;
        }
        let listen = listen?;
        let mut remarks = sources.remarks.clone();
        if bff.public_url.is_https() && bff.trusted_proxies.is_empty() {
            remarks.push("browsers come by https, so something in front of this program ends TLS: without CLOAKROOM_TRUSTED_PROXIES its address stands for every client, and all share one budget of failed sign-ins".to_owned());
        }
        if bff.public_url.is_loopback() && !bff.public_url.is_https() && !listen.ip().is_loopback()
        {
            remarks.push(format!("{listen} can be reached from other machines, but the public URL is this machine's own and plain http: set CLOAKROOM_PUBLIC_URL, or listen on 127.0.0.1"));
        }
        Some(Self {
            bff,
            listen,
            store,
            keys,
            site,
            level,
            format,
            remarks,
        })
    }
}

fn client_auth(reader: &mut Reader<'_>) -> Option<ClientAuthSetting> {
    let secret = reader.text("client_secret").map(ClientSecret::new);
    let method = reader.text("client_auth");
    match (method.as_deref(), secret) {
        (None, Some(secret)) => Some(ClientAuthSetting::Secret(secret)),
        (None | Some("none"), None) => Some(ClientAuthSetting::None),
        (Some("client_secret_basic"), Some(secret)) => Some(ClientAuthSetting::SecretBasic(secret)),
        (Some("client_secret_post"), Some(secret)) => Some(ClientAuthSetting::SecretPost(secret)),
        (Some("client_secret_basic" | "client_secret_post"), None) => {
            reader.wrong("client_auth", "needs a client secret: set CLOAKROOM_CLIENT_SECRET, or CLOAKROOM_CLIENT_SECRET_FILE");
            None
        }
        (Some("none"), Some(_)) => {
            reader.wrong(
                "client_auth",
                "is none, but a client secret is given: take one of the two away",
            );
            None
        }
        (Some("client_secret_jwt" | "private_key_jwt"), _) => {
            reader.wrong(
                "client_auth",
                "this version does not have it yet: use client_secret_basic or client_secret_post",
            );
            None
        }
        (Some(_), _) => {
            reader.wrong(
                "client_auth",
                "write client_secret_basic, client_secret_post or none",
            );
            None
        }
    }
}

fn id_token_algs(
    reader: &mut Reader<'_>,
    auth: Option<&ClientAuthSetting>,
) -> Option<Vec<SigningAlg>> {
    let mut algs = Vec::new();
    for name in reader.list("id_token_alg")? {
        match SigningAlg::parse(&name) {
            Some(alg) => algs.push(alg),
            None => reader.wrong("id_token_alg", format!("{name} is not an algorithm an ID token may be signed with here: RS256, ES256, PS256, EdDSA, .. (none never)")),
        }
    }
    if reader
        .list("id_token_alg")
        .is_some_and(|names| names.is_empty())
    {
        reader.wrong(
            "id_token_alg",
            "names no algorithm: name one, such as RS256, or leave it out",
        );
    }
    let secret = match auth {
        Some(
            ClientAuthSetting::Secret(secret)
            | ClientAuthSetting::SecretBasic(secret)
            | ClientAuthSetting::SecretPost(secret),
        ) => secret.expose().len(),
        _ => 0,
    };
    if algs.iter().any(|alg| alg.is_symmetric()) && secret < SHORTEST_HMAC_SECRET {
        reader.wrong(
            "id_token_alg",
            "an HS algorithm needs a client secret of at least 32 bytes",
        );
    }
    Some(algs)
}

fn scopes(reader: &mut Reader<'_>) -> Option<Vec<String>> {
    let scopes = reader.list("scopes")?;
    if !scopes.iter().any(|scope| scope == "openid") {
        reader.wrong("scopes", "must hold openid: without it the provider gives no ID token (OpenID Connect Core section 3.1.2.1)");
    }
    // RFC 6749 section 3.3
    if scopes.iter().any(|scope| {
        !scope
            .bytes()
            .all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\')
    }) {
        reader.wrong(
            "scopes",
            "a scope is of printable ASCII without quotes and backslashes",
        );
    }
    Some(scopes)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use cloakroom_bff::ClientAuthSetting;

    use super::{Config, StoreSetting};
    use crate::settings::sources::{Problem, Sources};

    const ENOUGH: &[(&str, &str)] = &[
        ("CLOAKROOM_ISSUER", "https://op.example"),
        ("CLOAKROOM_CLIENT_ID", "me"),
        ("CLOAKROOM_CLIENT_SECRET", "secret"),
    ];

    fn read(more: &[(&str, &str)]) -> Result<Config, Vec<String>> {
        let mut problems = Vec::new();
        let variables = ENOUGH
            .iter()
            .chain(more)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let sources = Sources::read(None, variables, BTreeMap::new(), &mut problems);
        Config::read(&sources, &mut problems)
            .ok_or_else(|| problems.iter().map(Problem::to_string).collect())
    }

    fn refused(more: &[(&str, &str)]) -> String {
        read(more).expect_err("it is refused").join("\n")
    }

    #[test]
    fn three_variables_are_enough_on_loopback() {
        let config = read(&[]).expect("a configuration");
        assert_eq!(config.bff.public_url.origin(), "http://localhost:3000");
        assert_eq!(config.listen.to_string(), "127.0.0.1:3000");
        assert_eq!(config.store, StoreSetting::Sqlite(None));
        assert!(matches!(
            config.bff.client_auth,
            ClientAuthSetting::Secret(_)
        ));
        assert!(config.bff.scopes.is_none() && config.keys.is_none());
    }

    #[test]
    fn nothing_at_all_names_what_is_needed() {
        let mut problems = Vec::new();
        let sources = Sources::read(None, [], BTreeMap::new(), &mut problems);
        assert!(Config::read(&sources, &mut problems).is_none());
        let text = problems
            .iter()
            .map(Problem::to_string)
            .collect::<Vec<_>>()
            .join("\n");
        assert!(
            text.contains("CLOAKROOM_ISSUER: is required")
                && text.contains("CLOAKROOM_CLIENT_ID: is required"),
            "{text}"
        );
    }

    #[test]
    fn elsewhere_than_on_loopback_a_key_ring_and_https_are_required() {
        assert!(
            refused(&[("CLOAKROOM_PUBLIC_URL", "https://app.example.com")])
                .contains("cloakroom keys new")
        );
        assert!(
            refused(&[("CLOAKROOM_PUBLIC_URL", "http://app.example.com")]).contains("https://")
        );
        let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        assert!(
            read(&[
                ("CLOAKROOM_PUBLIC_URL", "https://app.example.com"),
                ("CLOAKROOM_KEYS", key)
            ])
            .is_ok()
        );
    }

    #[test]
    fn contradictions_are_named() {
        for (variables, words) in [
            (
                &[("CLOAKROOM_CLIENT_AUTH", "none")][..],
                "take one of the two away",
            ),
            (&[("CLOAKROOM_CLIENT_AUTH", "basic")], "client_secret_basic"),
            (
                &[("CLOAKROOM_CLIENT_AUTH", "private_key_jwt")],
                "does not have it yet",
            ),
            (&[("CLOAKROOM_SCOPES", "profile email")], "openid"),
            (&[("CLOAKROOM_ID_TOKEN_ALG", "none")], "none never"),
            (&[("CLOAKROOM_ID_TOKEN_ALG", "HS256")], "32 bytes"),
            (&[("CLOAKROOM_ID_TOKEN_ALG", ",")], "names no algorithm"),
            (&[("CLOAKROOM_SCOPES", ",")], "openid"),
            (
                &[("CLOAKROOM_TRUSTED_PROXIES", "0.0.0.0/0")],
                "name the proxies",
            ),
            (&[("CLOAKROOM_IDLE_TIMEOUT", "8d")], "absolute_timeout"),
            (
                &[("CLOAKROOM_STORE", "redis://localhost")],
                "does not have it yet",
            ),
            (&[("CLOAKROOM_LISTEN", "3000")], "address and a port"),
            (&[("CLOAKROOM_KEYS", "short")], "CLOAKROOM_KEYS"),
        ] {
            assert!(
                refused(variables).contains(words),
                "{variables:?}: {}",
                refused(variables)
            );
        }
    }

    #[test]
    fn no_problem_shows_a_secret() {
        let text = refused(&[
            ("CLOAKROOM_CLIENT_SECRET", "hunter2hunter2"),
            ("CLOAKROOM_KEYS", "c2VjcmV0a2V5"),
            ("CLOAKROOM_CLIENT_AUTH", "none"),
        ]);
        assert!(
            !text.contains("hunter2") && !text.contains("c2VjcmV0a2V5"),
            "{text}"
        );
    }
}
