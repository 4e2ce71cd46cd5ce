//! Drives `cloakroom_oidc::fuzzing::id_token`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    cloakroom_oidc::fuzzing::id_token(data);
});
