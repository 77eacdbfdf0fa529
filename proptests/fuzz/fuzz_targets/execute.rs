//! SQL text through the whole engine.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| spg_proptests::fuzz::execute(data));
