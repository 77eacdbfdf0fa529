//! Sessions with and without a name.

use std::ops::ControlFlow;

use spg_wire::TransactionStatus;
use spg_wire::client::{Client, Config, ScriptEvent};

use crate::support::{Daemon, code, figure, number, wait_until};

#[test]
fn a_named_session_outlives_its_connections() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.client();
    client.batch_execute("CREATE TABLE t (id INT)").unwrap();

    let mut first = daemon.session("s");
    assert_eq!(first.parameter("session_resumed"), Some("off"));
    first.batch_execute("SET lock_timeout = '7s'; BEGIN").unwrap();
    drop(first);
    wait_until("the connection has gone", || figure(&mut client, "connections") == 1);
    assert_eq!(figure(&mut client, "named_sessions"), 1);
    assert_eq!(figure(&mut client, "transactions_open"), 1);

    let mut second = daemon.session("s");
    assert_eq!(second.parameter("session_resumed"), Some("on"));
    assert_eq!(second.transaction_status(), TransactionStatus::Block);
    second.batch_execute("INSERT INTO t VALUES (1)").unwrap();
    let taken = Client::connect(Config::new(daemon.address()).session("s"));
    let error = taken.unwrap_err();
    assert_eq!(error.code(), "55006");
    assert!(error.as_db().unwrap().message.contains("\"s\" is in use"));
    assert_eq!(number(&mut client, "SELECT count(*) FROM t"), 0);
    drop(second);

    let mut third = None;
    wait_until("the session is free", || {
        third = Client::connect(Config::new(daemon.address()).session("s")).ok();
        third.is_some()
    });
    let mut third = third.unwrap();
    assert_eq!(third.query_one("SHOW lock_timeout", &[]).unwrap().get::<&str>(0), "7s");
    third.batch_execute("COMMIT").unwrap();
    assert_eq!(number(&mut client, "SELECT count(*) FROM t"), 1);

    for name in [String::new(), "x".repeat(64)] {
        assert_eq!(code(Client::connect(Config::new(daemon.address()).session(name))), "42602");
    }
}

#[test]
fn a_named_session_that_nobody_comes_back_for_is_rolled_back() {
    let daemon = Daemon::start(&["--session-idle-ms", "50"]);
    let mut client = daemon.client();
    client.batch_execute("CREATE TABLE t (id INT)").unwrap();
    let mut session = daemon.session("s");
    session.batch_execute("BEGIN; INSERT INTO t VALUES (1)").unwrap();
    drop(session);
    wait_until("the session has expired", || figure(&mut client, "named_sessions") == 0);
    wait_until("its roots are gone", || figure(&mut client, "live_roots") == 1);
    let session = daemon.session("s");
    assert_eq!(session.parameter("session_resumed"), Some("off"));
    assert_eq!(session.transaction_status(), TransactionStatus::Idle);
    assert_eq!(number(&mut client, "SELECT count(*) FROM t"), 0);
}

#[test]
fn a_refused_option_does_not_keep_the_name() {
    let daemon = Daemon::start(&[]);
    let config = Config::new(daemon.address()).session("s");
    assert_eq!(code(Client::connect(config.clone().option("no_such", "1"))), "42704");
    assert!(Client::connect(config).is_ok());
}

#[test]
fn an_unnamed_session_ends_with_its_connection() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.client();
    client.batch_execute("CREATE TABLE t (id INT)").unwrap();
    let mut other = daemon.client();
    other.batch_execute("BEGIN; INSERT INTO t VALUES (1)").unwrap();
    assert!(figure(&mut client, "live_roots") > 1);
    drop(other);
    wait_until("its roots are gone", || figure(&mut client, "live_roots") == 1);
    assert_eq!(number(&mut client, "SELECT count(*) FROM t"), 0);
}

/// The number by which `pg_stat_activity` has a client's session.
fn pid(client: &mut Client) -> i32 {
    client.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0)
}

