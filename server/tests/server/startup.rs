//! How the daemon starts and ends: arguments, variables, exit statuses, signals.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Output, Stdio};

use spg_wire::client::Client;

use crate::support::{Daemon, endless, query, wait_until, wait_until_running};

fn outcome(arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = Daemon::command();
    command.args(arguments).envs(variables.iter().copied());
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    (status.code(), text)
}

#[test]
fn usage_errors_exit_with_2_and_say_what_to_do() {
    for (arguments, variables, word) in [
        (&["0.0.0.0:0"][..], &[][..], "--insecure"),
        (&[], &[("SPG_ADDR", "0.0.0.0:0")], "--insecure"),
        (&["127.0.0.1"], &[], "HOST:PORT"),
        (&["127.0.0.1:0", "-", "-", "wal.log"], &[], "wal.log"),
        (&["127.0.0.1:0"], &[("SPG_WAL", "by-variable.log")], "by-variable.log"),
        (&["127.0.0.1:0", "-"], &[("SPG_DB", "x.db"), ("SPG_WAL", "wal.log")], "wal.log"),
        (&["127.0.0.1:0", "same", "same"], &[], "twice"),
        (&["127.0.0.1:0", "--recover-to", "10"], &[], "--recover-to"),
        (&["127.0.0.1:0"], &[("SPG_AUDIT_PARAMETERS", "digest")], "AUDIT"),
        (&["--max-connections", "0"], &[], "--max-connections"),
        (&["--poll-us", "many"], &[], "--poll-us"),
        (&["--no-such-option"], &[], "--no-such-option"),
        (&["a", "b", "c", "d", "e"], &[], "unexpected"),
    ] {
        let (status, text) = outcome(arguments, variables);
        assert_eq!(status, Some(2), "{arguments:?} {variables:?}: {text}");
        assert!(text.contains(word), "{arguments:?} {variables:?}: {text}");
    }
}

#[test]
fn version_and_help_are_told() {
    assert_eq!(outcome(&["--version"], &[]), (Some(0), "spg-server 0.1.0\n".to_owned()));
    let (status, text) = outcome(&["--help"], &[]);
    assert_eq!(status, Some(0));
    for word in [
        "SPG_ADDR",
        "SPG_DB",
        "SPG_AUDIT",
        "SPG_WAL",
        "--data-dir",
        "--wal-segment-size",
        "--checkpoint-wal-size",
        "--checkpoint-interval",
        "--audit-parameters",
        "--audit-key-file",
        "--recover-to",
        "--max-connections",
        "--memory-limit",
        "--insecure",
        "--poll-us",
    ] {
        assert!(text.contains(word), "{text}");
    }
    assert!(!text.contains("--hello-timeout-ms"), "{text}");
}

#[test]
fn an_address_in_use_exits_with_1_in_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (status, text) = outcome(&[&address], &[]);
    assert_eq!(status, Some(1), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains(&address) && text.contains("another address"), "{text}");
}

#[test]
fn an_argument_beats_its_variable_and_an_empty_one_is_unset() {
    let mut command = Daemon::command();
    command.args(["127.0.0.2:0", "-", "-", "-"]);
    command.env("SPG_ADDR", "127.0.0.3:0").env("SPG_DB", "x.db").env("SPG_WAL", "");
    let daemon = Daemon::spawn(&mut command);
    assert!(daemon.address().starts_with("127.0.0.2:"), "{}", daemon.address());
    let mut command = Daemon::command();
    command.env("SPG_ADDR", "127.0.0.3:0").env("SPG_DB", "");
    let daemon = Daemon::spawn(&mut command);
    assert!(daemon.address().starts_with("127.0.0.3:"), "{}", daemon.address());
    assert!(!daemon.address().ends_with(":0"));
}

/// Whether this process ignores SIGHUP, as under nohup, and with it those that it starts.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    u64::from_str_radix(ignored.unwrap().trim(), 16).unwrap() & 1 == 1
}

#[test]
fn a_daemon_under_nohup_outlives_its_terminal() {
    let mut command = std::process::Command::new("sh");
    let script = "trap '' HUP; exec \"$0\" 127.0.0.1:0";
    command.args(["-c", script, env!("CARGO_BIN_EXE_spg-server")]);
    let mut daemon = Daemon::spawn(&mut command);
    // Otherwise it would be gone before it could answer: the signal is there when it is sent.
    daemon.signal("HUP");
    daemon.client().batch_execute("SELECT 1").unwrap();
    daemon.signal("TERM");
    assert_eq!(daemon.wait().code(), Some(0));
}

