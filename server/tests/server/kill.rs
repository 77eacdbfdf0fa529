//! kill -9 at random moments under writing clients: what was acknowledged is there, and nothing is there by half.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use spg_wire::client::{Client, Error};

use crate::support::{Daemon, Stored, number};

const CLIENTS: i32 = 4;
const ROUNDS: u32 = 8;

/// What one client knows: the last transaction that was acknowledged, and the last that was begun.
#[derive(Clone, Copy, Debug, Default)]
struct Journal {
    acknowledged: i32,
    begun: i32,
}

/// Writes transactions until the connection is lost. Each is two rows and a counter, every third in a block.
fn write(address: &str, client: i32, mut journal: Journal) -> Journal {
    let Ok(mut connection) = Client::connect(address) else { return journal };
    let mut transaction = |number: i32| -> Result<(), Error> {
        if number % 3 == 0 {
            let mut block = connection.transaction()?;
            for half in 0..2 {
                block.execute("INSERT INTO t VALUES ($1, $2, $3)", &[&client, &number, &half])?;
            }
            block.execute("UPDATE counters SET n = $2 WHERE client = $1", &[&client, &number])?;
            block.commit()
        } else {
            let both = "INSERT INTO t VALUES ($1, $2, 0), ($1, $2, 1)";
            connection.execute(both, &[&client, &number]).map(drop)
        }
    };
    loop {
        journal.begun += 1;
        match transaction(journal.begun) {
            Ok(()) => journal.acknowledged = journal.begun,
            Err(error) => {
                assert!(error.code().starts_with("08"), "{error}");
                return journal;
            }
        }
    }
}

/// Compares what is there with the journals; what was begun and is there counts as acknowledged from now on.
fn check(daemon: &Daemon, journals: &mut [Journal]) {
    let mut client = daemon.client();
    let halves =
        "SELECT count(*) FROM (SELECT client, n FROM t GROUP BY client, n HAVING count(*) <> 2) h";
    assert_eq!(number(&mut client, halves), 0, "half of a transaction");
    for (place, journal) in journals.iter_mut().enumerate() {
        let place = place as i32;
        let query = "SELECT count(DISTINCT n), max(n) FROM t WHERE client = $1";
        let row = client.query_one(query, &[&place]).unwrap();
        let (count, last) = (row.get::<i64>(0) as i32, row.get::<Option<i32>>(1).unwrap_or(0));
        assert_eq!(count, last, "client {place} misses one before its last: {journal:?}");
        assert!(last >= journal.acknowledged, "client {place}: {last} is left of {journal:?}");
        assert!(last <= journal.begun, "client {place}: {last} was never begun: {journal:?}");
        let query = format!("SELECT n::BIGINT FROM counters WHERE client = {place}");
        assert_eq!(number(&mut client, &query), i64::from(last - last % 3), "client {place}");
        *journal = Journal { acknowledged: last, begun: last };
    }
    client.administer("verify", &[]).unwrap();
}

#[test]
fn a_killed_daemon_keeps_what_it_acknowledged() {
    let seed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64;
    println!("seed {seed}");
    let mut random = seed | 1;
    let stored = Stored::new();
    // A checkpoint every few milliseconds of writing, and segments that are used again.
    let options = ["--wal-segment-size", "32KB", "--checkpoint-wal-size", "64KB"];
    let mut journals = vec![Journal::default(); CLIENTS as usize];
    let mut daemon = stored.start(&options);
    let mut client = daemon.client();
    client
        .batch_execute(
            "CREATE TABLE t (client INT, n INT, half INT, PRIMARY KEY (client, n, half));
             CREATE TABLE counters (client INT PRIMARY KEY, n INT);
             INSERT INTO counters VALUES (0, 0), (1, 0), (2, 0), (3, 0)",
        )
        .unwrap();
    drop(client);
    for _ in 0..ROUNDS {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let address = daemon.address().to_owned();
        let is_over = AtomicBool::new(false);
        journals = thread::scope(|scope| {
            let writers: Vec<_> = (0..CLIENTS)
                .zip(&journals)
                .map(|(client, journal)| {
                    let address = &address;
                    scope.spawn(move || write(address, client, *journal))
                })
                .collect();
            scope.spawn(|| {
                // Checkpoints that are asked for, beside those that come by themselves.
                let Ok(mut client) = Client::connect(address.as_str()) else { return };
                while !is_over.load(Ordering::Relaxed) && client.batch_execute("CHECKPOINT").is_ok()
                {
                    thread::sleep(Duration::from_millis(20));
                }
            });
            thread::sleep(Duration::from_millis(50 + random % 300));
            daemon.kill();
            is_over.store(true, Ordering::Relaxed);
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        daemon = stored.start(&options);
        check(&daemon, &mut journals);
    }
    let total: i32 = journals.iter().map(|journal| journal.acknowledged).sum();
    assert!(total > 50, "so few transactions prove little: {journals:?}");
    daemon.client().administer("audit-verify", &[]).unwrap();
    daemon.stop();
    check(&stored.start(&options), &mut journals);
}
