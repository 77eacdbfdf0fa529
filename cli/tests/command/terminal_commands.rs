//! Commands of the shell that are for a terminal: the editor, what repeats, what is completed and remembered.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::spg_in;
use crate::terminal::Terminal;

#[test]
fn an_editor_that_changes_nothing_runs_nothing() {
    let home = tempfile::tempdir().unwrap();
    let Some(mut terminal) = Terminal::start(home.path(), &[("VISUAL", "true")]) else { return };
    terminal.ask("CREATE SEQUENCE s;", "CREATE SEQUENCE\r\n");
    terminal.ask("SELECT nextval('s') + 1000 AS drawn;", "1001\r\n(1 row)\r\n\r\n");
    terminal.ask("\\e", "spg=> ");
    let file = home.path().join("a.sql");
    fs::write(&file, "SELECT nextval('s');\n").unwrap();
    terminal.ask(&format!("\\e {}", file.display()), "spg=> ");
    // What has begun stays begun.
    terminal.ask("SELECT nextval('s') + \\e", "spg-> ");
    let shown = terminal.ask("2000 AS drawn;", "(1 row)");
    assert!(shown.contains("  2002\r\n"), "{shown:?}");
    terminal.leave(0);
}

/// `\e` takes the statement that has begun, and the last one only where none has; what it wrote anew is run.
#[test]
fn an_editor_gets_the_statement_begun() {
    let home = tempfile::tempdir().unwrap();
    let editor = [("VISUAL", "sed -i 's/begun;*/+41;/'")];
    let Some(mut terminal) = Terminal::start(home.path(), &editor) else { return };
    terminal.ask("SELECT 5 AS begun;", "    5\r\n(1 row)");
    terminal.ask("SELECT 1", "spg-> ");
    terminal.ask("begun", "spg-> ");
    terminal.ask("\\e", "       42\r\n(1 row)");
    terminal.ask("\\e", "       42\r\n(1 row)");
    terminal.ask("SELECT 6", "spg-> ");
    terminal.ask(";", "        6\r\n(1 row)");
    terminal.ask("\\e", "        6\r\n(1 row)");
    terminal.leave(0);
}

#[test]
fn an_editor_is_a_command_of_the_shells() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("it's \"$HOME\" here.sql");
    fs::write(&file, "SELECT 'un changed' AS a;\n").unwrap();
    let program = home.path().join("an editor");
    fs::write(&program, "#!/bin/sh\nsed -i \"$1\" \"$2\"\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let editor = "'$HOME/an editor' 's/un ch/well ch/'".replace('\'', "\"");
    let Some(mut terminal) = Terminal::start(home.path(), &[("EDITOR", &editor)]) else { return };
    let quoted = file.display().to_string().replace('\'', "''");
    terminal.ask(&format!("\\e '{quoted}'"), " well changed\r\n");
    terminal.leave(0);
}

#[test]
fn an_editor_that_is_not_there_is_named() {
    let home = tempfile::tempdir().unwrap();
    let editor = [("VISUAL", "no-such-editor -x")];
    let Some(mut terminal) = Terminal::start(home.path(), &editor) else { return };
    let shown = terminal.ask("SELECT 40 + \\e", "ERROR:  could not edit: ");
    assert!(!shown.contains("No such file"), "{shown:?}");
    terminal.wait_for("\"no-such-editor -x\" could not be started");
    terminal.wait_for("spg-> ");
    terminal.ask("2 AS answer;", "42\r\n");
    terminal.leave(1);
}

#[test]
fn what_is_completed_and_remembered_drives_no_terminal() {
    let home = tempfile::tempdir().unwrap();
    let history = home.path().join(".spg_history");
    fs::write(&history, "#V2\nSELECT 'old\u{1b}[41m' AS remembered;\n").unwrap();
    let tables = "CREATE TABLE \"pla\u{1b}[41mces\" (a INT); CREATE TABLE players (b INT);";
    let data = ["--data-dir", "data"];
    let made = spg_in(home.path(), &[&data[..], &["query", tables]].concat(), "");
    assert_eq!(made.status, 0, "{made:?}");
    let arguments = format!("--data-dir {}/data shell", home.path().display());
    let plain = [("NO_COLOR", "1")];
    let Some(mut terminal) = Terminal::start_with(&arguments, home.path(), &plain) else { return };
    terminal.press("\u{1b}[A");
    terminal.wait_for("remembered;");
    assert!(terminal.text.contains("old\\x1B[41m"), "{:?}", terminal.text);
    terminal.press("\r");
    terminal.wait_for("(1 row)");
    terminal.press("SELECT * FROM pla\t\t;\r");
    terminal.wait_for("(0 rows)");
    assert!(terminal.text.contains(" b \r\n"), "the other name is completed: {:?}", terminal.text);
    assert!(!terminal.text.contains("\u{1b}[41m"), "{:?}", terminal.text);
    terminal.leave(0);
    let kept = fs::read_to_string(&history).unwrap();
    assert!(!kept.contains('\u{1b}') && kept.contains("old\\\\x1B[41m"), "{kept:?}");
}

#[test]
fn what_repeats_tells_the_time_and_is_not_paged() {
    let home = tempfile::tempdir().unwrap();
    let pager = [("PAGER", "sed s/^/paged/")];
    let Some(mut terminal) = Terminal::start(home.path(), &pager) else { return };
    terminal.ask("SELECT table_name FROM information_schema.columns LIMIT 300;", "paged(300 rows)");
    terminal.text.clear();
    terminal.press("\\watch 0.01\r");
    for _ in 0..2 {
        terminal.wait_for("(300 rows)");
        let head = terminal.text.find("(every 0.01s)");
        assert!(head.is_some_and(|head| head < terminal.text.find("table_name").unwrap()));
        assert!(!terminal.text.contains("paged"), "{}", terminal.text);
        terminal.text.clear();
    }
    terminal.press("\u{3}");
    terminal.wait_for("spg=> ");
    terminal.ask("SELECT table_name FROM information_schema.columns LIMIT 300;", "paged(300 rows)");
    terminal.leave(0);
}
