//! Databases on a simulated disk, and a few words to talk to them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use spg_engine::disk::simulated::SimulatedDisk;
use spg_engine::durability::Files;
use spg_engine::open_error::OpenError;
use spg_engine::session::{Rows, Session};
use spg_engine::types::format_value;
use spg_engine::{Database, Options};

/// Which files a database has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mode {
    pub(crate) db: bool,
    pub(crate) audit: bool,
    pub(crate) wal: bool,
}

pub(crate) const IMAGE: Mode = Mode { db: true, audit: false, wal: false };
pub(crate) const AUDITED_IMAGE: Mode = Mode { audit: true, ..IMAGE };
pub(crate) const LOG: Mode = Mode { wal: true, ..IMAGE };
pub(crate) const AUDITED_LOG: Mode = Mode { audit: true, ..LOG };
pub(crate) const AUDITED_MEMORY: Mode = Mode { db: false, audit: true, wal: false };

/// All that keep data.
pub(crate) const KEEPING: [Mode; 4] = [IMAGE, AUDITED_IMAGE, LOG, AUDITED_LOG];

/// The directory of every test's files.
pub(crate) const DIRECTORY: &str = "/data";

pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(DIRECTORY).join(name)
}

impl Mode {
    pub(crate) fn files(self) -> Files {
        Files {
            db: self.db.then(|| path("spg.db")),
            audit: self.audit.then(|| path("audit.log")),
            wal: self.wal.then(|| path("wal.log")),
            wal_segment_bytes: 32 << 10,
            ..Files::default()
        }
    }

    pub(crate) fn open(self, disk: &SimulatedDisk) -> Result<Arc<Database>, OpenError> {
        open(disk, &self.files())
    }
}

pub(crate) fn open(disk: &SimulatedDisk, files: &Files) -> Result<Arc<Database>, OpenError> {
    Database::open_on(Arc::new(disk.clone()), &Options::default(), files, Vec::new())
}

/// Runs one statement; its answer as text: rows as `a|b` lines and the tag, or `SQLSTATE: message`.
pub(crate) fn run(session: &mut Session, text: &str) -> String {
    let mut rows = Rows::default();
    match session.execute(text, &[], &mut rows) {
        Ok(tag) => {
            let mut lines: Vec<String> = Vec::new();
            for row in &rows.rows {
                let mut line = Vec::new();
                for value in row {
                    let mut text = String::new();
                    format_value(value.as_ref(), &mut text);
                    line.push(text);
                }
                lines.push(line.join("|"));
            }
            lines.push(tag.to_string());
            lines.join("\n")
        }
        Err(error) => error.to_string(),
    }
}

/// Runs statements that must succeed.
#[track_caller]
pub(crate) fn ok(session: &mut Session, texts: &[&str]) {
    for text in texts {
        let answer = run(session, text);
        assert!(answer.get(5..7) != Some(": "), "{text}: {answer}");
    }
}
