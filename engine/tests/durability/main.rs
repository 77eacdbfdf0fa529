//! What a database with files keeps: over restarts in every mode, over kills, over what a power cut leaves.

mod administration;
mod fixtures;
mod modes;
mod support;
