//! The real `spg`: exit statuses and what it writes, byte for byte.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod formats;
mod import_export;
mod real_data;
mod support;
mod usage;
