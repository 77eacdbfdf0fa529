//! What is said on standard error: notices, errors, banners. A reader that has gone away is no reason to end.

use std::io::{self, Write};

use spg_engine::session::Notice;
use spg_wire::ErrorFields;

use crate::printable::printable;

/// Writes `text`, which has its own line ends.
pub(crate) fn text(text: &str) {
    // Nothing is left to tell when telling fails.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Writes `text` as a line.
pub(crate) fn line(line: &str) {
    text(&format!("{line}\n"));
}

/// Writes a notice as psql does.
pub(crate) fn notice(notice: &Notice) {
    told(notice.severity, &notice.message, notice.detail.as_deref());
}

/// Writes a notice of a server likewise.
pub(crate) fn remote_notice(fields: &ErrorFields) {
    told(fields.severity.as_str(), &fields.message, fields.detail.as_deref());
}

fn told(severity: &str, message: &str, detail: Option<&str>) {
    line(&format!("{severity}:  {}", printable(message)));
    if let Some(detail) = detail {
        line(&format!("DETAIL:  {}", printable(detail)));
    }
}
