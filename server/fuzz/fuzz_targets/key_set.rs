//! Drives `cloakroom_oidc::fuzzing::key_set`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    cloakroom_oidc::fuzzing::key_set(data);
});
