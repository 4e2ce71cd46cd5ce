//! Drives `cloakroom_oidc::fuzzing::authorization_response`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    cloakroom_oidc::fuzzing::authorization_response(data);
});
