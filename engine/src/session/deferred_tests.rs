//! Answers that are left behind: told once, in order, whoever leads, and however it goes.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use crate::session::{OnSettled, Rows, Session, Unsettled};
use crate::transaction::log::{CommitLog, Record};
use crate::{Database, Error, Options, Result, SqlState, Value};

/// A log that says which commits it is to write, and waits to be told how that goes.
#[derive(Debug)]
struct SteeredLog {
    arrived: Mutex<Sender<Vec<u64>>>,
    verdict: Mutex<Receiver<bool>>,
}

impl CommitLog for SteeredLog {
    fn write(&self, records: &[Record]) -> Result<()> {
        let commits = records.iter().map(|record| record.commit().0).collect();
        self.arrived.lock().unwrap().send(commits).unwrap();
        let fine = self.verdict.lock().unwrap().recv().unwrap();
        let failed = || Error::new(SqlState::TransactionResolutionUnknown, "the log failed");
        if fine { Ok(()) } else { Err(failed()) }
    }
}

/// Tells the test what became of a commit.
#[derive(Debug)]
struct Told(Unsettled, Sender<(u64, bool)>);

impl OnSettled for Told {
    fn settled(self: Box<Self>) {
        let commit = self.0.own_commit().unwrap().0;
        let result = self.0.result().expect("it is settled");
        assert!(
            result.as_ref().is_ok_and(|receipt| receipt.unwrap().commit.0 == commit)
                || result.is_err()
        );
        self.1.send((commit, result.is_ok())).unwrap();
    }
}

const SOON: Duration = Duration::from_secs(20);

/// Inserts a row, and leaves the answer behind.
fn insert_and_leave(session: &mut Session, id: u64, told: &Sender<(u64, bool)>) {
    session.defer_commits(true);
    session.execute(&format!("INSERT INTO t VALUES ({id})"), &[], &mut Rows::default()).unwrap();
    session.defer_commits(false);
    let unsettled = session.take_unsettled().expect("it is not durable yet");
    session.leave(&unsettled);
    let told = Told(unsettled.clone(), told.clone());
    session.settle_later(&unsettled, Box::new(told));
}

#[test]
fn what_is_left_behind_is_told_by_whoever_leads() {
    let (arrived_sender, arrived) = channel();
    let (verdict, verdict_receiver) = channel();
    let log =
        SteeredLog { arrived: Mutex::new(arrived_sender), verdict: Mutex::new(verdict_receiver) };
    let database =
        Database::open(Options { log: Some(Box::new(log)), ..Options::default() }).unwrap();
    verdict.send(true).unwrap();
    database
        .session()
        .execute("CREATE TABLE t (id INT PRIMARY KEY)", &[], &mut Rows::default())
        .unwrap();
    assert_eq!(arrived.recv_timeout(SOON).unwrap(), [1]);
    let (told, answers) = channel();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let log_thread = scope.spawn(|| database.heads().write_on(&stop));
        while !database.heads().has_log_thread() {
            std::thread::yield_now();
        }
        // Somebody leads, be it the committer or the log thread.
        let first = scope.spawn(|| insert_and_leave(&mut database.session(), 2, &told.clone()));
        assert_eq!(arrived.recv_timeout(SOON).unwrap(), [2]);
        // While it does, others go on at once, with answers that are not told yet.
        let mut sessions: Vec<Session> = (0..3).map(|_| database.session()).collect();
        for (session, id) in sessions.iter_mut().zip(3..) {
            insert_and_leave(session, id, &told);
        }
        assert!(answers.try_recv().is_err(), "nothing is told before it is durable");
        verdict.send(true).unwrap();
        assert_eq!(answers.recv_timeout(SOON).unwrap(), (2, true));
        first.join().unwrap();
        // Nobody sleeps who could lead: the log thread does.
        assert_eq!(arrived.recv_timeout(SOON).unwrap(), [3, 4, 5]);
        insert_and_leave(&mut sessions[0], 6, &told);
        verdict.send(true).unwrap();
        let order: Vec<_> = (0..3).map(|_| answers.recv_timeout(SOON).unwrap()).collect();
        assert_eq!(order, [(3, true), (4, true), (5, true)]);
        // A session that left its commit behind knows of it as soon as it looks.
        assert_eq!(arrived.recv_timeout(SOON).unwrap(), [6]);
        insert_and_leave(&mut sessions[1], 7, &told);
        verdict.send(false).unwrap();
        let order: Vec<_> = (0..2).map(|_| answers.recv_timeout(SOON).unwrap()).collect();
        assert_eq!(order, [(6, false), (7, false)], "what was built on a failed commit fails too");
        let mut rows = Rows::default();
        sessions[2].execute("SHOW spg.last_receipt", &[], &mut rows).unwrap();
        assert_eq!(rows.rows[0][0], Value::Text("5".into()));
        stop.store(true, Ordering::Release);
        log_thread.thread().unpark();
    });
    assert!(answers.try_recv().is_err(), "everybody is told once");
}
