//! The real `spg`: exit statuses and what it writes, byte for byte.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod audit;
mod backup;
mod bench;
mod bench_here;
mod daemon;
mod demo;
mod describe;
mod dump;
mod files;
mod formats;
mod generated;
mod import_export;
mod lost;
mod lost_behind;
mod named_sessions;
mod output_files;
mod real_data;
mod served;
mod shell_commands;
mod support;
mod terminal;
mod terminal_commands;
mod usage;
