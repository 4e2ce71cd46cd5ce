//! The program as a child process, with nothing of this process's environment, and everything it writes kept.

use std::io::Read;
use std::net::TcpListener;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use cloakroom_testkit::Browser;
use serde_json::Value;
use tokio::time::{Instant, sleep};

/// How long anything may take that the machine's load alone delays.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);
/// Between two looks at something that is about to happen.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Variables for the program, name and value.
pub(crate) type Variables = Vec<(String, String)>;

/// A running, or ended, `cloakroom`.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    output: Captured,
    complaints: Captured,
}

/// What a program that has ended leaves.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// Standard output: the log.
    pub(crate) log: String,
    /// Standard error.
    pub(crate) complaints: String,
}

/// A stream that a thread reads as it comes, so that the program never waits for a full pipe.
#[derive(Debug)]
struct Captured {
    text: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Captured {
    fn new(mut stream: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&text);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(read @ 1..) = stream.read(&mut buffer) {
                let mut text = written.lock().unwrap_or_else(PoisonError::into_inner);
                text.extend_from_slice(&buffer[..read]);
            }
        });
        Self {
            text,
            reader: Some(reader),
        }
    }

    fn so_far(&self) -> String {
        let text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&text).into_owned()
    }

    fn whole(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reading thread does not panic");
        }
        self.so_far()
    }
}

/// A port on which nothing listens just now. Not one that the system gives out: a provider of another test, in another
/// process, would get it before the program that it is for, and wonder at what it is asked there.
pub(crate) fn free_port() -> u16 {
    const FIRST: u32 = 20_000;
    const PORTS: u32 = 12_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Processes that are started in a row begin far apart.
    let begin = std::process::id().wrapping_mul(997);
    for _ in 0..PORTS {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + begin.wrapping_add(step) % PORTS;
        let port = u16::try_from(port).expect("it is below 32,000");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("loopback has no free port")
}

impl Program {
    /// Starts it, and does not wait for anything.
    pub(crate) fn spawn(variables: &Variables, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_cloakroom"))
            .args(arguments)
            .env_clear()
            .envs(variables.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the built program starts");
        let output = Captured::new(child.stdout.take().expect("it is piped"));
        let complaints = Captured::new(child.stderr.take().expect("it is piped"));
        Self {
            child,
            output,
            complaints,
        }
    }

    /// Waits until it answers on this port. `None` where it ended instead: somebody else took the port.
    pub(crate) async fn until_healthy(mut self, port: u16) -> Result<Self, Ended> {
        let browser = Browser::with_base(format!("http://127.0.0.1:{port}")).timeout(PATIENCE);
        let deadline = Instant::now() + PATIENCE;
        loop {
            if self.has_ended() {
                return Err(self.ended().await);
            }
            if let Ok(answer) = browser.get("/healthz").bare().send().await
                && answer.status() == 200
            {
                return Ok(self);
            }
            assert!(
                Instant::now() < deadline,
                "it does not answer:\n{}",
                self.log()
            );
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Whether the process is gone.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child
            .try_wait()
            .expect("a child can be waited for")
            .is_some()
    }

    /// What it logged so far.
    pub(crate) fn log(&self) -> String {
        self.output.so_far()
    }

    /// Asks it to end, as an init system does, and does not wait.
    pub(crate) fn terminate(&self) {
        self.tell("-TERM");
    }

    /// Tells it that files have changed, as an operator does.
    pub(crate) fn hang_up(&self) {
        self.tell("-HUP");
    }

    fn tell(&self, signal: &str) {
        let told = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status();
        assert!(
            told.expect("there is a kill").success(),
            "the program was gone already"
        );
    }

    /// How much memory it holds, in KiB (`VmRSS` of proc(5)).
    pub(crate) fn resident(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("it runs");
        status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
            .expect("Linux says how much")
    }

    /// Ends it at once, as a power cut does.
    pub(crate) async fn kill(mut self) -> Ended {
        self.child.kill().expect("a child can be killed");
        self.ended().await
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn ended(mut self) -> Ended {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                break status;
            }
            assert!(
                Instant::now() < deadline,
                "it does not end:\n{}",
                self.log()
            );
            sleep(LOOK_AGAIN).await;
        };
        Ended {
            status,
            log: self.output.whole(),
            complaints: self.complaints.whole(),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Where a test failed half-way, nothing is left running, and its log says what happened.
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if std::thread::panicking() {
            eprintln!(
                "--- the program's log\n{}{}---",
                self.output.so_far(),
                self.complaints.so_far()
            );
        }
    }
}

/// The lines of a log. Panics where one is not JSON: logs are structured, whatever happens.
pub(crate) fn lines(log: &str) -> Vec<Value> {
    log.lines()
        .map(|line| {
            serde_json::from_str(line)
                .unwrap_or_else(|error| panic!("a log line is not JSON ({error}): {line}"))
        })
        .collect()
}
