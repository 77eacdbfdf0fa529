//! Visible means durable: what is answered when, while the log writes, and what remains when it fails.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{check, fails, number, ok, run};
use spg_engine::transaction::executed::AuditPolicy;
use spg_engine::transaction::log::{CommitLog, Record, TableEffect};
use spg_engine::{Database, Error, Options, Result, SqlState};

/// A log that announces each group and waits to be told how it goes.
#[derive(Debug)]
struct SteeredLog {
    arrived: Mutex<Sender<Vec<u64>>>,
    verdict: Mutex<Receiver<bool>>,
}

/// The test's ends of the log.
struct Steering {
    arrived: Receiver<Vec<u64>>,
    verdict: Sender<bool>,
}

impl Steering {
    /// Waits for a group: the numbers of its commits.
    fn group(&self) -> Vec<u64> {
        self.arrived.recv_timeout(Duration::from_secs(20)).expect("a group is written")
    }

    fn let_next(&self, succeed: bool) {
        self.verdict.send(succeed).expect("the log is alive");
    }
}

impl CommitLog for SteeredLog {
    fn write(&self, records: &[Record]) -> Result<()> {
        let commits = records.iter().map(|record| record.commit().0).collect();
        self.arrived.lock().unwrap().send(commits).unwrap();
        if self.verdict.lock().unwrap().recv().unwrap() {
            Ok(())
        } else {
            Err(Error::new(SqlState::TransactionResolutionUnknown, "the log failed"))
        }
    }
}

fn steered() -> (Arc<Database>, Steering) {
    let (arrived_sender, arrived) = channel();
    let (verdict, verdict_receiver) = channel();
    let log =
        SteeredLog { arrived: Mutex::new(arrived_sender), verdict: Mutex::new(verdict_receiver) };
    let options = Options { log: Some(Box::new(log)), ..Options::default() };
    (Database::open(options).unwrap(), Steering { arrived, verdict })
}

fn with_table() -> (Arc<Database>, Steering) {
    let (database, steering) = steered();
    let mut session = database.session();
    for succeed in [true, true] {
        steering.let_next(succeed);
    }
    ok(&mut session, "CREATE TABLE t (id INT PRIMARY KEY, n INT)");
    ok(&mut session, "INSERT INTO t VALUES (1, 1)");
    assert_eq!((steering.group(), steering.group()), (vec![1], vec![2]));
    (database, steering)
}

#[test]
fn nothing_is_answered_nor_seen_before_it_is_durable() {
    let (database, steering) = with_table();
    std::thread::scope(|scope| {
        let (done, answers) = channel();
        let spawn = |text: &'static str| {
            let mut session = database.session();
            let done = done.clone();
            scope.spawn(move || done.send((text, run(&mut session, text))).unwrap());
        };
        spawn("INSERT INTO t VALUES (2, 2) RETURNING id");
        assert_eq!(steering.group(), [3]);
        // While the log writes: a commit built on it, and an error computed from it.
        spawn("UPDATE t SET n = 3 WHERE id = 2 RETURNING n");
        spawn("INSERT INTO t VALUES (2, 0)");
        spawn("DELETE FROM t WHERE id = 77");
        let mut reader = database.session();
        assert_eq!(number(&mut reader, "SELECT count(*) FROM t"), 1);
        assert!(answers.recv_timeout(Duration::from_millis(100)).is_err());
        steering.let_next(true);
        let mut got = vec![answers.recv().unwrap()];
        assert_eq!(number(&mut reader, "SELECT count(*) FROM t"), 2);
        assert_eq!(steering.group(), [4]);
        assert_eq!(number(&mut reader, "SELECT sum(n) FROM t"), 3);
        steering.let_next(true);
        got.extend((0..3).map(|_| answers.recv().unwrap()));
        got.sort_unstable();
        let expected = [
            ("DELETE FROM t WHERE id = 77", "DELETE 0"),
            (
                "INSERT INTO t VALUES (2, 0)",
                "23505: duplicate key value violates unique constraint \"t_pkey\"",
            ),
            ("INSERT INTO t VALUES (2, 2) RETURNING id", "2\nINSERT 0 1"),
            ("UPDATE t SET n = 3 WHERE id = 2 RETURNING n", "3\nUPDATE 1"),
        ];
        let got: Vec<(&str, &str)> =
            got.iter().map(|(text, answer)| (*text, answer.as_str())).collect();
        assert_eq!(got, expected);
    });
}

