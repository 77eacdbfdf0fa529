//! Transactions, and running them again.

use std::time::Duration;

use spg_wire::client::{Client, Error, Retry, retry};
use spg_wire::message::TransactionStatus;
use spg_wire::{Severity, SqlState};

use crate::peer::{Peer, serve};

/// Answers commands until the client closes, and returns them; `commit` answers a COMMIT.
fn answer_commands(peer: &mut Peer, mut commit: impl FnMut(&mut Peer)) -> Vec<String> {
    let mut commands = Vec::new();
    while let Some((spg_wire::Opcode::Query, payload)) = peer.frame() {
        let command = String::from_utf8(payload[4..].to_vec()).unwrap();
        match command.as_str() {
            "COMMIT" => commit(peer),
            "FAIL" => peer.error(Severity::Error, "22012"),
            "DEADLOCK" => peer.error(Severity::Error, "40P01"),
            verb => peer.complete(verb, None),
        }
        peer.ready_with(match command.as_str() {
            "COMMIT" | "ROLLBACK" => TransactionStatus::Idle,
            "FAIL" | "DEADLOCK" => TransactionStatus::Failed,
            _ => TransactionStatus::Block,
        });
        commands.push(command);
    }
    commands
}

fn committed(peer: &mut Peer) {
    peer.complete("COMMIT", None);
}

fn quick(attempts_max: u32) -> Retry {
    let wait = Duration::from_micros(10);
    Retry { attempts_max, wait_first: wait, wait_max: wait }
}

#[test]
fn a_transaction_ends_with_its_value() {
    let server = serve(|peer| {
        let commands = answer_commands(peer, committed);
        let expected = [
            "BEGIN",
            "COMMIT",
            "BEGIN",
            "ROLLBACK",
            "BEGIN",
            "SAVEPOINT \"a\"\"b\"",
            "ROLLBACK TO SAVEPOINT \"a\"\"b\"",
            "RELEASE SAVEPOINT \"a\"\"b\"",
            "ROLLBACK",
        ];
        assert_eq!(commands, expected);
    });
    let mut client = Client::connect(&server.config).unwrap();
    client.transaction().unwrap().commit().unwrap();
    client.transaction().unwrap().rollback().unwrap();
    let mut transaction = client.transaction().unwrap();
    assert_eq!(transaction.transaction_status(), TransactionStatus::Block);
    transaction.savepoint("a\"b").unwrap();
    transaction.rollback_to("a\"b").unwrap();
    transaction.release("a\"b").unwrap();
    drop(transaction);
    drop(client);
    server.join();
}

#[test]
fn a_commit_that_rolled_back_is_an_error() {
    let server = serve(|peer| {
        answer_commands(peer, |peer| peer.complete("ROLLBACK", None));
    });
    let mut client = Client::connect(&server.config).unwrap();
    let mut transaction = client.transaction().unwrap();
    transaction.batch_execute("FAIL").unwrap_err();
    let error = transaction.commit().unwrap_err();
    assert!(matches!(error, Error::RolledBack));
    assert_eq!(error.sqlstate(), SqlState::IN_FAILED_TRANSACTION);
    drop(client);
    server.join();
}

#[test]
fn attempts_are_bounded() {
    let server = serve(|peer| {
        let commands = answer_commands(peer, |peer| peer.error(Severity::Error, "40001"));
        assert_eq!(commands, ["BEGIN", "work", "COMMIT"].repeat(4));
    });
    let mut client = Client::connect(&server.config).unwrap();
    let mut runs = 0;
    let result = retry(&mut client, quick(4), |transaction| {
        runs += 1;
        transaction.batch_execute("work")
    });
    assert_eq!((runs, result.unwrap_err().code().as_str()), (4, "40001"));
    drop(client);
    server.join();
}

#[test]
fn a_conflict_is_tried_again_and_its_value_returned() {
    let server = serve(|peer| {
        let mut conflicts = 2;
        let commands = answer_commands(peer, |peer| {
            if conflicts > 0 {
                conflicts -= 1;
                peer.error(Severity::Error, "40001");
            } else {
                peer.complete("COMMIT", None);
            }
        });
        assert_eq!(commands, ["BEGIN", "COMMIT"].repeat(3));
    });
    let mut client = Client::connect(&server.config).unwrap();
    let mut runs = 0;
    let result = retry(&mut client, quick(10), |_| {
        runs += 1;
        Ok(runs)
    });
    assert_eq!(result.unwrap(), 3);
    drop(client);
    server.join();
}

#[test]
fn deadlocks_are_tried_again_and_other_errors_are_not() {
    let server = serve(|peer| {
        let commands = answer_commands(peer, committed);
        let expected = [
            "BEGIN", "DEADLOCK", "ROLLBACK", "BEGIN", "DEADLOCK", "ROLLBACK", //
            "BEGIN", "FAIL", "ROLLBACK",
        ];
        assert_eq!(commands, expected);
    });
    let mut client = Client::connect(&server.config).unwrap();
    let result = retry(&mut client, quick(2), |transaction| transaction.batch_execute("DEADLOCK"));
    assert_eq!(result.unwrap_err().code(), "40P01");
    let result = retry(&mut client, quick(9), |transaction| transaction.batch_execute("FAIL"));
    assert_eq!(result.unwrap_err().code(), "22012");
    drop(client);
    server.join();
}
