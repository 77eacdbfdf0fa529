//! `audit verify FILE`: an audit log by itself, on any machine, read and never written.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use spg_engine::audit::{Key, Report as Verified, verify};
use spg_engine::disk::read_only::ReadOnlyDisk;
use spg_engine::disk::real::resolve;
use spg_engine::identity::hex;
use spg_engine::{DataType, SqlState, Value};

use crate::command_line::parse::head_bytes;
use crate::failure::{Failure, Outcome};
use crate::messages;
use crate::report::Report;

/// What every audit log begins with.
const MAGIC: &str = "SPGAUDIT";

/// Verifies the audit log at `path` with its sealed segments; `head` must be among its entries' hashes.
pub(crate) fn verify_file(path: &Path, head: Option<&str>, key: Option<&Key>) -> Outcome<Report> {
    // The log may be named through a link; its segments are beside the file itself.
    let resolved = resolve(path).map_err(|error| {
        let message = format!("{}: could not be found: {error}", path.display());
        Failure::new(SqlState::IoError, message)
    })?;
    let verified = verify(&ReadOnlyDisk, &resolved, key, head.and_then(head_bytes));
    match verified {
        Ok(report) => {
            if report.trailing_bytes > 0 {
                messages::line(&format!(
                    "NOTICE:  {} bytes of an incomplete entry at the end were not verified: it is being written, or a \
                     crash cut it off",
                    report.trailing_bytes
                ));
            }
            Ok(rows(&report))
        }
        Err(fault)
            if !fault.is_io
                && let Some(found) = other_magic(&resolved) =>
        {
            // Where a file is short the engine sees its end first.
            let path = resolved.display();
            let message =
                format!("{path}: offset 0: not an audit log: expected {MAGIC}, found {found}");
            Err(Failure::of_difference(message))
        }
        Err(fault) if fault.is_io => Err(Failure::new(SqlState::IoError, fault.to_string())),
        Err(fault) => Err(Failure::of_difference(fault.to_string())),
    }
}

/// What a file begins with, in hexadecimal digits, if no audit log does, be it one that was cut off.
fn other_magic(path: &Path) -> Option<String> {
    let mut first = Vec::new();
    let file = File::open(path).ok()?;
    file.take(MAGIC.len() as u64).read_to_end(&mut first).ok()?;
    (!MAGIC.as_bytes().starts_with(&first)).then(|| hex(&first))
}

/// The columns of what a database answers to `audit-verify`.
fn rows(verified: &Verified) -> Report {
    let number = |number: u64| Value::Int8(number as i64);
    let mut report = Report::new("SELECT 1");
    for (name, value) in [
        ("entries", number(verified.entries)),
        ("first_sequence", number(verified.first_sequence)),
        ("sequence", number(verified.state.sequence)),
        ("head", Value::Text(hex(&verified.state.head).into())),
        ("bytes", number(verified.bytes)),
        ("keyed", Value::Bool(verified.keyed)),
        ("expected_sequence", verified.expected_sequence.map_or(Value::Null, number)),
    ] {
        let data_type = match value {
            Value::Text(_) => DataType::Text,
            Value::Bool(_) => DataType::Bool,
            _ => DataType::Int8,
        };
        report.column(name, data_type, &[value]);
    }
    report
}
