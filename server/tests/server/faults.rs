//! The real daemon on disks that fail: system calls that strace makes fail, a disk that is full, the power cut.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use spg_wire::client::Client;

use crate::support::{Daemon, Stored, has_program, ids, not_permitted, refusal};

/// What became of the inserts under a fault.
#[derive(Debug, Default)]
struct Outcome {
    acknowledged: Vec<i32>,
    /// Their transactions may or may not have happened.
    unknown: Vec<i32>,
    /// SQLSTATEs of the errors.
    codes: Vec<String>,
}

/// Errors after which nothing further is tried.
const ERRORS_MAX: usize = 20;

/// Inserts numbers until enough or the connection is lost; every tenth statement is a checkpoint.
fn insert(client: &mut Client, ids: std::ops::Range<i32>) -> Outcome {
    let mut outcome = Outcome::default();
    for id in ids {
        if id % 10 == 9 && client.batch_execute("CHECKPOINT").is_err() && client.is_closed() {
            return outcome;
        }
        match client.execute("INSERT INTO t VALUES ($1)", &[&id]) {
            Ok(_) => outcome.acknowledged.push(id),
            Err(error) => {
                let code = error.code();
                if code.starts_with("08") {
                    outcome.unknown.push(id);
                }
                outcome.codes.push(code);
                if client.is_closed() || outcome.codes.len() > ERRORS_MAX {
                    return outcome;
                }
            }
        }
    }
    outcome
}

/// A database of one row.
fn database() -> Stored {
    let stored = Stored::new();
    let mut daemon = stored.start(&[]);
    daemon
        .client()
        .batch_execute("CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (0)")
        .unwrap();
    daemon.stop();
    stored
}

/// strace in front of the daemon, which stays this process's own child: `calls` that touch `paths` fail as `how` says.
fn traced(stored: &Stored, calls: &str, how: &str, paths: &[PathBuf]) -> Daemon {
    let mut command = Command::new("strace");
    command.args(["-D", "-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={calls}")]);
    command.args(["-e", &format!("inject={calls}:{how}")]);
    for path in paths {
        command.arg("-P").arg(path);
    }
    command.arg("--").arg(env!("CARGO_BIN_EXE_spg-server"));
    command.arg("127.0.0.1:0").arg("--data-dir").arg(stored.path());
    Daemon::spawn(&mut command)
}

fn can_trace() -> bool {
    if !has_program("strace", "--version") {
        return false;
    }
    let probe = Command::new("strace").args(["-D", "-f", "-o", "/dev/null", "true"]).status();
    let is_permitted = probe.is_ok_and(|status| status.success());
    if !is_permitted {
        not_permitted("ptrace");
    }
    is_permitted
}

/// After a restart: all that was acknowledged, nothing that was refused, and writes work.
fn check(stored: &Stored, outcome: &Outcome) {
    let daemon = stored.start(&[]);
    let mut client = daemon.client();
    let left = ids(&mut client);
    for id in &outcome.acknowledged {
        assert!(left.contains(id), "{id} was acknowledged: {left:?}, {outcome:?}");
    }
    for id in &left {
        let is_explained =
            *id == 0 || outcome.acknowledged.contains(id) || outcome.unknown.contains(id);
        assert!(is_explained, "{id} was refused: {left:?}, {outcome:?}");
    }
    client.execute("INSERT INTO t VALUES (-1)", &[]).unwrap();
    client.administer("verify", &[]).unwrap();
}

#[test]
fn a_failed_sync_of_the_log_stops_writes_until_a_restart() {
    if !can_trace() {
        return;
    }
    let stored = database();
    let mut daemon = traced(&stored, "fdatasync", "error=EIO:when=4", &stored.segments());
    let outcome = insert(&mut daemon.client(), 1..9);
    let codes: Vec<&str> = outcome.codes.iter().map(String::as_str).collect();
    assert_eq!(codes.first(), Some(&"08007"), "{outcome:?}");
    assert!(codes.len() > 1 && codes[1..].iter().all(|code| *code == "25006"), "{outcome:?}");
    assert_eq!(ids(&mut daemon.client()).len(), outcome.acknowledged.len() + 1);
    daemon.kill();
    check(&stored, &outcome);
}

