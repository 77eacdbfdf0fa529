//! Statements and their answers, by the Rust client.

use std::ops::ControlFlow;

use spg_wire::client::{Client, Config, ScriptEvent};
use spg_wire::{Opcode, Severity, TransactionStatus, Value};

use crate::support::{
    Daemon, code, endless, figure, number, query, wait_until, wait_until_running,
};

#[test]
fn statements_simple_and_prepared() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.client();
    client.batch_execute("CREATE TABLE t (id INT PRIMARY KEY, name TEXT)").unwrap();
    assert_eq!(client.execute("INSERT INTO t VALUES ($1, $2)", &[&1_i32, &"alice"]).unwrap(), 1);
    let row = client.query_one("SELECT name FROM t WHERE id = $1", &[&1_i32]).unwrap();
    assert_eq!(row.get::<&str>("name"), "alice");

    let update = client.prepare("UPDATE t SET name = $2 WHERE id = $1 RETURNING id, name").unwrap();
    assert_eq!(update.parameter_types(), [23, 25]);
    let rows = client.query(&update, &[&1_i64, &"bob"]).unwrap();
    assert_eq!((rows.len(), rows[0].get::<i32>("id"), rows[0].get::<&str>("name")), (1, 1, "bob"));
    assert_eq!(client.execute(&update, &[&2_i32, &"nobody"]).unwrap(), 0);
    assert_eq!(code(client.execute(&update, &[&"x", &"x"])), "22P02");

    let results =
        client.simple_query("SELECT id, name FROM t; ; DELETE FROM t; SHOW lock_timeout").unwrap();
    let tags: Vec<&str> = results.iter().map(|result| result.tag.as_str()).collect();
    assert_eq!(tags, ["SELECT 1", "DELETE 1", "SHOW"]);
    assert_eq!(results[0].rows[0].value("name").unwrap().to_value(), Value::Text("bob".into()));
    assert_eq!(results[2].columns[0].name, "lock_timeout");
    client.ping(u64::MAX).unwrap();
}

#[test]
fn errors_have_all_fields_and_positions_of_the_script() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.client();
    client.batch_execute("CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(3) NOT NULL)").unwrap();
    client.batch_execute("INSERT INTO t VALUES (1, 'x')").unwrap();
    let error = client.execute("INSERT INTO t VALUES (1, 'y')", &[]).unwrap_err();
    let fields = error.as_db().unwrap();
    assert_eq!((fields.severity, fields.code()), (Severity::Error, "23505"));
    assert_eq!(fields.detail.as_deref(), Some("Key (id)=(1) already exists."));
    assert_eq!(fields.schema.as_deref(), Some("public"));
    assert_eq!(fields.table.as_deref(), Some("t"));
    assert_eq!(fields.constraint.as_deref(), Some("t_pkey"));
    let error = client.execute("INSERT INTO t VALUES (2, NULL)", &[]).unwrap_err();
    assert_eq!(error.as_db().unwrap().column.as_deref(), Some("name"));

    // A script goes on after an error; positions count its characters.
    let script = "SELECT 'ä'; SELECT 'ö', nothing; SELECT $1; SELECT 3";
    let results = client.simple_query(script).unwrap();
    assert_eq!(results.len(), 4);
    let fields = results[1].error.as_ref().unwrap();
    assert_eq!((fields.code(), fields.position), ("42703", Some(25)));
    assert_eq!(script.chars().nth(24), Some('n'));
    assert_eq!(results[2].error.as_ref().unwrap().code(), "42P02");
    assert_eq!(results[3].tag, "SELECT 1");
}

#[test]
fn notices_and_followed_settings_are_told() {
    let daemon = Daemon::start(&[]);
    let mut client =
        Client::connect(Config::new(daemon.address()).application_name("first")).unwrap();
    assert_eq!(client.parameter("application_name"), Some("first"));
    assert_eq!(client.parameter("server_encoding"), Some("UTF8"));
    let results =
        client.simple_query("BEGIN; BEGIN; ROLLBACK; DROP TABLE IF EXISTS nothing").unwrap();
    let notices: Vec<(Severity, String)> = results
        .iter()
        .flat_map(|result| &result.notices)
        .map(|notice| (notice.severity, notice.code().to_owned()))
        .collect();
    assert_eq!(
        notices,
        [(Severity::Warning, "25001".to_owned()), (Severity::Notice, "00000".to_owned())]
    );

    client.batch_execute("SET application_name = 'second'").unwrap();
    assert_eq!(client.parameter("application_name"), Some("second"));
    client.batch_execute("BEGIN; SET application_name = 'third'").unwrap();
    assert_eq!(client.parameter("application_name"), Some("third"));
    client.batch_execute("ROLLBACK").unwrap();
    assert_eq!(client.parameter("application_name"), Some("second"));
}

