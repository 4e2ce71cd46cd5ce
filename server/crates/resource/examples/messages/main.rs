//! Okta's resource-server sample with `cloakroom-resource`: messages for those who have a token for them (RFC 6750, RFC 9470).
//!
//! ```text
//! MESSAGES_ISSUER=https://dev-123.okta.com/oauth2/default cargo run -p cloakroom-resource --example messages
//! ```
//!
//! | | |
//! |---|---|
//! | `GET /api/messages` | `{"messages":[{"id":1,"date":"2026-11-23T10:00:00Z","author":"..","text":".."}]}`, the oldest first; scope `messages:read` |
//! | `POST /api/messages` | `{"text":".."}` of 1 to 280 characters: 201 and the message; scope `messages:write` |
//! | `DELETE /api/messages` | clears the board: 204; scope `messages:write`, and a second factor (`urn:okta:loa:2fa:any`) at most five minutes ago |
//! | `GET /api/events` | `text/event-stream`: each new message, and `cleared`; scope `messages:read` |
//! | `GET /healthz` | 200 |
//! | `GET /.well-known/oauth-protected-resource` | RFC 9728 |

use std::error::Error;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use cloakroom_oidc::client::Clock;
use cloakroom_resource::ResourceServer;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

mod board;
mod routes;
mod settings;

pub(crate) use board::Board;
pub(crate) use routes::router;
pub(crate) use settings::Settings;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "messages: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let settings = Settings::read(&environment)?;
    tracing_subscriber::fmt()
        .with_max_level(settings.level)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let listener = TcpListener::bind(&settings.listen)
        .await
        .map_err(|error| format!("MESSAGES_LISTEN={}: {error}", settings.listen))?;
    let address = listener.local_addr()?;
    let clock: Clock = Arc::new(now);
    let server = settings.server(&format!("http://{address}"), &clock, Arc::new(random))?;
    let (mut terminated, mut interrupted) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let end = async move {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
    };
    let issuer = settings.issuer.as_str();
    writeln!(
        std::io::stdout(),
        "messages: ready at http://{address}, for access tokens of {issuer}"
    )?;
    serve(listener, &server, Board::new(clock), end).await?;
    Ok(())
}

/// Serves until `end`, and then what is under way.
pub(crate) async fn serve(
    listener: TcpListener,
    server: &ResourceServer,
    board: Board,
    end: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let router = router(server, &board);
    let end = async move {
        end.await;
        // Or the event streams would keep the server waiting for good.
        board.close();
    };
    axum::serve(listener, router)
        .with_graceful_shutdown(end)
        .await
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the program: whoever uses the crate decides where settings come from"
)]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[expect(clippy::disallowed_methods, reason = "this is the program's one clock")]
fn now() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "the program's one source of randomness; without it, stopping is the only right answer"
)]
fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::SecureRandom::fill(&aws_lc_rs::rand::SystemRandom::new(), &mut bytes)
        .expect("the operating system gives random bytes");
    bytes
}
