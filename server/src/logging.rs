//! Structured logs. Only our own crates speak below the level of a warning: a dependency that is asked for its
//! debugging output prints addresses and headers, and with them codes and cookies.

use std::io::IsTerminal as _;

use tracing::Subscriber;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, fmt};

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Level {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
}

/// In what form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
}

impl Level {
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            "error" => Ok(Self::Error),
            "warn" => Ok(Self::Warn),
            "info" => Ok(Self::Info),
            "debug" => Ok(Self::Debug),
            _ => Err("write error, warn, info or debug"),
        }
    }

    fn filter(self) -> LevelFilter {
        match self {
            Self::Error => LevelFilter::ERROR,
            Self::Warn => LevelFilter::WARN,
            Self::Info => LevelFilter::INFO,
            Self::Debug => LevelFilter::DEBUG,
        }
    }
}

impl Format {
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("write text or json"),
        }
    }
}

/// Our crates, as their log targets begin.
const OURS: &[&str] = &[
    "cloakroom",
    "cloakroom_bff",
    "cloakroom_oidc",
    "cloakroom_vault",
    "app",
];

fn targets(level: Level) -> Targets {
    let others = level.filter().min(LevelFilter::WARN);
    let targets = Targets::new()
        .with_default(others)
        // It warns of every cookie it cannot read, in words that alarm; the bff decides what such a cookie means.
        .with_target("tower_sessions", LevelFilter::OFF)
        .with_target("tower_sessions_core", LevelFilter::OFF);
    OURS.iter().fold(targets, |targets, target| {
        targets.with_target(*target, level.filter())
    })
}

fn layer<S: Subscriber + for<'a> LookupSpan<'a>>(
    format: Option<Format>,
) -> Box<dyn Layer<S> + Send + Sync> {
    let terminal = std::io::stdout().is_terminal();
    match format.unwrap_or(if terminal { Format::Text } else { Format::Json }) {
        Format::Text => fmt::layer()
            .with_ansi(terminal)
            .with_target(false)
            .compact()
            .boxed(),
        Format::Json => fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .boxed(),
    }
}

/// Begins logging, and has a panic say where it happened but not what was in hand.
pub(crate) fn begin(level: Level, format: Option<Format>) {
    tracing_subscriber::registry()
        .with(layer(format).with_filter(targets(level)))
        .init();
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        tracing::error!(place, "a defect: the program panicked here");
    }));
}

#[cfg(test)]
mod tests {
    use tracing::Level as TracingLevel;

    use super::{Level, targets};

    #[test]
    fn dependencies_do_not_speak_below_a_warning() {
        let targets = targets(Level::Debug);
        assert!(targets.would_enable("cloakroom_bff::callback", &TracingLevel::DEBUG));
        for dependency in [
            "hyper",
            "h2",
            "reqwest",
            "rustls",
            "sqlx::query",
            "tower_http::trace",
        ] {
            assert!(
                !targets.would_enable(dependency, &TracingLevel::INFO),
                "{dependency}"
            );
        }
        assert!(!targets.would_enable("tower_sessions::service", &TracingLevel::WARN));
    }
}
