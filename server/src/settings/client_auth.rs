//! How this client proves itself at the provider: what is configured decides, and what contradicts itself stops the start
//! (OpenID Connect Core section 9). Kept as text, so that files that change while the program runs are judged by the
//! same rules.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use cloakroom_bff::ClientAuthSetting;
use cloakroom_oidc::{ClientKeyOptions, ClientKeys, ClientSecret, SecretJwt, SigningAlg};
use zeroize::Zeroizing;

/// HMAC keys shorter than the hash are refused (RFC 7518 section 3.2).
pub(crate) const SHORTEST_HMAC_SECRET: usize = 32;

/// What is wrong with one of the settings, and how to mend it.
pub(crate) type Wrong = (&'static str, String);

/// The settings as they were given.
#[derive(Clone, Default)]
pub(crate) struct Credentials {
    pub(crate) method: Option<String>,
    pub(crate) secret: Option<Zeroizing<String>>,
    pub(crate) key: Option<Zeroizing<String>>,
    pub(crate) key_id: Option<String>,
    pub(crate) alg: Option<String>,
    /// An HS algorithm is named for ID tokens, whose key is the client secret.
    pub(crate) id_tokens_need_secret: bool,
    /// The files that secret and keys stand in, where they do.
    pub(crate) secret_file: Option<PathBuf>,
    pub(crate) key_file: Option<PathBuf>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("method", &self.method)
            .field("secret_file", &self.secret_file)
            .field("key_file", &self.key_file)
            .finish_non_exhaustive()
    }
}

impl Credentials {
    /// The way to prove this client, or everything that is wrong.
    pub(crate) fn resolve(&self) -> Result<ClientAuthSetting, Vec<Wrong>> {
        let mut wrong = self.contradictions();
        if self.id_tokens_need_secret
            && self.secret.as_ref().map_or(0, |secret| secret.len()) < SHORTEST_HMAC_SECRET
        {
            wrong.push((
                "id_token_alg",
                "an HS algorithm needs a client secret of at least 32 bytes".to_owned(),
            ));
        }
        match self.by_method() {
            Ok(setting) if wrong.is_empty() => Ok(setting),
            Ok(_) => Err(wrong),
            Err(more) => {
                wrong.push(more);
                Err(wrong)
            }
        }
    }

