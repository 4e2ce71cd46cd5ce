//! Drives `cloakroom_bff::fuzzing::state`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    cloakroom_bff::fuzzing::state(data);
});
