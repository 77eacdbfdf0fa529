//! After any workload what is alive returns to what is live: one root, the chunks of its rows, none kept by idle sessions.

use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use spg_engine::database::{Database, Options};
use spg_engine::session::Session;
use spg_proptests::answer;
use spg_proptests::generator::{DEFINITION, Schema, statement};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn dropping_everything_leaves_nothing(
        steps in prop::collection::vec(prop::collection::vec(any::<u16>(), 0..60), 1..60),
    ) {
        let database = Database::open(Options::default()).unwrap();
        let mut sessions: Vec<Session> = (0..3).map(|_| Arc::clone(&database).session()).collect();
        let empty = counts(&database);
        for session in &mut sessions {
            answer::run(session, "SET lock_timeout = '1ms'");
        }
        for table in 0..2 {
            answer::run(&mut sessions[0], &format!("CREATE TABLE t{table} {DEFINITION}"));
        }
        for numbers in &steps {
            let step = statement(numbers, sessions.len(), &Schema::default());
            answer::run(&mut sessions[step.session], &step.statement.to_string());
        }
        for session in &mut sessions {
            answer::run(session, "ROLLBACK");
        }
        let rows = answer::run(&mut sessions[0], "SELECT (SELECT count(*) FROM t0) + (SELECT count(*) FROM t1)");
        let rows: usize = rows.rows[0][0].as_ref().unwrap().parse().unwrap();
        let (roots, chunks, ..) = settled(&database, |counts| counts.0 == 1);
        prop_assert_eq!(roots, 1, "roots are kept alive");
        // A table's rows lie in its tail and in chunks that merge while they are sparse.
        prop_assert!(chunks <= 2 * (2 + rows / 16), "{chunks} chunks for {rows} rows");
        answer::run(&mut sessions[0], "DROP TABLE t0, t1");
        let nothing = settled(&database, |counts| *counts == empty);
        prop_assert_eq!(nothing, empty, "something is left of the tables dropped");
    }
}

#[test]
fn a_thousand_idle_sessions_keep_one_root() {
    let database = Database::open(Options::default()).unwrap();
    let mut writer = Arc::clone(&database).session();
    for sql in ["CREATE TABLE t (id INT PRIMARY KEY, x INT)", "INSERT INTO t VALUES (0, 0)"] {
        assert_eq!(answer::run(&mut writer, sql).failure, None);
    }
    let mut idle: Vec<Session> = (0..1_000).map(|_| Arc::clone(&database).session()).collect();
    for (id, session) in idle.iter_mut().enumerate() {
        assert_eq!(answer::run(session, "SELECT * FROM t WHERE id = 0").failure, None);
        let insert = format!("INSERT INTO t VALUES ({}, 1)", id + 1);
        assert_eq!(answer::run(session, &insert).failure, None);
        assert_eq!(answer::run(session, "UPDATE t SET x = x + 1 WHERE id = 0").failure, None);
    }
    let (roots, chunks, ..) = settled(&database, |counts| counts.0 == 1);
    assert_eq!(roots, 1, "idle sessions keep roots alive");
    assert!(chunks <= 1_001 / 16 + 2, "{chunks} chunks for 1,001 rows");
    // A block does keep its root, and gives it back.
    let kept = &mut idle[500];
    answer::run(kept, "BEGIN");
    answer::run(kept, "SELECT count(*) FROM t");
    answer::run(&mut writer, "UPDATE t SET x = 0");
    assert_eq!(settled(&database, |counts| counts.0 == 2).0, 2);
    let count = answer::run(kept, "SELECT sum(x) FROM t WHERE id > 0");
    assert_eq!(count.rows, [[Some("1000".to_owned())]]);
    answer::run(kept, "COMMIT");
    assert_eq!(settled(&database, |counts| counts.0 == 1).0, 1);
}

/// Roots, chunks, leaves and bytes.
type Counts = (usize, usize, usize, usize);

fn counts(database: &Database) -> Counts {
    let gauge = database.gauge();
    (gauge.roots(), gauge.chunks(), gauge.leaves(), gauge.bytes())
}

/// The counts once they are as wanted, or after two seconds: large versions are dropped on a thread of their own.
fn settled(database: &Database, wanted: impl Fn(&Counts) -> bool) -> Counts {
    let deadline = Instant::now() + Duration::from_secs(2);
    loop {
        let now = counts(database);
        if wanted(&now) || Instant::now() > deadline {
            return now;
        }
        std::thread::yield_now();
    }
}
