//! Readers on real threads beside writers, and what stays in memory afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use spg_engine::session::Rows;
use spg_engine::storage::column::{Column, ColumnData};
use spg_engine::types::DataType;
use spg_engine::{Database, Error, SqlState, Value};

use crate::support::{check, database, fails, number, ok, run};

/// Two rows whose sum never changes.
fn accounts(database: &Arc<Database>) {
    let mut session = database.session();
    ok(&mut session, "CREATE TABLE account (id INT PRIMARY KEY, amount INT)");
    ok(&mut session, "CREATE TABLE moves (n INT)");
    ok(&mut session, "INSERT INTO account VALUES (1, 500), (2, 500)");
}

#[test]
fn readers_never_see_half_a_transaction_nor_go_back() {
    let database = database();
    accounts(&database);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut reader = database.session();
                let mut newest = 0;
                while !done.load(Ordering::Relaxed) {
                    assert_eq!(number(&mut reader, "SELECT sum(amount) FROM account"), 1_000);
                    ok(&mut reader, "BEGIN");
                    let moves = number(&mut reader, "SELECT count(*) FROM moves");
                    assert!(moves >= newest, "{moves} after {newest}");
                    newest = moves;
                    let amount = number(&mut reader, "SELECT amount FROM account WHERE id = 1");
                    assert_eq!(amount, 500 - moves, "one root is one consistent database");
                    ok(&mut reader, "COMMIT");
                }
            });
        }
        let mut writer = database.session();
        for step in 0..300 {
            ok(&mut writer, "BEGIN");
            ok(&mut writer, "UPDATE account SET amount = amount - 1 WHERE id = 1");
            ok(&mut writer, "UPDATE account SET amount = amount + 1 WHERE id = 2");
            ok(&mut writer, &format!("INSERT INTO moves VALUES ({step})"));
            ok(&mut writer, "COMMIT");
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn writers_on_threads_lose_nothing() {
    let database = database();
    accounts(&database);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut writer = database.session();
                for _ in 0..100 {
                    check(
                        &mut writer,
                        "UPDATE account SET amount = amount + 1 WHERE id = 1",
                        "UPDATE 1",
                    );
                    loop {
                        ok(&mut writer, "BEGIN");
                        let update = "UPDATE account SET amount = amount + 1 WHERE id = 2";
                        // Lost at once if somebody was faster since its snapshot.
                        if run(&mut writer, update) == "UPDATE 1"
                            && run(&mut writer, "COMMIT") == "COMMIT"
                        {
                            break;
                        }
                        ok(&mut writer, "ROLLBACK");
                    }
                }
            });
        }
    });
    let mut session = database.session();
    check(&mut session, "SELECT amount FROM account ORDER BY id", "900\n900\nSELECT 2");
}

#[test]
fn idle_sessions_keep_no_root_alive() {
    let database = database();
    accounts(&database);
    let mut sessions: Vec<_> = (0..1_000).map(|_| database.session()).collect();
    for (step, session) in sessions.iter_mut().enumerate() {
        match step % 4 {
            0 => ok(session, "SELECT * FROM account"),
            1 => ok(session, "UPDATE account SET amount = amount + 1 WHERE id = 1"),
            2 => run(session, "INSERT INTO account VALUES (1, 1)"),
            _ => {
                ok(session, "BEGIN");
                ok(session, "DELETE FROM moves");
                ok(session, "INSERT INTO moves VALUES (1)");
                ok(session, "COMMIT")
            }
        };
    }
    assert_eq!(database.gauge().roots(), 1);
    ok(&mut sessions[0], "BEGIN");
    ok(&mut sessions[0], "SELECT * FROM account");
    ok(&mut sessions[1], "UPDATE account SET amount = 0 WHERE id = 1");
    assert_eq!(database.gauge().roots(), 2);
    ok(&mut sessions[0], "ROLLBACK");
    assert_eq!(database.gauge().roots(), 1);
}

#[test]
fn after_all_is_deleted_nothing_is_kept() {
    let database = database();
    let mut a = database.session();
    ok(&mut a, "CREATE TABLE t (id INT PRIMARY KEY, x TEXT)");
    for id in 0..400 {
        ok(&mut a, &format!("INSERT INTO t VALUES ({id}, 'x')"));
    }
    ok(&mut a, "BEGIN");
    ok(&mut a, "UPDATE t SET x = 'y'");
    ok(&mut a, "SAVEPOINT s");
    ok(&mut a, "DELETE FROM t");
    ok(&mut a, "ROLLBACK");
    assert!(database.gauge().chunks() > 0);
    ok(&mut a, "DELETE FROM t");
    let gauge = database.gauge();
    assert_eq!((gauge.roots(), gauge.chunks()), (1, 0));
    ok(&mut a, "DROP TABLE t");
    assert_eq!((gauge.roots(), gauge.chunks(), gauge.leaves()), (1, 0, 0));
}

