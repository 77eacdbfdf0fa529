//! The real daemon as a child process.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::SystemTime;
use std::{env, fs};

use crate::support::{Run, spg_in};

/// A daemon on a free port; killed when dropped.
pub(crate) struct Daemon {
    child: Child,
    /// Where it listens.
    pub(crate) address: String,
}

impl Daemon {
    /// Starts one.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_at("127.0.0.1:0", arguments)
    }

    /// Starts one at `address`; it serves.
    pub(crate) fn start_at(address: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(binary())
            .arg(address)
            .args(arguments)
            .env_remove("SPG_ADDR")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit(' ').next().unwrap().to_owned();
        assert!(address.starts_with("127.0.0.1:"), "{line}");
        let daemon = Self { child, address };
        let ready = daemon.spg(&["ping", "--ready"]);
        assert_eq!(ready.status, 0, "{ready:?}");
        daemon
    }

    /// Runs `spg` against it.
    pub(crate) fn spg(&self, arguments: &[&str]) -> Run {
        self.spg_in(&env::temp_dir(), arguments, "")
    }

    /// Runs `spg` against it in `directory`, with `input` on standard input.
    pub(crate) fn spg_in(&self, directory: &Path, arguments: &[&str], input: &str) -> Run {
        spg_in(directory, &[&["--addr", &self.address], arguments].concat(), input)
    }

    /// Ends it at once, as a crash would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Lets it hang: it is there, and does nothing.
    pub(crate) fn hang(&self) {
        signal("STOP", self.child.id());
        let tasks = format!("/proc/{}/task", self.child.id());
        let is_stopped = |task: fs::DirEntry| {
            let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
            status.contains("State:\tT")
        };
        // Each thread stops by itself.
        while !fs::read_dir(&tasks).unwrap().flatten().all(is_stopped) {
            std::thread::yield_now();
        }
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(&mut self) {
        signal("TERM", self.child.id());
        self.child.wait().unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Sends a signal. By the shell: small systems have no program for it.
pub(crate) fn signal(name: &str, process: u32) {
    let sent = Command::new("sh").args(["-c", &format!("kill -s {name} {process}")]).status();
    assert!(sent.unwrap().success());
}

/// The daemon beside `spg`. A test of the whole workspace has built it; one of this package alone may have to.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let binary = Path::new(env!("CARGO_BIN_EXE_spg")).with_file_name("spg-server");
        if !is_fresh(&binary) {
            build(binary.parent().unwrap());
        }
        binary
    })
}

/// Whether it is there and no source that it was made of is younger.
fn is_fresh(binary: &Path) -> bool {
    let modified = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    let Some(built) = modified(binary) else { return false };
    let Ok(sources) = fs::read_to_string(binary.with_extension("d")) else { return false };
    let is_older = |time: Option<SystemTime>| time.is_some_and(|time| time <= built);
    sources.split_whitespace().skip(1).all(|source| is_older(modified(Path::new(source))))
}

fn build(directory: &Path) {
    let profile = match directory.file_name().and_then(|name| name.to_str()).unwrap() {
        "debug" => "dev",
        other => other,
    };
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "spg-server", "--profile", profile])
        .arg("--target-dir")
        .arg(directory.parent().unwrap())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .unwrap();
    assert!(built.success(), "spg-server could not be built");
}
