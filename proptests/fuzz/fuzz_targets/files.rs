//! What files hold through what reads it.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| spg_proptests::fuzz::files(data));
