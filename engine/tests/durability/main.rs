//! What a database with files keeps: over restarts in every mode, over kills, over what a power cut leaves.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

mod administration;
mod archive;
mod backup;
mod constraints;
mod fixtures;
mod interrupts;
mod modes;
mod sequences;
mod support;
