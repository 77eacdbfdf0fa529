//! The files of a database in this process: what the options that name them mean, and opening it.
//!
//! No variable names them: `SPG_DB` and its like are the daemon's, and whoever shares its environment (a shell in its
//! container) wants to talk to it, not to open the files that it has locked.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::CommandFactory;
use clap::error::ErrorKind;
use spg_engine::audit::Key;
use spg_engine::durability::{Files, read_audit_key};
use spg_engine::open_error::{OpenError, OpenErrorKind};
use spg_engine::transaction::executed::AuditPolicy;
use spg_engine::{Database, Options, SqlState};

use crate::arguments::Arguments;
use crate::command_line::{AuditParameters, FileArguments, memory_limit};
use crate::failure::{Failure, Outcome};

impl FileArguments {
    /// Whether a database's files are named.
    pub(crate) fn is_any(&self) -> bool {
        self.data_dir.is_some() || self.db.is_some() || self.audit.is_some() || self.wal.is_some()
    }

    /// What names the database: its directory, or each of its files.
    pub(crate) fn names(&self) -> Vec<PathBuf> {
        let Self { data_dir, db, audit, wal, .. } = self;
        [data_dir, db, audit, wal].into_iter().flatten().cloned().collect()
    }

    /// What among them makes no sense; a key may also be for a file that is verified as it is.
    pub(crate) fn contradiction(&self, verifies_file: bool) -> Option<&'static str> {
        let is_audited = self.data_dir.is_some() || self.audit.is_some();
        if self.wal.is_some() && self.db.is_none() {
            Some("--wal FILE without --db FILE keeps nothing that can be opened again: give both")
        } else if self.key_file.is_some() && !is_audited && !verifies_file {
            Some("--audit-key-file is for an audit log in this process: give --data-dir or --audit")
        } else if self.audit_parameters.is_some() && !is_audited {
            Some(
                "--audit-parameters is for an audit log in this process: give --data-dir or --audit",
            )
        } else {
            None
        }
    }

    fn files(&self) -> Outcome<Files> {
        let mut files = match &self.data_dir {
            Some(directory) => Files::in_directory(directory),
            None => Files {
                db: self.db.clone(),
                audit: self.audit.clone(),
                wal: self.wal.clone(),
                ..Files::default()
            },
        };
        files.audit_key = self.key(&files)?;
        if self.audit_parameters == Some(AuditParameters::Digest) {
            files.audit_policy = AuditPolicy::Digest;
        }
        Ok(files)
    }

    /// The chain's key, if a file of one is named; it may not lie beside `files`.
    pub(crate) fn key(&self, files: &Files) -> Outcome<Option<Key>> {
        let read = |path: &PathBuf| read_audit_key(path, files).map_err(|error| refused(&error));
        self.key_file.as_ref().map(read).transpose()
    }
}

/// Opens the database that the arguments name, in this process: of files, or empty in memory.
pub(crate) fn open(arguments: &Arguments) -> Outcome<Arc<Database>> {
    let options = options(arguments);
    if arguments.memory {
        return Ok(Database::open(options)?);
    }
    let files = arguments.files.files()?;
    if arguments.command.only_looks() {
        check_presence(&files)?;
    }
    bear_file_limits()?;
    Database::open_files(&options, files).map_err(|error| refused(&error))
}

/// A file that reaches the limit of its size is an error of that write from now on, not the end of the process.
pub(crate) fn bear_file_limits() -> Outcome<()> {
    let ignored = Arc::new(AtomicBool::new(false));
    let registered = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, ignored);
    registered.map(drop).map_err(|error| {
        Failure::new(SqlState::IoError, format!("could not ignore SIGXFSZ: {error}"))
    })
}

/// How a database in this process is opened, beside its files.
pub(crate) fn options(arguments: &Arguments) -> Options {
    let memory_limit_bytes = arguments.memory_limit.or_else(memory_limit::default_bytes);
    Options { memory_limit_bytes, ..Options::default() }
}

/// Why files could not be opened; what was given wrongly ends the process with status 2.
pub(crate) fn refused(error: &OpenError) -> Failure {
    if error.kind() == OpenErrorKind::Usage {
        Arguments::command().error(ErrorKind::ValueValidation, error).exit();
    }
    Failure::of_open(error)
}

/// A command that only looks at a database does not make one: a path with a mistake in it would be well.
fn check_presence(files: &Files) -> Outcome<()> {
    let is_there = files.paths().any(|path| fs::symlink_metadata(path).is_ok())
        || files.wal.as_deref().is_some_and(has_segments);
    match files.paths().next() {
        Some(path) if !is_there => Err(Failure::new(
            SqlState::IoError,
            format!("there is no database: {} is not there", path.display()),
        )),
        _ => Ok(()),
    }
}

/// Whether the log called `wal` has files.
fn has_segments(wal: &Path) -> bool {
    let (Some(directory), Some(name)) = (wal.parent(), wal.file_name()) else { return false };
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let prefix = [name.as_encoded_bytes(), b"."].concat();
    let is_segment = |entry: io::Result<fs::DirEntry>| {
        entry.is_ok_and(|entry| entry.file_name().as_encoded_bytes().starts_with(&prefix))
    };
    fs::read_dir(directory).is_ok_and(|mut entries| entries.any(is_segment))
}
