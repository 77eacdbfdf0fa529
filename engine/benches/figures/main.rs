//! Every figure of BENCHMARKS.md, SPG beside its peers in the same run.
//!
//! `cargo bench -p spg-engine` runs all, `cargo bench -p spg-engine -- sum insert` those whose names are given.
//! SQLite is linked in; for LMDB set `SPG_PEERS` to the program that measures it (BENCHMARKS.md says how to build it).
//! Each figure is the median of several runs, SPG and peer in turns, since the machine is shared.

mod autocommit;
mod begin;
mod commit;
mod durable;
mod harness;
mod insert;
mod latency;
mod memory;
mod nearest;
mod point_read;
mod sum;

use harness::Report;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures and prints.
type Figure = fn(&mut Report);

fn main() {
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let figures: [(&str, Figure); 10] = [
        ("point_read", point_read::run),
        ("begin", begin::run),
        ("sum", sum::run),
        ("nearest", nearest::run),
        ("insert", insert::run),
        ("autocommit", autocommit::run),
        ("commit", commit::run),
        ("latency", latency::run),
        ("memory", memory::run),
        ("durable", durable::run),
    ];
    let mut report = Report::new();
    for (name, run) in figures {
        if wanted.is_empty() || wanted.iter().any(|want| want == name) {
            run(&mut report);
        }
    }
}
