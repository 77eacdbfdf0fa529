//! Several commits of one session in flight: answered in order, each after it is durable.

use std::sync::{Arc, Condvar, Mutex};

use spg_engine::transaction::log::{CommitLog, Record};
use spg_engine::{Database, Error, SqlState};
use spg_server::{Options, Server};
use spg_wire::client::Client;

use crate::support::{number, wait_until};

/// A log that a test holds, counts and breaks.
#[derive(Debug, Default)]
struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_closed: bool,
    is_broken: bool,
    groups: Vec<usize>,
}

#[derive(Debug)]
struct GatedLog(Arc<Gate>);

impl CommitLog for GatedLog {
    fn write(&self, records: &[Record]) -> spg_engine::Result<()> {
        let state = self.0.state.lock().unwrap();
        let mut state = self.0.changed.wait_while(state, |state| state.is_closed).unwrap();
        if state.is_broken {
            return Err(Error::new(SqlState::TransactionResolutionUnknown, "the log is broken"));
        }
        state.groups.push(records.len());
        Ok(())
    }
}

impl Gate {
    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
        self.changed.notify_all();
    }
}

fn with_server(test: impl FnOnce(&Gate, &str)) {
    let gate = Arc::new(Gate::default());
    let addresses = vec!["127.0.0.1:0".parse().unwrap()];
    let server = Server::bind(Options { addresses, ..Options::default() }).unwrap();
    let (address, stopper) = (server.address().to_string(), server.stopper());
    let log: Box<dyn CommitLog> = Box::new(GatedLog(Arc::clone(&gate)));
    let running = std::thread::spawn(move || {
        server.run(|| Database::open(spg_engine::Options { log: Some(log), ..Default::default() }))
    });
    wait_until("it is loaded", || Client::connect(address.as_str()).is_ok());
    test(&gate, &address);
    stopper.stop();
    running.join().unwrap().unwrap();
}

#[test]
fn a_pipeline_of_commits_is_one_group_and_answered_when_it_is_durable() {
    with_server(|gate, address| {
        let mut client = Client::connect(address).unwrap();
        client.batch_execute("CREATE TABLE t (id INT PRIMARY KEY)").unwrap();
        let insert = client.prepare("INSERT INTO t VALUES ($1)").unwrap();
        gate.set(|state| {
            state.groups.clear();
            state.is_closed = true;
        });
        let mut pipeline = client.pipeline();
        for id in [1, 2, 2, 3] {
            pipeline.execute(&insert, &[&id]).unwrap();
        }
        pipeline.flush().unwrap();
        // Nothing is visible, nor answered, while the log waits.
        let mut other = Client::connect(address).unwrap();
        assert_eq!(number(&mut other, "SELECT count(*) FROM t"), 0);
        gate.set(|state| state.is_closed = false);
        let answers: Vec<String> = std::iter::from_fn(|| pipeline.next_rows())
            .map(|answer| answer.map_or_else(|error| error.code(), |_| "done".to_owned()))
            .collect();
        assert_eq!(answers, ["done", "done", "23505", "done"]);
        drop(pipeline);
        assert_eq!(number(&mut other, "SELECT count(*) FROM t"), 3);
        assert_eq!(gate.state.lock().unwrap().groups.iter().sum::<usize>(), 3);
    });
}

#[test]
fn where_the_log_fails_the_answers_say_so_in_their_places() {
    with_server(|gate, address| {
        let mut client = Client::connect(address).unwrap();
        client.batch_execute("CREATE TABLE t (id INT PRIMARY KEY)").unwrap();
        let insert = client.prepare("INSERT INTO t VALUES ($1)").unwrap();
        let select = client.prepare("SELECT count(*) FROM t").unwrap();
        gate.set(|state| state.is_broken = true);
        let mut pipeline = client.pipeline();
        pipeline.execute(&select, &[]).unwrap();
        for id in 1..=3 {
            pipeline.execute(&insert, &[&id]).unwrap();
        }
        pipeline.execute(&select, &[]).unwrap();
        let answers: Vec<String> = std::iter::from_fn(|| pipeline.next_rows())
            .map(|answer| match answer {
                Ok(rows) => rows[0].get::<i64>(0).to_string(),
                Err(error) => error.code(),
            })
            .collect();
        assert_eq!(answers, ["0", "08007", "08007", "08007", "0"]);
        drop(pipeline);
        gate.set(|state| state.is_broken = false);
        assert_eq!(client.execute(&insert, &[&7]).unwrap(), 1);
        assert_eq!(number(&mut client, "SELECT count(*) FROM t"), 1);
    });
}

