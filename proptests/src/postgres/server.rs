//! A PostgreSQL 15 server that lives as long as its value: a temporary folder, a Unix socket, no network.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use super::client::Client;

/// A running server.
#[derive(Debug)]
pub struct Server {
    binaries: PathBuf,
    folder: PathBuf,
    /// User and group to run as where we are root, which PostgreSQL refuses to be.
    user: Option<(u32, u32)>,
}

impl Server {
    /// Starts a server; None (after saying so) where there is no PostgreSQL 15.
    pub fn start() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let Some(binaries) = find_binaries() else {
            crate::skip::skip("PostgreSQL 15");
            return None;
        };
        let name =
            format!("spg-pg-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("the temporary folder can be written");
        let user = user_instead_of_root(&folder);
        if let Some((uid, gid)) = user {
            chown(&folder, Some(uid), Some(gid)).expect("root may give a folder away");
        }
        let server = Self { binaries, folder, user };
        server.run(
            "initdb",
            &[
                "-A",
                "trust",
                "-U",
                "spg",
                "-N",
                "-E",
                "UTF8",
                "--lc-collate=C",
                "--lc-ctype=C.UTF-8",
                "--lc-messages=C",
            ],
        );
        let options =
            format!("-F -c listen_addresses= -c max_connections=20 -k {}", server.folder.display());
        server.run("pg_ctl", &["-w", "-s", "-l", &server.path("log"), "-o", &options, "start"]);
        Some(server)
    }

    /// A new session in a database without tables.
    pub fn connect(&self) -> Client {
        let mut client = self.join();
        client.query("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
        client
    }

    /// A new session beside those that there are.
    pub fn join(&self) -> Client {
        Client::connect(&self.folder.join(".s.PGSQL.5432"))
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let mut command = Command::new(self.binaries.join(program));
        command.arg("-D").arg(self.folder.join("data")).args(arguments).current_dir(&self.folder);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        let status = command.status().expect("PostgreSQL's programs can be started");
        assert!(status.success(), "{program} failed: {status}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.folder.join("data/postmaster.pid").exists() {
            self.run("pg_ctl", &["-w", "-s", "-m", "immediate", "stop"]);
        }
        // What is left in a temporary folder harms nobody.
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// The folder of PostgreSQL 15's programs.
fn find_binaries() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = PathBuf::from("/usr/lib/postgresql/15/bin");
    std::iter::once(usual).chain(std::env::split_paths(&path)).find(|folder| is_version_15(folder))
}

fn is_version_15(folder: &Path) -> bool {
    let output = Command::new(folder.join("postgres")).arg("--version").output();
    let has_initdb = folder.join("initdb").exists() && folder.join("pg_ctl").exists();
    has_initdb
        && output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(" 15."))
}

/// Where we are root (a folder we made belongs to 0): the user `postgres` or `nobody`.
fn user_instead_of_root(folder: &Path) -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt as _;
    if std::fs::metadata(folder).expect("the folder was just made").uid() != 0 {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").expect("users are listed");
    let find = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    find("postgres").or_else(|| find("nobody"))
}
