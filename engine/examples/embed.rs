//! SPG inside a program: files in a directory, a transaction that is tried again, readers beside a writer.
//!
//! `cargo run --release -p spg-engine --example embed [DIRECTORY]`: without a directory in one that is gone afterwards.

#![expect(clippy::print_stdout, reason = "it shows what it finds")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use spg_engine::durability::Files;
use spg_engine::session::{Rows, Session};
use spg_engine::{Database, Options, SqlState, Value};

fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args_os().nth(1) {
        Some(directory) => show(Path::new(&directory)),
        None => show(tempfile::tempdir()?.path()),
    }
}

fn show(directory: &Path) -> Result<(), Box<dyn Error>> {
    // Image, write-ahead log and audit log are in the directory; a second process that opens it is refused.
    let database = Database::open_files(&Options::default(), Files::in_directory(directory))?;
    let mut session = database.session();
    run(
        &mut session,
        "CREATE TABLE IF NOT EXISTS account (id INT PRIMARY KEY, cents BIGINT CHECK (cents >= 0))",
        &[],
    )?;
    for id in 1..=2 {
        let values = [Value::Int4(id), Value::Int8(10_000)];
        run(&mut session, "INSERT INTO account VALUES ($1, $2) ON CONFLICT DO NOTHING", &values)?;
    }

    // A session for each thread: who reads takes the current version and waits for nobody.
    let reader = Arc::clone(&database);
    let sums = thread::spawn(move || {
        let mut session = reader.session();
        (0..1_000).map(|_| total(&mut session)).collect::<Result<Vec<i64>, spg_engine::Error>>()
    });
    for _ in 0..100 {
        transfer(&mut session, 1, 2, 5)?;
    }
    let sums = sums.join().map_err(|_| "the reader panicked")??;
    assert!(sums.iter().all(|sum| *sum == sums[0]), "a reader saw half of a transfer");

    let mut answer = Rows::default();
    session.execute("SELECT id, cents FROM account ORDER BY id", &[], &mut answer)?;
    for row in &answer.rows {
        println!("{row:?}");
    }
    println!("{} sums of a reader, all {}", sums.len(), sums[0]);
    database.close()?;
    Ok(())
}

/// Runs a statement whose rows nobody wants.
fn run(session: &mut Session, text: &str, values: &[Value]) -> spg_engine::Result<()> {
    session.execute(text, values, &mut Rows::default()).map(drop)
}

/// Moves money; whoever loses against another transaction tries again.
fn transfer(session: &mut Session, from: i32, to: i32, cents: i64) -> spg_engine::Result<()> {
    loop {
        match try_transfer(session, from, to, cents) {
            Err(error) => {
                run(session, "ROLLBACK", &[])?;
                if error.sqlstate() != SqlState::SerializationFailure {
                    return Err(error);
                }
            }
            done => return done,
        }
    }
}

fn try_transfer(session: &mut Session, from: i32, to: i32, cents: i64) -> spg_engine::Result<()> {
    run(session, "BEGIN ISOLATION LEVEL SERIALIZABLE", &[])?;
    for (id, change) in [(from, -cents), (to, cents)] {
        let values = [Value::Int4(id), Value::Int8(change)];
        run(session, "UPDATE account SET cents = cents + $2 WHERE id = $1", &values)?;
    }
    // Durable, and in the audit log, when it returns.
    run(session, "COMMIT", &[])
}

fn total(session: &mut Session) -> spg_engine::Result<i64> {
    let mut answer = Rows::default();
    session.execute("SELECT sum(cents)::BIGINT FROM account", &[], &mut answer)?;
    match answer.rows.as_slice() {
        [row] => match row.as_slice() {
            [Value::Int8(sum)] => Ok(*sum),
            _ => Ok(0),
        },
        _ => Ok(0),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_runs() {
        super::show(tempfile::tempdir().unwrap().path()).unwrap();
    }
}
