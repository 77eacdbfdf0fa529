//! More connections than there may be, than there are descriptors, than there are threads; and many that do nothing.

use spg_wire::client::{Client, Error};
use spg_wire::message::client::{CopySource, copy_out};

use crate::support::{Daemon, Raw, code, figure, wait_until};

#[test]
fn connections_beyond_the_limit_are_refused_politely() {
    let daemon = Daemon::start(&["--max-connections", "5"]);
    let mut clients = Vec::new();
    wait_until("there are five connections", || {
        // The last one that looked whether the daemon is ready may still be leaving.
        clients.extend(Client::connect(daemon.address()));
        clients.len() == 5
    });
    let refused = figure(&mut clients[0], "connections_refused");
    let before = daemon.holding();
    for _ in 0..100 {
        let mut raw = daemon.raw();
        let (code, message) = raw.fatal();
        assert_eq!((code.as_str(), message.as_str()), ("53300", "sorry, too many clients already"));
    }
    assert_eq!(code(Client::connect(daemon.address())), "53300");
    assert_eq!(figure(&mut clients[0], "connections_refused"), refused + 101);
    clients.pop();
    wait_until("there is room again", || Client::connect(daemon.address()).is_ok());
    clients.pop();
    wait_until("only four are there", || figure(&mut clients[0], "connections") == 3);
    daemon.wait_for_return(&before);
}

/// Connects until that fails, and has others refused; all of them are served when there is room again.
fn exhaust(daemon: &Daemon) {
    let mut client = daemon.client();
    let before = daemon.holding();
    let mut clients = Vec::new();
    let refused = loop {
        match Client::connect(daemon.address()) {
            Ok(client) => clients.push(client),
            Err(error) => break error,
        }
        assert!(clients.len() < 1_000);
    };
    assert!(clients.len() > 3, "{refused}");
    // Who is refused may lose the reason, but not the others their connections.
    assert!(
        matches!(&refused, Error::Db(fields) if fields.code() == "53300")
            || refused.code().starts_with("08")
    );
    for _ in 0..10 {
        let _ = Client::connect(daemon.address());
        client.ping(1).unwrap();
    }
    assert!(figure(&mut client, "connections_refused") > 0);
    let served = clients.iter_mut().all(|client| client.ping(2).is_ok());
    assert!(served);
    drop(clients);
    wait_until("there is room again", || Client::connect(daemon.address()).is_ok());
    drop(client);
    daemon.wait_for_return(&before);
}

#[test]
fn without_descriptors_the_listener_goes_on() {
    exhaust(&Daemon::start_limited("ulimit -n 40", &[]));
}

#[test]
fn a_thousand_idle_connections_cost_little_and_hold_no_root() {
    let daemon = Daemon::start_limited("ulimit -n 4096", &[]);
    let mut witness = daemon.client();
    witness.batch_execute("CREATE TABLE t (id INT); INSERT INTO t VALUES (1)").unwrap();
    let before = daemon.holding();
    let mut idle = Vec::with_capacity(1_000);
    for _ in 0..1_000 {
        let mut raw: Raw = daemon.raw().greeted();
        raw.send(&crate::support::query("SELECT * FROM t"));
        raw.expect(spg_wire::Opcode::RowDescription);
        raw.expect(spg_wire::Opcode::DataRow);
        idle.push(raw);
    }
    witness.batch_execute("UPDATE t SET id = 2").unwrap();
    assert_eq!(figure(&mut witness, "connections"), 1_001);
    assert_eq!(figure(&mut witness, "live_roots"), 1);
    let now = daemon.holding();
    let each = now.memory_bytes.saturating_sub(before.memory_bytes) / 1_000;
    assert!(each < 64 << 10, "{each} bytes each: {before:?} {now:?}");
    drop(idle);
    daemon.wait_for_connections(1);
    daemon.wait_for_return(&before);
}

#[test]
fn a_row_that_is_too_long_costs_no_more_than_the_longest_that_is_not() {
    // All of the row would be 6 GB.
    let daemon = Daemon::start_limited("ulimit -v 3000000", &[]);
    let texts = vec!["t"; 100].join(", ");
    let select = format!("SELECT {texts} FROM (SELECT repeat('x', 60000000) AS t) AS s");
    let mut client = daemon.client();
    assert_eq!(code(client.batch_execute(&select)), "54000");
    assert_eq!(code(client.query(&select, &[])), "54000");
    let mut raw = daemon.raw().greeted();
    let mut out = Vec::new();
    copy_out(&mut out, CopySource::Query(&select)).unwrap();
    out.extend(crate::support::frame(spg_wire::Opcode::Sync as u8, &[]));
    raw.send(&out);
    raw.expect(spg_wire::Opcode::CopyOutReady);
    assert_eq!(raw.error().code(), "54000");
    raw.expect(spg_wire::Opcode::Ready);
}

#[test]
fn prepared_statements_of_a_connection_are_two_mebibytes_of_text() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.client();
    let text = format!("SELECT '{}'", "x".repeat(1_000_000));
    let kept = [client.prepare(&text).unwrap(), client.prepare(&text).unwrap()];
    assert_eq!(code(client.prepare(&text)), "54000");
    assert_eq!(client.query(&kept[1], &[]).unwrap().len(), 1);
}
