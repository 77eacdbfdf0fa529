//! Databases with files: made, copied, changed, opened, refused.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use spg_wire::client::Client;

use super::{Daemon, PATIENCE};

/// A database in a data directory of its own.
pub(crate) struct Stored {
    directory: tempfile::TempDir,
}

impl Stored {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    /// The data directory, as the daemon knows it.
    pub(crate) fn path(&self) -> PathBuf {
        fs::canonicalize(self.directory.path()).unwrap().join("data")
    }

    /// One of its files.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// The segments of its log.
    pub(crate) fn segments(&self) -> Vec<PathBuf> {
        let names = fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().path());
        let mut segments: Vec<PathBuf> = names
            .filter(|path| {
                let name = path.file_name().unwrap().to_str().unwrap();
                name.starts_with("wal.log.") && name != "wal.log.lock"
            })
            .collect();
        segments.sort();
        segments
    }

    /// Another with the same files.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::new();
        fs::create_dir(copy.path()).unwrap();
        for entry in fs::read_dir(self.path()).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, copy.file(path.file_name().unwrap().to_str().unwrap())).unwrap();
        }
        copy
    }

    /// The command that opens it.
    pub(crate) fn command(&self, options: &[&str]) -> Command {
        let mut command = Daemon::command();
        command.arg("127.0.0.1:0").arg("--data-dir").arg(self.path()).args(options);
        command
    }

    /// Opens it.
    pub(crate) fn start(&self, options: &[&str]) -> Daemon {
        Daemon::spawn(&mut self.command(options))
    }
}

/// How a daemon that must not start ends: its exit status, and the last line it says.
pub(crate) fn refusal(command: &mut Command) -> (i32, String) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let begin = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begin.elapsed() > PATIENCE {
            let _ = child.kill();
            panic!("it starts");
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    };
    let mut text = String::new();
    child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    (status.code().unwrap_or(-1), text.lines().last().unwrap_or_default().to_owned())
}

/// The numbers in `t`, in order.
pub(crate) fn ids(client: &mut Client) -> Vec<i32> {
    let rows = client.query("SELECT id FROM t ORDER BY id", &[]).unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Changes a byte of a file.
pub(crate) fn flip(path: &Path, offset: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[offset] ^= 1;
    fs::write(path, bytes).unwrap();
}
