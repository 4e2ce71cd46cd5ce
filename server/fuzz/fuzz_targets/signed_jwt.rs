//! Drives `cloakroom_oidc::fuzzing::signed_jwt`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    cloakroom_oidc::fuzzing::signed_jwt(data);
});
