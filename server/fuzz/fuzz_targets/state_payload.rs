//! Drives `cloakroom_bff::fuzzing::state_payload`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    cloakroom_bff::fuzzing::state_payload(data);
});