#[test]
fn a_failed_log_takes_back_all_that_was_built_on_it() {
    let (database, steering) = with_table();
    std::thread::scope(|scope| {
        let mut first = database.session();
        let failed =
            scope.spawn(move || run(&mut first, "INSERT INTO t VALUES (2, 2) RETURNING id"));
        assert_eq!(steering.group(), [3]);
        let mut second = database.session();
        let duplicate = scope.spawn(move || run(&mut second, "INSERT INTO t VALUES (2, 3)"));
        steering.let_next(false);
        assert_eq!(failed.join().unwrap(), "08007: the log failed");
        // The second may have looked before or after the first was taken back.
        let group = steering.arrived.recv_timeout(Duration::from_millis(200));
        if let Ok(group) = group {
            assert_eq!(group, [3], "the number is used again: nobody saw it");
            steering.let_next(true);
            assert_eq!(duplicate.join().unwrap(), "INSERT 0 1");
        } else {
            assert_eq!(duplicate.join().unwrap(), "08007: the log failed");
        }
    });
    let mut session = database.session();
    steering.let_next(true);
    ok(&mut session, "UPDATE t SET n = 9 WHERE id = 1");
    assert_eq!(number(&mut session, "SELECT n FROM t WHERE id = 1"), 9);
    assert!(number(&mut session, "SELECT count(*) FROM t") <= 2);
}

#[test]
fn a_failed_commit_of_a_block_leaves_the_session_usable() {
    let (database, steering) = with_table();
    let mut session = database.session();
    ok(&mut session, "BEGIN");
    ok(&mut session, "INSERT INTO t VALUES (2, 2)");
    steering.let_next(false);
    fails(&mut session, "COMMIT", "08007");
    check(&mut session, "SELECT id FROM t", "1\nSELECT 1");
    steering.let_next(true);
    check(&mut session, "INSERT INTO t VALUES (2, 2)", "INSERT 0 1");
}

fn statements_of(record: &Record) -> String {
    let texts = record.statements().iter().map(|executed| executed.text.to_string());
    texts.collect::<Vec<_>>().join("; ")
}

/// A log that keeps what its records say.
#[derive(Debug, Default)]
struct KeepingLog(Arc<Mutex<Vec<String>>>);

impl CommitLog for KeepingLog {
    fn write(&self, records: &[Record]) -> Result<()> {
        for record in records {
            let effects = record.effects().into_iter().map(|effect| match effect {
                TableEffect::Defined { schema, is_empty } => {
                    format!("{} {}", if is_empty { "new" } else { "redefined" }, schema.name)
                }
                TableEffect::Dropped(_) => "dropped".to_owned(),
                TableEffect::Changed(_, change) => format!(
                    "+{} ~{} -{}",
                    change.inserted.map_or(0, |inserted| inserted.ids.len()),
                    change.updated.map_or(0, |updated| updated.ids.len()),
                    change.deleted.len()
                ),
            });
            let effects: Vec<String> = effects.collect();
            let line = format!(
                "{}: {} <- {}",
                record.commit().0,
                effects.join(", "),
                statements_of(record)
            );
            self.0.lock().unwrap().push(line);
        }
        Ok(())
    }

    fn audit_policy(&self) -> AuditPolicy {
        AuditPolicy::Parameters
    }
}

#[test]
fn records_say_what_each_commit_did() {
    let lines = Arc::default();
    let log = KeepingLog(Arc::clone(&lines));
    let database =
        Database::open(Options { log: Some(Box::new(log)), ..Options::default() }).unwrap();
    let mut a = database.session();
    ok(&mut a, "CREATE TABLE t (id INT PRIMARY KEY)");
    ok(&mut a, "BEGIN");
    ok(&mut a, "INSERT INTO t VALUES (1), (2), (3)");
    ok(&mut a, "SAVEPOINT s");
    ok(&mut a, "DELETE FROM t");
    ok(&mut a, "ROLLBACK TO s");
    ok(&mut a, "UPDATE t SET id = 9 WHERE id = 1");
    ok(&mut a, "COMMIT");
    ok(&mut a, "UPDATE t SET id = 8 WHERE id = 9");
    ok(&mut a, "DELETE FROM t WHERE id = 8");
    ok(&mut a, "DELETE FROM t WHERE id = 8");
    ok(&mut a, "BEGIN");
    ok(&mut a, "DELETE FROM t WHERE id = 8");
    ok(&mut a, "CREATE INDEX i ON t (id)");
    ok(&mut a, "INSERT INTO t VALUES (5)");
    ok(&mut a, "COMMIT");
    ok(&mut a, "TRUNCATE t");
    ok(&mut a, "DROP TABLE t");
    let expected = [
        "1: new t <- CREATE TABLE t (id INT PRIMARY KEY)",
        "2: +3 ~0 -0 <- INSERT INTO t VALUES (1), (2), (3); UPDATE t SET id = 9 WHERE id = 1",
        "3: +0 ~1 -0 <- UPDATE t SET id = 8 WHERE id = 9",
        "4: +0 ~0 -1 <- DELETE FROM t WHERE id = 8",
        "5: redefined t, +1 ~0 -0 <- CREATE INDEX i ON t (id); INSERT INTO t VALUES (5)",
        "6: new t <- TRUNCATE t",
        "7: dropped <- DROP TABLE t",
    ];
    assert_eq!(*lines.lock().unwrap(), expected);
}

