//! Exact kNN: 100,000 vectors of 128 numbers, the ten nearest.

use std::sync::Arc;

use spg_engine::Value;

use crate::harness::{Discard, RUNS, Random, Report, database, run as execute, seconds};

const VECTORS: i32 = 100_000;
const DIMENSIONS: usize = 128;

pub(crate) fn run(report: &mut Report) {
    let database = database();
    let mut session = database.session();
    execute(&mut session, "CREATE TABLE items (id INT PRIMARY KEY, v VECTOR(128))");
    let insert = session.prepare("INSERT INTO items VALUES ($1, $2)").expect("prepare");
    let mut random = Random::new(2);
    execute(&mut session, "BEGIN");
    for id in 0..VECTORS {
        let parameters = [Value::Int4(id), Value::Vector(vector(&mut random))];
        session.execute_prepared(&insert, &parameters, &mut Discard::default()).expect("insert");
    }
    execute(&mut session, "COMMIT");
    for (operator, name) in
        [("<->", "L2"), ("<#>", "inner product"), ("<=>", "cosine"), ("<+>", "L1")]
    {
        let text = format!("SELECT id FROM items ORDER BY v {operator} $1 LIMIT 10");
        let select = session.prepare(&text).expect("prepare");
        let mut samples = Vec::new();
        for _ in 0..RUNS * 4 {
            let parameters = [Value::Vector(vector(&mut random))];
            samples.push(
                1e3 * seconds(|| {
                    session
                        .execute_prepared(&select, &parameters, &mut Discard::default())
                        .expect("knn");
                }),
            );
        }
        report.line(&format!("exact kNN, 100,000 x 128, k = 10, {name}"), "ms", &mut samples);
    }
}

fn vector(random: &mut Random) -> Arc<[f32]> {
    (0..DIMENSIONS).map(|_| random.unit()).collect()
}
