//! Tests that need a process of their own: this binary, started again to run one ignored test.

use std::process::{Child, Command, Stdio};

/// Starts this binary again for the one test of this name, which is marked as ignored. `argument` reaches it as
/// [`argument`], its standard output can be read.
pub(crate) fn start(test: &str, argument: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "--nocapture",
            "--test-threads=1",
            test,
        ])
        .env(ARGUMENT, argument)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What the test was started with; `None` where somebody runs the ignored tests by hand.
#[expect(
    clippy::disallowed_methods,
    reason = "the argument of a test's own process, not a setting"
)]
pub(crate) fn argument() -> Option<String> {
    std::env::var(ARGUMENT).ok()
}

const ARGUMENT: &str = "CLOAKROOM_VAULT_TEST_ARGUMENT";
