//! A secret or keys that are replaced while the program runs: read again at SIGHUP, and whenever their files say
//! something else. What is wrong leaves the old ones in place.

use std::path::PathBuf;
use std::time::Duration;

use cloakroom_bff::Bff;
use tokio::time::{MissedTickBehavior, interval};
use zeroize::Zeroizing;

use crate::settings::client_auth::Credentials;
use crate::settings::secret_file::read_secret_file;

/// How often the files are looked at. Their content counts, not their times: Kubernetes changes a link above them.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Keeps the counter's credentials those of the files, for as long as the program runs.
pub(crate) async fn keep_current(bff: Bff, credentials: Credentials) {
    let mut watched = Watched::new(bff, credentials);
    let mut hang_ups = HangUps::new();
    let mut every = interval(LOOK_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let told = tokio::select! {
            () = hang_ups.next() => true,
            _ = every.tick() => false,
        };
        let paths = watched.paths();
        // A file on a network may take its time.
        match tokio::task::spawn_blocking(move || Files::read(paths)).await {
            Ok(files) => watched.look_at(files).say(told),
            Err(error) => {
                tracing::error!(%error, "the client's credentials could not be read again");
            }
        }
    }
}

/// What a file held, or why it could not be read; `None` where no setting names one.
type Content = Option<Result<Zeroizing<String>, String>>;

/// Both files as they were looked at.
#[derive(PartialEq)]
struct Files {
    secret: Content,
    key: Content,
}

impl Files {
    fn read((secret, key): (Option<PathBuf>, Option<PathBuf>)) -> Self {
        let read = |path: Option<PathBuf>| path.map(|path| read_secret_file(&path));
        Self {
            secret: read(secret),
            key: read(key),
        }
    }
}

/// What came of a look at the files.
#[derive(Debug, PartialEq)]
enum Looked {
    /// They say what they said the last time.
    Unchanged,
    /// This client proves itself with what they say, from now on. The ids of its keys, where it has some.
    Replaced { keys: Vec<String> },
    /// They say something that cannot be used, so that what there was stays. Every problem, in words for the log.
    Refused(Vec<String>),
}

impl Looked {
    fn say(&self, told: bool) {
        match self {
            Self::Unchanged if told => {
                tracing::info!(
                    "told to read the client's credentials again: their files say what they said before"
                );
            }
            Self::Unchanged => {}
            Self::Replaced { keys } if keys.is_empty() => {
                tracing::info!("the client secret was replaced");
            }
            Self::Replaced { keys } => {
                tracing::info!(
                    keys = keys.join(" "),
                    "the client's keys were replaced; the first signs"
                );
            }
            Self::Refused(problems) => {
                for problem in problems {
                    tracing::error!(
                        problem,
                        "the client's credentials are not replaced, those that were good stay in use"
                    );
                }
            }
        }
    }
}

struct Watched {
    bff: Bff,
    credentials: Credentials,
    /// As last looked at, whether or not it could be used: a problem is said once.
    seen: Files,
}

impl Watched {
    /// What the files said at the start is in use already.
    fn new(bff: Bff, credentials: Credentials) -> Self {
        let at_start = |file: &Option<PathBuf>, value: &Option<Zeroizing<String>>| {
            file.as_ref().and(value.clone()).map(Ok)
        };
        let seen = Files {
            secret: at_start(&credentials.secret_file, &credentials.secret),
            key: at_start(&credentials.key_file, &credentials.key),
        };
        Self {
            bff,
            credentials,
            seen,
        }
    }

    fn paths(&self) -> (Option<PathBuf>, Option<PathBuf>) {
        (
            self.credentials.secret_file.clone(),
            self.credentials.key_file.clone(),
        )
    }

    fn look_at(&mut self, files: Files) -> Looked {
        if files == self.seen {
            return Looked::Unchanged;
        }
        self.seen = files;
        let mut credentials = self.credentials.clone();
        let mut problems = Vec::new();
        for (content, value) in [
            (&self.seen.secret, &mut credentials.secret),
            (&self.seen.key, &mut credentials.key),
        ] {
            match content {
                Some(Ok(text)) => *value = Some(text.clone()),
                Some(Err(problem)) => problems.push(problem.clone()),
                None => {}
            }
        }
        if !problems.is_empty() {
            return Looked::Refused(problems);
        }
        match credentials.resolve() {
            Ok(setting) => {
                let keys = setting
                    .keys()
                    .map_or_else(Vec::new, |keys| keys.key_ids().map(str::to_owned).collect());
                self.bff.replace_client_auth(setting);
                self.credentials = credentials;
                Looked::Replaced { keys }
            }
            Err(wrong) => Looked::Refused(
                wrong
                    .into_iter()
                    .map(|(name, text)| format!("{name}: {text}"))
                    .collect(),
            ),
        }
    }
}

