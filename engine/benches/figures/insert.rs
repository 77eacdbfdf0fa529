//! INSERT of 1M rows in one transaction by a prepared statement, with a key index.

use rusqlite::Connection;

use crate::harness::{ROWS, Report, database, fill, row_name, seconds};

pub(crate) fn run(report: &mut Report) {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let database = database();
        let mut session = database.session();
        ours.push(ROWS as f64 / seconds(|| fill(&mut session, ROWS)));
        theirs.push(ROWS as f64 / seconds(|| {
            let connection = Connection::open_in_memory().expect("open");
            connection
                .execute_batch(
                    "CREATE TABLE rows(id INTEGER PRIMARY KEY, name TEXT NOT NULL, score REAL NOT NULL); BEGIN",
                )
                .expect("create");
            let mut insert = connection.prepare("INSERT INTO rows VALUES(?1, ?2, ?3)").expect("prepare");
            for id in 0..ROWS {
                insert.execute((id as i64, row_name(id), id as f64 * 0.5)).expect("insert");
            }
            connection.execute_batch("COMMIT").expect("commit");
        }));
    }
    let spg = report.line("INSERT of 1M rows, one transaction, prepared: SPG", "rows/s", &mut ours);
    let sqlite =
        report.line("INSERT of 1M rows, one transaction: SQLite :memory:", "rows/s", &mut theirs);
    report.ratio("SPG / SQLite", spg / sqlite);
}