#[test]
fn options_of_the_hello_are_settings() {
    let daemon = Daemon::start(&[]);
    let connect =
        |key: &str, value: &str| Client::connect(Config::new(daemon.address()).option(key, value));
    let mut client = connect("spg.statement_memory", "64MB").unwrap();
    let row = client.query_one("SHOW spg.statement_memory", &[]).unwrap();
    assert_eq!(row.get::<&str>(0), "67108864");
    assert_eq!(code(connect("no_such_setting", "1")), "42704");
    assert_eq!(code(connect("lock_timeout\"; DROP", "1")), "42704");
    assert_eq!(code(connect("lock_timeout", "'; DROP")), "22023");
    assert_eq!(code(connect("application_name", &"x".repeat(64))), "22023");
    let quoted = connect("application_name", "it's").unwrap();
    assert_eq!(quoted.parameter("application_name"), Some("it's"));
}

#[test]
fn prepared_statements_are_replaced_bounded_and_checked() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.client();
    client.batch_execute("CREATE TABLE t (id INT)").unwrap();
    let select = client.prepare("SELECT * FROM t").unwrap();
    assert!(client.query(&select, &[]).unwrap().is_empty());
    daemon.client().batch_execute("DROP TABLE t; CREATE TABLE t (id TEXT)").unwrap();
    assert_eq!(code(client.query(&select, &[])), "0A000");
    daemon.client().batch_execute("DROP TABLE t; CREATE TABLE t (id INT)").unwrap();
    assert!(client.query(&select, &[]).unwrap().is_empty());
    drop(select);

    assert_eq!(client.execute("", &[]).unwrap(), 0);
    assert_eq!(client.execute(" -- nothing", &[]).unwrap(), 0);

    let mut kept = Vec::new();
    let refused = loop {
        match client.prepare(&format!("SELECT {}", kept.len())) {
            Ok(statement) => kept.push(statement),
            Err(error) => break error,
        }
        assert!(kept.len() <= 1_024);
    };
    assert_eq!(refused.code(), "54000");
    kept.truncate(10);
    let long = format!("SELECT 1 -- {}", "x".repeat(1_200_000));
    let first = client.prepare(&long).unwrap();
    assert_eq!(code(client.prepare(&long)), "54000");
    drop(first);
    client.prepare(&long).unwrap();
    client.prepare("SELECT 1").unwrap();
    assert_eq!(client.query_one(&kept[7], &[]).unwrap().get::<i32>(0), 7);
}

#[test]
fn ready_tells_where_the_transaction_stands() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.client();
    client.batch_execute("CREATE TABLE t (id INT); BEGIN; INSERT INTO t VALUES (1)").unwrap();
    assert_eq!(client.transaction_status(), TransactionStatus::Block);
    let mut other = daemon.client();
    assert_eq!(number(&mut other, "SELECT count(*) FROM t"), 0);
    assert_eq!(figure(&mut other, "transactions_open"), 1);
    assert_eq!(code(client.execute("SELECT nothing", &[])), "42703");
    assert_eq!(client.transaction_status(), TransactionStatus::Failed);
    assert_eq!(code(client.execute("SELECT 1", &[])), "25P02");
    client.batch_execute("ROLLBACK").unwrap();
    assert_eq!(client.transaction_status(), TransactionStatus::Idle);
    assert_eq!(number(&mut client, "SELECT count(*) FROM t"), 0);
}

#[test]
fn a_large_result_waits_for_its_reader_and_keeps_its_root() {
    let daemon = Daemon::start(&[]);
    let mut writer = daemon.client();
    writer.batch_execute("CREATE TABLE t (id INT, name TEXT)").unwrap();
    let mut rows = writer.copy_in("t", &[]).unwrap();
    for id in 0..200_000 {
        rows.write_row(&[&id, &"a text of some length that fills buffers sooner or later"])
            .unwrap();
    }
    assert_eq!(rows.finish().unwrap(), 200_000);
    assert_eq!(figure(&mut writer, "live_roots"), 1);

    let mut reader = daemon.client();
    let mut result = reader.query_raw("SELECT id, name FROM t", &[]).unwrap();
    assert_eq!(result.next_row().unwrap().unwrap().try_get::<i32>(0).unwrap(), 0);
    // The answer does not fit into the sockets' buffers, so the statement still runs, on the rows as they were.
    writer.batch_execute("DELETE FROM t").unwrap();
    assert_eq!(figure(&mut writer, "live_roots"), 2);
    let mut expected = 1;
    while let Some(row) = result.next_row().unwrap() {
        assert_eq!(row.try_get::<i32>(0).unwrap(), expected);
        expected += 1;
    }
    assert_eq!(expected, 200_000);
    drop(result);
    wait_until("the old root is gone", || figure(&mut writer, "live_roots") == 1);
}

