//! SQL text through the parser and back.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| spg_proptests::fuzz::parse(data));
