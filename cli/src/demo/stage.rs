//! The daemon that the demo runs in its own process, on files in a directory that goes with it.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use spg_engine::durability::Files;
use spg_engine::{Database, Options, SqlState};
use spg_server::{Server, Stopper};

use crate::connect::{Address, CONNECT_TIMEOUT};
use crate::failure::{Failure, Outcome};
use crate::target::{Remote, Target};

/// The exit status of a process that a signal ended is this and its number, as shells have it.
const SIGNALLED_STATUS: i32 = 128;

/// Nobody else looks into what the demo shows its user.
const DIRECTORY_MODE: u32 = 0o700;

/// How long a directory is tried to be removed that somebody still writes into.
const REMOVAL_ATTEMPTS: u32 = 20;

/// A daemon in this process.
pub(super) struct Stage {
    directory: tempfile::TempDir,
    /// Where it listens.
    pub(super) address: Address,
    stopper: Stopper,
    server: JoinHandle<Result<(), String>>,
    /// Whether Ctrl-C is the shell's.
    is_shell: Arc<AtomicBool>,
}

impl Stage {
    /// Starts it; what it keeps is gone at the end, also when a signal ends the process.
    pub(super) fn open() -> Outcome<Self> {
        let failed = |what: &str| {
            let what = what.to_owned();
            move |error: io::Error| {
                Failure::new(SqlState::IoError, format!("could not {what}: {error}"))
            }
        };
        let directory = tempfile::Builder::new()
            .prefix("spg-demo-")
            .permissions(fs::Permissions::from_mode(DIRECTORY_MODE))
            .tempdir()
            .map_err(failed("make a temporary directory"))?;
        let is_shell = Arc::new(AtomicBool::new(false));
        clean_up_on_signals(directory.path().to_owned(), Arc::clone(&is_shell))
            .map_err(failed("watch signals"))?;
        let options = spg_server::Options {
            addresses: vec![([127, 0, 0, 1], 0).into()],
            ..spg_server::Options::default()
        };
        let server = Server::bind(options).map_err(failed("listen on the loopback"))?;
        let address = Address { text: server.address().to_string(), session: None };
        let stopper = server.stopper();
        let files = Files::in_directory(&data_directory(directory.path()));
        let open = move || Database::open_files(&Options::default(), files);
        let server = thread::Builder::new()
            .name("demo-server".to_owned())
            .spawn(move || server.run(open).map_err(|error| error.to_string()))
            .map_err(failed("start a thread"))?;
        let stage = Self { directory, address, stopper, server, is_shell };
        stage.wait_until_ready()?;
        Ok(stage)
    }

    /// A session.
    pub(super) fn target(&self) -> Outcome<Target> {
        let client = self.address.connect(CONNECT_TIMEOUT)?;
        Ok(Target::Remote(Box::new(Remote::new(client, self.address.clone()))))
    }

    /// A directory for files of the demo's own.
    pub(super) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The audit log.
    pub(super) fn audit_log(&self) -> PathBuf {
        data_directory(self.directory.path()).join("audit.log")
    }

    /// From now on Ctrl-C ends a statement and not the process.
    pub(super) fn open_to_shell(&self) {
        self.is_shell.store(true, Ordering::Relaxed);
    }

    /// Ends it in order, and takes its files away.
    pub(super) fn close(self) -> Outcome<()> {
        self.stopper.stop();
        let ended = self.server.join();
        if let Ok(Err(error)) = ended {
            return Err(Failure::new(SqlState::IoError, error));
        }
        self.directory.close().map_err(|error| {
            Failure::new(SqlState::IoError, format!("could not remove the demo's files: {error}"))
        })
    }

    /// It answers before it has opened its files.
    fn wait_until_ready(&self) -> Outcome<()> {
        loop {
            match self.target() {
                Ok(_) => return Ok(()),
                Err(failure) if failure.code() == "57P03" && !self.server.is_finished() => {
                    thread::sleep(Duration::from_millis(5));
                }
                Err(failure) => return Err(failure),
            }
        }
    }
}

fn data_directory(directory: &Path) -> PathBuf {
    directory.join("data")
}

/// A signal ends the process as ever, but not without taking the files away.
fn clean_up_on_signals(directory: PathBuf, is_shell: Arc<AtomicBool>) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let clean_up = move || {
        for signal in signals.forever() {
            if signal == SIGINT && is_shell.load(Ordering::Relaxed) {
                continue;
            }
            // The daemon may make a file while the directory is emptied.
            for _ in 0..REMOVAL_ATTEMPTS {
                if fs::remove_dir_all(&directory).is_ok() {
                    break;
                }
                thread::sleep(Duration::from_millis(5));
            }
            std::process::exit(SIGNALLED_STATUS + signal);
        }
    };
    thread::Builder::new().name("demo-signals".to_owned()).spawn(clean_up).map(drop)
}
