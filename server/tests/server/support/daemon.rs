//! The daemon as a child process, and what it holds.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};

use spg_wire::client::{Client, Config};

use super::{Raw, wait_until};

/// A daemon on a free port; ended when dropped.
pub(crate) struct Daemon {
    child: Child,
    address: String,
}

/// What a process holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holding {
    pub(crate) memory_bytes: usize,
    pub(crate) threads: usize,
    pub(crate) descriptors: usize,
}

impl Daemon {
    /// Starts one with further arguments.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::spawn(Self::command().arg("127.0.0.1:0").args(arguments))
    }

    /// Starts one that a shell has put under limits: `ulimit -n 32`.
    pub(crate) fn start_limited(limits: &str, arguments: &[&str]) -> Self {
        let program = env!("CARGO_BIN_EXE_spg-server");
        let script = format!("{limits}; exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &script, program, "127.0.0.1:0"]).args(arguments);
        Self::spawn(&mut command)
    }

    /// The daemon's command, without variables of the test's own.
    pub(crate) fn command() -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spg-server"));
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("SPG_") || variable == "RUST_LOG" {
                command.env_remove(variable);
            }
        }
        command
    }

    /// Starts a command and waits until it says where it listens.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .env("SPG_LOG", "warn")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.strip_prefix("spg-server listens on ").unwrap().trim().to_owned();
        let daemon = Self { child, address };
        // It listens before it is ready.
        wait_until("the daemon is ready", || Client::connect(daemon.address()).is_ok());
        daemon.wait_for_connections(0);
        daemon
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// A connection.
    pub(crate) fn client(&self) -> Client {
        Client::connect(self.address()).unwrap()
    }

    /// A connection that takes up a named session.
    pub(crate) fn session(&self, name: &str) -> Client {
        Client::connect(Config::new(self.address()).session(name)).unwrap()
    }

    /// A socket without any rules.
    pub(crate) fn raw(&self) -> Raw {
        Raw::connect(self.address())
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        self.signal_each(&[name]);
    }

    /// Sends signals by name, one right behind the other.
    pub(crate) fn signal_each(&self, names: &[&str]) {
        let kill = |name: &&str| format!("kill -{name} {}", self.child.id());
        let script = names.iter().map(kill).collect::<Vec<_>>().join(" && ");
        assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
    }

    /// Ends it as a power cut would, as far as a process can be ended so.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Its number.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Ends it in order.
    pub(crate) fn stop(&mut self) {
        self.signal("TERM");
        assert_eq!(self.wait().code(), Some(0));
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        wait_until("the daemon has ended", || {
            status = self.ended();
            status.is_some()
        });
        status.unwrap()
    }

    /// What it ended with, if it has ended.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// What it holds now.
    pub(crate) fn holding(&self) -> Holding {
        let directory = format!("/proc/{}", self.child.id());
        let mut status = String::new();
        let file = std::fs::File::open(format!("{directory}/status")).unwrap();
        BufReader::new(file).read_to_string(&mut status).unwrap();
        let field = |name: &str| -> usize {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        Holding {
            memory_bytes: field("VmRSS:") << 10,
            threads: field("Threads:"),
            descriptors: std::fs::read_dir(format!("{directory}/fd")).unwrap().count(),
        }
    }

    /// Waits until it holds no more threads and descriptors than `before`, and hardly more memory; and still serves.
    pub(crate) fn wait_for_return(&self, before: &Holding) {
        // What an allocator keeps of what it was given back, for two cores' worth of arenas.
        let spare = 24 << 20;
        wait_until(&format!("the daemon is back at {before:?}"), || {
            let now = self.holding();
            now.threads <= before.threads
                && now.descriptors <= before.descriptors
                && now.memory_bytes <= before.memory_bytes + spare
        });
        assert_eq!(self.client().query_one("SELECT 1", &[]).unwrap().get::<i32>(0), 1);
    }

    /// Waits until there are so many connections besides the one that asks.
    pub(crate) fn wait_for_connections(&self, count: u64) {
        let mut client = self.client();
        wait_until(&format!("there are {count} connections"), || {
            super::figure(&mut client, "connections") == count + 1
        });
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
