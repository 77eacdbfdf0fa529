//! Sequences over restarts: no gap when the database was closed in order, a gap but no repetition when it was not.

use spg_engine::disk::simulated::SimulatedDisk;
use spg_engine::session::{Rows, Session};

use crate::support::{KEEPING, ok, run};

fn next(session: &mut Session) -> i64 {
    let answer = run(session, "SELECT nextval('s')");
    answer.lines().next().unwrap().parse().unwrap()
}

#[test]
fn values_go_on_after_a_restart() {
    for mode in KEEPING {
        let disk = SimulatedDisk::new();
        let database = mode.open(&disk).unwrap();
        let mut session = database.session();
        ok(
            &mut session,
            &[
                "CREATE SEQUENCE s START 5",
                "CREATE TABLE t (id SERIAL PRIMARY KEY, n INT GENERATED ALWAYS AS IDENTITY, d INT DEFAULT nextval('s'))",
                "INSERT INTO t DEFAULT VALUES",
            ],
        );
        assert_eq!(next(&mut session), 6, "{mode:?}");
        drop(session);
        drop(database);
        let database = mode.open(&disk).unwrap();
        let mut session = database.session();
        assert_eq!(next(&mut session), 7, "{mode:?}: closed in order");
        assert_eq!(
            run(&mut session, "INSERT INTO t DEFAULT VALUES RETURNING *"),
            "2|2|8\nINSERT 0 1"
        );
        // Many at once: one place for them all, or few.
        let commit = database.published_commit();
        let count =
            run(&mut session, "SELECT count(DISTINCT nextval('s')) FROM t a, t b, t c, t d");
        assert_eq!(count, "16\nSELECT 1");
        assert!(database.published_commit().0 <= commit.0 + 1);
        let last = next(&mut session);
        // What a killed process, or a power cut, leaves.
        for left in [disk.process_kill(), disk.power_cut(3)] {
            let database = mode.open(&left).unwrap();
            let mut session = database.session();
            let value = next(&mut session);
            assert!(value > last && value <= last + 100, "{mode:?}: {value} after {last}");
            ok(&mut session, &["CHECKPOINT"]);
            let after = next(&mut session);
            assert_eq!(after, value + 1);
            let kept = left.process_kill();
            drop(session);
            drop(database);
            let database = mode.open(&kept).unwrap();
            assert!(next(&mut database.session()) > after, "{mode:?}: behind an image");
            let verified = database.administer("verify", &[], &mut Rows::default());
            assert!(verified.is_ok(), "{verified:?}");
        }
    }
}
