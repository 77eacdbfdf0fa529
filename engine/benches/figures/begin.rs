//! BEGIN and ROLLBACK at two sizes of database: a pointer copy costs the same at both.

use std::time::Duration;

use crate::harness::{Discard, RUNS, Report, database, fill, rate, run as execute};

pub(crate) fn run(report: &mut Report) {
    for rows in [1_000, 10_000_000] {
        let database = database();
        let mut session = database.session();
        fill(&mut session, rows);
        let begin = session.prepare("BEGIN").expect("prepare");
        let rollback = session.prepare("ROLLBACK").expect("prepare");
        let mut samples = Vec::new();
        for _ in 0..RUNS {
            let mut sink = Discard::default();
            let per_second = rate(Duration::from_millis(500), || {
                session.execute_prepared(&begin, &[], &mut sink).expect("begin");
                session.execute_prepared(&rollback, &[], &mut sink).expect("rollback");
            });
            samples.push(1e9 / per_second);
        }
        report.line(&format!("BEGIN + ROLLBACK at {rows} rows"), "ns", &mut samples);
        execute(&mut session, "DROP TABLE rows");
    }
}