#[test]
fn signals_end_it_and_idle_clients_are_told() {
    for signal in ["TERM", "INT", "HUP"] {
        if signal == "HUP" && ignores_hangup() {
            continue;
        }
        let mut daemon = Daemon::start(&[]);
        let mut idle = daemon.raw().greeted();
        let mut in_block = daemon.raw().greeted();
        in_block.send(&query("BEGIN"));
        in_block.receive();
        in_block.receive();
        let mut silent = daemon.raw();
        daemon.wait_for_connections(3);
        daemon.signal(signal);
        for connection in [&mut idle, &mut in_block, &mut silent] {
            assert_eq!(connection.fatal().0, "57P01");
        }
        assert_eq!(daemon.wait().code(), Some(0), "{signal}");
        assert!(Client::connect(daemon.address()).is_err());
    }
}

#[test]
fn statements_that_run_too_long_after_the_signal_are_cancelled() {
    let mut daemon = Daemon::start(&["--stop-grace-ms", "100"]);
    let mut observer = daemon.client();
    let endless = endless(&mut observer);
    let mut running = daemon.raw().greeted();
    running.send(&query(endless));
    wait_until_running(&mut observer, 1);
    // One that does not read its answer is not waited for either.
    let mut deaf = daemon.raw().greeted();
    deaf.send(&query("SELECT a.n FROM numbers a, numbers b, numbers c"));
    wait_until_running(&mut observer, 2);
    drop(observer);
    daemon.signal("TERM");
    let error = running.error();
    assert_eq!(error.code(), "57014");
    assert_eq!(error.message, "canceling statement because the server is stopping");
    assert_eq!(running.fatal().0, "57P01");
    assert_eq!(daemon.wait().code(), Some(0));
}

#[test]
fn a_later_signal_ends_it_at_once() {
    let mut daemon = Daemon::start(&["--stop-grace-ms", "3600000"]);
    let mut observer = daemon.client();
    let endless = endless(&mut observer);
    let mut running = daemon.raw().greeted();
    running.send(&query(endless));
    wait_until_running(&mut observer, 1);
    let mut idle = daemon.raw().greeted();
    daemon.signal("TERM");
    assert_eq!(idle.fatal().0, "57P01");
    let mut ended = None;
    wait_until("a later signal ends it", || {
        ended = daemon.ended();
        if ended.is_none() {
            daemon.signal("TERM");
        }
        ended.is_some()
    });
    assert_eq!(ended.unwrap().code(), Some(0));
}

#[test]
fn signals_that_come_together_are_one() {
    let mut daemon = Daemon::start(&["--stop-grace-ms", "100"]);
    let mut observer = daemon.client();
    let endless = endless(&mut observer);
    let mut running = daemon.raw().greeted();
    running.send(&query(endless));
    wait_until_running(&mut observer, 1);
    drop(observer);
    daemon.signal_each(&["TERM", "INT"]);
    // Ended at once, the client would see the connection break instead.
    assert_eq!(running.error().code(), "57014");
    assert_eq!(running.fatal().0, "57P01");
    assert_eq!(daemon.wait().code(), Some(0));
}

#[test]
fn the_log_tells_user_and_application_in_one_line() {
    use std::io::{BufRead, BufReader, Read};
    use std::process::Stdio;

    let mut command = Daemon::command();
    command.arg("127.0.0.1:0").env("SPG_LOG", "debug");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.strip_prefix("spg-server listens on ").unwrap().trim();
    crate::support::wait_until("it is ready", || {
        spg_wire::client::Client::connect(address).is_ok()
    });
    let mut raw = crate::support::Raw::connect(address);
    let options = [("user", "mal\nory"), ("application_name", "shop")];
    let mut hello = Vec::new();
    spg_wire::message::client::hello(&mut hello, spg_wire::PROTOCOL_VERSION, &options).unwrap();
    raw.send(&hello);
    raw.expect(spg_wire::Opcode::HelloOk);
    child.kill().unwrap();
    child.wait().unwrap();
    let mut log = String::new();
    child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(log.contains(r#"user "mal\nory", application "shop""#), "{log}");
}

#[test]
fn slow_statements_are_in_the_log_without_their_parameters() {
    let mut daemon = Daemon::command()
        .args(["127.0.0.1:0", "--set", "log_min_duration_statement=0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.strip_prefix("spg-server listens on ").unwrap().trim().to_owned();
    wait_until("the daemon is ready", || Client::connect(address.as_str()).is_ok());
    let mut client = Client::connect(address.as_str()).unwrap();
    client.query_one("SELECT $1::TEXT AS\n echo", &[&"hunter2"]).unwrap();
    client.execute("SET log_min_duration_statement = -1", &[]).unwrap();
    client.query_one("SELECT 'not told'", &[]).unwrap();
    daemon.kill().unwrap();
    let log = String::from_utf8(daemon.wait_with_output().unwrap().stderr).unwrap();
    let told =
        |what: &str| log.lines().any(|line| line.contains("duration: ") && line.contains(what));
    assert!(told("ms  statement: SELECT $1::TEXT AS  echo"), "{log}");
    assert!(!log.contains("hunter2") && !log.contains("not told"), "{log}");
}
