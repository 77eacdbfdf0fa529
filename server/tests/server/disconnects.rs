//! Clients that vanish: inside a transaction, a wait, a statement, an answer, a copy. What they held is free at once.

use spg_wire::Opcode;

use crate::support::{
    Daemon, endless, figure, frame, number, query, wait_until, wait_until_running,
};

#[test]
fn inside_a_transaction() {
    let daemon = Daemon::start(&[]);
    let mut observer = daemon.client();
    observer.batch_execute("CREATE TABLE t (id INT)").unwrap();
    let before = daemon.holding();
    for _ in 0..20 {
        let mut raw = daemon.raw().greeted();
        raw.send(&query("BEGIN; INSERT INTO t VALUES (1); SAVEPOINT a; INSERT INTO t VALUES (2)"));
        raw.expect(Opcode::CommandComplete);
    }
    wait_until("their roots are gone", || figure(&mut observer, "live_roots") == 1);
    assert_eq!(number(&mut observer, "SELECT count(*) FROM t"), 0);
    daemon.wait_for_return(&before);
}

#[test]
fn inside_a_statement_even_with_frames_behind_it() {
    let daemon = Daemon::start(&[]);
    let mut observer = daemon.client();
    let endless = endless(&mut observer);
    let before = daemon.holding();
    for behind in [Vec::new(), query("SELECT 1").repeat(100)] {
        let mut raw = daemon.raw().greeted();
        raw.send(&query(endless));
        raw.send(&behind);
        wait_until_running(&mut observer, 1);
        drop(raw);
        wait_until("its root is gone", || figure(&mut observer, "live_roots") == 1);
    }
    daemon.wait_for_return(&before);
}

#[test]
fn inside_a_script_of_many_statements() {
    let daemon = Daemon::start(&[]);
    let mut observer = daemon.client();
    let endless = endless(&mut observer);
    let mut raw = daemon.raw().greeted();
    raw.send(&query(&format!("{endless}; ").repeat(50)));
    wait_until_running(&mut observer, 1);
    drop(raw);
    daemon.wait_for_connections(1);
    assert_eq!(figure(&mut observer, "live_roots"), 1);
}

#[test]
fn inside_an_answer_that_is_not_read() {
    let daemon = Daemon::start(&[]);
    let mut observer = daemon.client();
    endless(&mut observer);
    let before = daemon.holding();
    for _ in 0..10 {
        let mut raw = daemon.raw().greeted();
        raw.send(&query("SELECT a.n, b.n FROM numbers a, numbers b, numbers c"));
        raw.expect(Opcode::RowDescription);
        wait_until_running(&mut observer, 1);
        drop(raw);
        wait_until("its root is gone", || figure(&mut observer, "live_roots") == 1);
    }
    daemon.wait_for_return(&before);
}

#[test]
fn inside_a_copy() {
    let daemon = Daemon::start(&[]);
    let mut observer = daemon.client();
    observer.batch_execute("CREATE TABLE t (id INT)").unwrap();
    let before = daemon.holding();
    for _ in 0..10 {
        let mut raw = daemon.raw().greeted();
        let mut request = Vec::new();
        spg_wire::message::client::copy_in(&mut request, "t", &[]).unwrap();
        raw.send(&request);
        raw.expect(Opcode::CopyInReady);
        raw.send(&frame(Opcode::CopyData as u8, &[1, 0, 0, 0, 1, 0, 4, 0, 0, 0, 7, 0, 0, 0]));
    }
    wait_until("their roots are gone", || figure(&mut observer, "live_roots") == 1);
    assert_eq!(number(&mut observer, "SELECT count(*) FROM t"), 0);
    daemon.wait_for_return(&before);
}

#[test]
fn before_and_within_hello() {
    let daemon = Daemon::start(&[]);
    let before = daemon.holding();
    for bytes in [&[][..], &[23], &[23, 0, 0, 0], &[23, 0, 0, 0, 1, 0, 1]] {
        for _ in 0..10 {
            daemon.raw().send(bytes);
        }
    }
    daemon.wait_for_connections(0);
    daemon.wait_for_return(&before);
}
