//! kNN equals a sort by distance: filters, NULLs, ties, LIMIT and OFFSET included, for all four distances.

#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::sync::Arc;

use proptest::prelude::*;
use spg_engine::Value;
use spg_engine::database::{Database, Options};
use spg_engine::session::{Rows, Session};
use spg_engine::storage::column::{Column, ColumnData, VectorColumn};
use spg_proptests::answer;

const OPERATORS: [&str; 4] = ["<->", "<#>", "<=>", "<+>"];

/// A row: its vector (small integers, so that distances tie and are exact) and a group.
type Point = (Option<[i8; 3]>, i8);

fn point() -> impl Strategy<Value = Point> {
    (prop::option::weighted(0.9, prop::array::uniform3(-3_i8..4)), 0_i8..3)
}

/// More vectors than one core is to read alone, many of them equal.
#[test]
fn a_large_table_is_searched_as_a_small_one() {
    const ROWS: usize = 40_000;
    const DIMENSIONS: usize = 64;
    let database = Database::open(Options::default()).unwrap();
    let mut session = Arc::clone(&database).session();
    run(&mut session, &format!("CREATE TABLE p (id INT, e VECTOR({DIMENSIONS}))"));
    let mut batches = (0..ROWS).step_by(1_000).map(|start| {
        let ids = (start..start + 1_000).map(|id| id as i32).collect();
        let mut vectors = VectorColumn::new(DIMENSIONS);
        for id in start..start + 1_000 {
            let number = |place: usize| ((id * 31 + place * 7) % 97 % 13) as f32;
            vectors.push(&(0..DIMENSIONS).map(number).collect::<Vec<f32>>());
        }
        vec![Column::new(ColumnData::Int4(ids)), Column::new(ColumnData::Vector(vectors))]
    });
    session.insert_rows("p", &[], &mut || Ok(batches.next())).unwrap();
    run(&mut session, "UPDATE p SET e = NULL WHERE id % 100 = 7");
    run(&mut session, "DELETE FROM p WHERE id % 100 = 8");
    let target: Vec<usize> = (0..DIMENSIONS).map(|place| place % 11).collect();
    for operator in OPERATORS {
        for limit in [1, 10, 2_000] {
            let mut ordered = |order: &str| {
                let sql = format!("SELECT id FROM p ORDER BY {order} LIMIT {limit} OFFSET 3");
                run(&mut session, &sql).rows
            };
            let distance = format!("e {operator} '{target:?}'");
            // With the id behind it, a distance is sorted by like anything else.
            let sorted = ordered(&format!("{distance}, id"));
            assert_eq!(ordered(&distance), sorted, "{operator} {limit}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nearest_is_the_head_of_a_sort(
        points in prop::collection::vec(point(), 0..80),
        removed in prop::collection::vec(0_usize..80, 0..10),
        target in prop::array::uniform3(-3_i8..4),
        group in prop::option::of(0_i8..3),
        limit in 0_usize..20,
        offset in 0_usize..5,
    ) {
        let database = Database::open(Options::default()).unwrap();
        let mut session = Arc::clone(&database).session();
        run(&mut session, "CREATE TABLE p (id INT PRIMARY KEY, e VECTOR(3), g INT)");
        let mut kept = Vec::new();
        for (id, point) in points.iter().enumerate() {
            let vector = point.0.map_or_else(|| "NULL".to_owned(), |vector| format!("{vector:?}"));
            run(&mut session, &format!("INSERT INTO p VALUES ({id}, {vector}, {})", point.1));
            kept.push((id, *point));
        }
        for id in removed {
            run(&mut session, &format!("DELETE FROM p WHERE id = {id}"));
            kept.retain(|(known, _)| *known != id);
        }
        let filter = group.map_or_else(String::new, |group| format!("WHERE g = {group}"));
        kept.retain(|(_, (_, of))| group.is_none_or(|group| *of == group));
        for operator in OPERATORS {
            let sql = format!(
                "SELECT id, e {operator} {target:?} FROM p {filter} ORDER BY e {operator} {target:?} LIMIT {limit} OFFSET {offset}"
            );
            let rows = run(&mut session, &sql);
            let mut expected: Vec<(f64, usize)> =
                kept.iter().map(|(id, (vector, _))| (distance(operator, *vector, target), *id)).collect();
            // NULL, and cosine's NaN for a zero vector before it, come last; a tie goes to the older row.
            expected.sort_by(|left, right| left.0.total_cmp(&right.0).then(left.1.cmp(&right.1)));
            let expected: Vec<usize> =
                expected.into_iter().map(|(_, id)| id).skip(offset).take(limit).collect();
            let ids: Vec<usize> = rows.rows.iter().map(|row| identity(&row[0])).collect();
            prop_assert_eq!(ids, expected, "{}\n{:#?}", sql, rows.rows);
        }
    }
}

#[test]
fn these_queries_run_as_nearest() {
    let database = Database::open(Options::default()).unwrap();
    let mut session = Arc::clone(&database).session();
    run(&mut session, "CREATE TABLE p (id INT PRIMARY KEY, e VECTOR(3), g INT)");
    for operator in OPERATORS {
        let sql =
            format!("EXPLAIN SELECT id FROM p WHERE g = 1 ORDER BY e {operator} [1, 2, 3] LIMIT 3");
        let plan = answer::run(&mut session, &sql).lines().join("\n");
        assert!(plan.contains("Nearest"), "{plan}");
    }
}

fn run(session: &mut Session, sql: &str) -> Rows {
    let mut rows = Rows::default();
    session.execute(sql, &[], &mut rows).unwrap_or_else(|error| panic!("{sql}: {error}"));
    rows
}

fn identity(value: &Value) -> usize {
    match value {
        Value::Int4(id) => usize::try_from(*id).unwrap(),
        other => panic!("{other:?} is no id"),
    }
}

/// The distance in double precision; a zero vector has a cosine of NaN, NULL is behind it.
fn distance(operator: &str, vector: Option<[i8; 3]>, target: [i8; 3]) -> f64 {
    let Some(vector) = vector else { return f64::from_bits(f64::NAN.to_bits() | 1) };
    let pairs =
        || vector.iter().zip(target).map(|(left, right)| (f64::from(*left), f64::from(right)));
    let dot = || pairs().map(|(left, right)| left * right).sum::<f64>();
    match operator {
        "<->" => pairs().map(|(left, right)| (left - right).powi(2)).sum::<f64>().sqrt(),
        "<#>" => -dot() + 0.0,
        "<+>" => pairs().map(|(left, right)| (left - right).abs()).sum(),
        _ => {
            let norms = pairs().fold((0.0, 0.0), |sum, (left, right)| {
                (sum.0 + left * left, sum.1 + right * right)
            });
            let cosine = dot() / f64::sqrt(norms.0 * norms.1);
            if cosine.is_nan() { f64::NAN } else { 1.0 - cosine }
        }
    }
}
