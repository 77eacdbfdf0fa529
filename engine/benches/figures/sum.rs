//! SELECT sum(x) over 1M rows of which 1% are NULL.

use rusqlite::Connection;
use spg_engine::Value;

use crate::harness::{Discard, ROWS, RUNS, Random, Report, database, run as execute, seconds};

pub(crate) fn run(report: &mut Report) {
    let database = database();
    let mut session = database.session();
    execute(&mut session, "CREATE TABLE numbers (id INT PRIMARY KEY, x INT)");
    let sqlite = Connection::open_in_memory().expect("open");
    sqlite
        .execute_batch("CREATE TABLE numbers(id INTEGER PRIMARY KEY, x INTEGER); BEGIN")
        .expect("create");
    {
        let insert = session.prepare("INSERT INTO numbers VALUES ($1, $2)").expect("prepare");
        let mut peer = sqlite.prepare("INSERT INTO numbers VALUES (?1, ?2)").expect("prepare");
        let mut random = Random::new(1);
        execute(&mut session, "BEGIN");
        for id in 0..ROWS as i32 {
            let x = (random.below(100) != 0).then(|| random.below(1_000_000) as i32);
            let parameters = [Value::Int4(id), x.map_or(Value::Null, Value::Int4)];
            session
                .execute_prepared(&insert, &parameters, &mut Discard::default())
                .expect("insert");
            peer.execute((id, x)).expect("insert");
        }
        execute(&mut session, "COMMIT");
    }
    sqlite.execute_batch("COMMIT").expect("commit");
    let select = session.prepare("SELECT sum(x) FROM numbers").expect("prepare");
    let mut peer = sqlite.prepare("SELECT sum(x) FROM numbers").expect("prepare");
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..RUNS * 3 {
        ours.push(
            1e3 * seconds(|| {
                session.execute_prepared(&select, &[], &mut Discard::default()).expect("sum");
            }),
        );
        theirs.push(
            1e3 * seconds(|| {
                std::hint::black_box(peer.query_row([], |row| row.get::<_, i64>(0)).expect("sum"));
            }),
        );
    }
    let spg = report.line("sum(x), 1M rows, 1% NULL: SPG", "ms", &mut ours);
    let sqlite = report.line("sum(x), 1M rows, 1% NULL: SQLite :memory:", "ms", &mut theirs);
    report.ratio("SQLite / SPG", sqlite / spg);
}
