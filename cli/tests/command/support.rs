//! Runs the real `spg` and looks at what it wrote.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Run {
    /// Exit status.
    pub(crate) status: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

/// Runs `spg` with `arguments` in `directory` and `input` on standard input.
pub(crate) fn spg_in(directory: &Path, arguments: &[&str], input: &str) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_spg"))
        .args(arguments)
        .current_dir(directory)
        .env_remove("RUST_LOG")
        .env_remove("SPG_ADDR")
        .env_remove("SPG_SESSION")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // Beside the reading, so that neither side waits for the other; one that ends early does not read it all.
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).ok());
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Run {
        status: status.code().unwrap(),
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
    }
}

/// Runs `spg` anywhere, without input.
pub(crate) fn spg(arguments: &[&str]) -> Run {
    spg_in(&std::env::temp_dir(), arguments, "")
}