#[test]
fn prepared_statements_follow_the_schema() {
    let database = database();
    accounts(&database);
    let mut a = database.session();
    let mut b = database.session();
    let prepared = a.prepare("SELECT amount FROM account WHERE id = $1").unwrap();
    assert_eq!(prepared.parameters().len(), 1);
    assert_eq!(&*prepared.columns()[0].name, "amount");
    let mut ask = |value: Value| {
        let mut rows = Rows::default();
        a.execute_prepared(&prepared, &[value], &mut rows).map(|_| rows.rows)
    };
    assert_eq!(ask(Value::Int4(1)).unwrap(), [[Value::Int4(500)]]);
    // Other types are cast as an assignment would.
    assert_eq!(ask(Value::Text("2".into())).unwrap(), [[Value::Int4(500)]]);
    assert_eq!(ask(Value::Int8(1)).unwrap().len(), 1);
    assert_eq!(ask(Value::Int8(1 << 40)).unwrap_err().sqlstate().code(), "22003");
    assert!(ask(Value::Null).unwrap().is_empty());
    ok(&mut b, "DROP TABLE account");
    assert_eq!(ask(Value::Int4(1)).unwrap_err().sqlstate().code(), "42P01");
    ok(&mut b, "CREATE TABLE account (id INT, amount TEXT)");
    ok(&mut b, "INSERT INTO account VALUES (1, 'text')");
    let error = ask(Value::Int4(1)).unwrap_err();
    assert_eq!(error.sqlstate().code(), "0A000");
    assert_eq!(error.message(), "cached plan must not change result type");
    ok(&mut b, "DROP TABLE account");
    ok(&mut b, "CREATE TABLE account (amount INT, id INT)");
    ok(&mut b, "INSERT INTO account VALUES (7, 1)");
    assert_eq!(ask(Value::Int4(1)).unwrap(), [[Value::Int4(7)]]);
    let error = a.execute_prepared(&prepared, &[], &mut Rows::default()).unwrap_err();
    assert_eq!(error.sqlstate().code(), "08P01");
    let mut elsewhere = crate::support::database().session();
    let error = elsewhere.execute_prepared(&prepared, &[Value::Int4(1)], &mut Rows::default());
    assert_eq!(error.unwrap_err().sqlstate().code(), "26000");
}

#[test]
fn a_load_is_one_statement() {
    let database = database();
    let mut a = database.session();
    ok(&mut a, "CREATE TABLE t (id INT PRIMARY KEY, x TEXT NOT NULL, n BIGINT DEFAULT 7)");
    let texts = |values: &[&str]| {
        let mut column = Column::with_capacity(spg_engine::DataType::Text, values.len());
        for value in values {
            column.push(spg_engine::ValueRef::Text(value));
        }
        column
    };
    let mut batches =
        vec![vec![texts(&["c"]), texts(&["3"])], vec![texts(&["a", "b"]), texts(&["1", "2"])]];
    assert_eq!(a.insert_rows("t", &["x", "id"], &mut || Ok(batches.pop())).unwrap(), 3);
    check(&mut a, "SELECT id, x, n FROM t ORDER BY id", "1|a|7\n2|b|7\n3|c|7\nSELECT 3");
    let mut load = |columns: &[&str], batches: Vec<Vec<Column>>| {
        let mut batches = batches.into_iter();
        let error = a.insert_rows("t", columns, &mut || Ok(batches.next())).unwrap_err();
        assert_eq!(number(&mut a, "SELECT count(*) FROM t"), 3);
        error.sqlstate().code()
    };
    let good = || vec![texts(&["z"]), texts(&["9"])];
    assert_eq!(load(&["x", "id"], vec![good(), good()]), "23505");
    assert_eq!(load(&["x", "id"], vec![good(), vec![texts(&["y"]), texts(&["nine"])]]), "22P02");
    assert_eq!(load(&["id"], vec![vec![texts(&["9"])]]), "23502");
    assert_eq!(load(&["id", "y"], vec![]), "42703");
    assert_eq!(load(&["id", "id"], vec![]), "42701");
    let numbers = Column::new(ColumnData::Int8(vec![1 << 40]));
    assert_eq!(load(&["x", "id"], vec![vec![texts(&["z"]), numbers]]), "22003");
    // In a block an error undoes the load and fails the block.
    ok(&mut a, "BEGIN");
    ok(&mut a, "INSERT INTO t VALUES (4, 'd')");
    ok(&mut a, "SAVEPOINT s");
    let mut first = Some(good());
    let error = a.insert_rows("t", &["x", "id"], &mut || match first.take() {
        Some(batch) => Ok(Some(batch)),
        None => Err(Error::new(SqlState::BadCopyFileFormat, "line 2")),
    });
    assert_eq!(error.unwrap_err().sqlstate().code(), "22P04");
    fails(&mut a, "SELECT 1", "25P02");
    ok(&mut a, "ROLLBACK TO s");
    assert_eq!(number(&mut a, "SELECT count(*) FROM t"), 4);
    ok(&mut a, "COMMIT");
    assert_eq!(number(&mut a, "SELECT count(*) FROM t"), 4);
}

#[test]
fn a_client_may_give_its_parameters_types() {
    let database = database();
    let mut session = database.session();
    let error = session.prepare("SELECT $1").err();
    assert!(error.is_none(), "a parameter without a use is text: {error:?}");
    let types = [DataType::Unknown, DataType::Int8];
    let prepared = session.prepare_typed("SELECT $1 + 1, $2 + 1", &types).unwrap();
    assert_eq!(prepared.parameters(), [DataType::Int4, DataType::Int8]);
    let mut rows = Rows::default();
    let values = [Value::Int4(1), Value::Int4(2)];
    session.execute_prepared(&prepared, &values, &mut rows).unwrap();
    assert_eq!(rows.rows, [[Value::Int4(2), Value::Int8(3)]]);
    let error = session.prepare_typed("SELECT $1 + 1", &[DataType::Bool]).unwrap_err();
    assert_eq!(error.sqlstate(), SqlState::UndefinedFunction);
}