#[test]
fn a_session_is_ended_by_another() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.client();
    client.batch_execute("CREATE TABLE t (id INT)").unwrap();
    let end = |client: &mut Client, pid: i32| {
        let ended = client.query_one("SELECT pg_terminate_backend($1, 60000)", &[&pid]).unwrap();
        assert!(ended.get::<bool>(0));
    };

    // One that waits for its client, in a block.
    let mut idle = daemon.raw().greeted();
    idle.send(&crate::support::query("BEGIN; INSERT INTO t VALUES (1)"));
    wait_until("the block is open", || figure(&mut client, "transactions_open") == 1);
    let found = client
        .query_one("SELECT pid FROM pg_stat_activity WHERE state LIKE 'idle in transaction'", &[])
        .unwrap();
    end(&mut client, found.get(0));
    let (sqlstate, message) = idle.fatal();
    let told = "terminating connection due to administrator command";
    assert_eq!((sqlstate.as_str(), message.as_str()), ("57P01", told));

    // One that runs a statement, the first of a script.
    let mut busy = daemon.client();
    let endless = crate::support::endless(&mut busy);
    let busy_pid = pid(&mut busy);
    let script = format!("{endless}; INSERT INTO t VALUES (2)");
    let running = std::thread::spawn(move || busy.simple_query(&script).map(|_| ()));
    wait_until("it runs", || {
        let state = "SELECT state FROM pg_stat_activity WHERE pid = $1";
        client.query_one(state, &[&busy_pid]).unwrap().get::<&str>(0) == "active"
    });
    end(&mut client, busy_pid);
    assert_eq!(code(running.join().unwrap()), "57P01");

    // Itself, and one with a name: both are gone for good.
    let mut own = daemon.client();
    let itself = "SELECT pg_terminate_backend(pg_backend_pid())";
    assert_eq!(code(own.simple_query(itself)), "57P01");
    let mut own = daemon.client();
    assert_eq!(code(own.query(itself, &[])), "57P01");
    assert_eq!(code(own.query("SELECT 1", &[])), "57P01");
    let mut named = daemon.session("s");
    named.batch_execute("BEGIN; INSERT INTO t VALUES (3)").unwrap();
    let named_pid = pid(&mut named);
    end(&mut client, named_pid);
    assert_eq!(figure(&mut client, "named_sessions"), 0);
    assert_eq!(daemon.session("s").parameter("session_resumed"), Some("off"));

    wait_until("its roots are gone", || figure(&mut client, "live_roots") == 1);
    assert_eq!(number(&mut client, "SELECT count(*) FROM t"), 0);
}

#[test]
fn a_named_session_without_a_connection_is_ended_too() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.client();
    client.batch_execute("CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1)").unwrap();
    let mut named = daemon.session("s");
    named.batch_execute("BEGIN; SELECT id FROM t FOR UPDATE").unwrap();
    let named_pid = pid(&mut named);
    drop(named);
    wait_until("the connection has gone", || figure(&mut client, "connections") == 1);
    client.execute("SELECT pg_terminate_backend($1)", &[&named_pid]).unwrap();
    let session = daemon.session("s");
    assert_eq!(session.parameter("session_resumed"), Some("off"));
    assert_eq!(session.transaction_status(), TransactionStatus::Idle);
    client.batch_execute("SELECT id FROM t FOR UPDATE NOWAIT").unwrap();
}

#[test]
fn a_block_left_open_ends_its_connection() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.client();
    client.batch_execute("CREATE TABLE t (id INT)").unwrap();
    let mut raw = daemon.raw().greeted();
    raw.send(&crate::support::query(
        "SET idle_in_transaction_session_timeout = '50ms'; BEGIN; INSERT INTO t VALUES (1)",
    ));
    let (code, message) = raw.fatal();
    assert_eq!(code, "25P03");
    assert!(message.contains("idle-in-transaction"), "{message}");
    wait_until("its roots are gone", || figure(&mut client, "live_roots") == 1);
    assert_eq!(number(&mut client, "SELECT count(*) FROM t"), 0);

    // What runs longer than that is not idle.
    let mut client = daemon.client();
    let endless = crate::support::endless(&mut client);
    client
        .batch_execute(
            "SET idle_in_transaction_session_timeout = '50ms'; SET statement_timeout = '500ms'",
        )
        .unwrap();
    let results = client.simple_query(&format!("BEGIN; {endless}")).unwrap();
    assert_eq!(results[1].error.as_ref().unwrap().code(), "57014");
    let results = daemon.client().simple_query("BEGIN; SELECT 1; COMMIT").unwrap();
    assert_eq!(results[2].tag, "COMMIT");

    // A copy that waits holds as much.
    let mut raw = daemon.raw().greeted();
    raw.send(&crate::support::query("SET idle_in_transaction_session_timeout = '50ms'"));
    let mut request = Vec::new();
    spg_wire::message::client::copy_in(&mut request, "t", &[]).unwrap();
    raw.send(&request);
    assert_eq!(raw.fatal().0, "25P03");
}

#[test]
fn notices_have_their_detail() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.client();
    let script = "CREATE TABLE t (id INT PRIMARY KEY); CREATE TABLE a (t INT REFERENCES t); \
                  CREATE TABLE b (t INT REFERENCES t); DROP TABLE t CASCADE";
    let mut notices = Vec::new();
    client
        .simple_query_with(script, |event| {
            if let ScriptEvent::Notice(fields) = event {
                notices.push((fields.message.clone(), fields.detail.clone()));
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    let detail = "drop cascades to constraint a_t_fkey on table a\n\
                  drop cascades to constraint b_t_fkey on table b";
    let expected = ("drop cascades to 2 other objects".to_owned(), Some(detail.to_owned()));
    assert_eq!(notices, [expected]);
}
