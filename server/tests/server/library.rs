//! The server within this process, where a test can hold it back: loading, panics, its end.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

use spg_engine::Database;
use spg_server::{Options, RunError, Server, Stopper};
use spg_wire::Opcode;
use spg_wire::client::Client;
use spg_wire::message::client;

use crate::support::{PATIENCE, Raw, code, figure, number, query, wait_until};

/// A server in this process; it loads until it is given its database.
struct Inner {
    address: String,
    stopper: Stopper,
    load: Sender<Arc<Database>>,
    running: JoinHandle<Result<(), RunError<spg_engine::Error>>>,
}

impl Inner {
    fn start(options: Options) -> Self {
        let addresses = vec!["127.0.0.1:0".parse().unwrap()];
        let server = Server::bind(Options { addresses, ..options }).unwrap();
        let address = server.address().to_string();
        let stopper = server.stopper();
        let (load, loaded) = channel();
        let running =
            std::thread::spawn(move || server.run(|| Ok(loaded.recv_timeout(PATIENCE).unwrap())));
        Self { address, stopper, load, running }
    }

    fn loaded(self) -> Self {
        self.load.send(Database::open(spg_engine::Options::default()).unwrap()).unwrap();
        wait_until("it is loaded", || Client::connect(self.address.as_str()).is_ok());
        self
    }

    fn client(&self) -> Client {
        Client::connect(self.address.as_str()).unwrap()
    }

    fn stop(self) {
        self.stopper.stop();
        self.running.join().unwrap().unwrap();
    }
}

#[test]
fn while_it_loads_it_answers_that() {
    let server = Inner::start(Options::default());
    assert_eq!(code(Client::connect(server.address.as_str())), "57P03");
    let mut ping = Vec::new();
    client::ping(&mut ping, 1);
    for first in [ping, query("SELECT 1")] {
        let mut raw = Raw::connect(&server.address);
        raw.send(&first);
        assert_eq!(raw.fatal().0, "57P03");
    }
    let server = server.loaded();
    assert_eq!(number(&mut server.client(), "SELECT 1::BIGINT"), 1);
    let address = server.address.clone();
    server.stop();
    assert_eq!(code(Client::connect(address.as_str())), "08001");
}

#[test]
fn an_end_while_it_loads_is_an_end() {
    let server = Inner::start(Options::default());
    let mut waiting = Raw::connect(&server.address);
    // It is known to have been accepted once another that came later is answered.
    assert_eq!(code(Client::connect(server.address.as_str())), "57P03");
    server.stopper.stop();
    server.load.send(Database::open(spg_engine::Options::default()).unwrap()).unwrap();
    assert_eq!(waiting.fatal().0, "57P01");
    server.running.join().unwrap().unwrap();
}

#[test]
fn a_database_that_does_not_open_is_an_error() {
    let addresses = vec!["127.0.0.1:0".parse().unwrap()];
    let server = Server::bind(Options { addresses, ..Options::default() }).unwrap();
    let error = spg_engine::Error::new(spg_engine::SqlState::IoError, "could not read it");
    let ended = server.run(|| Err(error)).unwrap_err();
    assert!(ended.to_string().contains("could not read it"));
}

#[test]
fn without_threads_the_listener_goes_on() {
    // No machine has room for such a stack, so no thread can be started.
    let server = Inner::start(Options { stack_bytes: 1 << 46, ..Options::default() });
    for _ in 0..100 {
        let (code, message) = Raw::connect(&server.address).fatal();
        assert_eq!(code, "53300");
        assert!(message.contains("could not start a thread"), "{message}");
    }
    server.load.send(Database::open(spg_engine::Options::default()).unwrap()).unwrap();
    server.stop();
}

