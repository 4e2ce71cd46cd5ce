//! How a test begins: which provider, which settings, and what is wrong from the first request on.

use std::sync::Arc;

use cloakroom_testkit::Fault;
use cloakroom_testkit::provider::Builder;
use serde_json::Value;

use crate::program::{Program, Variables, free_port};
use crate::upstream::{Record, Upstream};
use crate::world::World;

/// What a world begins with.
#[derive(Debug, Default)]
pub(crate) struct Start {
    provider: Builder,
    variables: Variables,
    /// Variables that name a file, and what it holds.
    files: Variables,
    /// The configuration file.
    config: String,
    upstreams: Vec<Arc<Record>>,
    fault: Option<Fault>,
    provider_down: bool,
    https: bool,
}

impl Start {
    /// A provider with choices of its own.
    pub(crate) fn provider(mut self, choose: impl FnOnce(Builder) -> Builder) -> Self {
        self.provider = choose(self.provider);
        self
    }

    /// One more variable for the program, or another value for one it has.
    pub(crate) fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// One more variable, which names a file that holds this. [`World::write`] replaces it.
    pub(crate) fn file(mut self, name: &str, content: impl Into<String>) -> Self {
        self.files.push((name.to_owned(), content.into()));
        self
    }

    /// One more API, `/api/{name}/`, with the user's token and no further rule.
    pub(crate) fn api(self, name: &str, upstream: &Upstream) -> Self {
        let variable = format!("CLOAKROOM_API_{}", name.to_uppercase().replace('-', "_"));
        self.set(&variable, upstream.base()).behind(upstream)
    }

    /// One more API, with rules: lines of its table in the configuration file.
    pub(crate) fn api_with(mut self, name: &str, upstream: &Upstream, rules: &str) -> Self {
        self.configure(name, &upstream.base(), rules);
        self.behind(upstream)
    }

    /// One more API, wherever it is.
    pub(crate) fn api_at(mut self, name: &str, base: &str, rules: &str) -> Self {
        self.configure(name, base, rules);
        self
    }

    /// What this upstream sees is searched at the end.
    pub(crate) fn behind(mut self, upstream: &Upstream) -> Self {
        self.upstreams.push(upstream.record());
        self
    }

    fn configure(&mut self, name: &str, base: &str, rules: &str) {
        let table = format!("[api.{name}]\nbase = \"{base}\"\n{rules}\n");
        self.config.push_str(&table);
    }

    /// The provider is wrong from the first request on.
    pub(crate) fn fault(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }

    /// The provider does not run when the program starts.
    pub(crate) fn provider_down(mut self) -> Self {
        self.provider_down = true;
        self
    }

    /// Browsers come by https, through something in front of the program that ends TLS.
    pub(crate) fn https(mut self) -> Self {
        self.https = true;
        self
    }

    /// Starts both and waits until the program answers.
    pub(crate) async fn go(mut self) -> World {
        let folder = tempfile::tempdir().expect("a folder");
        // Not a port that the system gives out: while the provider is stopped, nobody else is given it.
        let provider = self.provider.start_at(free_port()).await;
        if let Some(fault) = self.fault {
            provider.set_fault(fault);
        }
        if self.provider_down {
            provider.stop().await;
        }
        for (name, content) in &self.files {
            let path = folder.path().join(name);
            std::fs::write(&path, content).expect("the folder takes files");
            self.variables
                .push((name.clone(), path.display().to_string()));
        }
        let mut arguments = Vec::new();
        if !self.config.is_empty() {
            let path = folder.path().join("cloakroom.toml");
            std::fs::write(&path, &self.config).expect("the folder takes files");
            arguments = vec!["--config".to_owned(), path.display().to_string()];
        }
        let scheme = if self.https { "https" } else { "http" };
        // Between looking for a free port and listening on it, somebody else may take it.
        for _ in 0..5 {
            let port = free_port();
            let public_url = format!("{scheme}://localhost:{port}");
            let mut variables: Variables = [
                ("CLOAKROOM_ISSUER", provider.issuer()),
                ("CLOAKROOM_CLIENT_ID", provider.client_id()),
                ("CLOAKROOM_CLIENT_SECRET", provider.client_secret()),
                ("CLOAKROOM_PUBLIC_URL", public_url.clone()),
                ("CLOAKROOM_LISTEN", format!("127.0.0.1:{port}")),
                (
                    "CLOAKROOM_STORE",
                    format!("sqlite:{}", folder.path().join("sessions.db").display()),
                ),
                (
                    "CLOAKROOM_SITE",
                    folder.path().join("site").display().to_string(),
                ),
                ("CLOAKROOM_LOG", "debug".to_owned()),
                ("CLOAKROOM_LOG_FORMAT", "json".to_owned()),
            ]
            .map(|(name, value)| (name.to_owned(), value))
            .to_vec();
            for (name, value) in &self.variables {
                variables.retain(|(known, _)| known != name);
                variables.push((name.clone(), value.clone()));
            }
            let given: Vec<&str> = arguments.iter().map(String::as_str).collect();
            match Program::spawn(&variables, &given).until_healthy(port).await {
                Ok(program) => {
                    provider.register_app(&public_url);
                    let mut world =
                        World::new(provider, program, folder, variables, port, public_url)
                            .with(arguments, self.upstreams);
                    for (_, content) in &self.files {
                        world.confide(content);
                    }
                    return world;
                }
                Err(ended) if ended.complaints.contains("cannot be listened on") => {}
                Err(ended) => panic!("it does not start:\n{}{}", ended.log, ended.complaints),
            }
        }
        panic!("no port stays free")
    }
}

/// What of a file is secret: the private members of a JWK or JWK set, the lines of a PEM block, else all of it.
pub(crate) fn secret_parts(content: &str) -> Vec<String> {
    if let Ok(jwk) = serde_json::from_str(content) {
        return private_members(&jwk);
    }
    content
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("-----") && line.len() >= 16)
        .map(str::to_owned)
        .collect()
}

fn private_members(jwk: &Value) -> Vec<String> {
    match jwk {
        Value::Array(keys) => keys.iter().flat_map(private_members).collect(),
        Value::Object(members) => {
            let private = ["d", "p", "q", "dp", "dq", "qi", "k"]
                .iter()
                .filter_map(|name| members.get(*name)?.as_str().map(str::to_owned));
            private
                .chain(members.get("keys").into_iter().flat_map(private_members))
                .collect()
        }
        _ => Vec::new(),
    }
}
