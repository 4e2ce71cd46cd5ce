//! The memory store's size. What it does is in the contract.

use std::io::{Read as _, Write as _};
use std::sync::Arc;

use cloakroom_vault::{IndexTerm, Limits, MemoryStore, Ticket, Vault};

use crate::child;
use crate::support::{DEADLINES, NOW, ring, seal_id};

const SESSIONS: u32 = 20_000;
/// The tokens of an ordinary session, in bytes: ID, access and refresh token of 1 kB each.
const TOKENS: usize = 3 * 1_024;
/// With ten claims and the names of things beside them.
const CONTENT: usize = TOKENS + 512;

#[test]
fn an_ordinary_session_takes_at_most_one_and_a_half_times_its_tokens() {
    let mut child = child::start("memory::measure", "measure");
    let mut said = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert!(child.wait().unwrap().success(), "{said}");
    let bytes: usize = said
        .split("BYTES ")
        .nth(1)
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap()
        .parse()
        .unwrap();
    writeln!(
        std::io::stdout(),
        "{bytes} bytes a session, of which {TOKENS} are tokens"
    )
    .unwrap();
    assert!(
        bytes > CONTENT,
        "{bytes} bytes cannot hold the session: the measure is wrong"
    );
    assert!(
        bytes * 2 <= TOKENS * 3,
        "{bytes} bytes a session is more than 1.5 times {TOKENS}"
    );
}

#[test]
#[ignore = "started by the test above, in a process whose memory is its own"]
fn measure() {
    if child::argument().is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let limits = Limits {
            records: u64::from(SESSIONS),
            consumed: 1,
        };
        let vault = Vault::new(Arc::new(MemoryStore::new(limits)), ring(&[1]));
        let before = resident();
        for number in 0..SESSIONS {
            let mut id = [0; 16];
            id[..4].copy_from_slice(&number.to_be_bytes());
            let name = number.to_string();
            let terms = [
                IndexTerm::new("session", &["https://issuer.example/oauth2/default", &name]),
                IndexTerm::new("subject", &["https://issuer.example/oauth2/default", &name]),
            ];
            let ticket = Ticket::from_bytes(id);
            vault
                .create(&ticket, &[b'x'; CONTENT], &terms, DEADLINES, NOW, seal_id())
                .await
                .unwrap();
        }
        let bytes = (resident() - before) / usize::try_from(SESSIONS).unwrap();
        writeln!(std::io::stdout(), "BYTES {bytes} ").unwrap();
        assert!(
            vault
                .load(&Ticket::from_bytes([0; 16]), NOW)
                .await
                .unwrap()
                .is_some()
        );
    });
}

/// Bytes of memory that this process has in use.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<usize>()
        .unwrap()
        * 1_024
}
