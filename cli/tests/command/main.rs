//! The real `spg`: exit statuses and what it writes, byte for byte.

mod formats;
mod import_export;
mod support;
mod usage;
