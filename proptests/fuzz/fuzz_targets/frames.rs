//! Frames in any pieces, both sides' messages.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| spg_proptests::fuzz::frames(data));
