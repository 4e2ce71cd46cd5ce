//! Drives `cloakroom_oidc::fuzzing::metadata`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    cloakroom_oidc::fuzzing::metadata(data);
});