    /// What is given and has no use, for the log.
    pub(crate) fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        match self.method.as_deref() {
            Some("private_key_jwt") if self.secret.is_some() && !self.id_tokens_need_secret => {
                remarks.push("a client secret is given, but private_key_jwt does not use it: take it away once it is not needed to go back".to_owned());
            }
            Some("client_secret_basic" | "client_secret_post" | "client_secret_jwt")
                if self.key.is_some() =>
            {
                remarks.push("client keys are given, but the client secret proves this client: they are neither used nor published".to_owned());
            }
            _ => {}
        }
        remarks
    }

    fn contradictions(&self) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        if self.key_id.is_some() && self.key.is_none() {
            wrong.push((
                "client_key_id",
                "names a key, but there is none: set CLOAKROOM_CLIENT_KEY_FILE, or take it away"
                    .to_owned(),
            ));
        }
        let sends_assertions = match self.method.as_deref() {
            None => self.key.is_some(),
            Some(method) => matches!(method, "client_secret_jwt" | "private_key_jwt"),
        };
        if self.alg.is_some() && !sends_assertions {
            wrong.push(("client_assertion_alg", "is for assertions, and none is sent: set CLOAKROOM_CLIENT_AUTH=client_secret_jwt, or give a key, or take it away".to_owned()));
        }
        wrong
    }

    fn by_method(&self) -> Result<ClientAuthSetting, Wrong> {
        match (self.method.as_deref(), &self.secret, &self.key) {
            (None | Some("none"), None, None) => Ok(ClientAuthSetting::None),
            (None, Some(secret), None) => Ok(ClientAuthSetting::Secret(client_secret(secret))),
            (None, Some(_), Some(_)) if !self.id_tokens_need_secret => Err(("client_auth", "a client secret and a client key are given, and nothing says which of them proves this client: set CLOAKROOM_CLIENT_AUTH, or take one of the two away".to_owned())),
            (None | Some("private_key_jwt"), _, Some(key)) => self.private_key_jwt(key),
            (Some("private_key_jwt"), _, None) => Err(("client_auth", "needs this client's keys: set CLOAKROOM_CLIENT_KEY_FILE to a PEM, JWK or JWK set file".to_owned())),
            (Some("client_secret_basic"), Some(secret), _) => Ok(ClientAuthSetting::SecretBasic(client_secret(secret))),
            (Some("client_secret_post"), Some(secret), _) => Ok(ClientAuthSetting::SecretPost(client_secret(secret))),
            (Some("client_secret_jwt"), Some(secret), _) => self.secret_jwt(secret),
            (Some("client_secret_basic" | "client_secret_post" | "client_secret_jwt"), None, _) => Err(("client_auth", "needs a client secret: set CLOAKROOM_CLIENT_SECRET, or CLOAKROOM_CLIENT_SECRET_FILE".to_owned())),
            (Some("none"), Some(_), _) => Err(("client_auth", "is none, but a client secret is given: take one of the two away".to_owned())),
            (Some("none"), None, Some(_)) => Err(("client_auth", "is none, but a client key is given: take one of the two away".to_owned())),
            (Some(_), _, _) => Err(("client_auth", "write client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt or none".to_owned())),
        }
    }

    fn secret_jwt(&self, secret: &str) -> Result<ClientAuthSetting, Wrong> {
        let alg = match &self.alg {
            None => None,
            Some(name) => Some(SigningAlg::parse(name).ok_or_else(|| {
                ("client_assertion_alg", format!("{name} is not an algorithm for client_secret_jwt: write HS256, HS384 or HS512"))
            })?),
        };
        SecretJwt::new(client_secret(secret), alg)
            .map(ClientAuthSetting::SecretJwt)
            .map_err(|error| ("client_secret", error.to_string()))
    }

    fn private_key_jwt(&self, key: &str) -> Result<ClientAuthSetting, Wrong> {
        let options = ClientKeyOptions {
            kid: self.key_id.as_deref(),
            alg: self.alg.as_deref(),
        };
        let keys = ClientKeys::parse(key.as_bytes(), &options)
            .map_err(|error| ("client_key", error.to_string()))?;
        Ok(ClientAuthSetting::PrivateKeyJwt {
            keys: Arc::new(keys),
            id_token_secret: self
                .secret
                .as_ref()
                .filter(|_| self.id_tokens_need_secret)
                .map(|secret| client_secret(secret)),
        })
    }
}

fn client_secret(text: &str) -> ClientSecret {
    ClientSecret::new(text.to_owned())
}

#[cfg(test)]
mod tests {
    use cloakroom_bff::ClientAuthSetting;
    use zeroize::Zeroizing;

    use super::Credentials;

    const SECRET: &str = "a-secret-of-at-least-thirty-two-bytes";
    /// RFC 8037 appendix A.1.
    const KEY: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    fn given(method: Option<&str>, secret: Option<&str>, key: Option<&str>) -> Credentials {
        Credentials {
            method: method.map(str::to_owned),
            secret: secret.map(|text| Zeroizing::new(text.to_owned())),
            key: key.map(|text| Zeroizing::new(text.to_owned())),
            ..Credentials::default()
        }
    }

    fn refused(credentials: &Credentials) -> String {
        let wrong = credentials.resolve().expect_err("it is refused");
        let lines: Vec<String> = wrong
            .iter()
            .map(|(name, text)| format!("{name}: {text}"))
            .collect();
        lines.join("\n")
    }

