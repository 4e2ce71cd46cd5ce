//! Drives `cloakroom_oidc::fuzzing::userinfo`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    cloakroom_oidc::fuzzing::userinfo(data);
});