/// SIGHUP, by which an operator says that files have changed. Taken also where there are none: nobody should end the
/// program by it.
struct HangUps {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl HangUps {
    #[cfg(unix)]
    fn new() -> Self {
        let hangup = tokio::signal::unix::SignalKind::hangup();
        let signal = tokio::signal::unix::signal(hangup)
            .inspect_err(|error| tracing::warn!(%error, "SIGHUP cannot be heard: files are looked at every ten seconds all the same"))
            .ok();
        Self { signal }
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        if let Some(signal) = &mut self.signal
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending::<()>().await;
    }

    #[cfg(not(unix))]
    fn new() -> Self {
        Self {}
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use cloakroom_bff::{Bff, ClientAuthSetting, PublicUrl, Settings};
    use cloakroom_oidc::Issuer;
    use cloakroom_oidc::client::{HttpClient, HttpLimits, Provider};
    use cloakroom_vault::{Limits, MemoryStore, Vault};

    use super::{Files, Looked, Watched};
    use crate::keys;
    use crate::settings::client_auth::Credentials;
    use crate::settings::secret_file::read_secret_file;

    /// RFC 8037 appendix A.1, and its thumbprint of appendix A.3.
    const KEY: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    const THUMBPRINT: &str = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";

    fn watched(secret: Option<&Path>, key: Option<&Path>) -> Watched {
        let read =
            |path: Option<&Path>| path.map(|path| read_secret_file(path).expect("it is there"));
        let credentials = Credentials {
            secret: read(secret),
            key: read(key),
            secret_file: secret.map(Path::to_owned),
            key_file: key.map(Path::to_owned),
            ..Credentials::default()
        };
        let issuer = Issuer::parse("https://op.example").expect("an issuer");
        let settings = Settings::new(
            PublicUrl::parse("http://localhost:3000").expect("a URL"),
            issuer.clone(),
            "me",
            credentials.resolve().expect("good credentials"),
        );
        let http = HttpClient::new(HttpLimits::default()).expect("a client");
        let provider = Provider::new(issuer, http, Arc::new(|| 0));
        let vault = Vault::new(
            Arc::new(MemoryStore::new(Limits::default())),
            keys::for_this_run().expect("a ring"),
        );
        Watched::new(Bff::builder(settings, provider, vault).build(), credentials)
    }

    fn look(watched: &mut Watched) -> Looked {
        let files = Files::read(watched.paths());
        watched.look_at(files)
    }

    fn secret_in_use(watched: &Watched) -> String {
        match &*watched.bff.client_auth() {
            ClientAuthSetting::Secret(secret) => secret.expose().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_secret_is_replaced_when_its_file_says_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("secret");
        std::fs::write(&file, "first\n").expect("written");
        let mut watched = watched(Some(&file), None);
        assert_eq!(look(&mut watched), Looked::Unchanged);
        std::fs::write(&file, "first").expect("written");
        assert_eq!(look(&mut watched), Looked::Unchanged, "the content counts");
        std::fs::write(&file, "second\n").expect("written");
        assert_eq!(look(&mut watched), Looked::Replaced { keys: Vec::new() });
        assert_eq!(secret_in_use(&watched), "second");
    }

    #[test]
    fn a_link_that_leads_elsewhere_is_another_content() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        for (name, secret) in [("..1", "first"), ("..2", "second")] {
            std::fs::create_dir(path(name)).expect("made");
            std::fs::write(path(name).join("secret"), secret).expect("written");
        }
        std::os::unix::fs::symlink(path("..1"), path("..data")).expect("linked");
        let mut watched = watched(Some(&path("..data/secret")), None);
        std::os::unix::fs::symlink(path("..2"), path("..new")).expect("linked");
        std::fs::rename(path("..new"), path("..data")).expect("swapped");
        assert!(matches!(look(&mut watched), Looked::Replaced { .. }));
        assert_eq!(secret_in_use(&watched), "second");
    }

    #[test]
    fn what_cannot_be_used_is_said_once_and_leaves_the_old_in_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("key");
        std::fs::write(&file, KEY).expect("written");
        let mut watched = watched(None, Some(&file));
        let in_use = |watched: &Watched| {
            let auth = watched.bff.client_auth();
            auth.keys().map(|keys| keys.signing_kid().to_owned())
        };
        assert_eq!(in_use(&watched).as_deref(), Some(THUMBPRINT));
        for bad in ["rubbish", "", "{\"kty\":\"oct\",\"k\":\"c2VjcmV0\"}"] {
            std::fs::write(&file, bad).expect("written");
            let Looked::Refused(problems) = look(&mut watched) else {
                panic!("{bad:?} is refused")
            };
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(!problems[0].contains("c2VjcmV0"), "{problems:?}");
            assert_eq!(look(&mut watched), Looked::Unchanged);
        }
        std::fs::remove_file(&file).expect("removed");
        assert!(matches!(look(&mut watched), Looked::Refused(_)));
        assert_eq!(in_use(&watched).as_deref(), Some(THUMBPRINT));
        std::fs::write(&file, KEY.replace("\"kty\"", "\"kid\":\"new\",\"kty\"")).expect("written");
        assert_eq!(
            look(&mut watched),
            Looked::Replaced {
                keys: vec!["new".to_owned()]
            }
        );
        assert_eq!(in_use(&watched).as_deref(), Some("new"));
    }
}