#[test]
fn a_failed_write_to_the_log_is_an_error_of_its_statement_alone() {
    if !can_trace() {
        return;
    }
    for (how, expected) in [
        ("error=ENOSPC", "53100"),
        ("error=EDQUOT", "53100"),
        ("error=EIO", "58030"),
        ("retval=0", "58030"),
    ] {
        let stored = database();
        let how = format!("{how}:when=5");
        let mut daemon = traced(&stored, "pwrite64", &how, &stored.segments());
        let outcome = insert(&mut daemon.client(), 1..9);
        assert_eq!(outcome.codes, [expected], "{how}: {outcome:?}");
        daemon.kill();
        check(&stored, &outcome);
    }
}

#[test]
fn what_the_audit_log_could_not_take_follows_with_the_next_commit() {
    if !can_trace() {
        return;
    }
    let stored = database();
    let paths = [stored.file("audit.log")];
    let mut daemon = traced(&stored, "pwrite64", "error=ENOSPC:when=3", &paths);
    let outcome = insert(&mut daemon.client(), 1..9);
    assert!(outcome.codes.is_empty(), "the log has the entries: {outcome:?}");
    daemon.client().administer("audit-verify", &[]).unwrap();
    daemon.kill();
    check(&stored, &outcome);
}

#[test]
fn a_kill_at_any_call_leaves_what_was_acknowledged() {
    if !can_trace() {
        return;
    }
    // A start takes three syncs and four writes; what is killed before it is ready is the crash tests' to see.
    for (calls, nth) in [
        ("fdatasync", [4, 5, 6, 9]),
        ("pwrite64", [5, 6, 9, 16]),
        ("rename,renameat,renameat2", [1, 2, 3, 4]),
    ] {
        for nth in nth {
            let stored = database();
            let paths = match calls {
                "fdatasync" | "pwrite64" => stored.segments(),
                // Renaming is what a checkpoint does, whichever the path.
                _ => Vec::new(),
            };
            let how = format!("signal=KILL:when={nth}");
            let mut daemon = traced(&stored, calls, &how, &paths);
            let outcome = insert(&mut daemon.client(), 1..60);
            assert!(
                !outcome.unknown.is_empty() || outcome.acknowledged.len() < 59,
                "{calls} {nth}: {outcome:?}"
            );
            daemon.kill();
            check(&stored, &outcome);
        }
    }
}

#[test]
fn a_write_that_the_disk_only_pretends_is_found_at_the_next_start() {
    if !can_trace() {
        return;
    }
    let stored = database();
    let mut daemon = traced(&stored, "pwrite64", "retval=8:when=5", &stored.segments());
    let outcome = insert(&mut daemon.client(), 1..9);
    assert!(outcome.codes.is_empty(), "{outcome:?}");
    daemon.kill();
    let (status, line) = refusal(&mut stored.command(&[]));
    assert_eq!(status, 4, "{line}");
    assert!(
        line.contains("wal.log.") && line.contains("offset") && line.contains("--recover-to"),
        "{line}"
    );
}

/// A file system of the test's own, gone when dropped.
struct Mount(tempfile::TempDir);

impl Mount {
    /// None after saying that this machine does not let anybody mount.
    fn new(arguments: &[&str]) -> Option<Self> {
        let mount = Self(tempfile::tempdir().unwrap());
        mount.again(arguments).then_some(mount)
    }

    fn again(&self, arguments: &[&str]) -> bool {
        let mounted = Command::new("mount").args(arguments).arg(self.0.path()).output();
        let is_mounted = mounted.is_ok_and(|output| output.status.success());
        if !is_mounted {
            not_permitted("mount");
        }
        is_mounted
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn unmount(&self) {
        let _ = Command::new("umount").arg(self.path()).output();
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).output();
    }
}

fn start(directory: &Path) -> Daemon {
    let mut command = Daemon::command();
    command.arg("127.0.0.1:0").arg("--data-dir").arg(directory);
    Daemon::spawn(command.args(["--wal-segment-size", "64KB"]))
}

