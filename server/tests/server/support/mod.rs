//! A daemon as a child process, a client that breaks rules, and bounded waits.

mod daemon;
mod raw;
mod skip;
mod stored;

use std::time::{Duration, Instant};

pub(crate) use daemon::Daemon;
pub(crate) use raw::{Raw, frame, query};
pub(crate) use skip::{has_program, not_permitted};
use spg_wire::client::{Client, Error};
pub(crate) use stored::{Stored, flip, ids, refusal};

/// Longest that a test waits for anything, on a machine that does much else.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until `is_so` answers true.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The one value of the one row that a query answers.
pub(crate) fn number(client: &mut Client, query: &str) -> i64 {
    client.query_one(query, &[]).unwrap().get(0)
}

/// One of the server's figures.
pub(crate) fn figure(client: &mut Client, name: &str) -> u64 {
    let figures = client.stats().unwrap();
    let (_, value) = figures.iter().find(|(key, _)| key == name).unwrap();
    value.parse().unwrap()
}

/// The SQLSTATE of a failure.
pub(crate) fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    result.unwrap_err().code()
}

/// Waits until the statements of `count` other connections run, and makes a newer version of the data than they hold.
pub(crate) fn wait_until_running(client: &mut Client, count: u64) {
    wait_until("the statement runs", || {
        client.execute("INSERT INTO moved VALUES (1)", &[]).unwrap();
        figure(client, "connections_active") == count + 1 && figure(client, "live_roots") > 1
    });
}

/// A query that runs until it is cancelled, over a table `numbers` that it makes.
pub(crate) fn endless(client: &mut Client) -> &'static str {
    let tables =
        "CREATE TABLE IF NOT EXISTS numbers (n INT); CREATE TABLE IF NOT EXISTS moved (n INT)";
    client.batch_execute(tables).unwrap();
    if number(client, "SELECT count(*) FROM numbers") == 0 {
        let mut rows = client.copy_in("numbers", &[]).unwrap();
        for n in 0..2_000 {
            rows.write_row(&[&n]).unwrap();
        }
        rows.finish().unwrap();
    }
    "SELECT count(*) FROM numbers a, numbers b, numbers c, numbers d WHERE a.n + b.n + c.n + d.n < 0"
}
