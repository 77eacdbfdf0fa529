//! The shell on a terminal, which `script` of util-linux makes for it.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use spg_proptests::skip::skip;

use crate::daemon::Daemon;

/// How long an answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A shell that is typed into.
pub(crate) struct Terminal {
    child: Child,
    keys: ChildStdin,
    shown: Receiver<Vec<u8>>,
    /// What was shown since this was cleared.
    pub(crate) text: String,
}

impl Terminal {
    /// Starts `spg --memory shell` at home in `home`; None, and a word about it, where there is no `script`.
    pub(crate) fn start(home: &Path, variables: &[(&str, &str)]) -> Option<Self> {
        Self::start_with("--memory shell", home, variables)
    }

    /// Starts `spg` with other arguments likewise.
    pub(crate) fn start_with(
        arguments: &str,
        home: &Path,
        variables: &[(&str, &str)],
    ) -> Option<Self> {
        // `exec`: Ctrl-C is for the shell under test alone, and none between it and `script` dies of it.
        // The terminal would have no size.
        let command =
            format!("stty rows 24 cols 80; exec {} {arguments}", env!("CARGO_BIN_EXE_spg"));
        let spawned = Command::new("script")
            .args(["-q", "-e", "-c", &command, "/dev/null"])
            .env("HOME", home)
            .env("SHELL", "/bin/sh")
            .env("TERM", "xterm")
            .env("PAGER", "cat")
            .env_remove("NO_COLOR")
            .env_remove("SPG_ADDR")
            .env_remove("SPG_SESSION")
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut child) = spawned else {
            skip("script of util-linux");
            return None;
        };
        let keys = child.stdin.take().unwrap();
        let mut out = child.stdout.take().unwrap();
        let (sender, shown) = channel();
        std::thread::spawn(move || {
            let mut piece = [0; 4_096];
            while let Ok(length) = out.read(&mut piece) {
                if length == 0 || sender.send(piece[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        let mut terminal = Self { child, keys, shown, text: String::new() };
        terminal.wait_for("spg=> ");
        Some(terminal)
    }

    /// Presses keys.
    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Types a line, and waits for `expected` and the prompt behind it; answers what was shown.
    pub(crate) fn ask(&mut self, line: &str, expected: &str) -> String {
        self.text.clear();
        self.press(&format!("{line}\r"));
        self.wait_for(expected);
        self.text.clone()
    }

    /// Waits until something is shown.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, expected: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.text.contains(expected) {
            let left = deadline.saturating_duration_since(Instant::now());
            let piece = self.shown.recv_timeout(left);
            assert!(piece.is_ok(), "waited for {expected:?}; shown: {}", self.text);
            self.text.push_str(&String::from_utf8_lossy(&piece.unwrap()));
        }
    }

    /// The status that the shell has ended with, if it has.
    pub(crate) fn status(&mut self) -> Option<i32> {
        self.child.try_wait().unwrap().and_then(|status| status.code())
    }

    /// Leaves; the shell ends with `status`.
    pub(crate) fn leave(mut self, status: i32) {
        self.press("\\q\r");
        assert_eq!(self.child.wait().unwrap().code(), Some(status));
    }
}

#[test]
fn statements_are_edited_shown_and_remembered() {
    let home = tempfile::tempdir().unwrap();
    let Some(mut terminal) = Terminal::start(home.path(), &[]) else { return };
    terminal.ask(
        "CREATE TABLE people (id INT PRIMARY KEY, name TEXT, CHECK (id > 0));",
        "CREATE TABLE\r\n",
    );
    terminal.ask("INSERT INTO people VALUES (1, NULL), (2, ''),", "spg-> ");
    terminal.ask("(3, E'\\x1b[31mred');", "INSERT 0 3");
    let shown = terminal.ask("SELECT id, name FROM people;", "(3 rows)");
    assert!(
        shown.contains("\u{1b}[2mNULL\u{1b}[0m"),
        "NULL is apart from the empty text: {shown:?}"
    );
    assert!(shown.contains("\\x1B[31mred"), "control characters are escaped: {shown:?}");
    let shown = terminal.ask("\\d people", "Check constraints:");
    for expected in
        ["Table \"public.people\"", "\"people_pkey\" PRIMARY KEY, btree (id)", "not null"]
    {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    terminal.ask("\\dt", "(1 row)");
    terminal.ask("\\x", "Expanded display is on.");
    terminal.ask("SELECT id, name FROM people WHERE id = 2;", "-[ RECORD 1 ]");
    terminal.ask("\\x", "Expanded display is off.");
    terminal.ask(".tables", "\\dt lists the tables.");
    // Completed by the tab key: a keyword, then a table.
    terminal.text.clear();
    terminal.press("SELECT count(*) FRO\t peo\t;\r");
    terminal.wait_for("    3\r\n(1 row)");
    terminal.text.clear();
    terminal.press("SELECT count(*) FROM information_schema.vi\t;\r");
    terminal.wait_for("(1 row)");
    terminal.text.clear();
    terminal.press("SHOW lock_t\t;\r");
    terminal.wait_for(" 30s\r\n");
    // The transaction's state is in the prompt.
    terminal.ask("BEGIN;", "spg=*> ");
    terminal.ask("SELECT 1 / 0;", "spg=!> ");
    terminal.ask("ROLLBACK;", "spg=> ");
    terminal.leave(1);
    let history = home.path().join(".spg_history");
    let mode = std::fs::metadata(&history).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "only its owner reads the history");
    assert!(std::fs::read_to_string(&history).unwrap().contains("SELECT id, name FROM people"));
}

#[test]
fn ctrl_c_ends_the_statement_and_not_the_shell() {
    let home = tempfile::tempdir().unwrap();
    let Some(mut terminal) = Terminal::start(home.path(), &[("NO_COLOR", "1")]) else { return };
    terminal.ask("CREATE TABLE n (i INT);", "CREATE TABLE\r\n");
    let rows: Vec<String> = (0..200).map(|row| format!("({row})")).collect();
    terminal.ask(&format!("INSERT INTO n VALUES {};", rows.join(",")), "INSERT 0 200");
    terminal.text.clear();
    terminal.press("SELECT count(*) FROM n a, n b, n c, n d, n e, n f;\r");
    // Nothing tells that it has begun, and before that Ctrl-C would clear the line only.
    terminal.wait_for("\n");
    std::thread::sleep(Duration::from_millis(300));
    terminal.press("\u{3}");
    terminal.wait_for("canceling statement due to user request");
    let shown = terminal.ask("SELECT NULL AS nothing, 40 + 2 AS answer;", "42");
    assert!(shown.contains(" NULL    |     42"), "NULL is told from the empty text: {shown:?}");
    assert!(!shown.contains("\u{1b}[2m") && !shown.contains("\u{1b}[1m"), "no colours: {shown:?}");
    terminal.leave(1);
}

/// Lines that come faster than prompts, as pasted ones do, are run one after the other.
#[test]
fn what_is_typed_ahead_is_run() {
    let home = tempfile::tempdir().unwrap();
    let Some(mut terminal) = Terminal::start(home.path(), &[]) else { return };
    terminal.press("SELECT 10 + 1 AS a;\r\rSELECT 20\r+ 2 AS b;\rSELECT 30 + 3 AS c;\r");
    for expected in ["11\r\n", "22\r\n", "33\r\n"] {
        terminal.wait_for(expected);
    }
    terminal.leave(0);
}

#[test]
fn a_statement_is_repeated_until_ctrl_c() {
    let home = tempfile::tempdir().unwrap();
    let Some(mut terminal) = Terminal::start(home.path(), &[]) else { return };
    terminal.ask("CREATE SEQUENCE s;", "CREATE SEQUENCE\r\n");
    terminal.ask("SELECT nextval('s') + 1000 AS drawn;", "1001");
    terminal.text.clear();
    terminal.press("\\watch 0.01\r");
    terminal.wait_for("1003");
    terminal.text.clear();
    terminal.press("\u{3}");
    terminal.wait_for("spg=> ");
    terminal.ask("SELECT 'still ' || 'here';", "still here");
    terminal.leave(0);
}

#[test]
fn a_lost_server_does_not_end_the_shell() {
    let home = tempfile::tempdir().unwrap();
    let mut daemon = Daemon::start(&[]);
    let address = daemon.address.clone();
    let arguments = format!("--addr {address} shell");
    let Some(mut terminal) = Terminal::start_with(&arguments, home.path(), &[]) else { return };
    terminal.ask("BEGIN;", "spg=*> ");
    daemon.kill();
    let shown = terminal.ask("SELECT 1; SELECT 2;", "spg!> ");
    assert_eq!(shown.matches("ERROR:  08006: the connection to").count(), 1, "{shown}");
    assert!(shown.contains("The next statement connects again"), "{shown}");
    terminal.ask("\\conninfo", "This connection is lost");
    terminal.ask("SELECT 3;", "ERROR:  08001: could not connect to");
    let again = Daemon::start_at(&address, &[]);
    let shown = terminal.ask("SELECT 40 + 4 AS sum;", "44\r\n");
    assert!(shown.contains("Connected again: "), "{shown}");
    assert!(shown.contains("what was open is rolled back"), "{shown}");
    terminal.wait_for("spg=> ");
    // What was lost and found again ends as a statement that failed, what stays lost as a lost connection.
    drop(again);
    terminal.ask("SELECT 5;", "spg!> ");
    terminal.leave(3);
}

/// Ctrl-C cancels on the connection that there is, not on the one that was lost.
#[test]
fn ctrl_c_reaches_the_server_that_came_back() {
    let home = tempfile::tempdir().unwrap();
    let mut daemon = Daemon::start(&[]);
    let address = daemon.address.clone();
    let arguments = format!("--addr {address} shell");
    let Some(mut terminal) = Terminal::start_with(&arguments, home.path(), &[]) else { return };
    daemon.kill();
    terminal.ask("SELECT 1;", "spg!> ");
    let again = Daemon::start_at(&address, &[]);
    let rows: Vec<String> = (0..1_000).map(|row| format!("({row})")).collect();
    let fill = format!("CREATE TABLE n (i INT); INSERT INTO n VALUES {}", rows.join(","));
    assert_eq!(again.spg(&["query", &fill]).status, 0);
    terminal.ask("SELECT 2;", "Connected again");
    terminal.wait_for("spg=> ");
    terminal.press("SELECT count(*) FROM n a, n b, n c, n d WHERE a.i + b.i + c.i + d.i = -1;\r");
    let running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%a.i + b.i%' \
                   AND query NOT LIKE '%activity%'";
    let deadline = Instant::now() + PATIENCE;
    while again.spg(&["query", running, "--format", "csv"]).out != "count\n1\n" {
        assert!(Instant::now() < deadline, "the statement does not run");
    }
    terminal.press("\u{3}");
    terminal.wait_for("canceling statement due to user request");
    terminal.leave(1);
}

/// The cancel has no answer either, and holds up nothing.
#[test]
fn a_server_that_hangs_can_be_left() {
    let home = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(&[]);
    let arguments = format!("--addr {} shell", daemon.address);
    let Some(mut terminal) = Terminal::start_with(&arguments, home.path(), &[]) else { return };
    terminal.ask("SELECT 40 + 2 AS sum;", "42\r\n");
    terminal.wait_for("spg=> ");
    daemon.hang();
    terminal.text.clear();
    terminal.press("SELECT 1;\r");
    // As above: nothing tells that it has begun.
    terminal.wait_for("\n");
    std::thread::sleep(Duration::from_millis(300));
    terminal.press("\u{3}");
    std::thread::sleep(Duration::from_millis(100));
    terminal.press("\u{3}");
    terminal.wait_for("HINT:  The statement is being cancelled");
    let deadline = Instant::now() + PATIENCE;
    while terminal.status().is_none() {
        assert!(Instant::now() < deadline, "it goes on: {}", terminal.text);
        std::thread::sleep(Duration::from_millis(500));
        // It may have ended.
        terminal.keys.write_all(b"\x03").ok();
    }
    assert_eq!(terminal.status(), Some(130));
}

#[test]
fn repeating_ends_at_an_error() {
    let home = tempfile::tempdir().unwrap();
    let Some(mut terminal) = Terminal::start(home.path(), &[]) else { return };
    terminal.ask("CREATE SEQUENCE s MAXVALUE 3;", "CREATE SEQUENCE\r\n");
    let shown = terminal.ask("SELECT nextval('s') + 1000 AS drawn \\watch 0.01", "reached maximum");
    assert!(shown.contains("1003\r\n"), "{shown}");
    terminal.wait_for("spg=> ");
    terminal.leave(1);
}

/// The prompt tells what is open, and what is open takes no commands.
#[test]
fn the_prompt_tells_what_is_open() {
    let home = tempfile::tempdir().unwrap();
    let Some(mut terminal) = Terminal::start(home.path(), &[]) else { return };
    terminal.ask("SELECT 1 AS \"a", "spg\"> ");
    terminal.ask("b\", 'a", "spg'> ");
    terminal.ask("\\q', /* c", "spg*> ");
    terminal.ask("*/ $$ d", "spg$> ");
    terminal.ask("$$,", "spg-> ");
    terminal.ask("2 + 40 \\gx", "| 42");
    terminal.leave(0);
}

#[test]
fn what_an_editor_left_is_shown() {
    let home = tempfile::tempdir().unwrap();
    let editor = [("VISUAL", "sed -i s/begun/40+/")];
    let Some(mut terminal) = Terminal::start(home.path(), &editor) else { return };
    terminal.ask("SELECT begun 3 AS edited \\e", "SELECT 40+ 3 AS edited\r\n");
    terminal.wait_for("spg-> ");
    terminal.ask(";", "43\r\n");
    terminal.leave(0);
}

#[test]
fn the_demo_leaves_no_history() {
    let home = tempfile::tempdir().unwrap();
    let Some(mut terminal) = Terminal::start_with("demo", home.path(), &[]) else { return };
    // The demo shows statements with the prompt before them; its shell greets first.
    terminal.wait_for("Type \\? for help.");
    terminal.ask("SELECT 40 + 5 AS sum;", "45\r\n");
    terminal.leave(0);
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}