#[test]
fn a_full_disk_refuses_writes_and_takes_them_again() {
    let Some(disk) = Mount::new(&["-t", "tmpfs", "-o", "size=1m", "tmpfs"]) else { return };
    let (directory, reserve) = (disk.path().join("data"), disk.path().join("reserve"));
    let mut daemon = start(&directory);
    fs::write(&reserve, vec![1; 256 << 10]).unwrap();
    let mut client = daemon.client();
    client.batch_execute("CREATE TABLE t (id INT PRIMARY KEY, filler TEXT)").unwrap();
    let filler = "x".repeat(8 << 10);
    let mut acknowledged = Vec::new();
    let mut refused = 0;
    for id in 0..200 {
        match client.execute("INSERT INTO t VALUES ($1, $2)", &[&id, &filler.as_str()]) {
            Ok(_) => acknowledged.push(id),
            Err(error) => {
                assert_eq!(error.code(), "53100", "{error}");
                refused += 1;
            }
        }
    }
    assert!(refused > 0 && !acknowledged.is_empty(), "{} of 200", acknowledged.len());
    assert_eq!(ids(&mut client), acknowledged);
    fs::remove_file(&reserve).unwrap();
    client.execute("INSERT INTO t VALUES (1000, 'small')", &[]).unwrap();
    acknowledged.push(1000);
    daemon.kill();
    let mut daemon = start(&directory);
    assert_eq!(ids(&mut daemon.client()), acknowledged);
    daemon.client().administer("audit-verify", &[]).unwrap();
    daemon.kill();
}

#[test]
fn a_backup_that_a_disk_has_no_room_for_leaves_nothing() {
    let Some(disk) = Mount::new(&["-t", "tmpfs", "-o", "size=1m", "tmpfs"]) else { return };
    let home = tempfile::tempdir().unwrap();
    let mut daemon = start(&home.path().join("data"));
    let mut client = daemon.client();
    client.batch_execute("CREATE TABLE t (id INT PRIMARY KEY, filler TEXT)").unwrap();
    let filler = "x".repeat(8 << 10);
    for id in 0..200 {
        client.execute("INSERT INTO t VALUES ($1, $2)", &[&id, &filler.as_str()]).unwrap();
    }
    let target = disk.path().join("backup");
    let directory = ["directory", target.to_str().unwrap()];
    let refused = client.administer("backup", &[directory.into()]).unwrap_err();
    assert_eq!(refused.code(), "53100", "{refused}");
    assert!(refused.to_string().contains(directory[1]), "it names the place: {refused}");
    assert_eq!(fs::read_dir(&target).unwrap().count(), 0, "nothing that looks like a backup");
    assert!(disk.again(&["-o", "remount,size=16m"]));
    client.administer("backup", &[directory.into()]).unwrap();
    daemon.kill();
}

/// Cuts the power of a file system: `FS_IOC_SHUTDOWN` without writing its journal.
const POWER_CUT: &str = "
import fcntl, os, struct, sys
directory = os.open(sys.argv[1], os.O_RDONLY)
fcntl.ioctl(directory, 0x8004587d, struct.pack('I', 2))
";

#[test]
fn what_was_acknowledged_survives_a_power_cut() {
    if !has_program("mkfs.ext4", "-V") || !has_program("python3", "--version") {
        return;
    }
    let image = tempfile::tempdir().unwrap();
    let image = image.path().join("disk");
    File::create(&image).unwrap().set_len(48 << 20).unwrap();
    let made = Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&image).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let arguments = ["-o", "loop", image.to_str().unwrap()];
    let Some(disk) = Mount::new(&arguments) else { return };
    let directory = disk.path().join("data");
    let mut next = 0;
    let mut acknowledged = Vec::new();
    for round in 0..3 {
        let mut daemon = start(&directory);
        let mut client = daemon.client();
        if round == 0 {
            client.batch_execute("CREATE TABLE t (id INT PRIMARY KEY)").unwrap();
        }
        let left = ids(&mut client);
        assert!(acknowledged.iter().all(|id| left.contains(id)), "round {round}: {left:?}");
        let cut = std::thread::spawn({
            let path = disk.path().to_owned();
            move || {
                std::thread::sleep(std::time::Duration::from_millis(150));
                Command::new("python3").arg("-c").arg(POWER_CUT).arg(path).output().unwrap()
            }
        });
        acknowledged = left;
        let outcome = insert(&mut client, next..next + 100_000);
        acknowledged.extend(&outcome.acknowledged);
        next += 100_000;
        let cut = cut.join().unwrap();
        daemon.kill();
        disk.unmount();
        if !cut.status.success() {
            return not_permitted("FS_IOC_SHUTDOWN");
        }
        assert!(!outcome.acknowledged.is_empty(), "round {round}");
        if !disk.again(&arguments) {
            return;
        }
    }
    let mut daemon = start(&directory);
    let left = ids(&mut daemon.client());
    assert!(acknowledged.iter().all(|id| left.contains(id)));
    daemon.client().administer("verify", &[]).unwrap();
    daemon.kill();
    disk.unmount();
}
