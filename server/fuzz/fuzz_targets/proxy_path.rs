//! Drives `cloakroom_bff::fuzzing::proxy_path`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    cloakroom_bff::fuzzing::proxy_path(data);
});
