//! Memory per row: an integer key with its index, a text of 16 characters, a float.

use crate::harness::{ROWS, Report, database, fill, resident_bytes};

pub(crate) fn run(report: &mut Report) {
    let before = resident_bytes();
    let database = database();
    fill(&mut database.session(), ROWS);
    let grown = resident_bytes().saturating_sub(before) as f64 / ROWS as f64;
    report.line("memory per row, resident set", "B", &mut [grown]);
    let counted = database.gauge().bytes() as f64 / ROWS as f64;
    report.line("memory per row, counted by the engine", "B", &mut [counted]);
}