    #[test]
    fn what_is_configured_decides() {
        use ClientAuthSetting as Setting;
        let by = |secret, key| given(None, secret, key).resolve().expect("a setting");
        assert!(matches!(
            by(None, Some(KEY)),
            Setting::PrivateKeyJwt {
                id_token_secret: None,
                ..
            }
        ));
        assert!(matches!(by(Some(SECRET), None), Setting::Secret(_)));
        assert!(matches!(by(None, None), Setting::None));
    }

    #[test]
    fn a_named_method_is_that_method() {
        use ClientAuthSetting as Setting;
        let named = |method| {
            given(Some(method), Some(SECRET), None)
                .resolve()
                .expect("a setting")
        };
        assert!(matches!(
            named("client_secret_basic"),
            Setting::SecretBasic(_)
        ));
        assert!(matches!(
            named("client_secret_post"),
            Setting::SecretPost(_)
        ));
        assert!(matches!(named("client_secret_jwt"), Setting::SecretJwt(_)));
        let both = given(Some("private_key_jwt"), Some(SECRET), Some(KEY));
        assert!(matches!(
            both.resolve(),
            Ok(Setting::PrivateKeyJwt {
                id_token_secret: None,
                ..
            })
        ));
        assert_eq!(
            both.remarks().len(),
            1,
            "and says that the secret is of no use"
        );
    }

    #[test]
    fn a_secret_beside_a_key_needs_a_reason() {
        let mut both = given(None, Some(SECRET), Some(KEY));
        assert!(refused(&both).contains("nothing says which"));
        both.id_tokens_need_secret = true;
        assert!(matches!(
            both.resolve(),
            Ok(ClientAuthSetting::PrivateKeyJwt {
                id_token_secret: Some(_),
                ..
            })
        ));
    }

    #[test]
    fn contradictions_say_how_to_mend_them() {
        for (credentials, words) in [
            (
                given(Some("private_key_jwt"), None, None),
                "CLOAKROOM_CLIENT_KEY_FILE",
            ),
            (
                given(Some("client_secret_jwt"), None, Some(KEY)),
                "CLOAKROOM_CLIENT_SECRET",
            ),
            (
                given(Some("client_secret_jwt"), Some("short"), None),
                "client_secret: ",
            ),
            (
                given(Some("none"), Some(SECRET), None),
                "take one of the two away",
            ),
            (
                given(Some("none"), None, Some(KEY)),
                "take one of the two away",
            ),
            (
                given(Some("tls_client_auth"), None, None),
                "private_key_jwt or none",
            ),
            (
                given(None, None, Some("-----BEGIN CERTIFICATE-----")),
                "client_key: ",
            ),
            (
                Credentials {
                    key_id: Some("k".to_owned()),
                    ..given(None, Some(SECRET), None)
                },
                "client_key_id: ",
            ),
            (
                Credentials {
                    alg: Some("ES256".to_owned()),
                    ..given(None, Some(SECRET), None)
                },
                "client_assertion_alg: ",
            ),
            (
                Credentials {
                    alg: Some("ES256".to_owned()),
                    ..given(None, None, Some(KEY))
                },
                "client_key: ",
            ),
            (
                Credentials {
                    alg: Some("HS1".to_owned()),
                    ..given(Some("client_secret_jwt"), Some(SECRET), None)
                },
                "HS256, HS384 or HS512",
            ),
            (
                Credentials {
                    alg: Some("HS512".to_owned()),
                    ..given(Some("client_secret_jwt"), Some(SECRET), None)
                },
                "64",
            ),
            (
                Credentials {
                    id_tokens_need_secret: true,
                    ..given(None, None, Some(KEY))
                },
                "32 bytes",
            ),
            (
                Credentials {
                    id_tokens_need_secret: true,
                    ..given(None, Some("short"), None)
                },
                "32 bytes",
            ),
        ] {
            let text = refused(&credentials);
            assert!(text.contains(words), "{words}: {text}");
            assert!(!text.contains(SECRET) && !text.contains("nWGxne"), "{text}");
        }
    }
}
