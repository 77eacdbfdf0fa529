//! Autocommit: an UPDATE of one row by key, an INSERT of 20 columns of which eight hold 200 bytes of text.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use spg_engine::Value;

use crate::harness::{Discard, ROWS, RUNS, Random, Report, database, fill, rate, run as execute};

pub(crate) fn run(report: &mut Report) {
    let database = database();
    let mut session = database.session();
    fill(&mut session, ROWS);
    let update =
        session.prepare("UPDATE rows SET score = score + 1 WHERE id = $1").expect("prepare");
    let mut random = Random::new(3);
    let mut samples = Vec::new();
    for _ in 0..RUNS {
        let per_second = rate(Duration::from_secs(1), || {
            let key = [Value::Int8(random.below(ROWS) as i64)];
            session.execute_prepared(&update, &key, &mut Discard::default()).expect("update");
        });
        samples.push(1e6 / per_second);
    }
    report.line("autocommit UPDATE of one row by key, 1M rows", "us", &mut samples);
    wide_insert(report);
}

fn wide_insert(report: &mut Report) {
    let database = database();
    let mut session = database.session();
    let mut columns = String::from("id BIGINT PRIMARY KEY");
    let mut values = String::from("$1");
    for column in 1..20 {
        let data_type = if column <= 8 { "TEXT" } else { "BIGINT" };
        write!(columns, ", c{column} {data_type}").expect("a string takes it");
        write!(values, ", ${}", column + 1).expect("a string takes it");
    }
    execute(&mut session, &format!("CREATE TABLE wide ({columns})"));
    let insert = session.prepare(&format!("INSERT INTO wide VALUES ({values})")).expect("prepare");
    let text: Arc<str> = Arc::from("x".repeat(200).as_str());
    let mut id = 0;
    let mut samples = Vec::new();
    for _ in 0..RUNS {
        let per_second = rate(Duration::from_millis(500), || {
            id += 1;
            let parameters: Vec<Value> = (0..20)
                .map(|column| match column {
                    1..=8 => Value::Text(Arc::clone(&text)),
                    _ => Value::Int8(id),
                })
                .collect();
            session
                .execute_prepared(&insert, &parameters, &mut Discard::default())
                .expect("insert");
        });
        samples.push(1e6 / per_second);
    }
    report.line("autocommit INSERT of 20 columns, 8 of 200 B text", "us", &mut samples);
}