#[test]
fn a_statement_is_cancelled_by_its_key_alone() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.client();
    let query = endless(&mut client);
    let token = client.cancel_token();
    let mut wrong = token.key();
    wrong.secret[15] ^= 1;
    let wrong = spg_wire::client::CancelToken::from_key(daemon.address(), wrong).unwrap();
    let running = std::thread::spawn(move || (code(client.query(query, &[])), client));
    let mut observer = daemon.client();
    wait_until_running(&mut observer, 1);
    // Whoever has not the secret is answered likewise, and nothing happens.
    wrong.cancel().unwrap();
    assert_eq!(figure(&mut observer, "live_roots"), 2);
    token.cancel().unwrap();
    let (code, mut client) = running.join().unwrap();
    assert_eq!(code, "57014");
    assert_eq!(number(&mut client, "SELECT count(*) FROM numbers"), 2_000);
    // One that comes too late does nothing.
    token.cancel().unwrap();
    assert_eq!(number(&mut client, "SELECT count(*) FROM numbers"), 2_000);
}

#[test]
fn a_reader_that_has_enough_ends_its_script() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.client();
    endless(&mut client);
    let mut seen = 0;
    client
        .simple_query_with("SELECT a.n FROM numbers a, numbers b, numbers c", |event| {
            if let ScriptEvent::Row(_) = event {
                seen += 1;
            }
            if seen < 10 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })
        .unwrap();
    assert_eq!(seen, 10);
    assert_eq!(number(&mut client, "SELECT count(*) FROM numbers"), 2_000);
}

#[test]
fn nesting_is_refused_before_a_connection_s_stack_is_full() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.client();
    client.batch_execute("CREATE TABLE t (id INT PRIMARY KEY)").unwrap();
    for (open, inner, close) in [
        ("(", "1", ")"),
        ("-(", "1", ")"),
        ("(SELECT ", "1", ")"),
        ("(SELECT id FROM t WHERE id = ", "1", ")"),
        ("CASE WHEN true THEN ", "1", " END"),
        ("1 IN (SELECT id FROM t WHERE ", "true", ")"),
    ] {
        for depth in [90, 150, 199, 201, 50_000] {
            let text = format!("SELECT {}{inner}{}", open.repeat(depth), close.repeat(depth));
            match client.query(&text, &[]) {
                Ok(rows) => assert!(rows.len() == 1 && depth < 50_000, "{open} {depth}"),
                Err(error) => assert_eq!(error.code(), "54001", "{open} {depth}: {error}"),
            }
        }
    }
}

#[test]
fn figures_add_up() {
    let daemon = Daemon::start(&["--memory-limit", "512MB"]);
    let mut client = daemon.client();
    client.batch_execute("CREATE TABLE t (id INT); INSERT INTO t VALUES (1), (2)").unwrap();
    let statements = figure(&mut client, "statements");
    let rows = figure(&mut client, "rows_sent");
    let mut other = daemon.client();
    other.query("SELECT * FROM t", &[]).unwrap();
    assert_eq!(code(other.query("SELECT nothing", &[])), "42703");
    assert_eq!(figure(&mut client, "rows_sent"), rows + 2);
    assert_eq!(figure(&mut client, "errors"), 1);
    let total = figure(&mut client, "connections_total");
    drop(other);
    wait_until("the other has gone", || figure(&mut client, "connections") == 1);
    // Those of connections that have gone count on.
    assert_eq!(figure(&mut client, "rows_sent"), rows + 2);
    assert!(figure(&mut client, "statements") > statements);
    assert_eq!(figure(&mut client, "connections_total"), total);
    assert_eq!(figure(&mut client, "memory_limit_bytes"), 512 << 20);
    assert!(figure(&mut client, "bytes_sent") > 0 && figure(&mut client, "bytes_received") > 0);
}

#[test]
fn a_script_of_failing_statements_is_answered_as_it_goes_and_counted_once() {
    let daemon = Daemon::start(&[]);
    let mut raw = daemon.raw().greeted();
    // Counting from the beginning for each of them would be 10^11 steps.
    let count = 100_000;
    let script = "SELECT é;".repeat(count);
    let sender = raw.stream.try_clone().unwrap();
    let sending = std::thread::spawn(move || {
        std::io::Write::write_all(&mut { sender }, &query(&script)).unwrap();
    });
    for place in 0..count {
        let fields = raw.error();
        assert_eq!((fields.code(), fields.position), ("42703", Some(place as u32 * 9 + 8)));
    }
    raw.expect(Opcode::Ready);
    sending.join().unwrap();

    raw.send(&query(&" ".repeat((16 << 20) + 1)));
    assert_eq!(raw.error().code(), "54000");
    raw.expect(Opcode::Ready);
    raw.send(&query("SELECT 1; SELECT 'é $1' || $2"));
    let fields = raw.error();
    assert_eq!((fields.code(), fields.message.as_str()), ("42P02", "there is no parameter $2"));
    assert_eq!(fields.position, Some(28));
    raw.expect(Opcode::Ready);
}
