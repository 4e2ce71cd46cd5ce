//! What it costs to carry a sign-in in `state` instead of a store (RFC 6749 section 10.12, RFC 7636 section 4.1): sealing
//! at the login, opening at the callback, verifier and nonce derived in both.

use std::hint::black_box;

use cloakroom_bff::benching::Begun;
use cloakroom_vault::KeyRing;
use criterion::{Criterion, criterion_group, criterion_main};

fn sign_in_state(criterion: &mut Criterion) {
    // Two keys, as while they are rotated: the newer one seals, and the state says which opens it.
    let Ok(ring) = KeyRing::from_keys(vec![[1; 32], [2; 32]]) else {
        return;
    };
    let longest = format!("/{}", "a".repeat(511));
    for (what, path) in [
        ("start page", "/"),
        ("longest return path", longest.as_str()),
    ] {
        let begun = Begun::to(path);
        let (state, _) = begun.seal(&ring, [9; 16]);
        assert!(
            begun.open(&ring, &state).is_some(),
            "it opens what it seals"
        );
        criterion.bench_function(&format!("seal sign-in state, {what}"), |bencher| {
            bencher.iter(|| begun.seal(&ring, black_box([9; 16])));
        });
        criterion.bench_function(&format!("open sign-in state, {what}"), |bencher| {
            bencher.iter(|| begun.open(&ring, black_box(&state)));
        });
    }
}

criterion_group!(benches, sign_in_state);
criterion_main!(benches);
