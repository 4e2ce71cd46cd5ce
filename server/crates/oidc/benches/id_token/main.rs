//! ID token validation beside the bare verification of the same bytes with the same key (OpenID Connect Core section 3.1.3.7).
//!
//! Criterion measures both. Afterwards `cargo bench` measures them once more, one after the other in turn, and
//! fails where the median of the whole validation is more than [`LIMIT`] times that of the signature alone.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot be set up has nothing to measure"
)]

mod signed;

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use criterion::Criterion;

use self::signed::Signed;

/// How much more the whole validation may cost than the verification of its signature.
const LIMIT: f64 = 1.3;
/// How many times each is measured.
const ROUNDS: usize = 20_000;

fn main() -> ExitCode {
    let all = [Signed::rs256(), Signed::es256(), Signed::ed25519()];
    let mut criterion = Criterion::default().configure_from_args();
    for signed in &all {
        let mut group = criterion.benchmark_group(signed.name);
        group.bench_function("bare verification", |bencher| {
            bencher.iter(|| signed.verify_bare());
        });
        group.bench_function("ID token validation", |bencher| {
            bencher.iter(|| signed.validate());
        });
        group.finish();
    }
    criterion.final_summary();
    // Without it, cargo only wants to know whether the benchmark runs.
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let within = all.iter().map(compare).filter(|within| *within).count();
    if within == all.len() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Whether the validation is within the limit. In turn, so that what else the machine does slows down both.
#[expect(clippy::print_stdout, reason = "the result of the benchmark")]
fn compare(signed: &Signed) -> bool {
    let mut bare = Vec::with_capacity(ROUNDS);
    let mut whole = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        bare.push(time(|| black_box(signed.verify_bare())));
        whole.push(time(|| black_box(signed.validate())));
    }
    let (bare, whole) = (median(bare), median(whole));
    let ratio = whole.as_secs_f64() / bare.as_secs_f64();
    let within = ratio <= LIMIT;
    let verdict = if within { "within" } else { "OVER" };
    println!(
        "{:8} bare {bare:>9.2?}  validation {whole:>9.2?}  ratio {ratio:.2}, {verdict} the limit of {LIMIT}",
        signed.name
    );
    within
}

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark is about the machine's time"
)]
fn time<T>(run: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    let result = run();
    let took = start.elapsed();
    drop(result);
    took
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
