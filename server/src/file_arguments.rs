//! Which files the database has: positions, `--data-dir`, variables, and what each beats.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ArgMatches;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use spg_engine::durability::Files;
use spg_engine::transaction::executed::AuditPolicy;
use spg_engine::wal::Lsn;

use crate::arguments::{NONE, Usage, invalid};
use crate::command_line::FileWords;
use crate::memory_limit;

/// The least size of a segment of the audit log: each costs a file, and a start several calls.
const AUDIT_SEGMENT_BYTES_MIN: u64 = 4 << 10;

/// Where a word was said, from the weakest on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    Unsaid,
    Variable,
    Argument,
}

fn strength(matches: &ArgMatches, id: &str, value: Option<&OsString>) -> Strength {
    match (said(value), matches.value_source(id)) {
        (None, _) | (_, None) => Strength::Unsaid,
        (_, Some(ValueSource::CommandLine)) => Strength::Argument,
        _ => Strength::Variable,
    }
}

/// A word that is not empty.
fn said<T: AsRef<OsStr>>(word: Option<T>) -> Option<T> {
    word.filter(|word| !word.as_ref().is_empty())
}

impl FileWords {
    /// The files; None keeps the data in memory.
    pub(crate) fn files(&self, matches: &ArgMatches) -> Result<Option<Files>, Usage> {
        let mut files = match said(self.data_dir.as_ref()) {
            Some(directory) if directory == NONE => {
                return Err(invalid("--data-dir - is no directory; leave it out"));
            }
            Some(directory) => Files::in_directory(Path::new(directory)),
            None => Files::default(),
        };
        let of_directory = strength(matches, "data_dir", self.data_dir.as_ref());
        for (id, word, path) in [
            ("db", &self.db, &mut files.db),
            ("audit", &self.audit, &mut files.audit),
            ("wal", &self.wal, &mut files.wal),
        ] {
            let word = said(word.as_ref());
            if let Some(word) = word.filter(|_| strength(matches, id, word) >= of_directory) {
                *path = Some(word).filter(|word| *word != NONE).map(PathBuf::from);
            }
        }
        files.check().map_err(|error| (ErrorKind::InvalidValue, error.to_string()))?;
        self.check_needs(&files)?;
        self.read_options(&mut files)?;
        files.check().map_err(|error| (ErrorKind::InvalidValue, error.to_string()))?;
        Ok(files.is_any().then_some(files))
    }

    /// Options of a file that is not given do nothing, which nobody wants.
    fn check_needs(&self, files: &Files) -> Result<(), Usage> {
        let text = |word: &Option<String>| said(word.as_ref()).is_some();
        let needs = [
            ("--wal-segment-size", text(&self.wal_segment_size), "WAL", files.wal.is_some()),
            ("--checkpoint-wal-size", text(&self.checkpoint_wal_size), "WAL", files.wal.is_some()),
            ("--checkpoint-interval", text(&self.checkpoint_interval), "WAL", files.wal.is_some()),
            (
                "--archive-dir",
                said(self.archive_dir.as_ref()).is_some(),
                "WAL",
                files.wal.is_some(),
            ),
            ("--recover-to", text(&self.recover_to), "WAL", files.wal.is_some()),
            (
                "--audit-segment-size",
                text(&self.audit_segment_size),
                "AUDIT",
                files.audit.is_some(),
            ),
            ("--audit-parameters", text(&self.audit_parameters), "AUDIT", files.audit.is_some()),
            (
                "--audit-key-file",
                said(self.audit_key_file.as_ref()).is_some(),
                "AUDIT",
                files.audit.is_some(),
            ),
        ];
        if text(&self.archive_interval) && said(self.archive_dir.as_ref()).is_none() {
            return Err(invalid("--archive-interval needs a directory: give --archive-dir"));
        }
        match needs.iter().find(|(_, is_said, _, is_there)| *is_said && !is_there) {
            Some((option, _, needed, _)) => {
                Err(invalid(&format!("{option} needs a file: give {needed}, or --data-dir")))
            }
            None => Ok(()),
        }
    }

    fn read_options(&self, files: &mut Files) -> Result<(), Usage> {
        if let Some(text) = said(self.wal_segment_size.as_ref()) {
            files.wal_segment_bytes = size("--wal-segment-size", text)?;
        }
        if let Some(text) = said(self.checkpoint_wal_size.as_ref()) {
            files.checkpoint_wal_bytes = size("--checkpoint-wal-size", text)?;
        }
        if let Some(text) = said(self.checkpoint_interval.as_ref()) {
            files.checkpoint_interval = seconds("--checkpoint-interval", text)?;
        }
        files.archive = said(self.archive_dir.as_ref()).map(PathBuf::from);
        if let Some(text) = said(self.archive_interval.as_ref()) {
            files.archive_interval = seconds("--archive-interval", text)?;
        }
        if let Some(text) = said(self.audit_segment_size.as_ref()) {
            files.audit_seal_bytes = size("--audit-segment-size", text)?;
            if files.audit_seal_bytes < AUDIT_SEGMENT_BYTES_MIN {
                return Err(invalid(&format!(
                    "--audit-segment-size {text}: give {AUDIT_SEGMENT_BYTES_MIN} bytes or more"
                )));
            }
        }
        if let Some(text) = said(self.audit_parameters.as_ref()) {
            files.audit_policy = match text.as_str() {
                "on" => AuditPolicy::Parameters,
                "digest" => AuditPolicy::Digest,
                _ => {
                    return Err(invalid(&format!("--audit-parameters {text}: give on or digest")));
                }
            };
        }
        if let Some(text) = said(self.recover_to.as_ref()) {
            let lsn: Lsn = text.parse().map_err(|_| {
                invalid(&format!(
                    "--recover-to {text}: give hexadecimal digits, as the error named them"
                ))
            })?;
            files.recover_to = Some(lsn);
        }
        Ok(())
    }

    /// The audit chain's key, from its file.
    pub(crate) fn key_file(&self) -> Option<PathBuf> {
        said(self.audit_key_file.as_ref()).map(PathBuf::from)
    }
}

fn seconds(option: &str, text: &str) -> Result<Duration, Usage> {
    let seconds = text.parse().ok().filter(|seconds| *seconds > 0);
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| invalid(&format!("{option} {text}: give seconds, at least 1")))
}

fn size(option: &str, text: &str) -> Result<u64, Usage> {
    let bytes = memory_limit::parse(text);
    bytes.map(|bytes| bytes as u64).map_err(|error| invalid(&format!("{option} {text}: {error}")))
}