#[test]
fn several_commits_of_one_session_are_in_flight() {
    let (database, steering) = with_table();
    let mut session = database.session();
    session.defer_commits(true);
    let mut unsettled = Vec::new();
    for (text, answer) in [
        ("INSERT INTO t VALUES (2, 2) RETURNING n", "2\nINSERT 0 1"),
        ("UPDATE t SET n = n + 1 WHERE id = 2 RETURNING n", "3\nUPDATE 1"),
        (
            "INSERT INTO t VALUES (2, 0)",
            "23505: duplicate key value violates unique constraint \"t_pkey\"",
        ),
        ("DELETE FROM t WHERE id = 1", "DELETE 1"),
    ] {
        check(&mut session, text, answer);
        unsettled.push(session.take_unsettled().expect("nothing is written yet"));
    }
    assert_eq!(number(&mut database.session(), "SELECT sum(n) FROM t"), 1);
    steering.let_next(true);
    for unsettled in unsettled {
        session.settle(unsettled).unwrap();
    }
    assert_eq!(steering.group(), [3, 4, 5], "one group");
    assert_eq!(number(&mut database.session(), "SELECT sum(n) FROM t"), 3);
    check(&mut session, "DELETE FROM t WHERE id = 1", "DELETE 0");
    assert!(session.take_unsettled().is_none(), "it rests on what is durable");
}

#[test]
fn a_session_sees_what_it_has_in_flight_and_leaves_none_behind() {
    let (database, steering) = with_table();
    let mut session = database.session();
    session.defer_commits(true);
    for (place, read) in
        ["SELECT sum(n) FROM t", "BEGIN", "CREATE INDEX ON t (n)"].iter().enumerate()
    {
        ok(&mut session, "UPDATE t SET n = n + 1");
        let unsettled = session.take_unsettled().expect("nothing is written yet");
        steering.let_next(true);
        if *read == "CREATE INDEX ON t (n)" {
            steering.let_next(true);
        }
        ok(&mut session, read);
        assert_eq!(number(&mut session, "SELECT sum(n) FROM t"), place as i64 + 2);
        session.settle(unsettled).unwrap();
        if *read == "BEGIN" {
            ok(&mut session, "COMMIT");
        }
    }
    ok(&mut session, "UPDATE t SET n = 0");
    steering.let_next(true);
    drop(session);
    assert_eq!(number(&mut database.session(), "SELECT sum(n) FROM t"), 0);
}

#[test]
fn a_failed_log_fails_every_commit_in_flight() {
    let (database, steering) = with_table();
    let mut session = database.session();
    session.defer_commits(true);
    ok(&mut session, "UPDATE t SET n = 5");
    let first = session.take_unsettled().expect("nothing is written yet");
    ok(&mut session, "UPDATE t SET n = n + 1");
    let second = session.take_unsettled().expect("nothing is written yet");
    steering.let_next(false);
    assert_eq!(number(&mut session, "SELECT n FROM t"), 1);
    for unsettled in [first, second] {
        let error = session.settle(unsettled).unwrap_err();
        assert_eq!(error.sqlstate(), SqlState::TransactionResolutionUnknown);
    }
    steering.let_next(true);
    ok(&mut session, "UPDATE t SET n = n + 1");
    let third = session.take_unsettled().expect("nothing is written yet");
    session.settle(third).unwrap();
    assert_eq!(number(&mut session, "SELECT n FROM t"), 2);
}
