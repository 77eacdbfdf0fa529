//! `spg-server`: the daemon.
//!
//! Exit status: 0 stopped, 1 cannot start or not closed in order, 2 usage, 4 files damaged or tampered with.

mod arguments;
mod command_line;
mod file_arguments;
mod init_scripts;
mod logging;
/// Sizes are written, and the machine's memory is found, as by the command line: one source for both.
#[path = "../../cli/src/command_line/memory_limit.rs"]
mod memory_limit;
mod signals;
mod supervisor;

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use signal_hook::consts::SIGXFSZ;
use spg_engine::durability::{Files, read_audit_key};
use spg_engine::open_error::OpenErrorKind;
use spg_engine::{Database, Options};
use spg_server::{RunError, Server, limits};

use crate::arguments::Arguments;
use crate::init_scripts::Interrupted;

/// Chosen by measurement: BENCHMARKS.md, "Allocator".
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let arguments = Arguments::read();
    logging::start(&arguments.log_levels, arguments.log_format);
    match serve(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err((STOPPED, message)) => {
            log::warn!("{message}");
            ExitCode::SUCCESS
        }
        Err((status, message)) => {
            if log::log_enabled!(log::Level::Error) {
                log::error!("{message}");
            } else {
                // Whoever wants no log wants to know this all the same; if nobody can be told, the status tells.
                let _ = writeln!(io::stderr(), "spg-server: {message}");
            }
            ExitCode::from(status)
        }
    }
}

/// Stopped before it was ready.
const STOPPED: u8 = 0;

/// Cannot start; or could not end in order.
const FAILED: u8 = 1;
/// Wrong usage, found when the files were looked at.
const USAGE: u8 = 2;
/// Files are not what they should be.
const DAMAGED: u8 = 4;

/// An exit status, and in one line what is wrong and what to do.
type Failure = (u8, String);

fn cannot_start(message: impl std::fmt::Display) -> Failure {
    (FAILED, format!("cannot start: {message}"))
}

/// Serves until a signal ends it.
fn serve(arguments: &Arguments) -> Result<(), Failure> {
    // Whoever writes beyond a limit on the size of files gets an error (53100), not the end of the process.
    signal_hook::flag::register(SIGXFSZ, Arc::default())
        .map_err(|error| cannot_start(format!("could not ignore SIGXFSZ: {error}")))?;
    let server = Server::bind(arguments.options.clone()).map_err(|error| {
        let hint = match error.kind() {
            io::ErrorKind::AddrInUse => {
                "; another server listens there: end it, or give another address"
            }
            io::ErrorKind::PermissionDenied => "; give a port from 1024 on",
            io::ErrorKind::AddrNotAvailable => "; give an address of this machine",
            _ => "",
        };
        cannot_start(format!("could not listen on {}: {error}{hint}", arguments.address))
    })?;
    let interrupted = Arc::new(Interrupted::default());
    signals::end_on_signals(server.stopper(), Arc::clone(&interrupted))
        .map_err(|error| cannot_start(format!("could not watch signals: {error}")))?;
    let address = server.address();
    if let Err(error) = writeln!(io::stdout(), "spg-server listens on {address}") {
        log::warn!("could not say on standard output that it listens on {address}: {error}");
    }
    let ended = server.run(|| {
        let database = open(arguments)?;
        if let Some(directory) = &arguments.init_dir {
            init_scripts::run(directory, &database, &interrupted).map_err(|message| {
                if interrupted.is_given() {
                    return (STOPPED, format!("stopped before it was ready: {message}"));
                }
                cannot_start(message)
            })?;
        }
        log::info!("ready on {address}; {}", what_is_kept(arguments.files.as_ref()));
        supervisor::notify("READY=1");
        Ok(database)
    });
    ended.map_err(|error| match error {
        RunError::Open(failure) => failure,
        RunError::Io(error) => cannot_start(error),
        RunError::Close(error) => (FAILED, format!("stopped, but not in order: {error}")),
    })?;
    log::info!("stopped");
    Ok(())
}

fn open(arguments: &Arguments) -> Result<Arc<Database>, Failure> {
    let memory_limit_bytes = arguments.memory_limit.or_else(memory_limit::default_bytes);
    let session_defaults = arguments.session_defaults.clone();
    let options = Options { memory_limit_bytes, session_defaults, ..Options::default() };
    let Some(files) = &arguments.files else {
        return Database::open(options).map_err(cannot_start);
    };
    let mut files = files.clone();
    let key = arguments.key_file.as_deref().map(|path| read_audit_key(path, &files)).transpose();
    key.and_then(|key| {
        files.audit_key = key;
        Database::open_files(&options, files)
    })
    .map_err(|error| {
        let (_, message) = cannot_start(&error);
        (status_of(error.kind()), message)
    })
}

fn status_of(kind: OpenErrorKind) -> u8 {
    match kind {
        OpenErrorKind::Usage => USAGE,
        kind if kind.is_damage() => DAMAGED,
        _ => FAILED,
    }
}

/// What a commit is worth, and where it is.
fn what_is_kept(files: Option<&Files>) -> String {
    let Some(files) = files else {
        return "data is kept in memory and ends with the process".to_owned();
    };
    let mode = match (&files.db, &files.wal) {
        (Some(_), Some(_)) => "commits are durable in the write-ahead log",
        (Some(_), None) => "every commit writes the whole image",
        (None, _) => "data is kept in memory and ends with the process, its audit log stays",
    };
    let named = [("image", &files.db), ("audit log", &files.audit), ("log", &files.wal)];
    let paths: Vec<String> = named
        .into_iter()
        .filter_map(|(name, path)| path.as_ref().map(|path| (name, path)))
        .map(|(name, path)| format!("{name} {}", path.display()))
        .collect();
    format!("{mode}: {}", paths.join(", "))
}
