//! The program `cloakroom`: reads its settings, opens the store, serves.

mod command_line;
mod credentials;
mod headers;
mod keys;
mod logging;
mod outer_refusals;
mod serve;
mod settings;
mod site;
mod store;
mod wiring;

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_bff::{Bff, Clock as _, SystemClock};
use cloakroom_oidc::client::{HttpClient, HttpLimits, Provider};
use tokio::net::TcpListener;

use crate::command_line::Asked;
use crate::settings::config::Config;
use crate::settings::sources::{Problem, Sources};

/// A request makes a few hundred small allocations: with the system's own allocator they are a fifth of its cost.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How often expired entries are removed from the store.
const SWEEP_EVERY: Duration = Duration::from_mins(1);
/// How long files that are being read at the end may take.
const LAST_FILES: Duration = Duration::from_secs(1);
/// The time for one call to the provider, and for connecting to it.
const PROVIDER: HttpLimits = HttpLimits {
    connect: Duration::from_secs(5),
    total: Duration::from_secs(10),
    max_body: 1024 * 1024,
};

/// The exit code for wrong settings (`EX_CONFIG` of sysexits).
const WRONG_SETTINGS: u8 = 78;

fn main() -> ExitCode {
    let matches = command_line::command().get_matches();
    let (file, flags) = match command_line::asked(&matches) {
        Asked::NewKey => return print_key(),
        Asked::Serve { file, flags } => (file, flags),
    };
    let mut problems = Vec::new();
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let sources = Sources::read(file.as_deref(), environment, flags, &mut problems);
    let Some(config) = Config::read(&sources, &mut problems).filter(|_| problems.is_empty()) else {
        return refuse(&problems);
    };
    logging::begin(config.level, config.format);
    match run(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "cloakroom cannot go on");
            complain(&format!("cloakroom cannot start: {error}\n"));
            ExitCode::FAILURE
        }
    }
}

fn print_key() -> ExitCode {
    let key = keys::new_key();
    match writeln!(std::io::stdout(), "{}", *key) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn refuse(problems: &[Problem]) -> ExitCode {
    let mut text = String::from("cloakroom cannot start; its settings need mending:\n");
    for problem in problems {
        // Writing to a string does not fail.
        let _ = writeln!(text, "  - {problem}");
    }
    complain(&text);
    ExitCode::from(WRONG_SETTINGS)
}

fn complain(text: &str) {
    // Where not even standard error takes it, nothing is left to tell anybody.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

fn run(config: Config) -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Runtime::new()?;
    let ended = runtime.block_on(until_told(config));
    // All that must be done is done. A file that is being read, and whose disk does not answer, is not waited for.
    runtime.shutdown_timeout(LAST_FILES);
    ended
}

async fn until_told(config: Config) -> Result<(), Box<dyn std::error::Error>> {
    for remark in &config.remarks {
        tracing::warn!("{remark}");
    }
    let (vault, place) = store::open(&config.store, config.keys).await?;
    let http = HttpClient::new(PROVIDER)?;
    let provider = Provider::new(
        config.bff.issuer.clone(),
        http,
        Arc::new(|| SystemClock.now()),
    );
    let bff = Bff::builder(config.bff, provider, vault).build();
    let site = site::find(config.site, std::env::current_exe().ok().as_deref());
    if !site::is_built(&site) {
        tracing::warn!(site = %site.display(), "the frontend is not built there: pages work, but without WebAssembly (make build, or CLOAKROOM_SITE)");
    }
    let router = wiring::router(&bff, &site);
    let listener = TcpListener::bind(config.listen).await.map_err(|error| {
        format!(
            "{} cannot be listened on: {error} (choose another with CLOAKROOM_LISTEN)",
            config.listen
        )
    })?;
    let settings = bff.settings();
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        public_url = settings.public_url.origin(),
        listen = %listener.local_addr()?,
        store = place,
        issuer = settings.issuer.as_str(),
        redirect_uri = settings.public_url.redirect_uri(),
        post_logout_redirect_uri = settings.public_url.post_logout_redirect_uri(),
        "cloakroom serves"
    );
    for upstream in &settings.upstreams {
        tracing::info!(
            path = format!("/api/{}/", upstream.name),
            base = upstream.base.as_str(),
            "pages may call an API"
        );
    }
    tokio::spawn(credentials::keep_current(bff.clone(), config.credentials));
    // A provider that is down does not stop the start: it is asked now so that the log says so at once.
    tokio::spawn(greet_provider(bff.clone()));
    tokio::spawn(sweep(bff.clone()));
    let ending = bff.clone();
    let stop = async move {
        told_to_end().await;
        // Streams would hold the drain up to its end.
        ending.begin_shutdown();
    };
    serve::serve(listener, router, stop).await;
    bff.finish_background_work().await;
    tracing::info!("ended");
    Ok(())
}

async fn greet_provider(bff: Bff) {
    match bff.provider().metadata().await {
        Ok(metadata) => {
            for remark in bff.remarks(&metadata) {
                tracing::warn!("{remark}");
            }
            match bff.provider().keys().await {
                Ok(_) => tracing::info!("the provider's metadata and keys are there"),
                Err(error) => tracing::warn!(%error, "the provider's keys cannot be had yet"),
            }
        }
        Err(error) => {
            tracing::warn!(%error, "the provider's metadata cannot be had yet: sign-in will work once it can");
        }
    }
}

async fn sweep(bff: Bff) {
    let mut interval = tokio::time::interval(SWEEP_EVERY);
    loop {
        interval.tick().await;
        bff.sweep().await;
    }
}

/// Resolves at SIGTERM or Ctrl-C.
async fn told_to_end() {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}
