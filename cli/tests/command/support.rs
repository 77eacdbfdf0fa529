//! Runs the real `spg` and looks at what it wrote.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Output, Stdio};

use crate::daemon::Daemon;

/// What a run left behind.
#[derive(Debug, PartialEq, Eq)]
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
    let mut child = command(arguments).current_dir(directory).spawn().unwrap();
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

/// `spg` with `arguments`, pipes on all sides, and nothing of the environment that would change what it does.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spg"));
    command
        .args(arguments)
        .env_remove("RUST_LOG")
        .env_remove("SPG_ADDR")
        .env_remove("SPG_SESSION")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs `spg` anywhere, without input.
pub(crate) fn spg(arguments: &[&str]) -> Run {
    spg_in(&std::env::temp_dir(), arguments, "")
}

/// Runs `spg`, whose `arguments` have `--memory`, in its own process and against a daemon: both write the same.
pub(crate) fn spg_both(directory: &Path, arguments: &[&str], input: &str) -> Run {
    let own = spg_in(directory, arguments, input);
    let daemon = Daemon::start(&[]);
    let arguments: Vec<&str> =
        arguments.iter().copied().filter(|argument| *argument != "--memory").collect();
    let served = daemon.spg_in(directory, &arguments, input);
    assert_eq!(served, own, "{arguments:?} {input}");
    own
}

/// A `spg` that is spoken to while it runs.
pub(crate) struct Conversation {
    /// The process.
    pub(crate) child: Child,
    input: Option<ChildStdin>,
    out: BufReader<ChildStdout>,
    err: BufReader<ChildStderr>,
}

impl Conversation {
    /// Starts `spg` with `arguments`.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = command(arguments).spawn().unwrap();
        let input = child.stdin.take();
        let out = BufReader::new(child.stdout.take().unwrap());
        let err = BufReader::new(child.stderr.take().unwrap());
        Self { child, input, out, err }
    }

    /// Writes to its standard input; it may have ended.
    pub(crate) fn write(&mut self, text: &str) {
        self.input.as_mut().unwrap().write_all(text.as_bytes()).ok();
    }

    /// Writes a line and reads one of the answer.
    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.write(&format!("{line}\n"));
        self.line()
    }

    /// The next line of standard output; empty at its end.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line
    }

    /// The next line of standard error; empty at its end.
    pub(crate) fn err_line(&mut self) -> String {
        let mut line = String::new();
        self.err.read_line(&mut line).unwrap();
        line
    }

    /// Ends its input; what it writes from then on.
    pub(crate) fn finish(mut self) -> Run {
        drop(self.input.take());
        let (mut out, mut err) = (String::new(), String::new());
        self.out.read_to_string(&mut out).unwrap();
        self.err.read_to_string(&mut err).unwrap();
        Run { status: self.child.wait().unwrap().code().unwrap_or(-1), out, err }
    }
}