#[test]
fn a_panic_costs_its_connection_alone() {
    let hook = |text: &str| assert!(!text.contains("panic now"), "as the test wants it");
    let options = Options { statement_hook: Some(Arc::new(hook)), ..Options::default() };
    let server = Inner::start(options).loaded();
    let mut other = server.client();
    other.batch_execute("CREATE TABLE t (id INT)").unwrap();
    other.batch_execute("BEGIN; INSERT INTO t VALUES (1)").unwrap();

    let mut raw = Raw::connect(&server.address).greeted();
    raw.send(&query("BEGIN; INSERT INTO t VALUES (2); SELECT 5; SELECT 'panic now'"));
    let fields = raw.error();
    assert_eq!((fields.code(), fields.severity), ("XX000", spg_wire::Severity::Fatal));
    raw.drain();

    // What it had open is rolled back, and the name of its session is free.
    let mut observer = server.client();
    wait_until("it has gone", || figure(&mut observer, "connections") == 2);
    other.batch_execute("COMMIT").unwrap();
    assert_eq!(number(&mut observer, "SELECT count(*) FROM t WHERE id = 2"), 0);
    assert_eq!(number(&mut observer, "SELECT count(*) FROM t WHERE id = 1"), 1);
    let config = || spg_wire::client::Config::new(server.address.as_str()).session("s");
    let mut named = Client::connect(config()).unwrap();
    assert_eq!(code(named.batch_execute("SELECT 'panic now'")), "XX000");
    let mut again = None;
    wait_until("the name is free", || {
        again = Client::connect(config()).ok();
        again.is_some()
    });
    assert_eq!(again.unwrap().parameter("session_resumed"), Some("off"));
    wait_until("no version is kept", || figure(&mut observer, "live_roots") == 1);
    server.stop();
}

/// A server whose statements that contain "wait here" wait; what says that one does, and what lets it go on.
fn held_back() -> (Inner, Receiver<()>, impl Fn()) {
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let (reached, is_reached) = channel();
    let of_hook = Arc::clone(&gate);
    let hook = move |text: &str| {
        if text.contains("wait here") {
            reached.send(()).unwrap();
            let is_open = of_hook.0.lock().unwrap();
            drop(of_hook.1.wait_while(is_open, |is_open| !*is_open).unwrap());
        }
    };
    let options = Options {
        statement_hook: Some(Arc::new(hook)),
        stop_grace: PATIENCE,
        ..Options::default()
    };
    let open = move || {
        *gate.0.lock().unwrap() = true;
        gate.1.notify_all();
    };
    (Inner::start(options).loaded(), is_reached, open)
}

#[test]
fn a_running_statement_may_finish_and_its_client_is_told_both() {
    let (server, is_reached, open) = held_back();
    let mut clients = Vec::new();
    for script in ["SELECT 'wait here'; SELECT 'not any more'", "SELECT 'wait here'"] {
        let mut raw = Raw::connect(&server.address).greeted();
        raw.send(&query(script));
        is_reached.recv_timeout(PATIENCE).unwrap();
        clients.push(raw);
    }
    let mut idle = Raw::connect(&server.address).greeted();
    server.stopper.stop();
    assert_eq!(idle.fatal().0, "57P01");
    open();
    for (mut raw, is_over) in clients.into_iter().zip([false, true]) {
        raw.expect(Opcode::RowDescription);
        raw.expect(Opcode::DataRow);
        raw.expect(Opcode::CommandComplete);
        if is_over {
            raw.expect(Opcode::Ready);
        }
        assert_eq!(raw.fatal().0, "57P01");
    }
    server.running.join().unwrap().unwrap();
}

#[test]
fn a_cancel_between_statements_ends_the_script() {
    let (server, is_reached, open) = held_back();
    let config = spg_wire::client::Config::new(server.address.as_str()).session("s");
    let mut client = Client::connect(config).unwrap();
    let running = std::thread::spawn(move || {
        let script = "SELECT 1; BEGIN; SELECT 'wait here'; CREATE TABLE t (id INT); COMMIT";
        (code(client.batch_execute(script)), client)
    });
    is_reached.recv_timeout(PATIENCE).unwrap();
    spg_wire::client::cancel_session(&server.address, "s").unwrap();
    open();
    let (canceled, mut client) = running.join().unwrap();
    assert_eq!(canceled, "57014");
    // Its block has failed, and nothing that came after was run.
    assert_eq!(code(client.batch_execute("SELECT 1")), "25P02");
    client.batch_execute("ROLLBACK").unwrap();
    assert_eq!(code(client.batch_execute("SELECT * FROM t")), "42P01");
    server.stop();
}
