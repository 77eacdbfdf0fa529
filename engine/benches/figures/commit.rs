//! COMMIT of 100,000 written rows: undisturbed, and with a base that is 1,000 single-row commits old on that table.

use spg_engine::Value;

use crate::harness::{Discard, ROWS, RUNS, Report, database, fill, run as execute, seconds};

const WRITTEN: u64 = 100_000;

pub(crate) fn run(report: &mut Report) {
    let database = database();
    let mut writer = database.session();
    fill(&mut writer, ROWS);
    let mut other = database.session();
    let update = other.prepare("UPDATE rows SET score = score + 1 WHERE id = $1").expect("prepare");
    let (mut undisturbed, mut old_base, mut held) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..RUNS as u64 * 2 {
        let disturbed = run % 2 == 1;
        let start = seconds(|| {
            execute(&mut writer, "BEGIN");
            execute(
                &mut writer,
                &format!("UPDATE rows SET score = score + 1 WHERE id < {WRITTEN}"),
            );
        });
        if disturbed {
            for place in 0..1_000 {
                let key = [Value::Int8((WRITTEN + place * 877) as i64)];
                other.execute_prepared(&update, &key, &mut Discard::default()).expect("update");
            }
        }
        database.take_longest_writer_hold();
        let commit = seconds(|| drop(execute(&mut writer, "COMMIT")));
        held.push(database.take_longest_writer_hold().as_secs_f64() * 1e3);
        let whole = 1e3 * (start + commit);
        if disturbed { old_base.push(whole) } else { undisturbed.push(whole) }
    }
    let quiet = report.line("UPDATE + COMMIT of 100,000 rows, undisturbed", "ms", &mut undisturbed);
    let busy = report.line("the same, base 1,000 commits old", "ms", &mut old_base);
    report.ratio("old base / undisturbed", busy / quiet);
    report.line("writer lock held by that COMMIT", "ms", &mut held);
}