#[test]
fn without_a_sync_between_them_a_failed_commit_stops_what_follows() {
    use spg_wire::message::client;
    use spg_wire::{Opcode, ValueRef};

    with_server(|gate, address| {
        let mut raw = crate::support::Raw::connect(address).greeted();
        raw.send(&crate::support::query("CREATE TABLE t (id INT PRIMARY KEY)"));
        raw.expect(Opcode::CommandComplete);
        raw.expect(Opcode::Ready);
        let mut unit = Vec::new();
        client::parse(&mut unit, 1, "INSERT INTO t VALUES ($1)", &[]).unwrap();
        for id in 1..=3 {
            client::bind(&mut unit, 1, [ValueRef::Int4(id)].into_iter()).unwrap();
            client::plain(&mut unit, Opcode::Execute);
        }
        client::plain(&mut unit, Opcode::Sync);
        gate.set(|state| state.is_broken = true);
        raw.send(&unit);
        raw.expect(Opcode::ParseComplete);
        raw.expect(Opcode::ErrorResponse);
        raw.expect(Opcode::Ready);
        gate.set(|state| state.is_broken = false);
        raw.send(&unit);
        raw.expect(Opcode::ParseComplete);
        for _ in 1..=3 {
            raw.expect(Opcode::CommandComplete);
        }
        raw.expect(Opcode::Ready);
    });
}

/// Parse, Bind and Execute without parameters.
fn unit(statement_id: u32, text: &str) -> Vec<u8> {
    use spg_wire::Opcode;
    use spg_wire::message::client;

    let mut out = Vec::new();
    client::parse(&mut out, statement_id, text, &[]).unwrap();
    client::bind(&mut out, statement_id, std::iter::empty()).unwrap();
    client::plain(&mut out, Opcode::Execute);
    out
}

#[test]
fn a_commit_that_fails_before_the_rest_has_come_stops_it_all_the_same() {
    use crate::support::{Raw, frame, query};
    use spg_wire::Opcode;

    with_server(|gate, address| {
        let mut raw = Raw::connect(address).greeted();
        raw.send(&query("CREATE TABLE t (id INT PRIMARY KEY)"));
        raw.expect(Opcode::CommandComplete);
        raw.expect(Opcode::Ready);
        gate.set(|state| state.is_broken = true);
        raw.send(&unit(1, "INSERT INTO t VALUES (1)"));
        raw.expect(Opcode::ParseComplete);
        assert_eq!(raw.error().code(), "08007");
        gate.set(|state| state.is_broken = false);
        // The client sent these before it knew.
        raw.send(&unit(2, "INSERT INTO t VALUES (2)"));
        raw.send(&frame(Opcode::Sync as u8, &[]));
        raw.expect(Opcode::Ready);
        raw.send(&unit(3, "INSERT INTO t VALUES (3)"));
        raw.send(&frame(Opcode::Sync as u8, &[]));
        raw.expect(Opcode::ParseComplete);
        raw.expect(Opcode::CommandComplete);
        raw.expect(Opcode::Ready);
        let mut other = Client::connect(address).unwrap();
        assert_eq!(number(&mut other, "SELECT sum(id)::BIGINT FROM t"), 3);
    });
}

#[test]
fn rows_that_nobody_described_wait_for_the_commits_before_them() {
    use crate::support::{Raw, frame, query};
    use spg_wire::Opcode;
    use spg_wire::message::client;

    with_server(|gate, address| {
        let mut raw = Raw::connect(address).greeted();
        raw.send(&query("CREATE TABLE t (id INT PRIMARY KEY, name TEXT)"));
        raw.expect(Opcode::CommandComplete);
        raw.expect(Opcode::Ready);
        // Its plan is longer than what is sent at a time.
        let explain = format!("EXPLAIN SELECT * FROM t WHERE name = '{}'", "x".repeat(100_000));
        let mut parse = Vec::new();
        client::parse(&mut parse, 1, "INSERT INTO t VALUES (1)", &[]).unwrap();
        client::parse(&mut parse, 2, &explain, &[]).unwrap();
        raw.send(&parse);
        raw.expect(Opcode::ParseComplete);
        raw.expect(Opcode::ParseComplete);
        let mut units = Vec::new();
        for statement_id in [1, 2] {
            client::bind(&mut units, statement_id, std::iter::empty()).unwrap();
            client::plain(&mut units, Opcode::Execute);
            units.extend(frame(Opcode::Sync as u8, &[]));
        }
        gate.set(|state| state.is_broken = true);
        raw.send(&units);
        assert_eq!(raw.error().code(), "08007");
        raw.expect(Opcode::Ready);
        raw.expect(Opcode::RowDescription);
        let mut bytes = 0;
        loop {
            let (opcode, payload) = raw.receive().unwrap();
            bytes += payload.len();
            if opcode != Opcode::DataRow as u8 {
                assert_eq!(opcode, Opcode::CommandComplete as u8);
                break;
            }
        }
        assert!(bytes > 64 << 10, "only {bytes} bytes");
        raw.expect(Opcode::Ready);
    });
}
