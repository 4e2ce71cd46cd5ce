//! Walks the relying-party modules against an application that runs:
//!
//! ```text
//! cargo run -p cloakroom-testkit --example conformance -- http://localhost:3000 [port] [--all]
//! ```
//!
//! Starts a provider on `127.0.0.1` (port 4455, or the one given), prints how the application is to be configured,
//! waits until it answers, walks the modules, and prints a table. The exit code is 1 where a module failed. `--all` adds
//! the faults that no module of the OpenID Foundation's has. Self-tested is not certified.
#![expect(
    clippy::print_stdout,
    reason = "a table on standard output is what it is for"
)]

use std::process::ExitCode;
use std::time::Duration;

use cloakroom_testkit::conformance::{Runner, modules, remaining_faults};
use cloakroom_testkit::{Browser, Provider};

const PORT: u16 = 4455;

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let all = arguments.iter().any(|argument| argument == "--all");
    arguments.retain(|argument| argument != "--all");
    let Some(app) = arguments.first().map(|app| app.trim_end_matches('/')) else {
        println!("usage: conformance APP_URL [PORT] [--all]");
        return ExitCode::from(2);
    };
    let Some(port) = arguments
        .get(1)
        .map_or(Some(PORT), |port| port.parse().ok())
    else {
        println!("{} is not a port", arguments[1]);
        return ExitCode::from(2);
    };
    let provider = Provider::builder().announce_iss(true).start_at(port).await;
    provider.register_app(app);
    println!("Start the application with:\n");
    println!("CLOAKROOM_PUBLIC_URL={app}");
    println!("CLOAKROOM_ISSUER={}", provider.issuer());
    println!("CLOAKROOM_CLIENT_ID={}", provider.client_id());
    println!("CLOAKROOM_CLIENT_SECRET='{}'", provider.client_secret());
    println!("CLOAKROOM_FAILED_EXCHANGES_A_MINUTE=1000\n");
    let browser = Browser::with_base(app);
    let mut every_second = tokio::time::interval(Duration::from_secs(1));
    loop {
        every_second.tick().await;
        let answer = browser.get("/auth/session").fetch().send().await;
        if answer.is_ok_and(|answer| answer.status() == 200) {
            break;
        }
    }
    let mut chosen = modules();
    if all {
        chosen.extend(remaining_faults());
    }
    let report = Runner::new(&provider, app).modules(chosen).run().await;
    println!("{report}");
    ExitCode::from(u8::from(!report.passed()))
}
